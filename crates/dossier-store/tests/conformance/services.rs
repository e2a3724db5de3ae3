//! The catalogue.

use dossier_core::ServiceId;
use dossier_core::service::{Category, ServiceDetails};
use dossier_store::StoreError;

use super::Database;
use super::given::*;

pub async fn the_catalogue_is_ordered_by_name(database: &impl Database) {
    let store = &*database.store().await;
    assert!(store.services().await.unwrap().is_empty());
    services(store, &["b", "c", "a"]).await;
    let found = store.services().await.unwrap();
    let names: Vec<_> = found.iter().map(|s| s.details.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(found[0].details, details("a"));
    assert_eq!(found[0].suspended_at, None);
}

pub async fn names_are_unique(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    service(store, "b").await;
    for refused in [
        store.add_service(details("b")).await,
        store.update_service(a.id, details("b")).await,
    ] {
        assert!(matches!(
            refused,
            Err(StoreError::DuplicateService(taken)) if taken == name("b")
        ));
    }
    assert_eq!(store.services().await.unwrap().len(), 2);
}

pub async fn details_are_replaced_everywhere(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let id = pending(store, &["a"]).await;
    let new = ServiceDetails {
        name: name("renamed"),
        label: "Renamed".to_owned(),
        url: ServiceDetails::parse_url("https://x.example/base").unwrap(),
        enabled: false,
        template_migrated: true,
        category: Category::Other,
        rank: Some(7),
    };
    let updated = store.update_service(a.id, new.clone()).await.unwrap();
    assert_eq!(updated.id, a.id);
    assert_eq!(updated.details, new);
    assert_eq!(store.services().await.unwrap(), [updated]);
    let section = section(store, id, "renamed").await;
    assert_eq!(section.service_id, a.id);
    assert_eq!(section.service_label, new.label);
    assert_eq!(section.service_url, new.url);
    assert!(section.template_migrated);
    assert_eq!((section.category, section.rank), (new.category, new.rank));
}

pub async fn an_unknown_service_is_not_found(database: &impl Database) {
    let store = &*database.store().await;
    let id = ServiceId::generate();
    for refused in [
        store.update_service(id, details("a")).await,
        store.suspend_service(id, true).await,
        store.suspend_service(id, false).await,
    ] {
        assert!(matches!(refused, Err(StoreError::NotFound)));
    }
}

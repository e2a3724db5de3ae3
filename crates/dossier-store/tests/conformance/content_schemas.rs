//! A service has one JSON Schema, or none.

use dossier_core::schema::StoredSchema;
use dossier_core::{ServiceId, Sha256Hex};
use dossier_store::StoreError;

use super::Database;
use super::given::{completed, pending, section, service};

fn schema(digest: u8, content: &[u8]) -> StoredSchema {
    StoredSchema {
        sha256: Sha256Hex::from_digest(&[digest; 32]),
        content: content.to_vec(),
    }
}

pub async fn a_schema_is_kept_byte_for_byte_and_replaced(database: &impl Database) {
    let store = &*database.store().await;
    let (a, b) = (service(store, "a").await.id, service(store, "b").await.id);
    let first = schema(1, &[0xff, 0x00, b'\r', b'\n']);
    store.put_schema(a, &first).await.unwrap();
    assert_eq!(store.schema(a).await.unwrap(), first);
    let second = schema(2, b"{}");
    store.put_schema(a, &second).await.unwrap();
    assert_eq!(store.schema(a).await.unwrap(), second);
    let none = store.schema(b).await;
    assert!(matches!(none, Err(StoreError::NotFound)), "{none:?}");
}

pub async fn a_removed_schema_is_gone(database: &impl Database) {
    let store = &*database.store().await;
    let (a, b) = (service(store, "a").await.id, service(store, "b").await.id);
    for service in [a, b] {
        store.put_schema(service, &schema(1, b"{}")).await.unwrap();
    }
    store.remove_schema(a).await.unwrap();
    let gone = store.schema(a).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    let again = store.remove_schema(a).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
    assert_eq!(store.schema(b).await.unwrap(), schema(1, b"{}"));
}

pub async fn an_unknown_service_has_no_schema(database: &impl Database) {
    let store = &*database.store().await;
    let unknown = ServiceId::generate();
    for answer in [
        store.put_schema(unknown, &schema(1, b"{}")).await,
        store.schema(unknown).await.map(drop),
        store.remove_schema(unknown).await,
    ] {
        assert!(matches!(answer, Err(StoreError::NotFound)), "{answer:?}");
    }
}

pub async fn a_section_says_which_schema_its_service_has_now(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await.id;
    service(store, "b").await;
    let id = pending(store, &["a", "b"]).await;
    assert_eq!(section(store, id, "a").await.schema_sha256, None);
    let first = schema(1, b"{}");
    store.put_schema(a, &first).await.unwrap();
    assert_eq!(
        section(store, id, "a").await.schema_sha256,
        Some(first.sha256)
    );
    assert_eq!(section(store, id, "b").await.schema_sha256, None);
    completed(store, id).await;
    store.remove_schema(a).await.unwrap();
    assert_eq!(section(store, id, "a").await.schema_sha256, None);
}

//! What becomes of sections.

use dossier_core::lease::LeaseRefusal;
use dossier_core::section::{Held, SectionOutcome, SectionStatus, TemplateVersion};
use dossier_store::StoreError;

use super::Database;
use super::given::*;

pub async fn a_collected_section_is_kept_for_later_attempts(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let id = pending(store, &["a", "b"]).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    record(store, id, token, "b", nothing_held()).await;
    failed(store, id, token).await;
    let request = claimed(store, id).await.request;
    let (a, b) = (&request.sections[0], &request.sections[1]);
    assert_eq!(a.status, SectionStatus::Complete);
    assert_eq!(a.held, Some(Held::Data));
    assert_eq!(a.kept, Some(answer(token, "a")));
    assert_eq!(a.template_version, Some(TemplateVersion::Version(3)));
    assert!(a.rendered_at >= Some(request.requested_at));
    assert_eq!(a.bytes, 1234);
    assert_eq!(b.held, Some(Held::NoData));
    assert_eq!(b.kept, None);
    assert_eq!(b.template_version, Some(TemplateVersion::Generic));
}

pub async fn a_complete_section_is_never_changed_back(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    let before = section(store, id, "a").await;
    a_moment().await;
    for later in [
        collected(token, "a"),
        nothing_held(),
        errored("late"),
        SectionOutcome::Progress { bytes: 1, tries: 9 },
    ] {
        record(store, id, token, "a", later).await;
        assert_eq!(section(store, id, "a").await, before);
    }
}

pub async fn progress_and_failure_are_shown(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    let progress = SectionOutcome::Progress {
        bytes: 5_000_000_000,
        tries: 2,
    };
    record(store, id, token, "a", progress).await;
    let a = section(store, id, "a").await;
    assert_eq!(a.status, SectionStatus::Pending);
    assert_eq!((a.bytes, a.tries), (5_000_000_000, 2));
    record(store, id, token, "a", errored("answered 500")).await;
    let a = section(store, id, "a").await;
    assert_eq!(a.status, SectionStatus::Errored);
    assert_eq!(a.error.as_deref(), Some("answered 500"));
    assert_eq!(a.tries, 3);
    record(store, id, token, "a", nothing_held()).await;
    let a = section(store, id, "a").await;
    assert_eq!(a.status, SectionStatus::Complete);
    assert_eq!(a.error, None);
}

pub async fn a_section_that_the_request_does_not_have_is_refused(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["b"]).await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    for service in ["b", "nobody"] {
        let refused = store
            .record_section(id, token, &name(service), &nothing_held())
            .await;
        assert!(matches!(
            refused,
            Err(StoreError::Lease(LeaseRefusal::UnknownSection))
        ));
    }
}

//! Requests: made, found, duplicated, restarted, cancelled, downloaded.

use dossier_core::RequestId;
use dossier_core::lease::{ClaimRefusal, LeaseRefusal};
use dossier_core::request::{ErrorCode, RequestStatus};
use dossier_core::section::SectionStatus;
use dossier_core::service::Category;
use dossier_store::StoreError;

use super::Database;
use super::given::*;

pub async fn a_new_request_is_pending_with_a_section_for_each_service(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b", "not-asked"]).await;
    let new = new_request(&["b", "a"]);
    let created = store.create_request(new.clone()).await.unwrap();
    assert!(!created.repeated);
    let request = found(store, created.id).await;
    assert_eq!(request.status, RequestStatus::Pending);
    assert_eq!(request.date_from, new.date_from);
    assert_eq!(request.date_to, new.date_to);
    assert_eq!(request.case_reference, new.case_reference);
    assert_eq!(request.subject, new.subject);
    assert_eq!(request.subject_name, new.subject_name);
    assert_eq!(request.requested_by, new.requested_by);
    assert_eq!(request.attempts, 0);
    assert_eq!(request.clock_started_at, request.requested_at);
    assert!(request.due_at <= request.requested_at);
    assert_eq!(request.lease_expires_at, None);
    let sections: Vec<_> = request
        .sections
        .iter()
        .map(|s| (s.service_name.as_str(), s.status))
        .collect();
    assert_eq!(
        sections,
        [("a", SectionStatus::Pending), ("b", SectionStatus::Pending)]
    );
}

pub async fn sections_come_in_report_order(database: &impl Database) {
    let store = &*database.store().await;
    for (service, category, rank) in [
        ("a", Category::Other, None),
        ("b", Category::Probation, None),
        ("c", Category::Prison, None),
        ("d", Category::Other, Some(2)),
        ("e", Category::Other, Some(1)),
    ] {
        let mut details = details(service);
        (details.category, details.rank) = (category, rank);
        store.add_service(details).await.unwrap();
    }
    let id = pending(store, &["a", "b", "c", "d", "e"]).await;
    let order: Vec<_> = found(store, id)
        .await
        .sections
        .into_iter()
        .map(|s| s.service_name.to_string())
        .collect();
    assert_eq!(order, ["e", "d", "c", "b", "a"]);
}

pub async fn unknown_and_disabled_services_are_refused(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let mut disabled = details("b");
    disabled.enabled = false;
    store.add_service(disabled).await.unwrap();
    let refused = store.create_request(new_request(&["a", "b", "c"])).await;
    let Err(StoreError::UnknownServices(names)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(names, [name("b"), name("c")]);
    assert!(listed(store, &filter()).await.is_empty());
}

pub async fn an_unknown_request_is_none(database: &impl Database) {
    let store = &*database.store().await;
    let id = RequestId::generate();
    assert_eq!(store.request(id).await.unwrap(), None);
    for outcome in [
        store.duplicate_request(id, "x").await.map(|_| ()),
        store.restart_request(id).await.map(|_| ()),
        store.cancel_request(id, "x").await.map(|_| ()),
        store.record_download(id).await,
        store.archive_request(id).await,
    ] {
        assert!(matches!(outcome, Err(StoreError::NotFound)), "{outcome:?}");
    }
}

pub async fn a_duplicate_repeats_the_details_and_starts_anew(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    store
        .complete(id, token, &report(token), 3, &[])
        .await
        .unwrap();
    let original = found(store, id).await;
    let duplicate = store.duplicate_request(id, "support").await.unwrap();
    assert_ne!(duplicate.id, id);
    assert_eq!(duplicate.status, RequestStatus::Pending);
    assert_eq!(duplicate.requested_by, "support");
    assert_eq!(duplicate.case_reference, original.case_reference);
    assert_eq!(duplicate.subject, original.subject);
    assert_eq!(duplicate.subject_name, original.subject_name);
    assert_eq!(duplicate.date_from, original.date_from);
    assert_eq!(duplicate.date_to, original.date_to);
    assert_eq!(duplicate.attempts, 0);
    assert_eq!(duplicate.document, None);
    assert_eq!(duplicate.sections.len(), 1);
    assert_eq!(duplicate.sections[0].status, SectionStatus::Pending);
    assert_eq!(found(store, duplicate.id).await, duplicate);
    assert_eq!(found(store, id).await, original);
}

pub async fn a_duplicate_with_a_disabled_service_is_refused(database: &impl Database) {
    let store = &*database.store().await;
    let service = service(store, "a").await;
    let id = pending(store, &["a"]).await;
    let mut disabled = details("a");
    disabled.enabled = false;
    store.update_service(service.id, disabled).await.unwrap();
    let refused = store.duplicate_request(id, "support").await;
    assert!(matches!(refused, Err(StoreError::UnknownServices(_))));
}

pub async fn a_restart_begins_anew_and_keeps_collected_sections(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let id = pending(store, &["a", "b"]).await;
    let before = found(store, id).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    record(store, id, token, "b", errored("500")).await;
    store.cancel_request(id, "by mistake").await.unwrap();
    a_moment().await;
    let restarted = store.restart_request(id).await.unwrap();
    assert_eq!(restarted.status, RequestStatus::Pending);
    assert_eq!(restarted.attempts, 0);
    assert_eq!(restarted.error_code, None);
    assert_eq!(restarted.requested_at, before.requested_at);
    assert!(restarted.clock_started_at > before.clock_started_at);
    let a = section(store, id, "a").await;
    assert_eq!(a.status, SectionStatus::Complete);
    assert_eq!(a.kept, Some(answer(token, "a")));
    let b = section(store, id, "b").await;
    assert_eq!(b.status, SectionStatus::Pending);
    assert_eq!(claimed(store, id).await.attempt, 1);
}

pub async fn only_an_errored_request_is_restarted(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    for status in [RequestStatus::Pending, RequestStatus::Completed] {
        if status == RequestStatus::Completed {
            completed(store, id).await;
        }
        let before = found(store, id).await;
        let refused = store.restart_request(id).await;
        assert!(matches!(refused, Err(StoreError::WrongStatus(s)) if s == status));
        assert_eq!(found(store, id).await, before);
    }
}

pub async fn a_cancelled_request_is_errored_and_its_lease_is_lost(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    let cancelled = store.cancel_request(id, "withdrawn").await.unwrap();
    assert_eq!(cancelled.status, RequestStatus::Errored);
    assert_eq!(cancelled.error_code, Some(ErrorCode::Cancelled));
    assert_eq!(cancelled.error_detail.as_deref(), Some("withdrawn"));
    assert_eq!(cancelled.lease_expires_at, None);
    let refused = store.complete(id, token, &report(token), 1, &[]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Lease(LeaseRefusal::Finished))
    ));
    let refused = store.claim(id, "w", &rules()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::Errored))
    ));
    // A token of before a restart stays worthless.
    store.restart_request(id).await.unwrap();
    let refused = store.renew(id, token, &rules()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Lease(LeaseRefusal::Lost))
    ));
}

pub async fn only_a_pending_request_is_cancelled(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    completed(store, id).await;
    let before = found(store, id).await;
    let refused = store.cancel_request(id, "too late").await;
    assert!(matches!(
        refused,
        Err(StoreError::WrongStatus(RequestStatus::Completed))
    ));
    assert_eq!(found(store, id).await, before);
}

pub async fn only_a_completed_request_is_downloaded(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let refused = store.record_download(id).await;
    assert!(matches!(
        refused,
        Err(StoreError::WrongStatus(RequestStatus::Pending))
    ));
    completed(store, id).await;
    store.record_download(id).await.unwrap();
    let request = found(store, id).await;
    assert!(request.last_downloaded_at >= request.completed_at);
}

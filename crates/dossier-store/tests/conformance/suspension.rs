//! Suspended services, and the requests that wait for them.

use dossier_core::lease::{ClaimRefusal, ReleaseReason};
use dossier_core::section::SectionStatus;
use dossier_store::{Store, StoreError};
use std::time::Duration;

use super::Database;
use super::given::*;

async fn waits(store: &dyn Store, id: dossier_core::RequestId) -> bool {
    let claim = store.claim(id, "w", &lost_at_once()).await;
    matches!(
        claim,
        Err(StoreError::Claim(ClaimRefusal::WaitingForSuspended))
    )
}

pub async fn sections_of_a_suspended_service_wait(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let id = pending(store, &["a"]).await;
    let suspended = store.suspend_service(a.id, true).await.unwrap();
    assert!(suspended.suspended_at.is_some());
    a_moment().await;
    let again = store.suspend_service(a.id, true).await.unwrap();
    assert_eq!(again, suspended, "since the first time");
    assert_eq!(store.services().await.unwrap(), [suspended]);
    assert_eq!(
        section(store, id, "a").await.status,
        SectionStatus::Suspended
    );
    assert!(waits(store, id).await);
    assert!(
        store
            .claim_oldest(9, "w", &rules())
            .await
            .unwrap()
            .is_empty()
    );
    let resumed = store.suspend_service(a.id, false).await.unwrap();
    assert_eq!(resumed.suspended_at, None);
    assert_eq!(section(store, id, "a").await.status, SectionStatus::Pending);
    assert_eq!(store.claim_oldest(9, "w", &rules()).await.unwrap().len(), 1);
}

pub async fn a_request_with_something_else_to_collect_does_not_wait(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    service(store, "b").await;
    let id = pending(store, &["a", "b"]).await;
    store.suspend_service(a.id, true).await.unwrap();
    let token = claimed(store, id).await.token;
    assert_eq!(
        section(store, id, "a").await.status,
        SectionStatus::Suspended
    );
    record(store, id, token, "b", nothing_held()).await;
    let reason = ReleaseReason::WaitingForSuspended;
    store
        .release(id, token, &reason, Duration::ZERO, &rules())
        .await
        .unwrap();
    assert!(waits(store, id).await);
}

pub async fn a_new_request_of_a_suspended_service_waits(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    store.suspend_service(a.id, true).await.unwrap();
    let id = pending(store, &["a"]).await;
    assert!(waits(store, id).await);
    let duplicate = store.duplicate_request(id, "support").await.unwrap();
    assert!(waits(store, duplicate.id).await);
}

pub async fn resuming_makes_those_that_waited_due_and_restarts_their_clock(
    database: &impl Database,
) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    service(store, "b").await;
    let waited = pending(store, &["a", "b"]).await;
    let token = claimed(store, waited).await.token;
    store.suspend_service(a.id, true).await.unwrap();
    record(store, waited, token, "b", nothing_held()).await;
    let hour = Duration::from_secs(3600);
    let reason = ReleaseReason::WaitingForSuspended;
    store
        .release(waited, token, &reason, hour, &rules())
        .await
        .unwrap();
    let had_more_to_do = pending(store, &["a", "b"]).await;
    let before = (
        found(store, waited).await,
        found(store, had_more_to_do).await,
    );
    a_moment().await;
    store.suspend_service(a.id, false).await.unwrap();
    let after = (
        found(store, waited).await,
        found(store, had_more_to_do).await,
    );
    assert!(after.0.clock_started_at > before.0.clock_started_at);
    assert_eq!(after.0.due_at, after.0.clock_started_at);
    assert_eq!(after.0.requested_at, before.0.requested_at);
    assert_eq!(after.1.clock_started_at, before.1.clock_started_at);
    assert_eq!(claimed(store, waited).await.attempt, 1);
}

pub async fn a_restart_follows_what_was_suspended_and_resumed_meanwhile(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let b = service(store, "b").await;
    let id = pending(store, &["a", "b"]).await;
    store.suspend_service(a.id, true).await.unwrap();
    store.cancel_request(id, "x").await.unwrap();
    store.suspend_service(a.id, false).await.unwrap();
    store.suspend_service(b.id, true).await.unwrap();
    let restarted = store.restart_request(id).await.unwrap();
    let statuses: Vec<_> = restarted.sections.iter().map(|s| s.status).collect();
    assert_eq!(statuses, [SectionStatus::Pending, SectionStatus::Suspended]);
}

pub async fn an_answer_that_arrives_after_suspension_counts(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let id = pending(store, &["a"]).await;
    let token = claimed(store, id).await.token;
    store.suspend_service(a.id, true).await.unwrap();
    record(store, id, token, "a", errored("gone")).await;
    let suspended = section(store, id, "a").await;
    assert_eq!(suspended.status, SectionStatus::Suspended);
    assert_eq!(suspended.error.as_deref(), Some("gone"));
    record(store, id, token, "a", collected(token, "a")).await;
    assert_eq!(
        section(store, id, "a").await.status,
        SectionStatus::Complete
    );
}

pub async fn a_collected_section_is_not_suspended(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let id = pending(store, &["a"]).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", nothing_held()).await;
    store.suspend_service(a.id, true).await.unwrap();
    assert_eq!(
        section(store, id, "a").await.status,
        SectionStatus::Complete
    );
    store
        .complete(id, token, &report(token), 1, &[])
        .await
        .unwrap();
}

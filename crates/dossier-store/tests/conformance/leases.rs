//! What the holder of a lease may do, and nobody else.

use std::time::Duration;

use dossier_core::lease::{LeaseRefusal, LeaseRules, ReleaseReason};
use dossier_core::request::{ErrorCode, RequestStatus};
use dossier_core::{DocumentId, KeptDocument, LeaseToken, RequestId};
use dossier_store::{Store, StoreError};

use super::Database;
use super::given::*;

/// Tries every write that needs a lease, and expects this refusal and no change.
async fn refused(store: &dyn Store, id: RequestId, token: LeaseToken, expected: LeaseRefusal) {
    let before = store.request(id).await.unwrap();
    let failure = ReleaseReason::Failed("x".to_owned());
    let moment = Duration::ZERO;
    let outcomes = [
        store.renew(id, token, &rules()).await.map(|_| ()),
        store
            .release(id, token, &failure, moment, &rules())
            .await
            .map(|_| ()),
        store
            .release(id, token, &ReleaseReason::ShuttingDown, moment, &rules())
            .await
            .map(|_| ()),
        store
            .record_section(id, token, &name("a"), &collected(token, "a"))
            .await,
        store
            .record_section(id, token, &name("a"), &errored("x"))
            .await,
        store.complete(id, token, &report(token), 1, &[]).await,
    ];
    for outcome in outcomes {
        assert!(
            matches!(outcome, Err(StoreError::Lease(refusal)) if refusal == expected),
            "{outcome:?} instead of {expected:?}"
        );
    }
    assert_eq!(store.request(id).await.unwrap(), before, "nothing changed");
}

pub async fn a_renewed_lease_holds_for_one_more_period(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let claim = claimed(store, id).await;
    let longer = LeaseRules {
        lock_period: Duration::from_secs(600),
        ..rules()
    };
    a_moment().await;
    let until = store.renew(id, claim.token, &longer).await.unwrap();
    assert!(until.as_millisecond() - claim.expires_at.as_millisecond() > 540_000);
    let request = found(store, id).await;
    assert_eq!(request.lease_expires_at, Some(until));
    assert_eq!(request.claimed_at, claim.request.claimed_at);
    assert_eq!(request.attempts, 1);
}

pub async fn an_expired_lease_is_lost_even_if_nobody_took_it_over(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed_and_lost(store, id).await.token;
    refused(store, id, token, LeaseRefusal::Lost).await;

    // By the clock, too.
    let short = LeaseRules {
        lock_period: Duration::from_millis(150),
        ..rules()
    };
    let token = store.claim(id, "w", &short).await.unwrap().token;
    store.renew(id, token, &short).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    refused(store, id, token, LeaseRefusal::Lost).await;
}

pub async fn a_token_that_is_not_the_current_lease_changes_nothing(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let id = pending(store, &["a"]).await;
    refused(store, id, LeaseToken::generate(), LeaseRefusal::Lost).await;
    let stale = claimed_and_lost(store, id).await.token;
    let current = claimed(store, id).await.token;
    refused(store, id, stale, LeaseRefusal::Lost).await;
    let other = pending(store, &["a"]).await;
    let of_other = claimed(store, other).await.token;
    refused(store, id, of_other, LeaseRefusal::Lost).await;
    failed(store, id, current).await;
    refused(store, id, current, LeaseRefusal::Lost).await;
}

pub async fn a_failed_attempt_is_due_again_later(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let claim = claimed(store, id).await;
    let reason = ReleaseReason::Failed("upstream said 500".to_owned());
    let minute = Duration::from_secs(60);
    let released = store
        .release(id, claim.token, &reason, minute, &rules())
        .await
        .unwrap();
    assert_eq!(released.status, RequestStatus::Pending);
    assert_eq!(released.attempts, 1);
    assert_eq!(released.lease_expires_at, None);
    assert_eq!(released.error_code, None);
    assert_eq!(released.error_detail.as_deref(), Some("upstream said 500"));
    let claimed_at = claim.request.claimed_at.unwrap();
    assert!(released.due_at.as_millisecond() - claimed_at.as_millisecond() >= 60_000);
    assert_eq!(found(store, id).await, released);
}

pub async fn a_handed_back_attempt_does_not_count(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    for reason in [
        ReleaseReason::ShuttingDown,
        ReleaseReason::WaitingForSuspended,
    ] {
        let claim = store.claim(id, "w", &attempts_max(1)).await.unwrap();
        assert_eq!(claim.attempt, 1);
        let released = store
            .release(id, claim.token, &reason, Duration::ZERO, &attempts_max(1))
            .await
            .unwrap();
        assert_eq!(released.status, RequestStatus::Pending);
        assert_eq!(released.attempts, 0);
        assert_eq!(released.error_detail, None);
    }
}

pub async fn the_last_failed_attempt_makes_the_request_errored(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    for (attempt, status) in [(1, RequestStatus::Pending), (2, RequestStatus::Errored)] {
        let claim = store.claim(id, "w", &attempts_max(2)).await.unwrap();
        assert_eq!(claim.attempt, attempt);
        let reason = ReleaseReason::Failed(format!("failure {attempt}"));
        let released = store
            .release(id, claim.token, &reason, Duration::ZERO, &attempts_max(2))
            .await
            .unwrap();
        assert_eq!(released.status, status);
        assert_eq!(released.error_detail, Some(format!("failure {attempt}")));
    }
    let request = found(store, id).await;
    assert_eq!(request.error_code, Some(ErrorCode::AttemptsExhausted));
    assert_eq!(request.completed_at, None);
}

pub async fn a_completed_request_keeps_its_report_for_good(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let lost = claimed_and_lost(store, id).await.token;
    let token = claimed(store, id).await.token;
    failed(store, id, token).await;
    let token = completed(store, id).await;
    let request = found(store, id).await;
    assert_eq!(request.status, RequestStatus::Completed);
    assert_eq!(request.document, Some(report(token)));
    assert_eq!(request.pages, Some(3));
    assert!(request.completed_at >= request.claimed_at);
    assert_eq!(request.lease_expires_at, None);
    assert_eq!(request.error_detail, None);
    refused(store, id, lost, LeaseRefusal::Finished).await;
    let renewed = store.renew(id, token, &rules()).await;
    assert!(matches!(
        renewed,
        Err(StoreError::Lease(LeaseRefusal::Finished))
    ));
}

pub async fn a_request_is_not_completed_before_every_section_is(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b", "c"]).await;
    let id = pending(store, &["a", "b", "c"]).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    record(store, id, token, "b", errored("down")).await;
    for _ in ["b errored and c pending", "b errored"] {
        let before = found(store, id).await;
        let refused = store.complete(id, token, &report(token), 1, &[]).await;
        assert!(
            matches!(refused, Err(StoreError::Lease(LeaseRefusal::Uncollected))),
            "{refused:?}"
        );
        assert_eq!(found(store, id).await, before, "nothing changed");
        record(store, id, token, "c", nothing_held()).await;
    }
    record(store, id, token, "b", nothing_held()).await;
    store
        .complete(id, token, &report(token), 1, &[])
        .await
        .unwrap();
}

pub async fn completing_again_with_the_same_token_and_document_succeeds(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = completed(store, id).await;
    let before = found(store, id).await;
    a_moment().await;
    store
        .complete(id, token, &report(token), 3, &[])
        .await
        .unwrap();
    assert_eq!(found(store, id).await, before);
    let other = KeptDocument {
        id: DocumentId::generate(),
        ..report(token)
    };
    let refused = store.complete(id, token, &other, 3, &[]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Lease(LeaseRefusal::Finished))
    ));
    let stranger = LeaseToken::generate();
    let refused = store.complete(id, stranger, &report(token), 3, &[]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Lease(LeaseRefusal::Finished))
    ));
    assert_eq!(found(store, id).await, before);
}

pub async fn writes_to_an_unknown_request_are_refused(database: &impl Database) {
    let store = &*database.store().await;
    let (id, token) = (RequestId::generate(), LeaseToken::generate());
    refused(store, id, token, LeaseRefusal::Unknown).await;
}

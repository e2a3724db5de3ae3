//! Who may take a lease.

use std::time::Duration;

use dossier_core::RequestId;
use dossier_core::lease::{ClaimRefusal, LeaseRefusal, ReleaseReason};
use dossier_core::section::{SectionOutcome, SectionStatus};
use dossier_store::StoreError;

use super::Database;
use super::given::*;

pub async fn a_claim_says_who_holds_what_until_when(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let claim = claimed(store, id).await;
    assert_eq!(claim.attempt, 1);
    assert_eq!(claim.request, found(store, id).await);
    assert_eq!(claim.request.attempts, 1);
    assert_eq!(claim.request.lease_expires_at, Some(claim.expires_at));
    let claimed_at = claim.request.claimed_at.unwrap();
    assert_eq!(
        claim.expires_at.as_millisecond() - claimed_at.as_millisecond(),
        60_000
    );
    assert!(claimed_at >= claim.request.requested_at);
}

pub async fn a_second_worker_cannot_take_a_live_lease(database: &impl Database) {
    let (one, other) = (database.store().await, database.store().await);
    let id = pending_of_a(&*one).await;
    let claim = claimed(&*one, id).await;
    let refused = other.claim(id, "second", &rules()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::Locked(until))) if until == claim.expires_at
    ));
    assert!(
        other
            .claim_oldest(10, "second", &rules())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(found(&*one, id).await, claim.request);
}

pub async fn a_lease_that_expired_is_taken_over(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let first = claimed_and_lost(store, id).await;
    assert_eq!(found(store, id).await.lease_expires_at, None);
    let second = store.claim(id, "second", &lost_at_once()).await.unwrap();
    assert_eq!(second.attempt, 2);
    let third = store.claim_oldest(5, "third", &rules()).await.unwrap();
    assert_eq!(third.len(), 1);
    assert_eq!(third[0].attempt, 3);
    for stale in [first.token, second.token] {
        assert_ne!(stale, third[0].token);
        let refused = store.renew(id, stale, &rules()).await;
        assert!(matches!(
            refused,
            Err(StoreError::Lease(LeaseRefusal::Lost))
        ));
    }
    store.renew(id, third[0].token, &rules()).await.unwrap();
}

pub async fn the_oldest_are_claimed_first_up_to_the_number_asked_for(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(pending(store, &["a", "b"]).await);
        a_moment().await;
    }
    assert!(
        store
            .claim_oldest(0, "w", &rules())
            .await
            .unwrap()
            .is_empty()
    );
    let mut taken = Vec::new();
    for expected in [2, 2, 1, 0] {
        let claims = store.claim_oldest(2, "w", &rules()).await.unwrap();
        assert_eq!(claims.len(), expected);
        for claim in claims {
            assert_eq!(claim.attempt, 1);
            assert_eq!(claim.request, found(store, claim.request.id).await);
            store
                .renew(claim.request.id, claim.token, &rules())
                .await
                .unwrap();
            taken.push(claim.request.id);
        }
    }
    assert_eq!(taken, made);
}

pub async fn a_request_is_not_claimed_before_it_is_due(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    let hour = Duration::from_secs(3600);
    let released = store
        .release(id, token, &ReleaseReason::ShuttingDown, hour, &rules())
        .await
        .unwrap();
    let refused = store.claim(id, "w", &rules()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::NotDue(due))) if due == released.due_at
    ));
    assert!(
        store
            .claim_oldest(1, "w", &rules())
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn a_finished_request_is_not_claimed(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let done = pending(store, &["a"]).await;
    completed(store, done).await;
    let refused = store.claim(done, "w", &rules()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::Completed))
    ));
    let errored = pending(store, &["a"]).await;
    store.cancel_request(errored, "x").await.unwrap();
    let refused = store.claim(errored, "w", &rules()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::Errored))
    ));
    assert!(
        store
            .claim_oldest(9, "w", &rules())
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn an_unknown_request_is_not_claimed(database: &impl Database) {
    let store = &*database.store().await;
    let refused = store.claim(RequestId::generate(), "w", &rules()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::Unknown))
    ));
}

pub async fn a_request_without_attempts_left_is_not_claimed(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    claimed_and_lost(store, id).await;
    claimed_and_lost(store, id).await;
    let refused = store.claim(id, "w", &attempts_max(2)).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::AttemptsExhausted))
    ));
    assert!(
        store
            .claim_oldest(9, "w", &attempts_max(2))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(found(store, id).await.attempts, 2);
    assert_eq!(
        store
            .claim_oldest(9, "w", &attempts_max(3))
            .await
            .unwrap()
            .len(),
        1
    );
}

pub async fn a_request_that_is_too_old_is_not_claimed(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    a_moment().await;
    let refused = store.claim(id, "w", &too_old_at_once()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::TooOld))
    ));
    assert!(
        store
            .claim_oldest(9, "w", &too_old_at_once())
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn a_claim_starts_uncollected_sections_anew(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b", "c"]).await;
    let id = pending(store, &["a", "b", "c"]).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    record(store, id, token, "b", errored("500")).await;
    let progress = SectionOutcome::Progress { bytes: 9, tries: 2 };
    record(store, id, token, "c", progress).await;
    failed(store, id, token).await;
    assert_eq!(section(store, id, "b").await.status, SectionStatus::Errored);
    let again = claimed(store, id).await.request;
    let sections: Vec<_> = again.sections.iter().map(|s| (s.status, s.tries)).collect();
    assert_eq!(
        sections,
        [
            (SectionStatus::Complete, 2),
            (SectionStatus::Pending, 0),
            (SectionStatus::Pending, 0)
        ]
    );
}

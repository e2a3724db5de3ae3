//! Requests whose attempts or age run out.

use dossier_core::lease::{ClaimRefusal, ReleaseReason};
use dossier_core::request::{ErrorCode, RequestStatus};
use dossier_store::StoreError;
use std::time::Duration;

use super::Database;
use super::given::*;

pub async fn attempts_that_ran_out_make_a_request_errored(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    failed(store, id, token).await;
    let last = claimed_and_lost(store, id).await.token;
    assert!(
        store
            .expire_requests(&attempts_max(3))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.expire_requests(&attempts_max(2)).await.unwrap(), [id]);
    let request = found(store, id).await;
    assert_eq!(request.status, RequestStatus::Errored);
    assert_eq!(request.error_code, Some(ErrorCode::AttemptsExhausted));
    assert!(request.error_detail.is_some());
    assert!(
        store
            .complete(id, last, &report(last), 1, &[])
            .await
            .is_err()
    );
    assert!(
        store
            .expire_requests(&attempts_max(2))
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn an_age_that_ran_out_makes_a_request_errored_unless_somebody_works_on_it(
    database: &impl Database,
) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let idle = pending(store, &["a"]).await;
    let worked_on = pending(store, &["a"]).await;
    let token = claimed(store, worked_on).await.token;
    a_moment().await;
    let expired = store.expire_requests(&too_old_at_once()).await.unwrap();
    assert_eq!(expired, [idle]);
    assert_eq!(found(store, idle).await.error_code, Some(ErrorCode::TooOld));
    finished(store, worked_on, token).await;
    store.restart_request(idle).await.unwrap();
    assert_eq!(claimed(store, idle).await.attempt, 1, "a new clock");
}

pub async fn waiting_for_a_suspended_service_does_not_age(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let id = pending(store, &["a"]).await;
    store.suspend_service(a.id, true).await.unwrap();
    a_moment().await;
    assert!(
        store
            .expire_requests(&too_old_at_once())
            .await
            .unwrap()
            .is_empty()
    );
    let refused = store.claim(id, "w", &too_old_at_once()).await;
    assert!(matches!(
        refused,
        Err(StoreError::Claim(ClaimRefusal::WaitingForSuspended))
    ));
    store.suspend_service(a.id, false).await.unwrap();
    a_moment().await;
    assert_eq!(
        store.expire_requests(&too_old_at_once()).await.unwrap(),
        [id]
    );
}

pub async fn what_has_attempts_and_time_left_stays(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    pending(store, &["a"]).await;
    let later = pending(store, &["a"]).await;
    let token = claimed(store, later).await.token;
    let hour = Duration::from_secs(3600);
    store
        .release(later, token, &ReleaseReason::ShuttingDown, hour, &rules())
        .await
        .unwrap();
    assert!(store.expire_requests(&rules()).await.unwrap().is_empty());
}

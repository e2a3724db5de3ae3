//! Stopping: no more claims, then a grace period, then leases are given back.

use std::time::{Duration, Instant};

use dossier_core::wire::ReleaseKind;

use crate::harness::World;

#[tokio::test]
async fn a_running_attempt_may_end_within_the_grace_period() {
    let world = World::new().await;
    world.upstream.slow("s", Duration::from_millis(400));
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    worker.stop().await;
    assert_eq!(world.api.inner().requests[0].completed.len(), 1);
}

#[tokio::test]
async fn leases_are_renewed_within_the_grace_period() {
    let world = World::with_lock_period(Duration::from_millis(900)).await;
    world.upstream.slow("s", Duration::from_secs(3));
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    worker.stop().await;
    let inner = world.api.inner();
    assert_eq!(inner.requests[0].completed.len(), 1);
    assert_eq!(inner.requests[0].tokens.len(), 1, "by its first attempt");
}

#[tokio::test]
async fn an_attempt_that_takes_longer_is_given_back() {
    let mut world = World::new().await;
    world.config.shutdown_grace_seconds = 0.2;
    world.upstream.slow("s", Duration::from_secs(60));
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    let began = Instant::now();
    worker.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let inner = world.api.inner();
    assert!(matches!(
        inner.requests[0].releases[..],
        [(ReleaseKind::Shutdown, None, 0.0)]
    ));
    assert!(world.spool_is_empty());
}

#[tokio::test]
async fn nothing_is_claimed_after_the_stop() {
    let world = World::new().await;
    let worker = world.start_worker();
    world.api.until("it polls", |api| api.claim_calls > 0).await;
    worker.stop().await;
    world.request(&["s"]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(world.api.inner().requests[0].tokens.is_empty());
}

#[tokio::test]
async fn an_api_that_cannot_be_reached_does_not_hold_the_stop_up() {
    let mut world = World::new().await;
    world.config.shutdown_grace_seconds = 0.1;
    world.config.shutdown_release_seconds_max = 0.3;
    world.upstream.slow("s", Duration::from_secs(60));
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    world.api.inner().down = true;
    let began = Instant::now();
    worker.stop().await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_worker_waits_for_an_api_that_is_down() {
    let world = World::new().await;
    world.upstream.answer("s", 204, "");
    world.request(&["s"]);
    world.api.inner().down = true;
    let worker = world.start_worker();
    world
        .api
        .until("it polled in vain", |api| api.claim_calls >= 3)
        .await;
    world.api.inner().down = false;
    world
        .api
        .until("it is completed", |api| {
            !api.requests[0].completed.is_empty()
        })
        .await;
    worker.stop().await;
}

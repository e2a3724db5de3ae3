//! The lease is renewed while the work goes on, and its loss ends the attempt at once.

use std::time::Duration;

use dossier_core::document::report_document_id;

use crate::harness::{DATA, World};

/// Long enough for a busy machine to renew in time.
const PERIOD: Duration = Duration::from_millis(3000);

#[tokio::test]
async fn a_lease_is_renewed_for_as_long_as_the_work_takes() {
    let world = World::with_lock_period(PERIOD).await;
    world.upstream.slow("s", 2 * PERIOD);
    world.request(&["s"]);
    world.completes().await;
    let inner = world.api.inner();
    assert_eq!(inner.requests[0].view.claim_attempts, 1);
    assert!(inner.renewals >= 3, "{}", inner.renewals);
}

#[tokio::test]
async fn a_refused_renewal_stops_the_attempt_and_its_fetches() {
    let world = World::with_lock_period(PERIOD).await;
    world.upstream.slow("s", Duration::from_secs(60));
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    world.api.steal_lease();
    world
        .api
        .until("the loss is seen", |api| !api.stale_writes.is_empty())
        .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(world.spool_is_empty(), "the spool stays");
    let writes = world.api.inner().stale_writes.len();
    tokio::time::sleep(PERIOD / 2).await;
    assert_eq!(
        world.api.inner().stale_writes.len(),
        writes,
        "no write after the loss"
    );
    worker.stop().await;
    assert!(world.api.inner().requests[0].releases.is_empty());
}

#[tokio::test]
async fn a_lease_that_cannot_be_renewed_in_time_is_lost_by_the_workers_own_clock() {
    let world = World::with_lock_period(PERIOD).await;
    world.upstream.slow("s", Duration::from_secs(60));
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    while world.upstream.calls("s").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.api.inner().down = true;
    let began = std::time::Instant::now();
    while !world.spool_is_empty() || began.elapsed() < Duration::from_millis(100) {
        assert!(
            began.elapsed() < 2 * PERIOD,
            "the attempt goes on without a lease"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    worker.stop().await;
    assert!(world.api.inner().requests[0].releases.is_empty());
}

#[tokio::test]
async fn a_report_uploaded_after_the_loss_is_deleted() {
    let world = World::with_lock_period(PERIOD).await;
    world.upstream.answer("s", 200, DATA);
    world
        .documents
        .holds
        .store(true, std::sync::atomic::Ordering::SeqCst);
    world.request(&["s"]);
    let worker = world.start_worker();
    world
        .api
        .until("the section is kept", |api| {
            !api.requests[0].reports.is_empty()
        })
        .await;
    let report = report_document_id(world.api.inner().requests[0].tokens[0]);
    while !world.documents.put.lock().unwrap().contains(&report) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.api.steal_lease();
    world
        .api
        .until("the loss is seen", |api| !api.stale_writes.is_empty())
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.documents.go_on.notify_one();
    worker.stop().await;
    assert!(world.documents.deleted.lock().unwrap().contains(&report));
    assert!(!world.documents.has(report).await);
    let kept = crate::harness::api::kept(world.api.inner().requests[0].section("s"));
    assert!(
        world.documents.has(kept.document_id.into()).await,
        "what is recorded as kept stays"
    );
}

#[tokio::test]
async fn a_claim_that_waited_longer_than_the_lock_period_is_worked_on() {
    let mut world = World::with_lock_period(PERIOD).await;
    world.config.poll_wait_seconds = 10;
    world
        .upstream
        .slow("s", PERIOD + Duration::from_millis(300));
    let worker = world.start_worker();
    tokio::time::sleep(PERIOD + Duration::from_millis(500)).await;
    world.request(&["s"]);
    world
        .api
        .until("it is completed", |api| {
            !api.requests[0].completed.is_empty()
        })
        .await;
    worker.stop().await;
    assert_eq!(world.api.inner().requests[0].view.claim_attempts, 1);
}

#[tokio::test]
async fn leases_that_are_due_are_renewed_in_one_call() {
    let world = World::with_lock_period(PERIOD).await;
    for service in ["a", "b", "c"] {
        world.upstream.slow(service, PERIOD + PERIOD / 2);
        world.request(&[service]);
    }
    let worker = world.start_worker();
    let done = |api: &crate::harness::api::Inner| {
        let mut requests = api.requests.iter();
        requests.all(|request| !request.completed.is_empty())
    };
    world.api.until("all are completed", done).await;
    worker.stop().await;
    let inner = world.api.inner();
    assert!(inner.batches.contains(&3), "{:?}", inner.batches);
    let together: usize = inner.batches.iter().sum();
    assert!(together >= 9, "{:?}", inner.batches);
    for request in &inner.requests {
        assert_eq!(request.view.claim_attempts, 1);
    }
}

#[tokio::test]
async fn a_lease_that_is_lost_among_others_ends_its_own_attempt_only() {
    let mut world = World::with_lock_period(PERIOD).await;
    // So that the renewal is what notices.
    world.config.progress_seconds = 60.0;
    for service in ["a", "b", "c"] {
        world.upstream.slow(service, PERIOD + PERIOD / 2);
        world.request(&[service]);
    }
    let worker = world.start_worker();
    world
        .api
        .until("all are claimed", |api| {
            api.requests
                .iter()
                .all(|request| !request.tokens.is_empty())
        })
        .await;
    world.api.steal_lease();
    world
        .api
        .until("the others are completed", |api| {
            let mut others = api.requests[1..].iter();
            others.all(|request| !request.completed.is_empty())
        })
        .await;
    worker.stop().await;
    let inner = world.api.inner();
    assert_eq!(inner.stale_writes, ["renew"], "no write after the loss");
    assert!(inner.requests[0].completed.is_empty());
    assert!(inner.requests[0].releases.is_empty());
    for request in &inner.requests[1..] {
        assert_eq!(request.view.claim_attempts, 1);
    }
}

#[tokio::test]
async fn an_api_that_does_not_know_the_call_for_several_is_asked_for_each() {
    let world = World::with_lock_period(PERIOD).await;
    world.api.inner().is_old = true;
    for service in ["a", "b"] {
        world.upstream.slow(service, PERIOD + PERIOD / 2);
        world.request(&[service]);
    }
    let worker = world.start_worker();
    world
        .api
        .until("both are completed", |api| {
            let mut requests = api.requests.iter();
            requests.all(|request| !request.completed.is_empty())
        })
        .await;
    worker.stop().await;
    let inner = world.api.inner();
    assert!(inner.renewals >= 6, "{}", inner.renewals);
    for request in &inner.requests {
        assert_eq!(request.view.claim_attempts, 1);
    }
}

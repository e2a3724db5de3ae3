//! Waiting for something to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dossier_core::lease::LeaseRules;
use dossier_store::Store;

use super::Database;
use super::given::*;

const LONG: Duration = Duration::from_secs(20);

/// Polls like the API does, until there is a claim; answers how long that took.
async fn claim_by_waiting(store: Arc<dyn Store>) -> Duration {
    let begin = Instant::now();
    while begin.elapsed() < LONG {
        if !store
            .claim_oldest(1, "w", &rules())
            .await
            .unwrap()
            .is_empty()
        {
            return begin.elapsed();
        }
        store.wait_for_work(LONG).await;
    }
    panic!("nothing came");
}

pub async fn a_new_request_wakes_a_waiter_at_once(database: &impl Database) {
    let store = database.store().await;
    services(&*store, &["a"]).await;
    // Right after a waiter began to wait, there is most of a second until it would look by itself.
    let waiter = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            store.wait_for_work(LONG).await;
            Instant::now()
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    pending(&*store, &["a"]).await;
    let created = Instant::now();
    let woken = waiter.await.unwrap();
    assert!(woken.saturating_duration_since(created) < Duration::from_millis(700));
}

pub async fn a_request_that_came_before_the_wait_is_not_missed(database: &impl Database) {
    let store = database.store().await;
    services(&*store, &["a"]).await;
    assert!(
        store
            .claim_oldest(1, "w", &rules())
            .await
            .unwrap()
            .is_empty()
    );
    pending(&*store, &["a"]).await;
    let begin = Instant::now();
    store.wait_for_work(LONG).await;
    assert!(begin.elapsed() < Duration::from_millis(900));
}

pub async fn a_wait_ends_when_a_lease_expires(database: &impl Database) {
    let store = database.store().await;
    let id = pending_of_a(&*store).await;
    let short = LeaseRules {
        lock_period: Duration::from_millis(150),
        ..rules()
    };
    store.claim(id, "dies", &short).await.unwrap();
    let took = claim_by_waiting(store).await;
    assert!(took < Duration::from_millis(950), "{took:?}");
}

pub async fn a_wait_ends_in_time(database: &impl Database) {
    let store = database.store().await;
    let begin = Instant::now();
    store.wait_for_work(Duration::from_millis(50)).await;
    store.wait_for_work(Duration::ZERO).await;
    assert!(begin.elapsed() < Duration::from_millis(900));
}

pub async fn a_request_from_another_process_ends_a_wait(database: &impl Database) {
    let (here, there) = (database.store().await, database.store().await);
    services(&*here, &["a"]).await;
    let waiter = tokio::spawn(claim_by_waiting(here));
    tokio::time::sleep(Duration::from_millis(50)).await;
    pending(&*there, &["a"]).await;
    let took = waiter.await.unwrap();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

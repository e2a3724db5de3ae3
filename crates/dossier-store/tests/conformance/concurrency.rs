//! Many workers, several processes.

use std::collections::HashMap;
use std::sync::Arc;

use dossier_core::RequestId;
use dossier_store::Store;
use futures::future::join_all;

use super::Database;
use super::given::*;

const REQUESTS: usize = 200;
const WORKERS: usize = 8;

/// Claims and completes until nothing is left; answers what it completed.
async fn work(store: Arc<dyn Store>, worker: usize) -> Vec<RequestId> {
    let mut done = Vec::new();
    loop {
        let max = 1 + u32::try_from(worker % 3).unwrap();
        let claims = store.claim_oldest(max, "w", &rules()).await.unwrap();
        if claims.is_empty() {
            return done;
        }
        for claim in claims {
            assert_eq!(claim.attempt, 1);
            let (id, token) = (claim.request.id, claim.token);
            finished(&*store, id, token).await;
            done.push(id);
        }
    }
}

pub async fn two_processes_claim_each_request_exactly_once(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    services(&*stores[0], &["a", "b"]).await;
    for _ in 0..REQUESTS {
        pending(&*stores[0], &["a", "b"]).await;
    }
    let workers = (0..WORKERS).map(|worker| {
        let store = Arc::clone(&stores[worker % stores.len()]);
        tokio::spawn(work(store, worker))
    });
    let mut times_done: HashMap<RequestId, u32> = HashMap::new();
    for done in join_all(workers).await {
        for id in done.unwrap() {
            *times_done.entry(id).or_default() += 1;
        }
    }
    assert_eq!(times_done.len(), REQUESTS);
    assert!(times_done.values().all(|times| *times == 1));
    let counts = stores[1].request_counts(&filter()).await.unwrap();
    assert_eq!(counts.completed, REQUESTS as u64);
    assert_eq!(counts.total(), REQUESTS as u64);
}

pub async fn claims_of_one_request_at_the_same_time_have_one_winner(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    let id = pending_of_a(&*stores[0]).await;
    let racers = (0..WORKERS).map(|worker| {
        let store = Arc::clone(&stores[worker % stores.len()]);
        tokio::spawn(async move { store.claim(id, "w", &rules()).await.is_ok() })
    });
    let won = join_all(racers).await;
    assert_eq!(
        won.into_iter().filter(|won| *won.as_ref().unwrap()).count(),
        1
    );
}

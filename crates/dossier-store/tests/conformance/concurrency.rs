//! Many workers, several processes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dossier_core::RequestId;
use dossier_core::lease::ReleaseReason;
use dossier_core::request::RequestStatus;
use dossier_core::section::SectionStatus;
use dossier_store::{RequestFilter, Store, StoreError};
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

/// Fails on everything but a refusal, which is an answer.
fn answered<T>(result: Result<T, StoreError>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(failure @ (StoreError::Unavailable(_) | StoreError::Corrupt(_))) => {
            panic!("{failure}")
        }
        Err(_) => None,
    }
}

/// Makes requests and takes every step with what it claims.
async fn make_and_work(store: Arc<dyn Store>, worker: usize) {
    let reason = ReleaseReason::ShuttingDown;
    for round in 0..25 {
        answered(store.create_request(new_request(&["a", "b"])).await);
        for claim in answered(store.claim_oldest(3, "w", &rules()).await).unwrap() {
            let (id, token) = (claim.request.id, claim.token);
            for service in ["a", "b"] {
                let (service, outcome) = (name(service), nothing_held());
                answered(store.record_section(id, token, &service, &outcome).await);
            }
            match (worker + round) % 4 {
                0 => {
                    let now = Duration::ZERO;
                    answered(store.release(id, token, &reason, now, &rules()).await);
                }
                1 => {
                    answered(store.cancel_request(id, "x").await);
                    answered(store.restart_request(id).await);
                }
                _ => {}
            }
            answered(store.renew(id, token, &rules()).await);
            answered(store.complete(id, token, &report(token), 1, &[]).await);
        }
    }
}

/// Suspends and resumes both services, expires, lists and archives.
async fn look_after(store: Arc<dyn Store>, place: usize) {
    let services = store.services().await.unwrap();
    for round in 0..25 {
        let service = &services[(place + round) % 2];
        for suspended in [true, false] {
            answered(store.suspend_service(service.id, suspended).await);
        }
        answered(store.expire_requests(&rules()).await);
        let finished = answered(store.requests_to_archive(Duration::ZERO, 1).await).unwrap();
        for request in finished {
            answered(store.archive_request(request.id).await);
        }
        answered(store.requests(&filter(), &rules(), FIRST_PAGE).await);
    }
}

pub async fn calls_of_all_kinds_at_the_same_time_are_all_answered(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    services(&*stores[0], &["a", "b"]).await;
    let of = |place: usize| Arc::clone(&stores[place % 2]);
    let makers = (0..4).map(|worker| tokio::spawn(make_and_work(of(worker), worker)));
    let keepers = (0..2).map(|place| tokio::spawn(look_after(of(place), place)));
    for ended in join_all(makers.chain(keepers)).await {
        ended.unwrap();
    }
    // Nothing is suspended any more, so nothing that is still to be done waits.
    let pending = RequestFilter {
        pending: true,
        ..filter()
    };
    let store = &*stores[0];
    for request in store
        .requests(&pending, &rules(), FIRST_PAGE)
        .await
        .unwrap()
    {
        assert_eq!(request.status, RequestStatus::Pending);
        for section in &request.sections {
            assert_ne!(section.status, SectionStatus::Suspended);
        }
    }
}

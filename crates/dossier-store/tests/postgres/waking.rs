//! Being told of new requests. Nobody looks for them here: what wakes is the notification.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dossier_core::lease::ReleaseReason;
use dossier_store::postgres::Options;
use dossier_store::{PostgresStore, Store};
use futures::future::join_all;

use crate::conformance::given::*;
use crate::server::Server;
use crate::{Scratch, scratch};

const LONG: Duration = Duration::from_secs(30);

/// A store that looks by itself only after the test's end, once it listens.
async fn listening(options: Options) -> Arc<PostgresStore> {
    let options = Options {
        look_every: Duration::from_secs(3600),
        ..options
    };
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    until_it_listens(&store).await;
    store
}

async fn until_it_listens(store: &PostgresStore) {
    let begin = Instant::now();
    while !store.is_listening() {
        assert!(begin.elapsed() < LONG, "it does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Begins to wait, once what was told before is over.
async fn waiter(store: &Arc<PostgresStore>) -> tokio::task::JoinHandle<Duration> {
    let quiet = Duration::from_millis(400);
    let begin = Instant::now();
    loop {
        let began = Instant::now();
        store.wait_for_work(quiet).await;
        if began.elapsed() >= quiet {
            break;
        }
        assert!(begin.elapsed() < LONG, "it is never quiet");
    }
    let waiting = tokio::spawn({
        let store = Arc::clone(store);
        async move {
            let begin = Instant::now();
            store.wait_for_work(LONG).await;
            begin.elapsed()
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!waiting.is_finished(), "there is nothing to do");
    waiting
}

async fn two(scratch: &Scratch) -> (Arc<PostgresStore>, Arc<PostgresStore>) {
    (
        listening(scratch.options()).await,
        listening(scratch.options()).await,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_of_another_process_wakes_a_waiter() {
    let scratch = scratch().await;
    let (here, there) = two(&scratch).await;
    services(&*there, &["a"]).await;
    let waiting = waiter(&here).await;
    pending(&*there, &["a"]).await;
    assert!(waiting.await.unwrap() < LONG);
    assert_eq!(here.claim_oldest(1, "w", &rules()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_makes_a_request_due_wakes_a_waiter_of_another_process() {
    let scratch = scratch().await;
    let (here, there) = two(&scratch).await;
    let service = service(&*there, "a").await;
    let id = pending(&*there, &["a"]).await;
    here.wait_for_work(LONG).await;
    let token = claimed(&*there, id).await.token;

    let waiting = waiter(&here).await;
    let reason = ReleaseReason::ShuttingDown;
    there
        .release(id, token, &reason, Duration::ZERO, &rules())
        .await
        .unwrap();
    assert!(waiting.await.unwrap() < LONG, "given back");

    there.cancel_request(id, "x").await.unwrap();
    let waiting = waiter(&here).await;
    there.restart_request(id).await.unwrap();
    assert!(waiting.await.unwrap() < LONG, "restarted");

    there.suspend_service(service.id, true).await.unwrap();
    let waiting = waiter(&here).await;
    there.suspend_service(service.id, false).await.unwrap();
    assert!(waiting.await.unwrap() < LONG, "its service resumed");

    claimed(&*there, id).await;
    let waiting = waiter(&here).await;
    there.duplicate_request(id, "casework").await.unwrap();
    assert!(waiting.await.unwrap() < LONG, "duplicated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_wakes_one_waiter_of_many() {
    let scratch = scratch().await;
    let (here, there) = two(&scratch).await;
    services(&*there, &["a"]).await;
    let waiting = join_all((0..20).map(|_| waiter(&here))).await;
    for _ in 0..3 {
        pending(&*there, &["a"]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let woken = waiting.iter().filter(|waiter| waiter.is_finished()).count();
    assert_eq!(woken, 3);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_of_the_server_everything_is_there_and_waiters_are_woken_again() {
    // What is committed is on the disk here.
    let server = Server::start_with("", |_| {});
    let name = server.database();
    let options = Options::new(server.url(&name).parse().unwrap());
    let (here, there) = (listening(options.clone()).await, listening(options).await);
    let id = pending_of_a(&*there).await;
    let claim = claimed(&*there, id).await;

    server.stop("immediate");
    let down = there.request(id).await.unwrap_err();
    assert!(down.to_string().contains("the database failed"), "{down}");
    assert!(there.ping().await.is_err());
    server.start_again();

    until_it_listens(&here).await;
    until_it_listens(&there).await;
    let begin = Instant::now();
    while there.ping().await.is_err() {
        assert!(begin.elapsed() < LONG, "it does not come back");
    }
    assert_eq!(found(&*there, id).await, claim.request);
    let waiting = waiter(&here).await;
    finished(&*there, id, claim.token).await;
    pending(&*there, &["a"]).await;
    assert!(waiting.await.unwrap() < LONG);
}

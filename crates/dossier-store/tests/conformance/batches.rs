//! Many leases renewed, many requests completed in one call: each as if it had been asked for alone.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::document::finished_document_id;
use dossier_core::lease::LeaseRefusal;
use dossier_core::request::RequestStatus;
use dossier_core::{DocumentKind, FinishedDocument, LeaseToken, RequestId};
use dossier_store::{Completion, Store, StoreError};
use futures::future::join_all;

use super::Database;
use super::given::*;

/// As many claimed requests of the service `a`, each with all that its completion needs.
async fn ready(store: &dyn Store, count: u32) -> Vec<(RequestId, LeaseToken)> {
    services(store, &["a"]).await;
    for _ in 0..count {
        pending(store, &["a"]).await;
    }
    let mut held = Vec::new();
    for claim in store.claim_oldest(count, "w", &rules()).await.unwrap() {
        let (id, token) = (claim.request.id, claim.token);
        record(store, id, token, "a", nothing_held()).await;
        held.push((id, token));
    }
    assert_eq!(held.len(), count as usize);
    held
}

fn completion((id, token): (RequestId, LeaseToken)) -> Completion {
    Completion {
        id,
        token,
        document: report(token),
        pages: 3,
        others: vec![package(token)],
    }
}

fn package(token: LeaseToken) -> FinishedDocument {
    let mut kept = report(token);
    kept.id = finished_document_id(token, DocumentKind::Package, 1);
    FinishedDocument {
        kind: DocumentKind::Package,
        volume: 1,
        kept,
        pages: None,
    }
}

/// What became of each completion; everything but a refusal fails.
async fn complete(store: &dyn Store, asked: &[Completion]) -> Vec<Result<(), LeaseRefusal>> {
    let outcomes = store.complete_all(asked).await.unwrap();
    outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(()) => Ok(()),
            Err(StoreError::Lease(refusal)) => Err(refusal),
            Err(failure) => panic!("{failure}"),
        })
        .collect()
}

pub async fn all_leases_are_renewed_in_one_call(database: &impl Database) {
    let store = &*database.store().await;
    let held = ready(store, 5).await;
    let before = found(store, held[0].0).await.lease_expires_at;
    a_moment().await;
    let outcomes = store.renew_all(&held, &rules()).await.unwrap();
    assert_eq!(outcomes.len(), 5);
    for ((id, _), until) in held.iter().zip(outcomes) {
        assert!(until.unwrap() > before.unwrap());
        assert_eq!(
            found(store, *id).await.lease_expires_at,
            Some(until.unwrap())
        );
    }
}

pub async fn a_lost_lease_among_others_is_refused_alone(database: &impl Database) {
    let store = &*database.store().await;
    let held = ready(store, 2).await;
    let expired = pending(store, &["a"]).await;
    let stale = claimed_and_lost(store, expired).await.token;
    let taken_over = pending(store, &["a"]).await;
    let former = claimed_and_lost(store, taken_over).await.token;
    let current = claimed(store, taken_over).await;
    let done = pending(store, &["a"]).await;
    let used = completed(store, done).await;
    let unknown = RequestId::generate();
    let asked = [
        held[0],
        (expired, stale),
        (taken_over, former),
        (done, used),
        (unknown, LeaseToken::generate()),
        // Somebody else's token is no key to another request.
        (held[1].0, held[0].1),
        held[1],
    ];
    let before = [expired, taken_over, done];
    let before = join_all(before.map(|id| found(store, id))).await;
    a_moment().await;
    let renewed = store.renew_all(&asked, &rules()).await.unwrap();
    let refusals: Vec<_> = renewed.iter().map(|outcome| outcome.err()).collect();
    let expected = [
        None,
        Some(LeaseRefusal::Lost),
        Some(LeaseRefusal::Lost),
        Some(LeaseRefusal::Finished),
        Some(LeaseRefusal::Unknown),
        Some(LeaseRefusal::Lost),
        None,
    ];
    assert_eq!(refusals, expected);
    for request in before {
        assert_eq!(found(store, request.id).await, request, "nothing changed");
    }
    store
        .renew(taken_over, current.token, &rules())
        .await
        .unwrap();
}

pub async fn completions_are_decided_one_by_one(database: &impl Database) {
    let store = &*database.store().await;
    let held = ready(store, 2).await;
    let uncollected = pending(store, &["a"]).await;
    let of_uncollected = claimed(store, uncollected).await.token;
    let lost = pending(store, &["a"]).await;
    let stale = claimed_and_lost(store, lost).await.token;
    let errored = pending(store, &["a"]).await;
    let of_errored = claimed(store, errored).await.token;
    store.cancel_request(errored, "x").await.unwrap();
    let asked = [
        (uncollected, of_uncollected),
        held[1],
        (lost, stale),
        (errored, of_errored),
        (RequestId::generate(), LeaseToken::generate()),
        held[0],
    ];
    let before = join_all([uncollected, lost, errored].map(|id| found(store, id))).await;
    let outcomes = complete(store, &asked.map(completion)).await;
    let expected = [
        Err(LeaseRefusal::Uncollected),
        Ok(()),
        Err(LeaseRefusal::Lost),
        Err(LeaseRefusal::Finished),
        Err(LeaseRefusal::Unknown),
        Ok(()),
    ];
    assert_eq!(outcomes, expected);
    for request in before {
        assert_eq!(found(store, request.id).await, request, "nothing changed");
    }
    for (id, token) in held {
        let request = found(store, id).await;
        assert_eq!(request.status, RequestStatus::Completed);
        assert_eq!(request.document, Some(report(token)));
        assert_eq!(request.pages, Some(3));
        assert_eq!(request.others, [package(token)]);
        assert_eq!(request.lease_expires_at, None);
    }
    // Those that were completed are no attempts to clean up after.
    let abandoned = store.abandoned_attempts(Duration::ZERO, 9).await.unwrap();
    let mut tokens: Vec<LeaseToken> = abandoned.iter().map(|attempt| attempt.token).collect();
    tokens.sort_by_key(LeaseToken::as_uuid);
    let mut expected = vec![stale, of_errored];
    expected.sort_by_key(LeaseToken::as_uuid);
    assert_eq!(tokens, expected);
}

pub async fn a_repeated_batch_is_told_yes_and_changes_nothing(database: &impl Database) {
    let store = &*database.store().await;
    let held = ready(store, 3).await;
    let asked: Vec<Completion> = held.iter().copied().map(completion).collect();
    assert_eq!(complete(store, &asked[..2]).await, [Ok(()), Ok(())]);
    let before = found(store, held[0].0).await;
    a_moment().await;
    // The answer was lost, and one more has become ready since.
    assert_eq!(complete(store, &asked).await, [Ok(()); 3]);
    assert_eq!(found(store, held[0].0).await, before);
    let mut altered = asked.clone();
    altered[0].others.clear();
    altered[1].document.bytes += 1;
    altered[2].token = LeaseToken::generate();
    let finished = Err(LeaseRefusal::Finished);
    assert_eq!(complete(store, &altered).await, [finished; 3]);
    assert_eq!(found(store, held[0].0).await, before);
}

pub async fn an_empty_batch_is_nothing(database: &impl Database) {
    let store = &*database.store().await;
    assert!(store.renew_all(&[], &rules()).await.unwrap().is_empty());
    assert!(store.complete_all(&[]).await.unwrap().is_empty());
}

pub async fn one_lease_may_come_twice(database: &impl Database) {
    let store = &*database.store().await;
    let held = ready(store, 2).await;
    let stranger = (held[0].0, LeaseToken::generate());
    let asked = [held[0], stranger, held[0], held[1]];
    let renewed = store.renew_all(&asked, &rules()).await.unwrap();
    assert!(renewed[0].is_ok());
    assert_eq!(renewed[1], Err(LeaseRefusal::Lost));
    assert!(renewed[2].is_ok());
    assert!(renewed[3].is_ok());

    // The first that is accepted counts; what differs from it comes too late.
    let mut other = completion(held[0]);
    other.others.clear();
    let same = completion(held[0]);
    let asked = [
        completion(stranger),
        same.clone(),
        other,
        completion(held[1]),
        same,
    ];
    let expected = [
        Err(LeaseRefusal::Lost),
        Ok(()),
        Err(LeaseRefusal::Finished),
        Ok(()),
        Ok(()),
    ];
    assert_eq!(complete(store, &asked).await, expected);
    assert_eq!(found(store, held[0].0).await.others, [package(held[0].1)]);
}

pub async fn more_than_one_transaction_takes_are_decided_too(database: &impl Database) {
    let store = &*database.store().await;
    let held = ready(store, 3).await;
    let asked: Vec<_> = held.iter().copied().cycle().take(2500).collect();
    let renewed = store.renew_all(&asked, &rules()).await.unwrap();
    assert_eq!(renewed.len(), 2500);
    assert!(renewed.iter().all(Result::is_ok));

    let unknown = || (RequestId::generate(), LeaseToken::generate());
    let mut asked: Vec<Completion> = (0..1500).map(|_| completion(unknown())).collect();
    asked[7] = completion(held[0]);
    asked[1499] = completion(held[1]);
    let outcomes = complete(store, &asked).await;
    assert_eq!(outcomes.len(), 1500);
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!((done, outcomes[7], outcomes[1499]), (2, Ok(()), Ok(())));
}

pub async fn what_cannot_be_whole_spoils_no_other(database: &impl Database) {
    let store = &*database.store().await;
    let held = ready(store, 3).await;
    let mut twice = completion(held[0]);
    twice.others.push(package(held[0].1));
    let mut foreign = completion(held[2]);
    foreign.others[0].kept.id = package(held[1].1).kept.id;
    let before = found(store, held[0].0).await;
    let asked = [twice, completion(held[1]), foreign];
    let outcomes = store.complete_all(&asked).await.unwrap();
    assert!(matches!(outcomes[0], Err(StoreError::Unavailable(_))));
    assert!(matches!(outcomes[1], Ok(())));
    assert!(matches!(outcomes[2], Err(StoreError::Unavailable(_))));
    assert_eq!(found(store, held[0].0).await, before, "nothing changed");
    assert_eq!(found(store, held[1].0).await.others, [package(held[1].1)]);
    let third = found(store, held[2].0).await;
    assert_eq!(third.status, RequestStatus::Pending);
    assert_eq!(complete(store, &[completion(held[2])]).await, [Ok(())]);
}

pub async fn batches_in_opposite_order_never_wait_in_a_circle(database: &impl Database) {
    let stores = [database.store().await, database.store().await];
    let held = ready(&*stores[0], 40).await;
    let mut backwards = held.clone();
    backwards.reverse();
    let orders = [Arc::new(held.clone()), Arc::new(backwards)];
    let renewers = (0..4).map(|place| {
        let (store, order) = (
            Arc::clone(&stores[place % 2]),
            Arc::clone(&orders[place % 2]),
        );
        tokio::spawn(async move {
            for _ in 0..25 {
                for outcome in store.renew_all(&order, &rules()).await.unwrap() {
                    outcome.unwrap();
                }
            }
        })
    });
    for ended in join_all(renewers).await {
        ended.unwrap();
    }
    // Both are told yes: they are the same completions.
    let completers = (0..4).map(|place| {
        let (store, order) = (
            Arc::clone(&stores[place % 2]),
            Arc::clone(&orders[place % 2]),
        );
        tokio::spawn(async move {
            let asked: Vec<Completion> = order.iter().copied().map(completion).collect();
            assert_eq!(complete(&*store, &asked).await, [Ok(()); 40]);
        })
    });
    for ended in join_all(completers).await {
        ended.unwrap();
    }
    let counts = stores[0].request_counts(&filter()).await.unwrap();
    assert_eq!(counts.completed, 40);
}

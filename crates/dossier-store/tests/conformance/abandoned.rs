//! Attempts that ended without completing their request, and what they left behind.

use std::collections::HashSet;
use std::time::Duration;

use dossier_core::LeaseToken;
use dossier_core::lease::ReleaseReason;
use dossier_store::{AbandonedAttempt, Store};

use super::Database;
use super::given::*;

async fn abandoned(store: &dyn Store) -> Vec<AbandonedAttempt> {
    store.abandoned_attempts(Duration::ZERO, 100).await.unwrap()
}

fn tokens(attempts: &[AbandonedAttempt]) -> HashSet<LeaseToken> {
    attempts.iter().map(|attempt| attempt.token).collect()
}

pub async fn an_attempt_is_abandoned_when_its_lease_ends_without_completion(
    database: &impl Database,
) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let id = pending(store, &["a", "b"]).await;
    let taken_over = claimed_and_lost(store, id).await.token;
    let failing = claimed(store, id).await.token;
    failed(store, id, failing).await;
    let handed_back = claimed(store, id).await.token;
    let reason = ReleaseReason::ShuttingDown;
    store
        .release(id, handed_back, &reason, Duration::ZERO, &rules())
        .await
        .unwrap();
    let cancelled = claimed(store, id).await.token;
    store.cancel_request(id, "x").await.unwrap();
    let found = abandoned(store).await;
    let expected = HashSet::from([taken_over, failing, handed_back, cancelled]);
    assert_eq!(tokens(&found), expected);
    for attempt in &found {
        assert_eq!(attempt.request_id, id);
        let services: HashSet<_> = attempt.services.iter().cloned().collect();
        assert_eq!(services, HashSet::from([name("a"), name("b")]));
        assert!(attempt.in_use.is_empty());
    }
    let few = store.abandoned_attempts(Duration::ZERO, 3).await.unwrap();
    assert_eq!(few.len(), 3);
}

pub async fn an_expired_lease_is_abandoned_before_anybody_takes_it_over(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let lost = claimed_and_lost(store, id).await.token;
    assert_eq!(tokens(&abandoned(store).await), HashSet::from([lost]));
    store.attempt_cleaned(lost).await.unwrap();
    claimed_and_lost(store, id).await;
    assert!(!tokens(&abandoned(store).await).contains(&lost));
}

pub async fn a_live_or_completed_attempt_is_not_abandoned(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let live = pending(store, &["a"]).await;
    claimed(store, live).await;
    let done = pending(store, &["a"]).await;
    completed(store, done).await;
    assert!(abandoned(store).await.is_empty());
}

pub async fn an_attempt_is_left_alone_for_the_time_of_grace(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    failed(store, id, token).await;
    claimed_and_lost(store, id).await;
    let hour = Duration::from_secs(3600);
    let attempts = store.abandoned_attempts(hour, 100).await.unwrap();
    assert!(attempts.is_empty());
    let ever = store.abandoned_attempts(Duration::MAX, 100).await.unwrap();
    assert!(ever.is_empty());
    assert_eq!(abandoned(store).await.len(), 2);
}

pub async fn an_attempt_has_the_names_that_its_services_had(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let (ended, expired) = (pending(store, &["a"]).await, pending(store, &["a"]).await);
    let token = claimed(store, ended).await.token;
    claimed_and_lost(store, expired).await;
    store
        .update_service(a.id, details("renamed"))
        .await
        .unwrap();
    failed(store, ended, token).await;
    let found = abandoned(store).await;
    assert_eq!(found.len(), 2);
    for attempt in found {
        let names = &attempt.services;
        assert!(names.contains(&name("a")), "{names:?}");
    }
}

pub async fn what_a_later_attempt_builds_on_is_in_use(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let id = pending(store, &["a", "b"]).await;
    let first = claimed(store, id).await.token;
    record(store, id, first, "a", collected(first, "a")).await;
    failed(store, id, first).await;
    let found = abandoned(store).await;
    assert_eq!(found[0].in_use, [answer(first, "a").id]);
    let second = completed(store, id).await;
    let in_use: HashSet<_> = abandoned(store).await[0].in_use.iter().copied().collect();
    assert_eq!(
        in_use,
        HashSet::from([answer(first, "a").id, report(second).id])
    );
    store
        .section_cleaned(id, answer(first, "a").id)
        .await
        .unwrap();
    assert_eq!(abandoned(store).await[0].in_use, [report(second).id]);
}

pub async fn an_attempt_is_still_found_after_its_request_was_archived(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    let id = pending(store, &["a"]).await;
    let token = claimed(store, id).await.token;
    failed(store, id, token).await;
    completed(store, id).await;
    store.archive_request(id).await.unwrap();
    store
        .update_service(a.id, details("renamed"))
        .await
        .unwrap();
    let found = abandoned(store).await;
    assert_eq!(tokens(&found), HashSet::from([token]));
    assert_eq!(found[0].services, [name("a")], "as they were called then");
    assert!(found[0].in_use.is_empty());
    store.attempt_cleaned(token).await.unwrap();
    assert!(abandoned(store).await.is_empty());
}

pub async fn a_cleaned_attempt_is_forgotten(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    failed(store, id, token).await;
    store.attempt_cleaned(token).await.unwrap();
    store.attempt_cleaned(token).await.unwrap();
    assert!(abandoned(store).await.is_empty());
}

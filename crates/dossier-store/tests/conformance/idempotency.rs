//! The requester's key for repeats of one call.

use dossier_core::request::{IdempotencyKey, NewRequest};
use dossier_store::StoreError;
use futures::future::join_all;
use std::time::Duration;

use super::Database;
use super::given::*;

fn keyed(services: &[&str]) -> NewRequest {
    NewRequest {
        idempotency_key: Some(key(1)),
        ..new_request(services)
    }
}

/// One key; what was sent with it is this.
fn key(sent: u8) -> IdempotencyKey {
    IdempotencyKey {
        key: "key-1".to_owned(),
        sent: [sent; 32],
    }
}

pub async fn a_repeat_answers_the_first_result(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let by = &keyed(&["a"]).requested_by;
    assert_eq!(store.first_result(by, &key(1)).await.unwrap(), None);
    let first = store.create_request(keyed(&["a", "b"])).await.unwrap();
    let known = store.first_result(by, &key(1)).await.unwrap();
    assert_eq!(known, Some(first.id));
    let repeat = store.create_request(keyed(&["b", "a"])).await.unwrap();
    assert!(!first.repeated && repeat.repeated);
    assert_eq!(first.id, repeat.id);
    assert_eq!(listed(store, &filter()).await, [first.id]);
}

pub async fn a_key_used_for_something_else_is_refused(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    store.create_request(keyed(&["a"])).await.unwrap();
    let other = NewRequest {
        idempotency_key: Some(key(2)),
        ..keyed(&["a"])
    };
    let refused = store.create_request(other).await;
    assert!(matches!(refused, Err(StoreError::IdempotencyConflict)));
    let by = &keyed(&["a"]).requested_by;
    let refused = store.first_result(by, &key(2)).await;
    assert!(matches!(refused, Err(StoreError::IdempotencyConflict)));
    assert_eq!(listed(store, &filter()).await.len(), 1);
}

pub async fn a_key_belongs_to_its_requester(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let mine = store.create_request(keyed(&["a"])).await.unwrap();
    let theirs = NewRequest {
        requested_by: "somebody else".to_owned(),
        ..keyed(&["a"])
    };
    let theirs = store.create_request(theirs).await.unwrap();
    assert!(!theirs.repeated);
    assert_ne!(mine.id, theirs.id);
}

pub async fn a_repeat_succeeds_after_its_service_was_disabled(database: &impl Database) {
    let store = &*database.store().await;
    let service = service(store, "a").await;
    let first = store.create_request(keyed(&["a"])).await.unwrap();
    let mut disabled = details("a");
    disabled.enabled = false;
    store.update_service(service.id, disabled).await.unwrap();
    let repeat = store.create_request(keyed(&["a"])).await.unwrap();
    assert_eq!(repeat.id, first.id);
}

pub async fn a_refused_request_does_not_use_its_key_up(database: &impl Database) {
    let store = &*database.store().await;
    assert!(store.create_request(keyed(&["a"])).await.is_err());
    services(store, &["a"]).await;
    let created = store.create_request(keyed(&["a"])).await.unwrap();
    assert!(!created.repeated);
}

pub async fn a_repeat_is_known_after_archiving(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let first = store.create_request(keyed(&["a"])).await.unwrap();
    completed(store, first.id).await;
    store.archive_request(first.id).await.unwrap();
    let repeat = store.create_request(keyed(&["a"])).await.unwrap();
    assert_eq!((repeat.id, repeat.repeated), (first.id, true));
    store.purge_archive(Duration::ZERO).await.unwrap();
    let anew = store.create_request(keyed(&["a"])).await.unwrap();
    assert!(!anew.repeated);
}

pub async fn repeats_at_the_same_time_make_one_request(database: &impl Database) {
    let (one, other) = (database.store().await, database.store().await);
    services(&*one, &["a"]).await;
    let calls = (0..16).map(|call| {
        let store = if call % 2 == 0 { &one } else { &other };
        store.create_request(keyed(&["a"]))
    });
    let created: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(created.iter().all(|c| c.id == created[0].id));
    assert_eq!(created.iter().filter(|c| !c.repeated).count(), 1);
}

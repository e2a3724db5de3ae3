//! Retention: spent answers, the archive, and its end.

use std::time::Duration;

use dossier_core::request::RequestStatus;
use dossier_store::{Page, PageKey, StoreError};

use super::Database;
use super::given::*;

pub async fn only_sections_of_completed_requests_are_spent(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a", "b"]).await;
    let errored = pending(store, &["a"]).await;
    let token = claimed(store, errored).await.token;
    record(store, errored, token, "a", collected(token, "a")).await;
    store.cancel_request(errored, "x").await.unwrap();
    let id = pending(store, &["a", "b"]).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    record(store, id, token, "b", nothing_held()).await;
    assert!(store.spent_sections(9).await.unwrap().is_empty());
    let kept = answer(token, "a").id;
    store.section_cleaned(id, kept).await.unwrap();
    assert!(section(store, id, "a").await.kept.is_some(), "still needed");
    store
        .complete(id, token, &report(token), 1, &[])
        .await
        .unwrap();
    let spent = store.spent_sections(9).await.unwrap();
    assert_eq!(spent, [(id, name("a"), kept)]);
    store.section_cleaned(id, kept).await.unwrap();
    store.section_cleaned(id, kept).await.unwrap();
    assert!(store.spent_sections(9).await.unwrap().is_empty());
    assert_eq!(section(store, id, "a").await.kept, None);
}

pub async fn finished_requests_are_archived_by_their_end(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let finished_last = pending(store, &["a"]).await;
    let errored = pending(store, &["a"]).await;
    let done = pending(store, &["a"]).await;
    pending(store, &["a"]).await;
    completed(store, done).await;
    a_moment().await;
    store.cancel_request(errored, "x").await.unwrap();
    a_moment().await;
    completed(store, finished_last).await;
    let day = Duration::from_secs(86_400);
    assert!(store.requests_to_archive(day, 9).await.unwrap().is_empty());
    let old = store.requests_to_archive(Duration::ZERO, 9).await.unwrap();
    let ids: Vec<_> = old.iter().map(|request| request.id).collect();
    assert_eq!(ids, [done, errored, finished_last]);
    assert!(old[0].document.is_some());
    let two = store.requests_to_archive(Duration::ZERO, 2).await.unwrap();
    assert_eq!(two.len(), 2);
}

pub async fn an_archived_request_is_remembered_without_its_documents_and_name(
    database: &impl Database,
) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", collected(token, "a")).await;
    store
        .complete(id, token, &report(token), 3, &[])
        .await
        .unwrap();
    let mut expected = found(store, id).await;
    store.archive_request(id).await.unwrap();
    assert_eq!(store.request(id).await.unwrap(), None);
    assert!(listed(store, &filter()).await.is_empty());
    assert!(store.spent_sections(9).await.unwrap().is_empty());
    let archived = store.archived_requests(None, FIRST_PAGE).await.unwrap();
    assert_eq!(archived.len(), 1);
    assert!(Some(archived[0].archived_at) >= expected.completed_at);
    expected.document = None;
    expected.subject_name = None;
    expected.sections[0].kept = None;
    assert_eq!(archived[0].request, expected);
}

pub async fn a_pending_request_is_not_archived(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let refused = store.archive_request(id).await;
    assert!(matches!(
        refused,
        Err(StoreError::WrongStatus(RequestStatus::Pending))
    ));
    assert_eq!(found(store, id).await.sections.len(), 1);
    assert!(
        store
            .archived_requests(None, FIRST_PAGE)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn the_archive_is_searched_like_the_list(database: &impl Database) {
    let store = &*database.store().await;
    services(store, &["a"]).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = pending(store, &["a"]).await;
        completed(store, id).await;
        store.archive_request(id).await.unwrap();
        ids.push(id);
        a_moment().await;
    }
    ids.reverse();
    for (search, expected) in [
        (None, 3),
        (Some("CASE-7"), 3),
        (Some("a1234"), 3),
        (Some("%"), 0),
        (Some("nothing"), 0),
    ] {
        let archived = store.archived_requests(search, FIRST_PAGE).await.unwrap();
        assert_eq!(archived.len(), expected, "{search:?}");
    }
    let first = Page::number(0, 2);
    let first = store.archived_requests(None, first).await.unwrap();
    let last = PageKey::of(&first.last().unwrap().request);
    for page in [
        Page::number(1, 2),
        Page::number(1, 2).of(3),
        Page::after(last, 2),
    ] {
        let archived = store.archived_requests(None, page).await.unwrap();
        assert_eq!(archived.len(), 1, "{page:?}");
        assert_eq!(archived[0].request.id, ids[2], "{page:?}");
    }
}

pub async fn the_archive_is_purged_by_age(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    completed(store, id).await;
    store.archive_request(id).await.unwrap();
    let year = Duration::from_secs(365 * 86_400);
    assert_eq!(store.purge_archive(year).await.unwrap(), 0);
    assert_eq!(store.purge_archive(Duration::ZERO).await.unwrap(), 1);
    assert!(
        store
            .archived_requests(None, FIRST_PAGE)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn one_service_in_many_requests_is_archived_with_each(database: &impl Database) {
    let store = &*database.store().await;
    let a = service(store, "a").await;
    for _ in 0..3 {
        let id = pending(store, &["a"]).await;
        completed(store, id).await;
        store.archive_request(id).await.unwrap();
    }
    store
        .update_service(a.id, details("renamed"))
        .await
        .unwrap();
    let archived = store.archived_requests(None, FIRST_PAGE).await.unwrap();
    assert_eq!(archived.len(), 3);
    for remembered in archived {
        assert_eq!(remembered.request.sections[0].service_name, name("a"));
    }
}

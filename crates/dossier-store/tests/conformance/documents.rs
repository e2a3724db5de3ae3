//! What a request is completed with besides the first volume of its report.

use std::collections::HashSet;
use std::time::Duration;

use dossier_core::document::finished_document_id;
use dossier_core::lease::LeaseRefusal;
use dossier_core::request::RequestStatus;
use dossier_core::{DocumentId, DocumentKind, FinishedDocument, LeaseToken, RequestId};
use dossier_store::{Store, StoreError};

use super::Database;
use super::given::*;

fn other(token: LeaseToken, kind: DocumentKind, volume: u32) -> FinishedDocument {
    let mut kept = report(token);
    kept.id = finished_document_id(token, kind, volume);
    kept.bytes = 5_000_000_000 + u64::from(volume);
    FinishedDocument {
        kind,
        volume,
        kept,
        pages: (kind != DocumentKind::Package).then_some(volume),
    }
}

/// A second volume, a copy in two volumes and a package, as they are listed.
fn others(token: LeaseToken) -> Vec<FinishedDocument> {
    use DocumentKind::{Copy, Package, Report};
    vec![
        other(token, Report, 2),
        other(token, Copy, 1),
        other(token, Copy, 2),
        other(token, Package, 1),
    ]
}

/// A claimed request whose only section is collected.
async fn ready(store: &dyn Store) -> (RequestId, LeaseToken) {
    let id = pending_of_a(store).await;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", nothing_held()).await;
    (id, token)
}

async fn complete(
    store: &dyn Store,
    id: RequestId,
    token: LeaseToken,
    others: &[FinishedDocument],
) -> Result<(), StoreError> {
    store.complete(id, token, &report(token), 3, others).await
}

pub async fn a_completed_request_has_all_its_documents_in_order(database: &impl Database) {
    let store = &*database.store().await;
    let (id, token) = ready(store).await;
    assert_eq!(found(store, id).await.documents().count(), 0);
    let mut said = others(token);
    said.reverse();
    complete(store, id, token, &said).await.unwrap();
    let request = found(store, id).await;
    assert_eq!(request.others, others(token));
    let listed: Vec<_> = request.documents().map(|d| (d.kind, d.volume)).collect();
    use DocumentKind::{Copy, Package, Report};
    let expected = [(Report, 1), (Report, 2), (Copy, 1), (Copy, 2), (Package, 1)];
    assert_eq!(listed, expected);
    assert_eq!(request.documents().next().unwrap().kept, report(token));
    let all = store
        .requests(&filter(), &rules(), FIRST_PAGE)
        .await
        .unwrap();
    assert_eq!(all, [request], "a list shows the same");
}

pub async fn a_completion_without_the_lease_leaves_no_document(database: &impl Database) {
    let store = &*database.store().await;
    let (id, token) = ready(store).await;
    let stranger = LeaseToken::generate();
    let refused = complete(store, id, stranger, &others(stranger)).await;
    assert!(matches!(
        refused,
        Err(StoreError::Lease(LeaseRefusal::Lost))
    ));
    complete(store, id, token, &[]).await.unwrap();
    let request = found(store, id).await;
    assert_eq!(request.status, RequestStatus::Completed);
    assert!(request.others.is_empty());
}

pub async fn a_completion_that_cannot_be_whole_changes_nothing(database: &impl Database) {
    let store = &*database.store().await;
    let (id, token) = ready(store).await;
    let before = found(store, id).await;
    let mut twice = others(token);
    twice.extend(others(token));
    assert!(complete(store, id, token, &twice).await.is_err());
    assert_eq!(found(store, id).await, before, "nothing changed");
    complete(store, id, token, &others(token)).await.unwrap();
}

pub async fn completing_again_succeeds_with_the_same_documents_only(database: &impl Database) {
    let store = &*database.store().await;
    let (id, token) = ready(store).await;
    complete(store, id, token, &others(token)).await.unwrap();
    let before = found(store, id).await;
    let mut reversed = others(token);
    reversed.reverse();
    complete(store, id, token, &reversed).await.unwrap();
    let mut altered = others(token);
    altered[0].kept.bytes += 1;
    let mut foreign = others(token);
    foreign[3].kept.id = DocumentId::generate();
    let fewer = &others(token)[..3];
    for different in [&altered[..], &foreign, fewer, &[]] {
        let refused = complete(store, id, token, different).await;
        assert!(matches!(
            refused,
            Err(StoreError::Lease(LeaseRefusal::Finished))
        ));
    }
    assert_eq!(found(store, id).await, before, "nothing changed");
}

pub async fn all_documents_of_a_completed_request_are_in_use(database: &impl Database) {
    let store = &*database.store().await;
    let id = pending_of_a(store).await;
    let lost = claimed_and_lost(store, id).await.token;
    let token = claimed(store, id).await.token;
    record(store, id, token, "a", nothing_held()).await;
    complete(store, id, token, &others(token)).await.unwrap();
    let abandoned = store.abandoned_attempts(Duration::ZERO, 9).await.unwrap();
    assert_eq!(abandoned[0].token, lost);
    let in_use: HashSet<_> = abandoned[0].in_use.iter().copied().collect();
    let documents = found(store, id).await;
    let expected: HashSet<_> = documents.documents().map(|d| d.kept.id).collect();
    assert_eq!(in_use.len(), 5);
    assert_eq!(in_use, expected);
}

pub async fn an_archived_request_has_no_documents(database: &impl Database) {
    let store = &*database.store().await;
    let (id, token) = ready(store).await;
    complete(store, id, token, &others(token)).await.unwrap();
    let old = store.requests_to_archive(Duration::ZERO, 9).await.unwrap();
    assert_eq!(old[0].documents().count(), 5, "they are to be deleted");
    store.archive_request(id).await.unwrap();
    let archived = store.archived_requests(None, FIRST_PAGE).await.unwrap();
    assert_eq!(archived[0].request.documents().count(), 0);
    assert_eq!(archived[0].request.pages, Some(3));
}

//! What every document storage must do, whatever is behind it.

use std::path::PathBuf;
use std::sync::Arc;

use dossier_core::DocumentId;
use dossier_documents::{ByteRange, DocumentError, DocumentStore};
use futures::{StreamExt, TryStreamExt};

/// Runs every rule of the suite against one storage.
pub async fn check(store: Arc<dyn DocumentStore>) {
    a_document_comes_back_as_it_was_put(&*store).await;
    an_empty_document_is_a_document(&*store).await;
    an_identifier_is_never_used_twice(&*store).await;
    of_many_who_put_one_identifier_one_succeeds(store.clone()).await;
    a_large_document_is_whole_and_has_ranges(&*store).await;
    of_many_who_put_a_large_document_one_succeeds(store.clone()).await;
    ranges_give_their_part(&*store).await;
    an_empty_document_has_no_ranges(&*store).await;
    many_read_one_document(store.clone()).await;
    reading_may_stop_anywhere(&*store).await;
    a_deleted_document_is_gone(&*store).await;
    what_was_never_put_is_not_found(&*store).await;
    store.ping().await.unwrap();
}

/// A file with this content that lives as long as the guard.
pub fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    file
}

/// A file of 20 MB and some bytes, other ones for each seed.
pub fn large(seed: u8) -> tempfile::NamedTempFile {
    let content: Vec<u8> = (0..20_000_001u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ seed)
        .collect();
    file(&content)
}

/// All bytes of a document or a part of it.
pub async fn bytes(
    store: &dyn DocumentStore,
    id: DocumentId,
    range: Option<ByteRange>,
) -> Result<Vec<u8>, std::io::Error> {
    let read = store.read(id, range).await.map_err(std::io::Error::other)?;
    let pieces: Vec<_> = read.body.try_collect().await?;
    Ok(pieces.concat())
}

async fn a_document_comes_back_as_it_was_put(store: &dyn DocumentStore) {
    let content: Vec<u8> = (0..300_000u32).map(|n| (n * 7 % 251) as u8).collect();
    let id = DocumentId::generate();
    let put = store.put(id, file(&content).path()).await.unwrap();
    assert_eq!(put.bytes, content.len() as u64);
    assert_eq!(store.stat(id).await.unwrap(), put);
    assert_eq!(bytes(store, id, None).await.unwrap(), content);
}

async fn an_empty_document_is_a_document(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    let put = store.put(id, file(b"").path()).await.unwrap();
    assert_eq!(
        put.sha256.as_str(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "the digest of nothing, FIPS 180-4"
    );
    assert_eq!(bytes(store, id, None).await.unwrap(), b"");
}

async fn an_identifier_is_never_used_twice(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    store.put(id, file(b"first").path()).await.unwrap();
    let again = store.put(id, file(b"second").path()).await;
    assert!(
        matches!(again, Err(DocumentError::AlreadyExists(taken)) if taken == id),
        "{again:?}"
    );
    assert_eq!(bytes(store, id, None).await.unwrap(), b"first");
}

async fn of_many_who_put_one_identifier_one_succeeds(store: Arc<dyn DocumentStore>) {
    let id = DocumentId::generate();
    let puts = (0..8u8).map(|n| {
        let store = store.clone();
        async move {
            let content = file(&[n; 1000]);
            store.put(id, content.path()).await.map(|_| n)
        }
    });
    let results: Vec<_> = futures::stream::iter(puts)
        .buffer_unordered(8)
        .collect()
        .await;
    let winners: Vec<u8> = results.into_iter().filter_map(Result::ok).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(bytes(&*store, id, None).await.unwrap(), [winners[0]; 1000]);
}

async fn a_large_document_is_whole_and_has_ranges(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    let source = large(0);
    let content = std::fs::read(source.path()).unwrap();
    let put = store.put(id, source.path()).await.unwrap();
    assert_eq!(put.bytes, content.len() as u64);
    assert_eq!(store.stat(id).await.unwrap(), put);
    assert!(bytes(store, id, None).await.unwrap() == content);
    for (range, first, last) in [
        (
            ByteRange::FromTo(8_388_600, 8_388_620),
            8_388_600,
            8_388_620,
        ),
        (ByteRange::From(19_999_000), 19_999_000, 20_000_000),
        (ByteRange::Last(10_000_000), 10_000_001, 20_000_000),
    ] {
        let part = bytes(store, id, Some(range)).await.unwrap();
        assert!(part == content[first..=last], "{range:?}");
    }
}

async fn of_many_who_put_a_large_document_one_succeeds(store: Arc<dyn DocumentStore>) {
    let id = DocumentId::generate();
    let puts = [1, 2].map(|seed| {
        let store = store.clone();
        async move { store.put(id, large(seed).path()).await.map(|_| seed) }
    });
    let results = futures::future::join_all(puts).await;
    let winners: Vec<u8> = results.into_iter().filter_map(Result::ok).collect();
    assert_eq!(winners.len(), 1);
    let content = std::fs::read(large(winners[0]).path()).unwrap();
    assert!(bytes(&*store, id, None).await.unwrap() == content);
}

async fn an_empty_document_has_no_ranges(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    store.put(id, file(b"").path()).await.unwrap();
    let read = store.read(id, Some(ByteRange::From(0))).await.map(|_| ());
    assert!(
        matches!(read, Err(DocumentError::RangeNotSatisfiable { bytes: 0 })),
        "{read:?}"
    );
}

async fn many_read_one_document(store: Arc<dyn DocumentStore>) {
    let id = DocumentId::generate();
    let content = vec![7; 500_000];
    store.put(id, file(&content).path()).await.unwrap();
    let reads = (0..20).map(|_| bytes(&*store, id, None));
    for read in futures::future::join_all(reads).await {
        assert!(read.unwrap() == content);
    }
}

async fn reading_may_stop_anywhere(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    store
        .put(id, file(&vec![7; 3_000_000]).path())
        .await
        .unwrap();
    let mut read = store.read(id, None).await.unwrap();
    assert!(read.body.next().await.unwrap().is_ok());
    drop(read);
    assert!(store.delete(id).await.unwrap());
}

async fn ranges_give_their_part(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    store.put(id, file(b"0123456789").path()).await.unwrap();
    for (range, part) in [
        (ByteRange::FromTo(0, 0), "0"),
        (ByteRange::FromTo(2, 4), "234"),
        (ByteRange::FromTo(8, 99), "89"),
        (ByteRange::From(7), "789"),
        (ByteRange::Last(3), "789"),
        (ByteRange::Last(99), "0123456789"),
    ] {
        assert_eq!(
            bytes(store, id, Some(range)).await.unwrap(),
            part.as_bytes(),
            "{range:?}"
        );
    }
    for range in [
        ByteRange::From(10),
        ByteRange::FromTo(4, 3),
        ByteRange::Last(0),
    ] {
        let read = store.read(id, Some(range)).await.map(|_| ());
        assert!(
            matches!(read, Err(DocumentError::RangeNotSatisfiable { bytes: 10 })),
            "{range:?} {read:?}"
        );
    }
}

async fn a_deleted_document_is_gone(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    store.put(id, file(b"x").path()).await.unwrap();
    assert!(store.delete(id).await.unwrap());
    assert!(!store.delete(id).await.unwrap());
    assert!(matches!(
        store.stat(id).await,
        Err(DocumentError::NotFound(_))
    ));
}

async fn what_was_never_put_is_not_found(store: &dyn DocumentStore) {
    let id = DocumentId::generate();
    assert!(matches!(
        store.stat(id).await,
        Err(DocumentError::NotFound(_))
    ));
    assert!(matches!(
        store.read(id, None).await.map(|_| ()),
        Err(DocumentError::NotFound(_))
    ));
    assert!(!store.delete(id).await.unwrap());
    let missing = store.put(id, &PathBuf::from("/nonexistent/file")).await;
    assert!(
        matches!(missing, Err(DocumentError::Unavailable { .. })),
        "{missing:?}"
    );
    let put = store.put(id, file(b"now it is there").path()).await;
    assert!(
        put.is_ok(),
        "a put that failed does not use up the identifier"
    );
}

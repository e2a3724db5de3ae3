//! The folder store: the common suite, and what only files can show.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod conformance;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conformance::{bytes, check, file};
use dossier_core::DocumentId;
use dossier_documents::{DocumentError, DocumentStore, FolderStore};

async fn open(folder: &Path) -> FolderStore {
    FolderStore::open(folder.join("documents")).await.unwrap()
}

fn place(folder: &Path, id: DocumentId) -> PathBuf {
    let name = id.to_string();
    folder
        .join("documents")
        .join(&name[name.len() - 2..])
        .join(name)
}

#[tokio::test]
async fn the_folder_store_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    check(Arc::new(open(folder.path()).await)).await;
}

#[tokio::test]
async fn the_digest_stands_beside_the_document_as_sha256sum_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let id = DocumentId::generate();
    let put = store.put(id, file(b"report").path()).await.unwrap();
    let line = std::fs::read_to_string(place(folder.path(), id).join("document.sha256")).unwrap();
    assert_eq!(line, format!("{}  document\n", put.sha256));
}

#[tokio::test]
async fn a_document_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let id = DocumentId::generate();
    let put = open(folder.path())
        .await
        .put(id, file(b"report").path())
        .await
        .unwrap();
    assert_eq!(open(folder.path()).await.stat(id).await.unwrap(), put);
}

#[tokio::test]
async fn only_the_owner_can_read_documents() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let id = DocumentId::generate();
    store.put(id, file(b"report").path()).await.unwrap();
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!(mode(folder.path().join("documents")), 0);
    assert_eq!(mode(place(folder.path(), id)), 0);
    assert_eq!(mode(place(folder.path(), id).join("document")), 0);
}

#[tokio::test]
async fn a_changed_document_is_an_error_at_the_end_of_reading() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let id = DocumentId::generate();
    store.put(id, file(b"report").path()).await.unwrap();
    std::fs::write(place(folder.path(), id).join("document"), b"rep0rt").unwrap();
    let error = bytes(&store, id, None).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_broken_digest_file_is_a_damaged_document() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let id = DocumentId::generate();
    store.put(id, file(b"report").path()).await.unwrap();
    std::fs::write(place(folder.path(), id).join("document.sha256"), b"?").unwrap();
    assert!(matches!(
        store.stat(id).await,
        Err(DocumentError::Damaged(_))
    ));
}

#[tokio::test]
async fn a_failed_put_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let id = DocumentId::generate();
    store.put(id, Path::new("/nonexistent")).await.unwrap_err();
    store.put(id, file(b"report").path()).await.unwrap();
    store.put(id, file(b"again").path()).await.unwrap_err();
    let incoming = std::fs::read_dir(folder.path().join("documents/incoming")).unwrap();
    assert_eq!(incoming.count(), 0);
}

#[tokio::test]
async fn a_copy_that_fails_in_the_middle_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let id = DocumentId::generate();
    // A directory opens, but reading it fails.
    let error = store.put(id, folder.path()).await.unwrap_err();
    assert!(matches!(
        error,
        DocumentError::Unavailable {
            doing: "storing a document",
            ..
        }
    ));
    assert!(matches!(
        store.stat(id).await,
        Err(DocumentError::NotFound(_))
    ));
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_refused() {
    let file = file(b"");
    let opened = FolderStore::open(file.path()).await;
    assert!(matches!(opened, Err(DocumentError::Unavailable { .. })));
}

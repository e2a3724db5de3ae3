//! A folder of documents that can be told to fail.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dossier_core::{DocumentId, KeptDocument};
use dossier_documents::{ByteRange, DocumentError, DocumentRead, DocumentStore, FolderStore};
use tokio::sync::Notify;

pub struct Documents {
    folder: FolderStore,
    pub put: Mutex<Vec<DocumentId>>,
    pub deleted: Mutex<Vec<DocumentId>>,
    /// Storing panics, and its message holds personal data.
    pub panics: AtomicBool,
    /// Looking at what was stored finds something else.
    pub alters: AtomicBool,
    /// Storing a report waits until it is told to go on.
    pub holds: AtomicBool,
    /// Storing a package does.
    pub holds_package: AtomicBool,
    /// Deleting fails.
    pub keeps: AtomicBool,
    pub go_on: Notify,
}

impl Documents {
    pub async fn open(path: &Path) -> Arc<Self> {
        Arc::new(Self {
            folder: FolderStore::open(path).await.unwrap(),
            put: Mutex::default(),
            deleted: Mutex::default(),
            panics: AtomicBool::default(),
            alters: AtomicBool::default(),
            holds: AtomicBool::default(),
            holds_package: AtomicBool::default(),
            keeps: AtomicBool::default(),
            go_on: Notify::new(),
        })
    }

    /// The bytes of a document.
    pub async fn content(&self, id: DocumentId) -> Vec<u8> {
        use futures::TryStreamExt;
        let read = self.folder.read(id, None).await.unwrap();
        let pieces: Vec<_> = read.body.try_collect().await.unwrap();
        pieces.concat()
    }

    pub async fn has(&self, id: DocumentId) -> bool {
        self.folder.stat(id).await.is_ok()
    }

    /// How many of the documents that were stored are still there.
    pub async fn count(&self) -> usize {
        let put = self.put.lock().unwrap().clone();
        let mut count = 0;
        for id in put {
            count += usize::from(self.has(id).await);
        }
        count
    }
}

#[async_trait]
impl DocumentStore for Documents {
    async fn put(&self, id: DocumentId, file: &Path) -> Result<KeptDocument, DocumentError> {
        assert!(
            !self.panics.load(Ordering::SeqCst),
            "a secret about Ada Lovelace"
        );
        let is = |what: &str| file.extension().is_some_and(|extension| extension == what);
        if is("pdf") && self.holds.load(Ordering::SeqCst)
            || is("zip") && self.holds_package.load(Ordering::SeqCst)
        {
            self.put.lock().unwrap().push(id);
            self.go_on.notified().await;
            return self.folder.put(id, file).await;
        }
        self.put.lock().unwrap().push(id);
        self.folder.put(id, file).await
    }

    async fn stat(&self, id: DocumentId) -> Result<KeptDocument, DocumentError> {
        let mut document = self.folder.stat(id).await?;
        if self.alters.load(Ordering::SeqCst) {
            document.bytes += 1;
        }
        Ok(document)
    }

    async fn read(
        &self,
        id: DocumentId,
        range: Option<ByteRange>,
    ) -> Result<DocumentRead, DocumentError> {
        self.folder.read(id, range).await
    }

    async fn delete(&self, id: DocumentId) -> Result<bool, DocumentError> {
        self.deleted.lock().unwrap().push(id);
        if self.keeps.load(Ordering::SeqCst) {
            return Err(DocumentError::Unavailable {
                doing: "deleting",
                source: std::io::Error::other("out of order"),
            });
        }
        self.folder.delete(id).await
    }

    async fn ping(&self) -> Result<(), DocumentError> {
        self.folder.ping().await
    }
}

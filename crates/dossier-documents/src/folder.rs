//! Documents as files in a folder.
//!
//! A document is a directory of its own, `<first two digits>/<identifier>/`, with the bytes in
//! `document` and their digest in `document.sha256` (as `sha256sum -c` reads it). It is made under
//! `incoming/`, forced to disk, and moved to its place by one rename, which fails if the place is
//! taken: so a document is there whole or not at all, and is never replaced. A delete moves it
//! away before its files go.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use dossier_core::{DocumentId, KeptDocument, Sha256Hex};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::checked::checked;
use crate::store::{ByteRange, DocumentError, DocumentRead, DocumentStore};

const DATA_FILE: &str = "document";
const DIGEST_FILE: &str = "document.sha256";
const INCOMING: &str = "incoming";
/// Bytes copied or read at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Leftovers of a crash are removed when they are older than this. Nothing is stored for so long.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);

/// A folder of documents, for one machine or a shared file system.
#[derive(Clone, Debug)]
pub struct FolderStore {
    root: PathBuf,
}

impl FolderStore {
    /// Opens the folder, making it (readable by its owner only) if it is not there, and removes
    /// what a crash left half-written a day or more ago.
    ///
    /// # Errors
    /// [`DocumentError::Unavailable`] if the folder cannot be made, read or written.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, DocumentError> {
        let store = Self { root: root.into() };
        let opened = store.clone();
        blocking("opening the folder", move || {
            make_folder(&opened.root.join(INCOMING))?;
            opened.remove_leftovers()
        })
        .await?;
        store.ping().await?;
        Ok(store)
    }

    fn place(&self, id: DocumentId) -> PathBuf {
        let name = id.to_string();
        // The last digits are random in every UUID version; the first ones of version 7 are a clock.
        self.root.join(&name[name.len() - 2..]).join(name)
    }

    fn incoming(&self) -> io::Result<tempfile::TempDir> {
        tempfile::Builder::new()
            .prefix("in-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(self.root.join(INCOMING))
    }

    fn remove_leftovers(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join(INCOMING))? {
            let entry = entry?;
            let age = SystemTime::now().duration_since(entry.metadata()?.modified()?);
            if age.is_ok_and(|age| age > LEFTOVER_AGE) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn put_blocking(&self, id: DocumentId, file: &Path) -> io::Result<KeptDocument> {
        let incoming = self.incoming()?;
        let document = write_document(id, file, incoming.path())?;
        let place = self.place(id);
        let shelf = place.parent().unwrap_or(&self.root);
        make_folder(shelf)?;
        fs::rename(incoming.path(), &place)?;
        // Moved away: nothing is left for the guard to remove.
        let _ = incoming.keep();
        sync_folder(shelf)?;
        Ok(document)
    }

    fn stat_blocking(&self, id: DocumentId) -> io::Result<Option<KeptDocument>> {
        let place = self.place(id);
        let line = fs::read_to_string(place.join(DIGEST_FILE))?;
        let bytes = fs::metadata(place.join(DATA_FILE))?.len();
        let digest = line
            .split_whitespace()
            .next()
            .and_then(|digest| digest.parse().ok());
        Ok(digest.map(|sha256: Sha256Hex| KeptDocument { id, bytes, sha256 }))
    }

    fn delete_blocking(&self, id: DocumentId) -> io::Result<bool> {
        let place = self.place(id);
        let away = self.incoming()?;
        match fs::rename(&place, away.path().join("deleted")) {
            Ok(()) => {
                if let Some(shelf) = place.parent() {
                    sync_folder(shelf)?;
                }
                away.close()?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl DocumentStore for FolderStore {
    async fn put(&self, id: DocumentId, file: &Path) -> Result<KeptDocument, DocumentError> {
        let (store, file) = (self.clone(), file.to_owned());
        match blocking("storing a document", move || store.put_blocking(id, &file)).await {
            Err(DocumentError::Unavailable { source, .. }) if is_taken(&source) => {
                Err(DocumentError::AlreadyExists(id))
            }
            other => other,
        }
    }

    async fn stat(&self, id: DocumentId) -> Result<KeptDocument, DocumentError> {
        let store = self.clone();
        match blocking("looking a document up", move || store.stat_blocking(id)).await {
            Ok(Some(document)) => Ok(document),
            Ok(None) => Err(DocumentError::Damaged(id)),
            Err(error) => Err(not_found(error, id)),
        }
    }

    async fn read(
        &self,
        id: DocumentId,
        range: Option<ByteRange>,
    ) -> Result<DocumentRead, DocumentError> {
        let document = self.stat(id).await?;
        let bytes = document.bytes;
        let (start, length) = ByteRange::part_of(range, bytes)?;
        let path = self.place(id).join(DATA_FILE);
        let file = blocking("opening a document", move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(start))?;
            Ok(file)
        })
        .await
        .map_err(|error| not_found(error, id))?;
        let expected = (length == bytes).then(|| document.sha256.clone());
        let reader = tokio::fs::File::from_std(file).take(length);
        let pieces = ReaderStream::with_capacity(reader, PIECE_BYTES);
        let body = checked(pieces, length, expected);
        Ok(DocumentRead {
            document,
            start,
            length,
            body,
        })
    }

    async fn delete(&self, id: DocumentId) -> Result<bool, DocumentError> {
        let store = self.clone();
        blocking("deleting a document", move || store.delete_blocking(id)).await
    }

    async fn ping(&self) -> Result<(), DocumentError> {
        let store = self.clone();
        blocking("writing to the folder", move || {
            let probe = store.incoming()?;
            fs::write(probe.path().join("probe"), b"probe")?;
            probe.close()
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, DocumentError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped.to_string())))
        .map_err(|source| DocumentError::Unavailable { doing, source })
}

fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
    )
}

fn not_found(error: DocumentError, id: DocumentId) -> DocumentError {
    match error {
        DocumentError::Unavailable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            DocumentError::NotFound(id)
        }
        other => other,
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn write_document(id: DocumentId, file: &Path, folder: &Path) -> io::Result<KeptDocument> {
    let mut source = File::open(file)?;
    let mut target = create(&folder.join(DATA_FILE))?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        let read = source.read(&mut piece)?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        target.write_all(&piece[..read])?;
        bytes += read as u64;
    }
    target.sync_all()?;
    let sha256 = Sha256Hex::from_digest(&digest.finalize().into());
    let mut beside = create(&folder.join(DIGEST_FILE))?;
    writeln!(beside, "{sha256}  {DATA_FILE}")?;
    beside.sync_all()?;
    sync_folder(folder)?;
    Ok(KeptDocument { id, bytes, sha256 })
}

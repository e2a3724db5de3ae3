//! A file that is to be stored, measured before it is sent.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dossier_core::{DocumentId, KeptDocument, Sha256Hex};
use sha2::{Digest, Sha256};

/// Bytes read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// A file on this machine, with what proves that it arrived whole.
pub(crate) struct Content {
    /// The file.
    pub path: PathBuf,
    /// What the storage is to have afterwards.
    pub document: KeptDocument,
    /// Its MD5 in lower-case hexadecimal digits: what some storages tell of their files.
    pub md5: String,
    /// Its kind, by its first bytes.
    pub kind: FileKind,
}

/// The kinds of files that Dossier stores.
#[derive(Clone, Copy)]
pub(crate) enum FileKind {
    Pdf,
    Zip,
    Other,
}

impl FileKind {
    fn of(start: &[u8]) -> Self {
        if start.starts_with(b"%PDF-") {
            Self::Pdf
        } else if start.starts_with(b"PK\x03\x04") {
            Self::Zip
        } else {
            Self::Other
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
            Self::Other => "application/octet-stream",
        }
    }

    /// How the names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Zip => "zip",
            Self::Other => "bin",
        }
    }
}

impl Content {
    /// Reads the file once.
    pub async fn measure(id: DocumentId, file: &Path) -> io::Result<Self> {
        let path = file.to_owned();
        tokio::task::spawn_blocking(move || Self::measure_blocking(id, path))
            .await
            .unwrap_or_else(|stopped| Err(io::Error::other(stopped.to_string())))
    }

    fn measure_blocking(id: DocumentId, path: PathBuf) -> io::Result<Self> {
        let mut file = File::open(&path)?;
        let (mut sha256, mut md5) = (Sha256::new(), md5::Md5::new());
        let mut piece = vec![0; PIECE_BYTES];
        let mut start = Vec::new();
        let mut bytes = 0;
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            if bytes == 0 {
                start.extend_from_slice(&piece[..read.min(8)]);
            }
            sha256.update(&piece[..read]);
            md5.update(&piece[..read]);
            bytes += read as u64;
        }
        let md5 = md5.finalize().iter().map(|b| format!("{b:02x}")).collect();
        let sha256 = Sha256Hex::from_digest(&sha256.finalize().into());
        Ok(Self {
            path,
            document: KeptDocument { id, bytes, sha256 },
            md5,
            kind: FileKind::of(&start),
        })
    }
}

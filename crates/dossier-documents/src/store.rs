//! The trait that every document storage implements.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use dossier_core::{DocumentId, KeptDocument};
use futures::stream::BoxStream;

/// What can go wrong in a document storage, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// There is no such document.
    #[error("there is no document {0}")]
    NotFound(DocumentId),
    /// The identifier is taken. Identifiers are never used twice: take another.
    #[error("document {0} exists already")]
    AlreadyExists(DocumentId),
    /// The range lies outside the document; ask for one within `bytes`.
    #[error("the range lies outside the document of {bytes} bytes")]
    RangeNotSatisfiable {
        /// The document's size in bytes.
        bytes: u64,
    },
    /// What is stored is not what was put in; restore it from a backup.
    #[error("document {0} is damaged: its size or digest is not the recorded one")]
    Damaged(DocumentId),
    /// The storage takes no files of this size; make smaller ones.
    #[error(
        "a file of {bytes} bytes is too large for the document storage, which takes {bytes_max}"
    )]
    TooLarge {
        /// The file's size in bytes.
        bytes: u64,
        /// The largest size that it takes.
        bytes_max: u64,
    },
    /// The storage cannot be reached, is full, or refused; try again later.
    #[error("the document storage failed while {doing}: {source}")]
    Unavailable {
        /// What was tried.
        doing: &'static str,
        /// The system's account of it.
        source: std::io::Error,
    },
}

/// A part of a document, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first to the last byte, both included; the last is cut to the document's end.
    FromTo(u64, u64),
    /// From this byte to the end.
    From(u64),
    /// The last so many bytes.
    Last(u64),
}

impl ByteRange {
    /// The first byte and the number of bytes that the range means in a document of `size` bytes;
    /// none if it lies outside (RFC 9110, section 14.1.2).
    pub fn within(self, size: u64) -> Option<(u64, u64)> {
        let (start, end) = match self {
            Self::FromTo(first, last) => (first, last.saturating_add(1).min(size)),
            Self::From(first) => (first, size),
            Self::Last(count) => (size.saturating_sub(count), size),
        };
        (start < end).then(|| (start, end - start))
    }

    /// The first byte and the number of bytes of a document, or of a part of it.
    pub(crate) fn part_of(range: Option<Self>, bytes: u64) -> Result<(u64, u64), DocumentError> {
        match range {
            None => Ok((0, bytes)),
            Some(range) => range
                .within(bytes)
                .ok_or(DocumentError::RangeNotSatisfiable { bytes }),
        }
    }
}

/// A document being read.
pub struct DocumentRead {
    /// Size and digest of the whole document.
    pub document: KeptDocument,
    /// First byte that is read.
    pub start: u64,
    /// Number of bytes that are read.
    pub length: u64,
    /// The bytes, a piece at a time.
    pub body: BoxStream<'static, Result<Bytes, std::io::Error>>,
}

/// A storage for documents.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// Stores the file's content under an identifier that was never used before, and answers its
    /// size and digest. The document is there only once this has succeeded. The file stays.
    async fn put(&self, id: DocumentId, file: &Path) -> Result<KeptDocument, DocumentError>;

    /// Size and digest of a document, as recorded when it was stored.
    async fn stat(&self, id: DocumentId) -> Result<KeptDocument, DocumentError>;

    /// Reads a document or a part of it.
    async fn read(
        &self,
        id: DocumentId,
        range: Option<ByteRange>,
    ) -> Result<DocumentRead, DocumentError>;

    /// Deletes a document; answers whether it was there.
    async fn delete(&self, id: DocumentId) -> Result<bool, DocumentError>;

    /// Whether documents can be read and written.
    async fn ping(&self) -> Result<(), DocumentError>;
}

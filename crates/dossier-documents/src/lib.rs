//! Document storage: finished reports and kept sections.
//!
//! [`DocumentStore`] says what a storage must do; [`FolderStore`] does it with files, [`S3Store`] with
//! objects in a bucket, [`DocumentApiStore`] with an existing document API. A document is written once, under an identifier that is never used again, and is either there, whole and with
//! the digest it was stored with, or not there at all.

mod checked;
mod content;
mod document_api;
mod fault;
mod folder;
mod s3;
mod store;

pub use document_api::{Bearer, DocumentApiConfig, DocumentApiStore};
pub use folder::FolderStore;
pub use s3::{Encryption, S3Config, S3Store};
pub use store::{ByteRange, DocumentError, DocumentRead, DocumentStore};

/// A setting of a storage that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {must}")]
pub struct InvalidSetting {
    /// The setting's name in the storage's table.
    pub key: &'static str,
    /// What it must be.
    pub must: &'static str,
}

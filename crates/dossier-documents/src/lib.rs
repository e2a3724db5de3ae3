//! Document storage: finished reports and kept sections.
//!
//! [`DocumentStore`] says what a storage must do; [`FolderStore`] does it with files. A document is
//! written once, under an identifier that is never used again, and is either there, whole and with
//! the digest it was stored with, or not there at all.

mod folder;
mod store;

pub use folder::FolderStore;
pub use store::{ByteRange, DocumentError, DocumentRead, DocumentStore};

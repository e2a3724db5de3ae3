//! The document API that the document storage is tested with.

#[expect(dead_code, reason = "the document storage's own tests use the rest")]
#[path = "../../../../dossier-documents/tests/servers/document_api.rs"]
mod server;

pub use server::{DocumentApi, Stored, TOKEN};

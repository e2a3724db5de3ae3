//! The report: made, stored and verified.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dossier_core::KeptDocument;
use dossier_core::document::report_document_id;
use dossier_core::wire::{CompleteRequest, DocumentView};
use dossier_documents::{DocumentError, DocumentStore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use super::{Attempt, Ending};
use crate::rendering::{self, Manuscript, Printed};
use crate::retry::Backoff;
use crate::spool::AttemptSpool;

/// Tries to put a document in the store.
const STORE_TRIES_MAX: u32 = 3;
/// Pauses between them.
const STORE_PAUSE: Backoff = Backoff {
    first: Duration::from_millis(200),
    most: Duration::from_secs(2),
};
/// How long an upload is waited for that is no longer wanted.
const UPLOAD_END_MAX: Duration = Duration::from_secs(10);

/// The upload of a report. It is never broken off, so that what it may have stored is there to be
/// deleted when it has ended.
#[derive(Default)]
pub(super) struct Upload(Option<JoinHandle<Result<(), String>>>);

impl Upload {
    /// Waits for the upload's end, if there is one.
    pub async fn finish(&mut self) {
        if let Some(upload) = self.0.take() {
            // Too late, or failed: deleting what it stored, or housekeeping, is all that is left.
            let _ = tokio::time::timeout(UPLOAD_END_MAX, upload).await;
        }
    }
}

impl Attempt {
    /// Makes the report from the collected sections.
    pub(super) async fn print(
        &self,
        manuscript: Manuscript,
        spool: &AttemptSpool,
    ) -> Result<Printed, Ending> {
        let began = Instant::now();
        let (settings, file) = (self.workshop.report.clone(), spool.report());
        let printing = move || rendering::print(manuscript, &settings, &file);
        let printed = match tokio::task::spawn_blocking(printing).await {
            Ok(Ok(printed)) => printed,
            Ok(Err(error)) => return Err(Ending::Failed(error)),
            Err(_) => return Err(Ending::Failed("the report could not be made".to_owned())),
        };
        let duration_ms = began.elapsed().as_millis() as u64;
        tracing::info!(
            pages = printed.pages,
            bytes = printed.bytes,
            duration_ms,
            "made the report"
        );
        self.note_unsupported(printed.unsupported_characters);
        Ok(printed)
    }

    /// A reader of the report would see boxes and not know why: the operator can help.
    fn note_unsupported(&self, unsupported_characters: u64) {
        if unsupported_characters == 0 {
            return;
        }
        self.workshop
            .unsupported_characters
            .fetch_add(unsupported_characters, Ordering::Relaxed);
        tracing::warn!(
            unsupported_characters,
            "no font has some of the report's characters, which are shown as boxes: name a font \
             that has them in report.fallback_fonts"
        );
    }

    /// Stores the report under this attempt's own identifier, and looks at what was stored.
    pub(super) async fn store_report(
        &self,
        printed: Printed,
        spool: &AttemptSpool,
        upload: &mut Upload,
    ) -> Result<CompleteRequest, Ending> {
        let document = KeptDocument {
            id: report_document_id(self.lease.token()),
            bytes: printed.bytes,
            sha256: printed.sha256,
        };
        let complete = CompleteRequest {
            lease_token: self.lease.token(),
            document: DocumentView::from(&document),
            pages: printed.pages,
        };
        self.own_documents().insert(document.id);
        let (documents, file) = (Arc::clone(&self.workshop.documents), spool.report());
        let storing = async move {
            store(&*documents, &document, &file).await?;
            verify(&*documents, &document).await
        };
        let running = upload.0.insert(tokio::spawn(storing.in_current_span()));
        let stored = running.await;
        upload.0 = None;
        match stored {
            Ok(Ok(())) => Ok(complete),
            Ok(Err(error)) => Err(Ending::Failed(error)),
            Err(_) => Err(Ending::Failed("the report could not be stored".to_owned())),
        }
    }
}

/// Puts a file in the store; what the store received must be what is expected. The error is without
/// personal data.
pub(super) async fn store(
    documents: &dyn DocumentStore,
    expected: &KeptDocument,
    file: &Path,
) -> Result<(), String> {
    let mut tries = 1;
    loop {
        let error = match documents.put(expected.id, file).await {
            Ok(stored) if stored == *expected => return Ok(()),
            Ok(_) => return Err("a document changed on its way to the storage".to_owned()),
            // An earlier try has succeeded after all.
            Err(DocumentError::AlreadyExists(_)) if tries > 1 => {
                return verify(documents, expected).await;
            }
            Err(error @ DocumentError::Unavailable { .. }) if tries < STORE_TRIES_MAX => error,
            Err(error) => return Err(error.to_string()),
        };
        tracing::warn!(%error, tries, "a document could not be stored; trying again");
        tokio::time::sleep(STORE_PAUSE.half_jitter(tries)).await;
        tries += 1;
    }
}

async fn verify(documents: &dyn DocumentStore, expected: &KeptDocument) -> Result<(), String> {
    match documents.stat(expected.id).await {
        Ok(stored) if stored == *expected => Ok(()),
        Ok(_) => Err("the stored document is not the one that was sent".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

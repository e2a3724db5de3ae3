//! The report and what goes with it: made, stored and verified.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dossier_core::document::finished_document_id;
use dossier_core::wire::{CompleteRequest, DocumentView, StoredView};
use dossier_core::{DocumentKind, FinishedDocument, KeptDocument};
use dossier_documents::{DocumentError, DocumentStore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Attempt, Ending};
use crate::rendering::{self, MadeFile, Manuscript};
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

/// The upload of what was made. A file's is never broken off, so that what it may have stored is
/// there to be deleted when it has ended.
#[derive(Default)]
pub(super) struct Upload {
    running: Option<JoinHandle<Result<(), String>>>,
    /// No further file is to be stored.
    unwanted: CancellationToken,
}

impl Upload {
    /// Waits for the upload's end, if there is one; answers whether it has ended.
    pub async fn finish(&mut self) -> bool {
        self.unwanted.cancel();
        match self.running.take() {
            // However it ended: deleting what it stored is all that is left.
            Some(upload) => tokio::time::timeout(UPLOAD_END_MAX, upload).await.is_ok(),
            None => true,
        }
    }
}

impl Attempt {
    /// Makes the report from the collected sections, and whatever goes with it.
    pub(super) async fn print(
        &self,
        manuscript: Manuscript,
        spool: &AttemptSpool,
    ) -> Result<Vec<MadeFile>, Ending> {
        let began = Instant::now();
        let (settings, files) = (self.workshop.report.clone(), spool.made());
        let printing = move || rendering::print(manuscript, &settings, &files);
        let made = match tokio::task::spawn_blocking(printing).await {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => return Err(Ending::Failed(error)),
            Err(_) => return Err(Ending::Failed("the report could not be made".to_owned())),
        };
        tracing::info!(
            files = made.files.len(),
            pages = made.pages,
            bytes = made.files.iter().map(|file| file.bytes).sum::<u64>(),
            duration_ms = began.elapsed().as_millis() as u64,
            "made the report"
        );
        self.note_unsupported(made.unsupported_characters);
        Ok(made.files)
    }

    /// A reader of the report sees � in place of characters: the operator can help.
    fn note_unsupported(&self, unsupported_characters: u64) {
        if unsupported_characters == 0 {
            return;
        }
        self.workshop
            .unsupported_characters
            .fetch_add(unsupported_characters, Ordering::Relaxed);
        tracing::warn!(
            unsupported_characters,
            "some of the report's characters are shown as U+FFFD: no font has them, or a letter \
             has too many combining marks; name a font that has them in report.fallback_fonts"
        );
    }

    /// Stores what was made under this attempt's own identifiers, the volumes of each kind in
    /// ascending order, and looks at what was stored.
    pub(super) async fn store_made(
        &self,
        mut made: Vec<MadeFile>,
        upload: &mut Upload,
    ) -> Result<CompleteRequest, Ending> {
        made.sort_by_key(|file| (file.kind, file.volume));
        let documents: Vec<FinishedDocument> =
            made.iter().map(|file| self.finished(file)).collect();
        let complete = self.completion(&documents)?;
        self.made_documents()
            .extend(documents.iter().map(|d| (d.kind, d.kept.id)));
        let storage = Arc::clone(&self.workshop.documents);
        let unwanted = upload.unwanted.clone();
        let storing = async move {
            for (document, file) in documents.iter().zip(&made) {
                if unwanted.is_cancelled() {
                    return Err("the attempt ended".to_owned());
                }
                store(&*storage, &document.kept, &file.path).await?;
                verify(&*storage, &document.kept).await?;
            }
            Ok(())
        };
        let running = upload
            .running
            .insert(tokio::spawn(storing.in_current_span()));
        let stored = running.await;
        upload.running = None;
        match stored {
            Ok(Ok(())) => Ok(complete),
            Ok(Err(error)) => Err(Ending::Failed(error)),
            Err(_) => Err(Ending::Failed("the report could not be stored".to_owned())),
        }
    }

    fn finished(&self, file: &MadeFile) -> FinishedDocument {
        FinishedDocument {
            kind: file.kind,
            volume: file.volume,
            kept: KeptDocument {
                id: finished_document_id(self.lease.token(), file.kind, file.volume),
                bytes: file.bytes,
                sha256: file.sha256.clone(),
            },
            pages: file.pages,
        }
    }

    /// What the API is to be told, given all documents by kind and volume.
    fn completion(&self, documents: &[FinishedDocument]) -> Result<CompleteRequest, Ending> {
        let first = documents.split_first().and_then(|(first, others)| {
            let is_report = (first.kind, first.volume) == (DocumentKind::Report, 1);
            Some((first, first.pages.filter(|_| is_report)?, others))
        });
        let Some((report, pages, others)) = first else {
            return Err(Ending::Failed("the report has no first volume".to_owned()));
        };
        Ok(CompleteRequest {
            lease_token: self.lease.token(),
            document: DocumentView::from(&report.kept),
            pages,
            others: others
                .iter()
                .map(|other| StoredView {
                    kind: other.kind,
                    volume: other.volume,
                    document: DocumentView::from(&other.kept),
                    pages: other.pages,
                })
                .collect(),
        })
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

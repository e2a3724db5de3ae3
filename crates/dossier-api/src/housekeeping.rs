//! What happens without anybody asking for it.
//!
//! A [`Housekeeper`] sweeps now and then: it gives up requests whose time has run out, deletes what
//! attempts left behind, and lets go of what is old enough. Every step and every item of a step
//! stands alone: what fails is counted, logged, and tried again by the next sweep. Two housekeepers
//! at once do no harm, for deleting twice is deleting.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::document::{
    DocumentKind, VOLUMES_MAX, finished_document_id, section_document_id,
};
use dossier_core::lease::LeaseRules;
use dossier_core::request::Request;
use dossier_core::{DocumentId, LeaseToken};
use dossier_documents::{DocumentError, DocumentStore};
use dossier_store::{AbandonedAttempt, Store, StoreError};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Most batches of one step in one sweep; the next sweep goes on.
const BATCHES_MAX: u32 = 1000;

/// When what is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HousekeepingRules {
    /// Between the end of a sweep and the next: 1 minute unless set.
    pub interval: Duration,
    /// After an attempt ended, its documents are left alone for this long, because a worker that
    /// lost its lease may still be uploading: 10 minutes unless set.
    pub abandoned_after: Duration,
    /// After its end (completion, or becoming Errored), a request loses its documents and moves to
    /// the archive: 7 days unless set.
    pub archive_after: Duration,
    /// After it was archived, a request is forgotten: 365 days unless set.
    pub purge_after: Duration,
    /// Items taken from the database at a time, from 1: 100 unless set.
    pub batch_max: u32,
}

impl Default for HousekeepingRules {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            abandoned_after: Duration::from_secs(600),
            archive_after: Duration::from_secs(7 * DAY),
            purge_after: Duration::from_secs(365 * DAY),
            batch_max: 100,
        }
    }
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Requests given up.
    pub expired: u64,
    /// Ended attempts whose documents are deleted.
    pub attempts_cleaned: u64,
    /// Kept answers deleted, of completed requests.
    pub sections_cleaned: u64,
    /// Requests archived.
    pub archived: u64,
    /// Archived requests forgotten.
    pub purged: u64,
    /// Names deleted that were replaced or never came to count.
    pub names_deleted: u64,
    /// Steps or items that failed and are tried again by the next sweep.
    pub failed: u64,
}

/// Sweeps now and then.
pub struct Housekeeper {
    store: Arc<dyn Store>,
    documents: Arc<dyn DocumentStore>,
    lease_rules: LeaseRules,
    rules: HousekeepingRules,
}

/// Why an item was not dealt with.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// What became of a step's items.
#[derive(Default)]
struct Outcome {
    done: u64,
    failed: u64,
}

impl Housekeeper {
    /// Sweeps this store and these documents by these rules.
    pub fn new(
        store: Arc<dyn Store>,
        documents: Arc<dyn DocumentStore>,
        lease_rules: LeaseRules,
        rules: HousekeepingRules,
    ) -> Self {
        Self {
            store,
            documents,
            lease_rules,
            rules,
        }
    }

    /// Sweeps at once and then at every interval, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let sweeping = async {
            loop {
                self.sweep().await;
                tokio::time::sleep(self.rules.interval).await;
            }
        };
        // Every item is safe to leave half done: the next sweep finds it again.
        shutdown.run_until_cancelled(sweeping).await;
    }

    /// One sweep.
    pub async fn sweep(&self) -> Sweep {
        let expired = counted(self.expire().await, "requests could not be given up");
        let attempts = self.clean_attempts().await;
        let sections = self.clean_sections().await;
        let archived = self.archive().await;
        let purge = self.store.purge_archive(self.rules.purge_after).await;
        let purged = counted(purge, "the archive could not be purged");
        let names = self.store.delete_replaced_references().await;
        let names = counted(names, "replaced names could not be deleted");
        let steps = [&expired, &attempts, &sections, &archived, &purged, &names];
        let sweep = Sweep {
            expired: expired.done,
            attempts_cleaned: attempts.done,
            sections_cleaned: sections.done,
            archived: archived.done,
            purged: purged.done,
            names_deleted: names.done,
            failed: steps.iter().map(|step| step.failed).sum(),
        };
        if sweep != Sweep::default() {
            tracing::info!(
                expired = sweep.expired,
                attempts_cleaned = sweep.attempts_cleaned,
                sections_cleaned = sweep.sections_cleaned,
                archived = sweep.archived,
                purged = sweep.purged,
                names_deleted = sweep.names_deleted,
                failed = sweep.failed,
                "housekeeping done"
            );
        }
        sweep
    }

    async fn expire(&self) -> Result<u64, StoreError> {
        let expired = self.store.expire_requests(&self.lease_rules).await?;
        Ok(expired.len() as u64)
    }

    async fn clean_attempts(&self) -> Outcome {
        let grace = self.rules.abandoned_after;
        self.work_off(
            "attempt",
            |max| self.store.abandoned_attempts(grace, max),
            |attempt| async move { self.clean_attempt(&attempt).await }.boxed(),
        )
        .await
    }

    /// Everything that an attempt may have stored has an identifier that follows from its token.
    async fn clean_attempt(&self, attempt: &AbandonedAttempt) -> Result<(), Failure> {
        let sections = attempt
            .services
            .iter()
            .map(|service| section_document_id(attempt.token, service));
        for document in sections.filter(|document| !attempt.in_use.contains(document)) {
            self.documents.delete(document).await?;
        }
        for kind in DocumentKind::ALL {
            self.delete_volumes(attempt.token, kind).await?;
        }
        Ok(self.store.attempt_cleaned(attempt.token).await?)
    }

    /// Deletes the volumes of one kind that an attempt stored. They are stored in ascending and
    /// deleted in descending order: up to the first that is not there, all are, and behind it none,
    /// even if whoever deletes is stopped in between.
    async fn delete_volumes(&self, token: LeaseToken, kind: DocumentKind) -> Result<(), Failure> {
        let mut stored = Vec::new();
        for volume in 1..=VOLUMES_MAX {
            let document = finished_document_id(token, kind, volume);
            match self.documents.stat(document).await {
                // One that is damaged is there, and goes.
                Ok(_) | Err(DocumentError::Damaged(_)) => stored.push(document),
                Err(DocumentError::NotFound(_)) => break,
                Err(error) => return Err(error.into()),
            }
        }
        for document in stored.into_iter().rev() {
            self.documents.delete(document).await?;
        }
        Ok(())
    }

    async fn clean_sections(&self) -> Outcome {
        self.work_off(
            "section",
            |max| self.store.spent_sections(max),
            |(request, _, document)| {
                async move {
                    self.documents.delete(document).await?;
                    Ok(self.store.section_cleaned(request, document).await?)
                }
                .boxed()
            },
        )
        .await
    }

    async fn archive(&self) -> Outcome {
        let age = self.rules.archive_after;
        self.work_off(
            "request",
            |max| self.store.requests_to_archive(age, max),
            |request| async move { self.archive_request(&request).await }.boxed(),
        )
        .await
    }

    /// Documents go first: if this stops in between, the request is still there to say what to
    /// delete.
    async fn archive_request(&self, request: &Request) -> Result<(), Failure> {
        let sections = request.sections.iter().filter_map(|s| s.kept.as_ref());
        let finished = request.documents().map(|document| document.kept.id);
        let kept: Vec<DocumentId> = sections
            .map(|document| document.id)
            .chain(finished)
            .collect();
        for document in kept {
            self.documents.delete(document).await?;
        }
        Ok(self.store.archive_request(request.id).await?)
    }

    /// Works off a list that the database makes shorter with every item that is done. Items that
    /// failed stay on it, so that many more are asked for as have failed: they hold nobody up.
    ///
    /// The futures are boxed because those of async closures cannot be shown to be `Send`.
    async fn work_off<'a, T: Clone + PartialEq>(
        &'a self,
        what: &'static str,
        list: impl Fn(u32) -> BoxFuture<'a, Result<Vec<T>, StoreError>>,
        deal_with: impl Fn(T) -> BoxFuture<'a, Result<(), Failure>>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let mut failed: Vec<T> = Vec::new();
        for _ in 0..BATCHES_MAX {
            let passed_over = u32::try_from(failed.len()).unwrap_or(u32::MAX);
            let max = self.rules.batch_max.max(1).saturating_add(passed_over);
            let items = match list(max).await {
                Ok(items) => items,
                Err(error) => {
                    tracing::warn!(%error, what, "housekeeping could not list its work");
                    outcome.failed += 1;
                    return outcome;
                }
            };
            let new: Vec<T> = items
                .into_iter()
                .filter(|item| !failed.contains(item))
                .collect();
            if new.is_empty() {
                return outcome;
            }
            for item in new {
                match deal_with(item.clone()).await {
                    Ok(()) => outcome.done += 1,
                    Err(error) => {
                        tracing::warn!(%error, what, "housekeeping could not finish with one");
                        outcome.failed += 1;
                        failed.push(item);
                    }
                }
            }
        }
        outcome
    }
}

fn counted(result: Result<u64, StoreError>, message: &'static str) -> Outcome {
    match result {
        Ok(done) => Outcome { done, failed: 0 },
        Err(error) => {
            tracing::warn!(%error, "{message}");
            Outcome { done: 0, failed: 1 }
        }
    }
}

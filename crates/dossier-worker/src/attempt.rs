//! One claim from start to end.
//!
//! An attempt prepares the report (`sections`, then `report`) and has the request completed
//! (`complete`). While it prepares, the loss of its lease or the worker's stop ends it at once. What
//! it leaves behind then depends on how it ended: see [`Ending`].

mod complete;
mod report;
mod sections;
mod wording;

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use dossier_core::subject::{CaseReference, SubjectIdentifier, SubjectName};
use dossier_core::wire::{
    ClaimView, CompleteRequest, DETAIL_CHARS_MAX, ReleaseKind, ReleaseLease, RequestView,
};
use dossier_core::{DocumentId, DocumentKind, RequestId};
use dossier_documents::DocumentStore;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::api::ApiClient;
use crate::collect::Collector;
use crate::config::Limits;
use crate::connection::file_fault;
use crate::fetch::Question;
use crate::lease::{Lease, WriteError};
use crate::metrics::WorkerMetrics;
use crate::name::Names;
use crate::rendering::ReportSettings;
use crate::renewals::Renewals;
use crate::retry::Backoff;
use crate::schema::FetchedSchemas;
use crate::spool::{AttemptSpool, Spool};
use crate::template::{LegacyTemplates, ParsedTemplates};
use report::Upload;
use sections::SectionTasks;

/// What all attempts of a worker share.
pub(crate) struct Workshop {
    pub api: ApiClient,
    pub renewals: Arc<Renewals>,
    pub documents: Arc<dyn DocumentStore>,
    pub collector: Collector,
    pub names: Names,
    pub report: ReportSettings,
    /// Templates of services that do not serve their own.
    pub legacy_templates: LegacyTemplates,
    /// Templates that services served.
    pub parsed_templates: ParsedTemplates,
    /// JSON Schemas of services, for sections that no template words.
    pub schemas: FetchedSchemas,
    /// Memory for answers that are being rendered, in MiB: those that find none free wait.
    pub rendering_mib: Semaphore,
    pub spool: Spool,
    pub limits: Limits,
    pub metrics: Arc<WorkerMetrics>,
    /// Characters of all reports so far that no font had.
    pub unsupported_characters: Arc<AtomicU64>,
}

/// One claim being worked on.
pub(crate) struct Attempt {
    workshop: Arc<Workshop>,
    id: RequestId,
    claim: ClaimView,
    lease: Arc<Lease>,
    span: tracing::Span,
    stop: CancellationToken,
    /// Documents that nobody but this attempt knows of: to be deleted unless the request is
    /// completed with them or they are recorded as kept.
    own_documents: Mutex<HashSet<DocumentId>>,
    /// The same for what it made of them, in the order of the uploads: see
    /// [`finished_document_id`](dossier_core::document::finished_document_id) for why that counts.
    made_documents: Mutex<Vec<(DocumentKind, DocumentId)>>,
}

/// How an attempt ended.
#[derive(Debug)]
enum Ending {
    /// The request is completed with this attempt's report.
    Completed,
    /// The lease is lost: no more writes, and nothing of its own stays behind.
    Lost,
    /// The worker stops: the lease is given back.
    Stopped,
    /// The attempt failed: the lease is given back.
    Failed(String),
    /// Only suspended services are left: the lease is given back.
    Suspended,
    /// Whether the request was completed is not known: nothing may be deleted, unless giving the
    /// lease back shows that it was not.
    Undecided,
}

impl Attempt {
    /// An attempt for a claim that was asked for at `asked_at`. `stop` ends it early.
    pub fn new(
        workshop: Arc<Workshop>,
        claim: ClaimView,
        asked_at: Instant,
        stop: CancellationToken,
    ) -> Self {
        let id = claim.request.id.into();
        let span = tracing::info_span!("attempt", request = %id, attempt = claim.attempt);
        let lease = Lease::new(
            id,
            claim.lease_token,
            claim.lock_period_seconds,
            asked_at,
            span.clone(),
        );
        Self {
            workshop,
            id,
            claim,
            lease: Arc::new(lease),
            span,
            stop,
            own_documents: Mutex::default(),
            made_documents: Mutex::default(),
        }
    }

    /// The span that names the request in the log.
    pub fn span(&self) -> tracing::Span {
        self.span.clone()
    }

    /// Works on the request until it is completed or cannot be.
    pub async fn run(self: Arc<Self>) {
        let began = Instant::now();
        tracing::info!(sections = self.claim.sections.len(), "claimed a request");
        let kept = self.workshop.renewals.keep(&self.lease);
        let spool = self.workshop.spool.attempt();
        let ending = match &spool {
            Ok(spool) => self.work(spool).await,
            Err(error) => Ending::Failed(file_fault(error)),
        };
        drop(kept);
        let duration_ms = began.elapsed().as_millis() as u64;
        tracing::info!(duration_ms, "{}", ending.in_words());
        self.workshop.metrics.attempt_ended(ending.in_a_word());
        self.settle(ending).await;
        if let Ok(spool) = spool {
            spool.remove().await;
        }
    }

    /// Gives the request back after a panic in [`run`](Self::run).
    pub async fn give_up(&self) {
        tracing::error!("the attempt failed in a way that it should not");
        self.workshop.metrics.attempt_ended("broken");
        self.settle(Ending::Undecided).await;
    }

    async fn work(self: &Arc<Self>, spool: &AttemptSpool) -> Ending {
        let mut tasks = SectionTasks::default();
        let mut upload = Upload::default();
        let ready = tokio::select! {
            biased;
            () = self.lease.lost() => Err(Ending::Lost),
            () = self.stop.cancelled() => Err(Ending::Stopped),
            ready = self.prepare(spool, &mut tasks, &mut upload) => ready,
        };
        tasks.stop().await;
        if !upload.finish().await {
            tracing::warn!("an upload does not end: what it stores is left for housekeeping");
            self.made_documents().clear();
        }
        match ready {
            Ok(ready) => self.complete(&ready).await,
            Err(ending) => ending,
        }
    }

    /// Everything up to the stored report.
    async fn prepare(
        self: &Arc<Self>,
        spool: &AttemptSpool,
        tasks: &mut SectionTasks,
        upload: &mut Upload,
    ) -> Result<CompleteRequest, Ending> {
        let (question, case_reference) = read(&self.claim.request)?;
        let name = self.subject_name(&question.subject);
        let sections = self.collect_sections(&question, spool, tasks).await?;
        let subject_name = name.await.ok().flatten();
        let manuscript = crate::rendering::Manuscript {
            request: self.id,
            question,
            case_reference,
            subject_name,
            sections,
        };
        let made = self.print(manuscript, spool).await?;
        self.store_made(made, upload).await
    }

    /// The name from the request, else from the look-up, which goes on beside the collecting.
    fn subject_name(
        self: &Arc<Self>,
        subject: &SubjectIdentifier,
    ) -> AbortOnDropHandle<Option<SubjectName>> {
        let (attempt, subject) = (Arc::clone(self), subject.clone());
        let look_up = async move {
            let given = attempt.claim.request.subject_name.as_ref();
            match given.and_then(|name| SubjectName::parse(name.reveal()).ok()) {
                Some(name) => Some(name),
                None => attempt.workshop.names.look_up(&subject).await,
            }
        };
        AbortOnDropHandle::new(tokio::spawn(look_up.in_current_span()))
    }

    async fn settle(&self, ending: Ending) {
        match ending {
            Ending::Completed => {}
            Ending::Lost => self.delete_own_documents().await,
            Ending::Stopped => {
                self.release(ReleaseKind::Shutdown, None).await;
                self.delete_own_documents().await;
            }
            Ending::Suspended => {
                self.release(ReleaseKind::Suspended, None).await;
                self.delete_own_documents().await;
            }
            Ending::Failed(detail) => {
                self.release(ReleaseKind::Failed, Some(detail)).await;
                self.delete_own_documents().await;
            }
            Ending::Undecided => {
                let kind = match self.stop.is_cancelled() {
                    true => ReleaseKind::Shutdown,
                    false => ReleaseKind::Failed,
                };
                let detail = "the worker could not bring the attempt to its end";
                if self.release(kind, Some(detail.to_owned())).await {
                    self.delete_own_documents().await;
                }
            }
        }
    }

    /// Gives the lease back; answers whether the API accepted that, which proves that the request
    /// was not completed and no longer can be with this lease.
    async fn release(&self, reason: ReleaseKind, detail: Option<String>) -> bool {
        let pause = match reason {
            ReleaseKind::Failed => self.attempt_pause().half_jitter(self.claim.attempt),
            ReleaseKind::Shutdown | ReleaseKind::Suspended => std::time::Duration::ZERO,
        };
        if let Some(detail) = &detail {
            tracing::warn!(error = detail, "giving the request back");
        }
        let release = ReleaseLease {
            lease_token: self.lease.token(),
            reason,
            detail: detail.map(|text| text.chars().take(DETAIL_CHARS_MAX).collect()),
            retry_after_seconds: pause.as_secs_f64(),
        };
        let write = self
            .lease
            .write(|| self.workshop.api.release(self.id, &release));
        match timeout_at(self.lease.ends_at(), write).await {
            Ok(Ok(())) => true,
            Ok(Err(WriteError::Lost)) | Err(_) => {
                tracing::warn!("the lease ended before it was given back");
                false
            }
            Ok(Err(WriteError::Refused(error))) => {
                tracing::error!(%error, "the lease could not be given back");
                false
            }
        }
    }

    fn attempt_pause(&self) -> Backoff {
        Backoff {
            first: self.workshop.limits.attempt_pause,
            most: self.workshop.limits.attempt_pause_max,
        }
    }

    fn own_documents(&self) -> std::sync::MutexGuard<'_, HashSet<DocumentId>> {
        self.own_documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn made_documents(&self) -> std::sync::MutexGuard<'_, Vec<(DocumentKind, DocumentId)>> {
        self.made_documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn delete_own_documents(&self) {
        let storage = &*self.workshop.documents;
        let documents = std::mem::take(&mut *self.own_documents());
        for document in documents {
            delete(storage, document).await;
        }
        let made = std::mem::take(&mut *self.made_documents());
        delete_last_first(storage, made).await;
    }
}

/// Deletes the last upload first. What stands before one that could not be deleted stays as well, or
/// housekeeping would not find that one.
async fn delete_last_first(storage: &dyn DocumentStore, made: Vec<(DocumentKind, DocumentId)>) {
    let mut stuck = HashSet::new();
    for (kind, document) in made.into_iter().rev() {
        if !stuck.contains(&kind) && !delete(storage, document).await {
            stuck.insert(kind);
        }
    }
}

/// Deletes a document; answers whether that succeeded.
async fn delete(storage: &dyn DocumentStore, document: DocumentId) -> bool {
    let deleted = storage.delete(document).await;
    if let Err(error) = &deleted {
        tracing::warn!(%error, "a document stays behind for housekeeping");
    }
    deleted.is_ok()
}

impl Ending {
    fn in_a_word(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Lost => "lost",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
            Self::Suspended => "suspended",
            Self::Undecided => "undecided",
        }
    }

    fn in_words(&self) -> &'static str {
        match self {
            Self::Completed => "the request is complete",
            Self::Lost => "the lease is lost: the attempt stopped",
            Self::Stopped => "the worker stops: the attempt is given up",
            Self::Failed(_) => "the attempt failed",
            Self::Suspended => "only suspended services are left",
            Self::Undecided => "it is not known whether the request was completed",
        }
    }
}

/// What the request asks for.
fn read(request: &RequestView) -> Result<(Question, CaseReference), Ending> {
    let subject = match (&request.nomis_id, &request.ndelius_case_reference_id) {
        (Some(id), None) => SubjectIdentifier::nomis(id.reveal()),
        (None, Some(id)) => SubjectIdentifier::ndelius(id.reveal()),
        _ => {
            return Err(Ending::Failed(
                "the request must have exactly one identifier".into(),
            ));
        }
    };
    let failed = |error: dossier_core::subject::InvalidSubject| Ending::Failed(error.to_string());
    let question = Question {
        subject: subject.map_err(failed)?,
        date_from: request.date_from,
        date_to: request.date_to,
    };
    let case_reference = CaseReference::parse(request.sar_case_reference_number.reveal());
    Ok((question, case_reference.map_err(failed)?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use async_trait::async_trait;
    use dossier_core::KeptDocument;
    use dossier_documents::{ByteRange, DocumentError, DocumentRead};

    use super::*;
    use DocumentKind::{Copy, Report};

    /// A storage that can only delete, and one document not even that.
    struct Storage {
        asked: Mutex<Vec<DocumentId>>,
        stays: Option<DocumentId>,
    }

    #[async_trait]
    impl DocumentStore for Storage {
        async fn put(&self, _: DocumentId, _: &Path) -> Result<KeptDocument, DocumentError> {
            unreachable!()
        }

        async fn stat(&self, _: DocumentId) -> Result<KeptDocument, DocumentError> {
            unreachable!()
        }

        async fn read(
            &self,
            _: DocumentId,
            _: Option<ByteRange>,
        ) -> Result<DocumentRead, DocumentError> {
            unreachable!()
        }

        async fn delete(&self, id: DocumentId) -> Result<bool, DocumentError> {
            self.asked.lock().unwrap().push(id);
            match self.stays == Some(id) {
                true => Err(DocumentError::Damaged(id)),
                false => Ok(true),
            }
        }

        async fn ping(&self) -> Result<(), DocumentError> {
            unreachable!()
        }
    }

    #[tokio::test]
    async fn volumes_are_deleted_from_the_last_and_none_before_one_that_stays() {
        let made: Vec<_> = [Report, Report, Report, Copy, Copy]
            .into_iter()
            .map(|kind| (kind, DocumentId::generate()))
            .collect();
        let id = |place: usize| made[place].1;
        for (stays, tried) in [
            (None, vec![id(4), id(3), id(2), id(1), id(0)]),
            (Some(id(1)), vec![id(4), id(3), id(2), id(1)]),
            (Some(id(4)), vec![id(4), id(2), id(1), id(0)]),
        ] {
            let asked = Mutex::default();
            let storage = Storage { asked, stays };
            delete_last_first(&storage, made.clone()).await;
            assert_eq!(storage.asked.into_inner().unwrap(), tried);
        }
    }
}

//! The trait that every database behind Dossier implements.

use std::time::Duration;

use async_trait::async_trait;
use dossier_core::lease::{Claim, ClaimRefusal, LeaseRefusal, LeaseRules, ReleaseReason};
use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use dossier_core::request::{IdempotencyKey, NewRequest, Request, RequestStatus};
use dossier_core::schema::StoredSchema;
use dossier_core::section::SectionOutcome;
use dossier_core::service::{Service, ServiceDetails};
use dossier_core::template::{RegisteredTemplate, Registration, UnregisteredTemplate};
use dossier_core::template_health::{
    ServedTemplate, TemplateChecked, TemplateHealth, TemplateQuestion, TemplateRound,
};
use dossier_core::{
    DocumentId, FinishedDocument, KeptDocument, LeaseToken, RequestId, ServiceId, ServiceName,
    Sha256Hex,
};
use jiff::Timestamp;

use crate::{
    Completion, KnownReference, Page, ReferenceSchedule, ReferenceState, RefreshClaim, RefreshToken,
};

/// What can go wrong in a store, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A new request names services that are not in the catalogue or are disabled; correct it.
    #[error("unknown or disabled services: {}", names(.0))]
    UnknownServices(Vec<ServiceName>),
    /// The idempotency key was used for a different request; use another key.
    #[error("the idempotency key was used for a different request")]
    IdempotencyConflict,
    /// Another service has this name; choose another.
    #[error("a service named {0} exists already")]
    DuplicateService(ServiceName),
    /// A claim was refused.
    #[error(transparent)]
    Claim(#[from] ClaimRefusal),
    /// A lease holder's write was refused; nothing was changed.
    #[error(transparent)]
    Lease(#[from] LeaseRefusal),
    /// What a service serves as its template is none that it may serve; register it first.
    #[error(transparent)]
    UnregisteredTemplate(#[from] Box<UnregisteredTemplate>),
    /// Only an errored request can be restarted, only a pending one cancelled.
    #[error("the request is {}", .0.as_str())]
    WrongStatus(RequestStatus),
    /// There is no such request, service, template version or schema.
    #[error("not found")]
    NotFound,
    /// The database cannot be reached, is full, or refused; try again later.
    #[error("the database failed: {0}")]
    Unavailable(#[from] Unavailable),
    /// The database holds what no version of Dossier writes; restore a backup.
    #[error("the database holds an invalid {0}")]
    Corrupt(&'static str),
}

/// The database's own account of a failure, without any data.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

fn names(services: &[ServiceName]) -> String {
    services
        .iter()
        .map(ServiceName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What became of a new request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// The request's identifier.
    pub id: RequestId,
    /// Whether an earlier call with the same idempotency key had made it.
    pub repeated: bool,
}

/// Which requests a list holds. All that is set must hold; `statuses` (if any is set) are
/// alternatives.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    /// Only those that a worker may claim now.
    pub claimable: bool,
    /// Completed ones.
    pub completed: bool,
    /// Errored ones.
    pub errored: bool,
    /// Pending ones that are not overdue.
    pub pending: bool,
    /// Pending ones past the threshold.
    pub overdue: bool,
    /// Pending for longer than this counts as overdue, from the time the clock started.
    pub overdue_after: Duration,
    /// Part of the case reference or identifier, or its beginning ([`Store::search_kind`]), in any
    /// case. Private: never logged.
    pub search: Option<dossier_core::Private<String>>,
}

/// How many requests stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Completed.
    pub completed: u64,
    /// Errored.
    pub errored: u64,
    /// Pending and not overdue.
    pub pending: u64,
    /// Pending past the threshold.
    pub overdue: u64,
}

impl RequestCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.completed + self.errored + self.pending + self.overdue
    }

    /// How many of them a filter of the same search and threshold lets through; none if the
    /// filter asks for what a worker may claim, which is not counted.
    pub fn of(&self, filter: &RequestFilter) -> Option<u64> {
        if filter.claimable {
            return None;
        }
        let kinds = [
            (filter.completed, self.completed),
            (filter.errored, self.errored),
            (filter.pending, self.pending),
            (filter.overdue, self.overdue),
        ];
        if kinds.iter().all(|(wanted, _)| !wanted) {
            return Some(self.total());
        }
        let wanted = kinds.iter().filter(|(wanted, _)| *wanted);
        Some(wanted.map(|(_, count)| count).sum())
    }
}

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Requests that a worker may claim now.
    pub due: u64,
    /// For how long the one of them has waited that has waited longest: since it was due, or since
    /// its lease ended.
    pub oldest_due: Option<Duration>,
    /// Requests of which somebody holds a live lease.
    pub leased: u64,
}

/// A process's connections to its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Those in use.
    pub busy: u32,
    /// Those that are open and wait to be used.
    pub idle: u32,
    /// Most that there may be.
    pub max: u32,
}

/// An attempt that ended without completing its request: whatever it stored can be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbandonedAttempt {
    /// Its lease's token, from which its documents' identifiers follow.
    pub token: LeaseToken,
    /// Its request.
    pub request_id: RequestId,
    /// Names of the request's services.
    pub services: Vec<ServiceName>,
    /// Documents of this attempt that are still in use, because a later attempt builds on them.
    pub in_use: Vec<DocumentId>,
}

/// A request that is only remembered: its document and its sections' data are gone.
#[derive(Clone, Debug)]
pub struct ArchivedRequest {
    /// The request as it was.
    pub request: Request,
    /// When it was archived.
    pub archived_at: Timestamp,
}

/// Which texts a search finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchKind {
    /// Those that hold the text anywhere; of a text that is too short for the database's index, those
    /// that begin with it.
    Anywhere,
    /// Those that begin with it: where the database has no index for more.
    Beginning,
}

/// Which schema a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaState {
    /// The schema found; 0 in an empty database.
    pub found: u32,
    /// The newest schema that this version knows.
    pub known: u32,
    /// The oldest schema whose programs can work with the one found.
    pub compatible_from: u32,
}

/// How a database's schema stands to this version's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaAge {
    /// It must be migrated first, or made.
    Older,
    /// It is the one that this version knows.
    Current,
    /// A newer version has added to it, and this one can still work with it.
    NewerCompatible,
    /// A newer version has changed it so that this one cannot work with it.
    Newer,
}

impl SchemaState {
    /// How it stands to this version's.
    pub fn age(&self) -> SchemaAge {
        match self {
            Self { found, known, .. } if found < known => SchemaAge::Older,
            Self { found, known, .. } if found == known => SchemaAge::Current,
            Self {
                compatible_from,
                known,
                ..
            } if compatible_from <= known => SchemaAge::NewerCompatible,
            _ => SchemaAge::Newer,
        }
    }

    /// Whether this version can work with it as it is.
    pub fn is_usable(&self) -> bool {
        matches!(self.age(), SchemaAge::Current | SchemaAge::NewerCompatible)
    }
}

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The schema before; 0 if there was none.
    pub from: u32,
    /// The schema now.
    pub to: u32,
}

/// The source of truth.
///
/// All times are the database's. Methods that take `rules` decide by them in one statement.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Whether the database answers, and is migrated.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Which texts a search finds here.
    fn search_kind(&self) -> SearchKind;

    // ---- requests ----

    /// The request that this requester made with this idempotency key, if there is one;
    /// [`StoreError::IdempotencyConflict`] if it was made by another call.
    async fn first_result(
        &self,
        requested_by: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<RequestId>, StoreError>;

    /// Adds a request with a section a service, unless there is a
    /// [`first_result`](Self::first_result) of its idempotency key: then that. Sections of suspended services start as suspended.
    async fn create_request(&self, new: NewRequest) -> Result<Created, StoreError>;

    /// A request with its sections in report order. Takes no lock.
    async fn request(&self, id: RequestId) -> Result<Option<Request>, StoreError>;

    /// One page of the requests that pass the filter, newest first.
    async fn requests(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
        page: Page,
    ) -> Result<Vec<Request>, StoreError>;

    /// How many requests pass the filter.
    async fn count_requests(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
    ) -> Result<u64, StoreError>;

    /// How many requests that match the search stand where; status flags of the filter are ignored.
    async fn request_counts(&self, filter: &RequestFilter) -> Result<RequestCounts, StoreError>;

    /// How much there is to do.
    async fn queue_depth(&self, rules: &LeaseRules) -> Result<QueueDepth, StoreError>;

    /// How many connections this process has.
    fn connections(&self) -> Connections;

    /// A new pending request with the same details, or [`StoreError::NotFound`].
    async fn duplicate_request(
        &self,
        id: RequestId,
        requested_by: &str,
    ) -> Result<Request, StoreError>;

    /// Errored → Pending: attempts from 0, the clock starts anew, due now. The time it came in stays,
    /// and so do its collected sections.
    async fn restart_request(&self, id: RequestId) -> Result<Request, StoreError>;

    /// Pending → Errored, code Cancelled, whether or not a worker holds the lease (it is lost).
    async fn cancel_request(&self, id: RequestId, detail: &str) -> Result<Request, StoreError>;

    /// Notes that one of its documents was downloaded in full.
    async fn record_download(&self, id: RequestId) -> Result<(), StoreError>;

    // ---- the lock ----

    /// Takes the lease of one request, if and only if [`dossier_core::lease::check_claim`] allows it.
    async fn claim(
        &self,
        id: RequestId,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Claim, StoreError>;

    /// Takes the leases of up to `max` of the oldest due requests, oldest first, in one statement.
    async fn claim_oldest(
        &self,
        max: u32,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Extends the current lease to one lock period from now; answers its new end.
    async fn renew(
        &self,
        id: RequestId,
        token: LeaseToken,
        rules: &LeaseRules,
    ) -> Result<Timestamp, StoreError> {
        let outcome = self.renew_all(&[(id, token)], rules).await?.pop();
        Ok(outcome.ok_or(StoreError::Corrupt("renewal"))??)
    }

    /// Extends many leases, each as [`renew`](Self::renew) does, in one transaction (or a few, if
    /// they are thousands); answers for each, in their order. That one is refused is no other's
    /// business. An error of the whole says nothing of any: whoever gets it asks again.
    async fn renew_all(
        &self,
        leases: &[(RequestId, LeaseToken)],
        rules: &LeaseRules,
    ) -> Result<Vec<Result<Timestamp, LeaseRefusal>>, StoreError>;

    /// Gives the current lease back. If the attempt counts and was the last allowed one, the request
    /// becomes Errored with the reason; else it is due again after `retry_after`.
    async fn release(
        &self,
        id: RequestId,
        token: LeaseToken,
        reason: &ReleaseReason,
        retry_after: Duration,
        rules: &LeaseRules,
    ) -> Result<Request, StoreError>;

    /// Pending → Completed with this report (its first volume) and what was made `others` than it,
    /// all or nothing, once every section is complete. A repeat by the same token with the same
    /// documents succeeds without changing anything, so that a lost answer can be asked for again.
    ///
    /// Of `others` no two are of one kind and volume, and none is the report's first volume.
    async fn complete(
        &self,
        id: RequestId,
        token: LeaseToken,
        document: &KeptDocument,
        pages: u32,
        others: &[FinishedDocument],
    ) -> Result<(), StoreError> {
        let completion = Completion {
            id,
            token,
            document: document.clone(),
            pages,
            others: others.to_vec(),
        };
        let outcome = self.complete_all(&[completion]).await?.pop();
        outcome.ok_or(StoreError::Corrupt("completion"))?
    }

    /// Completes many requests, each as [`complete`](Self::complete) does, in one transaction (or a
    /// few, if they are thousands, or one request comes twice, or a document cannot be what is
    /// said of it); answers for each, in their order, as if they had been asked for one after the
    /// other. That one is refused is no other's business. An error of the whole says nothing of
    /// any: whoever gets it asks again.
    async fn complete_all(
        &self,
        completions: &[Completion],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError>;

    /// Records what became of a section. A complete section is never changed back.
    async fn record_section(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        outcome: &SectionOutcome,
    ) -> Result<(), StoreError>;

    /// Returns when a request may have become claimable since the last call began, at the latest
    /// after `at_most`. A hint: the caller claims, and may find nothing.
    async fn wait_for_work(&self, at_most: Duration);

    // ---- the catalogue ----

    /// All services, by name.
    async fn services(&self) -> Result<Vec<Service>, StoreError>;

    /// Adds a service.
    async fn add_service(&self, details: ServiceDetails) -> Result<Service, StoreError>;

    /// Replaces a service's details.
    async fn update_service(
        &self,
        id: ServiceId,
        details: ServiceDetails,
    ) -> Result<Service, StoreError>;

    /// Suspends or resumes a service. Uncollected sections of pending requests follow; requests that
    /// only waited for a resumed service are due now and their clock starts anew.
    async fn suspend_service(&self, id: ServiceId, suspended: bool) -> Result<Service, StoreError>;

    // ---- templates ----

    /// Registers a version of a service's template, as pending. It takes the number after the latest
    /// published version's, in place of the pending one that may be there. Bytes whose digest is that
    /// of the latest published version or the pending one change nothing: that version is answered.
    /// `sha256` is the digest of `content`; that it can be used as a template is the caller's care.
    async fn register_template(
        &self,
        service: ServiceId,
        sha256: &Sha256Hex,
        content: &[u8],
    ) -> Result<Registration, StoreError>;

    /// All versions of a service's template, newest first.
    async fn template_versions(
        &self,
        service: ServiceId,
    ) -> Result<Vec<RegisteredTemplate>, StoreError>;

    /// A version and its bytes.
    async fn template_content(
        &self,
        service: ServiceId,
        version: u32,
    ) -> Result<(RegisteredTemplate, Vec<u8>), StoreError>;

    /// The version that a service serves, for the holder of the current lease of a request that has a
    /// section of it: the latest published one with this digest, else the pending one, which is
    /// published by this; else [`StoreError::UnregisteredTemplate`].
    async fn resolve_template(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        sha256: &Sha256Hex,
    ) -> Result<RegisteredTemplate, StoreError>;

    /// Takes the questions that are due: enabled services that serve their own template, and that
    /// nobody has asked for as long as `every`. No other process is given them until then. Services
    /// that are not asked any more are forgotten.
    async fn take_template_questions(&self, every: Duration) -> Result<TemplateRound, StoreError>;

    /// Records an answer, publishes the pending version if that is what is served, and raises or ends
    /// the service's alert: it begins when an answer is not registered and nothing else was heard for
    /// at least `alert_after`. None if the question is no longer the caller's; nothing was changed
    /// then.
    async fn record_served_template(
        &self,
        question: &TemplateQuestion,
        served: &ServedTemplate,
        alert_after: Duration,
    ) -> Result<Option<TemplateChecked>, StoreError>;

    /// How the templates of all services are that are asked and have answered, by the services' names.
    async fn template_health(&self) -> Result<Vec<TemplateHealth>, StoreError>;

    // ---- schemas ----

    /// Replaces a service's JSON Schema, or gives it its first; [`StoreError::NotFound`] without such
    /// a service. That it can be used, and that its digest is its own, is the caller's care.
    async fn put_schema(&self, service: ServiceId, schema: &StoredSchema)
    -> Result<(), StoreError>;

    /// A service's JSON Schema, or [`StoreError::NotFound`] if it has none.
    async fn schema(&self, service: ServiceId) -> Result<StoredSchema, StoreError>;

    /// Removes a service's JSON Schema, or [`StoreError::NotFound`] if it has none.
    async fn remove_schema(&self, service: ServiceId) -> Result<(), StoreError>;

    // ---- housekeeping ----

    /// Makes Errored the pending requests that nobody works on and whose attempts or age have run
    /// out; those that wait for a suspended service do not age. Answers which.
    async fn expire_requests(&self, rules: &LeaseRules) -> Result<Vec<RequestId>, StoreError>;

    /// Up to `max` attempts that ended (lease given back, lost, or expired) at least `grace` ago
    /// without completing and have not been cleaned.
    async fn abandoned_attempts(
        &self,
        grace: Duration,
        max: u32,
    ) -> Result<Vec<AbandonedAttempt>, StoreError>;

    /// Notes that an abandoned attempt's documents are deleted.
    async fn attempt_cleaned(&self, token: LeaseToken) -> Result<(), StoreError>;

    /// Up to `max` kept section answers of completed requests, which nobody needs any more.
    async fn spent_sections(
        &self,
        max: u32,
    ) -> Result<Vec<(RequestId, ServiceName, DocumentId)>, StoreError>;

    /// Notes that a spent section's kept answer is deleted.
    async fn section_cleaned(&self, id: RequestId, document: DocumentId) -> Result<(), StoreError>;

    /// Up to `max` finished requests whose end (completion, or becoming Errored) is at least `age`
    /// ago, oldest first.
    async fn requests_to_archive(
        &self,
        age: Duration,
        max: u32,
    ) -> Result<Vec<Request>, StoreError>;

    /// Moves a finished request to the archive, without its documents; the caller has deleted them.
    async fn archive_request(&self, id: RequestId) -> Result<(), StoreError>;

    /// One page of the archive, newest first, by the same search as [`Store::requests`].
    async fn archived_requests(
        &self,
        search: Option<&str>,
        page: Page,
    ) -> Result<Vec<ArchivedRequest>, StoreError>;

    /// Deletes what was archived at least `age` ago; answers how many.
    async fn purge_archive(&self, age: Duration) -> Result<u64, StoreError>;

    // ---- reference data ----

    /// Notes which sources are configured. One that is new, or whose refresh its schedule wants
    /// earlier than before, is due accordingly; those that are not named stay as they are.
    async fn schedule_references(&self, schedules: &[ReferenceSchedule]) -> Result<(), StoreError>;

    /// Takes the right to refresh a source that is due, for `period`, unless somebody has it.
    async fn claim_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        period: Duration,
    ) -> Result<Option<RefreshClaim>, StoreError>;

    /// Has the right to refresh a source for `period` from now. Answers whether the token's claim was
    /// the current one; if not, nothing has changed.
    async fn renew_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        period: Duration,
    ) -> Result<bool, StoreError>;

    /// Gives back the right to refresh a source, which is due as before. Answers as
    /// [`renew_refresh`](Self::renew_refresh).
    async fn release_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
    ) -> Result<bool, StoreError>;

    /// Replaces all that a source gave, all or nothing, and makes it due after `next`. Answers
    /// whether the token's claim was the current one; if not, nothing has changed. Of a code that
    /// comes twice the last name holds.
    async fn record_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        entries: &[(ReferenceCode, ReferenceName)],
        next: Duration,
    ) -> Result<bool, StoreError>;

    /// Keeps what a source gave before, notes what went wrong (no personal data), and makes it due
    /// after `retry_after`. Answers as [`record_refresh`](Self::record_refresh).
    async fn record_refresh_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        error: &str,
        retry_after: Duration,
    ) -> Result<bool, StoreError>;

    /// Makes a source due now; [`StoreError::NotFound`] if there is none of that name with a
    /// schedule.
    async fn make_reference_due(&self, source: &ReferenceSource) -> Result<(), StoreError>;

    /// Replaces the imported names of a kind, all or nothing; answers how many there are. Of a code
    /// that comes twice the last name holds. Others write meanwhile, and read the names before until
    /// they read the new ones. Of two imports of a kind at the same time the one that was begun
    /// later holds, whole; it may fail because it would have to wait for the other for too long.
    async fn import_references(
        &self,
        kind: ReferenceKind,
        entries: &[(ReferenceCode, ReferenceName)],
    ) -> Result<u64, StoreError>;

    /// Forgets a source with all that it gave, or [`StoreError::NotFound`].
    async fn remove_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
    ) -> Result<(), StoreError>;

    /// Adds what a source said of single codes: a name, or that it does not know the code.
    async fn remember_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        said: &[(ReferenceCode, Option<ReferenceName>)],
    ) -> Result<(), StoreError>;

    /// Notes what went wrong (no personal data) when a source was asked for single codes.
    async fn note_reference_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        error: &str,
    ) -> Result<(), StoreError>;

    /// Forgets what a source said at least `age` ago; answers how much.
    async fn forget_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        age: Duration,
    ) -> Result<u64, StoreError>;

    /// Deletes what replaced or removed names, and imports that came to no end, have left behind;
    /// answers how many names. Others write meanwhile.
    async fn delete_replaced_references(&self) -> Result<u64, StoreError>;

    /// What the import and `sources` say of these codes, in one statement. Of a code, what counts
    /// comes first: what was imported, then names before codes that are not known, then what was
    /// said last.
    async fn reference_names(
        &self,
        kind: ReferenceKind,
        codes: &[ReferenceCode],
        sources: &[ReferenceSource],
    ) -> Result<Vec<KnownReference>, StoreError>;

    /// All sources that are known, by name and kind.
    async fn reference_sources(&self) -> Result<Vec<ReferenceState>, StoreError>;
}

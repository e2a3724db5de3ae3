//! The JSON that travels between the API and its clients (`docs/api.md`).
//!
//! camelCase, times in UTC (RFC 3339), dates as `YYYY-MM-DD`, sizes in bytes. Texts are plain here;
//! the API parses them into domain types at its border.

mod batches;
mod reference;
mod schemas;
mod templates;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lease::Claim;
use crate::request::{ErrorCode, Priority, Request, RequestStatus};
use crate::section::{Held, Section, SectionStatus};
use crate::service::{Category, Service};
use crate::{DocumentKind, FinishedDocument, LeaseToken, Private, RequestId};

pub use batches::{
    CompleteRequests, CompletionOutcome, CompletionsView, HeldLease, LEASE_BATCH_MAX,
    OneCompletion, RenewLeases, RenewalOutcome, RenewalsView,
};
pub use reference::{
    REFERENCE_IMPORT_BYTES_MAX, REFERENCE_LOOKUP_CODES_MAX, ReferenceImported, ReferenceLookup,
    ReferenceNames, ReferenceSourceView,
};
pub use schemas::SchemaView;
pub use templates::{
    ResolveTemplate, ResolvedTemplate, ServiceTemplateView, TemplateHealthStatus,
    TemplateHealthView, TemplateMismatch, TemplateVersionView, ValidTemplateView,
};

/// Longest long poll of `POST /api/claims`, in seconds.
pub const CLAIM_WAIT_SECONDS_MAX: u32 = 60;
/// Most requests that one `POST /api/claims` hands out.
pub const CLAIM_BATCH_MAX: u32 = 100;
/// Largest page of a list.
pub const PAGE_SIZE_MAX: u32 = 500;
/// Page size when none is asked for.
pub const PAGE_SIZE_DEFAULT: u32 = 50;
/// Longest failure text that a worker may report, in characters; the rest is cut.
pub const DETAIL_CHARS_MAX: usize = 1000;
/// Longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// The `type` of the problem that says: the request is pending, and the caller's lease is not its
/// current one, nor will it ever be again.
pub const LEASE_LOST: &str = "urn:dossier:problem:lease-lost";
/// The `type` of the problem that says: the request is completed or errored.
pub const REQUEST_FINISHED: &str = "urn:dossier:problem:request-finished";
/// The `type` of the problem that says: the service's template is not registered, or an old version;
/// `template` has the digests.
pub const TEMPLATE_NOT_REGISTERED: &str = "urn:dossier:problem:template-not-registered";

/// Body of `POST /api/subjectAccessRequest`.
///
/// Other fields are refused: a misspelt `dateFrom` would ask for more than was meant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CreateRequest {
    /// First day of the data asked for; absent means from the start of record.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub date_from: Option<Date>,
    /// Last day of the data asked for; absent means today.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub date_to: Option<Date>,
    /// The controller's reference: 1 to 200 characters.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "SAR-2026-0042"))]
    pub sar_case_reference_number: Option<Private<String>>,
    /// Names of the services to collect from.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub services: Vec<String>,
    /// Prison number; exactly one of this and `ndeliusId`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^[A-Za-z][0-9]{4}[A-Za-z]{2}$", example = "A1234AA"))]
    pub nomis_id: Option<Private<String>>,
    /// Probation case reference; exactly one of this and `nomisId`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^[A-Za-z][0-9]{6}$"))]
    pub ndelius_id: Option<Private<String>>,
    /// The subject's name as the report is to print it; absent means that it is looked up.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub subject_name: Option<Private<String>>,
    /// Whether it goes before others that came in at about the same time; absent means `NORMAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
}

/// A request as clients see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestView {
    /// Its identifier.
    pub id: Uuid,
    /// `Pending`, `Completed` or `Errored`; the admin list also says `Overdue`.
    pub status: String,
    /// First day of the data asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub date_from: Option<Date>,
    /// Last day of the data asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub date_to: Date,
    /// The controller's reference.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sar_case_reference_number: Private<String>,
    /// One section a service, in report order.
    pub services: Vec<SectionView>,
    /// Prison number, if that is the kind given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub nomis_id: Option<Private<String>>,
    /// Probation case reference, if that is the kind given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub ndelius_case_reference_id: Option<Private<String>>,
    /// The subject's name, if the requester gave it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub subject_name: Option<Private<String>>,
    /// Whether it goes before others that came in at about the same time.
    #[serde(default)]
    pub priority: Priority,
    /// Who asked.
    pub requested_by: String,
    /// When it came in.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub request_date_time: Timestamp,
    /// When the latest lease was taken.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub claim_date_time: Option<Timestamp>,
    /// Attempts begun.
    pub claim_attempts: u32,
    /// Until when the current lease holds.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub lease_expires_at: Option<Timestamp>,
    /// Not to be claimed before this time.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub due_at: Timestamp,
    /// When it was completed.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub completed_at: Option<Timestamp>,
    /// Why it was given up.
    pub error_code: Option<ErrorCode>,
    /// The latest failure.
    pub error_detail: Option<String>,
    /// Where the report can be had, once there is one: its first volume.
    pub object_url: Option<String>,
    /// Pages of the report's first volume.
    pub pages: Option<u32>,
    /// Size of the report's first volume in bytes.
    pub bytes: Option<u64>,
    /// Everything that can be downloaded: the report's volumes first, then those of the subject's
    /// copy, then the package.
    #[serde(default)]
    pub documents: Vec<FinishedView>,
    /// When one of the documents was last downloaded in full.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_downloaded: Option<Timestamp>,
}

/// A document of a completed request as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FinishedView {
    /// What it is.
    pub kind: DocumentKind,
    /// Which volume of its kind, from 1.
    pub volume: u32,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 as 64 hexadecimal digits.
    pub sha256: String,
    /// Its pages; none for a package.
    pub pages: Option<u32>,
}

impl From<&FinishedDocument> for FinishedView {
    fn from(document: &FinishedDocument) -> Self {
        Self {
            kind: document.kind,
            volume: document.volume,
            bytes: document.kept.bytes,
            sha256: document.kept.sha256.to_string(),
            pages: document.pages,
        }
    }
}

/// A section of a request as clients see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SectionView {
    /// The service's name.
    pub service_name: String,
    /// The service's label.
    pub service_label: String,
    /// Where the section stands.
    pub render_status: SectionStatus,
    /// `v3`, `legacy` or `generic`, once collected.
    pub template_version: Option<String>,
    /// When it was collected.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub rendered_at: Option<Timestamp>,
    /// What the service holds, once collected.
    pub held: Option<Held>,
    /// Bytes received so far.
    pub bytes: u64,
    /// Tries begun in the latest attempt.
    pub tries: u32,
    /// Why the latest attempt failed.
    pub error: Option<String>,
}

impl From<&Section> for SectionView {
    fn from(section: &Section) -> Self {
        Self {
            service_name: section.service_name.to_string(),
            service_label: section.service_label.clone(),
            render_status: section.status,
            template_version: section.template_version.map(|v| v.to_string()),
            rendered_at: section.rendered_at,
            held: section.held,
            bytes: section.bytes,
            tries: section.tries,
            error: section.error.clone(),
        }
    }
}

/// The path under which the API serves the first volume of a request's report.
pub fn report_path(id: RequestId) -> String {
    format!("/api/report?id={id}")
}

impl From<&Request> for RequestView {
    fn from(request: &Request) -> Self {
        use crate::subject::SubjectIdentifier::{Ndelius, Nomis};
        let (nomis_id, ndelius_id) = match &request.subject {
            Nomis(id) => (Some(id.clone()), None),
            Ndelius(id) => (None, Some(id.clone())),
        };
        Self {
            id: request.id.as_uuid(),
            status: request.status.as_str().to_owned(),
            date_from: request.date_from,
            date_to: request.date_to,
            sar_case_reference_number: request.case_reference.reveal().to_owned().into(),
            services: request.sections.iter().map(SectionView::from).collect(),
            nomis_id,
            ndelius_case_reference_id: ndelius_id,
            subject_name: request
                .subject_name
                .as_ref()
                .map(|n| n.reveal().to_owned().into()),
            priority: request.priority,
            requested_by: request.requested_by.clone(),
            request_date_time: request.requested_at,
            claim_date_time: request.claimed_at,
            claim_attempts: request.attempts,
            lease_expires_at: request.lease_expires_at,
            due_at: request.due_at,
            completed_at: request.completed_at,
            error_code: request.error_code,
            error_detail: request.error_detail.clone(),
            object_url: request.document.as_ref().map(|_| report_path(request.id)),
            pages: request.pages,
            bytes: request.document.as_ref().map(|d| d.bytes),
            documents: request
                .documents()
                .map(|d| FinishedView::from(&d))
                .collect(),
            last_downloaded: request.last_downloaded_at,
        }
    }
}

impl RequestView {
    /// Whether no worker will act on it any more.
    pub fn is_finished(&self) -> bool {
        self.status == RequestStatus::Completed.as_str()
            || self.status == RequestStatus::Errored.as_str()
    }
}

/// Answer of the admin list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminList {
    /// All requests that match the search.
    pub total_count: u64,
    /// Those completed.
    pub completed_count: u64,
    /// Those errored.
    pub errored_count: u64,
    /// Those pending and not overdue.
    pub pending_count: u64,
    /// Those pending past the threshold.
    pub overdue_count: u64,
    /// Those that the filter lets through.
    pub filter_count: u64,
    /// One page of them, newest first.
    pub requests: Vec<RequestView>,
}

/// Answer of the list of overdue requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OverdueList {
    /// Pending for longer than this is overdue.
    pub threshold_seconds: u64,
    /// All overdue requests.
    pub total_count: u64,
    /// One page of them, newest first; their status says `Overdue`.
    pub requests: Vec<RequestView>,
}

/// How many requests stand where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestSummary {
    /// All requests.
    pub total_count: u64,
    /// Those completed.
    pub completed_count: u64,
    /// Those errored.
    pub errored_count: u64,
    /// Those pending and not overdue.
    pub pending_count: u64,
    /// Those pending past the threshold.
    pub overdue_count: u64,
}

/// A request of the archive: its report and its sections' data are gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ArchivedRequestView {
    /// When it was archived.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub archived_at: Timestamp,
    /// The request as it was.
    pub request: RequestView,
}

/// Answer of a successful claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClaimView {
    /// Proves who holds the lease; every further write needs it.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub lease_token: LeaseToken,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Until when the lease holds unless it is renewed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub lease_expires_at: Timestamp,
    /// How long a lease holds; renew at a third of it.
    pub lock_period_seconds: f64,
    /// The request.
    pub request: RequestView,
    /// What a worker needs to know of each section, in report order.
    pub sections: Vec<SectionTask>,
}

/// What a worker needs to know of a section.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SectionTask {
    /// The service.
    #[serde(default)]
    pub service_id: Uuid,
    /// The service's name.
    pub service_name: String,
    /// The service's label.
    pub service_label: String,
    /// The service's base URL.
    pub service_url: String,
    /// Whether the service serves its own template.
    #[serde(default)]
    pub template_migrated: bool,
    /// The SHA-256 of the service's JSON Schema, if it has one: 64 hexadecimal digits.
    #[serde(default)]
    pub schema_sha256: Option<String>,
    /// Where the section stands.
    pub render_status: SectionStatus,
    /// What the service holds, once collected.
    pub held: Option<Held>,
    /// The answer that an earlier attempt kept.
    pub kept: Option<DocumentView>,
    /// Which template makes the section, once collected.
    pub template_version: Option<String>,
}

/// A file in the document store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DocumentView {
    /// Its identifier.
    pub document_id: Uuid,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 as 64 hexadecimal digits.
    pub sha256: String,
}

impl From<&crate::KeptDocument> for DocumentView {
    fn from(kept: &crate::KeptDocument) -> Self {
        Self {
            document_id: kept.id.as_uuid(),
            bytes: kept.bytes,
            sha256: kept.sha256.to_string(),
        }
    }
}

impl TryFrom<&DocumentView> for crate::KeptDocument {
    type Error = crate::document::InvalidSha256;

    fn try_from(view: &DocumentView) -> Result<Self, Self::Error> {
        Ok(Self {
            id: view.document_id.into(),
            bytes: view.bytes,
            sha256: view.sha256.parse()?,
        })
    }
}

impl ClaimView {
    /// The answer for a claim, given the lock period.
    pub fn new(claim: &Claim, lock_period: std::time::Duration) -> Self {
        Self {
            lease_token: claim.token,
            attempt: claim.attempt,
            lease_expires_at: claim.expires_at,
            lock_period_seconds: lock_period.as_secs_f64(),
            request: RequestView::from(&claim.request),
            sections: claim
                .request
                .sections
                .iter()
                .map(SectionTask::from)
                .collect(),
        }
    }
}

impl From<&Section> for SectionTask {
    fn from(section: &Section) -> Self {
        Self {
            service_id: section.service_id.as_uuid(),
            service_name: section.service_name.to_string(),
            service_label: section.service_label.clone(),
            service_url: section.service_url.to_string(),
            template_migrated: section.template_migrated,
            schema_sha256: section.schema_sha256.as_ref().map(ToString::to_string),
            render_status: section.status,
            held: section.held,
            kept: section.kept.as_ref().map(DocumentView::from),
            template_version: section.template_version.map(|v| v.to_string()),
        }
    }
}

/// Body of `POST /api/claims`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClaimsQuery {
    /// Most requests to hand out: 1 to 100.
    #[serde(default = "one")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    pub max: u32,
    /// How long to wait for one to come, in seconds: 0 to 60.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 60))]
    pub wait: u32,
    /// Who claims, for people who look into a request's history: at most 100 characters.
    #[serde(default)]
    pub worker: Option<String>,
}

fn one() -> u32 {
    1
}

/// Answer of `POST /api/claims`: empty when none came in time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClaimsView {
    /// The claims, oldest request first.
    pub claims: Vec<ClaimView>,
}

/// Body of `PATCH …/{id}/claim`, which may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimOne {
    /// Who claims: at most 100 characters.
    pub worker: Option<String>,
}

/// Body of `PATCH …/{id}/lease`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewLease {
    /// The token of the current lease.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub lease_token: LeaseToken,
}

/// Answer of `PATCH …/{id}/lease`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LeaseView {
    /// Until when the lease now holds.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub lease_expires_at: Timestamp,
    /// How long a lease holds.
    pub lock_period_seconds: f64,
}

/// Why a lease is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReleaseKind {
    /// The attempt failed, and counts.
    Failed,
    /// The worker shuts down; the attempt does not count.
    Shutdown,
    /// Only suspended services are left; the attempt does not count.
    Suspended,
}

/// Body of `PATCH …/{id}/release`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReleaseLease {
    /// The token of the current lease.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub lease_token: LeaseToken,
    /// Why.
    pub reason: ReleaseKind,
    /// What failed, without personal data; cut at 1,000 characters.
    #[serde(default)]
    pub detail: Option<String>,
    /// When to try again, in seconds from now: 0 to 604,800.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 604800))]
    pub retry_after_seconds: f64,
}

/// Body of `PATCH …/{id}/complete`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CompleteRequest {
    /// The token of the current lease.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub lease_token: LeaseToken,
    /// The stored report: its first volume.
    #[serde(flatten)]
    pub document: DocumentView,
    /// Its pages.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub pages: u32,
    /// What was stored besides: the report's further volumes, the subject's copy, the package. The
    /// volumes of each kind are numbered without a gap, at most 1,000 a kind.
    #[serde(default)]
    pub others: Vec<StoredView>,
}

/// A document besides the report's first volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StoredView {
    /// What it is.
    pub kind: DocumentKind,
    /// Which volume of its kind, from 1; of the report from 2.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub volume: u32,
    /// The stored document.
    #[serde(flatten)]
    pub document: DocumentView,
    /// Its pages; none for a package.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub pages: Option<u32>,
}

/// Body of `PATCH …/{id}/services/{name}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SectionReport {
    /// The token of the current lease.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub lease_token: LeaseToken,
    /// `PENDING` for progress, `COMPLETE` or `ERRORED`.
    pub render_status: SectionStatus,
    /// With `COMPLETE`: what the service holds.
    #[serde(default)]
    pub held: Option<Held>,
    /// With `COMPLETE` and `DATA`: the kept answer.
    #[serde(default)]
    pub kept: Option<DocumentView>,
    /// With `COMPLETE`: `v3`, `legacy` or `generic`.
    #[serde(default)]
    pub template_version: Option<String>,
    /// With `ERRORED`: why, without personal data; cut at 1,000 characters.
    #[serde(default)]
    pub error: Option<String>,
    /// With `PENDING`: bytes received so far.
    #[serde(default)]
    pub bytes: u64,
    /// Tries begun in this attempt.
    #[serde(default)]
    pub tries: u32,
}

/// A service as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceView {
    /// Its identifier.
    pub id: Uuid,
    /// Its unique name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its base URL.
    pub url: String,
    /// Whether new requests may name it.
    pub enabled: bool,
    /// Whether it serves its own template.
    pub template_migrated: bool,
    /// Where it belongs.
    pub category: Category,
    /// Its explicit place in the report.
    pub rank: Option<u32>,
    /// Whether requests wait for it.
    pub suspended: bool,
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub suspended_at: Option<Timestamp>,
    /// The number of its latest published template.
    #[serde(default)]
    pub template_version: Option<u32>,
    /// The number of its pending template.
    #[serde(default)]
    pub pending_template_version: Option<u32>,
}

impl From<&Service> for ServiceView {
    fn from(service: &Service) -> Self {
        let details = &service.details;
        Self {
            id: service.id.as_uuid(),
            name: details.name.to_string(),
            label: details.label.clone(),
            url: details.url.to_string(),
            enabled: details.enabled,
            template_migrated: details.template_migrated,
            category: details.category,
            rank: details.rank,
            suspended: service.suspended_at.is_some(),
            suspended_at: service.suspended_at,
            template_version: service.template_version,
            pending_template_version: service.pending_template_version,
        }
    }
}

/// Body of `POST /api/services` and `PUT /api/services/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceBody {
    /// Unique: 1 to 100 letters, digits, dots, underscores or hyphens.
    pub name: String,
    /// What people call it: 1 to 200 characters.
    pub label: String,
    /// Base URL.
    pub url: String,
    /// Whether new requests may name it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether it serves its own template.
    #[serde(default)]
    pub template_migrated: bool,
    /// Where it belongs.
    pub category: Category,
    /// An explicit place in the report.
    #[serde(default)]
    pub rank: Option<u32>,
}

fn yes() -> bool {
    true
}

/// Answer of `POST …/{id}/duplicate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DuplicateView {
    /// The new request.
    pub id: Uuid,
    /// The one it was made from.
    pub original_id: Uuid,
    /// Its case reference.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sar_case_reference_number: Private<String>,
}

/// Body of `PATCH /api/admin/…/{id}/cancel`, which may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct CancelRequest {
    /// Why, shown with the request; at most 1,000 characters. No personal data.
    pub reason: Option<String>,
}

/// An error answer: problem details (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Names the kind of problem; stable.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, and what to do next.
    #[serde(default)]
    pub detail: Option<String>,
    /// The request's identifier in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// All that is wrong with what was sent, where that is the problem. Never holds what was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// What the service serves and what was expected, where that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Box<TemplateMismatch>>,
}

/// What is wrong with one field of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldProblem {
    /// The field, such as `dateTo` or `services[2]`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// Where it is wrong, if it is a template: the line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in that line, in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Where it is wrong, if it is a JSON Schema: a JSON Pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

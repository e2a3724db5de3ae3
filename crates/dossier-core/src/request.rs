//! A subject access request and its life.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::section::Section;
use crate::subject::{CaseReference, SubjectIdentifier, SubjectName};
use crate::{DocumentKind, FinishedDocument, KeptDocument, RequestId, ServiceName};

/// The first day that a request may name.
pub const DATE_MIN: Date = jiff::civil::date(1900, 1, 1);
/// The last day that a request may name.
pub const DATE_MAX: Date = jiff::civil::date(9999, 12, 31);
/// Most services that one request may name.
pub const SERVICES_PER_REQUEST_MAX: usize = 500;

/// Where a request stands. Pending is the only state that a worker may act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RequestStatus {
    /// The report has still to be made.
    Pending,
    /// The report is made; for good.
    Completed,
    /// Given up; a restart makes it pending again.
    Errored,
}

impl RequestStatus {
    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Completed => "Completed",
            Self::Errored => "Errored",
        }
    }

    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Completed, Self::Errored]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// Why a request became Errored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The last allowed attempt failed.
    AttemptsExhausted,
    /// It was pending for longer than the limit.
    TooOld,
    /// Somebody cancelled it.
    Cancelled,
}

impl ErrorCode {
    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttemptsExhausted => "ATTEMPTS_EXHAUSTED",
            Self::TooOld => "TOO_OLD",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The code of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::AttemptsExhausted, Self::TooOld, Self::Cancelled]
            .into_iter()
            .find(|c| c.as_str() == text)
    }
}

/// Whether a request goes before others that came in at about the same time.
///
/// Claims are in the order of when requests came in, as if a high one had come in
/// [`PRIORITY_HOURS`] earlier and a low one as much later. So none waits for ever: whatever comes in
/// twice that time after a low one, stands behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Priority {
    /// Before those that came in up to four hours earlier.
    High,
    /// In the order of coming in.
    #[default]
    Normal,
    /// Behind those that come in up to four hours later.
    Low,
}

/// How many hours of waiting a step of [`Priority`] is worth.
pub const PRIORITY_HOURS: u32 = 4;

impl Priority {
    /// All of them, the highest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Normal => "NORMAL",
            Self::Low => "LOW",
        }
    }

    /// How many steps it is above normal.
    pub fn steps(self) -> i8 {
        match self {
            Self::High => 1,
            Self::Normal => 0,
            Self::Low => -1,
        }
    }
}

/// What is asked for, after validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// First day of the data asked for; none means from the start of record.
    pub date_from: Option<Date>,
    /// Last day of the data asked for.
    pub date_to: Date,
    /// The controller's reference.
    pub case_reference: CaseReference,
    /// Whom it is about.
    pub subject: SubjectIdentifier,
    /// The subject's name, where the requester gave it; else it is looked up.
    pub subject_name: Option<SubjectName>,
    /// Whether it goes before others.
    pub priority: Priority,
    /// The services to collect from: at least one, no repeats.
    pub services: Vec<ServiceName>,
    /// The user name of the one who asked.
    pub requested_by: String,
    /// The requester's key for repeats of the same call.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// What tells a repeat of a call from another call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The requester's word for the call; other requesters may use the same.
    pub key: String,
    /// SHA-256 of what the requester sent. Not of what was made of it: the day that stands for an
    /// absent date and the catalogue are others when the repeat comes.
    pub sent: [u8; 32],
}

/// A subject access request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its identifier.
    pub id: RequestId,
    /// Where it stands.
    pub status: RequestStatus,
    /// First day of the data asked for; none means from the start of record.
    pub date_from: Option<Date>,
    /// Last day of the data asked for.
    pub date_to: Date,
    /// The controller's reference.
    pub case_reference: CaseReference,
    /// Whom it is about.
    pub subject: SubjectIdentifier,
    /// The subject's name, where the requester gave it.
    pub subject_name: Option<SubjectName>,
    /// Whether it goes before others.
    pub priority: Priority,
    /// The user name of the one who asked.
    pub requested_by: String,
    /// When it came in; never changes.
    pub requested_at: Timestamp,
    /// Since when its age is counted: its arrival, its restart, or the resumption of a suspended
    /// service that it waited for.
    pub clock_started_at: Timestamp,
    /// When the latest lease was taken.
    pub claimed_at: Option<Timestamp>,
    /// Until when the current lease holds; none while nobody holds one.
    pub lease_expires_at: Option<Timestamp>,
    /// Not to be claimed before this time.
    pub due_at: Timestamp,
    /// Attempts begun since arrival or restart, less those that were handed back.
    pub attempts: u32,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
    /// Why it became Errored.
    pub error_code: Option<ErrorCode>,
    /// The latest failure, without personal data; kept while it is retried.
    pub error_detail: Option<String>,
    /// The report's first volume, once completed and as long as it is kept.
    pub document: Option<KeptDocument>,
    /// Pages of the report's first volume.
    pub pages: Option<u32>,
    /// What was made besides: the report's further volumes, the subject's copy, the package. By kind
    /// and volume.
    pub others: Vec<FinishedDocument>,
    /// When one of its documents was last downloaded in full.
    pub last_downloaded_at: Option<Timestamp>,
    /// One section a service, in report order.
    pub sections: Vec<Section>,
}

impl Request {
    /// All its documents, by kind and volume: none before it is completed.
    pub fn documents(&self) -> impl Iterator<Item = FinishedDocument> + '_ {
        let report = self.document.iter().map(|kept| FinishedDocument {
            kind: DocumentKind::Report,
            volume: 1,
            kept: kept.clone(),
            pages: self.pages,
        });
        report.chain(self.others.iter().cloned())
    }
}

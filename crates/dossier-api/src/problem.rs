//! Every kind of error that the API answers, as problem details (RFC 9457).
//!
//! A problem's `type` is `urn:dossier:problem:` and the kind's word; words never change their
//! meaning. `detail` says what happened here, and holds no personal data: what the caller sent is
//! named by its field and never repeated, but for templates and schemas, and their digests.

use axum::response::{IntoResponse, Response};
use dossier_core::lease::{ClaimRefusal, LeaseRefusal};
use dossier_core::request::RequestStatus;
use dossier_core::schema::InvalidSchema;
use dossier_core::wire::{FieldProblem, Problem, TemplateMismatch};
use dossier_documents::DocumentError;
use dossier_store::StoreError;
use http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::api::TemplateProblem;

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// After how many seconds a caller should try again while a component is down.
const RETRY_AFTER_SECONDS: &str = "5";

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $status:ident, $word:literal, $title:literal;)+) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $name,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The HTTP status that goes with it.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)+
                }
            }

            /// The problem's `type`.
            pub fn uri(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("urn:dossier:problem:", $word),)+
                }
            }

            /// The problem's `title`.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }
        }
    };
}

kinds! {
    /// The body is not JSON, or not of the right shape; `errors` names the field.
    InvalidBody: BAD_REQUEST, "invalid-body", "The body cannot be read";
    /// A part of the path, the query or a header is not of the right form; `errors` names it.
    InvalidParameter: BAD_REQUEST, "invalid-parameter", "A parameter cannot be read";
    /// What was sent breaks a rule; `errors` lists all of them.
    ValidationFailed: BAD_REQUEST, "validation-failed", "What was sent breaks a rule";
    /// The template cannot be used; `errors` says why and where.
    InvalidTemplate: BAD_REQUEST, "invalid-template", "The template cannot be used";
    /// The JSON Schema cannot be used; `errors` says why and where.
    InvalidSchema: BAD_REQUEST, "invalid-schema", "The schema cannot be used";
    /// Only an errored request can be restarted.
    NotErrored: BAD_REQUEST, "request-not-errored", "The request is not errored";
    /// There is no bearer token, or it is not valid.
    Unauthenticated: UNAUTHORIZED, "unauthenticated", "Who calls is not known";
    /// The caller has none of the roles that this needs.
    Forbidden: FORBIDDEN, "forbidden", "The caller may not do this";
    /// There is nothing under this path or identifier.
    NotFound: NOT_FOUND, "not-found", "There is no such thing";
    /// The path is right and the method is not; `Allow` lists those that are.
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method-not-allowed", "The method does not fit the path";
    /// The body took too long to arrive; send it again.
    BodyTimeout: REQUEST_TIMEOUT, "body-timeout", "The body took too long to arrive";
    /// Another service has this name.
    DuplicateService: CONFLICT, "duplicate-service", "The service's name is taken";
    /// The source of reference data is asked on demand: there is nothing to refresh.
    NotScheduled: CONFLICT, "source-not-scheduled", "The source has no schedule";
    /// The request is completed or errored: no worker may act on it.
    RequestFinished: CONFLICT, "request-finished", "The request is finished";
    /// Only a pending request can be cancelled.
    NotPending: CONFLICT, "request-not-pending", "The request is not pending";
    /// Another worker holds a live lease; `Retry-After` says for how long at least.
    RequestLocked: CONFLICT, "request-locked", "Another worker holds the request";
    /// The request is to be tried again later; `Retry-After` says when.
    RequestNotDue: CONFLICT, "request-not-due", "The request is not due";
    /// Only suspended services are left to collect from.
    RequestWaiting: CONFLICT, "request-waiting", "The request waits for a suspended service";
    /// The request's attempts or its age have run out; it is about to become errored.
    RequestExhausted: CONFLICT, "request-exhausted", "The request is about to be given up";
    /// The lease has expired, was given back, or is another worker's: stop, and keep nothing.
    LeaseLost: CONFLICT, "lease-lost", "The lease is lost";
    /// The service serves a template that is not registered, or an old version; `template` has all
    /// the digests. Register it, or let the service serve one that is expected.
    TemplateNotRegistered: CONFLICT, "template-not-registered", "The service's template is not registered";
    /// The body is larger than the limit.
    BodyTooLarge: PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large";
    /// The body is not `application/json`.
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is of another media type";
    /// The range lies outside the report; `Content-Range` says how long it is.
    RangeNotSatisfiable: RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "The range lies outside the report";
    /// The document store does not hold the document, or not with this size and digest: give the
    /// lease back, or make the document again under another lease.
    DocumentMismatch: UNPROCESSABLE_ENTITY, "document-mismatch", "The document is not what was said";
    /// Not every section of the request is complete: collect them first, or give the lease back.
    SectionsUncollected: UNPROCESSABLE_ENTITY, "sections-uncollected", "Sections are not complete";
    /// The idempotency key was used for a request with other details; use a new key.
    IdempotencyConflict: UNPROCESSABLE_ENTITY, "idempotency-conflict", "The idempotency key was used for another request";
    /// A fault of Dossier's; the log has more under the `requestId`.
    Internal: INTERNAL_SERVER_ERROR, "internal", "Something went wrong";
    /// The database or the document store does not answer; try again after `Retry-After`.
    Unavailable: SERVICE_UNAVAILABLE, "unavailable", "A component does not answer";
}

/// An error answer.
#[derive(Debug)]
pub struct ApiError(Box<Answer>);

#[derive(Debug)]
struct Answer {
    kind: Kind,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
    template: Option<Box<TemplateMismatch>>,
    headers: HeaderMap,
    cause: Option<String>,
}

impl ApiError {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Answer {
            kind,
            detail: None,
            errors: Vec::new(),
            template: None,
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// The problems of single fields; the first is also the detail.
    pub(crate) fn of_fields(kind: Kind, errors: Vec<FieldProblem>) -> Self {
        let mut error = Self::new(kind);
        error.0.detail = errors.first().map(|first| first.message.clone());
        error.0.errors = errors;
        error
    }

    /// The problem of one field.
    pub(crate) fn of_field(kind: Kind, field: &str, message: impl Into<String>) -> Self {
        Self::of_fields(kind, vec![field_problem(field, message)])
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound).detail(format!("there is no such {what}"))
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub(crate) fn challenge(self, challenge: &'static str) -> Self {
        self.header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// What the log is to say and the caller is not. No personal data.
    pub(crate) fn cause(mut self, cause: impl ToString) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    fn unavailable(what: &str, cause: impl ToString) -> Self {
        Self::new(Kind::Unavailable)
            .detail(format!(
                "{what} does not answer; try again in a few seconds"
            ))
            .header(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS))
            .cause(cause)
    }
}

pub(crate) fn field_problem(field: &str, message: impl Into<String>) -> FieldProblem {
    FieldProblem {
        field: field.to_owned(),
        message: message.into(),
        line: None,
        column: None,
        pointer: None,
    }
}

/// What is wrong with a JSON Schema, and where.
pub(crate) fn schema_problem(problem: &InvalidSchema) -> ApiError {
    let field = FieldProblem {
        line: problem.place.map(|(line, _)| line),
        column: problem.place.map(|(_, column)| column),
        pointer: Some(problem.pointer.clone()),
        ..field_problem("body", problem.to_string())
    };
    ApiError::of_fields(Kind::InvalidSchema, vec![field])
}

/// All that is wrong with a template, and where.
pub(crate) fn template_problems(problems: &[TemplateProblem]) -> ApiError {
    let field = |problem: &TemplateProblem| {
        let TemplateProblem {
            line,
            column,
            detail,
        } = problem;
        let message = format!("line {line}, column {column}: {detail}");
        FieldProblem {
            line: Some(*line),
            column: Some(*column),
            ..field_problem("file", message)
        }
    };
    ApiError::of_fields(Kind::InvalidTemplate, problems.iter().map(field).collect())
}

/// A problem on its way out: [`crate::observe`] adds the call's identifier and writes it.
#[derive(Clone, Debug)]
pub(crate) struct Unwritten {
    pub(crate) problem: Problem,
    pub(crate) cause: Option<String>,
}

impl ApiError {
    /// Headers, the problem, and what the log is to say of it.
    fn into_parts(self) -> (Kind, HeaderMap, Unwritten) {
        let Answer {
            kind,
            detail,
            errors,
            template,
            headers,
            cause,
        } = *self.0;
        let problem = Problem {
            kind: kind.uri().to_owned(),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail,
            request_id: None,
            errors,
            template,
        };
        (kind, headers, Unwritten { problem, cause })
    }

    /// The problem as a part of an answer that has good news too. A fault of Dossier's own is logged.
    pub(crate) fn into_problem(self) -> Problem {
        let (kind, _, Unwritten { problem, cause }) = self.into_parts();
        if kind.status().is_server_error() {
            let cause = cause.unwrap_or_default();
            tracing::error!(problem = problem.kind, cause, "a part of a request failed");
        }
        problem
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (kind, headers, unwritten) = self.into_parts();
        let mut response = (kind.status(), headers).into_response();
        response.extensions_mut().insert(unwritten);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownServices(names) => {
                let message = |name| format!("there is no enabled service named {name}");
                let problem = |name| field_problem("services", message(name));
                Self::of_fields(Kind::ValidationFailed, names.iter().map(problem).collect())
            }
            StoreError::IdempotencyConflict => Self::new(Kind::IdempotencyConflict)
                .detail("the Idempotency-Key was used for a request with other details"),
            StoreError::DuplicateService(name) => Self::new(Kind::DuplicateService)
                .detail(format!("a service named {name} exists already")),
            StoreError::Claim(refusal) => refusal.into(),
            StoreError::Lease(refusal) => refusal.into(),
            StoreError::UnregisteredTemplate(refusal) => {
                let mut error = Self::new(Kind::TemplateNotRegistered).detail(refusal.to_string());
                error.0.template = Some(Box::new(TemplateMismatch::from(&*refusal)));
                error
            }
            StoreError::WrongStatus(RequestStatus::Pending) => {
                Self::new(Kind::NotErrored).detail("the request is Pending")
            }
            StoreError::WrongStatus(status) => Self::new(Kind::RequestFinished)
                .detail(format!("the request is {}", status.as_str())),
            StoreError::NotFound => Self::new(Kind::NotFound),
            StoreError::Unavailable(cause) => Self::unavailable("the database", cause),
            StoreError::Corrupt(_) => Self::new(Kind::Internal).cause(error),
        }
    }
}

impl From<ClaimRefusal> for ApiError {
    fn from(refusal: ClaimRefusal) -> Self {
        let (kind, free_at) = match refusal {
            ClaimRefusal::Unknown => (Kind::NotFound, None),
            ClaimRefusal::Completed | ClaimRefusal::Errored => (Kind::RequestFinished, None),
            ClaimRefusal::Locked(until) => (Kind::RequestLocked, Some(until)),
            ClaimRefusal::NotDue(at) => (Kind::RequestNotDue, Some(at)),
            ClaimRefusal::WaitingForSuspended => (Kind::RequestWaiting, None),
            ClaimRefusal::AttemptsExhausted | ClaimRefusal::TooOld => {
                (Kind::RequestExhausted, None)
            }
        };
        let error = Self::new(kind).detail(refusal.to_string());
        match free_at {
            Some(at) => {
                let seconds = at.duration_since(jiff::Timestamp::now()).as_secs() + 1;
                error.header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
            }
            None => error,
        }
    }
}

impl From<LeaseRefusal> for ApiError {
    fn from(refusal: LeaseRefusal) -> Self {
        let kind = match refusal {
            LeaseRefusal::Unknown | LeaseRefusal::UnknownSection => Kind::NotFound,
            LeaseRefusal::Finished => Kind::RequestFinished,
            LeaseRefusal::Uncollected => Kind::SectionsUncollected,
            LeaseRefusal::Lost => Kind::LeaseLost,
        };
        Self::new(kind).detail(refusal.to_string())
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::NotFound(_) => Self::not_found("document"),
            DocumentError::RangeNotSatisfiable { .. } => Self::new(Kind::RangeNotSatisfiable),
            DocumentError::AlreadyExists(_)
            | DocumentError::Damaged(_)
            | DocumentError::TooLarge { .. } => Self::new(Kind::Internal).cause(error),
            DocumentError::Unavailable { .. } => Self::unavailable("the document store", error),
        }
    }
}

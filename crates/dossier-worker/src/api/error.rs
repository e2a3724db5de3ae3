//! What can go wrong with a call to the API.

use std::io;
use std::path::PathBuf;

use dossier_core::wire::{LEASE_LOST, Problem, REQUEST_FINISHED, TEMPLATE_NOT_REGISTERED};
use http::StatusCode;

/// What went wrong with a call to the API, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API answered, and its answer is not yes. The problem says what to do.
    #[error("{}", refusal(*status, problem.as_deref()))]
    Refused {
        /// The answer's status.
        status: StatusCode,
        /// Its problem details, unless something else than the API answered.
        problem: Option<Box<Problem>>,
    },
    /// No answer, or not a whole one; whether the call took effect is unknown. Try again later.
    #[error("the API cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is not what the API's documentation says; look at the URL and the versions.
    #[error("the answer is not one of Dossier's API")]
    Incomprehensible,
    /// The downloaded file is not what the API has; download it again.
    #[error("the downloaded file is damaged: its size or digest is not the announced one")]
    Damaged,
    /// The file could not be written; look at the disk's space and rights.
    #[error("{} could not be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's account of it.
        source: io::Error,
    },
}

impl ApiError {
    /// The status of a refusal.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same call may succeed later: the API could not be reached, had a fault of its
    /// own, or is busy.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
                    )
            }
            Self::Unreachable(_) => true,
            Self::Incomprehensible | Self::Damaged | Self::File { .. } => false,
        }
    }

    /// Whether the API says that the request is pending and the lease is not its current one. It
    /// was then not completed by this lease, and never will be.
    pub fn is_lease_lost(&self) -> bool {
        self.is_conflict() && self.problem_is(LEASE_LOST)
    }

    /// Whether the API says that the request is finished: by whom, it does not say.
    pub fn is_request_finished(&self) -> bool {
        self.is_conflict() && self.problem_is(REQUEST_FINISHED)
    }

    /// Whether the API says that a service's template is not registered, or an old version: the text
    /// names all digests. The lease holds on.
    pub fn is_template_unregistered(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT) && self.problem_is(TEMPLATE_NOT_REGISTERED)
    }

    fn problem_is(&self, kind: &str) -> bool {
        match self {
            Self::Refused { problem, .. } => problem.as_ref().is_some_and(|p| p.kind == kind),
            _ => false,
        }
    }

    /// Whether the lease that the call was made with is lost, or the request is finished.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT) && !self.problem_is(TEMPLATE_NOT_REGISTERED)
    }
}

fn refusal(status: StatusCode, problem: Option<&Problem>) -> String {
    match problem {
        Some(Problem {
            title,
            detail: Some(detail),
            ..
        }) => format!("{title}: {detail}"),
        Some(problem) => problem.title.clone(),
        None => format!("the API answered with status {}", status.as_u16()),
    }
}

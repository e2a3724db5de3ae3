//! The lock on a request: a lease with a token, a period and an end.
//!
//! The database decides every step in one statement on its own clock. The pure functions here say
//! in words why it refused, from the state that it found.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::LeaseToken;
use crate::request::{Request, RequestStatus};
use crate::section::SectionStatus;

/// The limits that decide when a request may be worked on and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRules {
    /// How long a lease holds without renewal. Workers renew at a third of it.
    pub lock_period: Duration,
    /// Attempts before a request becomes Errored.
    pub attempts_max: u32,
    /// Age before a pending request that nobody works on becomes Errored.
    pub age_max: Duration,
}

impl Default for LeaseRules {
    fn default() -> Self {
        Self {
            lock_period: Duration::from_secs(60),
            attempts_max: 10,
            age_max: Duration::from_secs(48 * 3600),
        }
    }
}

/// A claim that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Proves who holds the lease.
    pub token: LeaseToken,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Until when the lease holds unless it is renewed.
    pub expires_at: Timestamp,
    /// The request, with its sections.
    pub request: Request,
}

/// Why a claim was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefusal {
    /// There is no such request.
    #[error("there is no such request")]
    Unknown,
    /// It is completed.
    #[error("the request is completed")]
    Completed,
    /// It is errored.
    #[error("the request is errored; restart it first")]
    Errored,
    /// Another worker holds a live lease.
    #[error("the request is locked until {0}")]
    Locked(Timestamp),
    /// It is to be tried again later.
    #[error("the request is not due before {0}")]
    NotDue(Timestamp),
    /// All that is left to collect belongs to suspended services.
    #[error("the request waits for a suspended service")]
    WaitingForSuspended,
    /// Its attempts are used up.
    #[error("the request has no attempts left")]
    AttemptsExhausted,
    /// It has been pending too long.
    #[error("the request is too old")]
    TooOld,
}

/// Why a token's write was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseRefusal {
    /// There is no such request.
    #[error("there is no such request")]
    Unknown,
    /// The request has no section of that service.
    #[error("the request has no section of that service")]
    UnknownSection,
    /// The request is completed or errored.
    #[error("the request is finished")]
    Finished,
    /// Not every section is complete, so that the request cannot be.
    #[error("not every section of the request is complete")]
    Uncollected,
    /// The lease has expired, or another worker holds it, or it was given back.
    #[error("the lease is lost")]
    Lost,
}

/// Why a holder gives its lease back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseReason {
    /// The attempt failed and counts. The text has no personal data.
    Failed(String),
    /// The worker shuts down; the attempt does not count.
    ShuttingDown,
    /// Only suspended services are left; the attempt does not count.
    WaitingForSuspended,
}

impl ReleaseReason {
    /// Whether the attempt counts towards [`LeaseRules::attempts_max`].
    pub fn counts(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for ReleaseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(detail) => f.write_str(detail),
            Self::ShuttingDown => f.write_str("the worker shut down"),
            Self::WaitingForSuspended => f.write_str("waiting for a suspended service"),
        }
    }
}

/// Whether only suspended services are left to collect. The request then waits, and its age does
/// not run.
pub fn waits_for_suspended(request: &Request) -> bool {
    let left = |status| request.sections.iter().any(|s| s.status == status);
    left(SectionStatus::Suspended) && !left(SectionStatus::Pending) && !left(SectionStatus::Errored)
}

/// Whether a request may be claimed at `now`, and if not, why: the rule that every store's claim
/// statement must agree with.
pub fn check_claim(
    request: &Request,
    rules: &LeaseRules,
    now: Timestamp,
) -> Result<(), ClaimRefusal> {
    match request.status {
        RequestStatus::Completed => return Err(ClaimRefusal::Completed),
        RequestStatus::Errored => return Err(ClaimRefusal::Errored),
        RequestStatus::Pending => {}
    }
    if let Some(until) = request.lease_expires_at.filter(|until| *until > now) {
        return Err(ClaimRefusal::Locked(until));
    }
    if waits_for_suspended(request) {
        return Err(ClaimRefusal::WaitingForSuspended);
    }
    if request.attempts >= rules.attempts_max {
        return Err(ClaimRefusal::AttemptsExhausted);
    }
    if is_too_old(request, rules, now) {
        return Err(ClaimRefusal::TooOld);
    }
    if request.due_at > now {
        return Err(ClaimRefusal::NotDue(request.due_at));
    }
    Ok(())
}

/// Whether a pending request has been pending for longer than the limit.
pub fn is_too_old(request: &Request, rules: &LeaseRules, now: Timestamp) -> bool {
    let age = now.duration_since(request.clock_started_at);
    age.as_millis() > i128::try_from(rules.age_max.as_millis()).unwrap_or(i128::MAX)
}

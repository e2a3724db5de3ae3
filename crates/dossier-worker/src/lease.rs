//! Keeping a lease alive, and noticing when it is lost.
//!
//! The API's database decides who holds a lease; every write names its token. What the worker's own
//! clock adds is that it stops working for a request in time: from before the call that took or
//! renewed the lease was sent, the lease cannot end earlier than one lock period later.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dossier_core::wire::LeaseView;
use dossier_core::{LeaseToken, RequestId};
use http::StatusCode;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::api::ApiError;
use crate::retry::Backoff;

/// Pauses between two calls while the API cannot be reached.
const ASK_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(100),
    most: Duration::from_secs(2),
};

/// The lease that an attempt holds.
pub(crate) struct Lease {
    id: RequestId,
    token: LeaseToken,
    clock: Mutex<Clock>,
    lost: CancellationToken,
    /// Where its news are logged.
    span: tracing::Span,
}

#[derive(Clone, Copy)]
struct Clock {
    period: Duration,
    renew_at: Instant,
    ends_at: Instant,
    /// Renewals in a row that were not answered.
    failures: u32,
}

/// Why a write was not accepted.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The lease is lost.
    Lost,
    /// The API will not accept it, now or later.
    Refused(ApiError),
}

impl Lease {
    /// The lease of a claim that was asked for at `asked_at` and is here now.
    ///
    /// A long poll may have waited for longer than a lock period. The lease is then renewed at once,
    /// and given a third of a period for that.
    pub fn new(
        id: RequestId,
        token: LeaseToken,
        lock_period_seconds: f64,
        asked_at: Instant,
        span: tracing::Span,
    ) -> Self {
        let lock_period = lock_period(lock_period_seconds);
        let mut clock = Clock::new(asked_at, lock_period);
        clock.ends_at = clock.ends_at.max(Instant::now() + lock_period / 3);
        Self {
            id,
            token,
            clock: Mutex::new(clock),
            lost: CancellationToken::new(),
            span,
        }
    }

    pub fn id(&self) -> RequestId {
        self.id
    }

    pub fn token(&self) -> LeaseToken {
        self.token
    }

    /// Until when the lease surely holds.
    pub fn ends_at(&self) -> Instant {
        self.clock().ends_at
    }

    /// Returns once the lease is lost.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Notes that the API has called the lease lost.
    pub fn lose(&self) {
        self.lost.cancel();
    }

    /// When it is to be renewed; never once it is lost.
    pub fn renew_at(&self) -> Option<Instant> {
        (!self.lost.is_cancelled()).then(|| self.clock().renew_at)
    }

    /// Whether it is to be renewed now, or so soon that it may as well be with others that are. If
    /// so, it is due again when a third of its period has gone by without an answer.
    pub fn ask_if_due(&self, now: Instant) -> bool {
        let mut clock = self.clock_mut();
        let is_due = !self.lost.is_cancelled() && clock.renew_at <= now + clock.period / 6;
        if is_due {
            clock.renew_at = now + (clock.period / 3).max(ASK_AGAIN.first);
        }
        is_due
    }

    /// Notes what was answered to a renewal that was sent at `asked_at`.
    pub fn answered(&self, asked_at: Instant, outcome: Result<LeaseView, ApiError>) {
        match outcome {
            Ok(view) => {
                let renewed = Clock::new(asked_at, lock_period(view.lock_period_seconds));
                let mut clock = self.clock_mut();
                // Answers may come in another order than they were asked for.
                if renewed.ends_at > clock.ends_at {
                    *clock = renewed;
                }
            }
            Err(error) if is_definite(&error) => {
                tracing::warn!(parent: &self.span, "the lease is lost: its renewal was refused");
                self.lose();
            }
            Err(error) => {
                tracing::warn!(
                    parent: &self.span,
                    %error,
                    "the lease could not be renewed; trying again"
                );
                self.not_answered();
            }
        }
    }

    /// Has it renewed again after a pause.
    pub fn not_answered(&self) {
        let mut clock = self.clock_mut();
        clock.failures += 1;
        clock.renew_at = Instant::now() + ASK_AGAIN.half_jitter(clock.failures);
    }

    /// Loses the lease as soon as it may have ended.
    pub async fn run_out(&self) {
        while Instant::now() < self.ends_at() {
            sleep_until(self.ends_at()).await;
        }
        if !self.lost.is_cancelled() {
            tracing::warn!("the lease is lost: it could not be renewed in time");
            self.lose();
        }
    }

    /// Makes a call with the lease's token until there is a definite answer. Whoever waits must stop
    /// waiting when the lease is lost.
    pub async fn write<T, F>(&self, call: impl Fn() -> F) -> Result<T, WriteError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let mut failures = 0;
        loop {
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_conflict() => {
                    self.lose();
                    return Err(WriteError::Lost);
                }
                Err(error) if error.is_passing() => {
                    failures += 1;
                    tracing::warn!(%error, "a write was not answered; asking again");
                    sleep(ASK_AGAIN.half_jitter(failures)).await;
                }
                Err(error) => return Err(WriteError::Refused(error)),
            }
        }
    }

    fn clock(&self) -> Clock {
        *self.clock_mut()
    }

    fn clock_mut(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock {
    fn new(asked_at: Instant, lock_period: Duration) -> Self {
        Self {
            period: lock_period,
            renew_at: asked_at + lock_period / 3,
            ends_at: asked_at + lock_period,
            failures: 0,
        }
    }
}

/// A lock period as the API names it; an hour at most, so that no clock overflows.
fn lock_period(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.min(3600.0)).unwrap_or_default()
}

/// Whether a renewal's refusal means that the lease is gone for good.
fn is_definite(error: &ApiError) -> bool {
    error.is_conflict() || error.status() == Some(StatusCode::NOT_FOUND)
}

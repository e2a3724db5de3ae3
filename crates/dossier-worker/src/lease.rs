//! Keeping a lease alive, and noticing when it is lost.
//!
//! The API's database decides who holds a lease; every write names its token. What the worker's own
//! clock adds is that it stops working for a request in time: from before the call that took or
//! renewed the lease was sent, the lease cannot end earlier than one lock period later.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dossier_core::{LeaseToken, RequestId};
use http::StatusCode;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::api::{ApiClient, ApiError};
use crate::retry::Backoff;

/// Pauses between two calls while the API cannot be reached.
const ASK_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(100),
    most: Duration::from_secs(2),
};

/// The lease that an attempt holds.
pub(crate) struct Lease {
    api: ApiClient,
    id: RequestId,
    token: LeaseToken,
    clock: Mutex<Clock>,
    lost: CancellationToken,
}

#[derive(Clone, Copy)]
struct Clock {
    renew_at: Instant,
    ends_at: Instant,
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
        api: ApiClient,
        id: RequestId,
        token: LeaseToken,
        lock_period_seconds: f64,
        asked_at: Instant,
    ) -> Self {
        let lock_period = lock_period(lock_period_seconds);
        let mut clock = Clock::new(asked_at, lock_period);
        clock.ends_at = clock.ends_at.max(Instant::now() + lock_period / 3);
        Self {
            api,
            id,
            token,
            clock: Mutex::new(clock),
            lost: CancellationToken::new(),
        }
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

    /// Renews the lease until it is lost.
    pub async fn keep(&self) {
        let mut failures = 0;
        loop {
            sleep_until(self.clock().renew_at).await;
            let asked_at = Instant::now();
            let renewal = timeout_at(self.ends_at(), self.api.renew(self.id, self.token)).await;
            let pause = match renewal {
                Ok(Ok(view)) => {
                    failures = 0;
                    self.set(Clock::new(asked_at, lock_period(view.lock_period_seconds)));
                    continue;
                }
                Ok(Err(error)) if is_definite(&error) => {
                    tracing::warn!("the lease is lost: its renewal was refused");
                    break;
                }
                Ok(Err(error)) => {
                    failures += 1;
                    tracing::warn!(%error, "the lease could not be renewed; trying again");
                    ASK_AGAIN.half_jitter(failures)
                }
                Err(_) => Duration::ZERO,
            };
            if timeout_at(self.ends_at(), sleep(pause)).await.is_err()
                || Instant::now() >= self.ends_at()
            {
                tracing::warn!("the lease is lost: it could not be renewed in time");
                break;
            }
        }
        self.lose();
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
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, clock: Clock) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = clock;
    }
}

impl Clock {
    fn new(asked_at: Instant, lock_period: Duration) -> Self {
        Self {
            renew_at: asked_at + lock_period / 3,
            ends_at: asked_at + lock_period,
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

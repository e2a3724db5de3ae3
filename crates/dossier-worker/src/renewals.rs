//! Renewing all leases of a worker: those that are due go together, in one call.
//!
//! A call that is not answered is asked anew at a third of the period, beside the one that hangs:
//! it holds no other lease up, and none is renewed too late because of it.

use std::sync::{Arc, Mutex, PoisonError};

use dossier_core::wire::LEASE_BATCH_MAX;
use dossier_core::{LeaseToken, RequestId};
use futures::future::join_all;
use http::StatusCode;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::api::{ApiClient, ApiError};
use crate::lease::Lease;

/// All leases of a worker.
pub(crate) struct Renewals {
    api: ApiClient,
    held: Mutex<Vec<Arc<Lease>>>,
    changed: Notify,
}

/// Keeps a lease alive as long as it lives.
pub(crate) struct Kept {
    renewals: Arc<Renewals>,
    lease: Arc<Lease>,
    _clock: AbortOnDropHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut held = self.renewals.held();
        held.retain(|lease| !Arc::ptr_eq(lease, &self.lease));
    }
}

impl Renewals {
    pub fn new(api: ApiClient) -> Arc<Self> {
        Arc::new(Self {
            api,
            held: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Has the lease renewed, and loses it when it is lost, until what is answered is dropped.
    pub fn keep(self: &Arc<Self>, lease: &Arc<Lease>) -> Kept {
        self.held().push(Arc::clone(lease));
        self.changed.notify_one();
        let clock = Arc::clone(lease);
        let clock = async move { clock.run_out().await };
        Kept {
            renewals: Arc::clone(self),
            lease: Arc::clone(lease),
            _clock: AbortOnDropHandle::new(tokio::spawn(clock.in_current_span())),
        }
    }

    /// Renews, for ever, what is kept.
    pub async fn run(self: Arc<Self>) {
        let mut calls = JoinSet::new();
        loop {
            while calls.try_join_next().is_some() {}
            let renew_at = self
                .held()
                .iter()
                .filter_map(|lease| lease.renew_at())
                .min();
            match renew_at {
                Some(renew_at) => tokio::select! {
                    () = sleep_until(renew_at) => {}
                    () = self.changed.notified() => continue,
                },
                None => {
                    self.changed.notified().await;
                    continue;
                }
            }
            let due = self.due();
            for leases in due.chunks(LEASE_BATCH_MAX) {
                let (renewals, leases) = (Arc::clone(&self), leases.to_vec());
                calls.spawn(async move { renewals.renew(&leases).await });
            }
        }
    }

    /// The leases that are due, and those that soon would be.
    fn due(&self) -> Vec<Arc<Lease>> {
        let now = Instant::now();
        let held = self.held();
        let due = held.iter().filter(|lease| lease.ask_if_due(now));
        due.cloned().collect()
    }

    async fn renew(&self, leases: &[Arc<Lease>]) {
        let asked_at = Instant::now();
        match leases {
            [one] => self.renew_alone(one, asked_at).await,
            several => self.renew_together(several, asked_at).await,
        }
        self.changed.notify_one();
    }

    async fn renew_together(&self, leases: &[Arc<Lease>], asked_at: Instant) {
        let named: Vec<(RequestId, LeaseToken)> = leases
            .iter()
            .map(|lease| (lease.id(), lease.token()))
            .collect();
        match self.api.renew_all(&named).await {
            Ok(outcomes) => {
                for (lease, outcome) in leases.iter().zip(outcomes) {
                    lease.answered(asked_at, outcome);
                }
            }
            Err(error) if is_unknown_call(&error) => {
                let alone = leases.iter().map(|lease| self.renew_alone(lease, asked_at));
                join_all(alone).await;
            }
            Err(error) => {
                let leases_count = leases.len();
                tracing::warn!(%error, leases = leases_count, "leases could not be renewed; trying again");
                for lease in leases {
                    lease.not_answered();
                }
            }
        }
    }

    async fn renew_alone(&self, lease: &Lease, asked_at: Instant) {
        let outcome = self.api.renew(lease.id(), lease.token()).await;
        lease.answered(asked_at, outcome);
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Lease>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the API is of an older version, which does not know the call for many.
fn is_unknown_call(error: &ApiError) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
    )
}

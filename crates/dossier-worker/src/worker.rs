//! Polling, slots and shutting down.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dossier_core::wire::{ClaimView, ClaimsQuery};
use dossier_documents::DocumentStore;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::api::{ApiClient, ApiError};
use crate::attempt::{Attempt, Workshop};
use crate::collect::Collector;
use crate::config::{InvalidConfig, Limits, WorkerConfig};
use crate::connection::{ClientError, upstream_client};
use crate::liveness::Liveness;
use crate::metrics::WorkerMetrics;
use crate::name::Names;
use crate::rendering::ReportSettings;
use crate::renewals::Renewals;
use crate::retry::{Backoff, around};
use crate::schema::FetchedSchemas;
use crate::spool::Spool;
use crate::template::{LegacyTemplates, LegacyTemplatesError, ParsedTemplates};
use crate::token::TokenSource;

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used; correct it.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The client for upstream services cannot be built.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The legacy templates cannot be used.
    #[error(transparent)]
    LegacyTemplates(#[from] LegacyTemplatesError),
    /// The spool folder cannot be used; look at its path and rights.
    #[error("the spool folder {} cannot be used: {source}", path.display())]
    Spool {
        /// The folder.
        path: PathBuf,
        /// The system's account of it.
        source: io::Error,
    },
}

/// A worker: makes reports for as long as it runs.
pub struct Worker {
    name: String,
    workshop: Arc<Workshop>,
    slots: Arc<Semaphore>,
    liveness: Arc<Liveness>,
}

impl Worker {
    /// Gets a worker ready: checks the settings and makes its spool folder, removing those that dead
    /// workers left behind.
    pub async fn new(
        config: WorkerConfig,
        api: ApiClient,
        documents: Arc<dyn DocumentStore>,
        report: ReportSettings,
    ) -> Result<Self, StartError> {
        config.check()?;
        let limits = config.limits()?;
        let settings = |builder: reqwest::ClientBuilder| {
            builder
                .connect_timeout(limits.connect_max)
                .pool_max_idle_per_host(limits.calls_per_service_at_once)
        };
        let http = upstream_client(&config, settings)?;
        let tokens = Arc::new(TokenSource::new(&config.upstream_auth, http.clone()));
        let names = Names::new(
            &config.name_lookup,
            http.clone(),
            Arc::clone(&tokens),
            &limits,
        );
        let metrics = Arc::new(WorkerMetrics::new(limits.requests_at_once));
        let collector = Collector::new(
            http,
            tokens,
            config.allowed_hosts()?,
            limits.clone(),
            Arc::clone(&metrics),
        );
        let legacy_templates = match config.legacy_templates_folder {
            Some(folder) => LegacyTemplates::open(&folder)?,
            None => LegacyTemplates::default(),
        };
        let spool = open_spool(config.spool_folder).await?;
        Ok(Self {
            name: config.name.unwrap_or_else(random_name),
            slots: Arc::new(Semaphore::new(limits.requests_at_once)),
            liveness: Arc::new(Liveness::new(limits.stall_max)),
            workshop: Arc::new(Workshop {
                renewals: Renewals::new(api.clone()),
                api,
                documents,
                collector,
                names,
                report,
                legacy_templates,
                parsed_templates: ParsedTemplates::default(),
                schemas: FetchedSchemas::default(),
                rendering_mib: Semaphore::new(limits.rendering_mib() as usize),
                spool,
                limits,
                metrics,
                unsupported_characters: Arc::default(),
            }),
        })
    }

    /// Counts, while the worker runs, the characters of its reports that no font had.
    pub fn unsupported_characters(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.workshop.unsupported_characters)
    }

    /// What is measured of it.
    pub fn metrics(&self) -> Arc<WorkerMetrics> {
        Arc::clone(&self.workshop.metrics)
    }

    /// Whether it goes on polling.
    pub fn liveness(&self) -> Arc<Liveness> {
        Arc::clone(&self.liveness)
    }

    /// Works until `shutdown` is cancelled. It then claims nothing more, gives running attempts the
    /// grace period to end, has the others give their leases back, and returns, at the latest after
    /// `shutdown_grace_seconds` and `shutdown_release_seconds_max` together.
    ///
    /// A report that is being printed then goes on in a blocking thread of the runtime: a program
    /// that must exit in time shuts its runtime down without waiting for such threads.
    ///
    /// Should it no longer be able to renew leases, it stops by itself in the same way.
    pub async fn run(self, shutdown: CancellationToken) {
        tracing::info!(worker = self.name, "the worker starts");
        let stop = CancellationToken::new();
        let renewals = Arc::clone(&self.workshop.renewals);
        // To the end: attempts that are given time to end keep their leases.
        let mut renewing = AbortOnDropHandle::new(tokio::spawn(renewals.run()));
        let mut attempts = JoinSet::new();
        let polling = self.poll(&mut attempts, &stop);
        until_it_ends(&self.liveness, polling, &shutdown, &mut renewing).await;
        let limits = &self.workshop.limits;
        tracing::info!(attempts = attempts.len(), "the worker stops");
        if !all_end(&mut attempts, limits.shutdown_grace).await {
            stop.cancel();
            if !all_end(&mut attempts, limits.shutdown_release_max).await {
                tracing::warn!(
                    attempts = attempts.len(),
                    "attempts are left to their leases' end"
                );
                attempts.shutdown().await;
            }
        }
        tracing::info!("the worker has stopped");
    }

    /// Polls as long as nobody stops it. A poll that is broken off while the API hands out a request
    /// leaves that request to the end of its lease.
    async fn poll(&self, attempts: &mut JoinSet<()>, stop: &CancellationToken) {
        let limits = &self.workshop.limits;
        let mut failures = 0;
        loop {
            let slots = self.liveness.while_waiting(self.free_slots()).await;
            while attempts.try_join_next().is_some() {}
            let asked_at = Instant::now();
            let pause = match self.claim(slots.len()).await {
                Ok(claims) if claims.is_empty() => {
                    failures = 0;
                    around(limits.poll_pause)
                }
                Ok(claims) => {
                    failures = 0;
                    for (claim, slot) in claims.into_iter().zip(slots) {
                        self.start(attempts, claim, asked_at, slot, stop.clone());
                    }
                    continue;
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "the API cannot be polled; trying again");
                    poll_backoff(limits).half_jitter(failures)
                }
            };
            self.liveness.heard_again_within(pause);
            tokio::time::sleep(pause).await;
        }
    }

    /// All free slots, at least one.
    async fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        let first = Arc::clone(&self.slots).acquire_owned().await;
        let others = std::iter::from_fn(|| Arc::clone(&self.slots).try_acquire_owned().ok());
        first.into_iter().chain(others).collect()
    }

    async fn claim(&self, slots: usize) -> Result<Vec<ClaimView>, ApiError> {
        let query = ClaimsQuery {
            max: u32::try_from(slots).unwrap_or(1),
            wait: self.workshop.limits.poll_wait_seconds,
            worker: Some(self.name.clone()),
        };
        self.liveness
            .heard_again_within(ApiClient::claims_max(&query));
        self.workshop.api.claims(&query).await
    }

    /// Starts an attempt in tasks of its own, so that a panic in one touches no other.
    fn start(
        &self,
        attempts: &mut JoinSet<()>,
        claim: ClaimView,
        asked_at: Instant,
        slot: OwnedSemaphorePermit,
        stop: CancellationToken,
    ) {
        let attempt = Arc::new(Attempt::new(
            Arc::clone(&self.workshop),
            claim,
            asked_at,
            stop,
        ));
        let span = attempt.span();
        let metrics = self.metrics();
        metrics.slot_taken();
        let supervised = async move {
            let run = Arc::clone(&attempt).run().in_current_span();
            let ended = AbortOnDropHandle::new(tokio::spawn(run)).await;
            if ended.is_err() {
                attempt.give_up().await;
            }
            metrics.slot_freed();
            drop(slot);
        };
        attempts.spawn(supervised.instrument(span));
    }
}

/// Polls until the worker is told to stop, or can no longer renew leases.
async fn until_it_ends(
    liveness: &Liveness,
    polling: impl Future<Output = ()>,
    shutdown: &CancellationToken,
    renewing: &mut AbortOnDropHandle<()>,
) {
    let watched = liveness.watch();
    tokio::select! {
        () = polling => {}
        () = shutdown.cancelled() => watched.stops(),
        _ = renewing => tracing::error!("leases are no longer renewed: the worker ends"),
    }
}

/// Whether all attempts end within this time.
async fn all_end(attempts: &mut JoinSet<()>, within: Duration) -> bool {
    let all = async { while attempts.join_next().await.is_some() {} };
    timeout(within, all).await.is_ok()
}

fn poll_backoff(limits: &Limits) -> Backoff {
    Backoff {
        first: limits.poll_pause.max(Duration::from_millis(100)),
        most: limits.poll_pause_max,
    }
}

async fn open_spool(folder: Option<PathBuf>) -> Result<Spool, StartError> {
    let path = folder.ok_or(InvalidConfig {
        key: "spool_folder",
        must: "must be set",
    })?;
    let root = path.clone();
    let opened = tokio::task::spawn_blocking(move || Spool::open(&root)).await;
    opened
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|source| StartError::Spool { path, source })
}

fn random_name() -> String {
    format!("worker-{:08x}", rand::random::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::liveness::NotLive;

    /// How live a worker is that has ended polling with this task for its renewals.
    async fn ended_with(renewing: impl Future<Output = ()> + Send + 'static, told: bool) -> bool {
        let liveness = Liveness::new(Duration::from_secs(60));
        let shutdown = CancellationToken::new();
        if told {
            shutdown.cancel();
        }
        let mut renewing = AbortOnDropHandle::new(tokio::spawn(renewing));
        until_it_ends(&liveness, std::future::pending(), &shutdown, &mut renewing).await;
        liveness.check() != Err(NotLive::Ended)
    }

    #[tokio::test]
    async fn a_worker_that_cannot_renew_leases_ends_and_is_not_live() {
        assert!(!ended_with(async { panic!("as in a test") }, false).await);
        assert!(ended_with(std::future::pending(), true).await);
    }
}

//! Refreshing lists on their schedules.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceName};
use dossier_store::{ReferenceSchedule, RefreshClaim, Store, StoreError};
use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fetch::{Caller, SourceError, retry_pause};
use super::source::Source;
use super::{ReferenceRules, Sources};

/// Lists that are refreshed at the same time.
const REFRESHES_AT_A_TIME: usize = 4;
/// By how much the right to refresh a list outlasts the longest refresh.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);
/// Between two rounds of forgetting.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// Loads lists when they are due. Of many, over all processes, one loads a list: the store decides.
///
/// A list that cannot be had, or is suddenly empty or less than half as long as before, changes
/// nothing: what it gave before stays, and it is tried again later and later.
pub struct ReferenceKeeper {
    sources: Arc<Sources>,
    store: Arc<dyn Store>,
    caller: Caller,
}

impl ReferenceKeeper {
    pub(crate) fn new(sources: Arc<Sources>, store: Arc<dyn Store>, caller: Caller) -> Self {
        Self {
            sources,
            store,
            caller,
        }
    }

    /// Looks for what is due, after a short random pause and then at every interval or when a list
    /// is made due, until `shutdown`. Does nothing where no source is configured.
    pub async fn run(self, shutdown: CancellationToken) {
        if self.sources.all.is_empty() {
            return;
        }
        let rules = self.sources.rules;
        let keeping = async {
            tokio::time::sleep(rules.start_pause_max.mul_f64(rand::random())).await;
            let mut forget_at = Instant::now();
            loop {
                self.refresh_due().await;
                if Instant::now() >= forget_at {
                    self.forget().await;
                    forget_at = Instant::now() + FORGET_EVERY;
                }
                // Being told and the time being over are the same.
                let _ = tokio::time::timeout(rules.look_every, self.sources.due.notified()).await;
            }
        };
        // A refresh that is left half done is taken over when its claim has run out.
        shutdown.run_until_cancelled(keeping).await;
    }

    /// Refreshes every list that is due; answers how many were refreshed.
    pub async fn refresh_due(&self) -> u64 {
        let schedules: Vec<ReferenceSchedule> = self.sources.all.iter().map(schedule).collect();
        if let Err(error) = self.store.schedule_references(&schedules).await {
            tracing::warn!(%error, "the sources of reference data could not be scheduled");
            return 0;
        }
        // The futures are boxed because those of closures cannot be shown to be `Send`.
        let mut refreshes: Vec<BoxFuture<'_, bool>> = Vec::new();
        for source in &self.sources.all {
            if !source.is_on_demand() {
                refreshes.push(self.refresh_if_due(source).boxed());
            }
        }
        let mut refreshing = stream::iter(refreshes).buffer_unordered(REFRESHES_AT_A_TIME);
        let mut refreshed = 0;
        while let Some(was_refreshed) = refreshing.next().await {
            refreshed += u64::from(was_refreshed);
        }
        refreshed
    }

    async fn refresh_if_due(&self, source: &Source) -> bool {
        let period = self.sources.rules.refresh_max + CLAIM_MARGIN;
        let claim = self.store.claim_refresh(&source.name, source.of, period);
        let refreshed = match claim.await {
            Ok(Some(claim)) => self.refresh(source, claim).await,
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        refreshed.unwrap_or_else(|error| {
            tracing::warn!(%error, source = %source.name, "reference data could not be written");
            false
        })
    }

    async fn refresh(&self, source: &Source, claim: RefreshClaim) -> Result<bool, StoreError> {
        let (name, of, token) = (&source.name, source.of, claim.token);
        match self.load(source, claim.entries).await {
            Ok(entries) => {
                let recorded = self
                    .store
                    .record_refresh(name, of, token, &entries, source.every)
                    .await?;
                if recorded {
                    let entries = entries.len();
                    tracing::info!(source = %name, kind = %of, entries, "reference data refreshed");
                }
                Ok(recorded)
            }
            Err(error) => {
                let ReferenceRules {
                    retry_pause: first,
                    retry_pause_max: longest,
                    ..
                } = self.sources.rules;
                let pause = retry_pause(claim.failures, first, longest);
                tracing::warn!(%error, source = %name, "reference data could not be refreshed");
                self.store
                    .record_refresh_failure(name, of, token, &error.to_string(), pause)
                    .await?;
                Ok(false)
            }
        }
    }

    async fn load(
        &self,
        source: &Source,
        before: u64,
    ) -> Result<Vec<(ReferenceCode, ReferenceName)>, SourceError> {
        let loading =
            tokio::time::timeout(self.sources.rules.refresh_max, self.caller.list(source));
        let mut loaded = loading.await.unwrap_or(Err(SourceError::TooSlow))?;
        loaded.entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        // Of a code that comes twice the first counts.
        loaded.entries.dedup_by(|(a, _), (b, _)| a == b);
        let now = loaded.entries.len() as u64;
        if now * 2 < before {
            return Err(SourceError::Shrunken { before, now });
        }
        if loaded.skipped > 0 {
            let skipped = loaded.skipped;
            tracing::warn!(source = %source.name, skipped, "items without a usable code and name");
        }
        Ok(loaded.entries)
    }

    /// Forgets what sources on demand said long ago: most of it nobody asks for again.
    async fn forget(&self) {
        let age = self.sources.rules.forgotten_after;
        for source in &self.sources.all {
            if !source.is_on_demand() {
                continue;
            }
            let forgotten = self.store.forget_references(&source.name, source.of, age);
            if let Err(error) = forgotten.await {
                tracing::warn!(%error, source = %source.name, "old names could not be forgotten");
            }
        }
    }
}

fn schedule(source: &Source) -> ReferenceSchedule {
    ReferenceSchedule {
        source: source.name.clone(),
        kind: source.of,
        every: (!source.is_on_demand()).then_some(source.every),
    }
}

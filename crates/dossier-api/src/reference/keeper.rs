//! Refreshing lists on their schedules.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceName, ReferenceSource};
use dossier_store::{ReferenceSchedule, RefreshClaim, RefreshToken, Store, StoreError};
use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt, StreamExt};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fetch::{Caller, SourceError, retry_pause};
use super::source::Source;
use super::{ReferenceRules, Sources};

/// Lists that are refreshed at the same time.
const REFRESHES_AT_A_TIME: usize = 8;
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
    ///
    /// Each list is loaded by itself: one that hangs keeps no other waiting. What is being loaded at
    /// `shutdown` is given back, so that the next process loads it at once.
    pub async fn run(self, shutdown: CancellationToken) {
        if self.sources.all.is_empty() {
            return;
        }
        let keeper = Arc::new(self);
        let mut refreshes = Refreshes {
            running: JoinSet::new(),
            names: HashMap::new(),
            places: Arc::new(Semaphore::new(REFRESHES_AT_A_TIME)),
        };
        let keeping = keeper.keep(&mut refreshes, &shutdown);
        shutdown.run_until_cancelled(keeping).await;
        while refreshes.running.join_next().await.is_some() {}
    }

    async fn keep(self: &Arc<Self>, refreshes: &mut Refreshes, shutdown: &CancellationToken) {
        let rules = self.sources.rules;
        tokio::time::sleep(rules.start_pause_max.mul_f64(rand::random())).await;
        let mut forget_at = Instant::now();
        loop {
            if self.schedule().await {
                for source in self.lists() {
                    refreshes.begin(self, source, shutdown);
                }
            }
            if Instant::now() >= forget_at {
                self.forget().await;
                forget_at = Instant::now() + FORGET_EVERY;
            }
            // Being told and the time being over are the same.
            let _ = tokio::time::timeout(rules.look_every, self.sources.due.notified()).await;
        }
    }

    /// Refreshes every list that is due, and waits for all of them; answers how many were refreshed.
    pub async fn refresh_due(&self) -> u64 {
        if !self.schedule().await {
            return 0;
        }
        let never = CancellationToken::new();
        // The futures are boxed because those of closures cannot be shown to be `Send`.
        let mut refreshes: Vec<BoxFuture<'_, bool>> = Vec::new();
        for source in self.lists() {
            refreshes.push(self.refresh_if_due(source, &never).boxed());
        }
        let mut refreshing = stream::iter(refreshes).buffer_unordered(REFRESHES_AT_A_TIME);
        let mut refreshed = 0;
        while let Some(was_refreshed) = refreshing.next().await {
            refreshed += u64::from(was_refreshed);
        }
        refreshed
    }

    fn lists(&self) -> impl Iterator<Item = &Source> {
        let all = self.sources.all.iter();
        all.filter(|source| !source.is_on_demand())
    }

    /// Notes all sources; answers whether that could be done.
    async fn schedule(&self) -> bool {
        let schedules: Vec<ReferenceSchedule> = self.sources.all.iter().map(schedule).collect();
        let scheduled = self.store.schedule_references(&schedules).await;
        if let Err(error) = &scheduled {
            tracing::warn!(%error, "the sources of reference data could not be scheduled");
        }
        scheduled.is_ok()
    }

    async fn refresh_if_due(&self, source: &Source, shutdown: &CancellationToken) -> bool {
        let period = self.sources.rules.claim_period;
        let claim = self.store.claim_refresh(&source.name, source.of, period);
        let refreshed = match claim.await {
            Ok(Some(claim)) => self.refresh_until(source, claim, shutdown).await,
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        refreshed.unwrap_or_else(|error| {
            tracing::warn!(%error, source = %source.name, "reference data could not be written");
            false
        })
    }

    /// Refreshes a list while the right to do so is renewed; gives it back at `shutdown`.
    async fn refresh_until(
        &self,
        source: &Source,
        claim: RefreshClaim,
        shutdown: &CancellationToken,
    ) -> Result<bool, StoreError> {
        tokio::select! {
            refreshed = self.refresh(source, claim) => refreshed,
            // Somebody has taken it over, or removed what the source gave.
            () = self.renew(source, claim.token) => Ok(false),
            () = shutdown.cancelled() => {
                let released = self.store.release_refresh(&source.name, source.of, claim.token);
                released.await.map(|_| false)
            }
        }
    }

    /// Renews the right to refresh a list until it is lost.
    async fn renew(&self, source: &Source, token: RefreshToken) {
        let period = self.sources.rules.claim_period;
        loop {
            tokio::time::sleep(period / 3).await;
            let renewed = self
                .store
                .renew_refresh(&source.name, source.of, token, period);
            // What could not be renewed now may be by the next time.
            if let Ok(false) = renewed.await {
                return;
            }
        }
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

/// The lists that a running keeper loads, each in a task of its own.
struct Refreshes {
    running: JoinSet<()>,
    names: HashMap<ReferenceSource, AbortHandle>,
    places: Arc<Semaphore>,
}

impl Refreshes {
    /// Loads a list if it is due, unless it is being loaded already. Of more lists than there are
    /// places for, the others are claimed when there is one.
    fn begin(
        &mut self,
        keeper: &Arc<ReferenceKeeper>,
        source: &Source,
        shutdown: &CancellationToken,
    ) {
        while self.running.try_join_next().is_some() {}
        let before = self.names.get(&source.name);
        if before.is_some_and(|refresh| !refresh.is_finished()) {
            return;
        }
        let (keeper, shutdown) = (Arc::clone(keeper), shutdown.clone());
        let (name, places) = (source.name.clone(), Arc::clone(&self.places));
        let refresh = self.running.spawn(async move {
            let place = shutdown.run_until_cancelled(places.acquire()).await;
            if let (Some(Ok(_place)), Some(source)) = (place, keeper.sources.find(&name)) {
                keeper.refresh_if_due(source, &shutdown).await;
            }
        });
        self.names.insert(source.name.clone(), refresh);
    }
}

fn schedule(source: &Source) -> ReferenceSchedule {
    ReferenceSchedule {
        source: source.name.clone(),
        kind: source.of,
        every: (!source.is_on_demand()).then_some(source.every),
    }
}

//! Reference data: the names of prisons, users and locations behind codes.
//!
//! Names come from three places. Somebody imports them; a *list* is loaded as a whole on a schedule,
//! by the [`ReferenceKeeper`]; a source *on demand* is asked for single codes when a worker looks
//! them up and nobody else knows them. All are kept in the store, which is where look-ups find them:
//! a source that is down costs no report, and none waits for it for long.
//!
//! - `config`: the `[reference]` table
//! - `source`: a source that can be used, and how its answers are read
//! - `fetch`: one call to one; what can go wrong with it
//! - `keeper`: refreshing lists
//! - `lookup`: the names of codes, from the store and on demand
//! - `import`: what somebody sends, as JSON or CSV
//! - `handlers`: the routes

mod config;
pub(crate) mod fetch;
pub(crate) mod handlers;
mod import;
mod keeper;
mod lookup;
mod source;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dossier_core::reference::{ReferenceKind, ReferenceSource};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use config::{ReferenceConfig, SourceKind, SourceTable};
pub use keeper::ReferenceKeeper;
pub use source::Source;

/// When what is done about reference data, and the limits on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceRules {
    /// Longest time in which a look-up asks sources on demand; then it answers what is known: 5 s
    /// unless set.
    pub lookup_max: Duration,
    /// Codes that one look-up asks one source for at the same time, from 1: 8 unless set.
    pub asked_at_a_time_max: usize,
    /// For how long a source that does not know a code is not asked for it again: 1 h unless set.
    pub unknown_kept: Duration,
    /// For how long a source on demand that failed is left alone: 1 minute unless set.
    pub rest: Duration,
    /// What a source on demand said is forgotten after this: 30 days unless set.
    pub forgotten_after: Duration,
    /// Between two looks for lists that are due: 15 s unless set.
    pub look_every: Duration,
    /// Longest random pause before the first look: 5 s unless set.
    pub start_pause_max: Duration,
    /// Longest time for refreshing one list, all its pages: 10 minutes unless set.
    pub refresh_max: Duration,
    /// For how long a process has the right to load a list unless it renews it, which it does three
    /// times as often: 1 minute unless set.
    pub claim_period: Duration,
    /// Pause after a first failed refresh; it doubles with every further one: 1 minute unless set.
    pub retry_pause: Duration,
    /// Longest such pause: 1 h unless set.
    pub retry_pause_max: Duration,
    /// Largest body of an import, in bytes: 64 MiB unless set.
    pub import_bytes_max: usize,
    /// Longest time for an import's body to arrive: 5 minutes unless set.
    pub import_read_max: Duration,
}

impl Default for ReferenceRules {
    fn default() -> Self {
        Self {
            lookup_max: Duration::from_secs(5),
            asked_at_a_time_max: 8,
            unknown_kept: Duration::from_secs(3600),
            rest: Duration::from_secs(60),
            forgotten_after: Duration::from_secs(30 * 86_400),
            look_every: Duration::from_secs(15),
            start_pause_max: Duration::from_secs(5),
            refresh_max: Duration::from_secs(600),
            claim_period: Duration::from_secs(60),
            retry_pause: Duration::from_secs(60),
            retry_pause_max: Duration::from_secs(3600),
            import_bytes_max: dossier_core::wire::REFERENCE_IMPORT_BYTES_MAX,
            import_read_max: Duration::from_secs(300),
        }
    }
}

/// The sources of an API, and which of them are left alone.
pub(crate) struct Sources {
    pub(crate) all: Vec<Source>,
    pub(crate) rules: ReferenceRules,
    /// Told when a source was made due.
    pub(crate) due: Notify,
    /// Sources on demand that failed, and until when they are left alone.
    resting: Mutex<HashMap<ReferenceSource, Instant>>,
}

impl Sources {
    pub(crate) fn new(all: Vec<Source>, rules: ReferenceRules) -> Self {
        Self {
            all,
            rules,
            due: Notify::new(),
            resting: Mutex::default(),
        }
    }

    /// The names of all sources of a kind.
    fn names_of(&self, kind: ReferenceKind) -> Vec<ReferenceSource> {
        let of_kind = self.all.iter().filter(|source| source.of == kind);
        of_kind.map(|source| source.name.clone()).collect()
    }

    fn find(&self, name: &ReferenceSource) -> Option<&Source> {
        self.all.iter().find(|source| source.name == *name)
    }

    fn is_resting(&self, name: &ReferenceSource) -> bool {
        self.resting()
            .get(name)
            .is_some_and(|until| Instant::now() < *until)
    }

    /// Leaves a source alone for a while; answers whether it was not left alone already.
    fn rest(&self, name: &ReferenceSource) -> bool {
        let now = Instant::now();
        let until = now + self.rules.rest;
        let before = self.resting().insert(name.clone(), until);
        before.is_none_or(|until| until <= now)
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<ReferenceSource, Instant>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Waiting for something to do.
//!
//! Whoever makes a request due says so in its transaction (`NOTIFY`), and every process listens on
//! a connection of its own. Beside that, each process looks now and then, as long as somebody
//! waits: for leases that expire, for requests whose pause ends, and for what it was not told while
//! its connection was broken. One look serves all who wait, however many there are.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dossier_core::lease::LeaseRules;
use sqlx::Row;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::open::Connect;
use super::pool::{Pool, failure_to_connect};
use super::session::{In, Session};
use super::sql::{limits, now, to_claim};
use super::{Failed, PostgresStore};
use crate::Unavailable;

/// What is notified on.
const CHANNEL: &str = "dossier_work";
/// Said of one request.
pub(super) const ONE: &str = "one";
/// Said when nobody counted.
pub(super) const MANY: &str = "many";

/// Whoever begins to wait has the database looked at, but not more often than this.
const LOOKS_APART_MIN: Duration = Duration::from_millis(200);
/// Most waiters that one look wakes.
const WAKES_MAX: i64 = 100;
/// A listener that heard nothing for so long checks whether its connection lives.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Longest time for it to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Pauses between attempts to listen: the first, and the longest.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Wakes those of this process who wait for work: one waiter a request, so that a thousand idle
/// workers do not all run for one. Work that comes while nobody waits wakes the next who does.
#[derive(Debug)]
pub(super) struct Work {
    /// Tells this process's own notifications from others': it knows already.
    process: String,
    came: Notify,
    waiting: AtomicUsize,
    began_to_wait: Notify,
    /// By which rules this process's claims are decided.
    rules: Mutex<Option<LeaseRules>>,
    listening: AtomicBool,
}

impl Work {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            process: Uuid::new_v4().simple().to_string(),
            came: Notify::new(),
            waiting: AtomicUsize::new(0),
            began_to_wait: Notify::new(),
            rules: Mutex::new(None),
            listening: AtomicBool::new(false),
        })
    }

    /// One request may be claimable.
    pub(super) fn came(&self) {
        self.came.notify_one();
    }

    /// Many requests may be claimable.
    pub(super) fn came_for_many(&self) {
        self.came.notify_waiters();
        self.came.notify_one();
    }

    pub(super) fn decides_by(&self, rules: &LeaseRules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Some(*rules);
    }

    /// Most attempts and greatest age, as the claims have them.
    fn limits(&self) -> (i64, i64) {
        let rules = *self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.map_or((i64::MAX, i64::MAX / 4), |rules| limits(&rules))
    }

    fn heard(&self, payload: &str) {
        match payload.split_once(' ') {
            Some((process, _)) if process == self.process => {}
            Some((_, MANY)) => self.came_for_many(),
            _ => self.came(),
        }
    }
}

/// Counts a waiter for as long as it lives.
struct Waiting<'a>(&'a Work);

impl<'a> Waiting<'a> {
    fn begin(work: &'a Work) -> Self {
        work.waiting.fetch_add(1, Ordering::Relaxed);
        work.began_to_wait.notify_one();
        Self(work)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl PostgresStore {
    pub(super) async fn wait(&self, at_most: Duration) {
        let _waiting = Waiting::begin(&self.work);
        // Every end means the same to the caller: look again.
        let _ = timeout(at_most, self.work.came.notified()).await;
    }

    /// Tells every process, when the transaction commits. Nothing personal is said.
    pub(super) async fn announce(&self, session: &mut Session, what: &str) -> Result<(), Failed> {
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(format!("{} {what}", self.work.process))
            .run(session)
            .await?;
        Ok(())
    }

    /// Whether this process is told of new requests at once; else it looks for them.
    pub fn is_listening(&self) -> bool {
        self.work.listening.load(Ordering::Relaxed)
    }
}

/// What a look found.
struct Found {
    /// Requests that may be claimed now, up to [`WAKES_MAX`].
    claimable: usize,
    /// How long until another one may be.
    next: Option<Duration>,
}

/// Looks at the database for all who wait.
pub(super) async fn look_for_all(
    work: Arc<Work>,
    pool: Pool,
    keeps_statements: bool,
    every: Duration,
) {
    let mut looked_at: Option<Instant> = None;
    let mut next = every;
    loop {
        let began = timeout(next, work.began_to_wait.notified()).await.is_ok();
        if work.waiting.load(Ordering::Relaxed) == 0 {
            next = every;
            continue;
        }
        if began && let Some(looked_at) = looked_at {
            // A look that is just over may have missed what this waiter waits for.
            sleep(LOOKS_APART_MIN.saturating_sub(looked_at.elapsed())).await;
        }
        looked_at = Some(Instant::now());
        // If the database cannot be asked, callers learn so from their claims.
        let found = timeout(ANSWER_MAX, look(&work, &pool, keeps_statements)).await;
        let Ok(Ok(found)) = found else {
            next = every;
            continue;
        };
        for _ in 0..found.claimable.min(work.waiting.load(Ordering::Relaxed)) {
            work.came();
        }
        next = found.next.map_or(every, |next| next.min(every));
    }
}

async fn look(work: &Work, pool: &Pool, keeps_statements: bool) -> Result<Found, Unavailable> {
    const CLAIMABLE: &str = concat!(
        "SELECT count(*) FROM (SELECT 1 FROM requests WHERE ",
        to_claim!(),
        " LIMIT $3) AS found"
    );
    // What is due already does not count: it may be in nobody's power to claim it.
    const NEXT: &str = concat!(
        "SELECT min(greatest(due_at, coalesce(lease_expires_at, 0))) - ",
        now!(),
        " FROM requests WHERE status = 'Pending' \
         AND greatest(due_at, coalesce(lease_expires_at, 0)) > ",
        now!()
    );
    let (attempts_max, age_max) = work.limits();
    let mut tx = Session::read(pool, keeps_statements).await?;
    let claimable: i64 = sqlx::query(CLAIMABLE)
        .bind(attempts_max)
        .bind(age_max)
        .bind(WAKES_MAX)
        .one(&mut tx)
        .await?
        .try_get(0)?;
    let next: Option<i64> = match claimable {
        0 => sqlx::query(NEXT).one(&mut tx).await?.try_get(0)?,
        _ => None,
    };
    tx.commit().await?;
    Ok(Found {
        claimable: usize::try_from(claimable).unwrap_or(0),
        next: next.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0))),
    })
}

/// Listens for all who wait, for ever: on a connection of its own, made again whenever it breaks.
pub(super) async fn listen_for_all(work: Arc<Work>, connect: Connect) {
    let mut pause = RECONNECT.0;
    let mut said = false;
    loop {
        let failed = match listener(&connect).await {
            Ok(mut listener) => {
                tracing::debug!("listening for new requests");
                work.listening.store(true, Ordering::Relaxed);
                // What came before is not told; a look finds it.
                work.began_to_wait.notify_one();
                (pause, said) = (RECONNECT.0, false);
                let failed = hear(&work, &mut listener).await;
                work.listening.store(false, Ordering::Relaxed);
                failed
            }
            Err(failed) => failed,
        };
        if !said {
            tracing::warn!(
                cause = %failed,
                "cannot listen for new requests; looking for them until that works again"
            );
            said = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(RECONNECT.1);
    }
}

async fn listener(connect: &Connect) -> Result<PgListener, Unavailable> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ANSWER_MAX)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(connect.options.clone());
    let mut listener = match PgListener::connect_with(&pool).await {
        // The pool tried for so long; it does not say what failed.
        Err(error @ sqlx::Error::PoolTimedOut) => {
            let failure = failure_to_connect(connect, ANSWER_MAX).await;
            return Err(failure.map_or_else(|| error.into(), Unavailable));
        }
        connected => connected?,
    };
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Hears until the connection breaks; answers why it did.
async fn hear(work: &Work, listener: &mut PgListener) -> Unavailable {
    loop {
        match timeout(SILENCE_MAX, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => work.heard(notification.payload()),
            Ok(Ok(None)) => return Unavailable("the connection was closed".to_owned()),
            Ok(Err(error)) => return Unavailable::from(error),
            Err(_) => {
                let answer = timeout(ANSWER_MAX, answers(listener)).await;
                match answer {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return Unavailable::from(error),
                    Err(_) => return Unavailable("it did not answer in time".to_owned()),
                }
            }
        }
    }
}

async fn answers(listener: &mut PgListener) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("SELECT 1").execute(listener).await?;
    Ok(())
}

//! The connections of a process, and why there is none for a call.
//!
//! sqlx's pool tries again for as long as it may when nobody listens or the server has no more
//! connections, and says then only that the time is over. So what waits for long is told by another
//! attempt to connect how the server answers; one serves all who wait. A call has its turn before it
//! asks sqlx for a connection: who has none waits for other calls, whoever has one and waits is
//! waiting for the server.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, Connection, PgPool, Postgres};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::failure::describe;
use super::open::{Connect, Options};
use crate::{Connections, Unavailable};

/// A connection that nobody used for so long may have been broken in the meantime.
const RESTED: Duration = Duration::from_secs(1);
/// For how long a server that refuses connections is thought to be restarting.
const RESTART: Duration = Duration::from_secs(2);
/// Pause between attempts to learn why there is no connection.
const ATTEMPTS_APART: Duration = Duration::from_millis(500);
/// For how long what the last attempt said is true.
const ATTEMPT_KEPT: Duration = Duration::from_secs(1);

/// The connections of a process.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: PgPool,
    turns: Arc<Semaphore>,
    connect: Connect,
    /// The last attempt to learn why there is no connection.
    attempt: Arc<Mutex<Option<Attempt>>>,
    /// How long a call waits for a connection.
    wait_max: Duration,
}

/// A connection, for as long as a call needs it.
pub(super) struct Connected {
    pub(super) connection: PoolConnection<Postgres>,
    pub(super) turn: Turn,
}

/// A call's right to one of the connections.
pub(super) struct Turn(
    #[expect(dead_code, reason = "it is given back when dropped")] OwnedSemaphorePermit,
);

/// How the server answered an attempt to connect.
#[derive(Clone, Debug)]
struct Attempt {
    at: Instant,
    /// Why it failed; none if it did not.
    failure: Option<String>,
}

impl Attempt {
    fn is_of_late(&self) -> bool {
        self.at.elapsed() < ATTEMPT_KEPT
    }
}

impl Pool {
    /// Connects when a connection is needed.
    pub(super) fn new(options: &Options) -> Self {
        let connect = options.connect();
        let connections_max = options.connections_max.max(1);
        let connections = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(options.connect_max)
            // A connection is asked whether it lives if it has rested, not before every call.
            .test_before_acquire(false)
            .before_acquire(|connection, resting| {
                Box::pin(async move {
                    if resting.idle_for > RESTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .idle_timeout(Some(Duration::from_secs(600)))
            .max_lifetime(Some(Duration::from_secs(3600)))
            .connect_lazy_with(connect.options.clone());
        let turns = usize::try_from(connections_max).unwrap_or(usize::MAX);
        Self {
            connections,
            turns: Arc::new(Semaphore::new(turns.min(Semaphore::MAX_PERMITS))),
            connect,
            attempt: Arc::default(),
            wait_max: options.connect_max,
        }
    }

    /// A connection as soon as there is one.
    ///
    /// # Errors
    /// Why there is none: that other calls have them all, or what the server says.
    pub(super) async fn acquire(&self) -> Result<Connected, Unavailable> {
        let begin = Instant::now();
        let until = begin + self.wait_max;
        let patience = RESTART.min(self.wait_max / 4);
        let turn = tokio::select! {
            turn = Arc::clone(&self.turns).acquire_owned() => turn,
            failure = self.failure_of_others(begin + patience) => return Err(Unavailable(failure)),
            () = sleep_until(until) => {
                return Err(sqlx::Error::PoolTimedOut.into());
            }
        };
        let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
        // Most calls get one at once, and none needs an attempt before it could have connected.
        let attempt_at = (begin + patience).max(Instant::now() + ATTEMPTS_APART.min(patience));
        let acquired = tokio::select! {
            acquired = self.connections.acquire() => acquired,
            failure = self.failure(attempt_at) => return Err(Unavailable(failure)),
            () = sleep_until(until) => Err(sqlx::Error::PoolTimedOut),
        };
        match acquired {
            Ok(connection) => Ok(Connected {
                connection,
                turn: Turn(turn),
            }),
            // It is this call's turn: the server was waited for, and no other call. But statements of
            // calls that were given up may still have all connections.
            Err(sqlx::Error::PoolTimedOut) if !(self.is_full() && self.answers()) => {
                Err(Unavailable("it did not answer in time".to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether all connections are open and in use.
    fn is_full(&self) -> bool {
        let connections = self.connections();
        connections.busy >= connections.max
    }

    /// Whether the last attempt to connect did so.
    fn answers(&self) -> bool {
        let last = self.attempt.try_lock();
        let last = last.ok().and_then(|last| last.clone());
        last.is_some_and(|attempt| attempt.failure.is_none())
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> Connections {
        let open = self.connections.size();
        let idle = u32::try_from(self.connections.num_idle()).unwrap_or(0);
        let idle = idle.min(open);
        Connections {
            busy: open - idle,
            idle,
            max: self.connections.options().get_max_connections(),
        }
    }

    /// Waits for calls that are under way, and closes all connections.
    pub(super) async fn close(&self) {
        self.connections.close().await;
    }

    /// Ends once the server fails an attempt to connect, from a time on; says how it does.
    async fn failure(&self, from: Instant) -> String {
        sleep_until(from).await;
        loop {
            let mut last = self.attempt.lock().await;
            let attempt = match last.take() {
                Some(attempt) if attempt.is_of_late() => attempt,
                _ => self.try_to_connect().await,
            };
            *last = Some(attempt.clone());
            drop(last);
            if let Some(failure) = attempt.failure {
                return failure;
            }
            sleep(ATTEMPTS_APART).await;
        }
    }

    /// Ends once others know, from a time on, that the server fails attempts; says how it does.
    async fn failure_of_others(&self, from: Instant) -> String {
        sleep_until(from).await;
        loop {
            // Where an attempt is under way, what it says is not known yet.
            let last = self.attempt.try_lock();
            let last = last.ok().and_then(|last| last.clone());
            let failure = last.filter(Attempt::is_of_late);
            if let Some(failure) = failure.and_then(|attempt| attempt.failure) {
                return failure;
            }
            sleep(ATTEMPTS_APART).await;
        }
    }

    async fn try_to_connect(&self) -> Attempt {
        let failure = failure_to_connect(&self.connect, self.wait_max).await;
        Attempt {
            at: Instant::now(),
            failure,
        }
    }
}

/// Connects, to learn why that fails; none if it does not.
pub(super) async fn failure_to_connect(connect: &Connect, at_most: Duration) -> Option<String> {
    match timeout(at_most, connect.options.connect()).await {
        Ok(Ok(connection)) => {
            let _ = timeout(at_most, connection.close()).await;
            None
        }
        Ok(Err(error)) => Some(describe(&error)),
        Err(_) => Some("it did not answer in time".to_owned()),
    }
}

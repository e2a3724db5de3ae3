//! Requests by the thousand, straight into the tables: past the rules of the store, which this alone
//! is allowed to pass, and only in databases that a measurement made for itself.
//!
//! What it writes is what the store itself would have left behind: a request, its one section
//! (complete: collected by an earlier attempt; or suspended, as its service is) and, in SQLite, the
//! attempt that finished it.

use dossier_core::ServiceId;
use jiff::Timestamp;
use sqlx::{PgPool, SqlitePool};

use crate::exit::Failure;

/// Requests of one statement: a few seconds' work.
const PIECE: i64 = 100_000;

/// When requests were finished: the last one a day ago, and so close to one another that an API's
/// housekeeping finds none of ten million old enough for the archive.
const FINISHED_APART_MILLIS: i64 = 50;
const FINISHED_BEFORE_MILLIS: i64 = 24 * 3_600_000;
/// Requests that wait for a suspended service came in so long before those that are due.
const WAITING_BEFORE_MILLIS: i64 = 3_600_000;

const POSTGRES_REQUESTS: &str = include_str!("fill/postgres_requests.sql");
const SQLITE_REQUESTS: &str = include_str!("fill/sqlite_requests.sql");
const SECTIONS: &str = "INSERT INTO sections \
     (request_id, service_id, status, held, template_version, rendered_at, bytes, tries) \
     SELECT id, $3, 'COMPLETE', 'NO_DATA', 'generic', requested_at, 0, 1 FROM requests \
     WHERE requested_at BETWEEN $1 AND $2";
const WAITING_SECTIONS: &str = "INSERT INTO sections (request_id, service_id, status) \
     SELECT id, $3, 'SUSPENDED' FROM requests WHERE requested_at BETWEEN $1 AND $2";
const SQLITE_ATTEMPTS: &str = "INSERT INTO attempts \
     (lease_token, request_id, number, worker, services, claimed_at, ended_at, ending, cleaned) \
     SELECT completed_by, id, 1, 'bench', '[\"bench\"]', claimed_at, finished_at, 'COMPLETED', 1 \
     FROM requests WHERE requested_at BETWEEN ?1 AND ?2 AND status = 'Completed'";

/// The tables, past the store.
pub enum Tables {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Requests by their numbers.
#[derive(Clone, Copy)]
struct Piece {
    first: i64,
    last: i64,
    first_at: i64,
    apart: i64,
    state: State,
}

/// What they are like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Finished,
    Due,
    /// For a suspended service.
    Waiting,
}

impl Piece {
    fn last_at(&self) -> i64 {
        self.first_at + (self.last - self.first) * self.apart
    }

    fn sections(&self) -> &'static str {
        match self.state {
            State::Finished | State::Due => SECTIONS,
            State::Waiting => WAITING_SECTIONS,
        }
    }
}

impl Tables {
    /// Adds so many finished requests to empty tables and has the database take stock of them.
    pub async fn fill(&self, requests: u64, service: ServiceId) -> Result<(), Failure> {
        let requests = i64::try_from(requests).unwrap_or(i64::MAX);
        let end = Timestamp::now().as_millisecond() - FINISHED_BEFORE_MILLIS;
        let mut first = 1;
        while first <= requests {
            let last = requests.min(first + PIECE - 1);
            let piece = Piece {
                first,
                last,
                first_at: end - (requests - first) * FINISHED_APART_MILLIS,
                apart: FINISHED_APART_MILLIS,
                state: State::Finished,
            };
            self.insert(piece, service).await?;
            first = last + 1;
        }
        self.settle().await
    }

    /// Adds so many requests that are due now.
    pub async fn add_pending(&self, requests: u32, service: ServiceId) -> Result<(), Failure> {
        // Numbers that no finished one has.
        let first = 900_000_000;
        let piece = Piece {
            first,
            last: first + i64::from(requests) - 1,
            first_at: Timestamp::now().as_millisecond() - i64::from(requests),
            apart: 1,
            state: State::Due,
        };
        self.insert(piece, service).await
    }

    /// Adds so many requests that only wait for this service, which is suspended, and that came in
    /// before all that are due. The database takes stock of them, as it would in time.
    pub async fn add_waiting(&self, requests: u32, suspended: ServiceId) -> Result<(), Failure> {
        let first = 800_000_000;
        let piece = Piece {
            first,
            last: first + i64::from(requests) - 1,
            first_at: Timestamp::now().as_millisecond() - WAITING_BEFORE_MILLIS,
            apart: 1,
            state: State::Waiting,
        };
        self.insert(piece, suspended).await?;
        self.settle().await
    }

    /// Removes what measuring added, so that the tables are as large as before.
    pub async fn remove_added(&self) -> Result<(), Failure> {
        let since = Timestamp::now().as_millisecond() - FINISHED_BEFORE_MILLIS / 2;
        for statement in [
            "DELETE FROM attempts WHERE claimed_at >= $1",
            "DELETE FROM requests WHERE requested_at >= $1",
        ] {
            match self {
                Self::Sqlite(pool) => {
                    let deleted = sqlx::query(statement).bind(since).execute(pool).await;
                    deleted.map_err(failed)?;
                }
                Self::Postgres(pool) => {
                    let deleted = sqlx::query(statement).bind(since).execute(pool).await;
                    deleted.map_err(failed)?;
                }
            }
        }
        self.settle().await
    }

    async fn insert(&self, piece: Piece, service: ServiceId) -> Result<(), Failure> {
        let (first_at, last_at) = (piece.first_at, piece.last_at());
        match self {
            Self::Sqlite(pool) => {
                let mut tx = pool.begin().await.map_err(failed)?;
                let requests = sqlx::query(SQLITE_REQUESTS)
                    .bind(piece.first)
                    .bind(piece.last)
                    .bind(piece.first_at)
                    .bind(piece.apart)
                    .bind(piece.state == State::Finished);
                requests.execute(&mut *tx).await.map_err(failed)?;
                let sections = sqlx::query(piece.sections()).bind(first_at).bind(last_at);
                let sections = sections.bind(service.as_uuid());
                sections.execute(&mut *tx).await.map_err(failed)?;
                let attempts = sqlx::query(SQLITE_ATTEMPTS).bind(first_at).bind(last_at);
                attempts.execute(&mut *tx).await.map_err(failed)?;
                tx.commit().await.map_err(failed)
            }
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await.map_err(failed)?;
                let requests = sqlx::query(POSTGRES_REQUESTS)
                    .bind(piece.first)
                    .bind(piece.last)
                    .bind(piece.first_at)
                    .bind(piece.apart)
                    .bind(piece.state == State::Finished);
                requests.execute(&mut *tx).await.map_err(failed)?;
                let sections = sqlx::query(piece.sections()).bind(first_at).bind(last_at);
                let sections = sections.bind(service.as_uuid());
                sections.execute(&mut *tx).await.map_err(failed)?;
                tx.commit().await.map_err(failed)
            }
        }
    }

    /// What a database does by itself in time, done now, so that no measurement pays for another's
    /// writes.
    async fn settle(&self) -> Result<(), Failure> {
        match self {
            Self::Sqlite(pool) => {
                for statement in ["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"] {
                    let done = sqlx::query(statement).execute(pool).await;
                    done.map_err(failed)?;
                }
            }
            Self::Postgres(pool) => {
                for table in ["requests", "sections", "attempts", "documents"] {
                    let vacuum = sqlx::AssertSqlSafe(format!("VACUUM (ANALYZE) {table}"));
                    sqlx::raw_sql(vacuum).execute(pool).await.map_err(failed)?;
                }
                // Only an administrator may; without it the server does so when it likes.
                let _ = sqlx::raw_sql("CHECKPOINT").execute(pool).await;
            }
        }
        Ok(())
    }
}

/// The failure of a statement of the measurement's own.
pub fn failed(error: sqlx::Error) -> Failure {
    Failure::Unavailable(format!("the database: {error}"))
}

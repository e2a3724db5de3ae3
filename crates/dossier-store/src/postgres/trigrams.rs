//! The indexes by which any part of a text is found: made while others read and write.
//!
//! Made concurrently, an index holds nobody up. But that cannot be part of a transaction, it waits for
//! everybody who writes, and what breaks off leaves an index that is of no use. Two who do it at once
//! for one table may wait for each other, so a transaction of its own holds a lock for whoever does:
//! such a lock also holds behind a pooler. Nobody waits for it in a statement, because a statement
//! that waits is itself waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use tokio::time::sleep;

use super::failure::{code, describe};
use super::open::{Connect, connection};
use super::pool::Pool;
use super::{OpenError, Options};
use crate::{SearchKind, Unavailable};

/// The lock of whoever makes the indexes, beside that of a migration.
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock(3677438) AS held";
const READ_COMMITTED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const EXTENSION: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm";

/// How often to look whether another has made the indexes.
const LOOKS_APART: Duration = Duration::from_secs(5);
/// How often `dossier migrate` looks.
const MIGRATION_LOOKS_APART: Duration = Duration::from_secs(1);
/// How often to begin again after somebody was in the way.
const TRIES_MAX: u32 = 10;

struct Index {
    name: &'static str,
    table: &'static str,
}

const INDEXES: [Index; 2] = [
    Index {
        name: "requests_by_trigrams",
        table: "request_texts",
    },
    Index {
        name: "archived_requests_by_trigrams",
        table: "archived_requests",
    },
];

/// How an index is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Usable,
    /// It is being made, it broke off, or it is on another table.
    Unusable,
    Absent,
}

/// What became of making them.
enum Made {
    /// They are there.
    All,
    /// The extension is not installed on the server, or this user may not create it.
    Denied,
    /// Somebody else is making one.
    ByAnother,
}

/// How texts can be found, by the indexes that are there and complete.
pub(super) async fn search_kind(connection: &mut PgConnection) -> Result<SearchKind, sqlx::Error> {
    for index in &INDEXES {
        if state(connection, index.name, index.table).await? != State::Usable {
            return Ok(SearchKind::Beginning);
        }
    }
    Ok(SearchKind::Anywhere)
}

/// Makes them in the transaction that makes the tables, if the extension can be had.
pub(super) async fn make_with_tables(tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut attempt = tables.begin().await?;
    match attempt.execute(EXTENSION).await {
        Ok(_) => {}
        Err(error) if is_denied(&error) => return attempt.rollback().await,
        Err(error) => return Err(error),
    }
    for index in &INDEXES {
        run(&mut attempt, index.create("")).await?;
    }
    attempt.commit().await
}

/// Makes what is missing of them, or waits until another has.
pub(super) async fn make_or_wait(options: &Options) -> Result<(), OpenError> {
    let mut tries = 0;
    loop {
        match make(options).await {
            Ok(Made::All | Made::Denied) => return Ok(()),
            Ok(Made::ByAnother) => {}
            Err(failed) if failed.is_passing && tries < TRIES_MAX => tries += 1,
            Err(failed) => return Err(failed.error),
        }
        sleep(MIGRATION_LOOKS_APART).await;
    }
}

/// Makes what is missing of them, if `may_make`, or else looks until somebody has; then says so.
pub(super) async fn make_or_look(
    options: Options,
    pool: Pool,
    any_part: Arc<AtomicBool>,
    may_make: bool,
) {
    let mut tries = if may_make { TRIES_MAX } else { 0 };
    loop {
        if tries > 0 {
            match make(&options).await {
                Ok(Made::All | Made::ByAnother) => {}
                Ok(Made::Denied) => {
                    tracing::info!("pg_trgm cannot be had; a search finds beginnings only");
                    tries = 0;
                }
                Err(failed) if failed.is_passing => tries -= 1,
                Err(failed) => {
                    tracing::warn!(
                        cause = %failed.error,
                        "cannot index parts of texts, a search finds beginnings only; \
                         run `dossier migrate`"
                    );
                    tries = 0;
                }
            }
        }
        if let Ok(SearchKind::Anywhere) = look(&pool).await {
            any_part.store(true, Ordering::Relaxed);
            tracing::info!("a search finds any part of a case reference or identifier from now on");
            return;
        }
        sleep(LOOKS_APART).await;
    }
}

async fn look(pool: &Pool) -> Result<SearchKind, Unavailable> {
    let mut connected = pool.acquire().await?;
    Ok(search_kind(&mut connected.connection).await?)
}

struct Failed {
    error: OpenError,
    /// Whether somebody was in the way who may be gone soon.
    is_passing: bool,
}

async fn make(options: &Options) -> Result<Made, Failed> {
    // A limit on time would end what takes as long as there are requests. What is set on a connection
    // does not hold behind a pooler, so that is gone past if there is a way.
    let connect = options.unpooled().unwrap_or_else(|| options.connect());
    let is_limited = options.unpooled().is_none();
    let open = async |connect: &Connect| {
        let opened = connection(options, connect).await;
        opened.map_err(|error| Failed {
            error,
            is_passing: false,
        })
    };
    let (mut guard, mut maker) = (open(&connect).await?, open(&connect).await?);
    let made = make_guarded(&mut guard, &mut maker, is_limited).await;
    let _ = (guard.close().await, maker.close().await);
    made.map_err(|error| Failed {
        is_passing: is_passing(&error),
        error: OpenError::unavailable(options, describe(&error)),
    })
}

/// Makes them while `guard` holds the lock of whoever does.
async fn make_guarded(
    guard: &mut PgConnection,
    maker: &mut PgConnection,
    is_limited: bool,
) -> Result<Made, sqlx::Error> {
    // Idle in its transaction, it has no view of the data that anybody would wait for.
    let mut guard = guard.begin_with(READ_COMMITTED).await?;
    run(&mut guard, without_limits("true")).await?;
    let row = sqlx::raw_sql(TRY_LOCK).fetch_one(&mut *guard).await?;
    if !row.try_get::<bool, _>("held")? {
        guard.rollback().await?;
        return Ok(Made::ByAnother);
    }
    if !is_limited {
        run(maker, without_limits("false")).await?;
    }
    let made = make_all(maker).await;
    // All that it did was to hold the lock; if it is gone, so is that.
    let _ = guard.rollback().await;
    made
}

async fn make_all(maker: &mut PgConnection) -> Result<Made, sqlx::Error> {
    if search_kind(maker).await? == SearchKind::Anywhere {
        return Ok(Made::All);
    }
    match maker.execute(EXTENSION).await {
        Ok(_) => {}
        Err(error) if is_denied(&error) => return Ok(Made::Denied),
        Err(error) => return Err(error),
    }
    for index in &INDEXES {
        if !make_one(maker, index).await? {
            return Ok(Made::ByAnother);
        }
    }
    Ok(Made::All)
}

/// Makes one unless it is there. False if somebody else is just making it, who does not know of the
/// lock: a person.
async fn make_one(maker: &mut PgConnection, index: &Index) -> Result<bool, sqlx::Error> {
    let aside = format!("{}_broken", index.name);
    if state(maker, &aside, index.table).await? != State::Absent {
        run(maker, format!("DROP INDEX CONCURRENTLY IF EXISTS {aside}")).await?;
    }
    let mut tx = maker.begin_with(READ_COMMITTED).await?;
    run(&mut tx, "SET LOCAL lock_timeout = '3s'".to_owned()).await?;
    // Whoever makes, rebuilds or drops an index without holding up others has this lock meanwhile.
    let lock = format!("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE", index.table);
    match run(&mut tx, lock).await {
        Ok(()) => {}
        Err(error) if code(&error).as_deref() == Some("55P03") => {
            tx.rollback().await?;
            return Ok(false);
        }
        Err(error) => return Err(error),
    }
    let state = state(&mut tx, index.name, index.table).await?;
    if state == State::Unusable {
        // By a name that nobody makes one under, it can be dropped whenever that is.
        run(
            &mut tx,
            format!("ALTER INDEX {} RENAME TO {aside}", index.name),
        )
        .await?;
    }
    tx.commit().await?;
    if state == State::Usable {
        return Ok(true);
    }
    if state == State::Unusable {
        run(maker, format!("DROP INDEX CONCURRENTLY IF EXISTS {aside}")).await?;
    }
    tracing::info!(
        index = index.name,
        "making an index; others go on meanwhile"
    );
    run(maker, index.create("CONCURRENTLY IF NOT EXISTS")).await?;
    Ok(true)
}

impl Index {
    fn create(&self, how: &str) -> String {
        let Self { name, table } = self;
        format!("CREATE INDEX {how} {name} ON {table} USING gin (search_text gin_trgm_ops)")
    }
}

/// Statements of fixed texts, each a message of its own: some may not be prepared or in a transaction.
async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}

async fn state(
    connection: &mut PgConnection,
    index: &str,
    table: &str,
) -> Result<State, sqlx::Error> {
    let sql = format!(
        "SELECT pg_index.indisvalid AND tables.relname = '{table}' AS usable \
         FROM pg_class AS indexes \
         JOIN pg_namespace ON pg_namespace.oid = indexes.relnamespace \
         JOIN pg_index ON pg_index.indexrelid = indexes.oid \
         JOIN pg_class AS tables ON tables.oid = pg_index.indrelid \
         WHERE pg_namespace.nspname = current_schema() AND indexes.relname = '{index}'"
    );
    let found = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_optional(connection)
        .await?;
    Ok(match found {
        None => State::Absent,
        Some(row) if row.try_get("usable")? => State::Usable,
        Some(_) => State::Unusable,
    })
}

/// Lifts the limits on time that there are; not every version has all of them.
fn without_limits(only_in_transaction: &str) -> String {
    format!(
        "SELECT set_config(name, '0', {only_in_transaction}) FROM pg_settings \
         WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout', \
             'idle_in_transaction_session_timeout')"
    )
}

fn is_denied(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| matches!(&*code, "42501" | "58P01" | "0A000"))
}

/// A deadlock, a lock, or a name that somebody else took or gave up in the same moment.
fn is_passing(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| {
        matches!(
            &*code,
            "40P01" | "40001" | "55P03" | "42P07" | "42710" | "23505"
        )
    })
}

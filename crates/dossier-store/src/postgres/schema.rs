//! The schema: which one a database has, and its steps to the one that this version knows.
//!
//! Versions run side by side while a new one is rolled out, so a step first only adds what old
//! programs need not know (expand), and takes away what nobody uses any more in a later release
//! (contract). Each step says from which schema on programs can work with what it leaves.
//! `docs/decisions/0007-expand-then-contract.md` is the rule for those who write one.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use tokio::time::sleep;

use super::failure::{code, describe};
use super::trigrams;
use crate::{Migrated, SchemaAge, SchemaState, Unavailable};

/// A step of the schema.
struct Step {
    sql: &'static str,
    /// Programs that know this schema or a later one can work with the database after the step.
    compatible_from: u32,
}

/// The schema's steps; a database's version is how many it has taken. Steps are only ever added.
const STEPS: [Step; 10] = [
    Step {
        sql: include_str!("../../migrations/postgres/0001_truth.sql"),
        compatible_from: 1,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0002_documents.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0003_templates.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0004_reference.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0005_schemas.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0006_priorities.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0007_history.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0008_few_writes.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0009_waiting.sql"),
        compatible_from: 2,
    },
    Step {
        sql: include_str!("../../migrations/postgres/0010_due.sql"),
        compatible_from: 2,
    },
];

/// The newest schema that this version knows.
pub(super) const KNOWN: u32 = STEPS.len() as u32;

/// `DOSSIER` on a telephone: the advisory lock that a migration holds.
const LOCK: &str = "SELECT pg_advisory_xact_lock(3677437)";

/// How long to try to have all tables to oneself.
const TABLES_MAX: Duration = Duration::from_secs(10);
/// How long a try waits for its first table; long enough for the server to stop its own vacuuming.
const FIRST_TABLE_MAX: Duration = Duration::from_secs(3);
/// How long others have between two tries.
const TRIES_APART: Duration = Duration::from_millis(100);

/// Why a schema cannot be used or brought up to date.
pub(super) enum SchemaError {
    /// The database failed or refused.
    Failed(Unavailable),
    /// Another program's tables are there.
    Foreign,
    /// A newer program changed it so that this one cannot work with it.
    Newer { found: u32, known: u32 },
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(Unavailable(describe(&error)))
    }
}

/// Which schema the database has.
pub(super) async fn read(connection: &mut PgConnection) -> Result<SchemaState, sqlx::Error> {
    let (found, compatible_from) = if has_table(connection, "dossier_schema").await? {
        let row = sqlx::query("SELECT version, compatible_from FROM dossier_schema")
            .persistent(false)
            .fetch_one(connection)
            .await?;
        let number = |column| {
            let number: i32 = row.try_get(column)?;
            Ok::<_, sqlx::Error>(u32::try_from(number).unwrap_or(0))
        };
        (number("version")?, number("compatible_from")?)
    } else {
        (0, 0)
    };
    Ok(SchemaState {
        found,
        known: KNOWN,
        compatible_from,
    })
}

/// Takes the steps that are missing, all or none.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<Migrated, SchemaError> {
    // What another has just done is to be seen after waiting for it.
    const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    let mut tx = connection.begin_with(BEGIN).await?;
    let before = read(&mut tx).await?;
    match before.age() {
        SchemaAge::Newer => {
            return Err(SchemaError::Newer {
                found: before.found,
                known: before.known,
            });
        }
        SchemaAge::Current | SchemaAge::NewerCompatible => {
            return Ok(Migrated {
                from: before.found,
                to: before.found,
            });
        }
        SchemaAge::Older => {}
    }
    // Another process may be doing the same for longer than a statement may take: whoever comes
    // second finds it done.
    tx.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        .await?;
    tx.execute(LOCK).await?;
    let found = read(&mut tx).await?;
    let is_new = found.found == 0;
    if is_new && has_table(&mut tx, "%").await? {
        return Err(SchemaError::Foreign);
    }
    if !is_new && found.found < KNOWN {
        take_tables(&mut tx).await?;
    }
    tx.execute("SET LOCAL lock_timeout = '10s'").await?;
    let taken = usize::try_from(found.found).unwrap_or(usize::MAX);
    for step in STEPS.iter().skip(taken) {
        sqlx::raw_sql(step.sql).execute(&mut *tx).await?;
    }
    if found.found < KNOWN {
        const STAMP: &str = "INSERT INTO dossier_schema (version, compatible_from) VALUES ($1, $2) \
             ON CONFLICT (single) DO UPDATE SET version = $1, compatible_from = $2";
        let compatible_from = STEPS.iter().map(|step| step.compatible_from).max();
        sqlx::query(STAMP)
            .bind(number(KNOWN))
            .bind(number(compatible_from.unwrap_or(KNOWN)))
            .persistent(false)
            .execute(&mut *tx)
            .await?;
    }
    if is_new {
        trigrams::make_with_tables(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(Migrated {
        from: found.found,
        to: found.found.max(KNOWN),
    })
}

/// Locks the tables that steps change, before a step touches any, so that no step waits for one while
/// it has another.
///
/// Programs do not all come by the tables in one order, so whoever waits for one of them and has
/// others may be waited for. A try ends before the server would look for such a circle
/// (`deadlock_timeout`) and lets everybody else go on; the next one begins with the table that was
/// not free. It has no other while it waits for that.
async fn take_tables(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    const TABLES: &str = "SELECT tablename AS name FROM pg_tables \
         JOIN unnest(ARRAY['services', 'requests', 'sections', 'attempts', 'documents', \
             'request_texts', 'archived_requests', 'archived_sections']) \
             WITH ORDINALITY AS touched (name, place) ON touched.name = tablename \
         WHERE schemaname = current_schema() ORDER BY place";
    const PATIENCE: &str = "SELECT setting::bigint * 6 / 10 AS millis FROM pg_settings \
         WHERE name = 'deadlock_timeout'";
    let rows = sqlx::raw_sql(TABLES).fetch_all(&mut *tx).await?;
    let names = rows.iter().map(|row| row.try_get("name"));
    let mut tables: Vec<String> = names.collect::<Result<_, _>>()?;
    let row = sqlx::raw_sql(PATIENCE).fetch_one(&mut *tx).await?;
    let millis: i64 = row.try_get("millis")?;
    let patience = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    let begin = Instant::now();
    loop {
        let mut attempt = tx.begin().await?;
        let (at, error) = match take_in_order(&mut attempt, &tables, patience).await {
            Ok(()) => return attempt.commit().await,
            Err(failed) => failed,
        };
        let is_taken = matches!(code(&error).as_deref(), Some("55P03" | "40P01"));
        if !is_taken || begin.elapsed() > TABLES_MAX {
            return Err(error);
        }
        attempt.rollback().await?;
        tables[..=at].rotate_right(1);
        sleep(TRIES_APART).await;
    }
}

/// Locks the tables one by one, or answers at which one that failed.
async fn take_in_order(
    tx: &mut PgConnection,
    tables: &[String],
    patience: Duration,
) -> Result<(), (usize, sqlx::Error)> {
    let mut since = None;
    for (at, table) in tables.iter().enumerate() {
        let wait = match since {
            None => FIRST_TABLE_MAX,
            Some(since) => patience.saturating_sub(Instant::elapsed(&since)),
        };
        let sql = format!(
            "SET LOCAL lock_timeout = {}; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            wait.as_millis().max(1)
        );
        let locked = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await;
        locked.map_err(|error| (at, error))?;
        since.get_or_insert_with(Instant::now);
    }
    Ok(())
}

fn number(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

/// Whether there is a table of that name, or with `%` any. The catalogue's rows are asked, for what
/// a connection has looked up by name it remembers.
async fn has_table(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    const ANY: &str = "SELECT EXISTS (SELECT 1 FROM pg_tables \
         WHERE schemaname = current_schema() AND tablename LIKE $1) AS is_there";
    sqlx::query(ANY)
        .bind(name)
        .persistent(false)
        .fetch_one(connection)
        .await?
        .try_get("is_there")
}

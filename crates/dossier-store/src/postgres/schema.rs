//! The schema: which one a database has, and its steps to the one that this version knows.
//!
//! Versions run side by side while a new one is rolled out, so a step first only adds what old
//! programs need not know (expand), and takes away what nobody uses any more in a later release
//! (contract). Each step says from which schema on programs can work with what it leaves.
//! `docs/decisions/0007-expand-then-contract.md` is the rule for those who write one.

use sqlx::{Connection, Executor, PgConnection, Row};

use super::failure::{code, describe};
use crate::{Migrated, SchemaAge, SchemaState, SearchKind, Unavailable};

/// A step of the schema.
struct Step {
    sql: &'static str,
    /// Programs that know this schema or a later one can work with the database after the step.
    compatible_from: u32,
}

/// The schema's steps; a database's version is how many it has taken. Steps are only ever added.
const STEPS: [Step; 9] = [
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
];

/// The newest schema that this version knows.
const KNOWN: u32 = STEPS.len() as u32;

/// `DOSSIER` on a telephone: the advisory lock that a migration holds.
const LOCK: &str = "SELECT pg_advisory_xact_lock(3677437)";

/// Any part of a text is found by its trigrams.
const BY_TRIGRAMS: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm; \
     CREATE INDEX requests_by_trigrams ON request_texts USING gin (search_text gin_trgm_ops); \
     CREATE INDEX IF NOT EXISTS archived_requests_by_trigrams ON archived_requests \
         USING gin (search_text gin_trgm_ops); \
     DROP INDEX IF EXISTS requests_by_reference, requests_by_subject, \
         archived_requests_by_reference, archived_requests_by_subject";

/// Where the extension cannot be had: beginnings are found by their order.
const BY_BEGINNING: &str = "CREATE INDEX IF NOT EXISTS requests_by_reference \
         ON request_texts (search_text); \
     CREATE INDEX IF NOT EXISTS requests_by_subject ON request_texts (subject_id); \
     CREATE INDEX IF NOT EXISTS archived_requests_by_reference \
         ON archived_requests (search_text); \
     CREATE INDEX IF NOT EXISTS archived_requests_by_subject \
         ON archived_requests ((lower(subject_id) COLLATE \"C\"))";

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
    let mut tx = connection.begin().await?;
    let before = read(&mut tx).await?;
    match before.age() {
        SchemaAge::Newer => {
            return Err(SchemaError::Newer {
                found: before.found,
                known: before.known,
            });
        }
        SchemaAge::Current | SchemaAge::NewerCompatible
            if search_kind(&mut tx).await? == SearchKind::Anywhere =>
        {
            return Ok(Migrated {
                from: before.found,
                to: before.found,
            });
        }
        _ => {}
    }
    // Another process may be doing the same for longer than a statement may take: whoever comes
    // second finds it done. Tables, however, are not waited for, lest everybody else waits too.
    tx.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        .await?;
    tx.execute(LOCK).await?;
    tx.execute("SET LOCAL lock_timeout = '10s'").await?;
    let found = read(&mut tx).await?;
    if found.found == 0 && has_table(&mut tx, "%").await? {
        return Err(SchemaError::Foreign);
    }
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
    index_search(&mut tx).await?;
    tx.commit().await?;
    Ok(Migrated {
        from: found.found,
        to: found.found.max(KNOWN),
    })
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

/// How texts can be found, by the indexes that are there.
pub(super) async fn search_kind(connection: &mut PgConnection) -> Result<SearchKind, sqlx::Error> {
    const BY_TRIGRAMS: &str = "SELECT EXISTS (SELECT 1 FROM pg_indexes \
         WHERE schemaname = current_schema() AND indexname = 'requests_by_trigrams') AS is_there";
    let by_trigrams = sqlx::query(BY_TRIGRAMS).persistent(false);
    let row = by_trigrams.fetch_one(connection).await?;
    Ok(if row.try_get("is_there")? {
        SearchKind::Anywhere
    } else {
        SearchKind::Beginning
    })
}

/// Makes the best index that the database allows.
async fn index_search(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if search_kind(connection).await? == SearchKind::Anywhere {
        return Ok(());
    }
    let mut attempt = connection.begin().await?;
    match sqlx::raw_sql(BY_TRIGRAMS).execute(&mut *attempt).await {
        Ok(_) => attempt.commit().await,
        Err(error) if is_extension_denied(&error) => {
            attempt.rollback().await?;
            sqlx::raw_sql(BY_BEGINNING).execute(connection).await?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Whether the extension is not installed on the server, or this user may not create it.
fn is_extension_denied(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| matches!(&*code, "42501" | "58P01" | "0A000"))
}

//! Sets of names that are written in small steps, and take the place of those before at once.
//!
//! SQLite has one writer at a time. Millions of names in one transaction would keep every claim,
//! renewal and new request waiting for a minute, so they are written in transactions of some ten
//! milliseconds, with as long a pause between two of them, as a load that no source has yet. Then one
//! short transaction makes it the source's. The rows of the one before, and of a load that nobody
//! finished, are deleted in such steps too.

use std::time::{Duration, Instant};

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::sql::{millis, now};
use super::{SqliteStore, StoreError};
use crate::Unavailable;

/// For how long a load is left alone after its last step.
const HELD: Duration = Duration::from_secs(60);
/// How long a step should hold the database.
const STEP: Duration = Duration::from_millis(40);
/// Longest pause between two steps.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Rows of a first step, and the least and most of a later one.
const ROWS_FIRST: usize = 1_000;
const ROWS_MIN: usize = 100;
const ROWS_MAX: usize = 20_000;

/// A set of names that is written but counts nowhere yet.
#[derive(Clone, Copy)]
pub(super) struct Staged {
    pub(super) load: i64,
    /// Names in it, each code counted once.
    pub(super) names: u64,
}

impl SqliteStore {
    /// Writes a load that counts nowhere yet. Of a code that comes twice the last name holds.
    pub(super) async fn stage(
        &self,
        entries: &[(ReferenceCode, ReferenceName)],
    ) -> Result<Staged, StoreError> {
        const BEGIN: &str = concat!(
            "INSERT INTO reference_loads (begun_at, names, held_until) VALUES (",
            now!(),
            ", ?1, ",
            now!(),
            " + ?2) RETURNING id"
        );
        let entries = in_order(entries);
        let names = entries.len() as u64;
        let mut tx = self.write().await?;
        let row = sqlx::query(BEGIN)
            .bind(i64::try_from(names).unwrap_or(i64::MAX))
            .bind(millis(HELD))
            .fetch_one(&mut *tx)
            .await?;
        let load = row.try_get("id")?;
        tx.commit().await?;
        let mut pace = Pace::default();
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(pace.rows.min(rest.len()));
            let batch: Vec<Value> = batch
                .iter()
                .map(|(code, name)| json!([code, name]))
                .collect();
            let batch = Value::from(batch).to_string();
            let mut tx = self.write().await?;
            let began = Instant::now();
            hold(&mut tx, load, HELD).await?;
            write(&mut tx, load, &batch).await?;
            tx.commit().await?;
            rest = later;
            pace.give_way(began.elapsed()).await;
        }
        Ok(Staged { load, names })
    }

    /// Deletes what no source has any more, without keeping the caller waiting. What is left when
    /// the process ends, housekeeping deletes.
    pub(super) fn sweep_soon(&self) {
        let writer = self.writer.clone();
        // A failure is housekeeping's to report, which does the same.
        tokio::spawn(async move { sweep(&writer).await });
    }

    pub(super) async fn sweep_loads(&self) -> Result<u64, StoreError> {
        sweep(&self.writer).await
    }
}

/// Makes a load the source's, unless one that was begun later is already.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    source: &ReferenceSource,
    kind: ReferenceKind,
    staged: Staged,
) -> Result<(), StoreError> {
    const TAKE: &str = "UPDATE reference_sources SET load = ?3 \
         WHERE source = ?1 AND kind = ?2 AND (load IS NULL OR load < ?3)";
    // Whoever held it until now must have all of its rows.
    hold(connection, staged.load, Duration::ZERO).await?;
    sqlx::query(TAKE)
        .bind(source.as_str())
        .bind(kind.as_str())
        .bind(staged.load)
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives a load up.
pub(super) async fn drop_staged(
    connection: &mut SqliteConnection,
    staged: Staged,
) -> Result<(), StoreError> {
    hold(connection, staged.load, Duration::ZERO).await
}

/// The load of a source that is asked code by code, made if there is none.
pub(super) async fn growing(
    connection: &mut SqliteConnection,
    source: &ReferenceSource,
    kind: ReferenceKind,
) -> Result<i64, StoreError> {
    const FOUND: &str = "UPDATE reference_loads SET names = NULL \
         WHERE id = (SELECT load FROM reference_sources WHERE source = ?1 AND kind = ?2) \
         RETURNING id";
    const NEW: &str = concat!(
        "INSERT INTO reference_loads (begun_at) VALUES (",
        now!(),
        ") RETURNING id"
    );
    const OWN: &str = "UPDATE reference_sources SET load = ?3 WHERE source = ?1 AND kind = ?2";
    let found = sqlx::query(FOUND)
        .bind(source.as_str())
        .bind(kind.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = found {
        return Ok(row.try_get("id")?);
    }
    let row = sqlx::query(NEW).fetch_one(&mut *connection).await?;
    let load: i64 = row.try_get("id")?;
    sqlx::query(OWN)
        .bind(source.as_str())
        .bind(kind.as_str())
        .bind(load)
        .execute(connection)
        .await?;
    Ok(load)
}

/// Each code once with its last name, in the order of the table, whose end is the quickest place to
/// write to.
fn in_order(entries: &[(ReferenceCode, ReferenceName)]) -> Vec<(&str, &str)> {
    let entries = entries.iter();
    let mut entries: Vec<_> = entries
        .map(|(code, name)| (code.reveal(), name.reveal()))
        .collect();
    entries.sort_by_key(|(code, _)| *code);
    entries.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            *earlier = *later;
        }
        same
    });
    entries
}

/// Goes on holding a load that is held, for so long from now.
async fn hold(
    connection: &mut SqliteConnection,
    load: i64,
    period: Duration,
) -> Result<(), StoreError> {
    const HOLD: &str = concat!(
        "UPDATE reference_loads SET held_until = ",
        now!(),
        " + ?2 WHERE id = ?1 AND held_until > ",
        now!()
    );
    let held = sqlx::query(HOLD)
        .bind(load)
        .bind(millis(period))
        .execute(connection)
        .await?;
    match held.rows_affected() {
        0 => {
            let text = "writing names stood still for too long; try again";
            Err(Unavailable(text.to_owned()).into())
        }
        _ => Ok(()),
    }
}

async fn write(
    connection: &mut SqliteConnection,
    load: i64,
    batch: &str,
) -> Result<(), StoreError> {
    const WRITE: &str = "INSERT INTO reference_entries (load, code, name, loaded_at) \
         SELECT ?1, value ->> 0, value ->> 1, \
             (SELECT begun_at FROM reference_loads WHERE id = ?1) FROM json_each(?2)";
    sqlx::query(WRITE)
        .bind(load)
        .bind(batch)
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes loads that no source has and nobody writes; answers how many rows that were.
async fn sweep(writer: &SqlitePool) -> Result<u64, StoreError> {
    // What is to be deleted cannot be taken any more, whatever the clock does.
    const NEXT: &str = concat!(
        "UPDATE reference_loads SET held_until = 0 WHERE id = \
             (SELECT loads.id FROM reference_loads AS loads \
              WHERE coalesce(loads.held_until, 0) <= ",
        now!(),
        " AND NOT EXISTS (SELECT 1 FROM reference_sources WHERE reference_sources.load = loads.id) \
              ORDER BY loads.id LIMIT 1) RETURNING id"
    );
    const ROWS: &str = "DELETE FROM reference_entries WHERE load = ?1 AND code IN \
         (SELECT code FROM reference_entries WHERE load = ?1 ORDER BY code LIMIT ?2)";
    const LOAD: &str = "DELETE FROM reference_loads WHERE id = ?1";
    let mut pace = Pace::default();
    let mut deleted = 0;
    loop {
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        let began = Instant::now();
        let Some(row) = sqlx::query(NEXT).fetch_optional(&mut *tx).await? else {
            return Ok(deleted);
        };
        let load: i64 = row.try_get("id")?;
        let rows = sqlx::query(ROWS)
            .bind(load)
            .bind(i64::try_from(pace.rows).unwrap_or(i64::MAX))
            .execute(&mut *tx)
            .await?;
        if rows.rows_affected() < pace.rows as u64 {
            sqlx::query(LOAD).bind(load).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        deleted += rows.rows_affected();
        pace.give_way(began.elapsed()).await;
    }
}

/// How many rows a step has.
struct Pace {
    rows: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rows: ROWS_FIRST }
    }
}

impl Pace {
    /// Lets others write for as long as the step took, and sizes the next by it.
    async fn give_way(&mut self, took: Duration) {
        if took > STEP {
            self.rows = (self.rows / 2).max(ROWS_MIN);
        } else if took < STEP / 2 {
            self.rows = (self.rows * 2).min(ROWS_MAX);
        }
        tokio::time::sleep(took.min(PAUSE_MAX)).await;
    }
}

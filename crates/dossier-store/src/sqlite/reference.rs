//! Reference data.

use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::reference_loads::{drop_staged, growing, take};
use super::rows::{count, get, optional, optional_time, parsed, word};
use super::sql::{blob, millis, now};
use super::{SqliteStore, StoreError};
use crate::{KnownReference, ReferenceSchedule, ReferenceState, RefreshClaim, RefreshToken};

/// Answers written by one statement.
const ANSWERS_AT_A_TIME: usize = 2_000;

/// How many names `sources` has: counted when they were written as a whole, else now.
macro_rules! names_of {
    ($sources:literal) => {
        concat!(
            "coalesce((SELECT coalesce(loads.names, (SELECT count(name) FROM reference_entries \
                 WHERE reference_entries.load = loads.id)) \
             FROM reference_loads AS loads WHERE loads.id = ",
            $sources,
            ".load), 0)"
        )
    };
}

impl SqliteStore {
    pub(super) async fn schedule(&self, schedules: &[ReferenceSchedule]) -> Result<(), StoreError> {
        // A source that failed keeps the time of its next try. What is right already is not written.
        const SCHEDULE: &str = concat!(
            "INSERT INTO reference_sources (source, kind, due_at) \
             VALUES (?1, ?2, CASE WHEN ?3 IS NOT NULL THEN ",
            now!(),
            " END) ON CONFLICT (source, kind) DO UPDATE SET due_at = CASE \
                 WHEN ?3 IS NULL THEN NULL \
                 WHEN error IS NULL AND refreshed_at IS NOT NULL \
                     THEN min(coalesce(due_at, refreshed_at + ?3), refreshed_at + ?3) \
                 ELSE coalesce(due_at, excluded.due_at) END \
             WHERE due_at IS NOT CASE \
                 WHEN ?3 IS NULL THEN NULL \
                 WHEN error IS NULL AND refreshed_at IS NOT NULL \
                     THEN min(coalesce(due_at, refreshed_at + ?3), refreshed_at + ?3) \
                 ELSE coalesce(due_at, excluded.due_at) END"
        );
        let mut tx = self.write().await?;
        for schedule in schedules {
            sqlx::query(SCHEDULE)
                .bind(schedule.source.as_str())
                .bind(schedule.kind.as_str())
                .bind(schedule.every.map(millis))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn claim_one_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        period: Duration,
    ) -> Result<Option<RefreshClaim>, StoreError> {
        const CLAIM: &str = concat!(
            "UPDATE reference_sources SET claimed_by = ?3, claimed_until = ",
            now!(),
            " + ?4, tried_at = ",
            now!(),
            " WHERE source = ?1 AND kind = ?2 AND due_at <= ",
            now!(),
            " AND (claimed_until IS NULL OR claimed_until <= ",
            now!(),
            ") RETURNING failures, ",
            names_of!("reference_sources"),
            " AS entries"
        );
        let token = RefreshToken(Uuid::new_v4());
        let mut tx = self.write().await?;
        let row = sqlx::query(CLAIM)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(blob(token.0))
            .bind(millis(period))
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        row.map(|row| {
            Ok(RefreshClaim {
                token,
                entries: count(&row, "entries")?,
                failures: get(&row, "failures")?,
            })
        })
        .transpose()
    }

    pub(super) async fn renew_claim(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        period: Duration,
    ) -> Result<bool, StoreError> {
        const RENEW: &str = concat!(
            "UPDATE reference_sources SET claimed_until = ",
            now!(),
            " + ?4 WHERE source = ?1 AND kind = ?2 AND claimed_by = ?3"
        );
        let mut tx = self.write().await?;
        let held = sqlx::query(RENEW)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(blob(token.0))
            .bind(millis(period))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(held.rows_affected() > 0)
    }

    pub(super) async fn release_claim(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
    ) -> Result<bool, StoreError> {
        const RELEASE: &str = "UPDATE reference_sources SET claimed_by = NULL, claimed_until = NULL \
             WHERE source = ?1 AND kind = ?2 AND claimed_by = ?3";
        let mut tx = self.write().await?;
        let held = sqlx::query(RELEASE)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(blob(token.0))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(held.rows_affected() > 0)
    }

    pub(super) async fn refreshed(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        entries: &[(ReferenceCode, ReferenceName)],
        next: Duration,
    ) -> Result<bool, StoreError> {
        const DONE: &str = concat!(
            "UPDATE reference_sources SET refreshed_at = ",
            now!(),
            ", due_at = ",
            now!(),
            " + ?4, failures = 0, error = NULL, claimed_by = NULL, claimed_until = NULL \
             WHERE source = ?1 AND kind = ?2 AND claimed_by = ?3"
        );
        let staged = self.stage(entries).await?;
        let mut tx = self.write().await?;
        let held = sqlx::query(DONE)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(blob(token.0))
            .bind(millis(next))
            .execute(&mut *tx)
            .await?;
        let held = held.rows_affected() > 0;
        if held {
            take(&mut tx, source, kind, staged).await?;
        } else {
            drop_staged(&mut tx, staged).await?;
        }
        tx.commit().await?;
        self.sweep_soon();
        Ok(held)
    }

    pub(super) async fn refresh_failed(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        error: &str,
        retry_after: Duration,
    ) -> Result<bool, StoreError> {
        const FAILED: &str = concat!(
            "UPDATE reference_sources SET error = ?5, failures = failures + 1, due_at = ",
            now!(),
            " + ?4, claimed_by = NULL, claimed_until = NULL \
             WHERE source = ?1 AND kind = ?2 AND claimed_by = ?3"
        );
        let mut tx = self.write().await?;
        let held = sqlx::query(FAILED)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(blob(token.0))
            .bind(millis(retry_after))
            .bind(error)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(held.rows_affected() > 0)
    }

    pub(super) async fn make_due(&self, source: &ReferenceSource) -> Result<(), StoreError> {
        const DUE: &str = concat!(
            "UPDATE reference_sources SET due_at = ",
            now!(),
            " WHERE source = ?1 AND due_at IS NOT NULL"
        );
        let mut tx = self.write().await?;
        let found = sqlx::query(DUE)
            .bind(source.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        match found.rows_affected() {
            0 => Err(StoreError::NotFound),
            _ => Ok(()),
        }
    }

    pub(super) async fn import(
        &self,
        kind: ReferenceKind,
        entries: &[(ReferenceCode, ReferenceName)],
    ) -> Result<u64, StoreError> {
        let import = ReferenceSource::import();
        let staged = self.stage(entries).await?;
        let mut tx = self.write().await?;
        answered(&mut tx, &import, kind).await?;
        take(&mut tx, &import, kind, staged).await?;
        tx.commit().await?;
        self.sweep_soon();
        Ok(staged.names)
    }

    pub(super) async fn remove_names(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
    ) -> Result<(), StoreError> {
        const SOURCE: &str = "DELETE FROM reference_sources WHERE source = ?1 AND kind = ?2";
        let mut tx = self.write().await?;
        let found = sqlx::query(SOURCE)
            .bind(source.as_str())
            .bind(kind.as_str())
            .execute(&mut *tx)
            .await?;
        if found.rows_affected() == 0 {
            return Err(StoreError::NotFound);
        }
        tx.commit().await?;
        self.sweep_soon();
        Ok(())
    }

    pub(super) async fn remember(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        said: &[(ReferenceCode, Option<ReferenceName>)],
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        answered(&mut tx, source, kind).await?;
        let load = growing(&mut tx, source, kind).await?;
        add_answers(&mut tx, load, said).await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn note_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        error: &str,
    ) -> Result<(), StoreError> {
        const FAILED: &str = concat!(
            "INSERT INTO reference_sources (source, kind, tried_at, error) VALUES (?1, ?2, ",
            now!(),
            ", ?3) ON CONFLICT (source, kind) DO UPDATE SET tried_at = excluded.tried_at, \
             error = excluded.error"
        );
        let mut tx = self.write().await?;
        sqlx::query(FAILED)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(error)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn forget(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        age: Duration,
    ) -> Result<u64, StoreError> {
        const FORGET: &str = concat!(
            "DELETE FROM reference_entries WHERE load = ?1 AND loaded_at <= ",
            now!(),
            " - ?2"
        );
        const KNOWN: &str = "SELECT 1 FROM reference_sources \
             WHERE source = ?1 AND kind = ?2 AND load IS NOT NULL";
        let mut tx = self.write().await?;
        let known = sqlx::query(KNOWN)
            .bind(source.as_str())
            .bind(kind.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Ok(0);
        }
        let load = growing(&mut tx, source, kind).await?;
        let forgotten = sqlx::query(FORGET)
            .bind(load)
            .bind(millis(age))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(forgotten.rows_affected())
    }

    pub(super) async fn names(
        &self,
        kind: ReferenceKind,
        codes: &[ReferenceCode],
        sources: &[ReferenceSource],
    ) -> Result<Vec<KnownReference>, StoreError> {
        // CROSS JOIN keeps the order of the tables (<https://www.sqlite.org/lang_select.html>,
        // section 2.3): every row is found by the primary key.
        const NAMES: &str = concat!(
            "SELECT entries.code, entries.name, sources.source, max(0, ",
            now!(),
            " - entries.loaded_at) AS age FROM json_each(?3) AS wanted_sources \
             CROSS JOIN reference_sources AS sources ON sources.kind = ?1 \
                 AND sources.source = wanted_sources.value \
             CROSS JOIN json_each(?2) AS wanted \
             CROSS JOIN reference_entries AS entries ON entries.load = sources.load \
                 AND entries.code = wanted.value \
             ORDER BY sources.source <> 'import', entries.name IS NULL, entries.loaded_at DESC, \
                 sources.source"
        );
        let codes: Vec<&str> = codes.iter().map(ReferenceCode::reveal).collect();
        let import = [ReferenceSource::IMPORT];
        let sources: Vec<&str> = sources
            .iter()
            .map(ReferenceSource::as_str)
            .chain(import)
            .collect();
        let mut connection = self.readers.acquire().await?;
        let rows = sqlx::query(NAMES)
            .bind(kind.as_str())
            .bind(Value::from(codes).to_string())
            .bind(Value::from(sources).to_string())
            .fetch_all(&mut *connection)
            .await?;
        rows.iter().map(known).collect()
    }

    pub(super) async fn source_states(&self) -> Result<Vec<ReferenceState>, StoreError> {
        const STATES: &str = concat!(
            "SELECT sources.*, ",
            names_of!("sources"),
            " AS entries, coalesce(sources.claimed_until, 0) > ",
            now!(),
            " AS loading FROM reference_sources AS sources ORDER BY sources.source, sources.kind"
        );
        let mut connection = self.readers.acquire().await?;
        let rows = sqlx::query(STATES).fetch_all(&mut *connection).await?;
        rows.iter().map(state).collect()
    }
}

/// Notes that a source gave something now.
async fn answered(
    connection: &mut SqliteConnection,
    source: &ReferenceSource,
    kind: ReferenceKind,
) -> Result<(), StoreError> {
    const ANSWERED: &str = concat!(
        "INSERT INTO reference_sources (source, kind, refreshed_at, tried_at) VALUES (?1, ?2, ",
        now!(),
        ", ",
        now!(),
        ") ON CONFLICT (source, kind) DO UPDATE SET refreshed_at = excluded.refreshed_at, \
         tried_at = excluded.tried_at, error = NULL, failures = 0"
    );
    sqlx::query(ANSWERED)
        .bind(source.as_str())
        .bind(kind.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

async fn add_answers(
    connection: &mut SqliteConnection,
    load: i64,
    said: &[(ReferenceCode, Option<ReferenceName>)],
) -> Result<(), StoreError> {
    // `WHERE true` tells the parser that ON is not a join's
    // (<https://www.sqlite.org/lang_upsert.html>, section 2.2).
    const ADD: &str = concat!(
        "INSERT INTO reference_entries (load, code, name, loaded_at) \
         SELECT ?1, value ->> 0, value ->> 1, ",
        now!(),
        " FROM json_each(?2) WHERE true ON CONFLICT (load, code) \
         DO UPDATE SET name = excluded.name, loaded_at = excluded.loaded_at"
    );
    for batch in said.chunks(ANSWERS_AT_A_TIME) {
        let batch: Vec<Value> = batch
            .iter()
            .map(|(code, name)| {
                let name = name.as_ref().map(ReferenceName::reveal);
                json!([code.reveal(), name])
            })
            .collect();
        sqlx::query(ADD)
            .bind(load)
            .bind(Value::from(batch).to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn known(row: &SqliteRow) -> Result<KnownReference, StoreError> {
    Ok(KnownReference {
        code: word(row, "code", |text| ReferenceCode::parse(text).ok())?,
        name: optional(row, "name", |text| ReferenceName::parse(text).ok())?,
        source: word(row, "source", parsed)?,
        age: Duration::from_millis(count(row, "age")?),
    })
}

fn state(row: &SqliteRow) -> Result<ReferenceState, StoreError> {
    Ok(ReferenceState {
        source: word(row, "source", parsed)?,
        kind: word(row, "kind", ReferenceKind::parse)?,
        entries: count(row, "entries")?,
        refreshed_at: optional_time(row, "refreshed_at")?,
        tried_at: optional_time(row, "tried_at")?,
        due_at: optional_time(row, "due_at")?,
        error: get(row, "error")?,
        loading: get(row, "loading")?,
    })
}

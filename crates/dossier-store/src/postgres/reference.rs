//! Reference data.

use std::collections::BTreeMap;
use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::rows::{count, optional, optional_time, parsed, small, word};
use super::session::{In, Session};
use super::sql::{millis, now, storable};
use super::{Failed, PostgresStore, StoreError};
use crate::{KnownReference, ReferenceSchedule, ReferenceState, RefreshClaim, RefreshToken};

/// Entries written by one statement.
const ENTRIES_AT_A_TIME: usize = 2_000;

/// A code, and its name if it has one.
type Entry<'a> = (&'a str, Option<&'a str>);

impl PostgresStore {
    pub(super) async fn schedule(&self, schedules: &[ReferenceSchedule]) -> Result<(), Failed> {
        // A source that failed keeps the time of its next try. What is right already is not written.
        const SCHEDULE: &str = concat!(
            "INSERT INTO reference_sources AS sources (source, kind, due_at) \
             VALUES ($1, $2, CASE WHEN $3 IS NOT NULL THEN ",
            now!(),
            " END) ON CONFLICT (source, kind) DO UPDATE SET due_at = CASE \
                 WHEN $3 IS NULL THEN NULL \
                 WHEN sources.error IS NULL AND sources.refreshed_at IS NOT NULL \
                     THEN least(coalesce(sources.due_at, sources.refreshed_at + $3), sources.refreshed_at + $3) \
                 ELSE coalesce(sources.due_at, excluded.due_at) END \
             WHERE sources.due_at IS DISTINCT FROM CASE \
                 WHEN $3 IS NULL THEN NULL \
                 WHEN sources.error IS NULL AND sources.refreshed_at IS NOT NULL \
                     THEN least(coalesce(sources.due_at, sources.refreshed_at + $3), sources.refreshed_at + $3) \
                 ELSE coalesce(sources.due_at, excluded.due_at) END"
        );
        let mut tx = self.write().await?;
        for schedule in schedules {
            sqlx::query(SCHEDULE)
                .bind(schedule.source.as_str())
                .bind(schedule.kind.as_str())
                .bind(schedule.every.map(millis))
                .run(&mut tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn claim_one_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        period: Duration,
    ) -> Result<Option<RefreshClaim>, Failed> {
        const CLAIM: &str = concat!(
            "UPDATE reference_sources SET claimed_by = $3, claimed_until = ",
            now!(),
            " + $4, tried_at = ",
            now!(),
            " WHERE source = $1 AND kind = $2 AND due_at <= ",
            now!(),
            " AND (claimed_until IS NULL OR claimed_until <= ",
            now!(),
            ") RETURNING failures, (SELECT count(name) FROM reference_entries AS entries \
                 WHERE entries.kind = $2 AND entries.source = $1) AS entries"
        );
        let token = RefreshToken(Uuid::new_v4());
        let mut tx = self.write().await?;
        let row = sqlx::query(CLAIM)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(token.0)
            .bind(millis(period))
            .optional(&mut tx)
            .await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(RefreshClaim {
            token,
            entries: count(&row, "entries")?,
            failures: small(&row, "failures")?,
        }))
    }

    pub(super) async fn renew_claim(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        period: Duration,
    ) -> Result<bool, Failed> {
        const RENEW: &str = concat!(
            "UPDATE reference_sources SET claimed_until = ",
            now!(),
            " + $4 WHERE source = $1 AND kind = $2 AND claimed_by = $3"
        );
        let mut tx = self.write().await?;
        let held = sqlx::query(RENEW)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(token.0)
            .bind(millis(period))
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(held.rows_affected() > 0)
    }

    pub(super) async fn release_claim(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
    ) -> Result<bool, Failed> {
        const RELEASE: &str = "UPDATE reference_sources SET claimed_by = NULL, claimed_until = NULL \
             WHERE source = $1 AND kind = $2 AND claimed_by = $3";
        let mut tx = self.write().await?;
        let held = sqlx::query(RELEASE)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(token.0)
            .run(&mut tx)
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
    ) -> Result<bool, Failed> {
        const DONE: &str = concat!(
            "UPDATE reference_sources SET refreshed_at = ",
            now!(),
            ", due_at = ",
            now!(),
            " + $4, failures = 0, error = NULL, claimed_by = NULL, claimed_until = NULL \
             WHERE source = $1 AND kind = $2 AND claimed_by = $3"
        );
        let mut tx = self.write().await?;
        // Last comes the source's own row, which others write to meanwhile. Who removes it takes it
        // first, as imports do.
        one_at_a_time(&mut tx, source, kind).await?;
        replace(&mut tx, source, kind, entries).await?;
        let held = sqlx::query(DONE)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(token.0)
            .bind(millis(next))
            .run(&mut tx)
            .await?;
        if held.rows_affected() == 0 {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn refresh_failed(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        error: &str,
        retry_after: Duration,
    ) -> Result<bool, Failed> {
        const FAILED: &str = concat!(
            "UPDATE reference_sources SET error = $5, failures = failures + 1, due_at = ",
            now!(),
            " + $4, claimed_by = NULL, claimed_until = NULL \
             WHERE source = $1 AND kind = $2 AND claimed_by = $3"
        );
        let mut tx = self.write().await?;
        let held = sqlx::query(FAILED)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(token.0)
            .bind(millis(retry_after))
            .bind(storable(error))
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(held.rows_affected() > 0)
    }

    pub(super) async fn make_due(&self, source: &ReferenceSource) -> Result<(), Failed> {
        const DUE: &str = concat!(
            "UPDATE reference_sources SET due_at = ",
            now!(),
            " WHERE source = $1 AND due_at IS NOT NULL"
        );
        let mut tx = self.write().await?;
        let found = sqlx::query(DUE).bind(source.as_str()).run(&mut tx).await?;
        tx.commit().await?;
        match found.rows_affected() {
            0 => Err(StoreError::NotFound.into()),
            _ => Ok(()),
        }
    }

    pub(super) async fn import(
        &self,
        kind: ReferenceKind,
        entries: &[(ReferenceCode, ReferenceName)],
    ) -> Result<u64, Failed> {
        let import = ReferenceSource::import();
        let mut tx = self.write().await?;
        answered(&mut tx, &import, kind).await?;
        let imported = replace(&mut tx, &import, kind, entries).await?;
        tx.commit().await?;
        Ok(imported)
    }

    pub(super) async fn remove_names(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
    ) -> Result<(), Failed> {
        const SOURCE: &str = "DELETE FROM reference_sources WHERE source = $1 AND kind = $2";
        let mut tx = self.write().await?;
        one_at_a_time(&mut tx, source, kind).await?;
        let found = sqlx::query(SOURCE)
            .bind(source.as_str())
            .bind(kind.as_str())
            .run(&mut tx)
            .await?;
        if found.rows_affected() == 0 {
            return Err(StoreError::NotFound.into());
        }
        delete_entries(&mut tx, source, kind).await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn remember(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        said: &[(ReferenceCode, Option<ReferenceName>)],
    ) -> Result<(), Failed> {
        let mut tx = self.write().await?;
        answered(&mut tx, source, kind).await?;
        let entries: Vec<Entry<'_>> = said
            .iter()
            .map(|(code, name)| (code.reveal(), name.as_ref().map(ReferenceName::reveal)))
            .collect();
        write_entries(&mut tx, source, kind, &entries).await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn note_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        error: &str,
    ) -> Result<(), Failed> {
        const FAILED: &str = concat!(
            "INSERT INTO reference_sources (source, kind, tried_at, error) VALUES ($1, $2, ",
            now!(),
            ", $3) ON CONFLICT (source, kind) DO UPDATE SET tried_at = excluded.tried_at, \
             error = excluded.error"
        );
        let mut tx = self.write().await?;
        sqlx::query(FAILED)
            .bind(source.as_str())
            .bind(kind.as_str())
            .bind(storable(error))
            .run(&mut tx)
            .await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn forget(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        age: Duration,
    ) -> Result<u64, Failed> {
        const FORGET: &str = concat!(
            "DELETE FROM reference_entries WHERE kind = $1 AND source = $2 AND loaded_at <= ",
            now!(),
            " - $3"
        );
        let mut tx = self.write().await?;
        let forgotten = sqlx::query(FORGET)
            .bind(kind.as_str())
            .bind(source.as_str())
            .bind(millis(age))
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(forgotten.rows_affected())
    }

    pub(super) async fn names(
        &self,
        kind: ReferenceKind,
        codes: &[ReferenceCode],
        sources: &[ReferenceSource],
    ) -> Result<Vec<KnownReference>, Failed> {
        const NAMES: &str = concat!(
            "SELECT entries.code, entries.name, entries.source, greatest(0, ",
            now!(),
            " - entries.loaded_at) AS age FROM reference_entries AS entries \
             WHERE entries.kind = $1 AND entries.source = ANY($3) AND entries.code = ANY($2) \
             ORDER BY entries.source <> 'import', entries.name IS NULL, entries.loaded_at DESC, \
                 entries.source"
        );
        let codes: Vec<&str> = codes.iter().map(ReferenceCode::reveal).collect();
        let import = [ReferenceSource::IMPORT];
        let sources: Vec<&str> = sources
            .iter()
            .map(ReferenceSource::as_str)
            .chain(import)
            .collect();
        let mut tx = self.read().await?;
        let rows = sqlx::query(NAMES)
            .bind(kind.as_str())
            .bind(codes)
            .bind(sources)
            .all(&mut tx)
            .await?;
        Ok(rows.iter().map(known).collect::<Result<_, _>>()?)
    }

    pub(super) async fn source_states(&self) -> Result<Vec<ReferenceState>, Failed> {
        const STATES: &str = concat!(
            "SELECT sources.*, (SELECT count(name) FROM reference_entries AS entries \
                 WHERE entries.kind = sources.kind AND entries.source = sources.source) AS entries, \
                 CASE WHEN sources.claimed_until > ",
            now!(),
            " THEN 1::bigint ELSE 0::bigint END AS loading \
             FROM reference_sources AS sources ORDER BY sources.source, sources.kind"
        );
        let mut tx = self.read().await?;
        let rows = sqlx::query(STATES).all(&mut tx).await?;
        Ok(rows.iter().map(state).collect::<Result<_, _>>()?)
    }
}

/// Notes that a source gave something now.
async fn answered(
    session: &mut Session,
    source: &ReferenceSource,
    kind: ReferenceKind,
) -> Result<(), Failed> {
    const ANSWERED: &str = concat!(
        "INSERT INTO reference_sources (source, kind, refreshed_at, tried_at) VALUES ($1, $2, ",
        now!(),
        ", ",
        now!(),
        ") ON CONFLICT (source, kind) DO UPDATE SET refreshed_at = excluded.refreshed_at, \
         tried_at = excluded.tried_at, error = NULL, failures = 0"
    );
    sqlx::query(ANSWERED)
        .bind(source.as_str())
        .bind(kind.as_str())
        .run(session)
        .await?;
    Ok(())
}

/// Keeps what replaces a list's names and what removes them from each other's locks: they take rows in
/// another order.
async fn one_at_a_time(
    session: &mut Session,
    source: &ReferenceSource,
    kind: ReferenceKind,
) -> Result<(), Failed> {
    const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 3677437))";
    sqlx::query(LOCK)
        .bind(source.as_str())
        .bind(kind.as_str())
        .run(session)
        .await?;
    Ok(())
}

async fn delete_entries(
    session: &mut Session,
    source: &ReferenceSource,
    kind: ReferenceKind,
) -> Result<(), Failed> {
    const DELETE: &str = "DELETE FROM reference_entries WHERE kind = $1 AND source = $2";
    sqlx::query(DELETE)
        .bind(kind.as_str())
        .bind(source.as_str())
        .run(session)
        .await?;
    Ok(())
}

/// Answers how many there are now: a code that comes twice counts once, its last name holds.
async fn replace(
    session: &mut Session,
    source: &ReferenceSource,
    kind: ReferenceKind,
    entries: &[(ReferenceCode, ReferenceName)],
) -> Result<u64, Failed> {
    const COUNT: &str =
        "SELECT count(*) AS entries FROM reference_entries WHERE kind = $1 AND source = $2";
    delete_entries(session, source, kind).await?;
    let entries: Vec<Entry<'_>> = entries
        .iter()
        .map(|(code, name)| (code.reveal(), Some(name.reveal())))
        .collect();
    write_entries(session, source, kind, &entries).await?;
    let row = sqlx::query(COUNT)
        .bind(kind.as_str())
        .bind(source.as_str())
        .one(session)
        .await?;
    Ok(count(&row, "entries")?)
}

async fn write_entries(
    session: &mut Session,
    source: &ReferenceSource,
    kind: ReferenceKind,
    entries: &[Entry<'_>],
) -> Result<(), Failed> {
    const WRITE: &str = concat!(
        "INSERT INTO reference_entries (kind, source, code, name, loaded_at) \
         SELECT $1, $2, code, name, ",
        now!(),
        " FROM unnest($3::text[], $4::text[]) AS said (code, name) \
         ON CONFLICT (kind, source, code) \
         DO UPDATE SET name = excluded.name, loaded_at = excluded.loaded_at"
    );
    // One statement may write a row once only: of a code that comes twice the last name holds.
    let last: BTreeMap<&str, Option<&str>> = entries.iter().copied().collect();
    let (codes, names): (Vec<&str>, Vec<Option<&str>>) = last.into_iter().unzip();
    for (codes, names) in codes
        .chunks(ENTRIES_AT_A_TIME)
        .zip(names.chunks(ENTRIES_AT_A_TIME))
    {
        sqlx::query(WRITE)
            .bind(kind.as_str())
            .bind(source.as_str())
            .bind(codes)
            .bind(names)
            .run(session)
            .await?;
    }
    Ok(())
}

fn known(row: &PgRow) -> Result<KnownReference, StoreError> {
    Ok(KnownReference {
        code: word(row, "code", |text| ReferenceCode::parse(text).ok())?,
        name: optional(row, "name", |text| ReferenceName::parse(text).ok())?,
        source: word(row, "source", parsed)?,
        age: Duration::from_millis(count(row, "age")?),
    })
}

fn state(row: &PgRow) -> Result<ReferenceState, StoreError> {
    Ok(ReferenceState {
        source: word(row, "source", parsed)?,
        kind: word(row, "kind", ReferenceKind::parse)?,
        entries: count(row, "entries")?,
        refreshed_at: optional_time(row, "refreshed_at")?,
        tried_at: optional_time(row, "tried_at")?,
        due_at: optional_time(row, "due_at")?,
        error: optional(row, "error", |text| Some(text.to_owned()))?,
        loading: count(row, "loading")? > 0,
    })
}

//! The lock: each step is decided by one statement, on the database's clock.
//!
//! A lease is current if its token is the request's, it has not expired, and the request is pending.
//! Only when a statement changed nothing is the state read, in the same transaction, to say why.

use std::time::Duration;

use dossier_core::lease::check_claim;
use dossier_core::lease::{Claim, ClaimRefusal, LeaseRefusal, LeaseRules, ReleaseReason};
use dossier_core::request::{ErrorCode, Request, RequestStatus};
use dossier_core::section::SectionOutcome;
use dossier_core::{LeaseToken, RequestId, ServiceName};
use jiff::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::requests::{find, known};
use super::rows::{self, get, request_columns, time, uuid, word};
use super::sql::{blob, blobs, claim_order, claimable, limits, millis, now, place};
use super::{SqliteStore, StoreError};
use crate::completion::LEASES_AT_ONCE_MAX;
use crate::section_values::{SectionValues, size};

/// Whether `?1` is the request and `?2` the token of its current lease.
macro_rules! current {
    () => {
        concat!(
            "(requests.id = ?1 AND requests.lease_token = ?2 AND requests.status = 'Pending' \
             AND requests.lease_expires_at > ",
            now!(),
            ")"
        )
    };
}

pub(super) use current;

/// What a claim writes, given `?3` (lock period in milliseconds) and `?4` (worker).
macro_rules! take {
    () => {
        concat!(
            "attempts = attempts + 1, claimed_at = ",
            now!(),
            ", lease_expires_at = ",
            now!(),
            " + ?3, leased_by = ?4"
        )
    };
}

impl SqliteStore {
    pub(super) async fn claim_one(
        &self,
        id: RequestId,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Claim, StoreError> {
        const CLAIM: &str = concat!(
            "UPDATE requests SET lease_token = ?5, ",
            take!(),
            " WHERE id = ?6 AND ",
            claimable!(),
            " RETURNING id, lease_token, lease_expires_at, attempts"
        );
        let (attempts_max, age_max) = limits(rules);
        let mut tx = self.write().await?;
        let taken = sqlx::query(CLAIM)
            .bind(attempts_max)
            .bind(age_max)
            .bind(millis(rules.lock_period))
            .bind(worker)
            .bind(blob(LeaseToken::generate().as_uuid()))
            .bind(blob(id.as_uuid()))
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = taken else {
            return Err(why_no_claim(&mut tx, id, rules).await?.into());
        };
        let request = known(&mut tx, id).await?;
        let claim = Lease::read(&row)?.claim(request);
        tx.commit().await?;
        Ok(claim)
    }

    pub(super) async fn claim_several(
        &self,
        max: u32,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Vec<Claim>, StoreError> {
        const CLAIM: &str = concat!(
            "UPDATE requests SET lease_token = unhex(token.value), ",
            take!(),
            " FROM (SELECT id AS chosen_id, \
                           row_number() OVER (ORDER BY stands_at, id) - 1 AS place \
                    FROM (SELECT requests.id, ",
            place!(),
            " AS stands_at FROM requests INDEXED BY requests_by_place WHERE ",
            claimable!(),
            " ORDER BY ",
            claim_order!(),
            " LIMIT ?5)) AS chosen \
             JOIN json_each(?6) AS token ON token.key = chosen.place \
             WHERE requests.id = chosen.chosen_id \
             RETURNING id, lease_token, lease_expires_at, attempts"
        );
        if max == 0 || !self.is_any_claimable(rules).await? {
            return Ok(Vec::new());
        }
        let (attempts_max, age_max) = limits(rules);
        let tokens = (0..max).map(|_| LeaseToken::generate().as_uuid());
        let mut tx = self.write().await?;
        let taken = sqlx::query(CLAIM)
            .bind(attempts_max)
            .bind(age_max)
            .bind(millis(rules.lock_period))
            .bind(worker)
            .bind(i64::from(max))
            .bind(blobs(tokens))
            .fetch_all(&mut *tx)
            .await?;
        let claims = claims(&mut tx, &taken).await?;
        tx.commit().await?;
        if claims.len() == max as usize {
            // There may be more for somebody else.
            self.work.came();
        }
        Ok(claims)
    }

    /// Whether it is worth taking the write lock: idle workers that poll must not queue for it.
    async fn is_any_claimable(&self, rules: &LeaseRules) -> Result<bool, StoreError> {
        const ANY: &str = concat!(
            "SELECT 1 FROM requests INDEXED BY requests_by_place WHERE ",
            claimable!(),
            " LIMIT 1"
        );
        let (attempts_max, age_max) = limits(rules);
        let mut connection = self.readers.acquire().await?;
        let found = sqlx::query(ANY)
            .bind(attempts_max)
            .bind(age_max)
            .fetch_optional(&mut *connection)
            .await?;
        Ok(found.is_some())
    }

    pub(super) async fn renew_leases(
        &self,
        leases: &[(RequestId, LeaseToken)],
        rules: &LeaseRules,
    ) -> Result<Vec<Result<Timestamp, LeaseRefusal>>, StoreError> {
        let mut outcomes = Vec::with_capacity(leases.len());
        for leases in leases.chunks(LEASES_AT_ONCE_MAX) {
            let mut tx = self.write().await?;
            for (id, token) in leases {
                outcomes.push(renew_one(&mut tx, *id, *token, rules).await?);
            }
            tx.commit().await?;
        }
        Ok(outcomes)
    }

    pub(super) async fn give_back(
        &self,
        id: RequestId,
        token: LeaseToken,
        reason: &ReleaseReason,
        retry_after: Duration,
        rules: &LeaseRules,
    ) -> Result<Request, StoreError> {
        const FAILED: &str = concat!(
            "UPDATE requests SET lease_token = NULL, lease_expires_at = NULL, leased_by = NULL, \
             due_at = ",
            now!(),
            " + ?3, error_detail = ?4, \
             status = CASE WHEN attempts >= ?5 THEN 'Errored' ELSE 'Pending' END, \
             error_code = CASE WHEN attempts >= ?5 THEN ?6 END, \
             finished_at = CASE WHEN attempts >= ?5 THEN ",
            now!(),
            " END WHERE ",
            current!()
        );
        const HANDED_BACK: &str = concat!(
            "UPDATE requests SET lease_token = NULL, lease_expires_at = NULL, leased_by = NULL, \
             due_at = ",
            now!(),
            " + ?3, attempts = max(attempts - 1, 0) WHERE ",
            current!()
        );
        let statement = match reason {
            ReleaseReason::Failed(_) => FAILED,
            ReleaseReason::ShuttingDown | ReleaseReason::WaitingForSuspended => HANDED_BACK,
        };
        let mut tx = self.write().await?;
        let released = sqlx::query(statement)
            .bind(blob(id.as_uuid()))
            .bind(blob(token.as_uuid()))
            .bind(millis(retry_after))
            .bind(reason.to_string())
            .bind(i64::from(rules.attempts_max))
            .bind(ErrorCode::AttemptsExhausted.as_str())
            .execute(&mut *tx)
            .await?;
        if released.rows_affected() == 0 {
            return Err(why_refused(&mut tx, id).await?.into());
        }
        let request = known(&mut tx, id).await?;
        tx.commit().await?;
        self.work.came();
        Ok(request)
    }

    pub(super) async fn note_section(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        outcome: &SectionOutcome,
    ) -> Result<(), StoreError> {
        // Of a section whose service was suspended in the meantime only a whole answer counts.
        const RECORD: &str = concat!(
            "UPDATE sections SET \
             status = CASE WHEN status = 'SUSPENDED' AND ?4 <> 'COMPLETE' \
                      THEN status ELSE ?4 END, \
             held = ?5, kept_id = ?6, kept_bytes = ?7, kept_sha256 = ?8, template_version = ?9, \
             rendered_at = CASE WHEN ?4 = 'COMPLETE' THEN ",
            now!(),
            " END, bytes = coalesce(?10, bytes), tries = ?11, \
             error = CASE WHEN ?4 = 'PENDING' THEN error ELSE ?12 END \
             WHERE request_id = ?1 AND service_id = (SELECT id FROM services WHERE name = ?3) \
             AND status <> 'COMPLETE' AND EXISTS (SELECT 1 FROM requests WHERE ",
            current!(),
            ")"
        );
        let values = SectionValues::of(outcome);
        let kept = values.kept;
        let mut tx = self.write().await?;
        let recorded = sqlx::query(RECORD)
            .bind(blob(id.as_uuid()))
            .bind(blob(token.as_uuid()))
            .bind(service.as_str())
            .bind(values.status)
            .bind(values.held)
            .bind(kept.map(|kept| blob(kept.id.as_uuid())))
            .bind(kept.map(|kept| size(kept.bytes)))
            .bind(kept.map(|kept| kept.sha256.as_str()))
            .bind(values.template_version)
            .bind(values.bytes.map(size))
            .bind(i64::from(values.tries))
            .bind(values.error)
            .execute(&mut *tx)
            .await?;
        if recorded.rows_affected() == 0 {
            why_not_recorded(&mut tx, id, token, service).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn renew_one(
    connection: &mut SqliteConnection,
    id: RequestId,
    token: LeaseToken,
    rules: &LeaseRules,
) -> Result<Result<Timestamp, LeaseRefusal>, StoreError> {
    const RENEW: &str = concat!(
        "UPDATE requests SET lease_expires_at = ",
        now!(),
        " + ?3 WHERE ",
        current!(),
        " RETURNING lease_expires_at"
    );
    let renewed = sqlx::query(RENEW)
        .bind(blob(id.as_uuid()))
        .bind(blob(token.as_uuid()))
        .bind(millis(rules.lock_period))
        .fetch_optional(&mut *connection)
        .await?;
    match renewed {
        Some(row) => Ok(Ok(time(&row, "lease_expires_at")?)),
        None => Ok(Err(why_refused(connection, id).await?)),
    }
}

/// What a claim returns of its row.
struct Lease {
    id: RequestId,
    token: LeaseToken,
    attempt: u32,
    expires_at: Timestamp,
}

impl Lease {
    fn read(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: uuid(row, "id")?.into(),
            token: uuid(row, "lease_token")?.into(),
            attempt: get(row, "attempts")?,
            expires_at: time(row, "lease_expires_at")?,
        })
    }

    fn claim(self, request: Request) -> Claim {
        Claim {
            token: self.token,
            attempt: self.attempt,
            expires_at: self.expires_at,
            request,
        }
    }
}

/// The claims of these rows, oldest request first.
async fn claims(
    connection: &mut SqliteConnection,
    taken: &[SqliteRow],
) -> Result<Vec<Claim>, StoreError> {
    const CLAIMED: &str = concat!(
        "SELECT ",
        request_columns!(),
        " FROM requests WHERE requests.id IN (SELECT unhex(value) FROM json_each(?1)) \
         ORDER BY ",
        claim_order!()
    );
    let mut leases = taken
        .iter()
        .map(Lease::read)
        .collect::<Result<Vec<_>, _>>()?;
    let found = sqlx::query(CLAIMED)
        .bind(blobs(leases.iter().map(|lease| lease.id.as_uuid())))
        .fetch_all(&mut *connection)
        .await?;
    let requests = rows::requests(connection, &found).await?;
    let mut claims = Vec::with_capacity(leases.len());
    for request in requests {
        let place = leases.iter().position(|lease| lease.id == request.id);
        let lease = place.ok_or(StoreError::Corrupt("lease"))?;
        claims.push(leases.swap_remove(lease).claim(request));
    }
    Ok(claims)
}

/// Why a claim changed nothing. Time has gone on since: what was in the way may just have ended,
/// and is named all the same.
async fn why_no_claim(
    connection: &mut SqliteConnection,
    id: RequestId,
    rules: &LeaseRules,
) -> Result<ClaimRefusal, StoreError> {
    let now = rows::clock(connection).await?;
    let Some(request) = find(connection, id).await? else {
        return Ok(ClaimRefusal::Unknown);
    };
    match check_claim(&request, rules, now) {
        Err(refusal) => Ok(refusal),
        Ok(()) => Ok(ClaimRefusal::NotDue(request.due_at.max(now))),
    }
}

/// Why a write that needs the current lease changed nothing.
pub(super) async fn why_refused(
    connection: &mut SqliteConnection,
    id: RequestId,
) -> Result<LeaseRefusal, StoreError> {
    let row = sqlx::query("SELECT status FROM requests WHERE id = ?1")
        .bind(blob(id.as_uuid()))
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(LeaseRefusal::Unknown);
    };
    match word(&row, "status", RequestStatus::parse)? {
        RequestStatus::Pending => Ok(LeaseRefusal::Lost),
        RequestStatus::Completed | RequestStatus::Errored => Ok(LeaseRefusal::Finished),
    }
}

/// Nothing was recorded: because the section is complete already, which is fine by the holder of
/// the current lease, or because of a refusal.
async fn why_not_recorded(
    connection: &mut SqliteConnection,
    id: RequestId,
    token: LeaseToken,
    service: &ServiceName,
) -> Result<(), StoreError> {
    const SECTION: &str = concat!(
        "SELECT EXISTS (SELECT 1 FROM sections WHERE request_id = ?1 AND service_id = \
         (SELECT id FROM services WHERE name = ?3)) AS known FROM requests WHERE ",
        current!()
    );
    let held = sqlx::query(SECTION)
        .bind(blob(id.as_uuid()))
        .bind(blob(token.as_uuid()))
        .bind(service.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = held else {
        return Err(why_refused(connection, id).await?.into());
    };
    if get(&row, "known")? {
        Ok(())
    } else {
        Err(LeaseRefusal::UnknownSection.into())
    }
}

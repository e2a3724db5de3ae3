//! The lock: each step is decided by one statement, on the database's clock.
//!
//! A lease is current if its token is the request's, it has not expired, and the request is pending.
//! Only when a statement changed nothing is the state read, to say why.
//!
//! A statement that needs no other is a transaction of its own: a round trip, and not three.

use std::time::Duration;

use dossier_core::lease::check_claim;
use dossier_core::lease::{Claim, ClaimRefusal, LeaseRefusal, LeaseRules, ReleaseReason};
use dossier_core::request::{ErrorCode, Request, RequestStatus};
use dossier_core::section::SectionOutcome;
use dossier_core::{LeaseToken, RequestId, ServiceName};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::renewals::refusal;
use super::requests::{find, known};
use super::rows::{self, request_columns, time, uuid, word};
use super::session::{In, Session};
use super::sql::{claim_order, claimable, limits, millis, storable, this_moment, to_claim};
use super::work::ONE;
use super::{Failed, PostgresStore, StoreError};
use crate::rows::Columns;
use crate::section_values::{SectionValues, size};

/// Whether `$1` is the request and `$2` the token of its current lease.
macro_rules! current {
    () => {
        concat!(
            "(requests.id = $1 AND requests.lease_token = $2 AND requests.status = 'Pending' \
             AND requests.lease_expires_at > ",
            this_moment!(),
            ")"
        )
    };
}

pub(super) use current;

/// What a claim writes, given `$3` (lock period in milliseconds) and `$4` (worker).
macro_rules! take {
    () => {
        concat!(
            "attempts = attempts + 1, claimed_at = ",
            this_moment!(),
            ", lease_expires_at = ",
            this_moment!(),
            " + $3, leased_by = $4"
        )
    };
}

/// What a claim returns of its rows.
macro_rules! claimed_columns {
    () => {
        concat!(
            request_columns!(),
            ", requests.lease_token, requests.lease_expires_at AS leased_until"
        )
    };
}

impl PostgresStore {
    pub(super) async fn claim_one(
        &self,
        id: RequestId,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Claim, Failed> {
        const CLAIM: &str = concat!(
            "UPDATE requests SET lease_token = $5, ",
            take!(),
            " WHERE id = $6 AND ",
            claimable!(),
            " RETURNING ",
            claimed_columns!()
        );
        let (attempts_max, age_max) = limits(rules);
        let mut session = self.statements().await?;
        let taken = sqlx::query(CLAIM)
            .bind(attempts_max)
            .bind(age_max)
            .bind(millis(rules.lock_period))
            .bind(storable(worker))
            .bind(LeaseToken::generate().as_uuid())
            .bind(id.as_uuid())
            .all(&mut session)
            .await?;
        if taken.is_empty() {
            return Err(why_no_claim(&mut session, id, rules).await?.into());
        }
        let claim = claims(&mut session, &taken).await?.pop();
        session.commit().await?;
        Ok(claim.ok_or(StoreError::Corrupt("claim"))?)
    }

    pub(super) async fn claim_several(
        &self,
        max: u32,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Vec<Claim>, Failed> {
        // Requests that another claim has at this moment are passed over, not waited for.
        const CLAIM: &str = concat!(
            "WITH chosen AS MATERIALIZED (SELECT requests.id FROM requests WHERE ",
            to_claim!(),
            " ORDER BY ",
            claim_order!(),
            " LIMIT $5 FOR NO KEY UPDATE OF requests SKIP LOCKED), \
             given AS (SELECT id, row_number() OVER () AS place FROM chosen), \
             taken AS (UPDATE requests SET lease_token = ($6::uuid[])[given.place], ",
            take!(),
            " FROM given WHERE requests.id = given.id RETURNING given.place, ",
            claimed_columns!(),
            ") SELECT * FROM taken ORDER BY place"
        );
        self.work.decides_by(rules);
        if max == 0 {
            return Ok(Vec::new());
        }
        let (attempts_max, age_max) = limits(rules);
        let tokens = (0..max).map(|_| LeaseToken::generate().as_uuid());
        let mut session = self.statements().await?;
        let taken = sqlx::query(CLAIM)
            .bind(attempts_max)
            .bind(age_max)
            .bind(millis(rules.lock_period))
            .bind(storable(worker))
            .bind(i64::from(max))
            .bind(tokens.collect::<Vec<Uuid>>())
            .all(&mut session)
            .await?;
        let claims = claims(&mut session, &taken).await?;
        session.commit().await?;
        if claims.len() == max as usize {
            // There may be more for somebody else.
            self.work.came();
        }
        Ok(claims)
    }

    pub(super) async fn give_back(
        &self,
        id: RequestId,
        token: LeaseToken,
        reason: &ReleaseReason,
        retry_after: Duration,
        rules: &LeaseRules,
    ) -> Result<Request, Failed> {
        const FAILED: &str = concat!(
            "UPDATE requests SET lease_token = NULL, lease_expires_at = NULL, leased_by = NULL, \
             due_at = ",
            this_moment!(),
            " + $3, error_detail = $4, \
             status = CASE WHEN attempts >= $5 THEN 'Errored' ELSE 'Pending' END, \
             error_code = CASE WHEN attempts >= $5 THEN $6 END, \
             finished_at = CASE WHEN attempts >= $5 THEN ",
            this_moment!(),
            " END WHERE ",
            current!()
        );
        const HANDED_BACK: &str = concat!(
            "UPDATE requests SET lease_token = NULL, lease_expires_at = NULL, leased_by = NULL, \
             due_at = ",
            this_moment!(),
            " + $3, attempts = greatest(attempts - 1, 0) WHERE ",
            current!()
        );
        let statement = match reason {
            ReleaseReason::Failed(_) => FAILED,
            ReleaseReason::ShuttingDown | ReleaseReason::WaitingForSuspended => HANDED_BACK,
        };
        let mut tx = self.write().await?;
        let released = sqlx::query(statement)
            .bind(id.as_uuid())
            .bind(token.as_uuid())
            .bind(millis(retry_after))
            .bind(storable(&reason.to_string()))
            .bind(i64::from(rules.attempts_max))
            .bind(ErrorCode::AttemptsExhausted.as_str())
            .run(&mut tx)
            .await?;
        if released.rows_affected() == 0 {
            return Err(why_refused(&mut tx, id).await?.into());
        }
        let request = known(&mut tx, id).await?;
        self.announce(&mut tx, ONE).await?;
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
    ) -> Result<(), Failed> {
        // The request is held while the section is written: nobody else takes it in between. Of a
        // section whose service was suspended in the meantime only a whole answer counts.
        const RECORD: &str = concat!(
            "WITH holder AS MATERIALIZED (SELECT id FROM requests WHERE ",
            current!(),
            " FOR SHARE) UPDATE sections SET \
             status = CASE WHEN status = 'SUSPENDED' AND $4 <> 'COMPLETE' \
                      THEN status ELSE $4 END, \
             held = $5, kept_id = $6, kept_bytes = $7, kept_sha256 = $8, template_version = $9, \
             rendered_at = CASE WHEN $4 = 'COMPLETE' THEN ",
            this_moment!(),
            " END, bytes = coalesce($10, bytes), tries = $11, \
             error = CASE WHEN $4 = 'PENDING' THEN error ELSE $12 END \
             FROM holder WHERE sections.request_id = holder.id \
             AND service_id = (SELECT id FROM services WHERE name = $3) \
             AND status <> 'COMPLETE'"
        );
        let values = SectionValues::of(outcome);
        let kept = values.kept;
        let mut session = self.statements().await?;
        let recorded = sqlx::query(RECORD)
            .bind(id.as_uuid())
            .bind(token.as_uuid())
            .bind(service.as_str())
            .bind(values.status)
            .bind(values.held)
            .bind(kept.map(|kept| kept.id.as_uuid()))
            .bind(kept.map(|kept| size(kept.bytes)))
            .bind(kept.map(|kept| kept.sha256.as_str()))
            .bind(values.template_version)
            .bind(values.bytes.map(size))
            .bind(i64::from(values.tries))
            .bind(values.error.map(storable))
            .run(&mut session)
            .await?;
        if recorded.rows_affected() == 0 {
            why_not_recorded(&mut session, id, token, service).await?;
        }
        Ok(session.commit().await?)
    }
}

/// The claims of these rows, in their order. Their leases are taken: if the sections cannot be read,
/// they run out.
async fn claims(session: &mut Session, taken: &[PgRow]) -> Result<Vec<Claim>, Failed> {
    let requests = rows::requests(session, taken).await?;
    let claims = taken.iter().zip(requests).map(|(row, request)| {
        Ok(Claim {
            token: uuid(row, "lease_token")?.into(),
            attempt: request.attempts,
            expires_at: time(row, "leased_until")?,
            request,
        })
    });
    Ok(claims.collect::<Result<_, StoreError>>()?)
}

/// Why a claim changed nothing. Time has gone on since: what was in the way may just have ended,
/// and is named all the same.
async fn why_no_claim(
    session: &mut Session,
    id: RequestId,
    rules: &LeaseRules,
) -> Result<ClaimRefusal, Failed> {
    let now = rows::clock(session).await?;
    let Some(request) = find(session, id).await? else {
        return Ok(ClaimRefusal::Unknown);
    };
    match check_claim(&request, rules, now) {
        Err(refusal) => Ok(refusal),
        Ok(()) => Ok(ClaimRefusal::NotDue(request.due_at.max(now))),
    }
}

/// Why a write that needs the current lease changed nothing.
pub(super) async fn why_refused(
    session: &mut Session,
    id: RequestId,
) -> Result<LeaseRefusal, Failed> {
    let row = sqlx::query("SELECT status FROM requests WHERE id = $1")
        .bind(id.as_uuid())
        .optional(session)
        .await?;
    let status = row.map(|row| word(&row, "status", RequestStatus::parse));
    Ok(refusal(status.transpose()?))
}

/// Nothing was recorded: because the section is complete already, which is fine by the holder of
/// the current lease, or because of a refusal.
async fn why_not_recorded(
    session: &mut Session,
    id: RequestId,
    token: LeaseToken,
    service: &ServiceName,
) -> Result<(), Failed> {
    const SECTION: &str = concat!(
        "SELECT EXISTS (SELECT 1 FROM sections WHERE request_id = $1 AND service_id = \
         (SELECT id FROM services WHERE name = $3)) AS known FROM requests WHERE ",
        current!()
    );
    let held = sqlx::query(SECTION)
        .bind(id.as_uuid())
        .bind(token.as_uuid())
        .bind(service.as_str())
        .optional(session)
        .await?;
    let Some(row) = held else {
        return Err(why_refused(session, id).await?.into());
    };
    if row.flag("known")? {
        Ok(())
    } else {
        Err(LeaseRefusal::UnknownSection.into())
    }
}

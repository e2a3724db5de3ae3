//! The lock: each step is decided by one statement, on the database's clock.
//!
//! A lease is current if its token is the request's, it has not expired, and the request is pending.
//! Only when a statement changed nothing is the state read, in the same transaction, to say why.

use std::time::Duration;

use dossier_core::lease::check_claim;
use dossier_core::lease::{Claim, ClaimRefusal, LeaseRefusal, LeaseRules, ReleaseReason};
use dossier_core::request::{ErrorCode, Request, RequestStatus};
use dossier_core::section::SectionOutcome;
use dossier_core::{FinishedDocument, KeptDocument, LeaseToken, RequestId, ServiceName};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::requests::{find, known};
use super::rows::{self, request_columns, small, time, uuid, word};
use super::session::{In, Session};
use super::sql::{claim_order, claimable, limits, millis, storable, this_moment};
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
            " RETURNING id, lease_token, lease_expires_at, attempts"
        );
        let (attempts_max, age_max) = limits(rules);
        let mut tx = self.write().await?;
        let taken = sqlx::query(CLAIM)
            .bind(attempts_max)
            .bind(age_max)
            .bind(millis(rules.lock_period))
            .bind(storable(worker))
            .bind(LeaseToken::generate().as_uuid())
            .bind(id.as_uuid())
            .optional(&mut tx)
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
    ) -> Result<Vec<Claim>, Failed> {
        // Requests that another claim has at this moment are passed over, not waited for.
        const CLAIM: &str = concat!(
            "WITH chosen AS MATERIALIZED (SELECT requests.id FROM requests WHERE ",
            claimable!(),
            " ORDER BY ",
            claim_order!(),
            " LIMIT $5 FOR NO KEY UPDATE OF requests SKIP LOCKED), \
             given AS (SELECT id, row_number() OVER () AS place FROM chosen) \
             UPDATE requests SET lease_token = ($6::uuid[])[given.place], ",
            take!(),
            " FROM given WHERE requests.id = given.id \
             RETURNING requests.id, lease_token, lease_expires_at, attempts"
        );
        self.work.decides_by(rules);
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
            .bind(storable(worker))
            .bind(i64::from(max))
            .bind(tokens.collect::<Vec<Uuid>>())
            .all(&mut tx)
            .await?;
        let claims = claims(&mut tx, &taken).await?;
        tx.commit().await?;
        if claims.len() == max as usize {
            // There may be more for somebody else.
            self.work.came();
        }
        Ok(claims)
    }

    /// Whether a claim is worth a transaction: for idle workers that poll, one statement is enough.
    /// Behind a pooler it is a transaction in any case.
    async fn is_any_claimable(&self, rules: &LeaseRules) -> Result<bool, Failed> {
        const ANY: &str = concat!(
            "SELECT 1 FROM requests WHERE ",
            claimable!(),
            " ORDER BY ",
            claim_order!(),
            " LIMIT 1"
        );
        if self.pooler {
            return Ok(true);
        }
        let (attempts_max, age_max) = limits(rules);
        let mut connection = self.pool.acquire().await?;
        let found = sqlx::query(ANY)
            .bind(attempts_max)
            .bind(age_max)
            .fetch_optional(&mut *connection)
            .await?;
        Ok(found.is_some())
    }

    pub(super) async fn renew_lease(
        &self,
        id: RequestId,
        token: LeaseToken,
        rules: &LeaseRules,
    ) -> Result<Timestamp, Failed> {
        const RENEW: &str = concat!(
            "UPDATE requests SET lease_expires_at = ",
            this_moment!(),
            " + $3 WHERE ",
            current!(),
            " RETURNING lease_expires_at"
        );
        let mut tx = self.write().await?;
        let renewed = sqlx::query(RENEW)
            .bind(id.as_uuid())
            .bind(token.as_uuid())
            .bind(millis(rules.lock_period))
            .optional(&mut tx)
            .await?;
        let Some(row) = renewed else {
            return Err(why_refused(&mut tx, id).await?.into());
        };
        let until = time(&row, "lease_expires_at")?;
        tx.commit().await?;
        Ok(until)
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

    pub(super) async fn finish(
        &self,
        id: RequestId,
        token: LeaseToken,
        document: &KeptDocument,
        pages: u32,
        others: &[FinishedDocument],
    ) -> Result<(), Failed> {
        const COMPLETE: &str = concat!(
            "UPDATE requests SET status = 'Completed', completed_by = lease_token, finished_at = ",
            this_moment!(),
            ", document_id = $3, document_bytes = $4, document_sha256 = $5, pages = $6, \
             error_detail = NULL, lease_token = NULL, lease_expires_at = NULL, leased_by = NULL \
             WHERE ",
            current!(),
            " AND NOT EXISTS (SELECT 1 FROM sections \
             WHERE request_id = $1 AND sections.status <> 'COMPLETE')"
        );
        let mut tx = self.write().await?;
        let completed = sqlx::query(COMPLETE)
            .bind(id.as_uuid())
            .bind(token.as_uuid())
            .bind(document.id.as_uuid())
            .bind(size(document.bytes))
            .bind(document.sha256.as_str())
            .bind(i64::from(pages))
            .run(&mut tx)
            .await?;
        if completed.rows_affected() == 0 {
            if was_completed_by(&mut tx, id, token, document, others).await? {
                return Ok(());
            }
            return Err(why_not_completed(&mut tx, id, token).await?.into());
        }
        for other in others {
            insert_document(&mut tx, id, other).await?;
        }
        Ok(tx.commit().await?)
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
        let mut tx = self.write().await?;
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
            .run(&mut tx)
            .await?;
        if recorded.rows_affected() == 0 {
            why_not_recorded(&mut tx, id, token, service).await?;
        }
        Ok(tx.commit().await?)
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
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: uuid(row, "id")?.into(),
            token: uuid(row, "lease_token")?.into(),
            attempt: small(row, "attempts")?,
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
async fn claims(session: &mut Session, taken: &[PgRow]) -> Result<Vec<Claim>, Failed> {
    const CLAIMED: &str = concat!(
        "SELECT ",
        request_columns!(),
        " FROM requests WHERE requests.id = ANY($1) \
         ORDER BY requests.requested_at, requests.id"
    );
    let mut leases = taken
        .iter()
        .map(Lease::read)
        .collect::<Result<Vec<_>, _>>()?;
    let found = sqlx::query(CLAIMED)
        .bind(
            leases
                .iter()
                .map(|lease| lease.id.as_uuid())
                .collect::<Vec<Uuid>>(),
        )
        .all(session)
        .await?;
    let requests = rows::requests(session, &found).await?;
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
    let Some(row) = row else {
        return Ok(LeaseRefusal::Unknown);
    };
    match word(&row, "status", RequestStatus::parse)? {
        RequestStatus::Pending => Ok(LeaseRefusal::Lost),
        RequestStatus::Completed | RequestStatus::Errored => Ok(LeaseRefusal::Finished),
    }
}

/// Why a report was not accepted: the holder of the current lease lacks a section.
async fn why_not_completed(
    session: &mut Session,
    id: RequestId,
    token: LeaseToken,
) -> Result<LeaseRefusal, Failed> {
    const HELD: &str = concat!("SELECT 1 FROM requests WHERE ", current!());
    let held = sqlx::query(HELD)
        .bind(id.as_uuid())
        .bind(token.as_uuid())
        .optional(session)
        .await?;
    match held {
        Some(_) => Ok(LeaseRefusal::Uncollected),
        None => why_refused(session, id).await,
    }
}

async fn insert_document(
    session: &mut Session,
    id: RequestId,
    document: &FinishedDocument,
) -> Result<(), Failed> {
    const INSERT: &str = "INSERT INTO documents \
         (request_id, kind, volume, document_id, document_bytes, document_sha256, pages) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(INSERT)
        .bind(id.as_uuid())
        .bind(document.kind.as_str())
        .bind(i64::from(document.volume))
        .bind(document.kept.id.as_uuid())
        .bind(size(document.kept.bytes))
        .bind(document.kept.sha256.as_str())
        .bind(document.pages.map(i64::from))
        .run(session)
        .await?;
    Ok(())
}

async fn was_completed_by(
    session: &mut Session,
    id: RequestId,
    token: LeaseToken,
    document: &KeptDocument,
    others: &[FinishedDocument],
) -> Result<bool, Failed> {
    const SAME: &str = "SELECT 1 FROM requests WHERE id = $1 AND completed_by = $2 \
         AND document_id = $3 AND document_bytes = $4 AND document_sha256 = $5";
    let same = sqlx::query(SAME)
        .bind(id.as_uuid())
        .bind(token.as_uuid())
        .bind(document.id.as_uuid())
        .bind(size(document.bytes))
        .bind(document.sha256.as_str())
        .optional(session)
        .await?;
    if same.is_none() {
        return Ok(false);
    }
    let mut said = others.to_vec();
    said.sort_by_key(|document| (document.kind, document.volume));
    Ok(find(session, id)
        .await?
        .is_some_and(|request| request.others == said))
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

//! What time ends: requests that are given up, and documents that nobody needs any more.

use std::time::Duration;

use dossier_core::lease::LeaseRules;
use dossier_core::request::ErrorCode;
use dossier_core::{DocumentId, LeaseToken, RequestId, ServiceName};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::rows::{parsed, uuid, word};
use super::session::{In, Session};
use super::sql::{free, limits, millis, now, waits};
use super::{Failed, PostgresStore, StoreError};
use crate::AbandonedAttempt;

impl PostgresStore {
    pub(super) async fn expire(&self, rules: &LeaseRules) -> Result<Vec<RequestId>, Failed> {
        // What failed last says more than that time ran out; it stays where there is any. Whatever
        // somebody holds at this moment is left for the next round.
        const EXPIRE: &str = concat!(
            "UPDATE requests SET status = 'Errored', finished_at = ",
            now!(),
            ", error_code = CASE WHEN attempts >= $1 THEN $3 ELSE $4 END, \
             error_detail = coalesce(error_detail, CASE WHEN attempts >= $1 \
                 THEN 'the last worker stopped without a word' \
                 ELSE 'pending for longer than the limit' END), \
             lease_token = NULL, lease_expires_at = NULL, leased_by = NULL \
             WHERE id IN (SELECT id FROM requests WHERE status = 'Pending' AND ",
            free!(),
            " AND (attempts >= $1 OR (",
            now!(),
            " - clock_started_at > $2 AND NOT ",
            waits!(),
            ")) FOR NO KEY UPDATE SKIP LOCKED) RETURNING id"
        );
        let (attempts_max, age_max) = limits(rules);
        let mut tx = self.write().await?;
        let expired = sqlx::query(EXPIRE)
            .bind(attempts_max)
            .bind(age_max)
            .bind(ErrorCode::AttemptsExhausted.as_str())
            .bind(ErrorCode::TooOld.as_str())
            .all(&mut tx)
            .await?;
        let ids = expired
            .iter()
            .map(|row| Ok(uuid(row, "id")?.into()))
            .collect::<Result<_, StoreError>>()?;
        tx.commit().await?;
        Ok(ids)
    }

    pub(super) async fn abandoned(
        &self,
        grace: Duration,
        max: u32,
    ) -> Result<Vec<AbandonedAttempt>, Failed> {
        // A lease that expired and was not taken over is still in its request; its attempt is written
        // down by then only if it was cleaned up.
        const ABANDONED: &str = concat!(
            "SELECT lease_token, request_id, services, claimed_at FROM attempts \
             WHERE NOT cleaned AND ending IS DISTINCT FROM 'COMPLETED' AND ended_at <= ",
            now!(),
            " - $1 UNION ALL \
             SELECT lease_token, id, dossier_service_names(id), claimed_at FROM requests \
             WHERE status = 'Pending' AND lease_expires_at <= ",
            now!(),
            " - $1 AND NOT EXISTS (SELECT 1 FROM attempts \
                 WHERE attempts.lease_token = requests.lease_token) \
             ORDER BY claimed_at LIMIT $2"
        );
        let mut tx = self.read().await?;
        let found = sqlx::query(ABANDONED)
            .bind(millis(grace))
            .bind(i64::from(max))
            .all(&mut tx)
            .await?;
        let mut abandoned = Vec::with_capacity(found.len());
        for row in &found {
            let request_id = uuid(row, "request_id")?.into();
            abandoned.push(AbandonedAttempt {
                token: uuid(row, "lease_token")?.into(),
                request_id,
                services: service_names(row)?,
                in_use: documents_in_use(&mut tx, request_id).await?,
            });
        }
        Ok(abandoned)
    }

    pub(super) async fn forget_attempt(&self, token: LeaseToken) -> Result<(), Failed> {
        const CLEANED: &str = "UPDATE attempts SET cleaned = true WHERE lease_token = $1";
        // Nobody took its request over so far: its end is written down with it.
        const LOST: &str = "INSERT INTO attempts (lease_token, request_id, number, worker, services, \
             claimed_at, ended_at, ending, cleaned) \
             SELECT lease_token, id, attempts, leased_by, dossier_service_names(id), claimed_at, \
             lease_expires_at, 'LOST', true FROM requests \
             WHERE status = 'Pending' AND lease_token = $1 \
             ON CONFLICT (lease_token) DO UPDATE SET cleaned = true";
        // The history of an archived request is not kept.
        const ARCHIVED: &str = "DELETE FROM attempts WHERE lease_token = $1 \
             AND NOT EXISTS (SELECT 1 FROM requests WHERE requests.id = attempts.request_id)";
        let mut tx = self.write().await?;
        let cleaned = sqlx::query(CLEANED).bind(token.as_uuid()).run(&mut tx);
        let then = match cleaned.await?.rows_affected() {
            0 => LOST,
            _ => ARCHIVED,
        };
        sqlx::query(then).bind(token.as_uuid()).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn spent(
        &self,
        max: u32,
    ) -> Result<Vec<(RequestId, ServiceName, DocumentId)>, Failed> {
        const SPENT: &str = "SELECT sections.request_id, services.name, sections.kept_id \
             FROM sections JOIN services ON services.id = sections.service_id \
             JOIN requests ON requests.id = sections.request_id \
             WHERE sections.kept_id IS NOT NULL AND requests.status = 'Completed' \
             ORDER BY sections.request_id, sections.service_id LIMIT $1";
        let mut tx = self.read().await?;
        let found = sqlx::query(SPENT).bind(i64::from(max)).all(&mut tx).await?;
        let spent = found.iter().map(|row| {
            Ok((
                uuid(row, "request_id")?.into(),
                word(row, "name", parsed)?,
                uuid(row, "kept_id")?.into(),
            ))
        });
        Ok(spent.collect::<Result<_, StoreError>>()?)
    }

    pub(super) async fn forget_section(
        &self,
        id: RequestId,
        document: DocumentId,
    ) -> Result<(), Failed> {
        const CLEANED: &str = "UPDATE sections SET kept_id = NULL, kept_bytes = NULL, \
             kept_sha256 = NULL WHERE request_id = $1 AND kept_id = $2 \
             AND (SELECT status FROM requests WHERE id = $1) = 'Completed'";
        let mut tx = self.write().await?;
        sqlx::query(CLEANED)
            .bind(id.as_uuid())
            .bind(document.as_uuid())
            .run(&mut tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

fn service_names(row: &PgRow) -> Result<Vec<ServiceName>, StoreError> {
    let corrupt = || StoreError::Corrupt("services");
    let names: Vec<String> = row.try_get("services").map_err(|_| corrupt())?;
    names
        .iter()
        .map(|name| parsed(name).ok_or_else(corrupt))
        .collect()
}

/// The documents that a request refers to: its sections' kept answers, its report and what was made
/// besides.
async fn documents_in_use(session: &mut Session, id: RequestId) -> Result<Vec<DocumentId>, Failed> {
    const IN_USE: &str = "SELECT kept_id AS id FROM sections \
             WHERE request_id = $1 AND kept_id IS NOT NULL \
         UNION SELECT document_id FROM requests WHERE id = $1 AND document_id IS NOT NULL \
         UNION SELECT document_id FROM documents WHERE request_id = $1";
    let found = sqlx::query(IN_USE).bind(id.as_uuid()).all(session).await?;
    let ids = found.iter().map(|row| Ok(uuid(row, "id")?.into()));
    Ok(ids.collect::<Result<_, StoreError>>()?)
}

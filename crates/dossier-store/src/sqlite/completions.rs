//! Completing requests, any number in one transaction.

use dossier_core::lease::LeaseRefusal;
use dossier_core::{FinishedDocument, LeaseToken, RequestId};
use sqlx::{Connection, SqliteConnection};

use super::leases::{current, why_refused};
use super::requests::find;
use super::sql::{blob, now};
use super::{SqliteStore, StoreError};
use crate::completion::{Completion, LEASES_AT_ONCE_MAX, are_same};
use crate::section_values::size;

impl SqliteStore {
    pub(super) async fn finish_all(
        &self,
        completions: &[Completion],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let mut outcomes = Vec::with_capacity(completions.len());
        for completions in completions.chunks(LEASES_AT_ONCE_MAX) {
            let mut tx = self.write().await?;
            for completion in completions {
                outcomes.push(finish_one(&mut tx, completion).await?);
            }
            tx.commit().await?;
        }
        Ok(outcomes)
    }
}

/// Completes a request, or changes nothing.
async fn finish_one(
    connection: &mut SqliteConnection,
    completion: &Completion,
) -> Result<Result<(), StoreError>, StoreError> {
    let mut attempt = connection.begin().await?;
    match finish(&mut attempt, completion).await {
        Ok(()) => {
            attempt.commit().await?;
            Ok(Ok(()))
        }
        Err(refused) => {
            attempt.rollback().await?;
            Ok(Err(refused))
        }
    }
}

async fn finish(
    connection: &mut SqliteConnection,
    completion: &Completion,
) -> Result<(), StoreError> {
    const COMPLETE: &str = concat!(
        "UPDATE requests SET status = 'Completed', completed_by = lease_token, finished_at = ",
        now!(),
        ", document_id = ?3, document_bytes = ?4, document_sha256 = ?5, pages = ?6, \
         error_detail = NULL, lease_token = NULL, lease_expires_at = NULL, leased_by = NULL \
         WHERE ",
        current!(),
        " AND NOT EXISTS (SELECT 1 FROM sections \
         WHERE request_id = ?1 AND sections.status <> 'COMPLETE')"
    );
    let document = &completion.document;
    let completed = sqlx::query(COMPLETE)
        .bind(blob(completion.id.as_uuid()))
        .bind(blob(completion.token.as_uuid()))
        .bind(blob(document.id.as_uuid()))
        .bind(size(document.bytes))
        .bind(document.sha256.as_str())
        .bind(i64::from(completion.pages))
        .execute(&mut *connection)
        .await?;
    if completed.rows_affected() == 0 {
        if was_completed_before(connection, completion).await? {
            return Ok(());
        }
        let refusal = why_not_completed(connection, completion.id, completion.token).await?;
        return Err(refusal.into());
    }
    for other in &completion.others {
        insert_document(connection, completion.id, other).await?;
    }
    Ok(())
}

async fn insert_document(
    connection: &mut SqliteConnection,
    id: RequestId,
    document: &FinishedDocument,
) -> Result<(), StoreError> {
    const INSERT: &str = "INSERT INTO documents \
         (request_id, kind, volume, document_id, document_bytes, document_sha256, pages) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    sqlx::query(INSERT)
        .bind(blob(id.as_uuid()))
        .bind(document.kind.as_str())
        .bind(i64::from(document.volume))
        .bind(blob(document.kept.id.as_uuid()))
        .bind(size(document.kept.bytes))
        .bind(document.kept.sha256.as_str())
        .bind(document.pages.map(i64::from))
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether the same token completed it with the same documents.
async fn was_completed_before(
    connection: &mut SqliteConnection,
    completion: &Completion,
) -> Result<bool, StoreError> {
    const SAME: &str = "SELECT 1 FROM requests WHERE id = ?1 AND completed_by = ?2 \
         AND document_id = ?3 AND document_bytes = ?4 AND document_sha256 = ?5";
    let document = &completion.document;
    let same = sqlx::query(SAME)
        .bind(blob(completion.id.as_uuid()))
        .bind(blob(completion.token.as_uuid()))
        .bind(blob(document.id.as_uuid()))
        .bind(size(document.bytes))
        .bind(document.sha256.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if same.is_none() {
        return Ok(false);
    }
    Ok(find(connection, completion.id)
        .await?
        .is_some_and(|request| are_same(&completion.others, request.others)))
}

/// Why a report was not accepted: the holder of the current lease lacks a section.
async fn why_not_completed(
    connection: &mut SqliteConnection,
    id: RequestId,
    token: LeaseToken,
) -> Result<LeaseRefusal, StoreError> {
    const HELD: &str = concat!("SELECT 1 FROM requests WHERE ", current!());
    let held = sqlx::query(HELD)
        .bind(blob(id.as_uuid()))
        .bind(blob(token.as_uuid()))
        .fetch_optional(&mut *connection)
        .await?;
    match held {
        Some(_) => Ok(LeaseRefusal::Uncollected),
        None => why_refused(connection, id).await,
    }
}

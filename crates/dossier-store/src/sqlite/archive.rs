//! The archive: finished requests that are only remembered.

use std::time::Duration;

use dossier_core::RequestId;
use dossier_core::request::{Request, RequestStatus};
use sqlx::AssertSqlSafe;

use super::requests::find;
use super::rows::{self, request_columns, time, uuid};
use super::sql::{blob, blobs, folded, millis, now};
use super::{SqliteStore, StoreError};
use crate::{ArchivedRequest, Page};

impl SqliteStore {
    pub(super) async fn to_archive(
        &self,
        age: Duration,
        max: u32,
    ) -> Result<Vec<Request>, StoreError> {
        const OLD: &str = concat!(
            "SELECT ",
            request_columns!(),
            " FROM requests WHERE requests.finished_at <= ",
            now!(),
            " - ?1 ORDER BY requests.finished_at, requests.id LIMIT ?2"
        );
        let mut tx = self.read().await?;
        let found = sqlx::query(OLD)
            .bind(millis(age))
            .bind(i64::from(max))
            .fetch_all(&mut *tx)
            .await?;
        rows::requests(&mut tx, &found).await
    }

    pub(super) async fn archive(&self, id: RequestId) -> Result<(), StoreError> {
        const REQUEST: &str = concat!(
            "INSERT INTO archived_requests (id, status, date_from, date_to, case_reference, \
             subject_kind, subject_id, search_text, requested_by, requested_at, clock_started_at, \
             due_at, attempts, claimed_at, finished_at, error_code, error_detail, pages, \
             last_downloaded_at, priority, archived_at) \
             SELECT id, status, date_from, date_to, case_reference, \
             subject_kind, subject_id, search_text, requested_by, requested_at, clock_started_at, \
             due_at, attempts, claimed_at, finished_at, error_code, error_detail, pages, \
             last_downloaded_at, priority, ",
            now!(),
            " FROM requests WHERE id = ?1 AND status <> 'Pending'"
        );
        const SECTIONS: &str = "INSERT INTO archived_sections (request_id, service_id, \
             service_name, service_label, service_url, category, rank, status, held, \
             template_version, rendered_at, bytes, tries, error) \
             SELECT sections.request_id, sections.service_id, services.name, services.label, \
             services.url, services.category, services.rank, sections.status, sections.held, \
             sections.template_version, sections.rendered_at, sections.bytes, sections.tries, \
             sections.error \
             FROM sections JOIN services ON services.id = sections.service_id \
             WHERE sections.request_id = ?1";
        // An attempt whose documents are still stored stays until they are cleaned up.
        const ATTEMPTS: &str = "DELETE FROM attempts WHERE request_id = ?1 \
             AND (cleaned = 1 OR ending = 'COMPLETED')";
        const LIVE: &str = "DELETE FROM requests WHERE id = ?1";

        let mut tx = self.write().await?;
        let archived = sqlx::query(REQUEST)
            .bind(blob(id.as_uuid()))
            .execute(&mut *tx)
            .await?;
        if archived.rows_affected() == 0 {
            return match find(&mut tx, id).await? {
                Some(_) => Err(StoreError::WrongStatus(RequestStatus::Pending)),
                None => Err(StoreError::NotFound),
            };
        }
        for statement in [SECTIONS, ATTEMPTS, LIVE] {
            sqlx::query(statement)
                .bind(blob(id.as_uuid()))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn archived(
        &self,
        search: Option<&str>,
        page: Page,
    ) -> Result<Vec<ArchivedRequest>, StoreError> {
        let slice = page.slice();
        let sql = format!(
            "SELECT *, NULL AS subject_name, NULL AS lease_expires_at, \
             NULL AS document_id, NULL AS document_bytes, NULL AS document_sha256 \
             FROM archived_requests WHERE id IN (SELECT id FROM archived_requests \
             WHERE (?1 IS NULL OR instr(search_text, ?1) > 0){} ORDER BY {} LIMIT ?2 OFFSET ?3) \
             ORDER BY requested_at DESC, id DESC",
            slice.behind("?4, ?5"),
            slice.order(),
        );
        let mut tx = self.read().await?;
        let mut statement = sqlx::query(AssertSqlSafe(sql))
            .bind(search.map(folded))
            .bind(slice.limit)
            .bind(slice.offset);
        if let Some(key) = slice.after {
            statement = statement.bind(key.requested_at_ms()).bind(blob(key.id()));
        }
        let found = statement.fetch_all(&mut *tx).await?;
        let requests = rows::archived(&mut tx, &found).await?;
        found
            .iter()
            .zip(requests)
            .map(|(row, request)| {
                Ok(ArchivedRequest {
                    request,
                    archived_at: time(row, "archived_at")?,
                })
            })
            .collect()
    }

    pub(super) async fn purge(&self, age: Duration) -> Result<u64, StoreError> {
        const REQUESTS: &str = concat!(
            "DELETE FROM archived_requests WHERE archived_at <= ",
            now!(),
            " - ?1 RETURNING id"
        );
        const KEYS: &str = "DELETE FROM idempotency_keys \
             WHERE request_id IN (SELECT unhex(value) FROM json_each(?1))";
        let mut tx = self.write().await?;
        let purged = sqlx::query(REQUESTS)
            .bind(millis(age))
            .fetch_all(&mut *tx)
            .await?;
        let ids = purged
            .iter()
            .map(|row| uuid(row, "id"))
            .collect::<Result<Vec<_>, _>>()?;
        let requests = ids.len() as u64;
        sqlx::query(KEYS).bind(blobs(ids)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(requests)
    }
}

//! The archive: finished requests that are only remembered.

use std::time::Duration;

use dossier_core::RequestId;
use dossier_core::request::{Request, RequestStatus};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::requests::find;
use super::rows::{self, request_columns, time, uuid};
use super::search::Search;
use super::session::In;
use super::sql::{millis, now};
use super::{Failed, PostgresStore, StoreError};
use crate::{ArchivedRequest, Page, PageKey, Store};

impl PostgresStore {
    pub(super) async fn to_archive(&self, age: Duration, max: u32) -> Result<Vec<Request>, Failed> {
        const OLD: &str = concat!(
            "SELECT ",
            request_columns!(),
            " FROM requests WHERE requests.finished_at <= ",
            now!(),
            " - $1 ORDER BY requests.finished_at, requests.id LIMIT $2"
        );
        let mut tx = self.read().await?;
        let found = sqlx::query(OLD)
            .bind(millis(age))
            .bind(i64::from(max))
            .all(&mut tx)
            .await?;
        rows::requests(&mut tx, &found).await
    }

    pub(super) async fn archive(&self, id: RequestId) -> Result<(), Failed> {
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
            " FROM requests WHERE id = $1 AND status <> 'Pending' FOR UPDATE"
        );
        const SECTIONS: &str = "INSERT INTO archived_sections (request_id, service_id, \
             service_name, service_label, service_url, category, rank, status, held, \
             template_version, rendered_at, bytes, tries, error) \
             SELECT sections.request_id, sections.service_id, services.name, services.label, \
             services.url, services.category, services.rank, sections.status, sections.held, \
             sections.template_version, sections.rendered_at, sections.bytes, sections.tries, \
             sections.error \
             FROM sections JOIN services ON services.id = sections.service_id \
             WHERE sections.request_id = $1";
        // An attempt whose documents are still stored stays until they are cleaned up.
        const ATTEMPTS: &str = "DELETE FROM attempts WHERE request_id = $1 \
             AND (cleaned OR ending = 'COMPLETED')";
        const LIVE: &str = "DELETE FROM requests WHERE id = $1";

        let mut tx = self.write().await?;
        let archived = sqlx::query(REQUEST).bind(id.as_uuid()).run(&mut tx).await?;
        if archived.rows_affected() == 0 {
            let refusal = match find(&mut tx, id).await? {
                Some(_) => StoreError::WrongStatus(RequestStatus::Pending),
                None => StoreError::NotFound,
            };
            return Err(refusal.into());
        }
        for statement in [SECTIONS, ATTEMPTS, LIVE] {
            sqlx::query(statement)
                .bind(id.as_uuid())
                .run(&mut tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn archived(
        &self,
        search: Option<&str>,
        page: Page,
    ) -> Result<Vec<ArchivedRequest>, Failed> {
        let search = search.map(|text| Search::new(self.search_kind(), text));
        let condition = match &search {
            Some(search) => search.of_archived(),
            None => "TRUE",
        };
        let slice = page.slice();
        let sql = format!(
            "SELECT *, NULL::text AS subject_name, NULL::bigint AS lease_expires_at, \
             NULL::uuid AS document_id, NULL::bigint AS document_bytes, \
             NULL::text AS document_sha256 FROM archived_requests WHERE id IN \
             (SELECT id FROM archived_requests WHERE {condition}{} \
              ORDER BY {} LIMIT $3 OFFSET $4) \
             ORDER BY requested_at DESC, id DESC",
            slice.behind("$5, $6"),
            slice.order(),
        );
        let mut tx = self.read().await?;
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(search.as_ref().map(Search::first))
            .bind(search.as_ref().and_then(Search::second))
            .bind(slice.limit)
            .bind(slice.offset)
            .bind(slice.after.map(PageKey::requested_at_ms))
            .bind(slice.after.map(PageKey::id))
            .all_by_own_plan(&mut tx)
            .await?;
        let requests = rows::archived(&mut tx, &found).await?;
        let archived = found.iter().zip(requests).map(|(row, request)| {
            Ok(ArchivedRequest {
                request,
                archived_at: time(row, "archived_at")?,
            })
        });
        Ok(archived.collect::<Result<_, StoreError>>()?)
    }

    pub(super) async fn purge(&self, age: Duration) -> Result<u64, Failed> {
        const REQUESTS: &str = concat!(
            "DELETE FROM archived_requests WHERE archived_at <= ",
            now!(),
            " - $1 RETURNING id"
        );
        const KEYS: &str = "DELETE FROM idempotency_keys WHERE request_id = ANY($1)";
        let mut tx = self.write().await?;
        let purged = sqlx::query(REQUESTS).bind(millis(age)).all(&mut tx).await?;
        let ids = purged
            .iter()
            .map(|row| uuid(row, "id"))
            .collect::<Result<Vec<Uuid>, _>>()?;
        let requests = ids.len() as u64;
        sqlx::query(KEYS).bind(ids).run(&mut tx).await?;
        tx.commit().await?;
        Ok(requests)
    }
}

//! Which columns and rows make a request, and how SQLite's are read.

use dossier_core::request::{Request, RequestStatus};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, SqliteConnection, Type};
use uuid::Uuid;

use super::StoreError;
use super::sql::{blobs, now};
use crate::rows::Columns;
pub(super) use crate::rows::{
    count, depth, optional, optional_time, parsed, service, subject_kind, time, uuid, word,
};

/// The columns of a live request. An expired lease is nobody's, so it is not shown.
macro_rules! request_columns {
    () => {
        concat!(
            "requests.id, requests.status, requests.date_from, requests.date_to, \
             requests.case_reference, requests.subject_kind, requests.subject_id, \
             requests.subject_name, requests.priority, requests.requested_by, requests.requested_at, \
             requests.clock_started_at, requests.claimed_at, requests.due_at, requests.attempts, \
             requests.finished_at, requests.error_code, requests.error_detail, \
             requests.document_id, requests.document_bytes, requests.document_sha256, \
             requests.pages, requests.last_downloaded_at, \
             CASE WHEN requests.lease_expires_at > ",
            $crate::sqlite::sql::now!(),
            " THEN requests.lease_expires_at END AS lease_expires_at"
        )
    };
}

/// The columns of a service of the catalogue.
macro_rules! service_columns {
    () => {
        "services.*, \
         (SELECT max(version) FROM template_versions \
             WHERE template_versions.service_id = services.id AND status = 'PUBLISHED') \
             AS template_version, \
         (SELECT version FROM template_versions \
             WHERE template_versions.service_id = services.id AND status = 'PENDING') \
             AS pending_template_version"
    };
}

pub(super) use {request_columns, service_columns};

/// Sections of the requests in `?1`, as the catalogue describes their services now.
const SECTIONS: &str = "SELECT sections.request_id, sections.service_id, \
     services.name AS service_name, services.label AS service_label, services.url AS service_url, \
     services.template_migrated, services.category, services.rank, \
     schemas.sha256 AS schema_sha256, sections.status, sections.held, sections.kept_id, \
     sections.kept_bytes, sections.kept_sha256, sections.template_version, sections.rendered_at, \
     sections.bytes, sections.tries, sections.error \
     FROM sections JOIN services ON services.id = sections.service_id \
     LEFT JOIN schemas ON schemas.service_id = sections.service_id \
     WHERE sections.request_id IN (SELECT unhex(value) FROM json_each(?1))";

/// Documents of the requests in `?1` besides their reports' first volumes; an archived request has
/// none.
const DOCUMENTS: &str = "SELECT * FROM documents \
     WHERE request_id IN (SELECT unhex(value) FROM json_each(?1))";

/// Sections of the archived requests in `?1`, as their services were described then.
const ARCHIVED_SECTIONS: &str = "SELECT *, 0 AS template_migrated, NULL AS schema_sha256, \
     NULL AS kept_id, NULL AS kept_bytes, NULL AS kept_sha256 FROM archived_sections \
     WHERE request_id IN (SELECT unhex(value) FROM json_each(?1))";

/// Makes requests from their rows and adds their sections and documents.
pub(super) async fn requests(
    connection: &mut SqliteConnection,
    rows: &[SqliteRow],
) -> Result<Vec<Request>, StoreError> {
    let mut requests = with_sections(connection, rows, SECTIONS).await?;
    let completed = requests
        .iter()
        .filter(|request| request.status == RequestStatus::Completed);
    let ids: Vec<Uuid> = completed.map(|request| request.id.as_uuid()).collect();
    if ids.is_empty() {
        return Ok(requests);
    }
    let rows = sqlx::query(DOCUMENTS)
        .bind(blobs(ids))
        .fetch_all(connection)
        .await?;
    crate::rows::add_documents(&mut requests, &rows)?;
    Ok(requests)
}

/// Makes archived requests from their rows and adds their sections.
pub(super) async fn archived(
    connection: &mut SqliteConnection,
    rows: &[SqliteRow],
) -> Result<Vec<Request>, StoreError> {
    with_sections(connection, rows, ARCHIVED_SECTIONS).await
}

async fn with_sections(
    connection: &mut SqliteConnection,
    rows: &[SqliteRow],
    sections: &'static str,
) -> Result<Vec<Request>, StoreError> {
    let mut requests = rows
        .iter()
        .map(crate::rows::request)
        .collect::<Result<Vec<_>, _>>()?;
    if requests.is_empty() {
        return Ok(requests);
    }
    let ids = blobs(requests.iter().map(|request| request.id.as_uuid()));
    let rows = sqlx::query(sections)
        .bind(ids)
        .fetch_all(connection)
        .await?;
    crate::rows::add_sections(&mut requests, &rows)?;
    Ok(requests)
}

/// A column as it is.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(column).map_err(|_| StoreError::Corrupt(column))
}

/// The database's clock.
pub(super) async fn clock(connection: &mut SqliteConnection) -> Result<Timestamp, StoreError> {
    let row = sqlx::query(concat!("SELECT ", now!(), " AS now"))
        .fetch_one(connection)
        .await?;
    time(&row, "now")
}

impl Columns for SqliteRow {
    fn text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        get(self, column)
    }

    fn number(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        get(self, column)
    }

    fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        get(self, column)
    }

    fn identifier(&self, column: &'static str) -> Result<Option<Uuid>, StoreError> {
        let bytes: Option<&[u8]> = get(self, column)?;
        bytes
            .map(|bytes| Uuid::from_slice(bytes).map_err(|_| StoreError::Corrupt(column)))
            .transpose()
    }
}

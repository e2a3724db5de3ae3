//! Which columns and rows make a request, and how PostgreSQL's are read.

use dossier_core::request::{Request, RequestStatus};
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::session::{In, Session};
use super::sql::this_moment;
use super::{Failed, StoreError};
use crate::rows::Columns;
pub(super) use crate::rows::{
    count, depth, optional, optional_small, optional_time, parsed, service, small, subject_kind,
    time, uuid, word,
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
            $crate::postgres::sql::this_moment!(),
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

/// Sections of the requests in `$1`, as the catalogue describes their services now.
const SECTIONS: &str = "SELECT sections.request_id, sections.service_id, \
     services.name AS service_name, services.label AS service_label, services.url AS service_url, \
     services.template_migrated, schemas.sha256 AS schema_sha256, \
     services.category, services.rank, sections.status, \
     sections.held, sections.kept_id, sections.kept_bytes, sections.kept_sha256, sections.template_version, sections.rendered_at, \
     sections.bytes, sections.tries, sections.error \
     FROM sections JOIN services ON services.id = sections.service_id \
     LEFT JOIN schemas ON schemas.service_id = sections.service_id WHERE sections.request_id = ANY($1)";

/// Documents of the requests in `$1` besides their reports' first volumes; an archived request has
/// none.
pub(super) const DOCUMENTS: &str = "SELECT * FROM documents WHERE request_id = ANY($1)";

/// Sections of the archived requests in `$1`, as their services were described then.
const ARCHIVED_SECTIONS: &str = "SELECT *, false AS template_migrated, NULL::text AS schema_sha256, NULL::uuid AS kept_id, \
     NULL::bigint AS kept_bytes, NULL::text AS kept_sha256 FROM archived_sections WHERE request_id = ANY($1)";

/// Makes requests from their rows and adds their sections and documents.
pub(super) async fn requests(
    session: &mut Session,
    rows: &[PgRow],
) -> Result<Vec<Request>, Failed> {
    let mut requests = with_sections(session, rows, SECTIONS).await?;
    let completed = requests
        .iter()
        .filter(|request| request.status == RequestStatus::Completed);
    let ids: Vec<Uuid> = completed.map(|request| request.id.as_uuid()).collect();
    if !ids.is_empty() {
        let rows = sqlx::query(DOCUMENTS).bind(ids).all(session).await?;
        crate::rows::add_documents(&mut requests, &rows)?;
    }
    Ok(requests)
}

/// Makes archived requests from their rows and adds their sections.
pub(super) async fn archived(
    session: &mut Session,
    rows: &[PgRow],
) -> Result<Vec<Request>, Failed> {
    with_sections(session, rows, ARCHIVED_SECTIONS).await
}

async fn with_sections(
    session: &mut Session,
    rows: &[PgRow],
    sections: &'static str,
) -> Result<Vec<Request>, Failed> {
    let mut requests = rows
        .iter()
        .map(crate::rows::request)
        .collect::<Result<Vec<_>, _>>()?;
    if requests.is_empty() {
        return Ok(requests);
    }
    let ids: Vec<Uuid> = requests
        .iter()
        .map(|request| request.id.as_uuid())
        .collect();
    let rows = sqlx::query(sections).bind(ids).all(session).await?;
    crate::rows::add_sections(&mut requests, &rows)?;
    Ok(requests)
}

/// The database's clock.
pub(super) async fn clock(session: &mut Session) -> Result<Timestamp, Failed> {
    let row = sqlx::query(concat!("SELECT ", this_moment!(), " AS now"))
        .one(session)
        .await?;
    Ok(time(&row, "now")?)
}

impl Columns for PgRow {
    fn text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        self.try_get(column)
            .map_err(|_| StoreError::Corrupt(column))
    }

    fn number(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.try_get(column)
            .map_err(|_| StoreError::Corrupt(column))
    }

    fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        self.try_get(column)
            .map_err(|_| StoreError::Corrupt(column))
    }

    fn identifier(&self, column: &'static str) -> Result<Option<Uuid>, StoreError> {
        self.try_get(column)
            .map_err(|_| StoreError::Corrupt(column))
    }
}

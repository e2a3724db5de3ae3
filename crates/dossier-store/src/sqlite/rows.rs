//! From rows to domain types. What does not fit is [`StoreError::Corrupt`].

use std::collections::HashMap;

use dossier_core::request::{ErrorCode, Request, RequestStatus};
use dossier_core::section::{Held, Section, SectionStatus};
use dossier_core::service::{Category, Service, ServiceDetails, report_order};
use dossier_core::subject::{CaseReference, SubjectIdentifier, SubjectName};
use dossier_core::{DocumentKind, FinishedDocument, KeptDocument};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, SqliteConnection, Type};
use uuid::Uuid;

use super::StoreError;
use super::sql::{blobs, now};

/// The columns of a live request. An expired lease is nobody's, so it is not shown.
macro_rules! request_columns {
    () => {
        concat!(
            "requests.id, requests.status, requests.date_from, requests.date_to, \
             requests.case_reference, requests.subject_kind, requests.subject_id, \
             requests.subject_name, requests.requested_by, requests.requested_at, \
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
    let mut by_request: HashMap<Uuid, Vec<FinishedDocument>> = HashMap::new();
    for row in &rows {
        let id = uuid(row, "request_id")?;
        by_request.entry(id).or_default().push(finished(row)?);
    }
    for request in &mut requests {
        let mut others = by_request.remove(&request.id.as_uuid()).unwrap_or_default();
        others.sort_by_key(|document| (document.kind, document.volume));
        request.others = others;
    }
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
    let mut requests = rows.iter().map(request).collect::<Result<Vec<_>, _>>()?;
    if requests.is_empty() {
        return Ok(requests);
    }
    let ids = blobs(requests.iter().map(|request| request.id.as_uuid()));
    let rows = sqlx::query(sections)
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let mut by_request: HashMap<Uuid, Vec<Section>> = HashMap::new();
    for row in &rows {
        let id = uuid(row, "request_id")?;
        by_request.entry(id).or_default().push(section(row)?);
    }
    for request in &mut requests {
        let mut sections = by_request.remove(&request.id.as_uuid()).unwrap_or_default();
        sections.sort_by_cached_key(|section| {
            let order = report_order(section.rank, section.category, &section.service_label);
            (order, section.service_name.clone())
        });
        request.sections = sections;
    }
    Ok(requests)
}

fn request(row: &SqliteRow) -> Result<Request, StoreError> {
    let status = word(row, "status", RequestStatus::parse)?;
    let finished_at = optional_time(row, "finished_at")?;
    Ok(Request {
        id: uuid(row, "id")?.into(),
        status,
        date_from: optional(row, "date_from", parsed)?,
        date_to: word(row, "date_to", parsed)?,
        case_reference: word(row, "case_reference", |text| {
            CaseReference::parse(text).ok()
        })?,
        subject: subject(row)?,
        subject_name: optional(row, "subject_name", |text| SubjectName::parse(text).ok())?,
        requested_by: get(row, "requested_by")?,
        requested_at: time(row, "requested_at")?,
        clock_started_at: time(row, "clock_started_at")?,
        claimed_at: optional_time(row, "claimed_at")?,
        lease_expires_at: optional_time(row, "lease_expires_at")?,
        due_at: time(row, "due_at")?,
        attempts: get(row, "attempts")?,
        completed_at: finished_at.filter(|_| status == RequestStatus::Completed),
        error_code: optional(row, "error_code", ErrorCode::parse)?,
        error_detail: get(row, "error_detail")?,
        document: kept(row, "document_id", "document_bytes", "document_sha256")?,
        pages: get(row, "pages")?,
        others: Vec::new(),
        last_downloaded_at: optional_time(row, "last_downloaded_at")?,
        sections: Vec::new(),
    })
}

fn subject(row: &SqliteRow) -> Result<SubjectIdentifier, StoreError> {
    let kind: String = get(row, "subject_kind")?;
    let parse = match kind.as_str() {
        "NOMIS" => SubjectIdentifier::nomis,
        "NDELIUS" => SubjectIdentifier::ndelius,
        _ => return Err(StoreError::Corrupt("subject_kind")),
    };
    word(row, "subject_id", |text| parse(text).ok())
}

/// What `subject_kind` says of an identifier.
pub(super) fn subject_kind(subject: &SubjectIdentifier) -> &'static str {
    match subject {
        SubjectIdentifier::Nomis(_) => "NOMIS",
        SubjectIdentifier::Ndelius(_) => "NDELIUS",
    }
}

fn section(row: &SqliteRow) -> Result<Section, StoreError> {
    Ok(Section {
        service_id: uuid(row, "service_id")?.into(),
        service_name: word(row, "service_name", parsed)?,
        service_label: get(row, "service_label")?,
        service_url: word(row, "service_url", |text| {
            ServiceDetails::parse_url(text).ok()
        })?,
        template_migrated: get(row, "template_migrated")?,
        schema_sha256: optional(row, "schema_sha256", parsed)?,
        category: word(row, "category", Category::parse)?,
        rank: get(row, "rank")?,
        status: word(row, "status", SectionStatus::parse)?,
        held: optional(row, "held", Held::parse)?,
        kept: kept(row, "kept_id", "kept_bytes", "kept_sha256")?,
        template_version: optional(row, "template_version", parsed)?,
        rendered_at: optional_time(row, "rendered_at")?,
        bytes: count(row, "bytes")?,
        tries: get(row, "tries")?,
        error: get(row, "error")?,
    })
}

/// A service of the catalogue.
pub(super) fn service(row: &SqliteRow) -> Result<Service, StoreError> {
    Ok(Service {
        id: uuid(row, "id")?.into(),
        details: ServiceDetails {
            name: word(row, "name", parsed)?,
            label: get(row, "label")?,
            url: word(row, "url", |text| ServiceDetails::parse_url(text).ok())?,
            enabled: get(row, "enabled")?,
            template_migrated: get(row, "template_migrated")?,
            category: word(row, "category", Category::parse)?,
            rank: get(row, "rank")?,
        },
        suspended_at: optional_time(row, "suspended_at")?,
        template_version: get(row, "template_version")?,
        pending_template_version: get(row, "pending_template_version")?,
    })
}

fn finished(row: &SqliteRow) -> Result<FinishedDocument, StoreError> {
    Ok(FinishedDocument {
        kind: word(row, "kind", DocumentKind::parse)?,
        volume: get(row, "volume")?,
        kept: kept(row, "document_id", "document_bytes", "document_sha256")?
            .ok_or(StoreError::Corrupt("document_id"))?,
        pages: get(row, "pages")?,
    })
}

fn kept(
    row: &SqliteRow,
    id: &'static str,
    bytes: &'static str,
    sha256: &'static str,
) -> Result<Option<KeptDocument>, StoreError> {
    let Some(known) = optional_uuid(row, id)? else {
        return Ok(None);
    };
    Ok(Some(KeptDocument {
        id: known.into(),
        bytes: count(row, bytes)?,
        sha256: word(row, sha256, parsed)?,
    }))
}

/// A column as it is.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(column).map_err(|_| StoreError::Corrupt(column))
}

/// A column of text that `parse` must understand.
pub(super) fn word<T>(
    row: &SqliteRow,
    column: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(get(row, column)?).ok_or(StoreError::Corrupt(column))
}

/// A column of text, if there is any, that `parse` must understand.
pub(super) fn optional<T>(
    row: &SqliteRow,
    column: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = get(row, column)?;
    text.map(|text| parse(text).ok_or(StoreError::Corrupt(column)))
        .transpose()
}

/// What the text stands for, by `FromStr`.
pub(super) fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// A column that holds an identifier.
pub(super) fn uuid(row: &SqliteRow, column: &'static str) -> Result<Uuid, StoreError> {
    optional_uuid(row, column)?.ok_or(StoreError::Corrupt(column))
}

fn optional_uuid(row: &SqliteRow, column: &'static str) -> Result<Option<Uuid>, StoreError> {
    let bytes: Option<&[u8]> = get(row, column)?;
    bytes
        .map(|bytes| Uuid::from_slice(bytes).map_err(|_| StoreError::Corrupt(column)))
        .transpose()
}

/// A column that holds a time.
pub(super) fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    optional_time(row, column)?.ok_or(StoreError::Corrupt(column))
}

/// A column that holds a time, if there is one.
pub(super) fn optional_time(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    let millis: Option<i64> = get(row, column)?;
    millis
        .map(|millis| Timestamp::from_millisecond(millis).map_err(|_| StoreError::Corrupt(column)))
        .transpose()
}

/// A column that holds a number from 0.
pub(super) fn count(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|_| StoreError::Corrupt(column))
}

/// The database's clock.
pub(super) async fn clock(connection: &mut SqliteConnection) -> Result<Timestamp, StoreError> {
    let row = sqlx::query(concat!("SELECT ", now!(), " AS now"))
        .fetch_one(connection)
        .await?;
    time(&row, "now")
}

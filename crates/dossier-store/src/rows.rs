//! From rows to domain types, whichever database they come from. What does not fit is
//! [`StoreError::Corrupt`].

use std::collections::HashMap;
use std::time::Duration;

use dossier_core::request::{ErrorCode, Priority, Request, RequestStatus};
use dossier_core::section::{Held, Section, SectionStatus};
use dossier_core::service::{Category, Service, ServiceDetails, report_order};
use dossier_core::subject::{CaseReference, SubjectIdentifier, SubjectName};
use dossier_core::{DocumentKind, FinishedDocument, KeptDocument};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{QueueDepth, StoreError};

/// A row, as far as the conversions need to look into it.
pub(crate) trait Columns {
    /// A text, if there is any.
    fn text(&self, column: &'static str) -> Result<Option<&str>, StoreError>;
    /// A number, if there is any.
    fn number(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
    /// A yes or no.
    fn flag(&self, column: &'static str) -> Result<bool, StoreError>;
    /// An identifier, if there is any.
    fn identifier(&self, column: &'static str) -> Result<Option<Uuid>, StoreError>;
}

/// A request without its sections and further documents.
pub(crate) fn request(row: &impl Columns) -> Result<Request, StoreError> {
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
        priority: priority(row)?,
        requested_by: word(row, "requested_by", owned)?,
        requested_at: time(row, "requested_at")?,
        clock_started_at: time(row, "clock_started_at")?,
        claimed_at: optional_time(row, "claimed_at")?,
        lease_expires_at: optional_time(row, "lease_expires_at")?,
        due_at: time(row, "due_at")?,
        attempts: small(row, "attempts")?,
        completed_at: finished_at.filter(|_| status == RequestStatus::Completed),
        error_code: optional(row, "error_code", ErrorCode::parse)?,
        error_detail: optional(row, "error_detail", owned)?,
        document: kept(row, "document_id", "document_bytes", "document_sha256")?,
        pages: optional_small(row, "pages")?,
        others: Vec::new(),
        last_downloaded_at: optional_time(row, "last_downloaded_at")?,
        sections: Vec::new(),
    })
}

fn priority(row: &impl Columns) -> Result<Priority, StoreError> {
    let steps = row.number("priority")?;
    let known = Priority::ALL.into_iter();
    let mut fitting = known.filter(|priority| Some(i64::from(priority.steps())) == steps);
    fitting.next().ok_or(StoreError::Corrupt("priority"))
}

fn subject(row: &impl Columns) -> Result<SubjectIdentifier, StoreError> {
    let kind = word(row, "subject_kind", owned)?;
    let parse = match kind.as_str() {
        "NOMIS" => SubjectIdentifier::nomis,
        "NDELIUS" => SubjectIdentifier::ndelius,
        _ => return Err(StoreError::Corrupt("subject_kind")),
    };
    word(row, "subject_id", |text| parse(text).ok())
}

/// How much there is to do.
pub(crate) fn depth(row: &impl Columns) -> Result<QueueDepth, StoreError> {
    let oldest_due = row.number("oldest_due")?;
    let millis = oldest_due.map(|millis| u64::try_from(millis).unwrap_or(0));
    Ok(QueueDepth {
        due: count(row, "due")?,
        oldest_due: millis.map(Duration::from_millis),
        leased: count(row, "leased")?,
    })
}

/// What `subject_kind` says of an identifier.
pub(crate) fn subject_kind(subject: &SubjectIdentifier) -> &'static str {
    match subject {
        SubjectIdentifier::Nomis(_) => "NOMIS",
        SubjectIdentifier::Ndelius(_) => "NDELIUS",
    }
}

/// Gives the requests their sections, in report order.
pub(crate) fn add_sections<R: Columns>(
    requests: &mut [Request],
    rows: &[R],
) -> Result<(), StoreError> {
    let mut by_request: HashMap<Uuid, Vec<Section>> = HashMap::new();
    for row in rows {
        let id = uuid(row, "request_id")?;
        by_request.entry(id).or_default().push(section(row)?);
    }
    for request in requests {
        let mut sections = by_request.remove(&request.id.as_uuid()).unwrap_or_default();
        sections.sort_by_cached_key(|section| {
            let order = report_order(section.rank, section.category, &section.service_label);
            (order, section.service_name.clone())
        });
        request.sections = sections;
    }
    Ok(())
}

/// Gives the requests their documents besides their reports' first volumes, by kind and volume.
pub(crate) fn add_documents<R: Columns>(
    requests: &mut [Request],
    rows: &[R],
) -> Result<(), StoreError> {
    let mut by_request = documents_by_request(rows)?;
    for request in requests {
        let mut others = by_request.remove(&request.id.as_uuid()).unwrap_or_default();
        others.sort_by_key(|document| (document.kind, document.volume));
        request.others = others;
    }
    Ok(())
}

/// The documents in these rows, by the requests that have them.
pub(crate) fn documents_by_request<R: Columns>(
    rows: &[R],
) -> Result<HashMap<Uuid, Vec<FinishedDocument>>, StoreError> {
    let mut by_request: HashMap<Uuid, Vec<FinishedDocument>> = HashMap::new();
    for row in rows {
        let id = uuid(row, "request_id")?;
        by_request.entry(id).or_default().push(finished(row)?);
    }
    Ok(by_request)
}

fn section(row: &impl Columns) -> Result<Section, StoreError> {
    Ok(Section {
        service_id: uuid(row, "service_id")?.into(),
        service_name: word(row, "service_name", parsed)?,
        service_label: word(row, "service_label", owned)?,
        service_url: word(row, "service_url", |text| {
            ServiceDetails::parse_url(text).ok()
        })?,
        template_migrated: row.flag("template_migrated")?,
        schema_sha256: optional(row, "schema_sha256", parsed)?,
        category: word(row, "category", Category::parse)?,
        rank: optional_small(row, "rank")?,
        status: word(row, "status", SectionStatus::parse)?,
        held: optional(row, "held", Held::parse)?,
        kept: kept(row, "kept_id", "kept_bytes", "kept_sha256")?,
        template_version: optional(row, "template_version", parsed)?,
        rendered_at: optional_time(row, "rendered_at")?,
        bytes: count(row, "bytes")?,
        tries: small(row, "tries")?,
        error: optional(row, "error", owned)?,
    })
}

/// A service of the catalogue.
pub(crate) fn service(row: &impl Columns) -> Result<Service, StoreError> {
    Ok(Service {
        id: uuid(row, "id")?.into(),
        details: ServiceDetails {
            name: word(row, "name", parsed)?,
            label: word(row, "label", owned)?,
            url: word(row, "url", |text| ServiceDetails::parse_url(text).ok())?,
            enabled: row.flag("enabled")?,
            template_migrated: row.flag("template_migrated")?,
            category: word(row, "category", Category::parse)?,
            rank: optional_small(row, "rank")?,
        },
        suspended_at: optional_time(row, "suspended_at")?,
        template_version: optional_small(row, "template_version")?,
        pending_template_version: optional_small(row, "pending_template_version")?,
    })
}

fn finished(row: &impl Columns) -> Result<FinishedDocument, StoreError> {
    Ok(FinishedDocument {
        kind: word(row, "kind", DocumentKind::parse)?,
        volume: small(row, "volume")?,
        kept: kept(row, "document_id", "document_bytes", "document_sha256")?
            .ok_or(StoreError::Corrupt("document_id"))?,
        pages: optional_small(row, "pages")?,
    })
}

fn kept(
    row: &impl Columns,
    id: &'static str,
    bytes: &'static str,
    sha256: &'static str,
) -> Result<Option<KeptDocument>, StoreError> {
    let Some(known) = row.identifier(id)? else {
        return Ok(None);
    };
    Ok(Some(KeptDocument {
        id: known.into(),
        bytes: count(row, bytes)?,
        sha256: word(row, sha256, parsed)?,
    }))
}

/// A column of text that `parse` must understand.
pub(crate) fn word<T>(
    row: &impl Columns,
    column: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    optional(row, column, parse)?.ok_or(StoreError::Corrupt(column))
}

/// A column of text, if there is any, that `parse` must understand.
pub(crate) fn optional<T>(
    row: &impl Columns,
    column: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    row.text(column)?
        .map(|text| parse(text).ok_or(StoreError::Corrupt(column)))
        .transpose()
}

/// What the text stands for, by `FromStr`.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A column that holds an identifier.
pub(crate) fn uuid(row: &impl Columns, column: &'static str) -> Result<Uuid, StoreError> {
    row.identifier(column)?.ok_or(StoreError::Corrupt(column))
}

/// A column that holds a time.
pub(crate) fn time(row: &impl Columns, column: &'static str) -> Result<Timestamp, StoreError> {
    optional_time(row, column)?.ok_or(StoreError::Corrupt(column))
}

/// A column that holds a time, if there is one.
pub(crate) fn optional_time(
    row: &impl Columns,
    column: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    row.number(column)?
        .map(|millis| Timestamp::from_millisecond(millis).map_err(|_| StoreError::Corrupt(column)))
        .transpose()
}

/// A column that holds a number from 0.
pub(crate) fn count(row: &impl Columns, column: &'static str) -> Result<u64, StoreError> {
    let number = row.number(column)?.ok_or(StoreError::Corrupt(column))?;
    u64::try_from(number).map_err(|_| StoreError::Corrupt(column))
}

/// A column that holds a number from 0 that is never large.
pub(crate) fn small(row: &impl Columns, column: &'static str) -> Result<u32, StoreError> {
    optional_small(row, column)?.ok_or(StoreError::Corrupt(column))
}

/// The same, if there is one.
pub(crate) fn optional_small(
    row: &impl Columns,
    column: &'static str,
) -> Result<Option<u32>, StoreError> {
    row.number(column)?
        .map(|number| u32::try_from(number).map_err(|_| StoreError::Corrupt(column)))
        .transpose()
}

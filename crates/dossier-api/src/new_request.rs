//! From the body of a POST to a request that can be made: all its rules, checked at once.

use std::collections::HashSet;

use dossier_core::request::{
    DATE_MAX, DATE_MIN, IdempotencyKey, NewRequest, SERVICES_PER_REQUEST_MAX,
};
use dossier_core::service::Service;
use dossier_core::subject::{CaseReference, InvalidSubject, SubjectIdentifier, SubjectName};
use dossier_core::wire::{CreateRequest, FieldProblem};
use dossier_core::{Private, ServiceName};
use jiff::civil::Date;

use crate::problem::field_problem;

const NO_IDENTIFIER: &str = "Neither nomisId or nDeliusId provided - exactly one is required";
const TWO_IDENTIFIERS: &str = "Both nomisId and nDeliusId are provided - exactly one is required";

/// What is known beside the body.
pub(crate) struct Circumstances<'a> {
    /// The catalogue.
    pub(crate) catalogue: &'a [Service],
    /// The day that `dateTo` is when it is absent.
    pub(crate) today: Date,
    /// The caller's name.
    pub(crate) requested_by: String,
    /// The caller's key for repeats.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
}

/// The request that the body asks for, or everything that is wrong with it.
pub(crate) fn validate(
    body: &CreateRequest,
    circumstances: Circumstances<'_>,
) -> Result<NewRequest, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let subject = problems.take(subject(body));
    let case_reference = problems.take(case_reference(body));
    let subject_name = problems.take(subject_name(body));
    let date_to = body.date_to.unwrap_or(circumstances.today);
    problems.take(date_in_range("dateFrom", body.date_from));
    problems.take(date_in_range("dateTo", body.date_to));
    problems.take(date_order(body.date_from, date_to));
    let services = services(body, circumstances.catalogue, &mut problems);
    match (subject, case_reference, subject_name) {
        (Some(subject), Some(case_reference), Some(subject_name)) if problems.is_empty() => {
            Ok(NewRequest {
                date_from: body.date_from,
                date_to,
                case_reference,
                subject,
                subject_name,
                priority: body.priority.unwrap_or_default(),
                services,
                requested_by: circumstances.requested_by,
                idempotency_key: circumstances.idempotency_key,
            })
        }
        _ => Err(problems.0),
    }
}

#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn take<T>(&mut self, result: Result<T, FieldProblem>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem)).ok()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Exactly one identifier; a blank one is none, and is refused beside another.
fn subject(body: &CreateRequest) -> Result<SubjectIdentifier, FieldProblem> {
    let nomis = Given::of(body.nomis_id.as_ref());
    let ndelius = Given::of(body.ndelius_id.as_ref());
    match (nomis, ndelius) {
        (Given::Text(_), Given::Text(_)) => Err(field_problem("nomisId", TWO_IDENTIFIERS)),
        (Given::Text(id), Given::Nothing) => SubjectIdentifier::nomis(id)
            .map_err(|error| field_problem("nomisId", error.to_string())),
        (Given::Nothing, Given::Text(id)) => SubjectIdentifier::ndelius(id)
            .map_err(|error| field_problem("ndeliusId", error.to_string())),
        (Given::Text(_), Given::Blank) => Err(blank("ndeliusId")),
        (Given::Blank, Given::Text(_)) => Err(blank("nomisId")),
        (Given::Nothing | Given::Blank, Given::Nothing | Given::Blank) => {
            Err(field_problem("nomisId", NO_IDENTIFIER))
        }
    }
}

enum Given<'a> {
    Nothing,
    Blank,
    Text(&'a str),
}

impl<'a> Given<'a> {
    fn of(text: Option<&'a Private<String>>) -> Self {
        match text.map(|text| text.reveal().trim()) {
            None => Self::Nothing,
            Some("") => Self::Blank,
            Some(text) => Self::Text(text),
        }
    }
}

fn blank(field: &str) -> FieldProblem {
    field_problem(field, format!("{field} must not be blank; leave it out"))
}

fn case_reference(body: &CreateRequest) -> Result<CaseReference, FieldProblem> {
    let text = body.sar_case_reference_number.as_ref();
    let text = text.map_or("", |text| text.reveal());
    CaseReference::parse(text)
        .map_err(|error| field_problem("sarCaseReferenceNumber", error.to_string()))
}

fn subject_name(body: &CreateRequest) -> Result<Option<SubjectName>, FieldProblem> {
    let parsed = body
        .subject_name
        .as_ref()
        .map(|name| SubjectName::parse(name.reveal()));
    parsed
        .transpose()
        .map_err(|error: InvalidSubject| field_problem("subjectName", error.to_string()))
}

fn date_in_range(field: &str, date: Option<Date>) -> Result<(), FieldProblem> {
    match date {
        Some(date) if !(DATE_MIN..=DATE_MAX).contains(&date) => Err(field_problem(
            field,
            format!("{field} must be from {DATE_MIN} to {DATE_MAX}"),
        )),
        _ => Ok(()),
    }
}

fn date_order(from: Option<Date>, to: Date) -> Result<(), FieldProblem> {
    match from {
        Some(from) if to < from => Err(field_problem(
            "dateTo",
            "dateTo (today, if absent) must not be before dateFrom",
        )),
        _ => Ok(()),
    }
}

fn services(
    body: &CreateRequest,
    catalogue: &[Service],
    problems: &mut Problems,
) -> Vec<ServiceName> {
    if body.services.is_empty() {
        problems.0.push(field_problem(
            "services",
            "services must name at least one service",
        ));
    }
    if body.services.len() > SERVICES_PER_REQUEST_MAX {
        let message = format!("services must name at most {SERVICES_PER_REQUEST_MAX} services");
        problems.0.push(field_problem("services", message));
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(body.services.len());
    for (index, text) in body.services.iter().enumerate() {
        let checked = service(text, catalogue).and_then(|name| {
            if seen.insert(name.clone()) {
                Ok(name)
            } else {
                Err(format!("the service {name} is named more than once"))
            }
        });
        let field = format!("services[{index}]");
        names.extend(problems.take(checked.map_err(|message| field_problem(&field, message))));
    }
    names
}

fn service(text: &str, catalogue: &[Service]) -> Result<ServiceName, String> {
    let name: ServiceName = text
        .trim()
        .parse()
        .map_err(|error: dossier_core::ids::InvalidServiceName| error.to_string())?;
    match catalogue
        .iter()
        .find(|service| service.details.name == name)
    {
        None => Err(format!("there is no service named {name}")),
        Some(service) if !service.details.enabled => Err(format!("the service {name} is disabled")),
        Some(_) => Ok(name),
    }
}

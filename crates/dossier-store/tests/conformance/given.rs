//! What tests start from.

use std::time::Duration;

use dossier_core::document::{report_document_id, section_document_id};
use dossier_core::lease::{Claim, LeaseRules, ReleaseReason};
use dossier_core::request::{NewRequest, Priority, Request};
use dossier_core::section::{Held, Section, SectionOutcome, SectionStatus, TemplateVersion};
use dossier_core::service::{Category, Service, ServiceDetails};
use dossier_core::subject::{CaseReference, SubjectIdentifier, SubjectName};
use dossier_core::{KeptDocument, LeaseToken, RequestId, ServiceName, Sha256Hex};
use dossier_store::{Page, PageStart, RequestFilter, Store};

/// The default rules: nothing runs out while a test runs.
pub fn rules() -> LeaseRules {
    LeaseRules::default()
}

/// A lease taken or renewed by these has expired by then.
pub fn lost_at_once() -> LeaseRules {
    LeaseRules {
        lock_period: Duration::ZERO,
        ..rules()
    }
}

pub fn attempts_max(attempts_max: u32) -> LeaseRules {
    LeaseRules {
        attempts_max,
        ..rules()
    }
}

/// By these, everything that came in before [`a_moment`] is too old.
pub fn too_old_at_once() -> LeaseRules {
    LeaseRules {
        age_max: Duration::ZERO,
        ..rules()
    }
}

/// Long enough for the database's clock to move on.
pub async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(3)).await;
}

pub fn name(text: &str) -> ServiceName {
    text.parse().unwrap()
}

pub fn details(text: &str) -> ServiceDetails {
    ServiceDetails {
        name: name(text),
        label: format!("Label of {text}"),
        url: ServiceDetails::parse_url("http://localhost:8080").unwrap(),
        enabled: true,
        template_migrated: false,
        category: Category::Prison,
        rank: None,
    }
}

pub async fn service(store: &dyn Store, text: &str) -> Service {
    store.add_service(details(text)).await.unwrap()
}

pub async fn services(store: &dyn Store, names: &[&str]) {
    for text in names {
        service(store, text).await;
    }
}

pub fn new_request(services: &[&str]) -> NewRequest {
    NewRequest {
        date_from: Some(jiff::civil::date(2020, 2, 29)),
        date_to: jiff::civil::date(2026, 1, 31),
        case_reference: CaseReference::parse("Case-77").unwrap(),
        subject: SubjectIdentifier::nomis("A1234AA").unwrap(),
        subject_name: SubjectName::from_parts(Some("Ada"), Some("Lovelace")),
        priority: Priority::Normal,
        services: services.iter().map(|text| name(text)).collect(),
        requested_by: "casework".to_owned(),
        idempotency_key: None,
    }
}

/// A pending request of services that are in the catalogue.
pub async fn pending(store: &dyn Store, services: &[&str]) -> RequestId {
    store
        .create_request(new_request(services))
        .await
        .unwrap()
        .id
}

/// A pending request of the one service `a`, which is made too.
pub async fn pending_of_a(store: &dyn Store) -> RequestId {
    services(store, &["a"]).await;
    pending(store, &["a"]).await
}

pub async fn claimed(store: &dyn Store, id: RequestId) -> Claim {
    store.claim(id, "worker", &rules()).await.unwrap()
}

/// A claim whose lease is lost already.
pub async fn claimed_and_lost(store: &dyn Store, id: RequestId) -> Claim {
    store.claim(id, "worker", &lost_at_once()).await.unwrap()
}

pub async fn completed(store: &dyn Store, id: RequestId) -> LeaseToken {
    let token = claimed(store, id).await.token;
    finished(store, id, token).await;
    token
}

/// Collects what is left to collect, and completes.
pub async fn finished(store: &dyn Store, id: RequestId, token: LeaseToken) {
    for section in found(store, id).await.sections {
        if section.status != SectionStatus::Complete {
            record(
                store,
                id,
                token,
                section.service_name.as_str(),
                nothing_held(),
            )
            .await;
        }
    }
    store
        .complete(id, token, &report(token), 3, &[])
        .await
        .unwrap();
}

pub async fn failed(store: &dyn Store, id: RequestId, token: LeaseToken) -> Request {
    let reason = ReleaseReason::Failed("upstream said 500".to_owned());
    store
        .release(id, token, &reason, Duration::ZERO, &rules())
        .await
        .unwrap()
}

/// The request as it is now.
pub async fn found(store: &dyn Store, id: RequestId) -> Request {
    store.request(id).await.unwrap().unwrap()
}

/// Its section of a service as it is now.
pub async fn section(store: &dyn Store, id: RequestId, service: &str) -> Section {
    let mut sections = found(store, id).await.sections.into_iter();
    sections
        .find(|section| section.service_name == name(service))
        .unwrap()
}

pub fn report(token: LeaseToken) -> KeptDocument {
    KeptDocument {
        id: report_document_id(token),
        bytes: 4_000_000_000,
        sha256: Sha256Hex::from_digest(&[7; 32]),
    }
}

pub fn answer(token: LeaseToken, service: &str) -> KeptDocument {
    KeptDocument {
        id: section_document_id(token, &name(service)),
        bytes: 1234,
        sha256: Sha256Hex::from_digest(&[8; 32]),
    }
}

/// The outcome of a service that holds data.
pub fn collected(token: LeaseToken, service: &str) -> SectionOutcome {
    SectionOutcome::Complete {
        held: Held::Data,
        kept: Some(answer(token, service)),
        template_version: TemplateVersion::Version(3),
        tries: 2,
    }
}

/// The outcome of a service that holds nothing.
pub fn nothing_held() -> SectionOutcome {
    SectionOutcome::Complete {
        held: Held::NoData,
        kept: None,
        template_version: TemplateVersion::Generic,
        tries: 1,
    }
}

pub fn errored(detail: &str) -> SectionOutcome {
    SectionOutcome::Errored {
        detail: detail.to_owned(),
        tries: 3,
    }
}

pub async fn record(
    store: &dyn Store,
    id: RequestId,
    token: LeaseToken,
    service: &str,
    outcome: SectionOutcome,
) {
    store
        .record_section(id, token, &name(service), &outcome)
        .await
        .unwrap();
}

pub const FIRST_PAGE: Page = Page {
    start: PageStart::Number(0),
    size: 100,
};

/// The identifiers of all requests that pass the filter, newest first.
pub async fn listed(store: &dyn Store, filter: &RequestFilter) -> Vec<RequestId> {
    let requests = store.requests(filter, &rules(), FIRST_PAGE).await.unwrap();
    let counted = store.count_requests(filter, &rules()).await.unwrap();
    assert_eq!(counted, requests.len() as u64, "the count is of the list");
    let counts = store.request_counts(filter).await.unwrap();
    let by_status = (!filter.claimable).then_some(counted);
    assert_eq!(counts.of(filter), by_status, "and in those by status");
    requests.into_iter().map(|request| request.id).collect()
}

/// A filter of the default threshold, twelve hours.
pub fn filter() -> RequestFilter {
    RequestFilter {
        overdue_after: Duration::from_secs(12 * 3600),
        ..RequestFilter::default()
    }
}

//! A store whose calls are measured: how long each took, what failed, and what became of leases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dossier_core::lease::{Claim, LeaseRefusal, LeaseRules, ReleaseReason};
use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use dossier_core::request::{IdempotencyKey, NewRequest, Request};
use dossier_core::schema::StoredSchema;
use dossier_core::section::SectionOutcome;
use dossier_core::service::{Service, ServiceDetails};
use dossier_core::template::{RegisteredTemplate, Registration};
use dossier_core::template_health::{
    ServedTemplate, TemplateChecked, TemplateHealth, TemplateQuestion, TemplateRound,
};
use dossier_core::{DocumentId, LeaseToken, RequestId, ServiceId, ServiceName, Sha256Hex};
use dossier_store::{
    AbandonedAttempt, ArchivedRequest, Completion, Connections, Created, KnownReference, Page,
    QueueDepth, ReferenceSchedule, ReferenceState, RefreshClaim, RefreshToken, RequestCounts,
    RequestFilter, SearchKind, Store, StoreError,
};
use jiff::Timestamp;

use crate::metrics::ApiMetrics;

/// Passes every call on, and notes it.
pub(crate) struct MeasuredStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<ApiMetrics>,
}

/// The calls that are measured, as the trait has them without their errors. What a call did with
/// leases is noted by a method of the metrics.
macro_rules! measured {
    ($($call:ident($($arg:ident: $type:ty),*) -> $answer:ty $(, noted by $note:ident)?;)+) => {
        #[async_trait]
        impl Store for MeasuredStore {
            $(async fn $call(&self, $($arg: $type),*) -> Result<$answer, StoreError> {
                let begun = Instant::now();
                let result = self.store.$call($($arg),*).await;
                let error = result.as_ref().err();
                self.metrics.called(stringify!($call), begun.elapsed(), error);
                $(if let Ok(done) = &result {
                    self.metrics.$note(done);
                })?
                result
            })+

            async fn wait_for_work(&self, at_most: Duration) {
                self.store.wait_for_work(at_most).await;
            }

            fn search_kind(&self) -> SearchKind {
                self.store.search_kind()
            }

            fn connections(&self) -> Connections {
                self.store.connections()
            }
        }
    };
}

measured! {
    ping() -> ();
    first_result(requested_by: &str, key: &IdempotencyKey) -> Option<RequestId>;
    create_request(new: NewRequest) -> Created;
    request(id: RequestId) -> Option<Request>;
    requests(filter: &RequestFilter, rules: &LeaseRules, page: Page) -> Vec<Request>;
    count_requests(filter: &RequestFilter, rules: &LeaseRules) -> u64;
    request_counts(filter: &RequestFilter) -> RequestCounts;
    queue_depth(rules: &LeaseRules) -> QueueDepth;
    duplicate_request(id: RequestId, requested_by: &str) -> Request;
    restart_request(id: RequestId) -> Request;
    cancel_request(id: RequestId, detail: &str) -> Request;
    record_download(id: RequestId) -> ();
    claim(id: RequestId, worker: &str, rules: &LeaseRules) -> Claim, noted by claimed_one;
    claim_oldest(max: u32, worker: &str, rules: &LeaseRules) -> Vec<Claim>, noted by claimed;
    renew_all(leases: &[(RequestId, LeaseToken)], rules: &LeaseRules) -> Vec<Result<Timestamp, LeaseRefusal>>, noted by renewed;
    release(id: RequestId, token: LeaseToken, reason: &ReleaseReason, retry_after: Duration, rules: &LeaseRules) -> Request;
    complete_all(completions: &[Completion]) -> Vec<Result<(), StoreError>>, noted by completed;
    record_section(id: RequestId, token: LeaseToken, service: &ServiceName, outcome: &SectionOutcome) -> ();
    services() -> Vec<Service>;
    add_service(details: ServiceDetails) -> Service;
    update_service(id: ServiceId, details: ServiceDetails) -> Service;
    suspend_service(id: ServiceId, suspended: bool) -> Service;
    register_template(service: ServiceId, sha256: &Sha256Hex, content: &[u8]) -> Registration;
    template_versions(service: ServiceId) -> Vec<RegisteredTemplate>;
    template_content(service: ServiceId, version: u32) -> (RegisteredTemplate, Vec<u8>);
    resolve_template(id: RequestId, token: LeaseToken, service: &ServiceName, sha256: &Sha256Hex) -> RegisteredTemplate;
    take_template_questions(every: Duration) -> TemplateRound;
    record_served_template(question: &TemplateQuestion, served: &ServedTemplate, alert_after: Duration) -> Option<TemplateChecked>;
    template_health() -> Vec<TemplateHealth>;
    put_schema(service: ServiceId, schema: &StoredSchema) -> ();
    schema(service: ServiceId) -> StoredSchema;
    remove_schema(service: ServiceId) -> ();
    expire_requests(rules: &LeaseRules) -> Vec<RequestId>;
    abandoned_attempts(grace: Duration, max: u32) -> Vec<AbandonedAttempt>;
    attempt_cleaned(token: LeaseToken) -> ();
    spent_sections(max: u32) -> Vec<(RequestId, ServiceName, DocumentId)>;
    section_cleaned(id: RequestId, document: DocumentId) -> ();
    requests_to_archive(age: Duration, max: u32) -> Vec<Request>;
    archive_request(id: RequestId) -> ();
    archived_requests(search: Option<&str>, page: Page) -> Vec<ArchivedRequest>;
    purge_archive(age: Duration) -> u64;
    schedule_references(schedules: &[ReferenceSchedule]) -> ();
    claim_refresh(source: &ReferenceSource, kind: ReferenceKind, period: Duration) -> Option<RefreshClaim>;
    renew_refresh(source: &ReferenceSource, kind: ReferenceKind, token: RefreshToken, period: Duration) -> bool;
    release_refresh(source: &ReferenceSource, kind: ReferenceKind, token: RefreshToken) -> bool;
    record_refresh(source: &ReferenceSource, kind: ReferenceKind, token: RefreshToken, entries: &[(ReferenceCode, ReferenceName)], next: Duration) -> bool;
    record_refresh_failure(source: &ReferenceSource, kind: ReferenceKind, token: RefreshToken, error: &str, retry_after: Duration) -> bool;
    make_reference_due(source: &ReferenceSource) -> ();
    import_references(kind: ReferenceKind, entries: &[(ReferenceCode, ReferenceName)]) -> u64;
    remove_references(source: &ReferenceSource, kind: ReferenceKind) -> ();
    remember_references(source: &ReferenceSource, kind: ReferenceKind, said: &[(ReferenceCode, Option<ReferenceName>)]) -> ();
    note_reference_failure(source: &ReferenceSource, kind: ReferenceKind, error: &str) -> ();
    forget_references(source: &ReferenceSource, kind: ReferenceKind, age: Duration) -> u64;
    delete_replaced_references() -> u64;
    reference_names(kind: ReferenceKind, codes: &[ReferenceCode], sources: &[ReferenceSource]) -> Vec<KnownReference>;
    reference_sources() -> Vec<ReferenceState>;
}

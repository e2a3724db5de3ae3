//! The truth in one SQLite file.
//!
//! All writes of a process go through one connection, since SQLite has one writer at a time anyway;
//! reads have connections of their own and take no lock. Several processes may open one file.
//!
//! - `open`: the file, its folder, its permissions and its schema
//! - `sql`: the conditions that several statements share
//! - `rows`: from rows to domain types
//! - `requests`, `leases`, `completions`, `services`, `templates`, `template_health`, `schemas`,
//!   `reference`, `housekeeping`, `archive`: the capabilities of [`Store`]
//! - `reference_loads`: names in small steps, so that nobody waits for a long list
//! - `work`: waiting for something to do
//! - `failure`: what SQLite says when it fails, without any data

mod archive;
mod completions;
mod failure;
mod housekeeping;
mod leases;
mod open;
mod reference;
mod reference_loads;
mod requests;
mod rows;
mod schemas;
mod services;
mod sql;
mod template_health;
mod templates;
mod work;

use std::time::Duration;

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
use jiff::Timestamp;
use sqlx::{Sqlite, SqlitePool, Transaction};

pub use open::{OpenError, Options, migrate_file, schema_state};

use crate::{
    AbandonedAttempt, ArchivedRequest, Completion, Connections, Created, KnownReference, Page,
    QueueDepth, ReferenceSchedule, ReferenceState, RefreshClaim, RefreshToken, RequestCounts,
    RequestFilter, SearchKind, Store, StoreError,
};
use work::Work;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    work: Work,
}

impl SqliteStore {
    /// Begins a transaction that writes. It takes the write lock at once, so that it never has to
    /// start over because another process wrote after its first read.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Begins a transaction that only reads: one view of the data for all its statements.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.readers.begin().await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.check_schema().await
    }

    fn search_kind(&self) -> SearchKind {
        SearchKind::Anywhere
    }

    async fn first_result(
        &self,
        requested_by: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<RequestId>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        requests::first_use(&mut connection, requested_by, key).await
    }

    async fn create_request(&self, new: NewRequest) -> Result<Created, StoreError> {
        self.create(new).await
    }

    async fn request(&self, id: RequestId) -> Result<Option<Request>, StoreError> {
        let mut tx = self.read().await?;
        requests::find(&mut tx, id).await
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
        page: Page,
    ) -> Result<Vec<Request>, StoreError> {
        self.list(filter, rules, page).await
    }

    async fn count_requests(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
    ) -> Result<u64, StoreError> {
        self.count(filter, rules).await
    }

    async fn request_counts(&self, filter: &RequestFilter) -> Result<RequestCounts, StoreError> {
        self.counts(filter).await
    }

    async fn queue_depth(&self, rules: &LeaseRules) -> Result<QueueDepth, StoreError> {
        self.depth(rules).await
    }

    fn connections(&self) -> Connections {
        let open = self.readers.size();
        let idle = u32::try_from(self.readers.num_idle())
            .unwrap_or(0)
            .min(open);
        Connections {
            busy: open - idle,
            idle,
            max: self.readers.options().get_max_connections(),
        }
    }

    async fn duplicate_request(
        &self,
        id: RequestId,
        requested_by: &str,
    ) -> Result<Request, StoreError> {
        self.duplicate(id, requested_by).await
    }

    async fn restart_request(&self, id: RequestId) -> Result<Request, StoreError> {
        self.restart(id).await
    }

    async fn cancel_request(&self, id: RequestId, detail: &str) -> Result<Request, StoreError> {
        self.cancel(id, detail).await
    }

    async fn record_download(&self, id: RequestId) -> Result<(), StoreError> {
        self.downloaded(id).await
    }

    async fn claim(
        &self,
        id: RequestId,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Claim, StoreError> {
        self.claim_one(id, worker, rules).await
    }

    async fn claim_oldest(
        &self,
        max: u32,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Vec<Claim>, StoreError> {
        self.claim_several(max, worker, rules).await
    }

    async fn renew_all(
        &self,
        leases: &[(RequestId, LeaseToken)],
        rules: &LeaseRules,
    ) -> Result<Vec<Result<Timestamp, LeaseRefusal>>, StoreError> {
        self.renew_leases(leases, rules).await
    }

    async fn release(
        &self,
        id: RequestId,
        token: LeaseToken,
        reason: &ReleaseReason,
        retry_after: Duration,
        rules: &LeaseRules,
    ) -> Result<Request, StoreError> {
        self.give_back(id, token, reason, retry_after, rules).await
    }

    async fn complete_all(
        &self,
        completions: &[Completion],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.finish_all(completions).await
    }

    async fn record_section(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        outcome: &SectionOutcome,
    ) -> Result<(), StoreError> {
        self.note_section(id, token, service, outcome).await
    }

    async fn wait_for_work(&self, at_most: Duration) {
        self.wait(at_most).await;
    }

    async fn services(&self) -> Result<Vec<Service>, StoreError> {
        self.catalogue().await
    }

    async fn add_service(&self, details: ServiceDetails) -> Result<Service, StoreError> {
        self.add(details).await
    }

    async fn update_service(
        &self,
        id: ServiceId,
        details: ServiceDetails,
    ) -> Result<Service, StoreError> {
        self.update(id, details).await
    }

    async fn suspend_service(&self, id: ServiceId, suspended: bool) -> Result<Service, StoreError> {
        if suspended {
            self.suspend(id).await
        } else {
            self.resume(id).await
        }
    }

    async fn register_template(
        &self,
        service: ServiceId,
        sha256: &Sha256Hex,
        content: &[u8],
    ) -> Result<Registration, StoreError> {
        self.register(service, sha256, content).await
    }

    async fn template_versions(
        &self,
        service: ServiceId,
    ) -> Result<Vec<RegisteredTemplate>, StoreError> {
        self.history(service).await
    }

    async fn template_content(
        &self,
        service: ServiceId,
        version: u32,
    ) -> Result<(RegisteredTemplate, Vec<u8>), StoreError> {
        self.content(service, version).await
    }

    async fn resolve_template(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        sha256: &Sha256Hex,
    ) -> Result<RegisteredTemplate, StoreError> {
        self.resolve(id, token, service, sha256).await
    }

    async fn take_template_questions(&self, every: Duration) -> Result<TemplateRound, StoreError> {
        self.take_questions(every).await
    }

    async fn record_served_template(
        &self,
        question: &TemplateQuestion,
        served: &ServedTemplate,
        alert_after: Duration,
    ) -> Result<Option<TemplateChecked>, StoreError> {
        self.record_answer(question, served, alert_after).await
    }

    async fn template_health(&self) -> Result<Vec<TemplateHealth>, StoreError> {
        self.healths().await
    }

    async fn put_schema(
        &self,
        service: ServiceId,
        schema: &StoredSchema,
    ) -> Result<(), StoreError> {
        self.write_schema(service, schema).await
    }

    async fn schema(&self, service: ServiceId) -> Result<StoredSchema, StoreError> {
        self.find_schema(service).await
    }

    async fn remove_schema(&self, service: ServiceId) -> Result<(), StoreError> {
        self.delete_schema(service).await
    }

    async fn expire_requests(&self, rules: &LeaseRules) -> Result<Vec<RequestId>, StoreError> {
        self.expire(rules).await
    }

    async fn abandoned_attempts(
        &self,
        grace: Duration,
        max: u32,
    ) -> Result<Vec<AbandonedAttempt>, StoreError> {
        self.abandoned(grace, max).await
    }

    async fn attempt_cleaned(&self, token: LeaseToken) -> Result<(), StoreError> {
        self.forget_attempt(token).await
    }

    async fn spent_sections(
        &self,
        max: u32,
    ) -> Result<Vec<(RequestId, ServiceName, DocumentId)>, StoreError> {
        self.spent(max).await
    }

    async fn section_cleaned(&self, id: RequestId, document: DocumentId) -> Result<(), StoreError> {
        self.forget_section(id, document).await
    }

    async fn requests_to_archive(
        &self,
        age: Duration,
        max: u32,
    ) -> Result<Vec<Request>, StoreError> {
        self.to_archive(age, max).await
    }

    async fn archive_request(&self, id: RequestId) -> Result<(), StoreError> {
        self.archive(id).await
    }

    async fn archived_requests(
        &self,
        search: Option<&str>,
        page: Page,
    ) -> Result<Vec<ArchivedRequest>, StoreError> {
        self.archived(search, page).await
    }

    async fn purge_archive(&self, age: Duration) -> Result<u64, StoreError> {
        self.purge(age).await
    }

    async fn schedule_references(&self, schedules: &[ReferenceSchedule]) -> Result<(), StoreError> {
        self.schedule(schedules).await
    }

    async fn claim_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        period: Duration,
    ) -> Result<Option<RefreshClaim>, StoreError> {
        self.claim_one_refresh(source, kind, period).await
    }

    async fn renew_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        period: Duration,
    ) -> Result<bool, StoreError> {
        self.renew_claim(source, kind, token, period).await
    }

    async fn release_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
    ) -> Result<bool, StoreError> {
        self.release_claim(source, kind, token).await
    }

    async fn record_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        entries: &[(ReferenceCode, ReferenceName)],
        next: Duration,
    ) -> Result<bool, StoreError> {
        self.refreshed(source, kind, token, entries, next).await
    }

    async fn record_refresh_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        error: &str,
        retry_after: Duration,
    ) -> Result<bool, StoreError> {
        self.refresh_failed(source, kind, token, error, retry_after)
            .await
    }

    async fn make_reference_due(&self, source: &ReferenceSource) -> Result<(), StoreError> {
        self.make_due(source).await
    }

    async fn import_references(
        &self,
        kind: ReferenceKind,
        entries: &[(ReferenceCode, ReferenceName)],
    ) -> Result<u64, StoreError> {
        self.import(kind, entries).await
    }

    async fn remove_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
    ) -> Result<(), StoreError> {
        self.remove_names(source, kind).await
    }

    async fn remember_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        said: &[(ReferenceCode, Option<ReferenceName>)],
    ) -> Result<(), StoreError> {
        self.remember(source, kind, said).await
    }

    async fn note_reference_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        error: &str,
    ) -> Result<(), StoreError> {
        self.note_failure(source, kind, error).await
    }

    async fn forget_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        age: Duration,
    ) -> Result<u64, StoreError> {
        self.forget(source, kind, age).await
    }

    async fn delete_replaced_references(&self) -> Result<u64, StoreError> {
        self.sweep_loads().await
    }

    async fn reference_names(
        &self,
        kind: ReferenceKind,
        codes: &[ReferenceCode],
        sources: &[ReferenceSource],
    ) -> Result<Vec<KnownReference>, StoreError> {
        self.names(kind, codes, sources).await
    }

    async fn reference_sources(&self) -> Result<Vec<ReferenceState>, StoreError> {
        self.source_states().await
    }
}

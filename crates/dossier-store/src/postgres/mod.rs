//! The truth in a PostgreSQL database, for as many processes as wanted.
//!
//! - `url`: where the database is, and how the connection is protected
//! - `open`: opening a database, and the limits of its use
//! - `pool`: the connections of a process, and why there is none for a call
//! - `session`: statements in a transaction or each on its own, and whether they stay prepared
//! - `schema`: which schema there is, and its steps
//! - `sql`: the conditions that several statements share
//! - `rows`: which columns and rows make a request
//! - `requests`, `leases`, `renewals`, `completions`, `services`, `templates`, `template_health`,
//!   `schemas`, `housekeeping`, `archive`, `reference`: the capabilities of [`Store`]
//! - `search`: by any part of a text, or by its beginning
//! - `trigrams`: the indexes for any part, made while others work
//! - `work`: waiting for something to do, and being told of it
//! - `failure`: what PostgreSQL says when it fails, without any data
//!
//! Each rule is one statement, at the isolation that PostgreSQL has by default: a statement that
//! waited for another's row looks at the row again before it changes it. Behind a pooler every
//! statement is in a transaction, and none stays prepared.

mod archive;
mod completions;
mod failure;
mod housekeeping;
mod leases;
mod open;
mod pool;
mod reference;
mod renewals;
mod requests;
mod rows;
mod schema;
mod schemas;
mod search;
mod services;
mod session;
mod sql;
mod template_health;
mod templates;
mod trigrams;
mod url;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dossier_core::lease::{Claim, ClaimRefusal, LeaseRefusal, LeaseRules, ReleaseReason};
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
use sqlx::Row;
use tokio::task::JoinSet;

pub use open::{OpenError, Options, migrate, schema_state};
pub use url::{DatabaseUrl, UrlError};

use crate::{
    AbandonedAttempt, ArchivedRequest, Completion, Connections, Created, KnownReference, Page,
    QueueDepth, ReferenceSchedule, ReferenceState, RefreshClaim, RefreshToken, RequestCounts,
    RequestFilter, SearchKind, Store, StoreError, Unavailable,
};
use pool::Pool;
use session::{In, Session};
use work::Work;

/// A store in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Pool,
    work: Arc<Work>,
    /// Whether there is an index for any part of a text, by now.
    any_part: Arc<AtomicBool>,
    pooler: bool,
    call_max: Duration,
    /// They end with the store.
    _tasks: JoinSet<()>,
}

impl PostgresStore {
    /// Begins a transaction that writes.
    async fn write(&self) -> Result<Session, Failed> {
        Ok(Session::write(&self.pool, !self.pooler).await?)
    }

    /// Begins a transaction that only reads: one view of the data for all its statements.
    async fn read(&self) -> Result<Session, Failed> {
        Ok(Session::read(&self.pool, !self.pooler).await?)
    }

    /// Statements of which each is a transaction of its own.
    async fn statements(&self) -> Result<Session, Unavailable> {
        Session::statements(&self.pool, !self.pooler).await
    }

    /// Whether the schema is one to work with, and the database one that can be written to.
    async fn check(&self) -> Result<(), Failed> {
        // Its own statements' transactions are such as writing calls have.
        const IS_READ_ONLY: &str = "SELECT current_setting('transaction_read_only')::boolean OR pg_is_in_recovery() \
             AS is_read_only";
        let mut session = self.statements().await?;
        let state = schema::read(session.connection()).await?;
        if !state.is_usable() {
            return Err(StoreError::Corrupt("schema").into());
        }
        let row = sqlx::query(IS_READ_ONLY).one(&mut session).await?;
        if row.try_get("is_read_only")? {
            return Err(failure::read_only().into());
        }
        Ok(session.commit().await?)
    }

    /// A call that ends in time, also when the server has vanished without a word.
    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, Failed>> + Send,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.call_max, call).await {
            Ok(done) => done.map_err(|Failed(error)| error),
            Err(_) => Err(StoreError::Unavailable(Unavailable(
                "it did not answer in time".to_owned(),
            ))),
        }
    }
}

/// A [`StoreError`] on its way out of a method, into which PostgreSQL's own failures turn without
/// their data.
struct Failed(StoreError);

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self(failure::store_error(error))
    }
}

impl From<Unavailable> for Failed {
    fn from(cause: Unavailable) -> Self {
        Self(StoreError::Unavailable(cause))
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<ClaimRefusal> for Failed {
    fn from(refusal: ClaimRefusal) -> Self {
        Self(refusal.into())
    }
}

impl From<LeaseRefusal> for Failed {
    fn from(refusal: LeaseRefusal) -> Self {
        Self(refusal.into())
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.in_time(self.check()).await
    }

    fn search_kind(&self) -> SearchKind {
        if self.any_part.load(Ordering::Relaxed) {
            SearchKind::Anywhere
        } else {
            SearchKind::Beginning
        }
    }

    async fn first_result(
        &self,
        requested_by: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<RequestId>, StoreError> {
        self.in_time(self.first_result_of(requested_by, key)).await
    }

    async fn create_request(&self, new: NewRequest) -> Result<Created, StoreError> {
        self.in_time(self.create(new)).await
    }

    async fn request(&self, id: RequestId) -> Result<Option<Request>, StoreError> {
        self.in_time(self.find_request(id)).await
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
        page: Page,
    ) -> Result<Vec<Request>, StoreError> {
        self.in_time(self.list(filter, rules, page)).await
    }

    async fn count_requests(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
    ) -> Result<u64, StoreError> {
        self.in_time(self.count(filter, rules)).await
    }

    async fn request_counts(&self, filter: &RequestFilter) -> Result<RequestCounts, StoreError> {
        self.in_time(self.counts(filter)).await
    }

    async fn queue_depth(&self, rules: &LeaseRules) -> Result<QueueDepth, StoreError> {
        self.in_time(self.depth(rules)).await
    }

    fn connections(&self) -> Connections {
        self.pool.connections()
    }

    async fn duplicate_request(
        &self,
        id: RequestId,
        requested_by: &str,
    ) -> Result<Request, StoreError> {
        self.in_time(self.duplicate(id, requested_by)).await
    }

    async fn restart_request(&self, id: RequestId) -> Result<Request, StoreError> {
        self.in_time(self.restart(id)).await
    }

    async fn cancel_request(&self, id: RequestId, detail: &str) -> Result<Request, StoreError> {
        self.in_time(self.cancel(id, detail)).await
    }

    async fn record_download(&self, id: RequestId) -> Result<(), StoreError> {
        self.in_time(self.downloaded(id)).await
    }

    async fn claim(
        &self,
        id: RequestId,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Claim, StoreError> {
        self.in_time(self.claim_one(id, worker, rules)).await
    }

    async fn claim_oldest(
        &self,
        max: u32,
        worker: &str,
        rules: &LeaseRules,
    ) -> Result<Vec<Claim>, StoreError> {
        self.in_time(self.claim_several(max, worker, rules)).await
    }

    async fn renew_all(
        &self,
        leases: &[(RequestId, LeaseToken)],
        rules: &LeaseRules,
    ) -> Result<Vec<Result<Timestamp, LeaseRefusal>>, StoreError> {
        self.in_time(self.renew_leases(leases, rules)).await
    }

    async fn release(
        &self,
        id: RequestId,
        token: LeaseToken,
        reason: &ReleaseReason,
        retry_after: Duration,
        rules: &LeaseRules,
    ) -> Result<Request, StoreError> {
        self.in_time(self.give_back(id, token, reason, retry_after, rules))
            .await
    }

    async fn complete_all(
        &self,
        completions: &[Completion],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.in_time(self.finish_all(completions)).await
    }

    async fn record_section(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        outcome: &SectionOutcome,
    ) -> Result<(), StoreError> {
        self.in_time(self.note_section(id, token, service, outcome))
            .await
    }

    async fn wait_for_work(&self, at_most: Duration) {
        self.wait(at_most).await;
    }

    async fn services(&self) -> Result<Vec<Service>, StoreError> {
        self.in_time(self.catalogue()).await
    }

    async fn add_service(&self, details: ServiceDetails) -> Result<Service, StoreError> {
        self.in_time(self.add(details)).await
    }

    async fn update_service(
        &self,
        id: ServiceId,
        details: ServiceDetails,
    ) -> Result<Service, StoreError> {
        self.in_time(self.update(id, details)).await
    }

    async fn suspend_service(&self, id: ServiceId, suspended: bool) -> Result<Service, StoreError> {
        if suspended {
            self.in_time(self.suspend(id)).await
        } else {
            self.in_time(self.resume(id)).await
        }
    }

    async fn register_template(
        &self,
        service: ServiceId,
        sha256: &Sha256Hex,
        content: &[u8],
    ) -> Result<Registration, StoreError> {
        self.in_time(self.register(service, sha256, content)).await
    }

    async fn template_versions(
        &self,
        service: ServiceId,
    ) -> Result<Vec<RegisteredTemplate>, StoreError> {
        self.in_time(self.history(service)).await
    }

    async fn template_content(
        &self,
        service: ServiceId,
        version: u32,
    ) -> Result<(RegisteredTemplate, Vec<u8>), StoreError> {
        self.in_time(self.content(service, version)).await
    }

    async fn put_schema(
        &self,
        service: ServiceId,
        schema: &StoredSchema,
    ) -> Result<(), StoreError> {
        self.in_time(self.write_schema(service, schema)).await
    }

    async fn schema(&self, service: ServiceId) -> Result<StoredSchema, StoreError> {
        self.in_time(self.find_schema(service)).await
    }

    async fn remove_schema(&self, service: ServiceId) -> Result<(), StoreError> {
        self.in_time(self.delete_schema(service)).await
    }

    async fn resolve_template(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        sha256: &Sha256Hex,
    ) -> Result<RegisteredTemplate, StoreError> {
        self.in_time(self.resolve(id, token, service, sha256)).await
    }

    async fn take_template_questions(&self, every: Duration) -> Result<TemplateRound, StoreError> {
        self.in_time(self.take_questions(every)).await
    }

    async fn record_served_template(
        &self,
        question: &TemplateQuestion,
        served: &ServedTemplate,
        alert_after: Duration,
    ) -> Result<Option<TemplateChecked>, StoreError> {
        self.in_time(self.record_answer(question, served, alert_after))
            .await
    }

    async fn template_health(&self) -> Result<Vec<TemplateHealth>, StoreError> {
        self.in_time(self.healths()).await
    }

    async fn expire_requests(&self, rules: &LeaseRules) -> Result<Vec<RequestId>, StoreError> {
        self.in_time(self.expire(rules)).await
    }

    async fn abandoned_attempts(
        &self,
        grace: Duration,
        max: u32,
    ) -> Result<Vec<AbandonedAttempt>, StoreError> {
        self.in_time(self.abandoned(grace, max)).await
    }

    async fn attempt_cleaned(&self, token: LeaseToken) -> Result<(), StoreError> {
        self.in_time(self.forget_attempt(token)).await
    }

    async fn spent_sections(
        &self,
        max: u32,
    ) -> Result<Vec<(RequestId, ServiceName, DocumentId)>, StoreError> {
        self.in_time(self.spent(max)).await
    }

    async fn section_cleaned(&self, id: RequestId, document: DocumentId) -> Result<(), StoreError> {
        self.in_time(self.forget_section(id, document)).await
    }

    async fn requests_to_archive(
        &self,
        age: Duration,
        max: u32,
    ) -> Result<Vec<Request>, StoreError> {
        self.in_time(self.to_archive(age, max)).await
    }

    async fn archive_request(&self, id: RequestId) -> Result<(), StoreError> {
        self.in_time(self.archive(id)).await
    }

    async fn archived_requests(
        &self,
        search: Option<&str>,
        page: Page,
    ) -> Result<Vec<ArchivedRequest>, StoreError> {
        self.in_time(self.archived(search, page)).await
    }

    async fn purge_archive(&self, age: Duration) -> Result<u64, StoreError> {
        self.in_time(self.purge(age)).await
    }

    async fn schedule_references(&self, schedules: &[ReferenceSchedule]) -> Result<(), StoreError> {
        self.in_time(self.schedule(schedules)).await
    }

    async fn claim_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        period: Duration,
    ) -> Result<Option<RefreshClaim>, StoreError> {
        self.in_time(self.claim_one_refresh(source, kind, period))
            .await
    }

    async fn renew_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        period: Duration,
    ) -> Result<bool, StoreError> {
        self.in_time(self.renew_claim(source, kind, token, period))
            .await
    }

    async fn release_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
    ) -> Result<bool, StoreError> {
        self.in_time(self.release_claim(source, kind, token)).await
    }

    async fn record_refresh(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        entries: &[(ReferenceCode, ReferenceName)],
        next: Duration,
    ) -> Result<bool, StoreError> {
        self.in_time(self.refreshed(source, kind, token, entries, next))
            .await
    }

    async fn record_refresh_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        token: RefreshToken,
        error: &str,
        retry_after: Duration,
    ) -> Result<bool, StoreError> {
        self.in_time(self.refresh_failed(source, kind, token, error, retry_after))
            .await
    }

    async fn make_reference_due(&self, source: &ReferenceSource) -> Result<(), StoreError> {
        self.in_time(self.make_due(source)).await
    }

    async fn import_references(
        &self,
        kind: ReferenceKind,
        entries: &[(ReferenceCode, ReferenceName)],
    ) -> Result<u64, StoreError> {
        self.in_time(self.import(kind, entries)).await
    }

    async fn remove_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
    ) -> Result<(), StoreError> {
        self.in_time(self.remove_names(source, kind)).await
    }

    async fn remember_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        said: &[(ReferenceCode, Option<ReferenceName>)],
    ) -> Result<(), StoreError> {
        self.in_time(self.remember(source, kind, said)).await
    }

    async fn note_reference_failure(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        error: &str,
    ) -> Result<(), StoreError> {
        self.in_time(self.note_failure(source, kind, error)).await
    }

    async fn forget_references(
        &self,
        source: &ReferenceSource,
        kind: ReferenceKind,
        age: Duration,
    ) -> Result<u64, StoreError> {
        self.in_time(self.forget(source, kind, age)).await
    }

    async fn delete_replaced_references(&self) -> Result<u64, StoreError> {
        // A transaction replaces names as a whole, and leaves nothing behind.
        Ok(0)
    }

    async fn reference_names(
        &self,
        kind: ReferenceKind,
        codes: &[ReferenceCode],
        sources: &[ReferenceSource],
    ) -> Result<Vec<KnownReference>, StoreError> {
        self.in_time(self.names(kind, codes, sources)).await
    }

    async fn reference_sources(&self) -> Result<Vec<ReferenceState>, StoreError> {
        self.in_time(self.source_states()).await
    }
}

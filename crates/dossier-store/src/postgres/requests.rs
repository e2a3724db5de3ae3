//! Requests: made once, listed, counted, duplicated, restarted, cancelled.

use std::collections::HashMap;

use dossier_core::lease::LeaseRules;
use dossier_core::request::{ErrorCode, IdempotencyKey, NewRequest, Request, RequestStatus};
use dossier_core::{RequestId, ServiceName};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use super::rows::{self, request_columns, subject_kind, word};
use super::search::Search;
use super::session::{In, Session, Statement};
use super::sql::{claimable, folded, free, limits, millis, now, storable};
use super::work::ONE;
use super::{Failed, PostgresStore, StoreError};
use crate::rows::Columns;
use crate::{Created, Page, PageKey, QueueDepth, RequestCounts, RequestFilter, Store};

const SELECT: &str = concat!("SELECT ", request_columns!(), " FROM requests");

/// Pending for longer than `$3` milliseconds.
const OVERDUE: &str = concat!(
    "(requests.status = 'Pending' AND ",
    now!(),
    " - requests.clock_started_at > $3)"
);
const NOT_OVERDUE: &str = concat!(
    "(requests.status = 'Pending' AND ",
    now!(),
    " - requests.clock_started_at <= $3)"
);

impl PostgresStore {
    pub(super) async fn first_result_of(
        &self,
        requested_by: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<RequestId>, Failed> {
        let mut tx = self.read().await?;
        first_use(&mut tx, requested_by, key).await
    }

    pub(super) async fn create(&self, new: NewRequest) -> Result<Created, Failed> {
        let mut tx = self.write().await?;
        let id = RequestId::generate();
        if let Some(key) = &new.idempotency_key
            && !take_key(&mut tx, id, &new.requested_by, key).await?
            && let Some(id) = first_use(&mut tx, &new.requested_by, key).await?
        {
            return Ok(Created { id, repeated: true });
        }
        insert(&mut tx, id, &new).await?;
        self.announce(&mut tx, ONE).await?;
        tx.commit().await?;
        self.work.came();
        Ok(Created {
            id,
            repeated: false,
        })
    }

    pub(super) async fn find_request(&self, id: RequestId) -> Result<Option<Request>, Failed> {
        let mut tx = self.read().await?;
        find(&mut tx, id).await
    }

    pub(super) async fn depth(&self, rules: &LeaseRules) -> Result<QueueDepth, Failed> {
        const DEPTH: &str = concat!(
            "SELECT count(*) FILTER (WHERE claimable) AS due, \
             max(waited) FILTER (WHERE claimable) AS oldest_due, \
             count(*) FILTER (WHERE NOT free) AS leased FROM (SELECT ",
            claimable!(),
            " AS claimable, ",
            free!(),
            " AS free, ",
            now!(),
            " - greatest(due_at, coalesce(lease_expires_at, 0)) AS waited \
             FROM requests WHERE requests.status = 'Pending') AS pending"
        );
        let (attempts_max, age_max) = limits(rules);
        let mut session = self.statements().await?;
        let row = sqlx::query(DEPTH)
            .bind(attempts_max)
            .bind(age_max)
            .one(&mut session)
            .await?;
        session.commit().await?;
        Ok(rows::depth(&row)?)
    }

    /// The identifiers are found in an index, so that the rows of pages before are not read.
    pub(super) async fn list(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
        page: Page,
    ) -> Result<Vec<Request>, Failed> {
        let search = self.search_of(filter);
        let slice = page.slice();
        let sql = format!(
            "{SELECT} WHERE requests.id IN (SELECT requests.id FROM requests WHERE {}{} \
             ORDER BY {} LIMIT $6 OFFSET $7) \
             ORDER BY requests.requested_at DESC, requests.id DESC",
            condition(filter, search.as_ref()),
            slice.behind("$8, $9"),
            slice.order(),
        );
        let mut tx = self.read().await?;
        let statement = sqlx::query(AssertSqlSafe(sql));
        let found = bind(statement, filter, search.as_ref(), rules)
            .bind(slice.limit)
            .bind(slice.offset)
            .bind(slice.after.map(PageKey::requested_at_ms))
            .bind(slice.after.map(PageKey::id))
            .all_by_own_plan(&mut tx)
            .await?;
        rows::requests(&mut tx, &found).await
    }

    pub(super) async fn count(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
    ) -> Result<u64, Failed> {
        let search = self.search_of(filter);
        let sql = format!(
            "SELECT count(*) AS requests FROM requests WHERE {}",
            condition(filter, search.as_ref())
        );
        let mut tx = self.read().await?;
        let statement = sqlx::query(AssertSqlSafe(sql));
        let counted = bind(statement, filter, search.as_ref(), rules)
            .all_by_own_plan(&mut tx)
            .await?;
        let row = counted.first().ok_or(StoreError::Corrupt("count"))?;
        Ok(rows::count(row, "requests")?)
    }

    pub(super) async fn counts(&self, filter: &RequestFilter) -> Result<RequestCounts, Failed> {
        let searched = RequestFilter {
            overdue_after: filter.overdue_after,
            search: filter.search.clone(),
            ..RequestFilter::default()
        };
        let search = self.search_of(&searched);
        let sql = format!(
            "SELECT status, count(*) AS requests, count(*) FILTER (WHERE {OVERDUE}) AS overdue \
             FROM requests WHERE {} GROUP BY status",
            condition(&searched, search.as_ref())
        );
        let mut tx = self.read().await?;
        let statement = sqlx::query(AssertSqlSafe(sql));
        let found = bind(
            statement,
            &searched,
            search.as_ref(),
            &LeaseRules::default(),
        )
        .all_by_own_plan(&mut tx)
        .await?;
        let mut counts = RequestCounts::default();
        for row in &found {
            let requests = rows::count(row, "requests")?;
            match word(row, "status", RequestStatus::parse)? {
                RequestStatus::Completed => counts.completed = requests,
                RequestStatus::Errored => counts.errored = requests,
                RequestStatus::Pending => {
                    counts.overdue = rows::count(row, "overdue")?;
                    counts.pending = requests - counts.overdue;
                }
            }
        }
        Ok(counts)
    }

    fn search_of(&self, filter: &RequestFilter) -> Option<Search> {
        let text = filter.search.as_ref()?;
        Some(Search::new(self.search_kind(), text.reveal()))
    }

    pub(super) async fn duplicate(
        &self,
        id: RequestId,
        requested_by: &str,
    ) -> Result<Request, Failed> {
        let mut tx = self.write().await?;
        let original = find(&mut tx, id).await?.ok_or(StoreError::NotFound)?;
        let services = original.sections.into_iter().map(|s| s.service_name);
        let new = NewRequest {
            date_from: original.date_from,
            date_to: original.date_to,
            case_reference: original.case_reference,
            subject: original.subject,
            subject_name: original.subject_name,
            priority: original.priority,
            services: services.collect(),
            requested_by: requested_by.to_owned(),
            idempotency_key: None,
        };
        let id = RequestId::generate();
        insert(&mut tx, id, &new).await?;
        let duplicate = known(&mut tx, id).await?;
        self.announce(&mut tx, ONE).await?;
        tx.commit().await?;
        self.work.came();
        Ok(duplicate)
    }

    pub(super) async fn restart(&self, id: RequestId) -> Result<Request, Failed> {
        const RESTART: &str = concat!(
            "UPDATE requests SET status = 'Pending', attempts = 0, clock_started_at = ",
            now!(),
            ", due_at = ",
            now!(),
            ", finished_at = NULL, error_code = NULL, error_detail = NULL \
             WHERE id = $1 AND status = 'Errored'"
        );
        // Nobody suspends or resumes one of them in between.
        const SERVICES: &str = "SELECT 1 FROM services WHERE id IN \
             (SELECT service_id FROM sections WHERE request_id = $1) ORDER BY id FOR SHARE";
        // Services may have been suspended or resumed while the request was errored.
        const UNCOLLECTED: &str = "UPDATE sections SET bytes = 0, tries = 0, \
             status = CASE WHEN services.suspended_at IS NULL THEN 'PENDING' ELSE 'SUSPENDED' END \
             FROM services WHERE services.id = sections.service_id \
             AND sections.request_id = $1 AND sections.status <> 'COMPLETE'";
        let mut tx = self.write().await?;
        sqlx::query(SERVICES)
            .bind(id.as_uuid())
            .run(&mut tx)
            .await?;
        changed(&mut tx, id, sqlx::query(RESTART).bind(id.as_uuid())).await?;
        sqlx::query(UNCOLLECTED)
            .bind(id.as_uuid())
            .run(&mut tx)
            .await?;
        let restarted = known(&mut tx, id).await?;
        self.announce(&mut tx, ONE).await?;
        tx.commit().await?;
        self.work.came();
        Ok(restarted)
    }

    pub(super) async fn cancel(&self, id: RequestId, detail: &str) -> Result<Request, Failed> {
        const CANCEL: &str = concat!(
            "UPDATE requests SET status = 'Errored', finished_at = ",
            now!(),
            ", error_code = $2, error_detail = $3, \
             lease_token = NULL, lease_expires_at = NULL, leased_by = NULL \
             WHERE id = $1 AND status = 'Pending'"
        );
        let cancel = sqlx::query(CANCEL)
            .bind(id.as_uuid())
            .bind(ErrorCode::Cancelled.as_str())
            .bind(storable(detail));
        let mut tx = self.write().await?;
        changed(&mut tx, id, cancel).await?;
        let cancelled = known(&mut tx, id).await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    pub(super) async fn downloaded(&self, id: RequestId) -> Result<(), Failed> {
        const DOWNLOADED: &str = concat!(
            "UPDATE requests SET last_downloaded_at = ",
            now!(),
            " WHERE id = $1 AND status = 'Completed'"
        );
        let mut tx = self.write().await?;
        changed(&mut tx, id, sqlx::query(DOWNLOADED).bind(id.as_uuid())).await?;
        Ok(tx.commit().await?)
    }
}

/// Executes a statement that only changes a request of the right status; says why if it did not.
async fn changed(
    session: &mut Session,
    id: RequestId,
    statement: Statement<'_>,
) -> Result<(), Failed> {
    if statement.run(session).await?.rows_affected() > 0 {
        return Ok(());
    }
    Err(match find(session, id).await? {
        Some(request) => StoreError::WrongStatus(request.status).into(),
        None => StoreError::NotFound.into(),
    })
}

/// A request with its sections, if there is one.
pub(super) async fn find(session: &mut Session, id: RequestId) -> Result<Option<Request>, Failed> {
    const ONE: &str = concat!(
        "SELECT ",
        request_columns!(),
        " FROM requests WHERE requests.id = $1"
    );
    let found = sqlx::query(ONE).bind(id.as_uuid()).all(session).await?;
    Ok(rows::requests(session, &found).await?.pop())
}

/// A request that the same transaction has just written.
pub(super) async fn known(session: &mut Session, id: RequestId) -> Result<Request, Failed> {
    let request = find(session, id).await?;
    Ok(request.ok_or(StoreError::Corrupt("request"))?)
}

/// Takes the requester's key for the request; not if another has it. Waits for whoever is just
/// taking it.
async fn take_key(
    session: &mut Session,
    id: RequestId,
    requested_by: &str,
    key: &IdempotencyKey,
) -> Result<bool, Failed> {
    const TAKE: &str = "INSERT INTO idempotency_keys (requested_by, key, request_id, fingerprint) \
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let taken = sqlx::query(TAKE)
        .bind(requested_by)
        .bind(&key.key)
        .bind(id.as_uuid())
        .bind(&key.sent[..])
        .run(session)
        .await?;
    Ok(taken.rows_affected() > 0)
}

/// Which request took the requester's key first.
async fn first_use(
    session: &mut Session,
    requested_by: &str,
    key: &IdempotencyKey,
) -> Result<Option<RequestId>, Failed> {
    let first = sqlx::query(
        "SELECT request_id, fingerprint FROM idempotency_keys WHERE requested_by = $1 AND key = $2",
    )
    .bind(requested_by)
    .bind(&key.key)
    .optional(session)
    .await?;
    let Some(first) = first else { return Ok(None) };
    let sent_then: &[u8] = first.try_get("fingerprint")?;
    if sent_then == key.sent {
        Ok(Some(rows::uuid(&first, "request_id")?.into()))
    } else {
        Err(StoreError::IdempotencyConflict.into())
    }
}

/// Inserts a request and its sections.
async fn insert(session: &mut Session, id: RequestId, new: &NewRequest) -> Result<(), Failed> {
    const REQUEST: &str = concat!(
        "INSERT INTO requests (id, status, date_from, date_to, case_reference, subject_kind, \
         subject_id, subject_name, search_text, requested_by, requested_at, clock_started_at, \
         due_at, priority) VALUES ($1, 'Pending', $2, $3, $4, $5, $6, $7, $8, $9, ",
        now!(),
        ", ",
        now!(),
        ", ",
        now!(),
        ", $10)"
    );
    const SECTIONS: &str = "INSERT INTO sections (request_id, service_id, status) \
         SELECT $1, id, CASE WHEN suspended_at IS NULL THEN 'PENDING' ELSE 'SUSPENDED' END \
         FROM services WHERE enabled AND name = ANY($2)";

    hold_services(session, &new.services).await?;
    let search_text = [new.case_reference.reveal(), new.subject.reveal()].map(folded);
    sqlx::query(REQUEST)
        .bind(id.as_uuid())
        .bind(new.date_from.map(|date| date.to_string()))
        .bind(new.date_to.to_string())
        .bind(new.case_reference.reveal())
        .bind(subject_kind(&new.subject))
        .bind(new.subject.reveal())
        .bind(new.subject_name.as_ref().map(|name| name.reveal()))
        .bind(search_text.join("\n"))
        .bind(&new.requested_by)
        .bind(i64::from(new.priority.steps()))
        .run(session)
        .await?;
    sqlx::query(SECTIONS)
        .bind(id.as_uuid())
        .bind(names(&new.services))
        .run(session)
        .await?;
    Ok(())
}

/// Refuses services that are not in the catalogue or disabled, and holds the others as they are
/// until the transaction ends: none is suspended before it has seen the new section.
async fn hold_services(session: &mut Session, services: &[ServiceName]) -> Result<(), Failed> {
    const HOLD: &str =
        "SELECT name, enabled FROM services WHERE name = ANY($1) ORDER BY id FOR SHARE";
    let found = sqlx::query(HOLD).bind(names(services)).all(session).await?;
    let enabled: HashMap<String, bool> = found
        .iter()
        .map(|row: &PgRow| {
            let name = word(row, "name", |name| Some(name.to_owned()))?;
            Ok((name, row.flag("enabled")?))
        })
        .collect::<Result<_, StoreError>>()?;
    let refused: Vec<ServiceName> = services
        .iter()
        .filter(|name| enabled.get(name.as_str()) != Some(&true))
        .cloned()
        .collect();
    if refused.is_empty() {
        Ok(())
    } else {
        Err(StoreError::UnknownServices(refused).into())
    }
}

fn names(services: &[ServiceName]) -> Vec<String> {
    services.iter().map(ToString::to_string).collect()
}

/// The filter as a condition over the parameters that [`bind`] binds. Made of fixed texts only.
fn condition(filter: &RequestFilter, search: Option<&Search>) -> String {
    let statuses = [
        (filter.completed, "requests.status = 'Completed'"),
        (filter.errored, "requests.status = 'Errored'"),
        (filter.pending, NOT_OVERDUE),
        (filter.overdue, OVERDUE),
    ];
    let wanted: Vec<&str> = statuses
        .iter()
        .filter_map(|(set, condition)| set.then_some(*condition))
        .collect();
    let mut all = Vec::new();
    if filter.claimable {
        all.push(claimable!().to_owned());
    }
    if !wanted.is_empty() {
        all.push(format!("({})", wanted.join(" OR ")));
    }
    if let Some(search) = search {
        all.push(search.of_requests());
    }
    if all.is_empty() {
        all.push("TRUE".to_owned());
    }
    all.join(" AND ")
}

fn bind<'q>(
    query: Statement<'q>,
    filter: &RequestFilter,
    search: Option<&Search>,
    rules: &LeaseRules,
) -> Statement<'q> {
    let (attempts_max, age_max) = limits(rules);
    query
        .bind(attempts_max)
        .bind(age_max)
        .bind(millis(filter.overdue_after))
        .bind(search.map(Search::first))
        .bind(search.and_then(Search::second))
}

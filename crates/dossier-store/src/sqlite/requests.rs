//! Requests: made once, listed, counted, duplicated, restarted, cancelled.

use std::collections::HashMap;

use dossier_core::lease::LeaseRules;
use dossier_core::request::{ErrorCode, IdempotencyKey, NewRequest, Request, RequestStatus};
use dossier_core::{RequestId, ServiceName};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use super::rows::{self, get, request_columns, subject_kind, word};
use super::sql::{blob, claimable, folded, free, limits, millis, now};
use super::{SqliteStore, StoreError};
use crate::{Created, Page, QueueDepth, RequestCounts, RequestFilter};

const SELECT: &str = concat!("SELECT ", request_columns!(), " FROM requests");

/// Pending for longer than `?3` milliseconds.
const OVERDUE: &str = concat!(
    "(requests.status = 'Pending' AND ",
    now!(),
    " - requests.clock_started_at > ?3)"
);
const NOT_OVERDUE: &str = concat!(
    "(requests.status = 'Pending' AND ",
    now!(),
    " - requests.clock_started_at <= ?3)"
);

impl SqliteStore {
    pub(super) async fn create(&self, new: NewRequest) -> Result<Created, StoreError> {
        let mut tx = self.write().await?;
        if let Some(key) = &new.idempotency_key
            && let Some(id) = first_use(&mut tx, &new.requested_by, key).await?
        {
            return Ok(Created { id, repeated: true });
        }
        let id = insert(&mut tx, &new).await?;
        tx.commit().await?;
        self.work.came();
        Ok(Created {
            id,
            repeated: false,
        })
    }

    /// The identifiers are found first, so that the rows of pages before are not read.
    pub(super) async fn list(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
        page: Page,
    ) -> Result<Vec<Request>, StoreError> {
        let slice = page.slice();
        let sql = format!(
            "{SELECT} WHERE requests.id IN (SELECT requests.id FROM requests WHERE {}{} \
             ORDER BY {} LIMIT ?5 OFFSET ?6) \
             ORDER BY requests.requested_at DESC, requests.id DESC",
            condition(filter),
            slice.behind("?7, ?8"),
            slice.order(),
        );
        let mut tx = self.read().await?;
        let mut statement = bind(sqlx::query(AssertSqlSafe(sql)), filter, rules)
            .bind(slice.limit)
            .bind(slice.offset);
        if let Some(key) = slice.after {
            statement = statement.bind(key.requested_at_ms()).bind(blob(key.id()));
        }
        let found = statement.fetch_all(&mut *tx).await?;
        rows::requests(&mut tx, &found).await
    }

    pub(super) async fn depth(&self, rules: &LeaseRules) -> Result<QueueDepth, StoreError> {
        const DEPTH: &str = concat!(
            "SELECT count(*) FILTER (WHERE claimable) AS due, \
             max(waited) FILTER (WHERE claimable) AS oldest_due, \
             count(*) FILTER (WHERE NOT free) AS leased FROM (SELECT ",
            claimable!(),
            " AS claimable, ",
            free!(),
            " AS free, ",
            now!(),
            " - max(due_at, coalesce(lease_expires_at, 0)) AS waited \
             FROM requests INDEXED BY requests_to_do \
             WHERE requests.status = 'Pending') AS pending"
        );
        let (attempts_max, age_max) = limits(rules);
        let mut connection = self.readers.acquire().await?;
        let row = sqlx::query(DEPTH)
            .bind(attempts_max)
            .bind(age_max)
            .fetch_one(&mut *connection)
            .await?;
        rows::depth(&row)
    }

    pub(super) async fn count(
        &self,
        filter: &RequestFilter,
        rules: &LeaseRules,
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT count(*) AS requests FROM requests WHERE {}",
            condition(filter)
        );
        let mut connection = self.readers.acquire().await?;
        let row = bind(sqlx::query(AssertSqlSafe(sql)), filter, rules)
            .fetch_one(&mut *connection)
            .await?;
        rows::count(&row, "requests")
    }

    pub(super) async fn counts(&self, filter: &RequestFilter) -> Result<RequestCounts, StoreError> {
        let searched = RequestFilter {
            overdue_after: filter.overdue_after,
            search: filter.search.clone(),
            ..RequestFilter::default()
        };
        // A search reads all texts: in the order of the table, not by an index's way through it.
        let by_status = match searched.search {
            Some(_) => "+status",
            None => "status",
        };
        let sql = format!(
            "SELECT status, count(*) AS requests, sum({OVERDUE}) AS overdue \
             FROM requests WHERE {} GROUP BY {by_status}",
            condition(&searched)
        );
        let mut connection = self.readers.acquire().await?;
        let found = bind(
            sqlx::query(AssertSqlSafe(sql)),
            &searched,
            &LeaseRules::default(),
        )
        .fetch_all(&mut *connection)
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

    pub(super) async fn duplicate(
        &self,
        id: RequestId,
        requested_by: &str,
    ) -> Result<Request, StoreError> {
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
        let id = insert(&mut tx, &new).await?;
        let duplicate = known(&mut tx, id).await?;
        tx.commit().await?;
        self.work.came();
        Ok(duplicate)
    }

    pub(super) async fn restart(&self, id: RequestId) -> Result<Request, StoreError> {
        const RESTART: &str = concat!(
            "UPDATE requests SET status = 'Pending', attempts = 0, clock_started_at = ",
            now!(),
            ", due_at = ",
            now!(),
            ", finished_at = NULL, error_code = NULL, error_detail = NULL \
             WHERE id = ?1 AND status = 'Errored'"
        );
        // Services may have been suspended or resumed while the request was errored.
        const UNCOLLECTED: &str = "UPDATE sections SET bytes = 0, tries = 0, \
             status = CASE WHEN (SELECT suspended_at FROM services \
                                 WHERE services.id = sections.service_id) IS NULL \
                      THEN 'PENDING' ELSE 'SUSPENDED' END \
             WHERE request_id = ?1 AND status <> 'COMPLETE'";
        let mut tx = self.write().await?;
        changed(&mut tx, id, sqlx::query(RESTART).bind(blob(id.as_uuid()))).await?;
        sqlx::query(UNCOLLECTED)
            .bind(blob(id.as_uuid()))
            .execute(&mut *tx)
            .await?;
        let restarted = known(&mut tx, id).await?;
        tx.commit().await?;
        self.work.came();
        Ok(restarted)
    }

    pub(super) async fn cancel(&self, id: RequestId, detail: &str) -> Result<Request, StoreError> {
        const CANCEL: &str = concat!(
            "UPDATE requests SET status = 'Errored', finished_at = ",
            now!(),
            ", error_code = ?2, error_detail = ?3, \
             lease_token = NULL, lease_expires_at = NULL, leased_by = NULL \
             WHERE id = ?1 AND status = 'Pending'"
        );
        let cancel = sqlx::query(CANCEL)
            .bind(blob(id.as_uuid()))
            .bind(ErrorCode::Cancelled.as_str())
            .bind(detail);
        let mut tx = self.write().await?;
        changed(&mut tx, id, cancel).await?;
        let cancelled = known(&mut tx, id).await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    pub(super) async fn downloaded(&self, id: RequestId) -> Result<(), StoreError> {
        const DOWNLOADED: &str = concat!(
            "UPDATE requests SET last_downloaded_at = ",
            now!(),
            " WHERE id = ?1 AND status = 'Completed'"
        );
        let mut tx = self.write().await?;
        changed(
            &mut tx,
            id,
            sqlx::query(DOWNLOADED).bind(blob(id.as_uuid())),
        )
        .await?;
        Ok(tx.commit().await?)
    }
}

type Prepared<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Executes a statement that only changes a request of the right status; says why if it did not.
async fn changed(
    connection: &mut SqliteConnection,
    id: RequestId,
    statement: Prepared<'_>,
) -> Result<(), StoreError> {
    if statement.execute(&mut *connection).await?.rows_affected() > 0 {
        return Ok(());
    }
    match find(connection, id).await? {
        Some(request) => Err(StoreError::WrongStatus(request.status)),
        None => Err(StoreError::NotFound),
    }
}

/// A request with its sections, if there is one.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    id: RequestId,
) -> Result<Option<Request>, StoreError> {
    const ONE: &str = concat!(
        "SELECT ",
        request_columns!(),
        " FROM requests WHERE requests.id = ?1"
    );
    let found = sqlx::query(ONE)
        .bind(blob(id.as_uuid()))
        .fetch_all(&mut *connection)
        .await?;
    Ok(rows::requests(connection, &found).await?.pop())
}

/// A request that the same transaction has just written.
pub(super) async fn known(
    connection: &mut SqliteConnection,
    id: RequestId,
) -> Result<Request, StoreError> {
    find(connection, id)
        .await?
        .ok_or(StoreError::Corrupt("request"))
}

/// Which request took the requester's key first.
pub(super) async fn first_use(
    connection: &mut SqliteConnection,
    requested_by: &str,
    key: &IdempotencyKey,
) -> Result<Option<RequestId>, StoreError> {
    let first = sqlx::query(
        "SELECT request_id, fingerprint FROM idempotency_keys WHERE requested_by = ?1 AND key = ?2",
    )
    .bind(requested_by)
    .bind(&key.key)
    .fetch_optional(connection)
    .await?;
    let Some(first) = first else { return Ok(None) };
    let sent_then: &[u8] = get(&first, "fingerprint")?;
    if sent_then == key.sent {
        Ok(Some(rows::uuid(&first, "request_id")?.into()))
    } else {
        Err(StoreError::IdempotencyConflict)
    }
}

/// Inserts a request, its sections and its key.
async fn insert(
    connection: &mut SqliteConnection,
    new: &NewRequest,
) -> Result<RequestId, StoreError> {
    const REQUEST: &str = concat!(
        "INSERT INTO requests (id, status, date_from, date_to, case_reference, subject_kind, \
         subject_id, subject_name, search_text, requested_by, requested_at, clock_started_at, \
         due_at, priority) VALUES (?1, 'Pending', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ",
        now!(),
        ", ",
        now!(),
        ", ",
        now!(),
        ", ?10)"
    );
    const SECTIONS: &str = "INSERT INTO sections (request_id, service_id, status) \
         SELECT ?1, id, CASE WHEN suspended_at IS NULL THEN 'PENDING' ELSE 'SUSPENDED' END \
         FROM services WHERE enabled AND name IN (SELECT value FROM json_each(?2))";
    const KEY: &str = "INSERT INTO idempotency_keys (requested_by, key, request_id, fingerprint) \
         VALUES (?1, ?2, ?3, ?4)";

    refuse_unknown(connection, &new.services).await?;
    let id = RequestId::generate();
    let search_text = [new.case_reference.reveal(), new.subject.reveal()].map(folded);
    sqlx::query(REQUEST)
        .bind(blob(id.as_uuid()))
        .bind(new.date_from.map(|date| date.to_string()))
        .bind(new.date_to.to_string())
        .bind(new.case_reference.reveal())
        .bind(subject_kind(&new.subject))
        .bind(new.subject.reveal())
        .bind(new.subject_name.as_ref().map(|name| name.reveal()))
        .bind(search_text.join("\n"))
        .bind(&new.requested_by)
        .bind(i64::from(new.priority.steps()))
        .execute(&mut *connection)
        .await?;
    sqlx::query(SECTIONS)
        .bind(blob(id.as_uuid()))
        .bind(names(&new.services))
        .execute(&mut *connection)
        .await?;
    if let Some(key) = &new.idempotency_key {
        sqlx::query(KEY)
            .bind(&new.requested_by)
            .bind(&key.key)
            .bind(blob(id.as_uuid()))
            .bind(&key.sent[..])
            .execute(&mut *connection)
            .await?;
    }
    Ok(id)
}

async fn refuse_unknown(
    connection: &mut SqliteConnection,
    services: &[ServiceName],
) -> Result<(), StoreError> {
    let found = sqlx::query(
        "SELECT name, enabled FROM services WHERE name IN (SELECT value FROM json_each(?1))",
    )
    .bind(names(services))
    .fetch_all(connection)
    .await?;
    let enabled: HashMap<&str, bool> = found
        .iter()
        .map(|row: &SqliteRow| Ok((get(row, "name")?, get(row, "enabled")?)))
        .collect::<Result<_, StoreError>>()?;
    let refused: Vec<ServiceName> = services
        .iter()
        .filter(|name| enabled.get(name.as_str()) != Some(&true))
        .cloned()
        .collect();
    if refused.is_empty() {
        Ok(())
    } else {
        Err(StoreError::UnknownServices(refused))
    }
}

fn names(services: &[ServiceName]) -> String {
    let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
    serde_json::Value::from(names).to_string()
}

/// The filter as a condition over the parameters that [`bind`] binds. Made of fixed texts only.
fn condition(filter: &RequestFilter) -> String {
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
    if filter.search.is_some() {
        all.push("instr(requests.search_text, ?4) > 0".to_owned());
    }
    if all.is_empty() {
        all.push("TRUE".to_owned());
    }
    all.join(" AND ")
}

fn bind<'q>(query: Prepared<'q>, filter: &RequestFilter, rules: &LeaseRules) -> Prepared<'q> {
    let (attempts_max, age_max) = limits(rules);
    query
        .bind(attempts_max)
        .bind(age_max)
        .bind(millis(filter.overdue_after))
        .bind(filter.search.as_ref().map(|text| folded(text.reveal())))
}

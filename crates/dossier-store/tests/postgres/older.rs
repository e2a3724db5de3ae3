//! Programs of older schemas beside newer ones: their statements, word for word what they send (with
//! values in place of parameters), on a database of the newest schema; and what older databases hold.

use std::time::Duration;

use dossier_core::{LeaseToken, RequestId};
use dossier_store::postgres::migrate;
use dossier_store::{PostgresStore, RequestFilter, Store, StoreError};
use sqlx::AssertSqlSafe;

use crate::conformance::Database;
use crate::conformance::given::*;
use crate::{Scratch, scratch, server};

const NOW: &str = "(floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)";

/// A program of schema 2, the oldest one that newer databases still work with.
struct Older<'s>(&'s Scratch);

impl Older<'_> {
    fn creates(&self) -> RequestId {
        self.0.sql(&format!(
            "INSERT INTO requests (id, status, date_from, date_to, case_reference, subject_kind,
                 subject_id, subject_name, search_text, requested_by, requested_at,
                 clock_started_at, due_at)
             VALUES (gen_random_uuid(), 'Pending', NULL, '2026-01-31', 'Old-1', 'NOMIS', 'B5678BB',
                 NULL, E'old-1\\nb5678bb', 'casework', {NOW}, {NOW}, {NOW});
             INSERT INTO sections (request_id, service_id, status)
             SELECT requests.id, services.id, 'PENDING' FROM requests, services
             WHERE case_reference = 'Old-1' AND services.name = 'a' ON CONFLICT DO NOTHING"
        ));
        let id = "SELECT id FROM requests WHERE case_reference = 'Old-1'";
        self.0.sql(id).parse().unwrap()
    }

    /// Claims the oldest request that is due; none if there is none.
    fn claims(&self, lock_millis: i64) -> Option<LeaseToken> {
        let token = LeaseToken::generate();
        let taken = self.0.sql(&format!(
            "WITH chosen AS MATERIALIZED (SELECT requests.id FROM requests
                 WHERE requests.status = 'Pending' AND requests.due_at <= {NOW}
                 AND (requests.lease_expires_at IS NULL OR requests.lease_expires_at <= {NOW})
                 AND requests.attempts < 10
                 ORDER BY requests.requested_at, requests.id
                 LIMIT 1 FOR NO KEY UPDATE OF requests SKIP LOCKED)
             UPDATE requests SET lease_token = '{}', attempts = attempts + 1, claimed_at = {NOW},
                 lease_expires_at = {NOW} + {lock_millis}, leased_by = 'old'
             FROM chosen WHERE requests.id = chosen.id RETURNING 1",
            token.as_uuid()
        ));
        taken.starts_with('1').then_some(token)
    }

    fn completes(&self, id: RequestId, token: LeaseToken) -> bool {
        let token = token.as_uuid();
        let completed = self.0.sql(&format!(
            "UPDATE sections SET status = 'COMPLETE', held = 'NO_DATA' WHERE request_id = '{id}';
             UPDATE requests SET status = 'Completed', completed_by = lease_token,
                 finished_at = {NOW}, document_id = gen_random_uuid(), document_bytes = 4,
                 document_sha256 = repeat('0', 64), pages = 1, error_detail = NULL,
                 lease_token = NULL, lease_expires_at = NULL, leased_by = NULL
             WHERE id = '{id}' AND lease_token = '{token}' AND status = 'Pending'
             AND lease_expires_at > {NOW} RETURNING 1"
        ));
        completed.starts_with('1')
    }

    /// Whether it finds the attempt among those to clean up after.
    fn would_clean(&self, token: LeaseToken) -> bool {
        let found = self.0.sql(&format!(
            "SELECT attempts.services FROM attempts
             LEFT JOIN requests ON requests.id = attempts.request_id
                 AND requests.lease_token = attempts.lease_token
             WHERE NOT attempts.cleaned AND attempts.ending IS DISTINCT FROM 'COMPLETED'
             AND coalesce(attempts.ended_at, requests.lease_expires_at) <= {NOW}
             AND attempts.lease_token = '{}'",
            token.as_uuid()
        ));
        found == "{a}"
    }
}

async fn abandoned(store: &dyn Store) -> Vec<LeaseToken> {
    let found = store.abandoned_attempts(Duration::ZERO, 100).await.unwrap();
    found.iter().map(|attempt| attempt.token).collect()
}

#[tokio::test]
async fn an_older_program_works_beside_a_newer_one() {
    let scratch = scratch().await;
    let store = scratch.store().await;
    let older = Older(&scratch);
    services(&*store, &["a"]).await;
    let id = older.creates();
    let search = RequestFilter {
        search: Some("ld-1".to_owned().into()),
        ..filter()
    };
    assert_eq!(
        listed(&*store, &search).await,
        [id],
        "the newer one finds it"
    );

    // Each takes over what the other lost, and neither can complete it any more.
    let lost = older.claims(0).unwrap();
    assert!(abandoned(&*store).await.contains(&lost));
    let newer = claimed_and_lost(&*store, id).await.token;
    assert!(!older.completes(id, lost));
    assert!(
        older.would_clean(lost),
        "written down when it was taken over"
    );
    let token = older.claims(60_000).unwrap();
    let refused = store.complete(id, newer, &report(newer), 1, &[]).await;
    assert!(matches!(refused, Err(StoreError::Lease(_))), "{refused:?}");
    let mut left = abandoned(&*store).await;
    left.sort_by_key(|token| token.as_uuid());
    let mut expected = [lost, newer];
    expected.sort_by_key(|token| token.as_uuid());
    assert_eq!(left, expected);

    assert!(older.completes(id, token));
    assert!(found(&*store, id).await.document.is_some());
    assert_eq!(
        abandoned(&*store).await.len(),
        2,
        "not the one that completed it"
    );
}

/// A database as schema 7 has it, with one service.
fn of_schema_7() -> Scratch {
    let scratch = Scratch {
        name: server().database(),
    };
    let steps = [
        include_str!("../../migrations/postgres/0001_truth.sql"),
        include_str!("../../migrations/postgres/0002_documents.sql"),
        include_str!("../../migrations/postgres/0003_templates.sql"),
        include_str!("../../migrations/postgres/0004_reference.sql"),
        include_str!("../../migrations/postgres/0005_schemas.sql"),
        include_str!("../../migrations/postgres/0006_priorities.sql"),
        include_str!("../../migrations/postgres/0007_history.sql"),
    ];
    scratch.sql(&format!(
        "SET ROLE dossier; {}
         INSERT INTO dossier_schema (version, compatible_from) VALUES (7, 2);
         INSERT INTO services VALUES (gen_random_uuid(), 'a', 'A', 'http://localhost/', true, false,
             'OTHER', NULL, NULL)",
        steps.join("\n")
    ));
    scratch
}

#[tokio::test]
async fn leases_and_histories_of_an_older_database_are_kept() {
    let scratch = of_schema_7();
    let older = Older(&scratch);
    let id = older.creates();
    let lost = older.claims(0).unwrap();
    let current = older.claims(60_000).unwrap();
    assert_eq!(scratch.sql("SELECT count(*) FROM attempts"), "2");

    migrate(&scratch.options()).await.unwrap();
    let store = PostgresStore::open(scratch.options()).await.unwrap();
    assert_eq!(abandoned(&store).await, [lost]);
    record(&store, id, current, "a", nothing_held()).await;
    finished(&store, id, current).await;
    assert_eq!(abandoned(&store).await, [lost]);
    let search = RequestFilter {
        search: Some("5678".to_owned().into()),
        ..filter()
    };
    assert_eq!(listed(&store, &search).await, [id]);
    store.attempt_cleaned(lost).await.unwrap();
    store.archive_request(id).await.unwrap();
    assert_eq!(scratch.sql("SELECT count(*) FROM attempts"), "0");
    assert_eq!(scratch.sql("SELECT count(*) FROM request_texts"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_deadlocks_with_nobody_who_comes_by_the_tables_in_another_order() {
    let scratch = of_schema_7();
    Older(&scratch).creates();
    let orders = [
        "UPDATE sections SET error = 'x'; SELECT FROM archived_requests",
        "DELETE FROM archived_requests; LOCK TABLE attempts IN ROW EXCLUSIVE MODE",
    ];
    let mut others = Vec::new();
    for first in orders {
        let mut other = scratch.raw().await;
        let sql = format!("BEGIN; {first}");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut other)
            .await
            .unwrap();
        others.push(other);
    }
    let options = scratch.options();
    let migrating = tokio::spawn(async move { migrate(&options).await });
    // So that the migration has what it can have, and the server had time to look for a circle.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!migrating.is_finished());
    for other in &mut others {
        let then = "UPDATE requests SET attempts = attempts; COMMIT";
        sqlx::raw_sql(then).execute(other).await.unwrap();
    }
    migrating.await.unwrap().unwrap();
    // What the server counts comes a little later.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(scratch.sql(deadlocks), "0");
}

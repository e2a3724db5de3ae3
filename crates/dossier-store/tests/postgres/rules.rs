//! What the conformance suite asks of a database's own statements.

use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

use crate::conformance::claim_rule::{State, agrees_in_any_state};
use crate::conformance::given::{claimed, name, pending_of_a};
use crate::{Database, scratch};

const NOW: &str = "(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)";

async fn write(connection: &mut PgConnection, state: &State) {
    let lease = state.lease.map_or("NULL".to_owned(), |s| s.to_string());
    let mut sql = format!(
        "UPDATE requests SET lease_token = NULL, lease_expires_at = NULL, leased_by = NULL;
         DELETE FROM attempts;
         UPDATE requests SET status = '{status}', attempts = {attempts}, \
         due_at = {NOW} + {due} * 1000, clock_started_at = {NOW} + {clock} * 1000, \
         claimed_at = {NOW}, \
         finished_at = CASE WHEN '{status}' <> 'Pending' THEN 1 END, \
         completed_by = CASE WHEN '{status}' = 'Completed' THEN gen_random_uuid() END, \
         document_id = CASE WHEN '{status}' = 'Completed' THEN gen_random_uuid() END, \
         document_bytes = CASE WHEN '{status}' = 'Completed' THEN 1 END, \
         document_sha256 = CASE WHEN '{status}' = 'Completed' THEN repeat('0', 64) END, \
         error_code = CASE WHEN '{status}' = 'Errored' THEN 'TOO_OLD' END, \
         lease_token = CASE WHEN {lease} IS NOT NULL THEN gen_random_uuid() END, \
         lease_expires_at = {NOW} + {lease}::bigint * 1000, \
         leased_by = CASE WHEN {lease} IS NOT NULL THEN 'w' END;",
        status = state.status,
        attempts = state.attempts,
        due = state.due,
        clock = state.clock,
    );
    for (service, status) in ["a", "b", "c"].iter().zip(state.sections) {
        sql += &format!(
            "UPDATE sections SET status = '{status}', \
             held = CASE WHEN '{status}' = 'COMPLETE' THEN 'NO_DATA' END \
             WHERE service_id = (SELECT id FROM services WHERE name = '{service}');"
        );
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_claim_statements_agree_with_the_rule_in_any_state() {
    let scratch = scratch().await;
    let store = scratch.store().await;
    let connection = Mutex::new(scratch.raw().await);
    agrees_in_any_state(&*store, async |state: &State| {
        write(&mut *connection.lock().await, state).await;
    })
    .await;
    connection.into_inner().close().await.unwrap();
}

#[tokio::test]
async fn a_published_template_stays_whoever_writes() {
    let scratch = scratch().await;
    let store = scratch.store().await;
    let id = pending_of_a(&*store).await;
    let token = claimed(&*store, id).await.token;
    let a = store.services().await.unwrap()[0].id;
    let sha256 = dossier_core::Sha256Hex::from_digest(&[1; 32]);
    store.register_template(a, &sha256, b"x").await.unwrap();
    store
        .resolve_template(id, token, &name("a"), &sha256)
        .await
        .unwrap();
    let mut raw = scratch.raw().await;
    for statement in [
        "UPDATE template_versions SET content = ''",
        "DELETE FROM template_versions",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&mut raw).await;
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(store.template_content(a, 1).await.unwrap().1, b"x");
}

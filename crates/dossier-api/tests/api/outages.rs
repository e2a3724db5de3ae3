//! A database that does not answer, and more callers than there are places.

use std::sync::Arc;
use std::time::Duration;

use dossier_api::{ApiConfig, Limits};
use dossier_store::SqliteStore;
use dossier_store::sqlite::Options;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Dossier, request_body};

#[tokio::test]
async fn while_another_process_holds_the_database_writes_wait_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dossier.db");
    let patience = Duration::from_millis(50);
    let options = Options {
        patience,
        ..Options::default()
    };
    let store = SqliteStore::open_with(&file, options).await.unwrap();
    let dossier = Dossier::start_on(Arc::new(store), folder, ApiConfig::default()).await;
    dossier.add_services().await;
    let id = dossier.request().await;

    let url = format!("sqlite://{}", file.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let answer = dossier
        .user()
        .post("/api/subjectAccessRequest", &request_body())
        .await;
    answer.is_problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    let claim = dossier
        .worker()
        .post("/api/claims", &json!({"max": 1, "wait": 0}))
        .await;
    claim.is_problem(503, "unavailable");
    assert_eq!(dossier.shown(&id).await["status"], "Pending");

    other.close().await.unwrap();
    dossier.claim(&id).await;
}

#[tokio::test]
async fn a_caller_without_a_place_waits_for_one() {
    let limits = Limits {
        connections_max: 2,
        ..Limits::default()
    };
    let dossier = Dossier::start_with(ApiConfig {
        limits,
        ..ApiConfig::default()
    })
    .await;
    let mut held = [connect(&dossier).await, connect(&dossier).await];
    for place in &mut held {
        assert!(alive(place).await.starts_with("HTTP/1.1 200"));
    }
    let mut third = connect(&dossier).await;
    let pause = Duration::from_millis(200);
    let early = tokio::time::timeout(pause, alive(&mut third)).await;
    assert!(early.is_err(), "there was no place for it: {early:?}");
    drop(held);
    assert!(answer(&mut third).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_that_ask_for_nothing_keep_nobody_out_for_long() {
    let limits = Limits {
        connections_max: 2,
        idle_max: Duration::from_millis(300),
        ..Limits::default()
    };
    let dossier = Dossier::start_with(ApiConfig {
        limits,
        ..ApiConfig::default()
    })
    .await;
    // One that was answered, and more silent ones than there are places.
    let mut answered = connect(&dossier).await;
    assert!(alive(&mut answered).await.starts_with("HTTP/1.1 200"));
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(connect(&dossier).await);
    }
    let mut other = connect(&dossier).await;
    let soon = Duration::from_secs(5);
    let served = tokio::time::timeout(soon, alive(&mut other)).await;
    assert!(served.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_call_that_is_waiting_for_its_answer_is_not_silent() {
    let limits = Limits {
        idle_max: Duration::from_millis(100),
        ..Limits::default()
    };
    let dossier = Dossier::start_with(ApiConfig {
        limits,
        ..ApiConfig::default()
    })
    .await;
    let poll = json!({"max": 1, "wait": 1});
    let answer = dossier.worker().post("/api/claims", &poll).await;
    assert_eq!(answer.json, json!({"claims": []}), "{answer:?}");
}

async fn connect(dossier: &Dossier) -> TcpStream {
    let address = dossier.url.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

async fn alive(stream: &mut TcpStream) -> String {
    let call = "GET /health/liveness HTTP/1.1\r\nhost: dossier\r\n\r\n";
    stream.write_all(call.as_bytes()).await.unwrap();
    answer(stream).await
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let read = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

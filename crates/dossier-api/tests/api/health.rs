//! Health and version.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use dossier_api::ApiConfig;
use dossier_store::SqliteStore;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::Dossier;

/// A server with these routes; answers its URL.
pub async fn upstream(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test]
async fn liveness_readiness_and_info_need_no_token() {
    let dossier = Dossier::start().await;
    let anonymous = dossier.anonymous();
    let up = json!({"status": "UP"});
    assert_eq!(anonymous.get("/health/liveness").await.json, up);
    let ready = anonymous.get("/health/readiness").await;
    let components = json!({"database": up, "documents": up});
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(
        ready.json,
        json!({"status": "UP", "components": components})
    );
    let info = anonymous.get("/info").await.json;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        info,
        json!({"build": {"name": "dossier", "version": version}, "search": "ANYWHERE"})
    );
}

#[tokio::test]
async fn health_shows_each_service_and_a_service_that_is_down_changes_nothing() {
    let dossier = Dossier::start().await;
    let pings = upstream(Router::new().route("/sar/health/ping", get(async || "pong"))).await;
    let plain = upstream(Router::new().route("/health", get(async || "ok"))).await;
    let ill = upstream(Router::new()).await;
    dossier.add_service("pings", &format!("{pings}/sar/")).await;
    dossier.add_service("plain", &plain).await;
    dossier.add_service("ill", &ill).await;
    dossier.add_service("away", "http://127.0.0.1:9").await;
    let answer = dossier.anonymous().get("/health").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["status"], "UP");
    assert_eq!(answer.json["components"]["database"]["status"], "UP");
    let status = |name: &str| answer.json["services"][name]["status"].clone();
    assert_eq!(["pings", "plain"].map(status), [json!("UP"), json!("UP")]);
    assert_eq!(["ill", "away"].map(status), [json!("DOWN"), json!("DOWN")]);
    assert_eq!(answer.json["services"]["ill"]["suspended"], false);
    let again = dossier.anonymous().get("/health").await;
    assert_eq!(again.json, answer.json, "answers are kept for some time");
}

#[tokio::test]
async fn health_is_answered_within_a_second_whatever_services_do() {
    let dossier = Dossier::start().await;
    let mute = async || std::future::pending::<()>().await;
    let mute = upstream(Router::new().route("/health/ping", get(mute))).await;
    let pings = upstream(Router::new().route("/health/ping", get(async || "pong"))).await;
    dossier.add_service("mute", &mute).await;
    dossier.add_service("pings", &pings).await;
    let asked = Instant::now();
    let answer = dossier.anonymous().get("/health").await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{answer:?}");
    assert_eq!(answer.status, StatusCode::OK);
    let mute = &answer.json["services"]["mute"];
    assert_eq!(mute["status"], "UNKNOWN");
    assert_eq!(
        (&mute["stale"], &mute["checkedAt"]),
        (&json!(true), &Value::Null)
    );
    let pings = &answer.json["services"]["pings"];
    assert_eq!(
        (&pings["status"], &pings["stale"]),
        (&json!("UP"), &json!(false))
    );

    tokio::time::sleep(Duration::from_secs(2)).await;
    let answer = dossier.anonymous().get("/health").await;
    let mute = &answer.json["services"]["mute"];
    assert_eq!(
        (&mute["status"], &mute["stale"]),
        (&json!("DOWN"), &json!(false))
    );
    assert!(mute["checkedAt"].is_string());
}

#[tokio::test]
async fn without_its_documents_health_is_down_and_the_api_is_ready() {
    let dossier = Dossier::start_with_services().await;
    dossier.lose_documents();
    let anonymous = dossier.anonymous();
    for (path, code, status) in [
        ("/health", StatusCode::SERVICE_UNAVAILABLE, "DOWN"),
        ("/health/readiness", StatusCode::OK, "UP"),
    ] {
        let answer = anonymous.get(path).await;
        assert_eq!(answer.status, code, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json["status"], status);
        assert_eq!(answer.json["components"]["documents"]["status"], "DOWN");
        assert_eq!(answer.json["components"]["database"]["status"], "UP");
    }
    assert_eq!(
        anonymous.get("/health/liveness").await.status,
        StatusCode::OK
    );
    assert_ne!(anonymous.get("/info").await.json, Value::Null);
    // What needs the database alone goes on.
    let id = dossier.request().await;
    dossier.claim(&id).await;
}

#[tokio::test]
async fn without_its_database_the_api_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("dossier.db")).await;
    let store = Arc::new(store.unwrap());
    let dossier = Dossier::start_on(store.clone(), folder, ApiConfig::default()).await;
    store.close().await;
    for path in ["/health", "/health/readiness"] {
        let answer = dossier.anonymous().get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(answer.json["status"], "DOWN");
        assert_eq!(answer.json["components"]["database"]["status"], "DOWN");
        assert_eq!(answer.json["components"]["documents"]["status"], "UP");
    }
}

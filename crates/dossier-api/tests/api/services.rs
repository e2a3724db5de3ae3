//! The catalogue.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::Dossier;

#[tokio::test]
async fn a_service_is_added_shown_and_replaced() {
    let dossier = Dossier::start().await;
    let admin = dossier.admin();
    let body = json!({
        "name": "keyworker-api", "label": " Key work ", "url": "http://localhost:8080/sar",
        "category": "PROBATION", "rank": 3,
    });
    let added = admin.post("/api/services", &body).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let id = added.json["id"].as_str().unwrap();
    let mut expected = json!({
        "id": id, "name": "keyworker-api", "label": "Key work",
        "url": "http://localhost:8080/sar", "enabled": true, "templateMigrated": false,
        "category": "PROBATION", "rank": 3, "suspended": false, "suspendedAt": null,
        "templateVersion": null, "pendingTemplateVersion": null,
    });
    assert_eq!(added.json, expected);
    let path = format!("/api/services/{id}");
    assert_eq!(added.header("location"), path);
    assert_eq!(dossier.user().get(&path).await.json, expected);
    assert_eq!(
        dossier.user().get("/api/services").await.json,
        json!([expected])
    );

    let body = json!({
        "name": "keyworker-api", "label": "Key work", "url": "https://other.example/",
        "category": "PRISON", "enabled": false, "templateMigrated": true,
    });
    let replaced = dossier.support().put(&path, &body).await;
    assert_eq!(replaced.status, StatusCode::OK);
    for (field, value) in [
        ("url", json!("https://other.example/")),
        ("category", json!("PRISON")),
        ("enabled", json!(false)),
        ("templateMigrated", json!(true)),
        ("rank", Value::Null),
    ] {
        expected[field] = value;
    }
    assert_eq!(replaced.json, expected);
}

#[tokio::test]
async fn a_name_is_unique() {
    let dossier = Dossier::start_with_services().await;
    let body = json!({"name": "alpha", "label": "A", "url": "http://a", "category": "OTHER"});
    let second = dossier.admin().post("/api/services", &body).await;
    second.is_problem(409, "duplicate-service");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_service_is_said_at_once() {
    let dossier = Dossier::start().await;
    let body = json!({"name": "a b", "label": " ", "url": "ftp://a", "category": "OTHER"});
    let answer = dossier.admin().post("/api/services", &body).await;
    answer.is_problem(400, "validation-failed");
    assert_eq!(answer.fields(), ["name", "label", "url"]);
    let body = json!({"name": "a", "label": "A", "url": "http://a", "category": "SECRET"});
    let answer = dossier.admin().post("/api/services", &body).await;
    answer.is_problem(400, "invalid-body");
    assert_eq!(answer.fields(), ["category"]);
    assert!(!answer.text.contains("SECRET"));
}

#[tokio::test]
async fn requests_wait_for_a_suspended_service_until_it_is_resumed() {
    let dossier = Dossier::start().await;
    let service = dossier.add_service("alpha", "http://127.0.0.1:9").await;
    let id = dossier.request().await;
    let path = |suspended| format!("/api/services/{service}/suspend?suspended={suspended}");
    let suspended = dossier.support().patch_bare(&path(true)).await;
    assert_eq!(suspended.status, StatusCode::OK);
    assert_eq!(suspended.json["suspended"], true);
    assert!(suspended.json["suspendedAt"].is_string());
    assert_eq!(
        dossier.shown(&id).await["services"][0]["renderStatus"],
        "SUSPENDED"
    );
    let claim = format!("/api/subjectAccessRequests/{id}/claim");
    dossier
        .worker()
        .patch_bare(&claim)
        .await
        .is_problem(409, "request-waiting");
    let resumed = dossier.support().patch_bare(&path(false)).await;
    assert_eq!(resumed.json["suspendedAt"], Value::Null);
    dossier.claim(&id).await;
}

#[tokio::test]
async fn suspending_needs_to_know_what_and_which() {
    let dossier = Dossier::start().await;
    let unknown = format!("/api/services/{}", uuid::Uuid::now_v7());
    let admin = dossier.admin();
    admin.get(&unknown).await.is_problem(404, "not-found");
    let suspend = admin
        .patch_bare(&format!("{unknown}/suspend?suspended=true"))
        .await;
    suspend.is_problem(404, "not-found");
    let body = json!({"name": "a", "label": "A", "url": "http://a", "category": "PRISON"});
    let put = admin.put(&unknown, &body).await;
    for answer in [suspend, put] {
        answer.is_problem(404, "not-found");
        assert_eq!(answer.json["detail"], "there is no such service");
    }
    for query in ["", "?suspended=", "?suspended=secret"] {
        let answer = admin.patch_bare(&format!("{unknown}/suspend{query}")).await;
        answer.is_problem(400, "invalid-parameter");
        assert_eq!(answer.fields(), ["suspended"], "{query}");
    }
}

//! Looking after what is stuck.

use std::time::Duration;

use dossier_api::ApiConfig;
use reqwest::StatusCode;
use serde_json::json;

use crate::harness::Dossier;

#[tokio::test]
async fn overdue_requests_are_listed_and_counted() {
    let dossier = Dossier::start_with(ApiConfig {
        overdue_after: Duration::from_millis(1),
        ..ApiConfig::default()
    })
    .await;
    dossier.add_services().await;
    let (old, _) = (dossier.request().await, dossier.completed(b"%PDF").await);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let list = dossier
        .support()
        .get("/api/subjectAccessRequests/overdue")
        .await
        .json;
    assert_eq!(
        (&list["totalCount"], &list["thresholdSeconds"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(list["requests"][0]["id"], old);
    assert_eq!(list["requests"][0]["status"], "Overdue");
    let summary = dossier
        .support()
        .get("/api/subjectAccessRequests/summary")
        .await
        .json;
    let expected = json!({
        "totalCount": 2, "completedCount": 1, "erroredCount": 0, "pendingCount": 0,
        "overdueCount": 1,
    });
    assert_eq!(summary, expected);
}

#[tokio::test]
async fn nothing_is_overdue_within_the_threshold() {
    let dossier = Dossier::start_with_services().await;
    dossier.request().await;
    let list = dossier
        .support()
        .get("/api/subjectAccessRequests/overdue")
        .await
        .json;
    assert_eq!(
        list,
        json!({"thresholdSeconds": 43200, "totalCount": 0, "requests": []})
    );
}

#[tokio::test]
async fn a_duplicate_is_a_new_request_with_the_same_details() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(b"%PDF").await;
    let path = format!("/api/subjectAccessRequests/{id}/duplicate");
    let answer = dossier
        .support()
        .send(dossier.support().call(reqwest::Method::POST, &path))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let new = answer.json["id"].as_str().unwrap();
    assert_eq!(
        answer.json,
        json!({"id": new, "originalId": id, "sarCaseReferenceNumber": "SAR-42"})
    );
    assert_eq!(
        answer.header("location"),
        format!("/api/subjectAccessRequest/{new}")
    );
    let shown = dossier.shown(new).await;
    assert_eq!(
        (&shown["status"], &shown["nomisId"]),
        (&json!("Pending"), &json!("A1234AA"))
    );
    assert_eq!(shown["services"][0]["renderStatus"], "PENDING");
    assert_eq!(shown["requestedBy"], "sophie");
}

//! Everything, restarting, cancelling, and the archive.

use std::time::Duration;

use dossier_api::{ApiConfig, HousekeepingRules};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Dossier, request_body};

async fn cancel(dossier: &Dossier, id: &str, body: &Value) -> crate::harness::Answer {
    let path = format!("/api/admin/subjectAccessRequests/{id}/cancel");
    dossier.admin().patch(&path, body).await
}

async fn restart(dossier: &Dossier, id: &str) -> crate::harness::Answer {
    let path = format!("/api/admin/subjectAccessRequests/{id}/restart");
    dossier.admin().patch_bare(&path).await
}

#[tokio::test]
async fn the_list_counts_what_matches_and_pages_what_passes() {
    let dossier = Dossier::start_with_services().await;
    let completed = dossier.completed(b"%PDF").await;
    let errored = dossier.request().await;
    cancel(&dossier, &errored, &json!({})).await;
    let pending = dossier.request().await;
    let mut other = request_body();
    other["sarCaseReferenceNumber"] = json!("other");
    dossier.request_of(&other).await;

    for (query, filter_count, rows) in [
        ("search=sar", 3, vec![&pending, &errored, &completed]),
        ("search=sar&pageSize=1&pageNumber=1", 3, vec![&errored]),
        ("search=sar&completed=true", 1, vec![&completed]),
        (
            "search=sar&completed=true&errored=true",
            2,
            vec![&errored, &completed],
        ),
        (
            "search=sar&pending=true&completed=false&errored=&overdue=",
            1,
            vec![&pending],
        ),
        ("search=sar&overdue=true", 0, vec![]),
    ] {
        let path = format!("/api/admin/subjectAccessRequests?{query}");
        let mut list = dossier.admin().get(&path).await.json;
        let requests = list["requests"].take();
        let shown: Vec<_> = requests
            .as_array()
            .unwrap()
            .iter()
            .map(|r| &r["id"])
            .collect();
        assert_eq!(shown, rows, "{query}");
        let expected = json!({
            "totalCount": 3, "completedCount": 1, "erroredCount": 1, "pendingCount": 1,
            "overdueCount": 0, "filterCount": filter_count, "requests": null,
        });
        assert_eq!(list, expected, "{query}");
    }
}

#[tokio::test]
async fn a_pending_request_past_the_threshold_shows_as_overdue() {
    let dossier = Dossier::start_with(ApiConfig {
        overdue_after: Duration::from_millis(1),
        ..ApiConfig::default()
    })
    .await;
    dossier.add_services().await;
    let id = dossier.request().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let list = dossier
        .admin()
        .get("/api/admin/subjectAccessRequests?overdue=true")
        .await
        .json;
    assert_eq!(list["overdueCount"], 1);
    assert_eq!(list["pendingCount"], 0);
    assert_eq!(list["requests"][0]["status"], "Overdue");
    assert_eq!(dossier.shown(&id).await["status"], "Pending");
}

#[tokio::test]
async fn a_cancelled_request_says_why_and_can_be_restarted() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let came_in = dossier.shown(&id).await["requestDateTime"].clone();
    dossier.claim(&id).await;
    let answer = cancel(&dossier, &id, &json!({"reason": "asked for twice"})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["status"], "Errored");
    assert_eq!(answer.json["errorCode"], "CANCELLED");
    assert_eq!(answer.json["errorDetail"], "asked for twice");
    cancel(&dossier, &id, &json!({}))
        .await
        .is_problem(409, "request-not-pending");

    let answer = restart(&dossier, &id).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["status"], "Pending");
    assert_eq!(answer.json["claimAttempts"], 0);
    assert_eq!(answer.json["requestDateTime"], came_in);
    assert_eq!(answer.json["errorCode"], Value::Null);
}

#[tokio::test]
async fn without_a_reason_a_cancelled_request_says_who() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let path = format!("/api/admin/subjectAccessRequests/{id}/cancel");
    let answer = dossier.admin().patch_bare(&path).await;
    assert_eq!(answer.json["errorDetail"], "cancelled by adam");
}

#[tokio::test]
async fn only_an_errored_request_can_be_restarted() {
    let dossier = Dossier::start_with_services().await;
    let (pending, completed) = (dossier.request().await, dossier.completed(b"%PDF").await);
    for id in [pending, completed] {
        restart(&dossier, &id)
            .await
            .is_problem(400, "request-not-errored");
    }
    let unknown = uuid::Uuid::now_v7().to_string();
    restart(&dossier, &unknown)
        .await
        .is_problem(404, "not-found");
}

#[tokio::test]
async fn the_archive_remembers_requests() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(b"%PDF").await;
    let rules = HousekeepingRules {
        archive_after: Duration::ZERO,
        ..HousekeepingRules::default()
    };
    assert_eq!(dossier.housekeeper(rules).sweep().await.archived, 1);
    let admin = dossier.admin();
    let found = admin
        .get("/api/admin/archivedSubjectAccessRequests?search=sar-4&pageNumber=0&pageSize=5")
        .await
        .json;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert!(found[0]["archivedAt"].is_string());
    assert_eq!(found[0]["request"]["id"], id);
    assert_eq!(found[0]["request"]["status"], "Completed");
    assert_eq!(found[0]["request"]["objectUrl"], Value::Null);
    let full = admin
        .get("/api/admin/archivedSubjectAccessRequests?search=sar-4&pageSize=1")
        .await;
    let link = full.headers["link"].to_str().unwrap();
    assert!(
        link.starts_with("<?search=sar-4&pageSize=1&after="),
        "{link}"
    );
    let none = admin
        .get("/api/admin/archivedSubjectAccessRequests?search=zzz")
        .await
        .json;
    assert_eq!(none, json!([]));
}

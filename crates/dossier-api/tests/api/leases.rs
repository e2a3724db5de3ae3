//! Renewing, giving back, and reporting sections.

use dossier_core::LeaseToken;
use dossier_core::document::section_document_id;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::Dossier;

fn path(id: &str, step: &str) -> String {
    format!("/api/subjectAccessRequests/{id}/{step}")
}

#[tokio::test]
async fn a_renewed_lease_holds_for_longer() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let before = dossier.shown(&id).await["leaseExpiresAt"].clone();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let answer = dossier
        .worker()
        .patch(&path(&id, "lease"), &json!({"leaseToken": token}))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["lockPeriodSeconds"], 60.0);
    let after = answer.json["leaseExpiresAt"].as_str().unwrap();
    // As times: as texts, a fraction of other length misleads.
    let [before, later] =
        [before.as_str().unwrap(), after].map(|text| text.parse::<jiff::Timestamp>().unwrap());
    assert!(later > before);
    assert_eq!(dossier.shown(&id).await["leaseExpiresAt"], after);
}

#[tokio::test]
async fn a_released_request_can_be_claimed_by_another() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let body = json!({"leaseToken": token, "reason": "FAILED", "detail": "alpha answered 500"});
    let answer = dossier.worker().patch(&path(&id, "release"), &body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["leaseExpiresAt"], Value::Null);
    assert_eq!(answer.json["errorDetail"], "alpha answered 500");
    assert_ne!(dossier.claim(&id).await, token);
    assert_eq!(dossier.shown(&id).await["claimAttempts"], 2);
}

#[tokio::test]
async fn a_request_put_off_is_not_due() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let body = json!({"leaseToken": token, "reason": "SHUTDOWN", "retryAfterSeconds": 30.5});
    let answer = dossier.worker().patch(&path(&id, "release"), &body).await;
    assert_eq!(answer.json["claimAttempts"], 0);
    let refused = dossier.worker().patch_bare(&path(&id, "claim")).await;
    refused.is_problem(409, "request-not-due");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=31).contains(&wait));
}

#[tokio::test]
async fn a_stale_token_changes_nothing() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let stale = dossier.claim(&id).await;
    let body = json!({"leaseToken": stale, "reason": "SHUTDOWN"});
    dossier.worker().patch(&path(&id, "release"), &body).await;
    dossier.claim(&id).await;
    let before = dossier.shown(&id).await;
    let document = json!({
        "documentId": uuid::Uuid::now_v7(), "bytes": 1, "sha256": "0".repeat(64),
    });
    for (step, mut body) in [
        ("lease", json!({})),
        ("release", json!({"reason": "FAILED", "detail": "x"})),
        (
            "services/alpha",
            json!({"renderStatus": "PENDING", "bytes": 7, "tries": 1}),
        ),
        (
            "services/alpha",
            json!({"renderStatus": "ERRORED", "error": "x"}),
        ),
        (
            "services/alpha",
            json!({"renderStatus": "COMPLETE", "held": "NO_DATA"}),
        ),
        // Whatever else is wrong, a worker without the lease learns that it has none.
        ("services/alpha", json!({"renderStatus": "COMPLETE"})),
        (
            "services/alpha",
            json!({"renderStatus": "COMPLETE", "held": "DATA", "kept": document}),
        ),
        (
            "complete",
            json!({"documentId": document["documentId"], "bytes": 1, "pages": 1,
                "sha256": document["sha256"]}),
        ),
    ] {
        body["leaseToken"] = json!(stale);
        let answer = dossier.worker().patch(&path(&id, step), &body).await;
        answer.is_problem(409, "lease-lost");
    }
    assert_eq!(dossier.shown(&id).await, before);
}

#[tokio::test]
async fn a_write_without_a_token_is_refused() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    dossier.claim(&id).await;
    for step in ["lease", "release", "services/alpha", "complete"] {
        let missing = dossier
            .worker()
            .patch(
                &path(&id, step),
                &json!({"reason": "SHUTDOWN", "renderStatus": "PENDING"}),
            )
            .await;
        missing.is_problem(400, "invalid-body");
        assert_eq!(missing.fields(), ["leaseToken"], "{step}");
        let bare = dossier.worker().patch_bare(&path(&id, step)).await;
        bare.is_problem(400, "invalid-body");
    }
    let body = json!({"leaseToken": "secret"});
    let ill_formed = dossier.worker().patch(&path(&id, "lease"), &body).await;
    ill_formed.is_problem(400, "invalid-body");
    assert_eq!(ill_formed.fields(), ["leaseToken"]);
    assert!(!ill_formed.text.contains("secret"));
}

#[tokio::test]
async fn an_unknown_request_or_service_is_not_found() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let body = json!({"leaseToken": token, "renderStatus": "PENDING"});
    for step in ["services/beta", "services/no%20name"] {
        let answer = dossier.worker().patch(&path(&id, step), &body).await;
        answer.is_problem(404, "not-found");
    }
    let unknown = uuid::Uuid::now_v7().to_string();
    let answer = dossier
        .worker()
        .patch(&path(&unknown, "lease"), &body)
        .await;
    answer.is_problem(404, "not-found");
}

#[tokio::test]
async fn a_sections_progress_and_outcome_are_shown() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let report = |mut body: Value| {
        body["leaseToken"] = json!(token);
        let (worker, path) = (dossier.worker(), path(&id, "services/alpha"));
        async move {
            let answer = worker.patch(&path, &body).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
        }
    };
    report(json!({"renderStatus": "PENDING", "bytes": 4096, "tries": 2})).await;
    let section = dossier.shown(&id).await["services"][0].clone();
    assert_eq!(
        (&section["bytes"], &section["tries"]),
        (&json!(4096), &json!(2))
    );
    let long = "x".repeat(2000);
    report(json!({"renderStatus": "ERRORED", "error": long, "tries": 3})).await;
    let section = dossier.shown(&id).await["services"][0].clone();
    assert_eq!(section["renderStatus"], "ERRORED");
    assert_eq!(section["error"].as_str().unwrap().len(), 1000);
    dossier.collect(&id, token).await;
    let section = dossier.shown(&id).await["services"][0].clone();
    assert_eq!(section["renderStatus"], "COMPLETE");
    assert_eq!(section["templateVersion"], "generic");
    assert_eq!(section["held"], "DATA");
    assert!(section["renderedAt"].is_string());
}

#[tokio::test]
async fn a_kept_answer_must_be_the_attempts_own_and_stored() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let report = |kept: Value| {
        let body = json!({
            "leaseToken": token, "renderStatus": "COMPLETE", "held": "DATA", "kept": kept,
        });
        let (worker, path) = (dossier.worker(), path(&id, "services/alpha"));
        async move { worker.patch(&path, &body).await }
    };
    let service = "alpha".parse().unwrap();
    let foreign = dossier
        .put(section_document_id(LeaseToken::generate(), &service), b"x")
        .await;
    let answer = report(foreign).await;
    answer.is_problem(400, "validation-failed");
    assert_eq!(answer.fields(), ["kept.documentId"]);
    let own = section_document_id(token, &service);
    let missing = json!({"documentId": own, "bytes": 1, "sha256": "0".repeat(64)});
    report(missing).await.is_problem(422, "document-mismatch");
    let mut stored = dossier.put(own, b"x").await;
    stored["bytes"] = json!(2);
    report(stored).await.is_problem(422, "document-mismatch");
    assert_eq!(
        dossier.shown(&id).await["services"][0]["renderStatus"],
        "PENDING"
    );
}

#[tokio::test]
async fn an_outcome_must_be_one_that_can_be() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let kept = json!({"documentId": uuid::Uuid::now_v7(), "bytes": 1, "sha256": "0".repeat(64)});
    for (mut body, field) in [
        (json!({"renderStatus": "SUSPENDED"}), "renderStatus"),
        (json!({"renderStatus": "ERRORED"}), "error"),
        (json!({"renderStatus": "COMPLETE"}), "held"),
        (json!({"renderStatus": "COMPLETE", "held": "DATA"}), "kept"),
        (
            json!({"renderStatus": "COMPLETE", "held": "NO_DATA", "kept": kept}),
            "kept",
        ),
        (
            json!({"renderStatus": "COMPLETE", "held": "NO_DATA", "templateVersion": "v0"}),
            "templateVersion",
        ),
    ] {
        body["leaseToken"] = json!(token);
        let answer = dossier
            .worker()
            .patch(&path(&id, "services/alpha"), &body)
            .await;
        answer.is_problem(400, "validation-failed");
        assert_eq!(answer.fields(), [field]);
    }
    for (mut body, field) in [
        (json!({"reason": "FAILED"}), "detail"),
        (
            json!({"reason": "SHUTDOWN", "retryAfterSeconds": -1}),
            "retryAfterSeconds",
        ),
        (
            json!({"reason": "SHUTDOWN", "retryAfterSeconds": 604_801}),
            "retryAfterSeconds",
        ),
    ] {
        body["leaseToken"] = json!(token);
        let answer = dossier.worker().patch(&path(&id, "release"), &body).await;
        answer.is_problem(400, "validation-failed");
        assert_eq!(answer.fields(), [field]);
    }
}

//! Completing a request.

use dossier_core::document::{finished_document_id, report_document_id};
use dossier_core::{DocumentKind, LeaseToken};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Answer, Dossier};

async fn complete(dossier: &Dossier, id: &str, token: LeaseToken, document: &Value) -> Answer {
    let mut body = json!({"leaseToken": token, "pages": 2});
    for (field, value) in document.as_object().unwrap() {
        body[field] = value.clone();
    }
    let path = format!("/api/subjectAccessRequests/{id}/complete");
    dossier.worker().patch(&path, &body).await
}

#[tokio::test]
async fn a_completed_request_says_where_its_report_is() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    dossier.collect(&id, token).await;
    let document = dossier.put(report_document_id(token), b"%PDF-1.7").await;
    let answer = complete(&dossier, &id, token, &document).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["status"], "Completed");
    assert_eq!(answer.json["objectUrl"], format!("/api/report?id={id}"));
    assert_eq!(answer.json["pages"], 2);
    assert_eq!(answer.json["bytes"], 8);
    assert!(answer.json["completedAt"].is_string());
    assert_eq!(answer.json, dossier.shown(&id).await);
    let repeated = complete(&dossier, &id, token, &document).await;
    assert_eq!(
        (repeated.status, repeated.json),
        (StatusCode::OK, answer.json)
    );
}

#[tokio::test]
async fn a_completion_that_took_effect_is_told_yes_even_while_the_document_store_is_down() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    dossier.collect(&id, token).await;
    let document = dossier.put(report_document_id(token), b"%PDF-1.7").await;
    let first = complete(&dossier, &id, token, &document).await;
    dossier.lose_documents();
    let repeated = complete(&dossier, &id, token, &document).await;
    assert_eq!(
        (repeated.status, repeated.json),
        (StatusCode::OK, first.json)
    );
    let mut other = document;
    other["bytes"] = json!(7);
    let answer = complete(&dossier, &id, token, &other).await;
    assert!(answer.status.is_server_error(), "{answer:?}");
}

#[tokio::test]
async fn a_fault_of_the_document_store_is_never_answered_as_a_lost_lease() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let document = dossier.put(report_document_id(token), b"%PDF-1.7").await;
    dossier.lose_documents();
    for token in [token, LeaseToken::generate()] {
        let mut own = document.clone();
        own["documentId"] = json!(report_document_id(token));
        let answer = complete(&dossier, &id, token, &own).await;
        assert!(answer.status.is_server_error(), "{answer:?}");
    }
}

#[test]
fn the_conflicts_that_workers_tell_apart_have_the_names_that_they_know() {
    use dossier_api::problem::Kind;
    assert_eq!(Kind::LeaseLost.uri(), dossier_core::wire::LEASE_LOST);
    assert_eq!(
        Kind::RequestFinished.uri(),
        dossier_core::wire::REQUEST_FINISHED
    );
}

#[tokio::test]
async fn a_report_must_be_the_attempts_own_and_stored_whole() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let foreign = dossier
        .put(report_document_id(LeaseToken::generate()), b"x")
        .await;
    let answer = complete(&dossier, &id, token, &foreign).await;
    answer.is_problem(400, "validation-failed");
    assert_eq!(answer.fields(), ["documentId"]);

    let own = report_document_id(token);
    let missing = json!({"documentId": own, "bytes": 1, "sha256": "0".repeat(64)});
    let answer = complete(&dossier, &id, token, &missing).await;
    answer.is_problem(422, "document-mismatch");

    let stored = dossier.put(own, b"%PDF").await;
    for (field, value) in [("bytes", json!(5)), ("sha256", json!("0".repeat(64)))] {
        let mut said = stored.clone();
        said[field] = value;
        let answer = complete(&dossier, &id, token, &said).await;
        answer.is_problem(422, "document-mismatch");
    }
    let mut ill_formed = stored.clone();
    ill_formed["sha256"] = json!("abc");
    let answer = complete(&dossier, &id, token, &ill_formed).await;
    answer.is_problem(400, "validation-failed");
    let mut no_pages = stored;
    no_pages["pages"] = json!(0);
    let answer = complete(&dossier, &id, token, &no_pages).await;
    assert_eq!(answer.fields(), ["pages"]);
    assert_eq!(dossier.shown(&id).await["status"], "Pending");
}

#[tokio::test]
async fn a_request_with_a_section_left_cannot_be_completed() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let answer = dossier.complete(&id, token, b"%PDF").await;
    answer.is_problem(422, "sections-uncollected");
    assert_eq!(dossier.shown(&id).await["status"], "Pending");
}

#[tokio::test]
async fn a_worker_cannot_complete_what_was_cancelled() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    let path = format!("/api/admin/subjectAccessRequests/{id}/cancel");
    assert_eq!(
        dossier.admin().patch_bare(&path).await.status,
        StatusCode::OK
    );
    let answer = dossier.complete(&id, token, b"%PDF").await;
    answer.is_problem(409, "request-finished");
    let report = dossier.user().get(&format!("/api/report?id={id}")).await;
    report.is_problem(404, "not-found");
}

#[tokio::test]
async fn a_repeat_with_anything_else_is_no_repeat() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    dossier.collect(&id, token).await;
    let report = dossier.put(report_document_id(token), b"%PDF").await;
    let copy = finished_document_id(token, DocumentKind::Copy, 1);
    let mut copy = dossier.put(copy, b"%PDF copy").await;
    copy["kind"] = json!("COPY");
    copy["volume"] = json!(1);
    copy["pages"] = json!(1);
    let path = format!("/api/subjectAccessRequests/{id}/complete");
    let mut body = report.clone();
    body["leaseToken"] = json!(token);
    body["pages"] = json!(2);
    body["others"] = json!([copy]);
    for _ in 0..2 {
        let answer = dossier.worker().patch(&path, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let mut other_kind = copy.clone();
    other_kind["kind"] = json!("REPORT");
    for (field, value) in [
        ("others", json!([])),
        ("others", json!([copy, copy])),
        ("others", json!([other_kind])),
    ] {
        let mut changed = body.clone();
        changed[field] = value;
        let answer = dossier.worker().patch(&path, &changed).await;
        assert_ne!(answer.status, StatusCode::OK, "{changed}");
    }
}

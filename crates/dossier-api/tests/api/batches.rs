//! Many leases renewed, many requests completed in one call.

use dossier_core::LeaseToken;
use dossier_core::document::report_document_id;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::Dossier;

async fn claimed(dossier: &Dossier) -> (String, LeaseToken) {
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    (id, token)
}

fn lease((id, token): &(String, LeaseToken)) -> Value {
    json!({"requestId": id, "leaseToken": token})
}

/// What completes a request, once its sections are collected and its report is stored.
async fn ready(dossier: &Dossier, held: &(String, LeaseToken)) -> Value {
    let (id, token) = held;
    dossier.collect(id, *token).await;
    let document = dossier.put(report_document_id(*token), b"%PDF-1.7").await;
    completion(held, &document)
}

fn completion(held: &(String, LeaseToken), document: &Value) -> Value {
    let mut completion = lease(held);
    completion["pages"] = json!(2);
    for (field, value) in document.as_object().unwrap() {
        completion[field] = value.clone();
    }
    completion
}

/// The last word of each outcome's problem, if it has one.
fn problems(outcomes: &Value) -> Vec<Option<&str>> {
    let outcomes = outcomes.as_array().unwrap().iter();
    outcomes
        .map(|outcome| outcome["problem"]["type"].as_str()?.rsplit(':').next())
        .collect()
}

#[tokio::test]
async fn all_that_are_held_are_renewed_and_the_others_say_why_not() {
    let dossier = Dossier::start_with_services().await;
    let (one, other) = (claimed(&dossier).await, claimed(&dossier).await);
    let before = dossier.shown(&one.0).await["leaseExpiresAt"].clone();
    let done = dossier.completed(b"%PDF-1.7").await;
    let stranger = (other.0.clone(), LeaseToken::generate());
    let unknown = (
        "018f0000-0000-7000-8000-000000000000".to_owned(),
        LeaseToken::generate(),
    );
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let finished = (done, LeaseToken::generate());
    let leases = [&one, &stranger, &finished, &unknown, &other].map(lease);
    let answer = dossier
        .worker()
        .post("/api/renewals", &json!({"leases": leases}))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json["lockPeriodSeconds"], 60.0);
    let outcomes = &answer.json["outcomes"];
    let expected = [
        None,
        Some("lease-lost"),
        Some("request-finished"),
        Some("not-found"),
        None,
    ];
    assert_eq!(problems(outcomes), expected);
    for (place, lease) in leases.iter().enumerate() {
        let outcome = &outcomes[place];
        assert_eq!(outcome["requestId"], lease["requestId"]);
        assert_eq!(
            outcome["leaseExpiresAt"].is_string(),
            expected[place].is_none()
        );
    }
    let after = dossier.shown(&one.0).await["leaseExpiresAt"].clone();
    assert_ne!(after, before);
    assert_eq!(outcomes[0]["leaseExpiresAt"], after);
    // Each problem is that of the call for it alone.
    let path = format!("/api/subjectAccessRequests/{}/lease", stranger.0);
    let alone = dossier.worker().patch(&path, &lease(&stranger)).await;
    let mut problem = alone.json.clone();
    problem.as_object_mut().unwrap().remove("requestId");
    assert_eq!(outcomes[1]["problem"], problem);
}

#[tokio::test]
async fn all_that_are_ready_are_completed_and_the_others_say_why_not() {
    let dossier = Dossier::start_with_services().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(claimed(&dossier).await);
    }
    let first = ready(&dossier, &held[0]).await;
    let mut of_a_stranger = ready(&dossier, &held[1]).await;
    let stranger = LeaseToken::generate();
    of_a_stranger["leaseToken"] = json!(stranger);
    of_a_stranger["documentId"] = json!(report_document_id(stranger));
    let mut misjudged = ready(&dossier, &held[2]).await;
    misjudged["bytes"] = json!(7);
    let document = dossier
        .put(report_document_id(held[3].1), b"%PDF-1.7")
        .await;
    let uncollected = completion(&held[3], &document);
    let last = ready(&dossier, &held[4]).await;
    let completions = json!([first, of_a_stranger, misjudged, uncollected, last]);
    let body = json!({"completions": completions});
    let answer = dossier.worker().post("/api/completions", &body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let expected = [
        None,
        Some("lease-lost"),
        Some("document-mismatch"),
        Some("sections-uncollected"),
        None,
    ];
    assert_eq!(problems(&answer.json["outcomes"]), expected);
    for (place, (id, _)) in held.iter().enumerate() {
        assert_eq!(answer.json["outcomes"][place]["requestId"], *id);
        let status = match expected[place] {
            None => "Completed",
            Some(_) => "Pending",
        };
        assert_eq!(dossier.shown(id).await["status"], status);
    }
    // A lost answer is asked for again, even while the document store is down.
    dossier.lose_documents();
    let body = json!({"completions": [first, last]});
    let repeated = dossier.worker().post("/api/completions", &body).await;
    assert_eq!(problems(&repeated.json["outcomes"]), [None, None]);
}

#[tokio::test]
async fn a_batch_has_a_size() {
    let dossier = Dossier::start_with_services().await;
    let one = lease(&claimed(&dossier).await);
    let worker = dossier.worker();
    for (count, is_taken) in [(0, false), (1, true), (100, true), (101, false)] {
        let body = json!({"leases": vec![&one; count]});
        let answer = worker.post("/api/renewals", &body).await;
        if is_taken {
            assert_eq!(problems(&answer.json["outcomes"]), vec![None; count]);
        } else {
            answer.is_problem(400, "validation-failed");
            assert_eq!(answer.fields(), ["leases"]);
        }
    }
    let mut completion = one.clone();
    completion["documentId"] = completion["requestId"].clone();
    completion["sha256"] = json!("0".repeat(64));
    completion["bytes"] = json!(1);
    completion["pages"] = json!(1);
    for count in [0, 101] {
        let body = json!({"completions": vec![&completion; count]});
        let answer = worker.post("/api/completions", &body).await;
        answer.is_problem(400, "validation-failed");
        assert_eq!(answer.fields(), ["completions"]);
    }
    let without_token = json!({"leases": [{"requestId": one["requestId"]}]});
    let refused = worker.post("/api/renewals", &without_token).await;
    refused.is_problem(400, "invalid-body");
}

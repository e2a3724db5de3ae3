//! Repeats of one call.

use dossier_api::ApiConfig;
use jiff::ToSpan;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Dossier, request_body};

async fn post_with_key(client: &Client, key: &str, body: &Value) -> Answer {
    let call = client
        .call(Method::POST, "/api/subjectAccessRequest")
        .json(body);
    client.send(call.header("Idempotency-Key", key)).await
}

#[tokio::test]
async fn a_repeat_answers_the_first_result() {
    let dossier = Dossier::start_with_services().await;
    let user = dossier.user();
    let first = post_with_key(&user, "k1", &request_body()).await;
    let second = post_with_key(&user, "k1", &request_body()).await;
    assert_eq!(
        (first.status, second.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_eq!(first.text, second.text);
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(user.get("/api/totalSubjectAccessRequests").await.json, 1);
}

#[tokio::test]
async fn a_key_is_for_one_call() {
    let dossier = Dossier::start_with_services().await;
    let user = dossier.user();
    post_with_key(&user, "k1", &request_body()).await;
    let mut other = request_body();
    other["nomisId"] = json!("B1234BB");
    let answer = post_with_key(&user, "k1", &other).await;
    answer.is_problem(422, "idempotency-conflict");
}

#[tokio::test]
async fn two_callers_may_use_the_same_key() {
    let dossier = Dossier::start_with_services().await;
    let first = post_with_key(&dossier.user(), "k1", &request_body()).await;
    let second = post_with_key(&dossier.worker(), "k1", &request_body()).await;
    assert_ne!(first.text, second.text);
}

#[tokio::test]
async fn a_key_has_a_form() {
    let dossier = Dossier::start_with_services().await;
    for key in ["", "a b", &"k".repeat(256)] {
        let answer = post_with_key(&dossier.user(), key, &request_body()).await;
        answer.is_problem(400, "invalid-parameter");
        assert_eq!(answer.fields(), ["Idempotency-Key"]);
    }
}

#[tokio::test]
async fn a_repeat_past_midnight_is_still_a_repeat() {
    let dossier = Dossier::start_with_services().await;
    // The first call came in yesterday, when dateTo defaulted to yesterday.
    let zone = ApiConfig::default().time_zone;
    let today = zone.to_datetime(jiff::Timestamp::now()).date();
    let mut body = request_body();
    body["dateTo"] = json!(today.saturating_sub(1.day()));
    let first = post_with_key(&dossier.user(), "k1", &body).await;
    body["dateTo"] = Value::Null;
    let second = post_with_key(&dossier.user(), "k1", &body).await;
    assert_eq!(second.status, StatusCode::CREATED);
    assert_eq!(first.text, second.text);
}

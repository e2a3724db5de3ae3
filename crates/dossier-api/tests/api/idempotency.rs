//! Repeats of one call.

use dossier_api::ApiConfig;
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
async fn a_repeat_is_what_was_sent_whatever_day_was_made_of_it() {
    let dossier = Dossier::start_with_services().await;
    let zone = ApiConfig::default().time_zone;
    let today = zone.to_datetime(jiff::Timestamp::now()).date();
    let mut body = request_body();
    body["dateTo"] = Value::Null;
    let first = post_with_key(&dossier.user(), "k1", &body).await;
    let repeat = post_with_key(&dossier.user(), "k1", &body).await;
    assert_eq!(first.text, repeat.text);
    body["dateTo"] = json!(today);
    let other = post_with_key(&dossier.user(), "k1", &body).await;
    other.is_problem(422, "idempotency-conflict");
}

#[tokio::test]
async fn a_repeat_answers_the_first_result_although_its_service_was_disabled_since() {
    let dossier = Dossier::start().await;
    let service = dossier.add_service("alpha", "http://127.0.0.1:9").await;
    let first = post_with_key(&dossier.user(), "k1", &request_body()).await;
    let disabled = json!({
        "name": "alpha", "label": "Alpha", "url": "http://127.0.0.1:9", "category": "PRISON",
        "enabled": false,
    });
    let path = format!("/api/services/{service}");
    assert_eq!(
        dossier.admin().put(&path, &disabled).await.status,
        StatusCode::OK
    );
    let repeat = post_with_key(&dossier.user(), "k1", &request_body()).await;
    assert_eq!(
        (repeat.status, &repeat.text),
        (StatusCode::CREATED, &first.text)
    );
    let anew = post_with_key(&dossier.user(), "k2", &request_body()).await;
    anew.is_problem(400, "validation-failed");
}

//! Every error is a problem document, and none repeats what was sent.

use std::time::Duration;

use dossier_api::{ApiConfig, Limits};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::Dossier;

const POST: &str = "/api/subjectAccessRequest";

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let dossier = Dossier::start().await;
    for path in [
        "/",
        "/api",
        "/api/nothing?nomisId=A1234AA",
        "/health/nothing",
    ] {
        let answer = dossier.user().get(path).await;
        answer.is_problem(404, "not-found");
        assert!(!answer.text.contains("A1234AA"));
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_which_are_right() {
    let dossier = Dossier::start().await;
    let user = dossier.user();
    for (method, path, allow) in [
        (Method::DELETE, "/api/services", "GET,HEAD,POST"),
        (Method::GET, POST, "POST"),
        (Method::POST, "/health", "GET,HEAD"),
    ] {
        let answer = user.send(user.call(method, path)).await;
        answer.is_problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_explained() {
    let dossier = Dossier::start().await;
    let user = dossier.user();
    let json = |body: &str| {
        let call = user.call(Method::POST, POST).body(body.to_owned());
        user.send(call.header("content-type", "application/json"))
    };
    for (body, field) in [
        ("", "body"),
        ("{\"nomisId\": \"SECRET\"", "body"),
        ("\"SECRET\"", "body"),
        ("{\"nomisId\": [\"SECRET\"]}", "nomisId"),
        ("{\"dateFrom\": \"SECRET\"}", "dateFrom"),
        ("{\"services\": \"SECRET\"}", "services"),
        ("{\"services\": [{\"SECRET\": 1}]}", "services[0]"),
    ] {
        let answer = json(body).await;
        answer.is_problem(400, "invalid-body");
        assert_eq!(answer.fields(), [field], "{body}");
        assert!(!answer.text.contains("SECRET"), "{body}");
    }
}

#[tokio::test]
async fn a_body_must_be_json_and_within_the_limit() {
    let dossier = Dossier::start_with(ApiConfig {
        limits: Limits {
            body_bytes_max: 1000,
            ..Limits::default()
        },
        ..ApiConfig::default()
    })
    .await;
    let user = dossier.user();
    let call = user.call(Method::POST, POST).body("nomisId=A1234AA");
    let answer = user.send(call.header("content-type", "text/plain")).await;
    answer.is_problem(415, "unsupported-media-type");
    let large = format!("{{\"nomisId\": \"{}\"}}", "x".repeat(1000));
    let call = user.call(Method::POST, POST).body(large);
    let answer = user
        .send(call.header("content-type", "application/json"))
        .await;
    answer.is_problem(413, "body-too-large");
}

#[tokio::test]
async fn a_call_is_named_in_its_answer_and_may_bring_its_name() {
    let dossier = Dossier::start().await;
    let user = dossier.user();
    let own = user
        .get("/health/liveness")
        .await
        .header("x-request-id")
        .to_owned();
    assert!(own.parse::<uuid::Uuid>().is_ok());
    for (brought, is_taken) in [
        ("abc-1.2_3", true),
        ("a b", false),
        (&"x".repeat(101), false),
    ] {
        let call = user
            .call(Method::GET, "/nothing")
            .header("x-request-id", brought);
        let answer = user.send(call).await;
        answer.is_problem(404, "not-found");
        assert_eq!(
            answer.header("x-request-id") == brought,
            is_taken,
            "{brought}"
        );
    }
}

/// Writes to a connection of its own and reads the answer until the other side closes.
async fn raw(dossier: &Dossier, text: &str) -> String {
    let address = dossier.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), reading)
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_given_up() {
    let dossier = Dossier::start_with(ApiConfig {
        limits: Limits {
            body_read_max: Duration::from_millis(100),
            ..Limits::default()
        },
        ..ApiConfig::default()
    })
    .await;
    let answer = raw(
        &dossier,
        "POST /api/claims HTTP/1.1\r\nhost: x\r\nauthorization: Bearer worker-token\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("urn:dossier:problem:body-timeout"));
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_given_up() {
    let dossier = Dossier::start_with(ApiConfig {
        limits: Limits {
            idle_max: Duration::from_millis(100),
            ..Limits::default()
        },
        ..ApiConfig::default()
    })
    .await;
    assert_eq!(raw(&dossier, "GET /health HTTP/1.1\r\nhost:").await, "");
}

#[tokio::test]
async fn without_its_documents_a_report_is_unavailable_for_now() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(b"%PDF").await;
    dossier.lose_documents();
    let answer = dossier.user().get(&format!("/api/report?id={id}")).await;
    assert_ne!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

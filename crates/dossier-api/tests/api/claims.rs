//! Claiming, at once and by waiting.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use dossier_api::ApiConfig;
use dossier_core::lease::LeaseRules;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Answer, Dossier};

fn claim_path(id: &str) -> String {
    format!("/api/subjectAccessRequests/{id}/claim")
}

#[tokio::test]
async fn a_claim_says_all_that_a_worker_needs() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    let answer = dossier.worker().patch_bare(&claim_path(&id)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut claim = answer.json;
    let is_uuid = |value: Value| value.as_str().unwrap().parse::<uuid::Uuid>().is_ok();
    assert!(is_uuid(claim["leaseToken"].take()));
    assert!(is_uuid(claim["sections"][0]["serviceId"].take()));
    let expires = claim["leaseExpiresAt"].take();
    assert_eq!(claim["request"]["leaseExpiresAt"], expires);
    assert_eq!(claim["request"].take()["claimAttempts"], 1);
    let expected = json!({
        "leaseToken": null, "attempt": 1, "leaseExpiresAt": null, "lockPeriodSeconds": 60.0,
        "request": null,
        "sections": [{
            "serviceId": null, "serviceName": "alpha", "serviceLabel": "Label of alpha",
            "serviceUrl": "http://127.0.0.1:9/", "templateMigrated": false, "schemaSha256": null,
            "renderStatus": "PENDING", "held": null, "kept": null, "templateVersion": null,
        }],
    });
    assert_eq!(claim, expected);
}

#[tokio::test]
async fn a_second_worker_cannot_take_a_live_lease() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    dossier.claim(&id).await;
    let second = dossier.worker().patch_bare(&claim_path(&id)).await;
    second.is_problem(409, "request-locked");
    let wait: u64 = second.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait));
}

#[tokio::test]
async fn what_is_finished_or_unknown_cannot_be_claimed() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(b"%PDF").await;
    let finished = dossier.worker().patch_bare(&claim_path(&id)).await;
    finished.is_problem(409, "request-finished");
    let unknown = uuid::Uuid::now_v7().to_string();
    let unknown = dossier.worker().patch_bare(&claim_path(&unknown)).await;
    unknown.is_problem(404, "not-found");
}

#[tokio::test]
async fn the_oldest_are_claimed_first_and_never_twice() {
    let dossier = Dossier::start_with_services().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(dossier.request().await);
    }
    let worker = dossier.worker();
    let first = worker.post("/api/claims", &json!({"max": 2})).await;
    assert_eq!(claimed(&first), made[..2]);
    let all = json!({"max": 10});
    let (a, b) = tokio::join!(
        worker.post("/api/claims", &all),
        worker.post("/api/claims", &all),
    );
    let rest = [claimed(&a), claimed(&b)].concat();
    assert_eq!(rest.len(), 3);
    assert_eq!(
        rest.iter().collect::<HashSet<_>>(),
        made[2..].iter().collect()
    );
    let none = worker.post("/api/claims", &json!({})).await;
    assert_eq!(
        (none.status, none.json),
        (StatusCode::OK, json!({"claims": []}))
    );
}

fn claimed(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let claims = answer.json["claims"].as_array().unwrap().iter();
    claims
        .map(|claim| claim["request"]["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn waiting_ends_when_a_request_comes() {
    let dossier = Dossier::start_with_services().await;
    let worker = dossier.worker();
    let waiting = tokio::spawn(async move {
        worker
            .post("/api/claims", &json!({"max": 1, "wait": 20}))
            .await
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    let made = Instant::now();
    let id = dossier.request().await;
    let answer = waiting.await.unwrap();
    assert_eq!(claimed(&answer), [id]);
    assert!(
        made.elapsed() < Duration::from_secs(2),
        "{:?}",
        made.elapsed()
    );
}

#[tokio::test]
async fn every_waiting_worker_gets_a_request_of_its_own() {
    let dossier = Dossier::start_with_services().await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let worker = dossier.worker();
        waiting.push(tokio::spawn(async move {
            worker
                .post("/api/claims", &json!({"max": 1, "wait": 20}))
                .await
        }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut made = HashSet::new();
    for _ in 0..4 {
        made.insert(dossier.request().await);
    }
    let mut got = HashSet::new();
    for answer in waiting {
        got.extend(claimed(&answer.await.unwrap()));
    }
    assert_eq!(got, made);
}

#[tokio::test]
async fn waiting_ends_when_its_time_is_over() {
    let dossier = Dossier::start().await;
    let begun = Instant::now();
    let answer = dossier
        .worker()
        .post("/api/claims", &json!({"max": 1, "wait": 1}))
        .await;
    assert_eq!(answer.json, json!({"claims": []}));
    assert!(begun.elapsed() >= Duration::from_millis(900));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn waiting_ends_at_once_when_the_api_shuts_down() {
    let dossier = Dossier::start().await;
    let worker = dossier.worker();
    // A connection that is there already: none is accepted once the API shuts down.
    worker.get("/health/liveness").await;
    let waiting = tokio::spawn(async move {
        worker
            .post("/api/claims", &json!({"max": 1, "wait": 60}))
            .await
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stopped = Instant::now();
    dossier.stop().await;
    let answer = waiting.await.unwrap();
    assert_eq!(
        (answer.status, answer.json),
        (StatusCode::OK, json!({"claims": []}))
    );
    assert!(stopped.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn who_stops_waiting_takes_nothing_along() {
    let dossier = Dossier::start_with_services().await;
    let worker = dossier.worker();
    let body = json!({"max": 1, "wait": 20});
    let call = worker.call(Method::POST, "/api/claims").json(&body);
    let given_up = call.timeout(Duration::from_millis(300)).send().await;
    assert!(given_up.unwrap_err().is_timeout());
    let id = dossier.request().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let shown = dossier.shown(&id).await;
    assert_eq!(
        (&shown["leaseExpiresAt"], &shown["claimAttempts"]),
        (&Value::Null, &json!(0))
    );
    dossier.claim(&id).await;
}

#[tokio::test]
async fn a_claim_whose_answer_nobody_takes_is_given_back() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    for path in ["/api/claims".to_owned(), claim_path(&id)] {
        let method = if path == "/api/claims" {
            "POST"
        } else {
            "PATCH"
        };
        let call = http::Request::builder()
            .method(method)
            .uri(&path)
            .header("authorization", "Bearer worker-token")
            .header("content-type", "application/json")
            .body(axum::body::Body::from("{}"))
            .unwrap();
        let answer = dossier_api::router(dossier.api.clone())
            .oneshot(call)
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(dossier.shown(&id).await["leaseExpiresAt"].is_string());
        drop(answer);
        let mut tries = 0;
        while dossier.shown(&id).await["leaseExpiresAt"].is_string() {
            tries += 1;
            assert!(tries < 200, "{path}: it was not given back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(dossier.shown(&id).await["claimAttempts"], 0);
    }
}

#[tokio::test]
async fn an_expired_lease_wakes_those_who_wait() {
    let dossier = Dossier::start_with(ApiConfig {
        lease_rules: LeaseRules {
            lock_period: Duration::from_millis(500),
            ..LeaseRules::default()
        },
        ..ApiConfig::default()
    })
    .await;
    dossier.add_services().await;
    let id = dossier.request().await;
    dossier.claim(&id).await;
    let answer = dossier
        .worker()
        .post("/api/claims", &json!({"max": 1, "wait": 20}))
        .await;
    assert_eq!(claimed(&answer), [id]);
    assert_eq!(answer.json["claims"][0]["attempt"], 2);
    assert_eq!(answer.json["claims"][0]["lockPeriodSeconds"], 0.5);
}

#[tokio::test]
async fn what_is_wanted_has_limits() {
    let dossier = Dossier::start().await;
    for (body, fields) in [
        (json!({"max": 0}), vec!["max"]),
        (json!({"max": 101, "wait": 61}), vec!["max", "wait"]),
        (json!({"worker": "w".repeat(101)}), vec!["worker"]),
    ] {
        let answer = dossier.worker().post("/api/claims", &body).await;
        answer.is_problem(400, "validation-failed");
        assert_eq!(answer.fields(), fields);
    }
}

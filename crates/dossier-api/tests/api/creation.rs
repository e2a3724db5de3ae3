//! Making a request.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Dossier, request_body};

#[tokio::test]
async fn the_answer_is_the_id_and_where_the_request_is() {
    let dossier = Dossier::start_with_services().await;
    let user = dossier.user();
    let answer = user
        .post("/api/subjectAccessRequest", &request_body())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(answer.header("content-type").starts_with("text/plain"));
    let id: uuid::Uuid = answer.text.parse().unwrap();
    let location = format!("/api/subjectAccessRequest/{id}");
    assert_eq!(answer.header("location"), location);
    assert_eq!(user.get(&location).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_id_is_a_json_string_for_those_who_accept_json() {
    let dossier = Dossier::start_with_services().await;
    let user = dossier.user();
    let call = user
        .call(Method::POST, "/api/subjectAccessRequest")
        .json(&request_body());
    let answer = user.send(call.header("accept", "application/json")).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.json.as_str().unwrap().parse::<uuid::Uuid>().is_ok());
}

#[tokio::test]
async fn a_new_request_is_shown_in_full() {
    let dossier = Dossier::start_with_services().await;
    let mut body = request_body();
    body["subjectName"] = json!(" LOVELACE, Ada ");
    body["nomisId"] = json!(" A1234AA ");
    body["sarCaseReferenceNumber"] = json!(" SAR-42 ");
    let id = dossier.request_of(&body).await;
    let mut shown = dossier.shown(&id).await;
    for time in ["requestDateTime", "dueAt"] {
        let taken = shown[time].take();
        assert!(taken.as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    }
    let expected = json!({
        "id": id, "status": "Pending", "dateFrom": "2020-01-01", "dateTo": "2024-12-31",
        "sarCaseReferenceNumber": "SAR-42",
        "services": [{
            "serviceName": "alpha", "serviceLabel": "Label of alpha", "renderStatus": "PENDING",
            "templateVersion": null, "renderedAt": null, "held": null, "bytes": 0, "tries": 0,
            "error": null,
        }],
        "nomisId": "A1234AA", "ndeliusCaseReferenceId": null, "subjectName": "LOVELACE, Ada",
        "priority": "NORMAL",
            "requestedBy": "ursula", "requestDateTime": null, "claimDateTime": null,
        "claimAttempts": 0, "leaseExpiresAt": null, "dueAt": null, "completedAt": null,
        "errorCode": null, "errorDetail": null, "objectUrl": null, "pages": null, "bytes": null,
        "documents": [], "lastDownloaded": null,
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn without_a_last_day_it_is_today_in_the_configured_time_zone() {
    let dossier = Dossier::start_with_services().await;
    let mut body = request_body();
    body["dateTo"] = Value::Null;
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let before = zone.to_datetime(jiff::Timestamp::now()).date();
    let id = dossier.request_of(&body).await;
    let after = zone.to_datetime(jiff::Timestamp::now()).date();
    let shown = dossier.shown(&id).await["dateTo"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((before..=after).contains(&shown));
}

#[tokio::test]
async fn a_request_may_be_about_a_probation_identifier() {
    let dossier = Dossier::start_with_services().await;
    let mut body = request_body();
    body["nomisId"] = Value::Null;
    body["ndeliusId"] = json!("X123456");
    let id = dossier.request_of(&body).await;
    let shown = dossier.shown(&id).await;
    assert_eq!(shown["ndeliusCaseReferenceId"], "X123456");
    assert_eq!(shown["nomisId"], Value::Null);
}

#[tokio::test]
async fn a_request_has_a_priority_if_it_is_given_one() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    assert_eq!(dossier.shown(&id).await["priority"], "NORMAL");
    let mut body = request_body();
    body["priority"] = json!("HIGH");
    let urgent = dossier.request_of(&body).await;
    assert_eq!(dossier.shown(&urgent).await["priority"], "HIGH");
    let claims = dossier
        .worker()
        .post("/api/claims", &json!({"max": 2, "wait": 0}))
        .await;
    let first = &claims.json["claims"][0]["request"];
    assert_eq!(first["id"], urgent, "it goes before what came in earlier");
    body["priority"] = json!("URGENT");
    let refused = dossier
        .user()
        .post("/api/subjectAccessRequest", &body)
        .await;
    refused.is_problem(400, "invalid-body");
    assert_eq!(refused.fields(), ["priority"]);
}

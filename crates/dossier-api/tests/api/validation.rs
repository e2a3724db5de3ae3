//! What may not be asked for.

use serde_json::{Value, json};

use crate::harness::{Answer, Dossier, request_body};

const NEITHER: &str = "Neither nomisId or nDeliusId provided - exactly one is required";
const BOTH: &str = "Both nomisId and nDeliusId are provided - exactly one is required";

/// The answer to a good body in which these fields are changed.
async fn refused(dossier: &Dossier, changes: Value) -> Answer {
    let mut body = request_body();
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    let answer = dossier
        .user()
        .post("/api/subjectAccessRequest", &body)
        .await;
    answer.is_problem(400, "validation-failed");
    answer
}

#[tokio::test]
async fn exactly_one_identifier_is_required() {
    let dossier = Dossier::start_with_services().await;
    for changes in [
        json!({"nomisId": null}),
        json!({"nomisId": "  "}),
        json!({"nomisId": "", "ndeliusId": ""}),
    ] {
        assert_eq!(refused(&dossier, changes).await.json["detail"], NEITHER);
    }
    let both = refused(&dossier, json!({"ndeliusId": "X123456"})).await;
    assert_eq!(both.json["detail"], BOTH);
    let blank = refused(&dossier, json!({"ndeliusId": " "})).await;
    assert_eq!(blank.fields(), ["ndeliusId"]);
}

#[tokio::test]
async fn identifiers_have_their_form_and_are_not_repeated() {
    let dossier = Dossier::start_with_services().await;
    let nomis = refused(&dossier, json!({"nomisId": "SECRET1"})).await;
    assert_eq!(nomis.fields(), ["nomisId"]);
    assert!(!nomis.text.contains("SECRET1"));
    let ndelius = refused(&dossier, json!({"nomisId": null, "ndeliusId": "SECRET1"})).await;
    assert_eq!(ndelius.fields(), ["ndeliusId"]);
    assert!(!ndelius.text.contains("SECRET1"));
}

#[tokio::test]
async fn a_case_reference_is_required() {
    let dossier = Dossier::start_with_services().await;
    for reference in [json!(null), json!(" "), json!("x".repeat(201))] {
        let answer = refused(&dossier, json!({"sarCaseReferenceNumber": reference})).await;
        assert_eq!(answer.fields(), ["sarCaseReferenceNumber"]);
    }
}

#[tokio::test]
async fn services_are_known_enabled_and_named_once() {
    let dossier = Dossier::start_with_services().await;
    let disabled = json!({
        "name": "off", "label": "Off", "url": "http://off", "enabled": false, "category": "OTHER",
    });
    dossier.admin().post("/api/services", &disabled).await;
    for (services, field) in [
        (json!([]), "services"),
        (json!(["gamma"]), "services[0]"),
        (json!(["alpha", "off"]), "services[1]"),
        (json!(["alpha", "beta", "alpha"]), "services[2]"),
        (json!(["alpha", "no name"]), "services[1]"),
        (json!(vec!["alpha"; 501]), "services"),
    ] {
        let answer = refused(&dossier, json!({"services": services})).await;
        assert_eq!(answer.fields(), [field]);
    }
}

#[tokio::test]
async fn the_last_day_is_not_before_the_first() {
    let dossier = Dossier::start_with_services().await;
    for changes in [
        json!({"dateFrom": "2025-01-02", "dateTo": "2025-01-01"}),
        json!({"dateFrom": "9998-01-01", "dateTo": null}),
    ] {
        assert_eq!(refused(&dossier, changes).await.fields(), ["dateTo"]);
    }
}

#[tokio::test]
async fn a_misspelt_field_is_refused_instead_of_asking_for_more() {
    let dossier = Dossier::start_with_services().await;
    let mut body = request_body();
    body["datefrom"] = json!("2024-01-01");
    let answer = dossier
        .user()
        .post("/api/subjectAccessRequest", &body)
        .await;
    answer.is_problem(400, "invalid-body");
    assert_eq!(answer.fields(), ["datefrom"]);
    let mut full = request_body();
    for field in ["ndeliusId", "subjectName"] {
        full[field] = Value::Null;
    }
    dossier.request_of(&full).await;
}

#[tokio::test]
async fn days_are_from_1900_to_9999() {
    let dossier = Dossier::start_with_services().await;
    for (day, ok) in [
        ("1899-12-31", false),
        ("-000001-01-01", false),
        ("1900-01-01", true),
    ] {
        let changes = json!({"dateFrom": day, "services": []});
        let answer = refused(&dossier, changes).await;
        let expected: &[&str] = if ok {
            &["services"]
        } else {
            &["dateFrom", "services"]
        };
        assert_eq!(answer.fields(), expected, "{day}");
    }
    let changes = json!({"dateFrom": null, "dateTo": "1899-12-31"});
    assert_eq!(refused(&dossier, changes).await.fields(), ["dateTo"]);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_the_first_is_the_detail() {
    let dossier = Dossier::start_with_services().await;
    let answer = refused(
        &dossier,
        json!({
            "nomisId": null, "sarCaseReferenceNumber": "", "subjectName": " ",
            "dateFrom": "2025-01-02", "dateTo": "2025-01-01", "services": ["gamma", "delta"],
        }),
    )
    .await;
    assert_eq!(
        answer.fields(),
        [
            "nomisId",
            "sarCaseReferenceNumber",
            "subjectName",
            "dateTo",
            "services[0]",
            "services[1]"
        ]
    );
    assert_eq!(answer.json["detail"], NEITHER);
    assert_eq!(answer.json["errors"][0]["message"], NEITHER);
    assert_eq!(
        dossier
            .user()
            .get("/api/totalSubjectAccessRequests")
            .await
            .json,
        0
    );
}

//! JSON Schemas of what services answer.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::Dossier;

const SCHEMA: &str = "{ \"title\":\r\n \"Key work\" }";

fn sha256(content: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(content).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_schema_is_set_shown_as_received_and_removed() {
    let dossier = Dossier::start().await;
    let id = dossier.add_service("alpha", "http://127.0.0.1:9").await;
    let path = format!("/api/services/{id}/schema");
    let (registrar, user) = (dossier.registrar(), dossier.user());
    user.get(&path).await.is_problem(404, "not-found");
    for schema in ["true", SCHEMA] {
        let set = registrar
            .put_file(&path, "application/schema+json", schema)
            .await;
        assert_eq!(set.status, StatusCode::OK);
        let expected = json!({"serviceId": id, "sha256": sha256(schema), "bytes": schema.len()});
        assert_eq!(set.json, expected);
    }
    let shown = user.get(&path).await;
    assert_eq!(shown.text, SCHEMA);
    assert_eq!(shown.header("etag"), format!("\"{}\"", sha256(SCHEMA)));
    assert_eq!(shown.header("content-type"), "application/schema+json");
    let support = dossier.support();
    let removed = support.delete(&path).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    support.delete(&path).await.is_problem(404, "not-found");
    user.get(&path).await.is_problem(404, "not-found");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_with_its_place() {
    let dossier = Dossier::start().await;
    let id = dossier.add_service("alpha", "http://127.0.0.1:9").await;
    let path = format!("/api/services/{id}/schema");
    let registrar = dossier.registrar();
    for (schema, pointer) in [
        (
            r#"{"properties": {"a/b": {"title": 7}}}"#,
            "/properties/a~1b/title",
        ),
        (r#"{"items": {"$ref": "other.json"}}"#, "/items/$ref"),
        ("[]", ""),
    ] {
        let refused = registrar.put_file(&path, "application/json", schema).await;
        refused.is_problem(400, "invalid-schema");
        assert_eq!(refused.json["errors"][0]["pointer"], pointer);
        assert_eq!(refused.json["errors"][0]["line"], Value::Null);
    }
    let refused = registrar
        .put_file(&path, "application/json", "{\n  7}")
        .await;
    refused.is_problem(400, "invalid-schema");
    let error = &refused.json["errors"][0];
    assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(3)));
    let text = registrar.put_file(&path, "text/plain", "{}").await;
    text.is_problem(415, "unsupported-media-type");
    let large = format!("{{{}}}", " ".repeat(1024 * 1024));
    let large = registrar.put_file(&path, "application/json", large).await;
    large.is_problem(413, "body-too-large");
    registrar.get(&path).await.is_problem(404, "not-found");
    let unknown = format!("/api/services/{}/schema", uuid::Uuid::now_v7());
    let unknown = registrar.put_file(&unknown, "application/json", "{}").await;
    unknown.is_problem(404, "not-found");
}

#[tokio::test]
async fn a_claim_says_which_schema_each_service_has() {
    let dossier = Dossier::start_with_services().await;
    let services = dossier.user().get("/api/services").await.json;
    let id = services[0]["id"].as_str().unwrap();
    let path = format!("/api/services/{id}/schema");
    let set = dossier
        .registrar()
        .put_file(&path, "application/json", SCHEMA)
        .await;
    assert_eq!(set.status, StatusCode::OK);
    let request = dossier.request().await;
    let claim = format!("/api/subjectAccessRequests/{request}/claim");
    let claimed = dossier.worker().patch_bare(&claim).await;
    let section = claimed.json["sections"]
        .as_array()
        .unwrap()
        .iter()
        .find(|section| section["serviceId"] == id)
        .unwrap();
    assert_eq!(section["schemaSha256"], sha256(SCHEMA));
}

//! Registering versions of templates, looking at them, and finding out which one is served.

use std::time::Duration;

use dossier_api::{ApiConfig, Limits, TemplateProblem};
use dossier_core::LeaseToken;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Answer, Dossier};

fn sha256(content: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(content).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A validator that knows one helper: `shout`.
fn only_shout(text: &str) -> Result<(), Vec<TemplateProblem>> {
    for (line, number) in text.lines().zip(1..) {
        if let Some((before, after)) = line.split_once("{{")
            && !after.starts_with("shout ")
        {
            return Err(vec![TemplateProblem {
                line: number,
                column: u32::try_from(before.chars().count() + 1).unwrap(),
                detail: "there is no such helper".to_owned(),
            }]);
        }
    }
    Ok(())
}

fn strict() -> ApiConfig {
    ApiConfig {
        template_validator: only_shout,
        ..ApiConfig::default()
    }
}

/// Where the versions of `alpha` are, which is made.
async fn alpha(dossier: &Dossier) -> (String, String) {
    let id = dossier.add_service("alpha", "http://127.0.0.1:9").await;
    let path = format!("/api/templates/service/{id}");
    (id, path)
}

/// The holder of a live lease of a request for `alpha`.
struct Holder {
    path: String,
    token: LeaseToken,
}

impl Holder {
    async fn new(dossier: &Dossier) -> Self {
        let id = dossier.request().await;
        let token = dossier.claim(&id).await;
        let path = format!("/api/subjectAccessRequests/{id}/services/alpha/template");
        Self { path, token }
    }

    async fn resolve(&self, dossier: &Dossier, content: &[u8]) -> Answer {
        let body = json!({"leaseToken": self.token, "sha256": sha256(content)});
        dossier.worker().post(&self.path, &body).await
    }
}

#[tokio::test]
async fn a_version_is_registered_listed_and_read() {
    let dossier = Dossier::start().await;
    let (id, path) = alpha(&dossier).await;
    let registrar = dossier.registrar();
    assert_eq!(registrar.get(&path).await.json, json!([]));
    let content = b"<h1>{{title}}</h1>\r\n\xe2\x82\xac";
    let registered = registrar.post_file(&path, content).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    let location = format!("{path}/1");
    assert_eq!(registered.header("location"), location);
    let view = registered.json;
    assert!(view["id"].is_string() && view["createdDate"].is_string());
    let expected = json!({
        "id": view["id"], "serviceId": id, "version": 1, "createdDate": view["createdDate"],
        "publishedDate": null, "fileHash": sha256(content), "size": content.len(),
        "status": "PENDING",
    });
    assert_eq!(view, expected);
    assert_eq!(registrar.get(&path).await.json, json!([expected]));

    let text = dossier.support().get(&location).await;
    assert_eq!(text.status, StatusCode::OK);
    assert_eq!(text.text.as_bytes(), content);
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(text.header("etag"), format!("\"{}\"", sha256(content)));
    assert_eq!(text.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_same_template_is_not_registered_twice_and_a_pending_one_is_replaced() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    let registrar = dossier.registrar();
    let first = registrar.post_file(&path, b"x").await;
    let again = registrar.post_file(&path, b"x").await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json, first.json);
    let other = registrar.post_file(&path, b"y").await;
    assert_eq!(other.status, StatusCode::CREATED);
    assert_eq!(other.json["version"], 1);
    assert_ne!(other.json["id"], first.json["id"]);
    assert_eq!(registrar.get(&path).await.json, json!([other.json]));
}

#[tokio::test]
async fn a_template_that_cannot_be_used_is_refused_with_its_place() {
    let dossier = Dossier::start_with(strict()).await;
    let (_, path) = alpha(&dossier).await;
    let registrar = dossier.registrar();
    for path in [path.as_str(), "/api/templates/validate"] {
        let refused = registrar
            .post_file(path, "one\nt\u{e9} {{cry x}}".as_bytes())
            .await;
        refused.is_problem(400, "invalid-template");
        let error = json!({
            "field": "file", "message": "line 2, column 4: there is no such helper",
            "line": 2, "column": 4,
        });
        assert_eq!(refused.json["errors"], json!([error]));
        assert_eq!(refused.json["detail"], error["message"]);
        let refused = registrar.post_file(path, b"one\n\xc3\xa9\xff").await;
        refused.is_problem(400, "invalid-template");
        let error = &refused.json["errors"][0];
        assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(2)));
        assert!(error["message"].as_str().unwrap().contains("UTF-8"));
    }
    assert_eq!(registrar.get(&path).await.json, json!([]));
}

#[tokio::test]
async fn all_that_makes_a_template_unusable_is_said_at_once() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    let registrar = dossier.registrar();
    let content = b"{{foo a}}\n{{bar b}}{{{odd}}}{{> p}}";
    for path in [path.as_str(), "/api/templates/validate"] {
        let refused = registrar.post_file(path, content).await;
        refused.is_problem(400, "invalid-template");
        let errors = refused.json["errors"].as_array().unwrap();
        let places: Vec<_> = errors
            .iter()
            .map(|error| (&error["line"], &error["column"]))
            .collect();
        let expected = [(1, 3), (2, 3), (2, 19)].map(|(line, column)| (json!(line), json!(column)));
        let expected: Vec<_> = expected
            .iter()
            .map(|(line, column)| (line, column))
            .collect();
        assert_eq!(places, expected, "{refused:?}");
        assert!(errors[1]["message"].as_str().unwrap().contains("`bar`"));
    }
    assert_eq!(registrar.get(&path).await.json, json!([]));
}

#[tokio::test]
async fn an_empty_template_is_refused() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    for content in [b"".as_slice(), b" \n"] {
        let refused = dossier.registrar().post_file(&path, content).await;
        refused.is_problem(400, "invalid-template");
        let message = refused.json["errors"][0]["message"].as_str().unwrap();
        let says = "line 1, column 1: the template is empty: it makes nothing of any answer";
        assert_eq!(message, says);
    }
}

#[tokio::test]
async fn a_template_is_checked_without_being_registered() {
    let dossier = Dossier::start_with(strict()).await;
    let (_, path) = alpha(&dossier).await;
    let checked = dossier
        .registrar()
        .post_file("/api/templates/validate", b"{{shout x}}")
        .await;
    assert_eq!(checked.status, StatusCode::OK, "{checked:?}");
    let expected = json!({"fileHash": sha256(b"{{shout x}}"), "size": 11});
    assert_eq!(checked.json, expected);
    assert_eq!(dossier.registrar().get(&path).await.json, json!([]));
}

#[tokio::test]
async fn a_template_may_be_as_large_as_the_limit_whatever_other_bodies_may_be() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    let limit = Limits::default().template_bytes_max;
    assert!(limit > Limits::default().body_bytes_max);
    let mut content = vec![b'x'; limit];
    for path in [path.as_str(), "/api/templates/validate"] {
        let answer = dossier.registrar().post_file(path, &content).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
    content.push(b'x');
    let answer = dossier.registrar().post_file(&path, &content).await;
    answer.is_problem(413, "body-too-large");
    assert!(answer.text.contains("2097152"), "{answer:?}");
    let answer = dossier
        .registrar()
        .post_file(&path, &vec![b'x'; 3 * limit])
        .await;
    answer.is_problem(413, "body-too-large");
}

#[tokio::test]
async fn what_is_no_form_with_one_file_is_explained() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    let registrar = dossier.registrar();
    let post = || registrar.call(Method::POST, &path);
    let json = registrar.send(post().json(&json!("SECRET"))).await;
    json.is_problem(415, "unsupported-media-type");
    let form = |content_type: &str, body: &str| {
        let call = post().header("content-type", content_type.to_owned());
        registrar.send(call.body(body.to_owned()))
    };
    let nothing = registrar.send(post().multipart(Form::new().text("other", "SECRET")));
    let twice = Form::new().text("file", "SECRET").text("file", "SECRET");
    for (answer, field) in [
        (nothing.await, "file"),
        (registrar.send(post().multipart(twice)).await, "file"),
        (form("multipart/form-data", "SECRET").await, "body"),
        (
            form("multipart/form-data; boundary=b", "SECRET").await,
            "body",
        ),
        (form("multipart/form-data; boundary=b", "").await, "body"),
        (
            form(
                "multipart/form-data; boundary=b",
                "--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nSECRET",
            )
            .await,
            "body",
        ),
    ] {
        answer.is_problem(400, "invalid-body");
        assert_eq!(answer.fields(), [field], "{answer:?}");
        assert!(!answer.text.contains("SECRET"), "{answer:?}");
    }
    assert_eq!(registrar.get(&path).await.json, json!([]));
}

#[tokio::test]
async fn a_form_that_does_not_arrive_is_not_waited_for() {
    let limits = Limits {
        body_read_max: Duration::from_millis(100),
        ..Limits::default()
    };
    let dossier = Dossier::start_with(ApiConfig {
        limits,
        ..ApiConfig::default()
    })
    .await;
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let registrar = dossier.registrar();
    let call = registrar
        .call(Method::POST, "/api/templates/validate")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(reqwest::Body::wrap_stream(never));
    registrar.send(call).await.is_problem(408, "body-timeout");
}

#[tokio::test]
async fn an_unknown_service_or_version_is_not_found() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    let registrar = dossier.registrar();
    let unknown = format!("/api/templates/service/{}", uuid::Uuid::now_v7());
    for answer in [
        registrar.get(&unknown).await,
        registrar.post_file(&unknown, b"x").await,
    ] {
        answer.is_problem(404, "not-found");
        assert_eq!(answer.json["detail"], "there is no such service");
    }
    for path in [format!("{path}/1"), format!("{unknown}/1")] {
        let answer = registrar.get(&path).await;
        answer.is_problem(404, "not-found");
        assert_eq!(answer.json["detail"], "there is no such template version");
    }
    for version in ["0", "v1", "-1", "4294967296"] {
        let answer = registrar.get(&format!("{path}/{version}")).await;
        answer.is_problem(400, "invalid-parameter");
        assert_eq!(answer.fields(), ["version"]);
    }
}

#[tokio::test]
async fn a_pending_version_is_published_when_a_worker_is_served_it() {
    let dossier = Dossier::start().await;
    let (id, path) = alpha(&dossier).await;
    dossier.registrar().post_file(&path, b"x").await;
    let holder = Holder::new(&dossier).await;
    let resolved = holder.resolve(&dossier, b"x").await;
    assert_eq!(resolved.status, StatusCode::OK, "{resolved:?}");
    let published = json!({"version": 1, "status": "PUBLISHED"});
    assert_eq!(resolved.json, published);
    dossier.registrar().post_file(&path, b"y").await;
    assert_eq!(holder.resolve(&dossier, b"x").await.json, published);
    let service = dossier.user().get(&format!("/api/services/{id}")).await;
    assert_eq!(service.json["templateVersion"], 1);
    assert_eq!(service.json["pendingTemplateVersion"], 2);
    let versions = dossier.registrar().get(&path).await.json;
    assert_eq!(versions[0]["status"], "PENDING");
    assert_eq!(versions[1]["status"], "PUBLISHED");
    assert!(versions[1]["publishedDate"].is_string());
    assert_eq!(holder.resolve(&dossier, b"y").await.json["version"], 2);
}

#[tokio::test]
async fn what_is_not_registered_is_refused_with_all_digests() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    let holder = Holder::new(&dossier).await;
    dossier.registrar().post_file(&path, b"x").await;
    holder.resolve(&dossier, b"x").await;
    dossier.registrar().post_file(&path, b"y").await;
    let refused = holder.resolve(&dossier, b"z").await;
    refused.is_problem(409, "template-not-registered");
    let expected = json!({
        "servedSha256": sha256(b"z"), "publishedVersion": 1, "publishedSha256": sha256(b"x"),
        "pendingVersion": 2, "pendingSha256": sha256(b"y"),
    });
    assert_eq!(refused.json["template"], expected);
    let detail = refused.json["detail"].as_str().unwrap();
    for content in [b"x", b"y", b"z"] {
        assert!(detail.contains(&sha256(content)), "{detail}");
    }
    assert_eq!(holder.resolve(&dossier, b"y").await.json["version"], 2);
    let old = holder.resolve(&dossier, b"x").await;
    old.is_problem(409, "template-not-registered");
    assert_eq!(old.json["template"]["pendingVersion"], Value::Null);
}

#[tokio::test]
async fn without_the_lease_no_version_is_published() {
    let dossier = Dossier::start().await;
    let (_, path) = alpha(&dossier).await;
    dossier.registrar().post_file(&path, b"x").await;
    let holder = Holder::new(&dossier).await;
    let stale = Holder {
        path: holder.path.clone(),
        token: LeaseToken::generate(),
    };
    for content in [b"x", b"z"] {
        let refused = stale.resolve(&dossier, content).await;
        refused.is_problem(409, "lease-lost");
    }
    let worker = dossier.worker();
    // Whatever else is wrong, a worker without the lease learns that it has none.
    let body = json!({"leaseToken": stale.token, "sha256": "short"});
    worker
        .post(&holder.path, &body)
        .await
        .is_problem(409, "lease-lost");
    let versions = dossier.registrar().get(&path).await.json;
    assert_eq!(versions[0]["status"], "PENDING");

    let body = json!({"leaseToken": holder.token, "sha256": "short"});
    let invalid = worker.post(&holder.path, &body).await;
    invalid.is_problem(400, "validation-failed");
    assert_eq!(invalid.fields(), ["sha256"]);
    let missing = worker.post(&holder.path, &json!({"sha256": "x"})).await;
    missing.is_problem(400, "invalid-body");
    assert_eq!(missing.fields(), ["leaseToken"]);
    let body = json!({"leaseToken": holder.token, "sha256": sha256(b"x")});
    let other = holder.path.replace("alpha", "beta");
    worker
        .post(&other, &body)
        .await
        .is_problem(404, "not-found");
}

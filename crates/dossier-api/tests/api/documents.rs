//! The documents of a completed request: the report's volumes, the subject's copy, the package.

use std::time::Duration;

use dossier_api::HousekeepingRules;
use dossier_core::document::{DocumentKind, finished_document_id};
use dossier_core::{LeaseToken, RequestId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Dossier};

use DocumentKind::{Copy, Package, Report};

const MADE: [(DocumentKind, u32, &str); 5] = [
    (Report, 1, "%PDF of the first volume"),
    (Report, 2, "%PDF of the second volume"),
    (Copy, 1, "%PDF for the subject"),
    (Copy, 2, "%PDF for the subject, 2"),
    (Package, 1, "PK for programs"),
];

/// Stores a volume; answers what `complete` says of it.
async fn stored(
    dossier: &Dossier,
    token: LeaseToken,
    (kind, volume, content): (DocumentKind, u32, &str),
) -> Value {
    let id = finished_document_id(token, kind, volume);
    let mut said = dossier.put(id, content.as_bytes()).await;
    said["kind"] = json!(kind);
    said["volume"] = json!(volume);
    said["pages"] = match kind {
        Package => Value::Null,
        _ => json!(volume + 1),
    };
    said
}

/// A request that is ready to be completed with all that was made: its identifier and the body.
async fn ready(dossier: &Dossier) -> (String, LeaseToken, Value) {
    let id = dossier.request().await;
    let token = dossier.claim(&id).await;
    dossier.collect(&id, token).await;
    let mut body = stored(dossier, token, MADE[0]).await;
    body["leaseToken"] = json!(token);
    let mut others = Vec::new();
    for made in &MADE[1..] {
        others.push(stored(dossier, token, *made).await);
    }
    body["others"] = json!(others);
    (id, token, body)
}

async fn complete(dossier: &Dossier, id: &str, body: &Value) -> Answer {
    let path = format!("/api/subjectAccessRequests/{id}/complete");
    dossier.worker().patch(&path, body).await
}

async fn completed(dossier: &Dossier) -> (String, LeaseToken) {
    let (id, token, body) = ready(dossier).await;
    let answer = complete(dossier, &id, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    (id, token)
}

async fn is_stored(dossier: &Dossier, token: LeaseToken, kind: DocumentKind, volume: u32) -> bool {
    let id = finished_document_id(token, kind, volume);
    dossier.documents.stat(id).await.is_ok()
}

async fn are_gone(dossier: &Dossier, token: LeaseToken) {
    for (kind, volume, _) in MADE {
        assert!(
            !is_stored(dossier, token, kind, volume).await,
            "{kind:?} {volume}"
        );
    }
}

#[tokio::test]
async fn a_completed_request_lists_its_documents() {
    let dossier = Dossier::start_with_services().await;
    let (id, _, body) = ready(&dossier).await;
    assert_eq!(dossier.shown(&id).await["documents"], json!([]));
    let answer = complete(&dossier, &id, &body).await;
    let shown = dossier.shown(&id).await;
    assert_eq!(answer.json, shown);
    assert_eq!(shown["objectUrl"], format!("/api/report?id={id}"));
    assert_eq!((&shown["pages"], &shown["bytes"]), (&json!(2), &json!(24)));
    let documents = shown["documents"].as_array().unwrap();
    assert_eq!(documents.len(), MADE.len());
    for (document, (kind, volume, content)) in documents.iter().zip(MADE) {
        assert_eq!(document["kind"], json!(kind));
        assert_eq!(document["volume"], volume);
        assert_eq!(document["bytes"], content.len());
        assert_eq!(document["pages"].is_null(), kind == Package);
        assert_eq!(document["sha256"].as_str().unwrap().len(), 64);
        assert!(document.get("documentId").is_none(), "{document}");
    }
    let repeated = complete(&dossier, &id, &body).await;
    assert_eq!((repeated.status, repeated.json), (StatusCode::OK, shown));
    let mut fewer = body;
    fewer["others"].as_array_mut().unwrap().pop();
    let answer = complete(&dossier, &id, &fewer).await;
    answer.is_problem(409, "request-finished");
}

#[tokio::test]
async fn each_document_is_downloaded_with_its_type_and_name() {
    let dossier = Dossier::start_with_services().await;
    let (id, _) = completed(&dossier).await;
    let user = dossier.user();
    for (kind, volume, content) in MADE {
        let ending = kind.file_name_ending(volume);
        let path = format!("/api/report?id={id}&kind={}&volume={volume}", kind.as_str());
        for method in [Method::GET, Method::HEAD] {
            let answer = user.send(user.call(method, &path)).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.header("content-type"), kind.media_type());
            assert_eq!(answer.header("content-length"), content.len().to_string());
            assert_eq!(
                answer.header("content-disposition"),
                format!("attachment; filename=\"subject-access-request-SAR-42{ending}\"")
            );
        }
        assert_eq!(user.get(&path).await.text, content);
        let part = user.call(Method::GET, &path).header("range", "bytes=1-2");
        let part = user.send(part).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.text, content[1..3]);
    }
    let without_volume = user.get(&format!("/api/report?id={id}&kind=COPY")).await;
    assert_eq!(without_volume.text, MADE[2].2);
}

#[tokio::test]
async fn what_a_request_does_not_have_is_not_found() {
    let dossier = Dossier::start_with_services().await;
    let (id, _) = completed(&dossier).await;
    let plain = dossier.completed(b"%PDF").await;
    for (id, query) in [
        (&id, "volume=3"),
        (&id, "volume=0"),
        (&id, "kind=PACKAGE&volume=2"),
        (&plain, "kind=COPY"),
        (&plain, "kind=PACKAGE"),
        (&plain, "volume=2"),
    ] {
        let answer = dossier
            .user()
            .get(&format!("/api/report?id={id}&{query}"))
            .await;
        answer.is_problem(404, "not-found");
    }
    for (query, field) in [("kind=SECRET", "kind"), ("volume=-1", "volume")] {
        let answer = dossier
            .user()
            .get(&format!("/api/report?id={id}&{query}"))
            .await;
        answer.is_problem(400, "invalid-parameter");
        assert_eq!(answer.fields(), [field]);
        assert!(!answer.text.contains("SECRET"));
    }
}

#[tokio::test]
async fn every_document_must_be_the_attempts_own_and_stored_whole() {
    let dossier = Dossier::start_with_services().await;
    let (id, token, body) = ready(&dossier).await;
    for place in 0..4 {
        for (field, value, status, problem) in [
            ("bytes", json!(7), 422, "document-mismatch"),
            ("sha256", json!("0".repeat(64)), 422, "document-mismatch"),
            ("sha256", json!("abc"), 400, "validation-failed"),
            (
                "documentId",
                json!(RequestId::generate()),
                400,
                "validation-failed",
            ),
            ("pages", json!(0), 400, "validation-failed"),
        ] {
            let mut said = body.clone();
            said["others"][place][field] = value;
            let answer = complete(&dossier, &id, &said).await;
            answer.is_problem(status, problem);
            if status == 400 {
                assert_eq!(answer.fields(), [format!("others[{place}].{field}")]);
            }
        }
    }
    let gone = finished_document_id(token, Copy, 2);
    dossier.documents.delete(gone).await.unwrap();
    let answer = complete(&dossier, &id, &body).await;
    answer.is_problem(422, "document-mismatch");
    let shown = dossier.shown(&id).await;
    assert_eq!(shown["status"], "Pending");
    assert_eq!(shown["documents"], json!([]), "all or nothing");
}

#[tokio::test]
async fn volumes_are_numbered_without_a_gap() {
    let dossier = Dossier::start_with_services().await;
    let (id, token, body) = ready(&dossier).await;
    let with = async |others: &[(DocumentKind, u32)]| {
        let mut said = body.clone();
        said["others"] = others
            .iter()
            .map(|(kind, volume)| {
                json!({
                    "kind": kind, "volume": volume, "bytes": 1, "sha256": "0".repeat(64),
                    "documentId": finished_document_id(token, *kind, *volume),
                    "pages": (*kind != Package).then_some(1),
                })
            })
            .collect();
        complete(&dossier, &id, &said).await
    };
    for wrong in [
        &[(Report, 1)][..],
        &[(Report, 3)],
        &[(Report, 2), (Report, 2)],
        &[(Copy, 0)],
        &[(Copy, 2)],
        &[(Copy, 1), (Copy, 3)],
        &[(Package, 1), (Package, 2)],
    ] {
        let answer = with(wrong).await;
        answer.is_problem(400, "validation-failed");
        assert_eq!(answer.fields(), ["others"], "{wrong:?}");
    }
}

#[tokio::test]
async fn whatever_a_dead_attempt_stored_is_deleted() {
    // Killed after each of its uploads in turn.
    for killed_after in 0..=MADE.len() {
        let dossier = Dossier::start_with_services().await;
        let id = dossier.request().await;
        let token = dossier.claim(&id).await;
        for made in &MADE[..killed_after] {
            stored(&dossier, token, *made).await;
        }
        let path = format!("/api/admin/subjectAccessRequests/{id}/cancel");
        dossier.admin().patch_bare(&path).await;
        let rules = HousekeepingRules {
            abandoned_after: Duration::ZERO,
            ..HousekeepingRules::default()
        };
        let sweep = dossier.housekeeper(rules).sweep().await;
        assert_eq!((sweep.attempts_cleaned, sweep.failed), (1, 0));
        are_gone(&dossier, token).await;
    }
}

#[tokio::test]
async fn an_old_request_loses_all_its_documents() {
    let dossier = Dossier::start_with_services().await;
    let (_, token) = completed(&dossier).await;
    let kept = dossier
        .housekeeper(HousekeepingRules::default())
        .sweep()
        .await;
    assert_eq!((kept.archived, kept.failed), (0, 0));
    for (kind, volume, _) in MADE {
        assert!(is_stored(&dossier, token, kind, volume).await);
    }
    let rules = HousekeepingRules {
        archive_after: Duration::ZERO,
        ..HousekeepingRules::default()
    };
    let sweep = dossier.housekeeper(rules).sweep().await;
    assert_eq!((sweep.archived, sweep.failed), (1, 0));
    are_gone(&dossier, token).await;
}

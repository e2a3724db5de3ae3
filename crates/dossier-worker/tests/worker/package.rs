//! The package beside the report, and how both are stored and deleted together.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dossier_core::document::{finished_document_id, report_document_id};
use dossier_core::{DocumentKind, LeaseToken};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::attachments::entries;
use crate::harness::{DATA, World};

const ANSWER: &str = r#" {"content" :{"note":"kept for you"} , "attachments":[LISTED]}"#;

/// Two services with data, one with two attachments, and one that holds nothing.
async fn world() -> World {
    let world = World::new().await;
    let listed = |n: u32, filename: &str| {
        let url = world.upstream.url_of(&format!("file-{n}/x"));
        json!({
            "attachmentNumber": 40 + n, "name": "A name", "contentType": "text/plain", "url": url,
            "filename": filename,
        })
    };
    let all = [
        listed(1, "../../evil/statement.txt"),
        listed(2, "statement.txt"),
    ];
    let all: Vec<String> = all.iter().map(Value::to_string).collect();
    let answer = ANSWER.replace("LISTED", &all.join(","));
    world.upstream.answer("first", 200, DATA);
    world.upstream.answer("nothing", 204, "");
    world.upstream.answer("with-files", 200, &answer);
    world.upstream.answer("file-1", 200, "the first file");
    world.upstream.answer("file-2", 200, "");
    world.request(&["first", "nothing", "with-files"]);
    world
}

/// The package of the first request's completion.
async fn package(world: &World) -> Vec<(String, Vec<u8>)> {
    let package = {
        let inner = world.api.inner();
        let completed = &inner.requests[0].completed[0];
        assert_eq!(completed.others.len(), 1);
        completed.others[0].clone()
    };
    assert_eq!((package.kind, package.volume), (DocumentKind::Package, 1));
    assert_eq!(package.pages, None);
    let content = world.documents.content(package.document.document_id.into());
    let content = content.await;
    assert_eq!(content.len() as u64, package.document.bytes);
    entries(content)
}

#[tokio::test]
async fn a_package_holds_what_the_services_answered_and_says_what_is_what() {
    let world = world().await;
    world.completes().await;
    let package = package(&world).await;
    let names: Vec<_> = package.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(
        names,
        [
            "README.txt",
            "sections/01-first.json",
            "sections/03-with-files.json",
            "attachments/03-with-files/0001--..-evil-statement.txt",
            "attachments/03-with-files/0002-statement.txt",
            "manifest.json",
        ]
    );
    assert_eq!(package[1].1, DATA.as_bytes(), "byte for byte");
    assert!(package[2].1.starts_with(b" {\"content\" :{"));
    assert_eq!(package[3].1, b"the first file");

    let manifest: Value = serde_json::from_slice(&package[5].1).unwrap();
    assert_eq!(manifest["format"], "dossier-package/1");
    assert_eq!(manifest["contents"], "full");
    let request = &manifest["request"];
    assert_eq!(request["caseReference"], crate::harness::CASE);
    assert_eq!(request["subjectName"], "LOVELACE, Ada");
    assert_eq!(request["dateFrom"], "2022-01-01");
    assert_eq!(
        manifest["controller"]["classification"],
        "OFFICIAL-SENSITIVE"
    );
    let held = manifest["sections"].as_array().unwrap();
    let held: Vec<_> = held
        .iter()
        .map(|section| section["dataHeld"].clone())
        .collect();
    assert_eq!(held, [true, false, true]);
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 4);
    for file in files {
        let (_, content) = package
            .iter()
            .find(|(name, _)| file["path"] == name[..])
            .unwrap();
        assert_eq!(file["bytes"], content.len());
        let digest: String = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(file["sha256"], digest);
    }
    assert_eq!(files[0]["sectionLabel"], "Label of first");
    assert_eq!(files[0]["templateVersion"], "generic");
    assert_eq!(files[0]["contentType"], "application/json");
    assert_eq!(files[2]["contentType"], "text/plain");
    assert_eq!(files[2]["section"], 3);
    assert_eq!(files[2]["attachment"]["number"], 41);
    assert_eq!(
        files[2]["attachment"]["filename"],
        "../../evil/statement.txt"
    );
    assert!(files[2]["attachment"]["shownInReport"].is_string());
}

#[tokio::test]
async fn the_package_is_stored_after_the_report() {
    let world = world().await;
    world.completes().await;
    let token = world.api.inner().requests[0].tokens[0];
    let put = world.documents.put.lock().unwrap().clone();
    let last = &put[put.len() - 2..];
    assert_eq!(last, [report_document_id(token), package_id(token)]);
}

fn package_id(token: LeaseToken) -> dossier_core::DocumentId {
    finished_document_id(token, DocumentKind::Package, 1)
}

#[tokio::test]
async fn a_lease_lost_between_the_uploads_leaves_nothing() {
    let world = world_that_loses_its_lease_between_the_uploads().await;
    let token = world.api.inner().requests[0].tokens[0];
    for document in [report_document_id(token), package_id(token)] {
        assert!(world.documents.deleted.lock().unwrap().contains(&document));
        assert!(!world.documents.has(document).await);
    }
    assert!(world.api.inner().requests[0].completed.is_empty());
}

/// The lease is lost while the package is being stored, and the report is there already.
async fn world_that_loses_its_lease_between_the_uploads() -> World {
    let world = World::with_lock_period(Duration::from_millis(900)).await;
    world.upstream.answer("s", 200, DATA);
    world.documents.holds_package.store(true, Ordering::SeqCst);
    world.request(&["s"]);
    let worker = world.start_worker();
    let package = loop {
        let token = world.api.inner().requests[0].tokens.first().copied();
        if let Some(package) = token.map(package_id)
            && world.documents.put.lock().unwrap().contains(&package)
        {
            break package;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let token = world.api.inner().requests[0].tokens[0];
    assert!(world.documents.has(report_document_id(token)).await);
    assert!(!world.documents.has(package).await);
    world.api.steal_lease();
    world
        .api
        .until("the loss is seen", |api| !api.stale_writes.is_empty())
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.documents.go_on.notify_one();
    worker.stop().await;
    world
}

#[tokio::test]
async fn a_report_that_cannot_be_deleted_stays_for_housekeeping_to_find() {
    let world = World::new().await;
    world.upstream.answer("s", 200, DATA);
    world.documents.alters.store(true, Ordering::SeqCst);
    world.documents.keeps.store(true, Ordering::SeqCst);
    world.request(&["s"]);
    let detail = world.fails().await;
    assert!(detail.contains("not the one that was sent"), "{detail}");
    let token = world.api.inner().requests[0].tokens[0];
    let deleted = world.documents.deleted.lock().unwrap().clone();
    // The last first.
    let finished: Vec<_> = deleted.iter().rev().take(2).collect();
    assert_eq!(finished, [&report_document_id(token), &package_id(token)]);
}

/// Slow: it takes as long as a worker waits for an upload that is no longer wanted.
#[tokio::test]
async fn an_upload_that_does_not_end_is_left_to_housekeeping() {
    let world = World::with_lock_period(Duration::from_millis(900)).await;
    world.upstream.answer("s", 204, "");
    world.documents.holds_package.store(true, Ordering::SeqCst);
    world.request(&["s"]);
    let worker = world.start_worker();
    while world.documents.put.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.api.steal_lease();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !world.spool_is_empty() {
        assert!(std::time::Instant::now() < deadline, "the attempt goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Were the report deleted now, the package might come after it, and nobody would find it.
    let token = world.api.inner().requests[0].tokens[0];
    assert!(world.documents.deleted.lock().unwrap().is_empty());
    assert!(world.documents.has(report_document_id(token)).await);
    world.documents.go_on.notify_one();
    worker.stop().await;
}

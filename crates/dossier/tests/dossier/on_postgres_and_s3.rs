//! Several API and worker processes on one PostgreSQL database and one bucket, and what happens when
//! they are killed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dossier_core::RequestId;
use dossier_core::wire::RequestView;
use dossier_worker::ApiClient;
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path as Key;
use serde_json::json;

use crate::harness;
use crate::harness::process::Running;
use crate::harness::s3::seaweed::{BUCKET, KEY_ID, SECRET, Seaweed};
use crate::harness::upstream::{Answer, Upstream};
use crate::harness::{request_body, service_body, until};
use crate::on_postgres::{MADE, Site, client, server};

const PREFIX: &str = "killed";

fn in_the_bucket(server: &Seaweed) -> String {
    format!(
        "[documents]\nkind = \"s3\"\n\
         [documents.s3]\nbucket = \"{BUCKET}\"\nprefix = \"{PREFIX}\"\npath_style = true\n\
         endpoint = \"http://{}\"\nallow_http = true\n\
         access_key_id = \"{KEY_ID}\"\nsecret_access_key = \"{SECRET}\"\n",
        server.address
    )
}

/// Identifiers and sizes of the documents in the bucket.
async fn stored(bucket: &Seaweed) -> BTreeMap<String, u64> {
    let objects = bucket.bucket();
    let prefix = Key::from(PREFIX);
    let objects: Vec<_> = objects.list(Some(&prefix)).try_collect().await.unwrap();
    let named = objects.into_iter().map(|object| {
        let name = object.location.filename().unwrap().to_owned();
        (name, object.size)
    });
    // What a process that was killed while it started tried the bucket out with.
    named
        .filter(|(name, _)| !name.starts_with("probe"))
        .collect()
}

/// Identifiers and sizes of the documents that the database knows.
fn recorded(site: &Site) -> BTreeMap<String, u64> {
    let rows = server().sql(
        &site.database,
        "SELECT document_id, document_bytes FROM requests WHERE document_id IS NOT NULL
         UNION ALL SELECT document_id, document_bytes FROM documents",
    );
    let rows = rows.lines().map(|row| row.split_once('|').unwrap());
    rows.map(|(id, bytes)| (id.to_owned(), bytes.parse().unwrap()))
        .collect()
}

/// Starts workers for an API and kills each in the middle of an upload in parts, until one has left
/// such an upload behind.
async fn kill_in_the_middle_of_an_upload(site: &Site, api: &Running, bucket: &Seaweed) {
    let begin = Instant::now();
    for number in 0.. {
        let mut worker = site.worker(&format!("uploading-{number}"), api);
        while bucket.unfinished_uploads(PREFIX).await.is_empty() {
            assert!(begin.elapsed() < harness::PATIENCE, "nothing is uploaded");
        }
        worker.signal("KILL");
        worker.wait();
        // It may have come to its end at that moment.
        if !bucket.unfinished_uploads(PREFIX).await.is_empty() {
            return;
        }
    }
}

/// Downloads all documents of a request: they have the size and the digest that were recorded.
async fn download_all(site: &Site, client: &ApiClient, id: RequestId, request: &RequestView) {
    assert_eq!(request.documents.len(), MADE);
    for document in &request.documents {
        let file = site.folder.path().join("downloaded");
        let (kind, volume) = (document.kind, document.volume);
        let got = client
            .download_document(id, kind, volume, &file, |_, _| {})
            .await
            .unwrap();
        assert_eq!(got.bytes, document.bytes, "{kind:?}");
        assert_eq!(got.sha256.to_string(), document.sha256, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_killed_while_they_store_lose_nothing_and_leave_nothing() {
    dossier_worker::install_tls_provider();
    let bucket = Seaweed::shared().await;
    let site = Site::new_with(&in_the_bucket(bucket));
    let upstream = Upstream::start().await;
    let [mut dying, lasting] = site.two_apis();
    site.watch_completions();
    let slowly = Answer::Content(json!({ "a": "answer" })).after(Duration::from_millis(150));
    upstream.answer("slow", [slowly]);
    upstream.answer("quick", [Answer::Content(json!({ "b": "answer" }))]);
    // More than four parts, as a kept answer and in the package.
    let large = upstream.file("large", 40_000_000);
    upstream.answer("files", [Answer::Body(large)]);
    for name in ["slow", "quick", "files"] {
        let body = service_body(name, upstream.url(name));
        client(&dying).add_service(&body).await.unwrap();
    }
    let mut ids: Vec<RequestId> = Vec::new();
    let first = client(&dying).create(&request_body(&["files"]), None).await;
    ids.push(first.unwrap());
    kill_in_the_middle_of_an_upload(&site, &dying, bucket).await;
    let left_behind = bucket.unfinished_uploads(PREFIX).await;

    for place in 0..24 {
        let api = if place % 2 == 0 { &dying } else { &lasting };
        let services: &[&str] = if place == 7 {
            &["files"]
        } else {
            &["slow", "quick"]
        };
        let created = client(api).create(&request_body(services), None).await;
        ids.push(created.unwrap());
    }
    let mut workers = [
        site.worker("worker-0", &dying),
        site.worker("worker-1", &lasting),
        site.worker("worker-2", &lasting),
    ];
    tokio::time::sleep(Duration::from_millis(700)).await;
    workers[1].signal("KILL");
    workers[1].wait();
    tokio::time::sleep(Duration::from_millis(300)).await;
    dying.signal("KILL");
    dying.wait();
    // Its worker goes on with another API, as behind a balancer; here it is another worker.
    let _another = site.worker("worker-3", &lasting);

    let client = client(&lasting);
    for id in &ids {
        let request = until(&client, *id, |request| request.is_finished()).await;
        assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
        download_all(&site, &client, *id, &request).await;
    }
    let attempts = client.show(ids[0]).await.unwrap().claim_attempts;
    assert!(attempts > 1, "its first worker was killed");
    site.each_was_completed_once(ids.len());
    let recorded = recorded(&site);
    assert_eq!(recorded.len(), MADE * ids.len());
    let begin = Instant::now();
    while stored(bucket).await != recorded {
        assert!(
            begin.elapsed() < harness::PATIENCE,
            "something is left over"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // Parts of an upload that was never ended are no document: a rule of the bucket's aborts it
    // (`docs/documents.md`).
    let unfinished = bucket.unfinished_uploads(PREFIX).await;
    for key in left_behind {
        assert!(unfinished.contains(&key), "{unfinished:?}");
        let id = key.strip_prefix(&format!("{PREFIX}/")).unwrap();
        assert!(!recorded.contains_key(id), "{id} is a document");
    }
}

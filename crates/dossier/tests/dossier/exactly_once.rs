//! Several processes on one database, and what happens when they are killed.

use crate::harness;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use crate::harness::process::Running;
use crate::harness::upstream::{Answer, Upstream};
use crate::harness::{request_body, service_body, until};
use dossier_core::{Private, RequestId};
use dossier_worker::ApiClient;
use serde_json::json;

/// Documents that a completed request has: the report, the subject's copy and the package.
const MADE: usize = 3;
/// Requests that two workers share.
const REQUESTS: usize = 500;

const CONFIGURATION: &str = r#"
data_folder = "data"
[api]
listen = "127.0.0.1:0"
token = "the-test-token"
[lease]
lock_period_seconds = 30.0
attempts_max = 50
[housekeeping]
every_seconds = 0.2
abandoned_after_seconds = 0.5
[worker]
requests_at_once = 8
calls_per_service_at_once = 16
poll_pause_seconds = 0.05
poll_wait_seconds = 1
attempt_pause_seconds = 0.1
shutdown_grace_seconds = 0.5
[log]
format = "json"
"#;

/// So that a killed worker's requests are free again soon. Renewals are due every second then, which
/// even a busy machine keeps up with.
const SHORT_LOCK: &str = "3.0";

/// An API process with a folder of its own, and what is needed to start workers for it.
struct Site {
    folder: tempfile::TempDir,
    api: Running,
    client: ApiClient,
    upstream: Upstream,
}

impl Site {
    async fn start() -> Self {
        Self::start_with_lock("30.0").await
    }

    async fn start_with_lock(seconds: &str) -> Self {
        dossier_worker::install_tls_provider();
        let folder = tempfile::tempdir().unwrap();
        let configuration = CONFIGURATION.replace("30.0", seconds);
        std::fs::write(folder.path().join("dossier.toml"), &configuration).unwrap();
        let api = Running::start(folder.path(), "api", "api");
        let url: url::Url = api.ready["url"].as_str().unwrap().parse().unwrap();
        let token = Private::new("the-test-token".to_owned());
        let client = ApiClient::new(url.clone(), &token, None).unwrap();
        // The worker processes read this file later, and must find the API.
        let configuration = configuration.replace("[api]\n", &format!("[api]\nurl = \"{url}\"\n"));
        std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
        Self {
            folder,
            api,
            client,
            upstream: Upstream::start().await,
        }
    }

    fn worker(&self, name: &str) -> Running {
        Running::start(self.folder.path(), "worker", name)
    }

    async fn service(&self, name: &str, answers: impl IntoIterator<Item = Answer>) {
        self.upstream.answer(name, answers);
        self.client
            .add_service(&service_body(name, self.upstream.url(name)))
            .await
            .unwrap();
    }

    async fn requests(&self, count: usize, services: &[&str]) -> Vec<RequestId> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(
                self.client
                    .create(&request_body(services), None)
                    .await
                    .unwrap(),
            );
        }
        ids
    }

    /// Names of the stored documents, once no more than `expected` are left or patience ends.
    async fn documents(&self, expected: usize) -> HashSet<String> {
        let folder = self.folder.path().join("data/documents");
        let mut found = stored(&folder);
        for _ in 0..100 {
            if found.len() <= expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            found = stored(&folder);
        }
        found
    }
}

fn stored(folder: &Path) -> HashSet<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|shelf| shelf.unwrap())
        .filter(|shelf| shelf.file_name() != "incoming")
        .flat_map(|shelf| std::fs::read_dir(shelf.path()).unwrap())
        .map(|document| document.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_write_gives_its_request_back_and_another_completes_it() {
    let site = Site::start().await;
    let large = json!([{ "note": "x".repeat(3 << 20) }]);
    site.service("large", [Answer::Content(large)]).await;
    let mut cramped = Running::start_cramped(site.folder.path(), "worker", "cramped", 1024);
    let id = site.requests(1, &["large"]).await[0];
    let given_back = until(&site.client, id, |request| request.error_detail.is_some()).await;
    let detail = given_back.error_detail.unwrap();
    assert!(detail.contains("the worker's disk"), "{detail}");
    cramped.signal("TERM");
    assert_eq!(cramped.wait(), Some(0));
    let _roomy = site.worker("roomy");
    let request = until(&site.client, id, |request| request.is_finished()).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    let made = site.documents(MADE).await.len();
    assert_eq!(made, MADE, "the report and what belongs to it, alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_complete_every_request_once_and_store_no_document_twice() {
    let site = Site::start().await;
    site.service("quick", [Answer::Content(json!([{ "note": "one line" }]))])
        .await;
    let _workers = [site.worker("worker-1"), site.worker("worker-2")];
    let ids = site.requests(REQUESTS, &["quick"]).await;
    for id in &ids {
        let request = until(&site.client, *id, |request| request.is_finished()).await;
        assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
        assert_eq!(request.claim_attempts, 1);
    }
    assert_eq!(site.upstream.calls("quick").len(), REQUESTS);
    let made = MADE * REQUESTS;
    assert_eq!(site.documents(made).await.len(), made);
    let list = site.client.admin_list(&Default::default()).await.unwrap();
    assert_eq!(
        (list.total_count, list.completed_count),
        (REQUESTS as u64, REQUESTS as u64)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_lose_nothing_and_leave_nothing() {
    let site = Site::start_with_lock(SHORT_LOCK).await;
    let slowly = Answer::Content(json!({ "a": "answer" })).after(Duration::from_millis(150));
    site.service("slow", [slowly]).await;
    site.service("quick", [Answer::Content(json!({ "b": "answer" }))])
        .await;
    let count = 40;
    let ids = site.requests(count, &["slow", "quick"]).await;
    // Each of these is killed in the middle of something.
    for number in 0..4 {
        let mut worker = site.worker(&format!("killed-{number}"));
        tokio::time::sleep(Duration::from_millis(250 + 130 * number)).await;
        worker.signal("KILL");
        worker.wait();
    }
    let _last = site.worker("last");
    for id in &ids {
        let request = until(&site.client, *id, |request| request.is_finished()).await;
        assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
        let file = site.folder.path().join("report.pdf");
        site.client.download(*id, &file, |_, _| {}).await.unwrap();
        harness::pdf::check(&file);
    }
    let made = MADE * count;
    assert_eq!(site.documents(made).await.len(), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_its_uploads_leaves_nothing() {
    let site = Site::start_with_lock(SHORT_LOCK).await;
    // A package that takes a while to store.
    let large = site.upstream.file("large", 80_000_000);
    site.service("files", [Answer::Body(large)]).await;
    let mut worker = site.worker("killed");
    let id = site.requests(1, &["files"]).await[0];
    // The kept section, the report and the copy are stored, the package is not.
    let folder = site.folder.path().join("data/documents");
    while stored(&folder).len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    worker.signal("KILL");
    worker.wait();
    let left = stored(&folder);
    assert_eq!(left.len(), 3, "it was killed between the uploads");
    assert_eq!(site.client.show(id).await.unwrap().status, "Pending");
    let _other = site.worker("other");
    let request = until(&site.client, id, |request| request.is_finished()).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert_eq!(request.claim_attempts, 2);
    assert_eq!(
        site.upstream.calls("files").len(),
        1,
        "nothing is fetched again"
    );
    assert_eq!(site.upstream.calls("large").len(), 1);
    let made = site.documents(MADE).await;
    assert_eq!(made.len(), MADE);
    assert!(
        made.is_disjoint(&left),
        "what the dead worker stored is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_api_comes_back_with_everything() {
    let mut site = Site::start().await;
    let slowly = Answer::Content(json!({ "a": "answer" })).after(Duration::from_millis(400));
    site.service("slow", [slowly]).await;
    let _worker = site.worker("worker");
    let ids = site.requests(10, &["slow"]).await;
    site.api.signal("KILL");
    site.api.wait();
    // The same address again, as a restarted service has.
    let url = site.api.ready["url"].as_str().unwrap().to_owned();
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let file = site.folder.path().join("dossier.toml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    let same_address = configuration.replace("127.0.0.1:0", &address);
    std::fs::write(&file, same_address).unwrap();
    site.api = Running::start(site.folder.path(), "api", "api-again");
    for id in ids {
        let request = until(&site.client, id, |request| request.is_finished()).await;
        assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_gives_the_request_back_and_exits_in_time() {
    let site = Site::start().await;
    site.service("stuck", [Answer::Never]).await;
    let mut worker = site.worker("worker");
    let ids = site.requests(1, &["stuck"]).await;
    until(&site.client, ids[0], |request| {
        request.lease_expires_at.is_some()
    })
    .await;
    let started = std::time::Instant::now();
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0), "{}", worker.log());
    assert!(started.elapsed() < Duration::from_secs(10));
    let request = site.client.show(ids[0]).await.unwrap();
    assert_eq!(
        (request.status.as_str(), request.claim_attempts),
        ("Pending", 0)
    );
    assert_eq!(request.lease_expires_at, None);
}

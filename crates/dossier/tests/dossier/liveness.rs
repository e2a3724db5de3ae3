//! Whether a process is live, as those ask who would start it again.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dossier_core::Private;
use dossier_documents::FolderStore;
use dossier_worker::{ApiClient, PackageContents, ReportSettings, Worker, WorkerConfig};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::process::{self, Running, run, succeed};
use crate::harness::upstream::{Answer, Upstream};
use crate::harness::{request_body, service_body, until};

/// How late the poll loop may be in these tests.
const STALL: Duration = Duration::from_secs(1);

/// A folder with a configuration; its processes serve metrics at the address that is answered.
fn configured(api: &str) -> (tempfile::TempDir, SocketAddr) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), api, Some(address));
    (folder, address)
}

fn configure(folder: &Path, api: &str, metrics: Option<SocketAddr>) {
    let metrics = metrics.map(|address| format!("[metrics]\nlisten = \"{address}\"\n"));
    let configuration = format!(
        "[api]\ntoken = \"the-test-token\"\n{api}\n{}\
         [worker]\nstall_seconds_max = {}\nrequests_at_once = 1\n\
         poll_wait_seconds = 4\npoll_pause_seconds_max = 4.0\nshutdown_grace_seconds = 0.1\n",
        metrics.unwrap_or_default(),
        STALL.as_secs_f64()
    );
    std::fs::write(folder.join("dossier.toml"), configuration).unwrap();
}

async fn liveness(address: SocketAddr) -> (u16, Value) {
    let url = format!("http://{address}/health/liveness");
    let answer = reqwest::get(url).await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Fails unless the process is live now and stays so, for longer than its loop may be late.
async fn stays_live(address: SocketAddr) {
    let begin = Instant::now();
    while begin.elapsed() < STALL * 5 {
        assert_eq!(liveness(address).await, (200, json!({ "status": "UP" })));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_live_while_it_waits_for_work_and_while_all_its_slots_are_busy() {
    dossier_worker::install_tls_provider();
    let (folder, address) = configured("listen = \"127.0.0.1:0\"");
    let up = Running::start(folder.path(), "up", "up");
    stays_live(address).await;
    assert_eq!(succeed(folder.path(), "health"), "live\n");
    let said = succeed(folder.path(), "health --json");
    assert_eq!(said, "{\"status\":\"UP\"}\n");

    let upstream = Upstream::start().await;
    upstream.answer("silent", [Answer::Never]);
    let url = up.ready["url"].as_str().unwrap().parse().unwrap();
    let token = Private::new("the-test-token".to_owned());
    let client = ApiClient::new(url, &token, None).unwrap();
    let service = service_body("silent", upstream.url("silent"));
    client.add_service(&service).await.unwrap();
    let id = client.create(&request_body(&["silent"]), None).await;
    until(&client, id.unwrap(), |request| {
        request.lease_expires_at.is_some()
    })
    .await;
    stays_live(address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_api_is_down_is_live() {
    dossier_worker::install_tls_provider();
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nowhere = nobody.local_addr().unwrap();
    drop(nobody);
    let (folder, address) = configured(&format!("url = \"http://{nowhere}\""));
    let worker = Running::start(folder.path(), "worker", "worker");
    stays_live(address).await;
    assert!(worker.log().contains("the API cannot be polled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_api_does_not_answer_is_live() {
    dossier_worker::install_tls_provider();
    // Connections are taken, and nothing is said.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let api = format!("url = \"http://{}\"", silent.local_addr().unwrap());
    let (folder, address) = configured(&api);
    let _worker = Running::start(folder.path(), "worker", "worker");
    stays_live(address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_is_live_when_it_answers() {
    dossier_worker::install_tls_provider();
    let (folder, address) = configured("listen = \"127.0.0.1:0\"");
    let _api = Running::start(folder.path(), "api", "api");
    assert_eq!(liveness(address).await.0, 200);
    assert_eq!(succeed(folder.path(), "health"), "live\n");
}

/// A worker that polls nobody.
async fn lonely_worker(folder: &Path) -> Worker {
    let config = WorkerConfig {
        spool_folder: Some(folder.join("spool")),
        stall_seconds_max: STALL.as_secs_f64(),
        poll_pause_seconds_max: 0.2,
        ..WorkerConfig::default()
    };
    let token = Private::new("the-test-token".to_owned());
    let api = ApiClient::new("http://127.0.0.1:1".parse().unwrap(), &token, None).unwrap();
    let documents = FolderStore::open(folder.join("documents")).await.unwrap();
    let settings = ReportSettings {
        fonts: Arc::new(dossier_report::Fonts::embedded().unwrap()),
        wording: dossier_report::Wording::default(),
        look: dossier_report::Look::default(),
        time_zone: jiff::tz::TimeZone::UTC,
        package: PackageContents::Full,
        copy: false,
        volumes: dossier_report::VolumeLimits::default(),
        office: None,
    };
    Worker::new(config, api, Arc::new(documents), settings)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_poll_loop_is_stuck_or_has_ended_is_not_live() {
    let folder = tempfile::tempdir().unwrap();
    let worker = lonely_worker(folder.path()).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    configure(folder.path(), "", Some(address));
    let liveness_of = worker.liveness();
    let is_live = move || liveness_of.check().map_err(|reason| reason.to_string());
    let serving = dossier_api::serve_metrics(
        listener,
        Registry::default(),
        None,
        Arc::new(is_live),
        CancellationToken::new(),
    );
    tokio::spawn(serving);

    // It runs for as long as it is polled here, and is stuck when it is not.
    let mut running = Box::pin(worker.run(CancellationToken::new()));
    let _ = tokio::time::timeout(STALL * 3, &mut running).await;
    assert_eq!(liveness(address).await.0, 200);
    tokio::time::sleep(STALL * 3).await;
    let late = |seconds: u32| {
        let reason = format!("the poll loop is {seconds} seconds late");
        (503, json!({ "status": "DOWN", "reason": reason }))
    };
    let said = liveness(address).await;
    assert!(said == late(2) || said == late(3), "{said:?}");
    let output = run(folder.path(), "health");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("not live: the poll loop is "), "{told}");

    let _ = tokio::time::timeout(STALL, &mut running).await;
    assert_eq!(liveness(address).await.0, 200, "it goes on after all");

    drop(running);
    let ended = json!({ "status": "DOWN", "reason": "the poll loop has ended" });
    assert_eq!(liveness(address).await, (503, ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stands_still_or_is_not_there_is_not_live() {
    dossier_worker::install_tls_provider();
    let (folder, _) = configured("url = \"http://127.0.0.1:1\"");
    let mut worker = Running::start(folder.path(), "worker", "worker");
    let told = || {
        let output = run(folder.path(), "health");
        assert_eq!(output.status.code(), Some(4));
        String::from_utf8(output.stderr).unwrap()
    };
    succeed(folder.path(), "health");
    worker.signal("STOP");
    let begin = Instant::now();
    let stopped = told();
    assert!(stopped.contains("timed out"), "{stopped}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    worker.signal("CONT");
    succeed(folder.path(), "health");
    worker.signal("KILL");
    worker.wait();
    let gone = told();
    assert!(gone.contains("the connection was refused"), "{gone}");
}

#[test]
fn without_metrics_there_is_nobody_to_ask() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "", None);
    let output = run(folder.path(), "health");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("metrics.listen must be set"), "{told}");
}

/// The socket of a service manager with a watchdog.
struct Manager {
    socket: std::os::unix::net::UnixDatagram,
    path: String,
}

impl Manager {
    fn new(folder: &Path) -> Self {
        let path = folder.join("notify");
        Self {
            socket: std::os::unix::net::UnixDatagram::bind(&path).unwrap(),
            path: path.display().to_string(),
        }
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        vec![("NOTIFY_SOCKET", &self.path), ("WATCHDOG_USEC", "300000")]
    }

    /// Whether it gets a sign of life within this time.
    fn hears(&self, within: Duration) -> bool {
        let mut datagram = [0; 64];
        self.socket.set_read_timeout(Some(within)).unwrap();
        let heard = self.socket.recv(&mut datagram);
        heard.is_ok_and(|bytes| &datagram[..bytes] == b"WATCHDOG=1\n")
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn systemd_hears_of_a_worker_while_it_goes_on() {
    let (folder, _) = configured("url = \"http://127.0.0.1:1\"");
    let manager = Manager::new(folder.path());
    let variables = manager.variables();
    let worker = Running::start_with(folder.path(), "worker", "watched", &variables);
    for _ in 0..20 {
        assert!(manager.hears(PATIENCE));
    }
    worker.signal("STOP");
    let begin = Instant::now();
    while manager.hears(STALL) {
        assert!(begin.elapsed() < PATIENCE * 2, "it stands still");
    }
    worker.signal("CONT");
    assert!(manager.hears(PATIENCE));
    drop(worker);
    while manager.hears(Duration::from_millis(100)) {}
    let of_another = [variables, vec![("WATCHDOG_PID", "1")]].concat();
    let _worker = Running::start_with(folder.path(), "worker", "of-another", &of_another);
    assert!(!manager.hears(STALL), "it waits for another process");
}

#[test]
fn systemd_hears_of_a_worker_that_takes_long_to_start() {
    // The document storage takes connections, and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (folder, _) = configured("url = \"http://127.0.0.1:1\"");
    let manager = Manager::new(folder.path());
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut worker = process::dossier(folder.path())
        .arg("worker")
        .envs(manager.variables())
        .env("DOSSIER_DOCUMENTS__KIND", "s3")
        .env("DOSSIER_DOCUMENTS__S3__BUCKET", "documents")
        .env("DOSSIER_DOCUMENTS__S3__ENDPOINT", endpoint)
        .env("DOSSIER_DOCUMENTS__S3__ALLOW_HTTP", "true")
        .env("DOSSIER_DOCUMENTS__S3__PATH_STYLE", "true")
        .env("DOSSIER_DOCUMENTS__S3__ACCESS_KEY_ID", "key")
        .env("DOSSIER_DOCUMENTS__S3__SECRET_ACCESS_KEY", "secret")
        .spawn()
        .unwrap();
    let heard = (0..20).all(|_| manager.hears(PATIENCE));
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert!(heard);
}

//! A worker between a small API, scripted services and a folder of documents.

pub mod api;
pub mod documents;
pub mod upstream;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use dossier_core::RequestId;
use dossier_core::section::SectionStatus;
use dossier_core::wire::{RequestView, SectionTask};
use dossier_worker::{
    ApiClient, PackageContents, ReportSettings, StartError, Worker, WorkerConfig,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use api::FakeApi;
pub use documents::Documents;
pub use upstream::{DATA, Upstream, reply};

pub const API_TOKEN: &str = "api-token-for-tests";
pub const SUBJECT: &str = "A1234AA";
pub const CASE: &str = "case-ref-4711";

/// Everything around a worker.
pub struct World {
    pub api: FakeApi,
    pub upstream: Upstream,
    pub documents: Arc<Documents>,
    pub folder: TempDir,
    pub config: WorkerConfig,
}

pub struct RunningWorker {
    pub shutdown: CancellationToken,
    pub task: JoinHandle<()>,
}

impl World {
    pub async fn new() -> Self {
        Self::with_lock_period(Duration::from_secs(30)).await
    }

    pub async fn with_lock_period(lock_period: Duration) -> Self {
        if std::env::var_os("DOSSIER_TEST_LOG").is_some() {
            // Set already by another test of this program.
            let _ = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::DEBUG)
                .try_init();
        }
        let folder = tempfile::tempdir().unwrap();
        let config = WorkerConfig {
            name: Some("worker-under-test".to_owned()),
            spool_folder: Some(folder.path().join("spool")),
            poll_wait_seconds: 1,
            poll_pause_seconds: 0.02,
            poll_pause_seconds_max: 0.1,
            try_pause_seconds: 0.01,
            try_pause_seconds_max: 0.02,
            retry_after_seconds_max: 2.0,
            progress_seconds: 0.05,
            attempt_pause_seconds: 3000.0,
            shutdown_grace_seconds: 5.0,
            ..WorkerConfig::default()
        };
        Self {
            api: FakeApi::start(lock_period).await,
            upstream: Upstream::start().await,
            documents: Documents::open(&folder.path().join("documents")).await,
            folder,
            config,
        }
    }

    pub fn start_worker(&self) -> RunningWorker {
        let worker = self.worker();
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone();
        let task = tokio::spawn(async move { worker.await.unwrap().run(stopped).await });
        RunningWorker { shutdown, task }
    }

    /// A worker that is not started.
    pub fn worker(&self) -> impl Future<Output = Result<Worker, StartError>> + use<> {
        let documents = Arc::clone(&self.documents);
        Worker::new(self.config.clone(), self.client(), documents, settings())
    }

    pub fn client(&self) -> ApiClient {
        ApiClient::new(self.api.url.clone(), &API_TOKEN.to_owned().into(), None).unwrap()
    }

    /// Adds a request for these services of the upstream server.
    pub fn request(&self, services: &[&str]) -> RequestId {
        let sections = services.iter().map(|name| self.section(name)).collect();
        self.api.add(view(), sections)
    }

    pub fn section(&self, name: &str) -> SectionTask {
        SectionTask {
            service_id: uuid::Uuid::now_v7(),
            service_name: name.to_owned(),
            service_label: format!("Label of {name}"),
            service_url: self.upstream.url_of(name),
            template_migrated: false,
            schema_sha256: None,
            render_status: SectionStatus::Pending,
            held: None,
            kept: None,
            template_version: None,
        }
    }

    /// Runs a worker until the first request is completed.
    pub async fn completes(&self) {
        let worker = self.start_worker();
        self.api
            .until("it is completed", |api| {
                !api.requests[0].completed.is_empty()
            })
            .await;
        worker.stop().await;
        assert!(self.spool_is_empty(), "something is left in the spool");
    }

    /// Runs a worker until the first request is given back; answers the reason's text.
    pub async fn fails(&self) -> String {
        let worker = self.start_worker();
        self.api
            .until("it is given back", |api| {
                !api.requests[0].releases.is_empty()
            })
            .await;
        worker.stop().await;
        assert!(self.spool_is_empty(), "something is left in the spool");
        let inner = self.api.inner();
        assert!(inner.requests[0].completed.is_empty());
        inner.requests[0].releases[0].1.clone().unwrap()
    }

    /// Runs one section to its failure; answers its text.
    pub async fn section_fails(&self, service: &str) -> String {
        self.request(&[service]);
        let detail = self.fails().await;
        let error = self.api.inner().requests[0]
            .errors_of(service)
            .pop()
            .unwrap();
        assert_eq!(detail, format!("{service}: {error}"));
        error
    }

    /// Whether no answer is left in the spool folder.
    pub fn spool_is_empty(&self) -> bool {
        files_below(&self.folder.path().join("spool")).is_empty()
    }
}

impl RunningWorker {
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

/// All files below a folder that are not locks.
pub fn files_below(folder: &std::path::Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_none_or(|extension| extension != "lock") {
            files.push(path);
        }
    }
    files
}

pub fn settings() -> ReportSettings {
    static SETTINGS: OnceLock<ReportSettings> = OnceLock::new();
    SETTINGS
        .get_or_init(|| ReportSettings {
            fonts: Arc::new(dossier_report::Fonts::embedded().unwrap()),
            wording: dossier_report::Wording::default(),
            look: dossier_report::Look::default(),
            time_zone: jiff::tz::TimeZone::UTC,
            package: PackageContents::Full,
            copy: false,
            volumes: dossier_report::VolumeLimits::default(),
            office: None,
        })
        .clone()
}

pub fn view() -> RequestView {
    RequestView {
        id: RequestId::generate().as_uuid(),
        status: "Pending".to_owned(),
        date_from: Some("2022-01-01".parse().unwrap()),
        date_to: "2024-01-01".parse().unwrap(),
        sar_case_reference_number: CASE.to_owned().into(),
        services: Vec::new(),
        nomis_id: Some(SUBJECT.to_owned().into()),
        ndelius_case_reference_id: None,
        subject_name: Some("LOVELACE, Ada".to_owned().into()),
        priority: dossier_core::request::Priority::Normal,
        requested_by: "tests".to_owned(),
        request_date_time: "2026-01-01T00:00:00Z".parse().unwrap(),
        claim_date_time: None,
        claim_attempts: 0,
        lease_expires_at: None,
        due_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        completed_at: None,
        error_code: None,
        error_detail: None,
        object_url: None,
        pages: None,
        bytes: None,
        documents: Vec::new(),
        last_downloaded: None,
    }
}

pub async fn serve(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url.parse().unwrap()
}

/// An answer whose connection breaks within the body.
pub fn broken_body() -> Response {
    let start = futures::stream::iter([
        Ok::<_, std::io::Error>("{\"content\":"),
        Err(std::io::Error::other("broken")),
    ]);
    Body::from_stream(start).into_response()
}

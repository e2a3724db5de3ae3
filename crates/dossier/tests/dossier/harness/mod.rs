//! A whole Dossier with fake upstream services over real HTTP, in one process or in several.

pub mod browser;
pub mod document_api;
pub mod pdf;
#[expect(dead_code, reason = "the store's tests use more of it")]
#[path = "../../../../dossier-store/tests/server/mod.rs"]
pub mod postgres;
pub mod process;
pub mod s3;
pub mod service;
pub mod upstream;

use std::time::Duration;

use dossier::config::Config;
use dossier::run::{self, RunningApi, RunningWorker};
use dossier_core::service::Category;
use dossier_core::wire::{CreateRequest, RequestView, ServiceBody, ServiceView};
use dossier_core::{Private, RequestId};
use dossier_worker::ApiClient;
use tempfile::TempDir;

use upstream::{Answer, Upstream};

/// Nothing in these tests takes longer.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A whole Dossier in this process: API, one worker, a database and documents of its own.
pub struct Dossier {
    pub config: Config,
    pub client: ApiClient,
    pub upstream: Upstream,
    pub folder: TempDir,
    api: RunningApi,
    workers: Vec<RunningWorker>,
    token: Private<String>,
}

impl Dossier {
    /// Starts one with the usual configuration.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts one whose configuration is adjusted first.
    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        dossier_worker::install_tls_provider();
        let folder = tempfile::tempdir().unwrap();
        let mut config = quick_config(folder.path());
        adjust(&mut config);
        let token: Private<String> = "the test's token".to_owned().into();
        let api = RunningApi::start(&config, &token).await.unwrap();
        let client = run::client(&config, &api.url, &token).unwrap();
        let upstream = Upstream::start().await;
        let mut dossier = Self {
            config,
            client,
            upstream,
            folder,
            api,
            workers: Vec::new(),
            token,
        };
        dossier.start_worker().await;
        dossier
    }

    /// Starts another worker.
    pub async fn start_worker(&mut self) {
        let mut config = self.config.clone();
        config.worker.spool_folder = Some(
            self.folder
                .path()
                .join(format!("spool-{}", self.workers.len())),
        );
        let worker = RunningWorker::start(&config, &self.api.url, &self.token)
            .await
            .unwrap();
        self.workers.push(worker);
    }

    /// Stops all workers as SIGTERM does.
    pub async fn stop_workers(&mut self) {
        for worker in self.workers.drain(..) {
            worker.stop().await;
        }
    }

    /// Adds a service that gives these answers, the last one for ever.
    pub async fn service(
        &self,
        name: &str,
        answers: impl IntoIterator<Item = Answer>,
    ) -> ServiceView {
        self.upstream.answer(name, answers);
        self.client
            .add_service(&service_body(name, self.upstream.url(name)))
            .await
            .unwrap()
    }

    /// Makes a request for these services.
    pub async fn request(&self, services: &[&str]) -> RequestId {
        self.client
            .create(&request_body(services), None)
            .await
            .unwrap()
    }

    /// Waits until a request is finished.
    pub async fn finished(&self, id: RequestId) -> RequestView {
        self.until(id, RequestView::is_finished).await
    }

    /// Waits until something holds of a request.
    pub async fn until(&self, id: RequestId, holds: impl Fn(&RequestView) -> bool) -> RequestView {
        until(&self.client, id, holds).await
    }

    /// The text of a request's report.
    pub async fn report_text(&self, id: RequestId) -> String {
        let file = self.folder.path().join(format!("{id}.pdf"));
        self.client.download(id, &file, |_, _| {}).await.unwrap();
        pdf::text(&file)
    }
}

/// Waits until something holds of a request.
pub async fn until(
    client: &ApiClient,
    id: RequestId,
    holds: impl Fn(&RequestView) -> bool,
) -> RequestView {
    let started = std::time::Instant::now();
    loop {
        let request = client.show(id).await.unwrap();
        if holds(&request) {
            return request;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "this took too long: {request:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A configuration that starts, looks and gives up quickly, in a folder of its own.
pub fn quick_config(folder: &std::path::Path) -> Config {
    let mut config = Config {
        data_folder: folder.join("data"),
        ..Config::default()
    };
    config.api.listen = ([127, 0, 0, 1], 0).into();
    config.lease.lock_period_seconds = 10.0;
    config.housekeeping.every_seconds = 0.2;
    config.worker.try_pause_seconds = 0.05;
    config.worker.attempt_pause_seconds = 0.1;
    config.worker.shutdown_grace_seconds = 0.5;
    config.worker.progress_seconds = 0.05;
    config
}

/// A service for the catalogue.
pub fn service_body(name: &str, url: String) -> ServiceBody {
    ServiceBody {
        name: name.to_owned(),
        label: format!("The {name}"),
        url,
        enabled: true,
        template_migrated: false,
        category: Category::Prison,
        rank: None,
    }
}

/// A request for these services, with the name given so that nothing is looked up.
pub fn request_body(services: &[&str]) -> CreateRequest {
    CreateRequest {
        date_from: Some(jiff::civil::date(2022, 1, 1)),
        date_to: Some(jiff::civil::date(2024, 1, 1)),
        sar_case_reference_number: Some("CASE-77".to_owned().into()),
        services: services.iter().map(|&name| name.to_owned()).collect(),
        nomis_id: Some("A1234AA".to_owned().into()),
        ndelius_id: None,
        subject_name: Some("LOVELACE, Ada".to_owned().into()),
        priority: None,
    }
}

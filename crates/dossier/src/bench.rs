//! `dossier bench …`: what is claimed of Dossier, measured on the reader's machine.
//!
//! Every measurement runs the real parts, over real HTTP on this machine's loopback where they
//! speak HTTP, in a folder for temporary files, and prints what it measured. Whether that is good is
//! for the caller to say: with a `--…-max-…` option the command fails if the limit is passed.

mod chart;
mod collect;
mod fetch;
mod idle;
mod queue;
mod report;
mod template;
mod upstream;
mod workers;

use std::time::Duration;

use dossier_core::service::Category;
use dossier_core::wire::{CreateRequest, RequestView, ServiceBody};
use dossier_core::{Private, RequestId};
use dossier_worker::ApiClient;
use tempfile::TempDir;

use crate::cli::BenchCommand;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{self, RunningApi, RunningWorker};
use crate::token;

/// Time between two looks at a request.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs one of the measurements.
pub async fn run(command: BenchCommand, output: Output) -> Result<(), Failure> {
    match command {
        BenchCommand::Collect(options) => collect::run(&options, output).await,
        BenchCommand::Fetch(options) => fetch::run(&options, output).await,
        BenchCommand::Workers(options) => workers::run(&options, output).await,
        BenchCommand::Idle(options) => idle::run(&options, output).await,
        BenchCommand::Queue(options) => queue::run(&options, output).await,
        BenchCommand::Report(options) => report::run(&options, output).await,
        BenchCommand::Template(options) => template::run(&options, output),
        BenchCommand::WriteReport(options) => report::write_one(&options),
    }
}

/// Fails if a limit is set and passed; the text names both.
fn within(what: &str, measured: f64, max: Option<f64>) -> Result<(), Failure> {
    match beyond(what, measured, max) {
        Some(beyond) => Err(Failure::Other(beyond)),
        None => Ok(()),
    }
}

/// What to say if a limit is set and passed.
fn beyond(what: &str, measured: f64, max: Option<f64>) -> Option<String> {
    // Not a number is within no limit.
    let max = max.filter(|max| measured > *max || measured.is_nan())?;
    Some(format!(
        "{what}: {measured:.3}, and at most {max} was wanted"
    ))
}

/// An API with workers on a database of its own, in this process.
struct Bench {
    config: Config,
    client: ApiClient,
    api: RunningApi,
    workers: Vec<RunningWorker>,
    _folder: TempDir,
}

impl Bench {
    async fn start(workers: u32, adjust: impl FnOnce(&mut Config)) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("dossier-bench-")
            .tempdir()
            .map_err(Failure::file("making a folder for the benchmark"))?;
        let mut config = Config {
            data_folder: folder.path().to_owned(),
            ..Config::default()
        };
        config.api.listen = ([127, 0, 0, 1], 0).into();
        config.worker.shutdown_grace_seconds = run::SHORT_GRACE.as_secs_f64();
        adjust(&mut config);
        let secret = Private::new(token::random_token());
        let api = RunningApi::start(&config, &secret).await?;
        let client = run::client(&config, &api.url, &secret)?;
        let mut running = Vec::new();
        for number in 0..workers {
            let mut config = config.clone();
            config.worker.name = Some(format!("bench-{number}"));
            running.push(RunningWorker::start(&config, &api.url, &secret).await?);
        }
        Ok(Self {
            config,
            client,
            api,
            workers: running,
            _folder: folder,
        })
    }

    async fn add_service(&self, name: &str, url: String) -> Result<(), Failure> {
        let body = ServiceBody {
            name: name.to_owned(),
            label: name.to_owned(),
            url,
            enabled: true,
            template_migrated: false,
            category: Category::Other,
            rank: None,
        };
        self.client.add_service(&body).await?;
        Ok(())
    }

    async fn create(&self, services: &[String], number: u32) -> Result<RequestId, Failure> {
        let body = CreateRequest {
            sar_case_reference_number: Some(format!("BENCH-{number}").into()),
            services: services.to_vec(),
            nomis_id: Some("A1234AA".to_owned().into()),
            subject_name: Some("BENCH, Mark".to_owned().into()),
            ..CreateRequest::default()
        };
        Ok(self.client.create(&body, None).await?)
    }

    async fn finished(&self, id: RequestId) -> Result<RequestView, Failure> {
        loop {
            let request = self.client.show(id).await?;
            if request.is_finished() {
                return Ok(request);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn stop(self) -> Result<(), Failure> {
        for worker in self.workers {
            worker.stop().await;
        }
        self.api.stop().await
    }
}

/// The middle of the values; of an even number, the upper of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A number of kilobytes from `/proc/<pid>/status`, in bytes.
fn process_memory(pid: u32, line: &str) -> Result<u64, Failure> {
    let path = format!("/proc/{pid}/status");
    let status =
        std::fs::read_to_string(&path).map_err(Failure::file(format!("reading {path}")))?;
    status
        .lines()
        .find_map(|text| {
            text.strip_prefix(line)?
                .trim_start_matches(':')
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .map(|kilobytes: u64| kilobytes * 1024)
        .ok_or_else(|| Failure::Other(format!("{path} does not say {line}")))
}

/// The first number of `/proc/loadavg`.
fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

//! `dossier demo`: everything at once, from sample services to a report that can be opened.

mod data;
pub mod services;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use dossier_core::Private;
use dossier_core::reference::ReferenceKind;
use dossier_core::wire::{CreateRequest, RequestView, ServiceBody};
use dossier_worker::ApiClient;
use dossier_worker::api::ReferenceFormat;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::cli::Demo;
use crate::config::{Config, LogTable};
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{self, RunningApi, RunningWorker};
use crate::{token, watch};

use services::{SAMPLE_SERVICES, SampleServices};

/// Time between two looks at the request.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The demo is given up after this time.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What the demo made.
#[derive(Serialize)]
struct Made {
    report: PathBuf,
    pages: Option<u32>,
    bytes: u64,
    seconds: f64,
    request: RequestView,
}

/// Runs the demo.
pub async fn run(options: &Demo, log: &LogTable, output: Output) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("dossier-demo-")
        .tempdir()
        .map_err(Failure::file("making a folder for the demo"))?;
    let shutdown = CancellationToken::new();
    let _stop_samples = shutdown.clone().drop_guard();
    let samples = SampleServices::start(shutdown)
        .await
        .map_err(|error| Failure::Unavailable(format!("starting the sample services: {error}")))?;
    let config = configuration(folder.path(), &samples, log)?;
    let secret = Private::new(token::random_token());
    let api = RunningApi::start(&config, &secret).await?;
    let worker = RunningWorker::start(&config, &api.url, &secret).await?;
    let client = run::client(&config, &api.url, &secret)?;

    let made = make_report(&client, &samples, &options.output, output).await;
    let unsupported = worker.unsupported_characters.load(Ordering::Relaxed);
    if unsupported > 0 {
        eprintln!("{unsupported} characters are shown as \u{fffd}, because no font has them");
    }
    if made.is_ok() && options.keep_running {
        let told_to_stop = run::told_to_stop();
        say_where(&api.url, &secret, output);
        told_to_stop.await;
    }
    worker.stop().await;
    api.stop().await?;
    made
}

fn configuration(
    folder: &Path,
    samples: &SampleServices,
    log: &LogTable,
) -> Result<Config, Failure> {
    let mut config = Config {
        data_folder: folder.to_owned(),
        log: log.clone(),
        ..Config::default()
    };
    config.api.listen = ([127, 0, 0, 1], 0).into();
    config.worker.progress_seconds = 0.2;
    config.worker.shutdown_grace_seconds = run::SHORT_GRACE.as_secs_f64();
    let people = Url::parse(&samples.people_url())
        .map_err(|error| Failure::Other(format!("the sample register's URL: {error}")))?;
    config.worker.name_lookup.prison_api_url = Some(people.clone());
    config.worker.name_lookup.probation_api_url = Some(people);
    Ok(config)
}

async fn make_report(
    client: &ApiClient,
    samples: &SampleServices,
    report: &Path,
    output: Output,
) -> Result<(), Failure> {
    for service in &SAMPLE_SERVICES {
        let template = data::template(service.name);
        let added = client
            .add_service(&ServiceBody {
                name: service.name.to_owned(),
                label: service.label.to_owned(),
                url: samples.url(service.name),
                enabled: true,
                template_migrated: template.is_some(),
                category: service.category,
                rank: None,
            })
            .await?;
        if let Some(template) = template {
            let template = template.as_bytes().to_vec();
            client.register_template(added.id.into(), template).await?;
        }
    }
    let prisons = data::prisons().to_string().into();
    client
        .import_reference(ReferenceKind::Prisons, ReferenceFormat::Json, prisons)
        .await?;
    if output == Output::Text {
        println!(
            "{} sample services answer over HTTP; making a request\n",
            SAMPLE_SERVICES.len()
        );
    }
    let started = Instant::now();
    let id = client.create(&sample_request(), None).await?;
    let request = watch::until_finished(client, id, LOOK_EVERY, Some(TIMEOUT), output).await?;
    let seconds = started.elapsed().as_secs_f64();
    let bytes = client.download(id, report, |_, _| {}).await?.bytes;
    let report = std::path::absolute(report).unwrap_or_else(|_| report.to_owned());
    output.print(
        &Made {
            report,
            pages: request.pages,
            bytes,
            seconds,
            request,
        },
        |made| {
            format!(
                "\nThe report of {} pages was made in {:.1} s. Open it:\n{}",
                made.pages.unwrap_or_default(),
                made.seconds,
                made.report.display()
            )
        },
    );
    Ok(())
}

fn sample_request() -> CreateRequest {
    CreateRequest {
        date_from: Some(jiff::civil::date(2022, 1, 1)),
        date_to: None,
        sar_case_reference_number: Some("DEMO-0001".to_owned().into()),
        services: SAMPLE_SERVICES
            .iter()
            .map(|service| service.name.to_owned())
            .collect(),
        nomis_id: Some("A1234AA".to_owned().into()),
        ndelius_id: None,
        subject_name: None,
        priority: None,
    }
}

fn say_where(url: &Url, secret: &Private<String>, output: Output) {
    let page = format!("{}/swagger-ui/", url.as_str().trim_end_matches('/'));
    let about = serde_json::json!({ "url": url, "apiPage": page, "token": secret });
    output.print(&about, |_| {
        format!(
            "\nStill running, until Ctrl-C. Try the API on its page {page}\n\
             or from another terminal:\n  \
             DOSSIER_API__URL={url} DOSSIER_API__TOKEN={} dossier request list",
            secret.reveal()
        )
    });
}

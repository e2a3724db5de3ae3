//! `dossier request …`: making, watching and managing requests.

use std::path::PathBuf;
use std::time::Duration;

use dossier_core::wire::{CancelRequest, CreateRequest, FinishedView, RequestView};
use dossier_core::{DocumentKind, RequestId};
use dossier_worker::ApiClient;
use serde::Serialize;
use uuid::Uuid;

use crate::cli::{Create, Download, List, RequestCommand, StatusFilter, Watch};
use crate::config::Config;
use crate::exit::Failure;
use crate::output::{Output, say, table};
use crate::{run, watch};

/// Seconds between looks when `create --watch` follows its request.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Runs one of the commands.
pub async fn run(command: RequestCommand, config: &Config, output: Output) -> Result<(), Failure> {
    let client = run::configured_client(config)?;
    match command {
        RequestCommand::Create(options) => create(&client, options, output).await,
        RequestCommand::List(options) => list(&client, options, output).await,
        RequestCommand::Show { id } => {
            output.print(&client.show(id.into()).await?, details);
            Ok(())
        }
        RequestCommand::Watch(options) => follow(&client, options, output).await,
        RequestCommand::Download(options) => download(&client, options, output).await,
        RequestCommand::Restart { id } => {
            client.restart(id.into()).await?;
            output.print(&client.show(id.into()).await?, |_| {
                format!("{id} is pending again")
            });
            Ok(())
        }
        RequestCommand::Cancel { id, reason } => {
            client.cancel(id.into(), &CancelRequest { reason }).await?;
            output.print(&client.show(id.into()).await?, |_| {
                format!("{id} is cancelled")
            });
            Ok(())
        }
    }
}

async fn create(client: &ApiClient, options: Create, output: Output) -> Result<(), Failure> {
    let services = if options.services.is_empty() {
        let all = client.services().await?;
        all.into_iter()
            .filter(|service| service.enabled)
            .map(|service| service.name)
            .collect()
    } else {
        options.services
    };
    let body = CreateRequest {
        date_from: options.from,
        date_to: options.to,
        sar_case_reference_number: Some(options.case.into()),
        services,
        nomis_id: options.nomis_id.map(Into::into),
        ndelius_id: options.ndelius_id.map(Into::into),
        subject_name: options.name.map(Into::into),
        priority: options.priority.map(Into::into),
    };
    let id = client
        .create(&body, options.idempotency_key.as_deref())
        .await?;
    if !options.watch {
        output.print(&Created { id }, |created| created.id.to_string());
        return Ok(());
    }
    if output == Output::Text {
        say(&id.to_string());
    }
    let request = watch::until_finished(client, id, LOOK_EVERY, None, output).await?;
    output.print(&request, summary);
    Ok(())
}

#[derive(Serialize)]
struct Created {
    id: RequestId,
}

async fn follow(client: &ApiClient, options: Watch, output: Output) -> Result<(), Failure> {
    let every = seconds("--every", options.every)?.max(Duration::from_millis(50));
    let timeout = options
        .timeout
        .map(|timeout| seconds("--timeout", timeout))
        .transpose()?;
    let request = watch::until_finished(client, options.id.into(), every, timeout, output).await?;
    output.print(&request, summary);
    Ok(())
}

fn seconds(option: &str, value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| Failure::Usage(format!("{option} must be a number of seconds")))
}

async fn download(client: &ApiClient, options: Download, output: Output) -> Result<(), Failure> {
    if options.all {
        return download_all(client, options, output).await;
    }
    let kind = match (options.copy, options.package) {
        (true, _) => DocumentKind::Copy,
        (_, true) => DocumentKind::Package,
        _ => DocumentKind::Report,
    };
    let path = options
        .output
        .unwrap_or_else(|| file_name(options.id, kind, options.volume).into());
    let done = fetch(client, options.id, kind, options.volume, path).await?;
    output.print(&done, Downloaded::line);
    Ok(())
}

async fn download_all(
    client: &ApiClient,
    options: Download,
    output: Output,
) -> Result<(), Failure> {
    let documents = client.show(options.id.into()).await?.documents;
    let mut wanted: Vec<_> = documents.iter().map(|d| (d.kind, d.volume)).collect();
    if wanted.is_empty() {
        // The API says why there is none.
        wanted.push((DocumentKind::Report, 1));
    }
    let folder = options.output.unwrap_or_else(|| PathBuf::from("."));
    std::fs::create_dir_all(&folder)
        .map_err(Failure::file(format!("making {}", folder.display())))?;
    let mut all = Vec::new();
    for (kind, volume) in wanted {
        let path = folder.join(file_name(options.id, kind, volume));
        all.push(fetch(client, options.id, kind, volume, path).await?);
    }
    output.print(&all, |all| {
        let lines: Vec<String> = all.iter().map(Downloaded::line).collect();
        lines.join("\n")
    });
    Ok(())
}

async fn fetch(
    client: &ApiClient,
    id: Uuid,
    kind: DocumentKind,
    volume: u32,
    path: PathBuf,
) -> Result<Downloaded, Failure> {
    let downloaded = client
        .download_document(id.into(), kind, volume, &path, |_, _| {})
        .await?;
    Ok(Downloaded {
        kind,
        volume,
        path,
        bytes: downloaded.bytes,
    })
}

fn file_name(id: Uuid, kind: DocumentKind, volume: u32) -> String {
    format!("report-{id}{}", kind.file_name_ending(volume))
}

#[derive(Serialize)]
struct Downloaded {
    kind: DocumentKind,
    volume: u32,
    path: PathBuf,
    bytes: u64,
}

impl Downloaded {
    fn line(&self) -> String {
        format!("{} ({} bytes)", self.path.display(), self.bytes)
    }
}

async fn list(client: &ApiClient, options: List, output: Output) -> Result<(), Failure> {
    let wants = |status| options.status.contains(&status);
    let list = client
        .admin_list(&dossier_worker::api::AdminQuery {
            completed: wants(StatusFilter::Completed),
            errored: wants(StatusFilter::Errored),
            overdue: wants(StatusFilter::Overdue),
            pending: wants(StatusFilter::Pending),
            search: options.search.map(Into::into),
            page_number: Some(options.page),
            page_size: Some(options.size),
        })
        .await?;
    output.print(&list, |list| {
        if list.requests.is_empty() {
            return "no such requests".to_owned();
        }
        let rows: Vec<[String; 6]> = list
            .requests
            .iter()
            .map(|request| {
                let done = request
                    .services
                    .iter()
                    .filter(|s| s.rendered_at.is_some())
                    .count();
                [
                    request.id.to_string(),
                    request.status.clone(),
                    request.priority.as_str().to_lowercase(),
                    request.sar_case_reference_number.reveal().clone(),
                    request
                        .request_date_time
                        .strftime("%Y-%m-%d %H:%M")
                        .to_string(),
                    format!("{done}/{}", request.services.len()),
                ]
            })
            .collect();
        let heads = [
            "ID",
            "STATUS",
            "PRIORITY",
            "CASE",
            "CAME IN (UTC)",
            "SECTIONS",
        ];
        let shown = table(heads, &rows);
        format!("{shown}\n{} of {}", list.requests.len(), list.filter_count)
    });
    Ok(())
}

fn summary(request: &RequestView) -> String {
    let pages = request
        .pages
        .map_or(String::new(), |pages| format!(", {pages} pages"));
    format!("{} is {}{pages}", request.id, request.status.to_lowercase())
}

fn document_line(document: &FinishedView) -> String {
    let name = match document.kind {
        DocumentKind::Report => "Report",
        DocumentKind::Copy => "Copy",
        DocumentKind::Package => "Package",
    };
    let volume = match document.volume {
        1 => String::new(),
        volume => format!("volume {volume}, "),
    };
    let pages = document
        .pages
        .map_or(String::new(), |pages| format!("{pages} pages, "));
    format!("{name:<10}  {volume}{pages}{} bytes", document.bytes)
}

fn details(request: &RequestView) -> String {
    let time = |time: jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let identifier = request
        .nomis_id
        .as_ref()
        .or(request.ndelius_case_reference_id.as_ref());
    let mut lines = vec![
        format!("Request     {}", request.id),
        format!("Status      {}", request.status),
        format!("Priority    {}", request.priority.as_str().to_lowercase()),
        format!("Case        {}", request.sar_case_reference_number.reveal()),
        format!("Identifier  {}", identifier.map_or("", |id| id.reveal())),
        format!(
            "Range       {} to {}",
            request
                .date_from
                .map_or("start of record".to_owned(), |date| date.to_string()),
            request.date_to
        ),
        format!(
            "Asked by    {} at {}",
            request.requested_by,
            time(request.request_date_time)
        ),
        format!("Attempts    {}", request.claim_attempts),
    ];
    if let Some(completed) = request.completed_at {
        lines.push(format!("Completed   {}", time(completed)));
    }
    lines.extend(request.documents.iter().map(document_line));
    if let Some(detail) = &request.error_detail {
        lines.push(format!("Failure     {detail}"));
    }
    let rows: Vec<[String; 4]> = request
        .services
        .iter()
        .map(|section| {
            [
                section.service_label.clone(),
                section.render_status.as_str().to_lowercase(),
                section.template_version.clone().unwrap_or_default(),
                section.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    format!(
        "{}\n\n{}",
        lines.join("\n"),
        table(["SECTION", "STATE", "TEMPLATE", "FAILURE"], &rows)
    )
}

//! `dossier template …`: versions of services' templates.

use std::io::Write;
use std::path::Path;

use dossier_core::template::TemplateStatus;
use dossier_core::wire::{ServiceTemplateView, TemplateVersionView};
use dossier_worker::{ApiClient, ApiError};
use serde::Serialize;

use crate::cli::TemplateCommand;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::{Output, table};
use crate::run;
use crate::service_command::find;

/// How much of a digest people are shown, in digits.
const DIGEST_DIGITS: usize = 12;

/// Runs one of the commands.
pub async fn run(command: TemplateCommand, config: &Config, output: Output) -> Result<(), Failure> {
    let client = run::configured_client(config)?;
    match command {
        // Needs neither a configuration nor an API, and has been dealt with.
        TemplateCommand::Check(_) => Ok(()),
        TemplateCommand::Register { service, file } => {
            register(&client, &service, &file, output).await
        }
        TemplateCommand::List { service } => {
            let service = find(&client, &service).await?;
            let versions = client.template_versions(service.id.into()).await?;
            output.print(&versions, |versions| list(versions));
            Ok(())
        }
        TemplateCommand::Show { service, number } => show(&client, &service, number, output).await,
        TemplateCommand::Health => {
            output.print(&client.template_health().await?, |all| health(all));
            Ok(())
        }
    }
}

async fn register(
    client: &ApiClient,
    service: &str,
    file: &Path,
    output: Output,
) -> Result<(), Failure> {
    let template =
        std::fs::read(file).map_err(Failure::file(format!("reading {}", file.display())))?;
    let service = find(client, service).await?;
    let id = service.id.into();
    let registered = client.register_template(id, template).await;
    let registered = registered.map_err(with_all_reasons)?;
    output.print(&registered, |registered| {
        let version = format!("v{} of {}", registered.version, service.name);
        match registered.status {
            TemplateStatus::Pending => {
                format!("{version} is registered, and published when the service serves it")
            }
            TemplateStatus::Published => format!("{version} is this template, and published"),
        }
    });
    Ok(())
}

/// A refusal that says all that is wrong with the template, a line each.
fn with_all_reasons(mut error: ApiError) -> ApiError {
    if let ApiError::Refused {
        problem: Some(problem),
        ..
    } = &mut error
        && problem.errors.len() > 1
    {
        let messages: Vec<_> = problem.errors.iter().map(|e| e.message.as_str()).collect();
        problem.detail = Some(messages.join("\n"));
    }
    error
}

/// A version with its text.
#[derive(Serialize)]
struct Shown {
    version: u32,
    text: String,
}

async fn show(
    client: &ApiClient,
    service: &str,
    version: u32,
    output: Output,
) -> Result<(), Failure> {
    let service = find(client, service).await?;
    let template = client.template(service.id.into(), version).await?;
    match output {
        // Byte for byte: what goes into a file has the digest of the version.
        Output::Text => {
            // Whoever has stopped reading is not an error.
            let _ = std::io::stdout().write_all(&template);
        }
        Output::Json => {
            let text = String::from_utf8_lossy(&template).into_owned();
            output.print(&Shown { version, text }, |_| String::new());
        }
    }
    Ok(())
}

fn list(versions: &[TemplateVersionView]) -> String {
    if versions.is_empty() {
        return "no versions yet; register one with `dossier template register`".to_owned();
    }
    let rows: Vec<[String; 6]> = versions
        .iter()
        .map(|version| {
            let published = version.published_date;
            [
                format!("v{}", version.version),
                version.status.as_str().to_lowercase(),
                version.size.to_string(),
                version.created_date.to_string(),
                published.map_or_else(|| "-".to_owned(), |at| at.to_string()),
                version.file_hash.clone(),
            ]
        })
        .collect();
    let header = [
        "VERSION",
        "STATUS",
        "BYTES",
        "REGISTERED",
        "PUBLISHED",
        "SHA-256",
    ];
    table(header, &rows)
}

fn health(all: &[ServiceTemplateView]) -> String {
    if all.is_empty() {
        return "no service that serves its own template has been asked for it so far".to_owned();
    }
    let rows: Vec<[String; 5]> = all
        .iter()
        .map(|service| {
            let template = &service.template;
            let version = template.version.map(|version| format!("v{version}"));
            let served = template.served_sha256.as_deref();
            let served = served.map(|digest| digest.chars().take(DIGEST_DIGITS).collect());
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            [
                service.service_name.clone(),
                template.status.as_str().to_lowercase().replace('_', " "),
                or_none(version),
                or_none(served),
                template.since.to_string(),
            ]
        })
        .collect();
    table(
        ["SERVICE", "TEMPLATE", "VERSION", "SHA-256", "SINCE"],
        &rows,
    )
}

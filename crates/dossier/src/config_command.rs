//! `dossier config …`: what is configured, and what is wrong with it.

use std::path::{Path, PathBuf};

use dossier_report::Fonts;
use dossier_worker::check_legacy_templates;
use serde::Serialize;

use crate::cli::ConfigCommand;
use crate::config::{Config, ConfigError, DocumentsKind};
use crate::database;
use crate::documents;
use crate::exit::Failure;
use crate::output::Output;
use crate::token;

/// Runs one of the commands.
pub async fn run(
    command: &ConfigCommand,
    file: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let config = Config::load(file)?;
    match command {
        ConfigCommand::Show => show(&config, output),
        ConfigCommand::Check => check(&config, output).await,
    }
}

fn show(config: &Config, output: Output) -> Result<(), Failure> {
    let text = toml::to_string_pretty(config)
        .map_err(|error| Failure::Other(format!("printing the configuration: {error}")))?;
    output.print(config, |_| text.trim_end().to_owned());
    Ok(())
}

/// What was checked and found good.
#[derive(Serialize)]
struct Checked {
    database: String,
    documents: String,
    token_file: PathBuf,
    api_url: url::Url,
}

async fn check(config: &Config, output: Output) -> Result<(), Failure> {
    let mut problems = Vec::new();
    if let Err(error) = Fonts::with_fallbacks(&config.report.fallback_fonts) {
        problems.push(format!("report.fallback_fonts: {error}"));
    }
    if let Err(failure) = token::find(config) {
        problems.push(failure.to_string());
    }
    for (key, file) in [
        ("api.ca_file", &config.api.ca_file),
        ("worker.ca_file", &config.worker.ca_file),
        ("documents.s3.ca_file", &config.documents.s3.ca_file),
        (
            "documents.document_api.ca_file",
            &config.documents.document_api.ca_file,
        ),
        ("store.ca_file", &config.store.ca_file),
    ] {
        if let Some(file) = file
            && let Err(error) = std::fs::read(file)
        {
            problems.push(format!("{key}: {}: {error}", file.display()));
        }
    }
    if let Some(folder) = &config.worker.legacy_templates_folder {
        let unusable = check_legacy_templates(folder).into_iter();
        problems.extend(unusable.map(|error| format!("worker.legacy_templates_folder: {error}")));
    }
    if let Err(error) = documents::open(config).await {
        let key = match config.documents.kind {
            DocumentsKind::Folder => "documents.folder",
            DocumentsKind::S3 => "documents.s3",
            DocumentsKind::DocumentApi => "documents.document_api",
        };
        problems.push(format!("{key}: {}: {error}", documents::place(config)));
    }
    match database::open(config).await {
        // A standby can be opened, and written to it cannot.
        Ok(store) => {
            if let Err(error) = store.ping().await {
                problems.push(format!("store: {error}"));
            }
        }
        // It may well be configured rightly.
        Err(Failure::Unavailable(cause)) if problems.is_empty() => {
            return Err(Failure::Unavailable(format!("store: {cause}")));
        }
        Err(Failure::Config(error)) => {
            let problem = error.to_string();
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        Err(failure) => problems.push(format!("store: {failure}")),
    }
    if !problems.is_empty() {
        return Err(ConfigError::Problems(problems).into());
    }
    let checked = Checked {
        database: database::place(config)?,
        documents: documents::place(config),
        token_file: config.token_file(),
        api_url: config.api_url()?,
    };
    output.print(&checked, |checked| {
        format!(
            "the configuration is good\n  database   {}\n  documents  {}\n  token      {}\n  API        {}",
            checked.database,
            checked.documents,
            checked.token_file.display(),
            checked.api_url
        )
    });
    Ok(())
}

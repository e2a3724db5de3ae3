//! `dossier reference …`: the names behind codes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, ValueEnum};
use dossier_core::Private;
use dossier_core::reference::{ReferenceKind, ReferenceSource};
use dossier_core::wire::{
    REFERENCE_IMPORT_BYTES_MAX, REFERENCE_LOOKUP_CODES_MAX, ReferenceImported, ReferenceLookup,
    ReferenceSourceView,
};
use dossier_worker::ApiClient;
use dossier_worker::api::ReferenceFormat;

use crate::cli::{Cli, KindChoice, ReferenceCommand};
use crate::config::Config;
use crate::exit::Failure;
use crate::output::{Output, table};
use crate::preview_names;
use crate::run;

/// The code that answers for all others in files for previews.
const ALL_CODES: &str = "*";

/// Runs one of the commands.
pub async fn run(
    command: ReferenceCommand,
    config: &Config,
    output: Output,
) -> Result<(), Failure> {
    let client = run::configured_client(config)?;
    match command {
        ReferenceCommand::Import { kind_or_file, file } => {
            let imported = match file {
                Some(file) => vec![import(&client, kind(&kind_or_file), &file).await?],
                None => import_all(&client, &PathBuf::from(kind_or_file)).await?,
            };
            output.print(&imported, |imported| {
                let lines = imported.iter().map(|of| match of.entries {
                    1 => format!("1 name of {} is now imported", of.kind),
                    entries => format!("{entries} names of {} are now imported", of.kind),
                });
                lines.collect::<Vec<_>>().join("\n")
            });
        }
        ReferenceCommand::List => {
            output.print(&client.reference_sources().await?, |sources| list(sources));
        }
        ReferenceCommand::Lookup { kind, codes } => {
            look_up(&client, kind.into(), codes, output).await?;
        }
        ReferenceCommand::Refresh { source } => {
            client.refresh_reference(&parsed(&source)?).await?;
            output.print(&serde_json::json!({ "source": source }), |_| {
                format!("{source} is due; `dossier reference list` says how it goes")
            });
        }
        ReferenceCommand::Remove { kind, source } => {
            let kind = kind.into();
            client.remove_reference(kind, &parsed(&source)?).await?;
            let removed = serde_json::json!({ "source": source, "kind": kind });
            output.print(&removed, |_| {
                format!("the names of {kind} from {source} are gone")
            });
        }
    }
    Ok(())
}

fn parsed(source: &str) -> Result<ReferenceSource, Failure> {
    source
        .parse()
        .map_err(|_| Failure::NoSuchSource(source.to_owned()))
}

/// The kind of that word; another is an error of the command line.
fn kind(word: &OsStr) -> ReferenceKind {
    let known = word
        .to_str()
        .and_then(|word| KindChoice::from_str(word, true).ok());
    known.map_or_else(
        || {
            let words = ReferenceKind::ALL.map(ReferenceKind::as_str).join(", ");
            let text = format!("KIND must be one of {words}");
            Cli::command().error(ErrorKind::InvalidValue, text).exit()
        },
        ReferenceKind::from,
    )
}

async fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let doing = format!("reading {}", file.display());
    let failed = || Failure::file(doing.clone());
    let bytes = tokio::fs::metadata(file).await.map_err(failed())?.len();
    if bytes > REFERENCE_IMPORT_BYTES_MAX as u64 {
        return Err(Failure::Other(format!(
            "{doing}: it has more than {REFERENCE_IMPORT_BYTES_MAX} bytes"
        )));
    }
    tokio::fs::read(file).await.map_err(failed())
}

async fn import(
    client: &ApiClient,
    kind: ReferenceKind,
    file: &Path,
) -> Result<ReferenceImported, Failure> {
    let content = read(file).await?;
    let format = format_of(file, &content);
    Ok(client
        .import_reference(kind, format, content.into())
        .await?)
}

/// By the file's ending, else by what it begins with.
fn format_of(file: &Path, content: &[u8]) -> ReferenceFormat {
    let ending = file.extension().and_then(OsStr::to_str).unwrap_or_default();
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    let first = content.iter().find(|byte| !byte.is_ascii_whitespace());
    match ending.to_ascii_lowercase().as_str() {
        "csv" => ReferenceFormat::Csv,
        "json" => ReferenceFormat::Json,
        _ if matches!(first, Some(b'{' | b'[')) => ReferenceFormat::Json,
        _ => ReferenceFormat::Csv,
    }
}

/// Imports all kinds that a file for previews has.
async fn import_all(client: &ApiClient, file: &Path) -> Result<Vec<ReferenceImported>, Failure> {
    let content = read(file).await?;
    let kinds = preview_names::parse(&content).map_err(|wrong| {
        let file = file.display();
        Failure::Other(format!("{file}, {wrong}"))
    })?;
    let mut imported = Vec::new();
    for (kind, mut names) in kinds {
        names.remove(ALL_CODES);
        if names.is_empty() {
            continue;
        }
        let body = serde_json::json!(names).to_string();
        let sent = client.import_reference(kind, ReferenceFormat::Json, body.into());
        imported.push(sent.await?);
    }
    if imported.is_empty() {
        let text = format!("{} holds no names to import", file.display());
        return Err(Failure::Other(text));
    }
    Ok(imported)
}

async fn look_up(
    client: &ApiClient,
    kind: ReferenceKind,
    codes: Vec<String>,
    output: Output,
) -> Result<(), Failure> {
    if codes.len() > REFERENCE_LOOKUP_CODES_MAX {
        let text = format!("at most {REFERENCE_LOOKUP_CODES_MAX} codes can be looked up at once");
        return Err(Failure::Usage(text));
    }
    let codes: Vec<Private<String>> = codes.into_iter().map(Private::new).collect();
    let mut wanted = ReferenceLookup::default();
    wanted.of_mut(kind).clone_from(&codes);
    let names = client.look_up_reference(&wanted).await?;
    output.print(names.of(kind), |names| {
        let rows: Vec<[String; 2]> = codes
            .iter()
            .map(|code| {
                let name = names.get(code).map_or("-", |name| name.reveal());
                [code.reveal().clone(), name.to_owned()]
            })
            .collect();
        table(["CODE", "NAME"], &rows)
    });
    Ok(())
}

fn list(sources: &[ReferenceSourceView]) -> String {
    if sources.is_empty() {
        return "no names yet; import some with `dossier reference import`, or configure a source"
            .to_owned();
    }
    let time = |time: Option<jiff::Timestamp>| {
        time.map_or("-".to_owned(), |time| time.strftime("%F %TZ").to_string())
    };
    let rows: Vec<[String; 6]> = sources
        .iter()
        .map(|source| {
            let state = match (&source.error, source.in_use) {
                (_, false) => "not configured",
                (_, true) if source.loading => "loading",
                (Some(error), true) => error,
                (None, true) if source.refreshed_at.is_none() => "not loaded yet",
                (None, true) => "good",
            };
            let next = match source.on_demand {
                true => "on demand".to_owned(),
                false => time(source.next),
            };
            [
                source.source.clone(),
                source.kind.to_string(),
                source.entries.to_string(),
                time(source.refreshed_at),
                next,
                state.to_owned(),
            ]
        })
        .collect();
    table(
        ["SOURCE", "KIND", "NAMES", "REFRESHED", "NEXT", "STATE"],
        &rows,
    )
}

impl From<KindChoice> for ReferenceKind {
    fn from(choice: KindChoice) -> Self {
        match choice {
            KindChoice::Prisons => Self::Prisons,
            KindChoice::Users => Self::Users,
            KindChoice::LocationsByDpsId => Self::LocationsByDpsId,
            KindChoice::LocationsByNomisId => Self::LocationsByNomisId,
        }
    }
}

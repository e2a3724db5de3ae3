//! `dossier service test`: whether a running service keeps the upstream contract.
//!
//! It makes the calls that a worker would make, one after the other, and says of each check of
//! [`check`] how it ended. What it says holds no values of the service's answers: only JSON
//! Pointers, types, sizes, and hosts and names of headers.
//!
//! - [`check`]: what is checked; `case`: what came of it
//! - `data`, `attachments`, `subjects`: the endpoint for data; `answer` is one answer of it
//! - `template`, `health`: the other endpoints
//! - `text`, `junit`: how it is told

mod answer;
mod attachments;
mod case;
pub mod check;
mod data;
mod engine;
mod health;
mod junit;
mod subjects;
mod template;
mod text;

use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

use dossier_core::Private;
use dossier_core::subject::SubjectIdentifier;
use dossier_worker::WorkerConfig;
use dossier_worker::probe::{Probe, ProbeError};
use jiff::Timestamp;
use serde::Serialize;
use tempfile::TempDir;
use url::Url;

use crate::cli::TestService;
use crate::config::{Config, ConfigError};
use crate::exit::Failure;
use crate::output::{Output, say};
use crate::run::told_to_stop;
use answer::Ask;
use case::{Case, Counts, Findings, Mask};
use text::Printer;

/// The variable that may hold the service's token.
pub const TOKEN_VARIABLE: &str = "DOSSIER_SERVICE_TOKEN";

/// The service that is tested, and what it is asked.
struct Service<'a> {
    probe: Probe,
    has_token: bool,
    /// A private folder for what it answers, removed at the end.
    folder: &'a TempDir,
    /// The subject that is known.
    known: Ask,
    /// The same or another subject by the other kind of identifier.
    other: Option<Ask>,
    /// A subject that does not exist.
    unknown: Ask,
    slow: Duration,
    attachments_max: usize,
    /// Larger answers are not rendered with a template.
    template_answer_bytes_max: u64,
}

/// The whole result, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    service: &'a str,
    asked: &'a str,
    reached: bool,
    kept: bool,
    counts: Counts,
    cases: &'a [Case],
}

/// Tests a service and prints how it went.
///
/// # Errors
/// [`Failure::ContractBroken`] if a check failed, or with `--strict` ended with a warning;
/// [`Failure::Unavailable`] if the service never answered; others if the test could not be made.
pub async fn run(options: TestService, config: &Config, output: Output) -> Result<(), Failure> {
    tokio::select! {
        result = test(options, config, output) => result,
        // What was fetched is removed on the way.
        () = told_to_stop() => Err(Failure::Other("stopped by a signal".into())),
    }
}

async fn test(options: TestService, config: &Config, output: Output) -> Result<(), Failure> {
    let began = Instant::now();
    let url = service_url(&options.url)?;
    let subjects = Subjects::parse(&options, config)?;
    let token = given_token(options.token_file.as_deref())?;
    let worker = worker_config(&options, config)?;
    let probe = Probe::new(&worker, url.clone(), token).map_err(|error| match error {
        ProbeError::Config(error) => Failure::Config(ConfigError::Invalid(error.to_string())),
        ProbeError::Client(error) => Failure::Other(error.to_string()),
    })?;
    let has_token = probe.has_token().await;
    let has_token = has_token.map_err(|error| Failure::Unavailable(error.to_string()))?;
    let folder = private_folder(config)?;
    let asked = subjects.asked();
    let url = url.as_str().trim_end_matches('/').to_owned();
    if output == Output::Text {
        say(&format!("{url}, {asked}"));
    }
    let printer = (output == Output::Text).then(Printer::new);
    let mut findings = Findings::new(subjects.mask(), printer);
    let service = Service {
        probe,
        has_token,
        folder: &folder,
        known: subjects.known,
        other: subjects.other,
        unknown: subjects.unknown,
        slow: options.slow,
        template_answer_bytes_max: worker.template_answer_bytes_max,
        attachments_max: usize::try_from(worker.attachments_max).unwrap_or(usize::MAX),
    };
    let answer = data::test(&service, &mut findings).await;
    template::test(&service, answer.as_ref(), &mut findings).await;
    health::test(&service, &mut findings).await;
    let told = tell(&options, &url, asked, &findings, output);
    if let Some(file) = &options.junit {
        let run = junit::Run {
            service: &url,
            asked,
            strict: options.strict,
            time: began.elapsed(),
        };
        write_junit(file, &run, &findings)?;
    }
    told
}

/// Prints the end, and decides how the command ends.
fn tell(
    options: &TestService,
    url: &str,
    asked: &str,
    findings: &Findings,
    output: Output,
) -> Result<(), Failure> {
    let counts = findings.counts();
    let broken = counts.failed + if options.strict { counts.warnings } else { 0 };
    let told = Told {
        service: url,
        asked,
        reached: findings.reached(),
        kept: broken == 0,
        counts,
        cases: findings.cases(),
    };
    output.print(&told, |_| format!("\n{}", text::summary(counts)));
    match broken {
        _ if !findings.reached() => Err(Failure::Unavailable(format!(
            "the service at {url} could not be reached"
        ))),
        0 => Ok(()),
        1 => Err(Failure::ContractBroken("1 check".to_owned())),
        _ => Err(Failure::ContractBroken(format!("{broken} checks"))),
    }
}

/// A service's base URL. What cannot be one is not repeated: it may hold a password.
fn service_url(text: &str) -> Result<Url, Failure> {
    let usage = |must: &str| Failure::Usage(format!("the service's URL must be {must}"));
    let url = Url::parse(text).map_err(|_| usage("absolute"))?;
    let is_base = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_base
        .then_some(url)
        .ok_or_else(|| usage("http or https, without user name, password, query and fragment"))
}

/// Whom the service is asked for.
struct Subjects {
    known: Ask,
    other: Option<Ask>,
    unknown: Ask,
}

impl Subjects {
    fn parse(options: &TestService, config: &Config) -> Result<Self, Failure> {
        let usage = |option: &str, form: &str| Failure::Usage(format!("{option} must be {form}"));
        let nomis = |option: &str, text: &str| {
            let parsed = SubjectIdentifier::nomis(text);
            let form = "a letter, four digits and two letters, such as A1234AA";
            parsed.map_err(|_| usage(option, form))
        };
        let ndelius = |option: &str, text: &str| {
            let parsed = SubjectIdentifier::ndelius(text);
            parsed.map_err(|_| usage(option, "a letter and six digits, such as X123456"))
        };
        let prn = options.prn.as_deref().map(|prn| nomis("--prn", prn));
        let crn = options.crn.as_deref().map(|crn| ndelius("--crn", crn));
        let (known, other, unknown) = match (prn.transpose()?, crn.transpose()?) {
            (Some(prn), crn) => (prn, crn, nomis("--unknown-prn", &options.unknown_prn)?),
            (None, Some(crn)) => (crn, None, ndelius("--unknown-crn", &options.unknown_crn)?),
            (None, None) => return Err(Failure::Usage("--prn or --crn is needed".to_owned())),
        };
        if unknown.reveal().eq_ignore_ascii_case(known.reveal()) {
            let text = "--unknown-prn or --unknown-crn must be another than --prn or --crn";
            return Err(Failure::Usage(text.to_owned()));
        }
        let today = config.time_zone()?.to_datetime(Timestamp::now()).date();
        let date_to = options.to.unwrap_or(today);
        if options.from.is_some_and(|date_from| date_from > date_to) {
            let text = "--from must not be after --to, which is today unless it is given";
            return Err(Failure::Usage(text.to_owned()));
        }
        let ask = |subject| Ask {
            subject,
            date_from: options.from,
            date_to,
        };
        Ok(Self {
            known: ask(known),
            other: other.map(ask),
            unknown: ask(unknown),
        })
    }

    /// Whom was asked for, without saying who it is.
    fn asked(&self) -> &'static str {
        match (&self.known.subject, &self.other) {
            (SubjectIdentifier::Nomis(_), Some(_)) => "prn and crn given",
            (SubjectIdentifier::Nomis(_), None) => "prn given",
            (SubjectIdentifier::Ndelius(_), _) => "crn given",
        }
    }

    fn mask(&self) -> Mask {
        let known = [Some(&self.known), self.other.as_ref()];
        let known = known.into_iter().flatten();
        Mask::new(known.map(|ask| ask.subject.reveal().to_owned()))
    }
}

/// The token that was given for this test, in a file or in the variable.
fn given_token(file: Option<&Path>) -> Result<Option<Private<String>>, Failure> {
    let text = match file {
        Some(file) => {
            let doing = format!("reading the token from {}", file.display());
            std::fs::read_to_string(file).map_err(Failure::file(doing))?
        }
        None => std::env::var(TOKEN_VARIABLE).unwrap_or_default(),
    };
    let token = text.trim();
    match (token.is_empty(), file) {
        (false, _) => Ok(Some(token.to_owned().into())),
        (true, None) => Ok(None),
        (true, Some(file)) => Err(Failure::Other(format!(
            "the token file {} is empty",
            file.display()
        ))),
    }
}

/// The configured worker, with the command line's hosts and time.
fn worker_config(options: &TestService, config: &Config) -> Result<WorkerConfig, Failure> {
    let mut worker = config.worker.clone();
    worker
        .attachment_hosts
        .extend(options.allow_host.iter().cloned());
    if worker.check().is_err() {
        let text = "--allow-host must be the name of a host such as files.example, without scheme, \
                    port or path";
        return Err(Failure::Usage(text.to_owned()));
    }
    if let Some(most) = options.timeout {
        let most = most.as_secs_f64();
        for limit in [
            &mut worker.connect_seconds_max,
            &mut worker.first_byte_seconds_max,
            &mut worker.answer_seconds_max,
        ] {
            *limit = limit.min(most);
        }
    }
    Ok(worker)
}

/// A folder that only this user can enter, where workers keep such files or else where this machine
/// keeps temporary ones.
fn private_folder(config: &Config) -> Result<TempDir, Failure> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("service-test-")
        .permissions(std::fs::Permissions::from_mode(0o700));
    let folder = match &config.worker.spool_folder {
        Some(parent) => {
            let made = std::fs::create_dir_all(parent);
            made.and_then(|()| builder.tempdir_in(parent))
        }
        None => builder.tempdir(),
    };
    folder.map_err(Failure::file("making a folder for the answers"))
}

fn write_junit(file: &Path, run: &junit::Run<'_>, findings: &Findings) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        let mut to = BufWriter::new(std::fs::File::create(file)?);
        junit::write(&mut to, run, findings.cases(), findings.counts())?;
        to.into_inner()?.sync_all()
    };
    write().map_err(Failure::file(format!("writing {}", file.display())))
}

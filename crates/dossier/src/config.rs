//! The configuration: one TOML file, `DOSSIER_…` variables above it, defaults below it.
//!
//! Every key stands in `docs/configuration.md`; a test holds that page and this module together.
//! Unknown keys are refused by name. Secrets can be read from files.

mod store;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dossier_api::{HousekeepingRules, Limits, ReferenceConfig, TemplateWatchRules};
use dossier_core::Private;
use dossier_core::lease::LeaseRules;
use dossier_core::template::TEMPLATE_BYTES_MAX;
use dossier_documents::{DocumentApiConfig, S3Config};
use dossier_report::{Colour, Colours, Logo, Look, OfficeConverter, VolumeLimits, Wording};
use dossier_worker::{PackageContents, WorkerConfig};
use serde::{Deserialize, Serialize};
use url::Url;

pub use store::StoreTable;

/// The variables of the keys that are lists, and the keys: their parts are separated by commas.
const LISTS: [(&str, &str); 2] = [
    ("DOSSIER_REPORT__FALLBACK_FONTS", "report.fallback_fonts"),
    (
        "DOSSIER_WORKER__ATTACHMENT_HOSTS",
        "worker.attachment_hosts",
    ),
];

/// Whether a token can stand in a header and is one.
fn is_usable_token(token: &Private<String>) -> bool {
    let token = token.reveal();
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The key of a variable whose value is a list.
fn list_key(variable: &str) -> Option<&'static str> {
    let known = |(name, _): &&(&str, &str)| name.eq_ignore_ascii_case(variable);
    LISTS.iter().find(known).map(|(_, key)| *key)
}

/// The file that is read when no other is named.
const DEFAULT_FILE: &str = "dossier.toml";
/// Variables that start like configuration keys but are the command line's own.
const NOT_KEYS: [&str; 3] = [
    "DOSSIER_CONFIG",
    "DOSSIER_LOG",
    crate::service_test::TOKEN_VARIABLE,
];

const SECONDS_A_DAY: f64 = 86_400.0;
/// Periods of housekeeping are at most this long: a hundred years.
const HOUSEKEEPING_DAYS_MAX: f64 = 36_525.0;

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's account of it.
        source: std::io::Error,
    },
    /// A key is unknown, or its value has the wrong form.
    #[error("{0}")]
    Invalid(String),
    /// Values that do not go together, or point at what is not there; one line each.
    #[error("{}", .0.join("\n"))]
    Problems(Vec<String>),
}

/// The whole configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the SQLite file, the documents and the token are kept unless said otherwise.
    pub data_folder: PathBuf,
    /// The organisation's time zone: what "today" means, and the report's date.
    pub time_zone: String,
    /// The HTTP API.
    pub api: ApiTable,
    /// The database.
    pub store: StoreTable,
    /// Document storage.
    pub documents: DocumentsTable,
    /// The lock on a request.
    pub lease: LeaseTable,
    /// What is done now and then.
    pub housekeeping: HousekeepingTable,
    /// The services' templates.
    pub templates: TemplatesTable,
    /// The worker.
    pub worker: WorkerConfig,
    /// The names behind codes.
    pub reference: ReferenceConfig,
    /// The report.
    pub report: ReportTable,
    /// Measurements.
    pub metrics: MetricsTable,
    /// Logging.
    pub log: LogTable,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_folder: "dossier-data".into(),
            time_zone: "Europe/London".into(),
            api: ApiTable::default(),
            store: StoreTable::default(),
            documents: DocumentsTable::default(),
            lease: LeaseTable::default(),
            housekeeping: HousekeepingTable::default(),
            templates: TemplatesTable::default(),
            worker: WorkerConfig::default(),
            reference: ReferenceConfig::default(),
            report: ReportTable::default(),
            metrics: MetricsTable::default(),
            log: LogTable::default(),
        }
    }
}

/// The HTTP API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiTable {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where workers and the command line find it; none means `http://` and `listen`.
    pub url: Option<Url>,
    /// A bearer token with every role; none means the one in `token_file`.
    #[serde(serialize_with = "hidden")]
    pub token: Option<Private<String>>,
    /// A file that holds the token; made at the first start. None means `<data_folder>/token`.
    pub token_file: Option<PathBuf>,
    /// A PEM file of certificates to trust besides the system's, for `url`.
    pub ca_file: Option<PathBuf>,
    /// Largest request body, in bytes.
    pub request_body_bytes_max: usize,
    /// Most connections at a time; further ones wait.
    pub connections_max: usize,
    /// How long a connection may stay open without a request, in seconds.
    pub connection_idle_seconds_max: f64,
    /// A request pending for longer counts as overdue, in seconds.
    pub overdue_after_seconds: f64,
}

impl Default for ApiTable {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            url: None,
            token: None,
            token_file: None,
            ca_file: None,
            request_body_bytes_max: limits.body_bytes_max,
            connections_max: limits.connections_max,
            connection_idle_seconds_max: limits.idle_max.as_secs_f64(),
            overdue_after_seconds: 12.0 * 3600.0,
        }
    }
}

/// Document storage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentsTable {
    /// Where documents are.
    pub kind: DocumentsKind,
    /// The folder of documents; none means `<data_folder>/documents`.
    pub folder: Option<PathBuf>,
    /// The bucket of kind `s3`.
    pub s3: S3Config,
    /// The API of kind `document-api`.
    pub document_api: DocumentApiConfig,
}

/// A kind of document storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentsKind {
    /// A folder of this machine, or one that several share.
    #[default]
    Folder,
    /// A bucket of Amazon S3, or of a server that speaks its protocol.
    S3,
    /// An existing document API.
    DocumentApi,
}

/// The lock on a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaseTable {
    /// How long a lease holds without renewal, in seconds.
    pub lock_period_seconds: f64,
    /// Attempts before a request becomes Errored.
    pub attempts_max: u32,
    /// Age before a pending request becomes Errored, in seconds.
    pub age_max_seconds: f64,
}

impl Default for LeaseTable {
    fn default() -> Self {
        let rules = LeaseRules::default();
        Self {
            lock_period_seconds: rules.lock_period.as_secs_f64(),
            attempts_max: rules.attempts_max,
            age_max_seconds: rules.age_max.as_secs_f64(),
        }
    }
}

/// What is done now and then, whoever is calling.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HousekeepingTable {
    /// Time between two rounds, in seconds.
    pub every_seconds: f64,
    /// How long after an attempt's end whatever it stored is deleted, in seconds.
    pub abandoned_after_seconds: f64,
    /// How long after its end a request loses its report and moves to the archive, in days.
    pub archive_after_days: f64,
    /// How long the archive remembers a request, in days.
    pub purge_after_days: f64,
}

impl Default for HousekeepingTable {
    fn default() -> Self {
        let rules = HousekeepingRules::default();
        Self {
            every_seconds: rules.interval.as_secs_f64(),
            abandoned_after_seconds: rules.abandoned_after.as_secs_f64(),
            archive_after_days: rules.archive_after.as_secs_f64() / SECONDS_A_DAY,
            purge_after_days: rules.purge_after.as_secs_f64() / SECONDS_A_DAY,
        }
    }
}

/// The services' templates, and whether services serve those that are registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplatesTable {
    /// Largest template, in bytes.
    pub bytes_max: usize,
    /// Time between two questions to one service, in seconds.
    pub check_every_seconds: f64,
    /// Longest time for a service's answer, in seconds.
    pub check_seconds_max: f64,
    /// How long a service may serve what is not registered before it is an alert, in seconds.
    pub alert_after_seconds: f64,
}

impl Default for TemplatesTable {
    fn default() -> Self {
        let rules = TemplateWatchRules::default();
        Self {
            bytes_max: rules.bytes_max,
            check_every_seconds: rules.every.as_secs_f64(),
            check_seconds_max: rules.answer_max.as_secs_f64(),
            alert_after_seconds: rules.alert_after.as_secs_f64(),
        }
    }
}

/// The report.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportTable {
    /// Font files for characters that the built-in fonts lack, such as Chinese; first fit wins.
    pub fallback_fonts: Vec<PathBuf>,
    /// What goes into the package beside the report: `full`, `unprinted` or `off`.
    pub package: PackageContents,
    /// The colour of the bars below titles, such as `#1d70b8`.
    pub accent: Colour,
    /// The colour of titles and headings.
    pub heading_colour: Colour,
    /// The colour of the lines between rows.
    pub rule_colour: Colour,
    /// The image at the top of the covers: a JPEG or PNG file.
    pub logo: Option<PathBuf>,
    /// Whether the data subject's own copy, without the internal pages, is made beside the report.
    pub copy: bool,
    /// Pages of one volume; a report that has more comes in several.
    pub volume_pages_max: Option<u32>,
    /// Megabytes of one volume.
    pub volume_megabytes_max: Option<u32>,
    /// LibreOffice, which converts office documents among the attachments.
    pub office: OfficeTable,
    /// The texts on the covers and at the pages' edges.
    pub wording: Wording,
}

impl Default for ReportTable {
    fn default() -> Self {
        Self {
            fallback_fonts: Vec::new(),
            package: PackageContents::default(),
            accent: Colour::ACCENT,
            heading_colour: Colour::TEXT,
            rule_colour: Colour::RULE,
            logo: None,
            copy: true,
            volume_pages_max: None,
            volume_megabytes_max: None,
            office: OfficeTable::default(),
            wording: Wording::default(),
        }
    }
}

/// LibreOffice, run in a process of its own for each office document among the attachments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfficeTable {
    /// Whether office documents are converted where the program is installed.
    pub enabled: bool,
    /// The program: a name to be looked for, or a path.
    pub program: PathBuf,
    /// How long one document may take, in seconds.
    pub seconds_max: u32,
    /// Memory of one conversion, in MiB of address space.
    pub memory_mib_max: u32,
}

impl Default for OfficeTable {
    fn default() -> Self {
        let office = OfficeConverter::default();
        Self {
            enabled: true,
            program: office.program,
            seconds_max: u32::try_from(office.time_max.as_secs()).unwrap_or(u32::MAX),
            memory_mib_max: u32::try_from(office.memory_bytes_max >> 20).unwrap_or(u32::MAX),
        }
    }
}

/// Measurements, for those who watch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsTable {
    /// Where `GET /metrics` is served; none means nowhere.
    pub listen: Option<SocketAddr>,
}

/// Logging, to standard error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogTable {
    /// `text` for people, `json` for programs.
    pub format: LogFormat,
    /// What to log: a level, or directives such as `info,dossier_worker=debug`.
    pub filter: String,
}

impl Default for LogTable {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".into(),
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

fn hidden<S: serde::Serializer>(
    secret: &Option<Private<String>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "[hidden]").serialize(to)
}

impl DocumentsTable {
    /// Settings of the storage in use that cannot be right, a line each.
    fn contradictions(&self) -> Option<String> {
        match self.kind {
            DocumentsKind::Folder => None,
            DocumentsKind::S3 => {
                let unusable = self.s3.check().err();
                unusable.map(|error| format!("documents.s3.{error}"))
            }
            DocumentsKind::DocumentApi => {
                let unusable = self.document_api.check().err();
                unusable.map(|error| format!("documents.document_api.{error}"))
            }
        }
    }
}

impl Config {
    /// Reads the named file, or `dossier.toml` where it is there, and the process's variables.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, the key and what is wrong with it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                String::new()
            }
            Err(source) => {
                return Err(ConfigError::Unreadable {
                    path: path.into(),
                    source,
                });
            }
        };
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| !NOT_KEYS.contains(&name.as_str()));
        let config = Self::parse(&text, variables.collect()).map_err(|error| {
            let said = "or a DOSSIER_ variable";
            ConfigError::Invalid(format!("{} {said}: {error}", path.display()))
        })?;
        let problems = config.contradictions();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Problems(problems))
        }
    }

    /// Puts a file's text and variables above the defaults.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] names the key.
    pub fn parse(text: &str, variables: HashMap<String, String>) -> Result<Self, ConfigError> {
        let invalid = |error: &dyn std::fmt::Display| ConfigError::Invalid(error.to_string());
        let (lists, texts): (HashMap<_, _>, HashMap<_, _>) = variables
            .into_iter()
            .partition(|(name, _)| list_key(name).is_some());
        // Variables stay the texts that they are, and become numbers only where a key is one: a
        // token of digits is not a number.
        let variables = config::Environment::with_prefix("DOSSIER")
            .prefix_separator("_")
            .separator("__")
            .source(Some(texts));
        let mut sources = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .add_source(variables);
        for (name, list) in lists {
            let items = list
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            let items: Vec<String> = items.map(str::to_owned).collect();
            if let Some(key) = list_key(&name) {
                sources = sources
                    .set_override(key, items)
                    .map_err(|error| invalid(&error))?;
            }
        }
        let merged = sources.build().map_err(|error| invalid(&error))?;
        serde_path_to_error::deserialize(merged).map_err(|error| {
            let path = error.path().to_string();
            match path.as_str() {
                "." => invalid(error.inner()),
                _ => invalid(&format!("{path}: {}", error.inner())),
            }
        })
    }

    /// The logo and the colours of reports.
    ///
    /// # Errors
    /// If the logo's file cannot be used.
    pub fn look(&self) -> Result<Look, dossier_report::ReportError> {
        let name = self.report.wording.organisation.as_deref();
        let logo = self.report.logo.as_deref();
        Ok(Look {
            colours: Colours {
                accent: self.report.accent,
                headings: self.report.heading_colour,
                rules: self.report.rule_colour,
            },
            logo: logo
                .map(|path| Logo::open(path, name.unwrap_or("Logo")))
                .transpose()?,
        })
    }

    /// When a report's next volume begins.
    ///
    /// A document API takes files up to a size, so that volumes are never larger there.
    pub fn volume_limits(&self) -> VolumeLimits {
        let megabytes_max = self.report.volume_megabytes_max.or_else(|| {
            let is_limited = self.documents.kind == DocumentsKind::DocumentApi;
            is_limited.then_some(self.documents.document_api.file_megabytes_max)
        });
        VolumeLimits {
            pages_max: self.report.volume_pages_max,
            bytes_max: megabytes_max.map(|megabytes| u64::from(megabytes) * 1_000_000),
        }
    }

    /// What converts office documents, if anything is to.
    pub fn office_converter(&self) -> Option<OfficeConverter> {
        let office = &self.report.office;
        office.enabled.then(|| OfficeConverter {
            program: office.program.clone(),
            time_max: Duration::from_secs(office.seconds_max.into()),
            memory_bytes_max: u64::from(office.memory_mib_max) << 20,
        })
    }

    /// Values that cannot be right whatever is around them, a line each.
    fn contradictions(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut must = |holds: bool, text: &str| {
            if !holds {
                problems.push(text.to_owned());
            }
        };
        must(
            (1.0..=3600.0).contains(&self.lease.lock_period_seconds),
            "lease.lock_period_seconds must be between 1 and 3600",
        );
        must(
            !self.data_folder.as_os_str().is_empty(),
            "data_folder must name a folder",
        );
        must(
            self.api.token.as_ref().is_none_or(is_usable_token),
            "api.token must have at least one character, and only visible ones of ASCII",
        );
        must(
            self.report.volume_pages_max.is_none_or(|pages| pages >= 10),
            "report.volume_pages_max must be at least 10",
        );
        must(
            self.report
                .volume_megabytes_max
                .is_none_or(|megabytes| megabytes >= 5),
            "report.volume_megabytes_max must be at least 5",
        );
        must(
            self.report.office.seconds_max > 0 && self.report.office.memory_mib_max >= 256,
            "report.office.seconds_max must be at least 1, and memory_mib_max 256",
        );
        must(
            self.lease.attempts_max > 0,
            "lease.attempts_max must be at least 1",
        );
        must(
            (60.0..=31_536_000.0).contains(&self.lease.age_max_seconds),
            "lease.age_max_seconds must be between 60 and 31536000 (a year)",
        );
        must(
            (1.0..=31_536_000.0).contains(&self.api.overdue_after_seconds),
            "api.overdue_after_seconds must be between 1 and 31536000 (a year)",
        );
        must(
            (1024..=64 * 1024 * 1024).contains(&self.api.request_body_bytes_max),
            "api.request_body_bytes_max must be between 1024 and 67108864",
        );
        must(
            (1..=100_000).contains(&self.api.connections_max),
            "api.connections_max must be between 1 and 100000",
        );
        must(
            (1.0..=3600.0).contains(&self.api.connection_idle_seconds_max),
            "api.connection_idle_seconds_max must be between 1 and 3600",
        );
        must(
            jiff::tz::TimeZone::get(&self.time_zone).is_ok(),
            "time_zone must be a name such as Europe/London",
        );
        must(
            self.api_url().is_ok(),
            "api.url must be an http or https URL",
        );
        let housekeeping = &self.housekeeping;
        must(
            (0.1..=86_400.0).contains(&housekeeping.every_seconds),
            "housekeeping.every_seconds must be between 0.1 and 86400 (a day)",
        );
        must(
            (0.0..=31_536_000.0).contains(&housekeeping.abandoned_after_seconds),
            "housekeeping.abandoned_after_seconds must be between 0 and 31536000 (a year)",
        );
        must(
            [
                housekeeping.archive_after_days,
                housekeeping.purge_after_days,
            ]
            .iter()
            .all(|days| (0.0..=HOUSEKEEPING_DAYS_MAX).contains(days)),
            "housekeeping.archive_after_days and purge_after_days must be between 0 and 36525",
        );
        let templates = &self.templates;
        must(
            (1024..=TEMPLATE_BYTES_MAX).contains(&templates.bytes_max),
            "templates.bytes_max must be between 1024 and 2097152",
        );
        must(
            (0.1..=86_400.0).contains(&templates.check_every_seconds),
            "templates.check_every_seconds must be between 0.1 and 86400 (a day)",
        );
        must(
            (0.1..=600.0).contains(&templates.check_seconds_max),
            "templates.check_seconds_max must be between 0.1 and 600",
        );
        must(
            (0.0..=31_536_000.0).contains(&templates.alert_after_seconds),
            "templates.alert_after_seconds must be between 0 and 31536000 (a year)",
        );
        problems.extend(self.documents.contradictions());
        if self.documents.kind == DocumentsKind::DocumentApi
            && self.report.volume_megabytes_max
                > Some(self.documents.document_api.file_megabytes_max)
        {
            let file = "documents.document_api.file_megabytes_max";
            problems.push(format!(
                "report.volume_megabytes_max must be at most {file}"
            ));
        }
        problems.extend(self.store.contradictions());
        if let Err(error) = self.worker.check() {
            problems.push(error.to_string());
        }
        problems.extend(self.reference.sources().err().into_iter().flatten());
        problems
    }

    /// Where the SQLite file is.
    pub fn sqlite_file(&self) -> PathBuf {
        self.or_in_data_folder(&self.store.sqlite_file, "dossier.db")
    }

    /// Where the documents are.
    pub fn documents_folder(&self) -> PathBuf {
        self.or_in_data_folder(&self.documents.folder, "documents")
    }

    /// Where workers keep answers on their way to the report, each in a folder of its own.
    pub fn spool_folder(&self) -> PathBuf {
        self.or_in_data_folder(&self.worker.spool_folder, "spool")
    }

    /// Where the token is kept.
    pub fn token_file(&self) -> PathBuf {
        self.or_in_data_folder(&self.api.token_file, "token")
    }

    fn or_in_data_folder(&self, path: &Option<PathBuf>, name: &str) -> PathBuf {
        path.clone().unwrap_or_else(|| self.data_folder.join(name))
    }

    /// Where workers and the command line find the API.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if `api.url` is not an HTTP URL.
    pub fn api_url(&self) -> Result<Url, ConfigError> {
        match &self.api.url {
            Some(url) if matches!(url.scheme(), "http" | "https") => Ok(url.clone()),
            Some(_) => Err(ConfigError::Invalid(
                "api.url must be an http or https URL".into(),
            )),
            None => Self::url_of(self.api.listen),
        }
    }

    /// Where an API that listens at `address` is reached from this machine.
    ///
    /// # Errors
    /// Never for an address that a listener has.
    pub fn url_of(address: SocketAddr) -> Result<Url, ConfigError> {
        Url::parse(&format!("http://{}", reachable(address)))
            .map_err(|error| ConfigError::Invalid(format!("api.listen: {error}")))
    }

    /// The organisation's time zone.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if the name is not in the time zone database.
    pub fn time_zone(&self) -> Result<jiff::tz::TimeZone, ConfigError> {
        jiff::tz::TimeZone::get(&self.time_zone).map_err(|_| {
            ConfigError::Invalid("time_zone must be a name such as Europe/London".into())
        })
    }

    /// How the API behaves.
    ///
    /// # Errors
    /// See [`Config::time_zone`].
    pub fn api_config(&self) -> Result<dossier_api::ApiConfig, ConfigError> {
        Ok(dossier_api::ApiConfig {
            lease_rules: self.lease_rules(),
            overdue_after: Duration::from_secs_f64(self.api.overdue_after_seconds),
            time_zone: self.time_zone()?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            limits: Limits {
                body_bytes_max: self.api.request_body_bytes_max,
                template_bytes_max: self.templates.bytes_max,
                connections_max: self.api.connections_max,
                idle_max: Duration::from_secs_f64(self.api.connection_idle_seconds_max),
                ..Limits::default()
            },
            ..dossier_api::ApiConfig::default()
        })
    }

    /// What is done now and then.
    pub fn housekeeping_rules(&self) -> HousekeepingRules {
        let days = |days: f64| Duration::from_secs_f64(days * SECONDS_A_DAY);
        HousekeepingRules {
            interval: Duration::from_secs_f64(self.housekeeping.every_seconds),
            abandoned_after: Duration::from_secs_f64(self.housekeeping.abandoned_after_seconds),
            archive_after: days(self.housekeeping.archive_after_days),
            purge_after: days(self.housekeeping.purge_after_days),
            ..HousekeepingRules::default()
        }
    }

    /// When services are asked for their templates, and when somebody is told.
    pub fn template_watch_rules(&self) -> TemplateWatchRules {
        let templates = &self.templates;
        TemplateWatchRules {
            every: Duration::from_secs_f64(templates.check_every_seconds),
            alert_after: Duration::from_secs_f64(templates.alert_after_seconds),
            answer_max: Duration::from_secs_f64(templates.check_seconds_max),
            bytes_max: templates.bytes_max,
        }
    }

    /// The lease's rules.
    pub fn lease_rules(&self) -> LeaseRules {
        LeaseRules {
            lock_period: Duration::from_secs_f64(self.lease.lock_period_seconds),
            attempts_max: self.lease.attempts_max,
            age_max: Duration::from_secs_f64(self.lease.age_max_seconds),
        }
    }
}

/// An address that listens everywhere is reached on this machine's loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let mut address = listen;
    if listen.ip().is_unspecified() {
        address.set_ip(match listen {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

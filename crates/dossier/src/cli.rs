//! What can be typed: commands, their arguments, and the words of `--help`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use dossier_core::Private;
use dossier_core::request::Priority;
use dossier_core::service::Category;
use jiff::civil::Date;
use uuid::Uuid;

/// Dossier fulfils subject access requests: it collects what services hold about a person and
/// makes one accessible report of it, exactly once.
#[derive(Debug, Parser)]
#[command(name = "dossier", version, propagate_version = true, after_long_help = crate::exit::HELP)]
pub struct Cli {
    /// Read the configuration from this file [default: dossier.toml, if it is there].
    #[arg(long, global = true, env = "DOSSIER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: API, one worker, a SQLite file, a folder of documents.
    Up,
    /// Run the API alone.
    Api,
    /// Run a worker alone; it finds the API at `api.url`.
    Worker,
    /// Say whether the process whose metrics are served at `metrics.listen` is live.
    Health,
    /// Bring the database's schema up to date; safe while other processes run.
    Migrate {
        /// Only say which schema it has: exit code 0 if this version can work with it, 9 if it is
        /// older, 10 if it is too new.
        #[arg(long)]
        check: bool,
    },
    /// Make a report from built-in sample services and print where it is.
    Demo(Demo),
    /// Make, watch and manage requests.
    #[command(subcommand)]
    Request(RequestCommand),
    /// Manage the catalogue of services.
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Check templates, register versions of them, and look at those.
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Render a service's answer with its template, without a server.
    Render(Render),
    /// Manage the names of prisons, users and locations behind codes.
    #[command(subcommand)]
    Reference(ReferenceCommand),
    /// Look into the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Measure this machine; prints what was measured.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the man pages, one a command, into a folder.
    Man {
        /// Where to; it is made if it is not there.
        folder: PathBuf,
    },
}

/// How the demo runs.
#[derive(Args, Debug)]
pub struct Demo {
    /// Where to put the report.
    #[arg(long, short, default_value = "dossier-demo.pdf", value_name = "FILE")]
    pub output: PathBuf,
    /// Go on running until Ctrl-C, so that the API's page and the commands can be tried.
    #[arg(long)]
    pub keep_running: bool,
}

/// Commands on requests.
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// Make a request and print its identifier.
    Create(Create),
    /// List requests, newest first.
    List(List),
    /// Show one request with its sections.
    Show {
        /// The request's identifier.
        id: Uuid,
    },
    /// Follow a request, with a bar a section, until it is finished.
    Watch(Watch),
    /// Download a finished report, the subject's copy of it, or the package.
    Download(Download),
    /// Give an errored request another life.
    Restart {
        /// The request's identifier.
        id: Uuid,
    },
    /// Give a pending request up.
    Cancel {
        /// The request's identifier.
        id: Uuid,
        /// Why; shown with the request. No personal data, please.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// What a new request asks for.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("identifier").args(["nomis_id", "ndelius_id"]).required(true)))]
pub struct Create {
    /// The controller's case reference.
    #[arg(long, value_name = "REFERENCE")]
    pub case: String,
    /// Prison number, such as A1234AA.
    #[arg(long, value_name = "ID")]
    pub nomis_id: Option<String>,
    /// Probation case reference, such as X123456.
    #[arg(long, value_name = "ID")]
    pub ndelius_id: Option<String>,
    /// The subject's name as the report is to print it [default: looked up].
    #[arg(long)]
    pub name: Option<String>,
    /// A service to collect from; may be repeated [default: all that are enabled].
    #[arg(long = "service", value_name = "NAME")]
    pub services: Vec<String>,
    /// First day of the data asked for [default: the start of record].
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Last day of the data asked for [default: today].
    #[arg(long, value_name = "DATE")]
    pub to: Option<Date>,
    /// Whether it goes before others that came in at about the same time [default: normal].
    #[arg(long, value_enum)]
    pub priority: Option<PriorityOption>,
    /// Makes a repeat of this call answer the first result.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Follow the request until it is finished.
    #[arg(long)]
    pub watch: bool,
}

/// Whether a request goes before others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PriorityOption {
    /// Before those that came in up to four hours earlier.
    High,
    /// In the order of coming in.
    Normal,
    /// Behind those that come in up to four hours later.
    Low,
}

impl From<PriorityOption> for Priority {
    fn from(option: PriorityOption) -> Self {
        match option {
            PriorityOption::High => Self::High,
            PriorityOption::Normal => Self::Normal,
            PriorityOption::Low => Self::Low,
        }
    }
}

/// Which requests to list.
#[derive(Args, Debug)]
pub struct List {
    /// Only those that stand here; may be repeated.
    #[arg(long, value_enum)]
    pub status: Vec<StatusFilter>,
    /// Only those whose case reference or identifier holds this text.
    #[arg(long)]
    pub search: Option<String>,
    /// Which page, from 0.
    #[arg(long, default_value_t = 0)]
    pub page: u32,
    /// Requests a page.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
}

/// Where requests can stand in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFilter {
    /// Pending and not overdue.
    Pending,
    /// Pending for longer than the threshold.
    Overdue,
    /// Completed.
    Completed,
    /// Errored.
    Errored,
}

/// How to watch.
#[derive(Args, Debug)]
pub struct Watch {
    /// The request's identifier.
    pub id: Uuid,
    /// Seconds between looks.
    #[arg(long, default_value_t = 0.5, value_name = "SECONDS")]
    pub every: f64,
    /// Stop after so many seconds, with exit code 8 [default: never].
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<f64>,
}

/// What to download, and where to.
#[derive(Args, Debug)]
pub struct Download {
    /// The request's identifier.
    pub id: Uuid,
    /// The copy that the data subject gets, instead of the report.
    #[arg(long, conflicts_with = "package")]
    pub copy: bool,
    /// The package: what the services answered, as a zip file, instead of the report.
    #[arg(long)]
    pub package: bool,
    /// Which volume, where there are several.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub volume: u32,
    /// Everything that the request has.
    #[arg(long, conflicts_with_all = ["copy", "package", "volume"])]
    pub all: bool,
    /// Where to put it [default: `report-ID.pdf`, `report-ID-volume-2.pdf`, `report-ID-copy.pdf`,
    /// `report-ID-package.zip`]. With --all a folder [default: the current one].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Commands on services.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Add a service to the catalogue.
    Add(AddService),
    /// Change a service of the catalogue: what is given, and nothing else.
    Change {
        /// The service's name, which stays.
        name: String,
        /// What is to be different.
        #[command(flatten)]
        changes: ServiceChanges,
    },
    /// List the catalogue.
    List,
    /// Let requests wait for a service that is in trouble.
    Suspend {
        /// The service's name.
        name: String,
    },
    /// Let requests collect from a suspended service again.
    Resume {
        /// The service's name.
        name: String,
    },
    /// The JSON Schema of a service's answers, whose titles its section is printed with where it
    /// has no template.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Test whether a running service keeps the contract; needs no running Dossier.
    Test(Box<TestService>),
}

/// Commands on a service's JSON Schema.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Give a service a schema, in place of the one that it may have.
    Set {
        /// The service's name.
        service: String,
        /// The file with the schema of the answer's `content`.
        file: PathBuf,
    },
    /// Print a service's schema, byte for byte.
    Show {
        /// The service's name.
        service: String,
    },
    /// Let a service have no schema.
    Remove {
        /// The service's name.
        service: String,
    },
}

/// Which service to test, and how.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("subject").args(["prn", "crn"]).required(true).multiple(true)))]
pub struct TestService {
    /// Base URL; the contract's paths are appended to it.
    pub url: String,
    /// Prison number of a subject of whom the service holds data, such as A1234AA.
    #[arg(long, value_name = "ID")]
    pub prn: Option<String>,
    /// Probation case reference of such a subject, such as X123456. With --prn too, that one is
    /// asked for everything, and this one once.
    #[arg(long, value_name = "ID")]
    pub crn: Option<String>,
    /// First day of the data asked for [default: the start of record].
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Last day of the data asked for [default: today].
    #[arg(long, value_name = "DATE")]
    pub to: Option<Date>,
    /// A prison number that nobody has.
    #[arg(long, value_name = "ID", default_value = "Z9999ZZ")]
    pub unknown_prn: String,
    /// A probation case reference that nobody has; only used without --prn.
    #[arg(long, value_name = "ID", default_value = "Z999999")]
    pub unknown_crn: String,
    /// A host from which attachments may be fetched, besides those of `worker.attachment_hosts`; may
    /// be repeated.
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// A file with the bearer token for the service [default: the variable DOSSIER_SERVICE_TOKEN, or
    /// else `worker.upstream_auth`].
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Warn if the whole answer takes longer.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub slow: Duration,
    /// Give a call up after so many seconds [default: as workers do].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Let a warning count as a failure.
    #[arg(long)]
    pub strict: bool,
    /// Write the result into this file, too, as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// A time in seconds, with or without a fraction: more than nothing, at most a day.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|s| *s > 0.0 && *s <= 86_400.0);
    seconds
        .map(Duration::from_secs_f64)
        .ok_or("it must be a number of seconds, more than 0 and at most 86400")
}

/// A new service.
#[derive(Args, Debug)]
pub struct AddService {
    /// Unique: letters, digits, dots, underscores, hyphens.
    pub name: String,
    /// What people call it; its section's title.
    #[arg(long)]
    pub label: String,
    /// Base URL; the contract's paths are appended to it.
    #[arg(long)]
    pub url: String,
    /// Where it belongs.
    #[arg(long, value_enum, default_value = "other", ignore_case = true)]
    pub category: CategoryChoice,
    /// An explicit place in the report, smallest first.
    #[arg(long)]
    pub rank: Option<u32>,
    /// It serves its own template for its section.
    #[arg(long)]
    pub template: bool,
    /// Add it without letting new requests name it.
    #[arg(long)]
    pub disabled: bool,
}

/// What is to be different about a service.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub struct ServiceChanges {
    /// What people call it; its section's title.
    #[arg(long)]
    pub label: Option<String>,
    /// Base URL; the contract's paths are appended to it.
    #[arg(long)]
    pub url: Option<String>,
    /// Where it belongs.
    #[arg(long, value_enum, ignore_case = true)]
    pub category: Option<CategoryChoice>,
    /// An explicit place in the report, smallest first.
    #[arg(long)]
    pub rank: Option<u32>,
    /// It has no explicit place in the report.
    #[arg(long, conflicts_with = "rank")]
    pub no_rank: bool,
    /// It serves its own template for its section.
    #[arg(long)]
    pub template: bool,
    /// It serves no template: its section is printed as any answer is.
    #[arg(long, conflicts_with = "template")]
    pub no_template: bool,
    /// Let new requests name it.
    #[arg(long)]
    pub enabled: bool,
    /// Let no new request name it; those that do go on.
    #[arg(long, conflicts_with = "enabled")]
    pub disabled: bool,
}

/// Commands on reference data.
#[derive(Debug, Subcommand)]
pub enum ReferenceCommand {
    /// Replace the imported names of a kind, or of all kinds that a file has.
    ///
    /// With KIND the file is a JSON object of names by code, a JSON list of {code, name}, or CSV
    /// whose first row names the columns code and name. Without KIND it is a file for previews: a
    /// JSON object with such an object for each kind; its `*` entries, which answer for all codes,
    /// are left out.
    #[command(override_usage = "dossier reference import [OPTIONS] [KIND] <FILE>")]
    Import {
        /// What the names are of: prisons, users, locationsByDpsId or locationsByNomisId.
        #[arg(value_name = "KIND")]
        kind_or_file: OsString,
        /// The file.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List the sources of names, and how they are.
    List,
    /// Look codes up, as workers do.
    Lookup {
        /// What the codes stand for.
        #[arg(value_enum, ignore_case = true)]
        kind: KindChoice,
        /// The codes.
        #[arg(required = true)]
        codes: Vec<String>,
    },
    /// Make a source due now.
    Refresh {
        /// The source's name in the configuration.
        source: String,
    },
    /// Remove the imported names of a kind, or those that a source gave.
    Remove {
        /// What the names are of.
        #[arg(value_enum, ignore_case = true)]
        kind: KindChoice,
        /// The source's name.
        #[arg(long, default_value = dossier_core::reference::ReferenceSource::IMPORT)]
        source: String,
    },
}

/// What codes stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindChoice {
    /// Prisons, by identifier.
    #[value(name = "prisons")]
    Prisons,
    /// Users' last names, by user name.
    #[value(name = "users")]
    Users,
    /// Locations, by identifier in DPS.
    #[value(name = "locationsByDpsId", alias = "locations-by-dps-id")]
    LocationsByDpsId,
    /// Locations, by number in NOMIS.
    #[value(name = "locationsByNomisId", alias = "locations-by-nomis-id")]
    LocationsByNomisId,
}

/// Where a service belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CategoryChoice {
    /// A prison service.
    Prison,
    /// A probation service.
    Probation,
    /// Any other.
    Other,
}

impl From<CategoryChoice> for Category {
    fn from(choice: CategoryChoice) -> Self {
        match choice {
            CategoryChoice::Prison => Self::Prison,
            CategoryChoice::Probation => Self::Probation,
            CategoryChoice::Other => Self::Other,
        }
    }
}

/// Commands on templates.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// List what is wrong or odd about a template, a line each: place, warning or error, text.
    Check(CheckTemplate),
    /// Register a version of a service's template, before the service serves it.
    Register {
        /// The service's name.
        service: String,
        /// The file with the template, byte for byte as the service is to serve it.
        file: PathBuf,
    },
    /// List the versions of a service's template, newest first.
    List {
        /// The service's name.
        service: String,
    },
    /// Print a version's text, byte for byte.
    Show {
        /// The service's name.
        service: String,
        /// The version's number, such as 3 or v3.
        #[arg(value_name = "VERSION", value_parser = version_number)]
        number: u32,
    },
    /// Show whether the services serve what is registered.
    Health,
}

/// Which template, and with what.
#[derive(Args, Debug)]
pub struct CheckTemplate {
    /// The template.
    pub file: PathBuf,
    /// An answer of the service, `{"content": …}`: what the template lacks in it and leaves out of
    /// it is listed too.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Fail for warnings as for errors.
    #[arg(long)]
    pub strict: bool,
}

/// What to render, and where to.
#[derive(Args, Debug)]
pub struct Render {
    /// The template [default: none; the answer is shown as it stands].
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// A JSON Schema of the answer's content, whose titles are printed where there is no template.
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    pub schema: Option<PathBuf>,
    /// The service's answer, `{"content": …}`.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Names to show for codes, as JSON [default: codes are shown].
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// A folder with the files that the answer names: its attachments by their file names, images
    /// within the text by the last part of their URLs.
    #[arg(long, value_name = "FOLDER")]
    pub attachments: Option<PathBuf>,
    /// The service's label, the section's title [default: the name of the template's or answer's
    /// file].
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Where to put it: a file that ends in .html or .pdf, or `-` for HTML to standard output.
    #[arg(
        long,
        short,
        value_name = "FILE",
        required_unless_present = "watch",
        conflicts_with = "watch"
    )]
    pub output: Option<PathBuf>,
    /// Serve a page on this machine that shows HTML and PDF side by side, with what is wrong, and
    /// is made anew whenever a file changes.
    #[arg(long)]
    pub watch: bool,
    /// Where that page is served: an address of this machine.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8090",
        requires = "watch"
    )]
    pub listen: std::net::SocketAddr,
}

fn version_number(text: &str) -> Result<u32, String> {
    let number = text.strip_prefix('v').unwrap_or(text).parse().ok();
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| "a version is a number from 1, such as 3 or v3".to_owned())
}

/// Commands on the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration and everything that it points at, and list what is wrong.
    Check,
    /// Print the configuration in force, with secrets hidden.
    Show,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// From claim to complete with many slow services, side by side against one after the other.
    Collect(BenchCollect),
    /// Peak memory of a worker while it fetches one huge answer, or one huge attachment.
    Fetch(BenchFetch),
    /// Two workers on one database: every request completed once, no document twice.
    Workers(BenchWorkers),
    /// Memory and processor time of an idle `dossier up`.
    Idle(BenchIdle),
    /// Pages a second, peak memory and bytes a page of reports, small to huge, next to other makers.
    Report(BenchReport),
    /// What growth costs: requests a second and how long calls take, with few and with many finished
    /// requests in the table, next to other queues.
    Queue(BenchQueue),
    /// Time and memory of a large template with a large answer.
    Template(BenchTemplate),
    /// Make one report: what `bench report` starts, a process a measurement.
    #[command(hide = true)]
    WriteReport(WriteReport),
}

/// Many slow services.
#[derive(Args, Debug)]
pub struct BenchCollect {
    /// How many services.
    #[arg(long, default_value_t = 27)]
    pub services: u32,
    /// How long each takes to answer, in milliseconds.
    #[arg(long, default_value_t = 500)]
    pub answer_ms: u64,
    /// How many requests to time.
    #[arg(long, default_value_t = 9)]
    pub runs: u32,
    /// Fail if the median takes longer, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub median_max_seconds: Option<f64>,
}

/// One huge answer.
#[derive(Args, Debug)]
pub struct BenchFetch {
    /// Size of the answer in megabytes (1,000,000 bytes).
    #[arg(long, default_value_t = 500)]
    pub megabytes: u64,
    /// Fail if the peak rises by more, in MiB.
    #[arg(long, value_name = "MIB")]
    pub rise_max_mib: Option<f64>,
    /// A small answer with one attachment of that size instead, up to the completed request.
    #[arg(long)]
    pub attachment: bool,
}

/// Two workers, many requests.
#[derive(Args, Debug)]
pub struct BenchWorkers {
    /// How many requests.
    #[arg(long, default_value_t = 500)]
    pub requests: u32,
    /// How many workers.
    #[arg(long, default_value_t = 2)]
    pub workers: u32,
}

/// An idle process.
#[derive(Args, Debug)]
pub struct BenchIdle {
    /// How long to look, in seconds.
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    /// Fail if it takes more memory, in megabytes (1,000,000 bytes).
    #[arg(long, value_name = "MEGABYTES")]
    pub memory_max_mb: Option<f64>,
    /// Fail if it takes more of a core, in percent.
    #[arg(long, value_name = "PERCENT")]
    pub core_max_percent: Option<f64>,
}

/// Reports of several sizes, each in a process of its own. Temporary files take about as much room
/// as the largest report and its input; `TMPDIR` says where.
#[derive(Args, Debug)]
pub struct BenchReport {
    /// About how many pages, a report each.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "10,100,1000,10000,100000",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000)
    )]
    pub pages: Vec<u64>,
    /// A folder of other makers' scripts, such as `benches/peers`, to measure with the same
    /// content; or `none`.
    #[arg(long, default_value = "none", value_name = "FOLDER")]
    pub peers: PathBuf,
    /// The peers are not asked for larger reports than this.
    #[arg(long, default_value_t = 2_000, value_name = "PAGES")]
    pub peer_pages_max: u64,
    /// How many times each is made; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// A run is stopped after so many seconds, and no further one begins when those of one maker
    /// and size took so long together.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub time_limit: u64,
    /// Draw the measurements into this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Fail if a report of Dossier's takes more memory to make, in megabytes (1,000,000 bytes).
    #[arg(long, value_name = "MEGABYTES")]
    pub memory_max_mb: Option<f64>,
    /// Fail if a report of Dossier's has more bytes for each of its pages.
    #[arg(long, value_name = "BYTES")]
    pub bytes_per_page_max: Option<f64>,
    /// Fail if a page of a larger report of Dossier's takes more than so many times the time or the
    /// bytes that a page of the smallest takes, or the larger report so many times its memory.
    #[arg(long, value_name = "RATIO")]
    pub growth_max: Option<f64>,
    /// Fail unless Dossier makes at least so many times the pages a second that Typst makes of the
    /// largest content that both were measured with.
    #[arg(long, value_name = "RATIO")]
    pub typst_ratio_min: Option<f64>,
}

/// A large template and a large answer.
#[derive(Args, Debug)]
pub struct BenchTemplate {
    /// Size of the answer in megabytes (1,000,000 bytes).
    #[arg(long, default_value_t = 5)]
    pub megabytes: u64,
    /// Lines of the template.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(10..=50_000))]
    pub lines: u32,
    /// How many times it is rendered; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Fail if the median takes longer, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub median_max_seconds: Option<f64>,
}

/// One report of one answer.
#[derive(Args, Debug)]
pub struct WriteReport {
    /// The answer, as a service gives it.
    pub body: PathBuf,
    /// Where to put the report.
    pub output: PathBuf,
}

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum BenchDatabase {
    /// A server.
    Postgres,
    /// A file.
    Sqlite,
}

impl BenchDatabase {
    /// All.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Sqlite];

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

/// Requests in databases of several sizes, made for this and removed afterwards. A million requests
/// take about 1.5 GB in each; `TMPDIR` says where, of a server that is named the server.
#[derive(Args, Debug)]
pub struct BenchQueue {
    /// In which databases.
    #[arg(long, value_delimiter = ',', default_value = "postgres,sqlite")]
    pub databases: Vec<BenchDatabase>,
    /// A PostgreSQL server to use instead of starting one, as a URL of a user who may make databases
    /// in it.
    #[arg(long, value_name = "URL", value_parser = private)]
    pub database: Option<Private<String>>,
    /// How many finished requests are in the table, a database each.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1000,100000,1000000",
        value_parser = clap::value_parser!(u64).range(10..=10_000_000)
    )]
    pub requests: Vec<u64>,
    /// How many workers claim, renew and complete at a time.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,4,16,64",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub workers: Vec<u32>,
    /// Requests that the workers find.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub jobs: u32,
    /// Workers take nothing more after so many seconds; the same goes for the peers.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// How many times each is measured; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// How many workers wait for something to do while the API's process is looked at; 0 leaves that
    /// out.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub idle_workers: u32,
    /// How long to look at it, in seconds.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub idle_seconds: u64,
    /// A folder of other queues' scripts, such as `benches/peers/queue`, to measure with an equal job
    /// on the same server; or `none`.
    #[arg(long, default_value = "none", value_name = "FOLDER")]
    pub peers: PathBuf,
    /// Jobs of 1 ms that each of the queues does.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub peer_jobs: u32,
    /// Draw the measurements into this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Fail if a claim's median time rises by more from the fewest requests to the most, in percent.
    #[arg(long, value_name = "PERCENT")]
    pub claim_slowdown_max_percent: Option<f64>,
    /// Fail if the median time from POST to claimed is longer, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS")]
    pub pickup_p50_max_ms: Option<f64>,
    /// Fail if the API takes more of a core while workers wait, in percent.
    #[arg(long, value_name = "PERCENT")]
    pub idle_core_max_percent: Option<f64>,
    /// Fail if Dossier does less than this part of the fastest peer's jobs a second.
    #[arg(long, value_name = "RATIO")]
    pub peer_ratio_min: Option<f64>,
    /// Leave out what has no limit: requests a second, lists, whole requests.
    #[arg(long)]
    pub only_limits: bool,
}

/// A value that is not shown.
fn private(text: &str) -> Result<Private<String>, std::convert::Infallible> {
    Ok(text.to_owned().into())
}

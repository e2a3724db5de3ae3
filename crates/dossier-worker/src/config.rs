//! Every setting and every limit of a worker: the `[worker]` table of the configuration.
//!
//! Times are seconds and may have a fraction, sizes are bytes.

use std::path::PathBuf;
use std::time::Duration;

use dossier_core::Private;
use dossier_core::wire::{CLAIM_BATCH_MAX, CLAIM_WAIT_SECONDS_MAX};
use dossier_template::limits::RESPONSE_BYTES_MAX;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::attachment::AllowedHosts;

/// The `[worker]` table. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// What the worker calls itself in a request's history, at most 100 characters. Default: the
    /// word `worker` and a random suffix.
    pub name: Option<String>,
    /// Folder for answers on their way to the report; only the worker's user can read what is in
    /// it. It needs room for all answers of [`requests_at_once`](Self::requests_at_once) requests,
    /// twice for those with attachments, and for their reports and packages. Several workers of one
    /// user may share it: each makes a folder of its own in it.
    /// [`Worker::new`](crate::Worker::new) needs it.
    pub spool_folder: Option<PathBuf>,
    /// A PEM file with certificates of authorities to trust for upstream services, the token
    /// service and the name look-up, beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// The HTTP proxy for upstream services, the token service and the name look-up, an `http` or
    /// `https` URL without a password; this machine is reached without it. Default: none. Proxies
    /// that the environment names are never used.
    pub proxy: Option<Url>,

    /// Requests worked on at the same time: 1 to 100. Default 4.
    pub requests_at_once: u32,
    /// Sections of one request collected at the same time, from 1. Default 30.
    pub sections_at_once: u32,
    /// Calls to one service at the same time, over all requests of this worker, from 1. Default 4.
    pub calls_per_service_at_once: u32,
    /// Calls to all services at the same time, from 1. Default 64.
    pub calls_at_once: u32,

    /// How long one poll waits at the API for a request to come: 0 to 60. Default 20.
    pub poll_wait_seconds: u32,
    /// Pause between polls that found nothing, give or take half of it. Default 0.5.
    pub poll_pause_seconds: f64,
    /// Longest pause between polls while the API cannot be reached. Default 30.
    pub poll_pause_seconds_max: f64,

    /// How late the poll loop may be before the worker no longer counts as live. It announces how
    /// long each of its waits may take; this comes on top, for a busy machine. Default 60.
    pub stall_seconds_max: f64,

    /// Longest time to connect to a service. Default 10.
    pub connect_seconds_max: f64,
    /// Longest time from sending a call to the head of its answer. Default 120.
    pub first_byte_seconds_max: f64,
    /// Longest silence within a body. Default 30.
    pub idle_seconds_max: f64,
    /// Longest time for one whole answer. Default 1800.
    pub answer_seconds_max: f64,
    /// Longest time for one section in one attempt, and for each of its attachments: all tries and
    /// the pauses between them, without the time spent waiting for a free call. Default 3600.
    pub section_seconds_max: f64,
    /// Largest answer of one service. Default 2 GiB.
    pub answer_bytes_max: u64,
    /// Hosts besides a service's own origin from which its attachments may be fetched, without the
    /// token for services: names such as `files.example`. Default: none.
    pub attachment_hosts: Vec<String>,
    /// Most attachments of one section: up to 9,999. Default 1,000.
    pub attachments_max: u32,
    /// Largest attachment. Default 1 GiB.
    pub attachment_bytes_max: u64,
    /// Most bytes of all attachments of one section. Default 4 GiB.
    pub attachments_bytes_max: u64,
    /// Largest answer that is made a section by its service's template; a larger one is shown as it
    /// stands, as if there were none. The worker may take five times as much memory for answers that
    /// are being rendered. Default 64 MiB, at most 512 MiB.
    pub template_answer_bytes_max: u64,
    /// A folder with templates of services that do not serve their own, named after the services:
    /// `NAME.mustache` or `template_NAME.mustache`. Default: none.
    pub legacy_templates_folder: Option<PathBuf>,
    /// Tries a section in one attempt, from 1. Default 4.
    pub tries_max: u32,
    /// Ceiling of the pause after the first try, doubled after every further one; the pause itself
    /// is random below its ceiling. Default 0.5.
    pub try_pause_seconds: f64,
    /// Highest ceiling of that pause. Default 30.
    pub try_pause_seconds_max: f64,
    /// Longest pause that a service may ask for with `Retry-After`; longer ones are cut. Default 60.
    pub retry_after_seconds_max: f64,
    /// Time between two reports of a section's progress. Default 2.
    pub progress_seconds: f64,

    /// Longest time to ask again whether a report was accepted, while the lease holds. Default 300.
    pub complete_seconds_max: f64,
    /// Pause before the attempt after a failed first one, doubled after every further one; up to
    /// half of it is taken off at random. Default 30.
    pub attempt_pause_seconds: f64,
    /// Longest such pause. Default 3600.
    pub attempt_pause_seconds_max: f64,

    /// How long running attempts may go on when the worker is told to stop. Default 25.
    pub shutdown_grace_seconds: f64,
    /// How long it may then take to give their leases back. Default 3.
    pub shutdown_release_seconds_max: f64,

    /// The bearer token for upstream services.
    pub upstream_auth: UpstreamAuth,
    /// Where the data subject's name is looked up.
    pub name_lookup: NameLookup,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            name: None,
            spool_folder: None,
            ca_file: None,
            proxy: None,
            requests_at_once: 4,
            sections_at_once: 30,
            calls_per_service_at_once: 4,
            calls_at_once: 64,
            poll_wait_seconds: 20,
            poll_pause_seconds: 0.5,
            poll_pause_seconds_max: 30.0,
            stall_seconds_max: 60.0,
            connect_seconds_max: 10.0,
            first_byte_seconds_max: 120.0,
            idle_seconds_max: 30.0,
            answer_seconds_max: 1800.0,
            section_seconds_max: 3600.0,
            answer_bytes_max: 2 * 1024 * 1024 * 1024,
            attachment_hosts: Vec::new(),
            attachments_max: 1_000,
            attachment_bytes_max: 1024 * 1024 * 1024,
            attachments_bytes_max: 4 * 1024 * 1024 * 1024,
            template_answer_bytes_max: 64 * 1024 * 1024,
            legacy_templates_folder: None,
            tries_max: 4,
            try_pause_seconds: 0.5,
            try_pause_seconds_max: 30.0,
            retry_after_seconds_max: 60.0,
            progress_seconds: 2.0,
            complete_seconds_max: 300.0,
            attempt_pause_seconds: 30.0,
            attempt_pause_seconds_max: 3600.0,
            shutdown_grace_seconds: 25.0,
            shutdown_release_seconds_max: 3.0,
            upstream_auth: UpstreamAuth::default(),
            name_lookup: NameLookup::default(),
        }
    }
}

/// The bearer token for upstream services. It goes to a service's own origin only.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum UpstreamAuth {
    /// No token.
    #[default]
    None,
    /// The content of a file, read again for every call, so that it can be replaced.
    File {
        /// The file.
        path: PathBuf,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4); the client authenticates with HTTP
    /// Basic (section 2.3.1).
    ClientCredentials {
        /// Where tokens are given out.
        token_url: Url,
        /// The client's name.
        client_id: String,
        /// The client's secret; either this or `client_secret_file`.
        #[serde(default, serialize_with = "hidden")]
        client_secret: Option<Private<String>>,
        /// A file with the client's secret.
        client_secret_file: Option<PathBuf>,
        /// The scope to ask for, if any.
        scope: Option<String>,
    },
}

/// Writes that there is a secret, and not the secret.
fn hidden<S: Serializer>(secret: &Option<Private<String>>, to: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "[hidden]").serialize(to)
}

/// Where the data subject's name is looked up when the requester did not give it. Whatever goes
/// wrong, the report says `Name not found`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NameLookup {
    /// Base URL of a prison API: `GET {url}/api/offenders/{id}` answers `firstName`, `lastName`.
    pub prison_api_url: Option<Url>,
    /// Base URL of a probation API: `GET {url}/probation-case/{id}` answers `name.forename`,
    /// `name.surname`.
    pub probation_api_url: Option<Url>,
    /// Any other API for NOMIS identifiers, instead of `prison_api_url`.
    pub nomis: Option<NameSource>,
    /// Any other API for nDelius identifiers, instead of `probation_api_url`.
    pub ndelius: Option<NameSource>,
    /// Longest time for a look-up. Default 10.
    pub seconds_max: f64,
    /// Largest answer. Default 1 MiB.
    pub answer_bytes_max: u64,
}

impl Default for NameLookup {
    fn default() -> Self {
        Self {
            prison_api_url: None,
            probation_api_url: None,
            nomis: None,
            ndelius: None,
            seconds_max: 10.0,
            answer_bytes_max: 1024 * 1024,
        }
    }
}

/// An API that knows names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameSource {
    /// The URL, in which `{id}` stands for the identifier.
    pub url: String,
    /// Where the forename is in the answer, as a JSON Pointer (RFC 6901) such as `/name/forename`.
    pub forename: Option<String>,
    /// Where the surname is in the answer, as a JSON Pointer.
    pub surname: Option<String>,
    /// Whether the bearer token for upstream services is sent along. Default: it is not.
    #[serde(default)]
    pub send_token: bool,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("worker.{key} {must}")]
pub struct InvalidConfig {
    /// The setting.
    pub key: &'static str,
    /// What it must be.
    pub must: &'static str,
}

/// The limits in the form in which they are used.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub requests_at_once: usize,
    pub sections_at_once: usize,
    pub calls_per_service_at_once: usize,
    pub calls_at_once: usize,
    pub poll_wait_seconds: u32,
    pub poll_pause: Duration,
    pub poll_pause_max: Duration,
    pub stall_max: Duration,
    pub connect_max: Duration,
    pub first_byte_max: Duration,
    pub idle_max: Duration,
    pub answer_max: Duration,
    pub section_max: Duration,
    pub answer_bytes_max: u64,
    pub attachments_max: usize,
    pub attachment_bytes_max: u64,
    pub attachments_bytes_max: u64,
    pub template_answer_bytes_max: u64,
    pub tries_max: u32,
    pub try_pause: Duration,
    pub try_pause_max: Duration,
    pub retry_after_max: Duration,
    pub progress: Duration,
    pub complete_max: Duration,
    pub attempt_pause: Duration,
    pub attempt_pause_max: Duration,
    pub shutdown_grace: Duration,
    pub shutdown_release_max: Duration,
    pub name_max: Duration,
    pub name_bytes_max: u64,
}

impl WorkerConfig {
    /// Whether every setting can be used.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        self.limits()?;
        self.allowed_hosts()?;
        if self
            .name
            .as_ref()
            .is_some_and(|n| n.is_empty() || n.chars().count() > 100)
        {
            return Err(invalid("name", "must have 1 to 100 characters"));
        }
        let is_proxy = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
        };
        if !self.proxy.as_ref().is_none_or(is_proxy) {
            let must = "must be an http or https URL without user name and password";
            return Err(invalid("proxy", must));
        }
        if let UpstreamAuth::ClientCredentials {
            client_secret,
            client_secret_file,
            ..
        } = &self.upstream_auth
            && client_secret.is_some() == client_secret_file.is_some()
        {
            return Err(invalid(
                "upstream_auth",
                "must have exactly one of client_secret and client_secret_file",
            ));
        }
        self.name_lookup.check()
    }

    pub(crate) fn allowed_hosts(&self) -> Result<AllowedHosts, InvalidConfig> {
        AllowedHosts::new(&self.attachment_hosts).ok_or(invalid(
            "attachment_hosts",
            "must be names of hosts such as files.example, without scheme, port or path",
        ))
    }

    pub(crate) fn limits(&self) -> Result<Limits, InvalidConfig> {
        let name = &self.name_lookup;
        if self.poll_wait_seconds > CLAIM_WAIT_SECONDS_MAX {
            return Err(invalid("poll_wait_seconds", "must be 0 to 60"));
        }
        if self.requests_at_once > CLAIM_BATCH_MAX {
            return Err(invalid("requests_at_once", "must be 1 to 100"));
        }
        Ok(Limits {
            requests_at_once: count("requests_at_once", self.requests_at_once)?,
            sections_at_once: count("sections_at_once", self.sections_at_once)?,
            calls_per_service_at_once: count(
                "calls_per_service_at_once",
                self.calls_per_service_at_once,
            )?,
            calls_at_once: count("calls_at_once", self.calls_at_once)?,
            poll_wait_seconds: self.poll_wait_seconds,
            poll_pause: time("poll_pause_seconds", self.poll_pause_seconds)?,
            poll_pause_max: time("poll_pause_seconds_max", self.poll_pause_seconds_max)?,
            stall_max: Some(self.stall_seconds_max)
                .filter(|seconds| *seconds >= 1.0)
                .ok_or(invalid("stall_seconds_max", "must be 1 to 604800 seconds"))
                .and_then(|seconds| time("stall_seconds_max", seconds))?,
            connect_max: time("connect_seconds_max", self.connect_seconds_max)?,
            first_byte_max: time("first_byte_seconds_max", self.first_byte_seconds_max)?,
            idle_max: time("idle_seconds_max", self.idle_seconds_max)?,
            answer_max: time("answer_seconds_max", self.answer_seconds_max)?,
            section_max: time("section_seconds_max", self.section_seconds_max)?,
            answer_bytes_max: self.answer_bytes_max,
            attachments_max: usize::try_from(self.attachments_max)
                .ok()
                .filter(|max| *max <= ATTACHMENTS_MAX)
                .ok_or(invalid("attachments_max", "must be at most 9999"))?,
            attachment_bytes_max: self.attachment_bytes_max,
            attachments_bytes_max: self.attachments_bytes_max,
            template_answer_bytes_max: Some(self.template_answer_bytes_max)
                .filter(|max| *max <= RESPONSE_BYTES_MAX)
                .ok_or(invalid(
                    "template_answer_bytes_max",
                    "must be at most 536870912",
                ))?,
            tries_max: u32::try_from(count("tries_max", self.tries_max)?).unwrap_or(u32::MAX),
            try_pause: time("try_pause_seconds", self.try_pause_seconds)?,
            try_pause_max: time("try_pause_seconds_max", self.try_pause_seconds_max)?,
            retry_after_max: time("retry_after_seconds_max", self.retry_after_seconds_max)?,
            progress: time("progress_seconds", self.progress_seconds)?,
            complete_max: time("complete_seconds_max", self.complete_seconds_max)?,
            attempt_pause: time("attempt_pause_seconds", self.attempt_pause_seconds)?,
            attempt_pause_max: time("attempt_pause_seconds_max", self.attempt_pause_seconds_max)?,
            shutdown_grace: time("shutdown_grace_seconds", self.shutdown_grace_seconds)?,
            shutdown_release_max: time(
                "shutdown_release_seconds_max",
                self.shutdown_release_seconds_max,
            )?,
            name_max: time("name_lookup.seconds_max", name.seconds_max)?,
            name_bytes_max: name.answer_bytes_max,
        })
    }
}

impl Limits {
    /// MiB of memory for answers that are being rendered; there is always enough for one.
    pub fn rendering_mib(&self) -> u32 {
        let bytes = self.template_answer_bytes_max * RENDERING_MEMORY_FACTOR;
        u32::try_from(bytes.div_ceil(1 << 20))
            .unwrap_or(u32::MAX)
            .max(64)
    }
}

impl NameLookup {
    fn check(&self) -> Result<(), InvalidConfig> {
        if self.prison_api_url.is_some() && self.nomis.is_some() {
            return Err(invalid(
                "name_lookup",
                "must not have both prison_api_url and nomis",
            ));
        }
        if self.probation_api_url.is_some() && self.ndelius.is_some() {
            return Err(invalid(
                "name_lookup",
                "must not have both probation_api_url and ndelius",
            ));
        }
        for source in [&self.nomis, &self.ndelius].into_iter().flatten() {
            if !source.url.contains("{id}") || source.url_for("A").is_none() {
                return Err(invalid(
                    "name_lookup",
                    "needs an http or https url with {id} in it",
                ));
            }
            let pointers = [&source.forename, &source.surname];
            if pointers.iter().all(|p| p.is_none())
                || pointers.into_iter().flatten().any(|p| !p.starts_with('/'))
            {
                return Err(invalid(
                    "name_lookup",
                    "needs a JSON Pointer such as /lastName",
                ));
            }
        }
        Ok(())
    }
}

impl NameSource {
    /// The URL for an identifier; its characters that mean something in a URL are escaped.
    pub(crate) fn url_for(&self, id: &str) -> Option<Url> {
        let escaped: String = url::form_urlencoded::byte_serialize(id.as_bytes())
            .collect::<String>()
            .replace('+', "%20");
        let url = Url::parse(&self.url.replace("{id}", &escaped)).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }
}

fn invalid(key: &'static str, must: &'static str) -> InvalidConfig {
    InvalidConfig { key, must }
}

fn count(key: &'static str, value: u32) -> Result<usize, InvalidConfig> {
    usize::try_from(value)
        .ok()
        .filter(|n| (1..=100_000).contains(n))
        .ok_or(invalid(key, "must be at least 1 and at most 100000"))
}

/// Memory that an answer takes while it is rendered, in bytes for each of its own: its bytes, the
/// places of its values, and what is made of them.
pub(crate) const RENDERING_MEMORY_FACTOR: u64 = 5;

/// The most attachments that a section can be allowed: their files are numbered with four digits.
const ATTACHMENTS_MAX: usize = 9_999;

/// A week: longer times are surely mistakes, and shorter ones cannot overflow a clock.
const SECONDS_MAX: f64 = 604_800.0;

fn time(key: &'static str, seconds: f64) -> Result<Duration, InvalidConfig> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|_| seconds <= SECONDS_MAX)
        .ok_or(invalid(key, "must be 0 to 604800 seconds"))
}

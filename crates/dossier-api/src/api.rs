//! What the API is made of, and its limits.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::lease::LeaseRules;
use dossier_core::template::TEMPLATE_BYTES_MAX;
use dossier_documents::DocumentStore;
use dossier_store::Store;
use dossier_template::{Finding, Severity};
use futures::future::BoxFuture;
use http::HeaderValue;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Authenticator;
use crate::health::UpstreamHealth;
use crate::measured_store::MeasuredStore;
use crate::metrics::ApiMetrics;
use crate::reference::fetch::Caller;
use crate::reference::{ReferenceKeeper, ReferenceRules, Source, Sources};

/// Gives the `Authorization` header for calls to services, or says in words without personal data
/// why there is none.
pub type BearerProvider =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Option<HeaderValue>, String>> + Send + Sync>;

/// How the API behaves.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// When a request may be claimed, and when it is given up.
    pub lease_rules: LeaseRules,
    /// Pending for longer than this is overdue: 12 h unless set.
    pub overdue_after: Duration,
    /// Where "today" is decided when a request does not say `dateTo`: Europe/London unless set.
    pub time_zone: TimeZone,
    /// The program's version, as `/info` shows it.
    pub version: String,
    /// What a template must pass to be registered: that it can be used, unless set.
    pub template_validator: TemplateValidator,
    /// The limits on everything else.
    pub limits: Limits,
}

/// Says whether a text can be used as a template, and if not, all reasons and where they are.
pub type TemplateValidator = fn(&str) -> Result<(), Vec<TemplateProblem>>;

/// Why a text cannot be used as a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The line, from 1.
    pub line: u32,
    /// The column in that line, in characters, from 1.
    pub column: u32,
    /// What is wrong there, in words.
    pub detail: String,
}

/// Whether a text is a template that can be used: of the dialect, calling only helpers and partials
/// that there are, and saying something.
fn can_be_used(text: &str) -> Result<(), Vec<TemplateProblem>> {
    let findings = dossier_template::check_source(text, None);
    let errors: Vec<TemplateProblem> = findings
        .into_iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(TemplateProblem::from)
        .collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(errors),
    }
}

impl From<Finding> for TemplateProblem {
    fn from(finding: Finding) -> Self {
        Self {
            line: finding.place.line,
            column: finding.place.column,
            detail: finding.text,
        }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            lease_rules: LeaseRules::default(),
            overdue_after: Duration::from_secs(12 * 3600),
            time_zone: TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            template_validator: can_be_used,
            limits: Limits::default(),
        }
    }
}

/// The API's limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest request body: 1 MiB unless set.
    pub body_bytes_max: usize,
    /// Largest template: 2 MiB unless set.
    pub template_bytes_max: usize,
    /// Longest time for a whole request body to arrive: 30 s unless set.
    pub body_read_max: Duration,
    /// Longest time that a connection may stay open without a request: from when it is made, or from
    /// the answer before, until the next request's head is there: 10 s unless set.
    pub idle_max: Duration,
    /// Most connections at a time, further ones wait: 1,024 unless set.
    pub connections_max: usize,
    /// Longest time for answers to be finished at shutdown: 20 s unless set.
    pub drain_max: Duration,
    /// Longest time for which a waiting claim relies on being woken; then it looks for itself: 5 s
    /// unless set.
    pub claim_look_max: Duration,
    /// Longest time for a service to say that it is well: 2 s unless set.
    pub ping_max: Duration,
    /// Longest time in which whoever asks for the health is answered; a component that takes longer
    /// is down: 700 ms unless set, because those who look often give up after a second.
    pub health_answer_max: Duration,
    /// For how long what the services said of their health is shown again: 30 s unless set.
    pub service_health_kept: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            template_bytes_max: TEMPLATE_BYTES_MAX,
            body_read_max: Duration::from_secs(30),
            idle_max: Duration::from_secs(10),
            connections_max: 1024,
            drain_max: Duration::from_secs(20),
            claim_look_max: Duration::from_secs(5),
            ping_max: Duration::from_secs(2),
            health_answer_max: Duration::from_millis(700),
            service_health_kept: Duration::from_secs(30),
        }
    }
}

/// The API: what its handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) documents: Arc<dyn DocumentStore>,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) config: Arc<ApiConfig>,
    pub(crate) upstream_health: Arc<UpstreamHealth>,
    pub(crate) reference: Arc<Sources>,
    pub(crate) metrics: Arc<ApiMetrics>,
    /// Calls the sources of reference data.
    pub(crate) caller: Caller,
    /// Cancelled when the server shuts down: whoever waits answers at once.
    pub(crate) closing: CancellationToken,
    /// Work that must outlive the request that caused it, and is waited for at shutdown.
    pub(crate) afterwards: TaskTracker,
}

impl Api {
    /// Puts the API together. `http` is used to ask services for their health and sources of
    /// reference data for names; it must not follow redirects, which could lead the token astray.
    pub fn new(
        store: Arc<dyn Store>,
        documents: Arc<dyn DocumentStore>,
        authenticator: Authenticator,
        http: reqwest::Client,
        config: ApiConfig,
    ) -> Self {
        let metrics = Arc::new(ApiMetrics::default());
        let store = Arc::new(MeasuredStore {
            store,
            metrics: Arc::clone(&metrics),
        });
        Self {
            store,
            metrics,
            documents,
            authenticator: Arc::new(authenticator),
            upstream_health: Arc::new(UpstreamHealth::new(http.clone(), &config.limits)),
            reference: Arc::new(Sources::new(Vec::new(), ReferenceRules::default())),
            caller: Caller { http, bearer: None },
            config: Arc::new(config),
            closing: CancellationToken::new(),
            afterwards: TaskTracker::new(),
        }
    }

    /// Calls the sources of reference data that want it with this token.
    #[must_use]
    pub fn with_bearer(mut self, bearer: BearerProvider) -> Self {
        self.caller.bearer = Some(bearer);
        self
    }

    /// Has these sources of reference data. Lists are loaded by the
    /// [`reference_keeper`](Self::reference_keeper).
    #[must_use]
    pub fn with_reference(mut self, sources: Vec<Source>, rules: ReferenceRules) -> Self {
        self.reference = Arc::new(Sources::new(sources, rules));
        self
    }

    /// What loads the lists of reference data, to be run beside the API.
    pub fn reference_keeper(&self) -> ReferenceKeeper {
        let (sources, store) = (Arc::clone(&self.reference), Arc::clone(&self.store));
        ReferenceKeeper::new(sources, store, self.caller.clone())
    }

    /// What is measured of it.
    pub fn metrics(&self) -> &ApiMetrics {
        &self.metrics
    }

    pub(crate) fn lease_rules(&self) -> &LeaseRules {
        &self.config.lease_rules
    }
}

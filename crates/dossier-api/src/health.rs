//! Whether Dossier and the services that it collects from are well.
//!
//! The database and the document store are components: without one of them `/health` is down. What
//! every call needs is the database alone, so without documents the API is ready all the same:
//! requests are taken and leases renewed. A service that is down is shown, and changes nothing:
//! requests wait and are tried again.
//!
//! Whoever asks is answered within [`Limits::health_answer_max`]. Services may take longer to say
//! how they are; what they said before is then shown, and marked as stale.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dossier_core::service::Service;
use dossier_core::template_health::TemplateHealth;
use dossier_core::wire::TemplateHealthView;
use dossier_store::SearchKind;
use futures::StreamExt;
use futures::stream;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;
use url::Url;
use utoipa::ToSchema;

use crate::api::{Api, Limits};

/// Most services that are asked at a time.
const PINGS_AT_A_TIME_MAX: usize = 32;

/// The component that every call needs.
const DATABASE: &str = "database";

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// A service that is being asked for the first time.
    Unknown,
}

impl Status {
    fn of(is_up: bool) -> Self {
        if is_up { Self::Up } else { Self::Down }
    }
}

/// How one thing is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct StatusView {
    status: Status,
}

/// How a service is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ServiceStatusView {
    status: Status,
    /// Whether requests wait for it because somebody suspended it.
    suspended: bool,
    /// When it was asked; answers are shown for some time.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    /// Whether it is being asked again and has not answered yet.
    stale: bool,
    /// How its template is, if it has one and was asked for it.
    template: Option<TemplateHealthView>,
}

/// How everything is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthView {
    /// `UP` if all components are; services do not matter for it.
    status: Status,
    /// `database` and `documents`.
    components: BTreeMap<&'static str, StatusView>,
    /// The enabled services, by name.
    services: BTreeMap<String, ServiceStatusView>,
}

/// Whether the API can take calls, and how the components are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadinessView {
    /// `UP` if the database is.
    status: Status,
    /// `database` and `documents`.
    components: BTreeMap<&'static str, StatusView>,
}

/// What is running.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InfoView {
    build: BuildView,
    search: SearchView,
}

/// Which texts a search for requests finds; it depends on the database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum SearchView {
    /// Those that hold the text anywhere; on PostgreSQL those that begin with it if it has no three
    /// letters or digits in a row.
    Anywhere,
    /// Those that begin with it.
    Beginning,
}

/// A build of the program.
#[derive(Debug, Serialize, ToSchema)]
struct BuildView {
    /// The program's name.
    name: &'static str,
    /// Its version.
    version: String,
}

/// Show how everything is.
///
/// Services are asked at most every 30 seconds. The answer comes within a second: those that have
/// not answered by then are shown as they last were, as `stale`.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operation",
    responses(
        (status = 200, description = "All components are up", body = HealthView),
        (status = 503, description = "A component is down", body = HealthView),
    )
)]
pub(crate) async fn health(State(api): State<Api>) -> Response {
    let (components, mut services, templates) = tokio::join!(
        components(&api),
        api.upstream_health.of(&api),
        templates(&api),
    );
    for template in templates {
        if let Some(service) = services.get_mut(template.service_name.as_str()) {
            service.template = Some(TemplateHealthView::from(&template));
        }
    }
    let status = overall(&components);
    let view = HealthView {
        status,
        components,
        services,
    };
    (status_code(status), Json(view)).into_response()
}

/// Show whether the API can answer calls.
///
/// That is so if the database is up, which every call needs. Documents are shown and change nothing:
/// without them only reports cannot be downloaded or finished.
#[utoipa::path(
    get,
    path = "/health/readiness",
    tag = "operation",
    responses(
        (status = 200, description = "The database is up", body = ReadinessView),
        (status = 503, description = "The database is down", body = ReadinessView),
    )
)]
pub(crate) async fn readiness(State(api): State<Api>) -> Response {
    let components = components(&api).await;
    let status = components[DATABASE].status;
    let view = ReadinessView { status, components };
    (status_code(status), Json(view)).into_response()
}

/// Show whether the process answers at all.
#[utoipa::path(
    get,
    path = "/health/liveness",
    tag = "operation",
    responses((status = 200, description = "It does", body = StatusView))
)]
pub(crate) async fn liveness() -> Json<StatusView> {
    Json(StatusView { status: Status::Up })
}

/// Show what is running.
#[utoipa::path(
    get,
    path = "/info",
    tag = "operation",
    responses((status = 200, description = "The program and its version", body = InfoView))
)]
pub(crate) async fn info(State(api): State<Api>) -> Json<InfoView> {
    Json(InfoView {
        build: BuildView {
            name: "dossier",
            version: api.config.version.clone(),
        },
        search: match api.store.search_kind() {
            SearchKind::Anywhere => SearchView::Anywhere,
            SearchKind::Beginning => SearchView::Beginning,
        },
    })
}

async fn components(api: &Api) -> BTreeMap<&'static str, StatusView> {
    let within = api.config.limits.health_answer_max;
    let (database, documents) = tokio::join!(
        tokio::time::timeout(within, api.store.ping()),
        tokio::time::timeout(within, api.documents.ping()),
    );
    let view = |is_up| StatusView {
        status: Status::of(is_up),
    };
    BTreeMap::from([
        (DATABASE, view(matches!(database, Ok(Ok(()))))),
        ("documents", view(matches!(documents, Ok(Ok(()))))),
    ])
}

/// How the services' templates are, if the database says so in time.
async fn templates(api: &Api) -> Vec<TemplateHealth> {
    let within = api.config.limits.health_answer_max;
    let known = tokio::time::timeout(within, api.store.template_health()).await;
    known.ok().and_then(Result::ok).unwrap_or_default()
}

fn overall(components: &BTreeMap<&'static str, StatusView>) -> Status {
    Status::of(components.values().all(|view| view.status == Status::Up))
}

fn status_code(status: Status) -> StatusCode {
    match status {
        Status::Up => StatusCode::OK,
        Status::Down | Status::Unknown => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Asks services for their health, and remembers what they said.
pub(crate) struct UpstreamHealth {
    http: reqwest::Client,
    ping_max: Duration,
    answer_max: Duration,
    kept: Duration,
    /// Held while services are asked; when that was last done.
    round: Arc<tokio::sync::Mutex<Option<Instant>>>,
    latest: Mutex<BTreeMap<String, ServiceStatusView>>,
}

impl UpstreamHealth {
    pub(crate) fn new(http: reqwest::Client, limits: &Limits) -> Self {
        Self {
            http,
            ping_max: limits.ping_max,
            answer_max: limits.health_answer_max,
            kept: limits.service_health_kept,
            round: Arc::default(),
            latest: Mutex::default(),
        }
    }

    /// What the services said lately, or what of that is known in time.
    async fn of(self: &Arc<Self>, api: &Api) -> BTreeMap<String, ServiceStatusView> {
        // Not being in time is no matter: what is known is shown.
        let _ = tokio::time::timeout(self.answer_max, self.refreshed(api)).await;
        self.latest().clone()
    }

    /// Returns when the services have been asked lately. Callers that come while they are asked
    /// wait for that instead of asking again.
    async fn refreshed(self: &Arc<Self>, api: &Api) {
        let mut asked_at = Arc::clone(&self.round).lock_owned().await;
        if asked_at.is_some_and(|at| at.elapsed() < self.kept) {
            return;
        }
        let (health, store) = (Arc::clone(self), Arc::clone(&api.store));
        let round = tokio::spawn(async move {
            // Without the catalogue nobody can be asked; the next caller tries again.
            if let Ok(services) = store.services().await {
                health.ask_all(services).await;
                *asked_at = Some(Instant::now());
            }
        });
        // It goes on when the caller no longer waits.
        let _ = round.await;
    }

    async fn ask_all(&self, services: Vec<Service>) {
        let enabled: Vec<Service> = services
            .into_iter()
            .filter(|service| service.details.enabled)
            .collect();
        self.expect(&enabled);
        stream::iter(enabled)
            .for_each_concurrent(PINGS_AT_A_TIME_MAX, |service| self.ask(service))
            .await;
    }

    /// Marks what is known as stale, and forgets services that are no longer in the catalogue.
    fn expect(&self, services: &[Service]) {
        let mut latest = self.latest();
        let mut before = std::mem::take(&mut *latest);
        for service in services {
            let name = service.details.name.to_string();
            let known = before.remove(&name);
            let view = ServiceStatusView {
                status: known.as_ref().map_or(Status::Unknown, |view| view.status),
                suspended: service.suspended_at.is_some(),
                checked_at: known.and_then(|view| view.checked_at),
                stale: true,
                template: None,
            };
            latest.insert(name, view);
        }
    }

    async fn ask(&self, service: Service) {
        let answers = self.answers(&service.details.url);
        let is_up = tokio::time::timeout(self.ping_max, answers).await;
        let view = ServiceStatusView {
            status: Status::of(is_up.unwrap_or(false)),
            suspended: service.suspended_at.is_some(),
            checked_at: Some(Timestamp::now()),
            stale: false,
            template: None,
        };
        self.latest().insert(service.details.name.to_string(), view);
    }

    fn latest(&self) -> MutexGuard<'_, BTreeMap<String, ServiceStatusView>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answers(&self, base: &Url) -> bool {
        let base = base.as_str().trim_end_matches('/');
        self.is_well(&format!("{base}/health/ping")).await
            || self.is_well(&format!("{base}/health")).await
    }

    async fn is_well(&self, url: &str) -> bool {
        let answer = self.http.get(url).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

//! What can be measured of an API process (`docs/metrics.md`), and the page that shows it.
//!
//! No label holds what a caller can choose: routes are templates, methods those of HTTP, calls those
//! of the store. Numbers of the queue are read from the database when somebody asks, but not more
//! often than every few seconds, whoever asks.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dossier_core::lease::{Claim, LeaseRefusal};
use dossier_store::{Connections, QueueDepth, RequestCounts, RequestFilter, StoreError};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::server::serve_router;

/// The media type of the page: OpenMetrics, <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// For how long what was read of the queue is shown again.
const QUEUE_KEPT: Duration = Duration::from_secs(5);

/// How long the page waits for the database's numbers: whoever reads it does not wait for ever.
const QUEUE_ANSWER_MAX: Duration = Duration::from_secs(2);

/// Upper bounds of durations in seconds: from a statement to a long poll.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

/// What is measured of an API process.
#[derive(Debug)]
pub struct ApiMetrics {
    answers: Family<Answered, Counter>,
    answer_duration: Family<Route, Histogram, fn() -> Histogram>,
    store_duration: Family<Call, Histogram, fn() -> Histogram>,
    store_errors: Counter,
    claims: Counter,
    renewals: Counter,
    completions: Counter,
    lost: Counter,
    queue: Arc<Queue>,
}

fn durations() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for ApiMetrics {
    fn default() -> Self {
        Self {
            answers: Family::default(),
            answer_duration: Family::new_with_constructor(durations),
            store_duration: Family::new_with_constructor(durations),
            store_errors: Counter::default(),
            claims: Counter::default(),
            renewals: Counter::default(),
            completions: Counter::default(),
            lost: Counter::default(),
            queue: Arc::default(),
        }
    }
}

impl ApiMetrics {
    /// Has the registry show them. Their names begin with its prefix.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Answered HTTP requests",
            self.answers.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time to the head of an answer; claims wait for work",
            Unit::Seconds,
            self.answer_duration.clone(),
        );
        registry.register_with_unit(
            "store_call_duration",
            "Time of a call to the database",
            Unit::Seconds,
            self.store_duration.clone(),
        );
        registry.register(
            "store_errors",
            "Calls that the database failed, or answered with what nobody wrote",
            self.store_errors.clone(),
        );
        registry.register("claims", "Requests claimed", self.claims.clone());
        registry.register("lease_renewals", "Leases renewed", self.renewals.clone());
        registry.register(
            "completions",
            "Requests completed, repeats included",
            self.completions.clone(),
        );
        registry.register(
            "leases_lost",
            "Writes refused because their lease was lost",
            self.lost.clone(),
        );
        registry.register(
            "queue_refresh_failures",
            "Times that the database did not say in time how its queue is",
            self.queue.failures.clone(),
        );
        registry.register_collector(Box::new(Shown(Arc::clone(&self.queue))));
    }

    pub(crate) fn answered(
        &self,
        route: &str,
        method: &Method,
        status: StatusCode,
        duration: Duration,
    ) {
        let (route, method) = (route.to_owned(), method_of(method).to_owned());
        let of = Route {
            route: route.clone(),
            method: method.clone(),
        };
        let seconds = duration.as_secs_f64();
        self.answer_duration.get_or_create(&of).observe(seconds);
        let answered = Answered {
            route,
            method,
            status: status.as_u16(),
        };
        self.answers.get_or_create(&answered).inc();
    }

    pub(crate) fn called(
        &self,
        call: &'static str,
        duration: Duration,
        error: Option<&StoreError>,
    ) {
        let of = Call { call };
        let seconds = duration.as_secs_f64();
        self.store_duration.get_or_create(&of).observe(seconds);
        match error {
            Some(StoreError::Unavailable(_) | StoreError::Corrupt(_)) => {
                self.store_errors.inc();
            }
            Some(StoreError::Lease(LeaseRefusal::Lost)) => {
                self.lost.inc();
            }
            _ => {}
        }
    }

    pub(crate) fn claimed_one(&self, _: &Claim) {
        self.claims.inc();
    }

    pub(crate) fn claimed(&self, claims: &[Claim]) {
        self.claims.inc_by(claims.len() as u64);
    }

    pub(crate) fn renewed(&self, outcomes: &[Result<Timestamp, LeaseRefusal>]) {
        for outcome in outcomes {
            match outcome {
                Ok(_) => self.renewals.inc(),
                Err(LeaseRefusal::Lost) => self.lost.inc(),
                Err(_) => continue,
            };
        }
    }

    pub(crate) fn completed(&self, outcomes: &[Result<(), StoreError>]) {
        for outcome in outcomes {
            match outcome {
                Ok(()) => self.completions.inc(),
                Err(StoreError::Lease(LeaseRefusal::Lost)) => self.lost.inc(),
                Err(_) => continue,
            };
        }
    }
}

/// A method that callers did not make up.
fn method_of(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// What the database said of the queue when it was last asked.
#[derive(Debug, Default)]
struct Queue {
    latest: Mutex<Latest>,
    asking: tokio::sync::Mutex<Option<Instant>>,
    failures: Counter,
}

#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    /// None if the database did not say.
    numbers: Option<(RequestCounts, QueueDepth)>,
    /// None before the first time.
    connections: Option<Connections>,
}

impl Queue {
    /// Asks the database, unless that was done a moment ago, but waits no longer than
    /// [`QUEUE_ANSWER_MAX`]. Numbers that cannot be had are not shown: old ones would say that all is
    /// well.
    async fn refresh(&self, api: &Api) {
        let until = Instant::now() + QUEUE_ANSWER_MAX;
        let Ok(mut asked_at) = timeout_at(until, self.asking.lock()).await else {
            return;
        };
        if asked_at.is_some_and(|at| at.elapsed() < QUEUE_KEPT) {
            return;
        }
        let asked = timeout_at(until, ask(api)).await;
        let numbers = asked.ok().and_then(Result::ok);
        if numbers.is_none() {
            self.failures.inc();
        }
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Latest {
            numbers,
            connections: Some(api.store.connections()),
        };
        *asked_at = Some(Instant::now());
    }
}

async fn ask(api: &Api) -> Result<(RequestCounts, QueueDepth), StoreError> {
    let filter = RequestFilter {
        overdue_after: api.config.overdue_after,
        ..RequestFilter::default()
    };
    let counts = api.store.request_counts(&filter).await?;
    let depth = api.store.queue_depth(api.lease_rules()).await?;
    Ok((counts, depth))
}

/// Shows what is known of the queue.
#[derive(Debug)]
struct Shown(Arc<Queue>);

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let latest = *self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((counts, depth)) = latest.numbers {
            queue(&mut encoder, counts, depth)?;
        }
        if let Some(connections) = latest.connections {
            store_connections(&mut encoder, connections)?;
        }
        Ok(())
    }
}

fn queue(
    encoder: &mut DescriptorEncoder<'_>,
    counts: RequestCounts,
    depth: QueueDepth,
) -> fmt::Result {
    let by_status = [
        ("Completed", counts.completed),
        ("Errored", counts.errored),
        ("Pending", counts.pending),
        ("Overdue", counts.overdue),
    ];
    let help = "Requests by status; pending ones past the threshold are overdue";
    by_label(encoder, ("requests", help), "status", &by_status)?;
    let help = "Requests that a worker may claim now";
    gauge(encoder, ("requests_due", help), None, depth.due as f64)?;
    gauge(
        encoder,
        (
            "requests_due_oldest_age",
            "How long the one of them has waited that has waited longest",
        ),
        Some(&Unit::Seconds),
        depth.oldest_due.unwrap_or_default().as_secs_f64(),
    )?;
    let help = "Requests of which a worker holds a live lease";
    gauge(encoder, ("leases_held", help), None, depth.leased as f64)
}

fn store_connections(encoder: &mut DescriptorEncoder<'_>, connections: Connections) -> fmt::Result {
    let by_state = [
        ("busy", connections.busy.into()),
        ("idle", connections.idle.into()),
    ];
    let help = "Open connections to the database";
    by_label(encoder, ("store_connections", help), "state", &by_state)?;
    let help = "Most connections to the database that there may be";
    let max = connections.max.into();
    gauge(encoder, ("store_connections_max", help), None, max)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    unit: Option<&Unit>,
    value: f64,
) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
}

fn by_label(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    label: &str,
    values: &[(&str, u64)],
) -> fmt::Result {
    let kind = ConstGauge::new(0.0).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (value, number) in values {
        let gauge = ConstGauge::new(*number as f64);
        gauge.encode(family.encode_family(&[(label, *value)])?)?;
    }
    Ok(())
}

/// Says whether what a process does goes on, or why it does not, in words without personal data.
pub type LivenessCheck = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What a page of measurements shows.
#[derive(Clone)]
struct Page {
    registry: Arc<Registry>,
    api: Option<Api>,
    is_live: LivenessCheck,
}

/// Serves `GET /metrics` and `GET /health/liveness` until `shutdown`, and nothing else: there is no
/// token, so whoever can reach the listener may look. With an API its queue is asked for.
///
/// # Errors
/// If the listener is of no use.
pub async fn serve_metrics(
    listener: TcpListener,
    registry: Registry,
    api: Option<Api>,
    is_live: LivenessCheck,
    shutdown: CancellationToken,
) -> Result<(), io::Error> {
    tracing::info!(address = %listener.local_addr()?, "metrics are served");
    let page = Page {
        registry: Arc::new(registry),
        api,
        is_live,
    };
    let app = axum::Router::new()
        .route("/metrics", get(show))
        .route("/health/liveness", get(liveness))
        .with_state(page);
    serve_router(listener, app, shutdown).await
}

async fn show(State(page): State<Page>) -> Response {
    if let Some(api) = &page.api {
        api.metrics.queue.refresh(api).await;
    }
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &page.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn liveness(State(page): State<Page>) -> Response {
    match (page.is_live)() {
        Ok(()) => Json(json!({ "status": "UP" })).into_response(),
        Err(reason) => {
            tracing::error!(reason, "the process is not live");
            let down = Json(json!({ "status": "DOWN", "reason": reason }));
            (StatusCode::SERVICE_UNAVAILABLE, down).into_response()
        }
    }
}

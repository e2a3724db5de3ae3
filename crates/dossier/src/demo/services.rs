//! The sample services: small, real HTTP servers that speak the upstream contract.
//!
//! Each shows one case that real services bring: large and small answers, nested data, no data
//! (204), not supported (209), slowness, failure that passes, several scripts, attachments, a section
//! in a service's own words. The people in them do not exist.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use dossier_core::service::Category;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::data;

/// How long the slow service thinks.
const SLOW: Duration = Duration::from_secs(3);
/// How often the failing service fails before it answers.
const FAILURES: u32 = 2;

/// A sample service, as the catalogue is to know it.
pub struct SampleService {
    /// Its name, and the first part of its path.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// Where it belongs.
    pub category: Category,
}

/// All sample services.
pub const SAMPLE_SERVICES: [SampleService; 11] = [
    sample("sample-case-notes", "Case notes", Category::Prison),
    sample("sample-keyworker", "Key worker", Category::Prison),
    sample("sample-licences", "Licences", Category::Prison),
    sample("sample-incentives", "Incentives", Category::Prison),
    sample("sample-library", "Library and education", Category::Prison),
    sample(
        "sample-restricted-patients",
        "Restricted patients",
        Category::Prison,
    ),
    sample("sample-visits", "Visits", Category::Prison),
    sample("sample-correspondence", "Correspondence", Category::Prison),
    sample("sample-use-of-force", "Use of force", Category::Prison),
    sample("sample-recall", "Recall decisions", Category::Probation),
    sample(
        "sample-community-payback",
        "Community payback",
        Category::Probation,
    ),
];

const fn sample(name: &'static str, label: &'static str, category: Category) -> SampleService {
    SampleService {
        name,
        label,
        category,
    }
}

/// The sample services, running.
pub struct SampleServices {
    address: SocketAddr,
}

struct Served {
    address: SocketAddr,
    asked_of_failing: AtomicU32,
}

impl SampleServices {
    /// Starts them on a free port of this machine, until `shutdown`.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(shutdown: CancellationToken) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let served = Arc::new(Served {
            address,
            asked_of_failing: AtomicU32::new(0),
        });
        let router = Router::new()
            .route("/{service}/subject-access-request", get(answer))
            .route("/{service}/subject-access-request/template", get(template))
            .route(
                "/{service}/health/ping",
                get(|| async { Json(json!({"status": "UP"})) }),
            )
            .route("/{service}/attachments/{file}", get(attachment))
            .route("/sample-people/api/offenders/{id}", get(prisoner))
            .route("/sample-people/probation-case/{id}", get(probation_case))
            .with_state(served);
        tokio::spawn(async move {
            let stopped = shutdown.cancelled_owned();
            // Only binding can fail, and that is done.
            let _ = axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await;
        });
        Ok(Self { address })
    }

    /// A service's base URL.
    pub fn url(&self, service: &str) -> String {
        format!("http://{}/{service}", self.address)
    }

    /// The base URL of the sample register of people's names.
    pub fn people_url(&self) -> String {
        self.url("sample-people")
    }
}

async fn answer(State(served): State<Arc<Served>>, Path(service): Path<String>) -> Response {
    match service.as_str() {
        "sample-case-notes" => content(data::case_notes()),
        "sample-keyworker" => content(data::keyworker()),
        "sample-licences" => content(data::licences()),
        "sample-incentives" => failing_at_first(&served),
        "sample-library" => content(data::library()),
        "sample-restricted-patients" => StatusCode::NO_CONTENT.into_response(),
        "sample-visits" => {
            tokio::time::sleep(SLOW).await;
            content(data::visits())
        }
        "sample-correspondence" => content(data::correspondence()),
        "sample-use-of-force" => {
            let base = format!("http://{}/{service}", served.address);
            Json(data::use_of_force(&base)).into_response()
        }
        "sample-recall" => content(data::recall()),
        "sample-community-payback" => not_supported(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn content(content: Value) -> Response {
    Json(json!({ "content": content })).into_response()
}

fn failing_at_first(served: &Served) -> Response {
    let asked = served.asked_of_failing.fetch_add(1, Ordering::Relaxed);
    if asked % (FAILURES + 1) < FAILURES {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    content(data::incentives())
}

/// 209: the service does not know this kind of identifier (upstream contract).
fn not_supported() -> Response {
    let status = StatusCode::from_u16(209).unwrap_or(StatusCode::NO_CONTENT);
    (status, "subject identifier is not supported").into_response()
}

async fn template(Path(service): Path<String>) -> Response {
    match data::template(&service) {
        Some(text) => text.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn attachment(Path((_, file)): Path<(String, String)>) -> Response {
    match data::attachment(&file) {
        Some((content_type, bytes)) => {
            ([(header::CONTENT_TYPE, content_type)], bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn prisoner(Path(_): Path<String>) -> Json<Value> {
    Json(json!({ "firstName": "Rhiannon", "lastName": "Sample" }))
}

async fn probation_case(Path(_): Path<String>) -> Json<Value> {
    Json(json!({ "name": { "forename": "Rhiannon", "surname": "Sample" } }))
}

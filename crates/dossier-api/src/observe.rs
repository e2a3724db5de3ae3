//! What surrounds every call: its identifier, its span, its line in the log, and the writing of
//! problems.
//!
//! A call is logged by its method and its route's template. Never by its path or query, which may
//! hold personal data.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dossier_core::wire::Problem;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument;
use uuid::Uuid;

use crate::metrics::ApiMetrics;
use crate::problem::{ApiError, Kind, PROBLEM_JSON, Unwritten};

/// Names a call in the log, and in the caller's log if it gave one.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest identifier that is taken over from a caller, in characters.
const REQUEST_ID_CHARS_MAX: usize = 100;

pub(crate) async fn observe(
    State(metrics): State<Arc<ApiMetrics>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let id = request_id(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!(
        "http_request",
        http.method = %request.method(),
        http.route = route,
        request_id = id,
    );
    async move {
        let response = next.run(request).await;
        let response = write_problem(response, &id);
        metrics.answered(&route, &method, response.status(), begun.elapsed());
        let status = response.status().as_u16();
        let duration_ms = begun.elapsed().as_secs_f64() * 1000.0;
        if is_probe(&route) {
            tracing::debug!(http.status = status, duration_ms, "request answered");
        } else {
            tracing::info!(http.status = status, duration_ms, "request answered");
        }
        with_request_id(response, &id)
    }
    .instrument(span)
    .await
}

/// Whether the route is asked so often, by machines, that it would drown the log.
fn is_probe(route: &str) -> bool {
    route.starts_with("/health")
}

/// The caller's identifier if it is fit for a log, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(&REQUEST_ID).and_then(|v| v.to_str().ok());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fit =
        |id: &&str| !id.is_empty() && id.len() <= REQUEST_ID_CHARS_MAX && id.chars().all(allowed);
    given
        .filter(fit)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn with_request_id(mut response: Response, id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(&REQUEST_ID, value);
    }
    response
}

/// Writes the body of a problem. An error that came without one, from a library, gets the kind that
/// goes with its status.
fn write_problem(mut response: Response, id: &str) -> Response {
    let status = response.status();
    let unwritten = match response.extensions_mut().remove::<Unwritten>() {
        Some(unwritten) => unwritten,
        None if is_foreign_error(&response) => {
            let kind = Kind::ALL.iter().find(|kind| kind.status() == status);
            let kind = kind.copied().unwrap_or(Kind::Internal);
            let mut own = ApiError::new(kind).into_response();
            let Some(mut unwritten) = own.extensions_mut().remove::<Unwritten>() else {
                return own;
            };
            unwritten.problem.status = status.as_u16();
            unwritten
        }
        None => return response,
    };
    let Unwritten { problem, cause } = unwritten;
    if status.is_server_error() {
        let cause = cause.unwrap_or_default();
        tracing::error!(problem = problem.kind, cause, "request failed");
    }
    let problem = Problem {
        request_id: Some(id.to_owned()),
        ..problem
    };
    let (mut parts, _) = response.into_parts();
    let content = HeaderValue::from_static(PROBLEM_JSON);
    parts.headers.insert(CONTENT_TYPE, content);
    parts.headers.remove(http::header::CONTENT_LENGTH);
    let fresh = HeaderValue::from_static("no-store");
    parts.headers.insert(CACHE_CONTROL, fresh);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Response::from_parts(parts, body.into())
}

fn is_foreign_error(response: &Response) -> bool {
    let status = response.status();
    let content = response.headers().get(CONTENT_TYPE);
    let is_own = content.is_some_and(|value| value.as_bytes().starts_with(b"application/"));
    (status.is_client_error() || status.is_server_error()) && !is_own
}

/// A panic's text may hold anything: it is not repeated.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::new(Kind::Internal)
        .detail("the call failed for a reason of Dossier's own")
        .cause("a handler panicked")
        .into_response()
}

pub(crate) async fn no_such_path() -> ApiError {
    ApiError::new(Kind::NotFound).detail("there is nothing under this path")
}

pub(crate) async fn wrong_method() -> ApiError {
    ApiError::new(Kind::MethodNotAllowed).detail("this path has other methods; Allow lists them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_without_its_text() {
        let response = write_problem(panicked(Box::new("secret")), "call-1");
        assert_eq!(response.status(), http::StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await;
        let problem: Problem = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(problem.kind, "urn:dossier:problem:internal");
        assert_eq!(problem.request_id.as_deref(), Some("call-1"));
        assert!(!problem.detail.unwrap().contains("secret"));
    }
}

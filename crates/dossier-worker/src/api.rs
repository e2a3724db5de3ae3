//! The API's client: every endpoint as a method.
//!
//! Calls that may be repeated without harm (those that only read, `PUT`, a create with an idempotency
//! key, and finding out a template's version) are tried again when the API cannot be reached. Calls of the lock are tried
//! once: whoever holds the lease decides how long to ask again. Bodies are never logged.

mod batches;
mod download;
mod error;
mod reference;
mod schemas;
mod templates;

use std::path::Path;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use dossier_core::wire::{
    AdminList, CancelRequest, ClaimOne, ClaimView, ClaimsQuery, ClaimsView, CompleteRequest,
    CreateRequest, DuplicateView, LeaseView, ReleaseLease, RenewLease, RequestView, SectionReport,
    ServiceBody, ServiceView,
};
use dossier_core::{LeaseToken, Private, RequestId, ServiceId, ServiceName};
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Client, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use url::Url;

pub use download::Downloaded;
pub use error::ApiError;
pub use reference::ReferenceFormat;

use crate::connection::{self, ClientError};

/// Longest time to connect to the API.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Longest time for one answer, a long poll's waiting aside.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Longest time for a renewal or a report of progress, which have no value when they are late.
const BRIEF_ANSWER_MAX: Duration = Duration::from_secs(10);
/// Largest answer that is read, a report aside.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Tries after the first one, for calls that may be repeated.
const REPEATS_MAX: usize = 4;

/// A client of one API.
#[derive(Clone, Debug)]
pub struct ApiClient {
    http: Client,
    base: Url,
}

/// What a list of requests is to hold.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Only tasks that a worker may claim.
    pub unclaimed: bool,
    /// Part of a case reference or identifier.
    pub search: Option<Private<String>>,
    /// From 0.
    pub page_number: Option<u32>,
    /// At most [`dossier_core::wire::PAGE_SIZE_MAX`].
    pub page_size: Option<u32>,
}

/// What the admin list is to hold: all that are set are alternatives.
#[derive(Clone, Debug, Default)]
pub struct AdminQuery {
    /// Completed requests.
    pub completed: bool,
    /// Errored requests.
    pub errored: bool,
    /// Pending requests past the threshold.
    pub overdue: bool,
    /// Other pending requests.
    pub pending: bool,
    /// Part of a case reference or identifier.
    pub search: Option<Private<String>>,
    /// From 0.
    pub page_number: Option<u32>,
    /// At most [`dossier_core::wire::PAGE_SIZE_MAX`].
    pub page_size: Option<u32>,
}

/// What the API says of its health.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether it is up.
    pub up: bool,
    /// Each component, as the API lists them.
    pub details: serde_json::Value,
}

impl ApiClient {
    /// A client of the API at `base` that identifies itself with a bearer token and trusts, beside
    /// the system's authorities, those in the PEM file `ca_file`.
    pub fn new(
        base: Url,
        token: &Private<String>,
        ca_file: Option<&Path>,
    ) -> Result<Self, ClientError> {
        if !matches!(base.scheme(), "http" | "https") {
            return Err(ClientError::Url);
        }
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.reveal()))
            .map_err(|_| ClientError::Token)?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (
                ACCEPT,
                HeaderValue::from_static("application/json, application/problem+json"),
            ),
        ]);
        let settings = |builder: reqwest::ClientBuilder| {
            builder
                .default_headers(headers.clone())
                .connect_timeout(CONNECT_MAX)
                .redirect(reqwest::redirect::Policy::none())
        };
        let http = connection::http_client(settings, ca_file)?;
        Ok(Self { http, base })
    }

    // ---- requests ----

    /// Creates a request; answers its identifier. With an idempotency key a repeat answers the first
    /// result.
    pub async fn create(
        &self,
        new: &CreateRequest,
        idempotency_key: Option<&str>,
    ) -> Result<RequestId, ApiError> {
        let mut call = self
            .call(Method::POST, &["api", "subjectAccessRequest"])
            .json(new);
        let body = match idempotency_key {
            Some(key) => {
                call = call.header("Idempotency-Key", key);
                repeat(call).await?
            }
            None => once(call, ANSWER_MAX).await?,
        };
        std::str::from_utf8(&body)
            .ok()
            .and_then(|text| text.trim().trim_matches('"').parse().ok())
            .ok_or(ApiError::Incomprehensible)
    }

    /// One request.
    pub async fn show(&self, id: RequestId) -> Result<RequestView, ApiError> {
        let call = self.call(
            Method::GET,
            &["api", "subjectAccessRequest", &id.to_string()],
        );
        read(repeat(call).await?)
    }

    /// One page of requests, newest first.
    pub async fn list(&self, query: &ListQuery) -> Result<Vec<RequestView>, ApiError> {
        let call = self
            .call(Method::GET, &["api", "subjectAccessRequests"])
            .query(&page(
                query.search.as_ref(),
                query.page_number,
                query.page_size,
            ))
            .query(&flags([("unclaimed", query.unclaimed)]));
        read(repeat(call).await?)
    }

    /// How many requests match the search.
    pub async fn total(&self, search: Option<&Private<String>>) -> Result<u64, ApiError> {
        let call = self
            .call(Method::GET, &["api", "totalSubjectAccessRequests"])
            .query(&page(search, None, None));
        read(repeat(call).await?)
    }

    /// One page of requests with the counts of all.
    pub async fn admin_list(&self, query: &AdminQuery) -> Result<AdminList, ApiError> {
        let call = self
            .call(Method::GET, &["api", "admin", "subjectAccessRequests"])
            .query(&page(
                query.search.as_ref(),
                query.page_number,
                query.page_size,
            ))
            .query(&flags([
                ("completed", query.completed),
                ("errored", query.errored),
                ("overdue", query.overdue),
                ("pending", query.pending),
            ]));
        read(repeat(call).await?)
    }

    /// Makes a new pending request with the same details.
    pub async fn duplicate(&self, id: RequestId) -> Result<DuplicateView, ApiError> {
        let call = self.request_call(Method::POST, id, &["duplicate"]);
        read(once(call, ANSWER_MAX).await?)
    }

    /// Makes an errored request pending again.
    pub async fn restart(&self, id: RequestId) -> Result<RequestView, ApiError> {
        let path = [
            "api",
            "admin",
            "subjectAccessRequests",
            &id.to_string(),
            "restart",
        ];
        read(once(self.call(Method::PATCH, &path), ANSWER_MAX).await?)
    }

    /// Gives a pending request up.
    pub async fn cancel(
        &self,
        id: RequestId,
        cancel: &CancelRequest,
    ) -> Result<RequestView, ApiError> {
        let path = [
            "api",
            "admin",
            "subjectAccessRequests",
            &id.to_string(),
            "cancel",
        ];
        read(once(self.call(Method::PATCH, &path).json(cancel), ANSWER_MAX).await?)
    }

    // ---- the catalogue ----

    /// All services.
    pub async fn services(&self) -> Result<Vec<ServiceView>, ApiError> {
        read(repeat(self.call(Method::GET, &["api", "services"])).await?)
    }

    /// Adds a service.
    pub async fn add_service(&self, service: &ServiceBody) -> Result<ServiceView, ApiError> {
        let call = self.call(Method::POST, &["api", "services"]).json(service);
        read(once(call, ANSWER_MAX).await?)
    }

    /// Replaces a service's details.
    pub async fn update_service(
        &self,
        id: ServiceId,
        service: &ServiceBody,
    ) -> Result<ServiceView, ApiError> {
        let call = self
            .call(Method::PUT, &["api", "services", &id.to_string()])
            .json(service);
        read(repeat(call).await?)
    }

    /// Suspends or resumes a service.
    pub async fn suspend_service(
        &self,
        id: ServiceId,
        suspended: bool,
    ) -> Result<ServiceView, ApiError> {
        let call = self
            .call(
                Method::PATCH,
                &["api", "services", &id.to_string(), "suspend"],
            )
            .query(&[("suspended", suspended)]);
        read(repeat(call).await?)
    }

    // ---- the lock ----

    /// The longest time that [`claims`](Self::claims) takes.
    pub fn claims_max(query: &ClaimsQuery) -> Duration {
        CONNECT_MAX + ANSWER_MAX + Duration::from_secs(u64::from(query.wait))
    }

    /// Claims up to `max` of the oldest due requests, after waiting for one up to `wait` seconds.
    pub async fn claims(&self, query: &ClaimsQuery) -> Result<Vec<ClaimView>, ApiError> {
        let call = self.call(Method::POST, &["api", "claims"]).json(query);
        let answer_max = ANSWER_MAX + Duration::from_secs(u64::from(query.wait));
        let view: ClaimsView = read(once(call, answer_max).await?)?;
        Ok(view.claims)
    }

    /// Claims one request.
    pub async fn claim(&self, id: RequestId, worker: Option<&str>) -> Result<ClaimView, ApiError> {
        let body = ClaimOne {
            worker: worker.map(str::to_owned),
        };
        let call = self.request_call(Method::PATCH, id, &["claim"]).json(&body);
        read(once(call, ANSWER_MAX).await?)
    }

    /// Renews a lease.
    pub async fn renew(&self, id: RequestId, token: LeaseToken) -> Result<LeaseView, ApiError> {
        let body = RenewLease { lease_token: token };
        let call = self.request_call(Method::PATCH, id, &["lease"]).json(&body);
        read(once(call, BRIEF_ANSWER_MAX).await?)
    }

    /// Gives a lease back.
    pub async fn release(&self, id: RequestId, release: &ReleaseLease) -> Result<(), ApiError> {
        let call = self
            .request_call(Method::PATCH, id, &["release"])
            .json(release);
        once(call, ANSWER_MAX).await.map(drop)
    }

    /// Completes a request. The same call by the same token succeeds again.
    pub async fn complete(
        &self,
        id: RequestId,
        complete: &CompleteRequest,
    ) -> Result<(), ApiError> {
        let call = self
            .request_call(Method::PATCH, id, &["complete"])
            .json(complete);
        once(call, ANSWER_MAX).await.map(drop)
    }

    /// Reports a section's progress or outcome.
    pub async fn report_section(
        &self,
        id: RequestId,
        service: &ServiceName,
        report: &SectionReport,
    ) -> Result<(), ApiError> {
        let path = ["services", service.as_str()];
        let call = self.request_call(Method::PATCH, id, &path).json(report);
        once(call, BRIEF_ANSWER_MAX).await.map(drop)
    }

    // ---- health ----

    /// The API's health; being down is an answer, not an error.
    pub async fn health(&self) -> Result<Health, ApiError> {
        let call = self.call(Method::GET, &["health"]);
        let response = send(call, ANSWER_MAX).await?;
        let status = response.status();
        if !status.is_success() && status != StatusCode::SERVICE_UNAVAILABLE {
            return Err(refusal(response).await);
        }
        Ok(Health {
            up: status.is_success(),
            details: read(body(response).await?)?,
        })
    }

    // ---- calls ----

    fn call(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.http.request(method, url)
    }

    fn request_call(&self, method: Method, id: RequestId, path: &[&str]) -> RequestBuilder {
        let id = id.to_string();
        let path = [&["api", "subjectAccessRequests", &id], path].concat();
        self.call(method, &path)
    }
}

fn page(
    search: Option<&Private<String>>,
    number: Option<u32>,
    size: Option<u32>,
) -> Vec<(&'static str, String)> {
    let search = search.map(|text| ("search", text.reveal().clone()));
    let number = number.map(|n| ("pageNumber", n.to_string()));
    let size = size.map(|n| ("pageSize", n.to_string()));
    [search, number, size].into_iter().flatten().collect()
}

fn flags<const N: usize>(flags: [(&'static str, bool); N]) -> Vec<(&'static str, bool)> {
    flags.into_iter().filter(|(_, on)| *on).collect()
}

/// Tries again, with pauses, while the API cannot be reached.
async fn repeat(call: RequestBuilder) -> Result<Bytes, ApiError> {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(REPEATS_MAX)
        .with_jitter();
    let attempt = || async {
        let call = call.try_clone().ok_or(ApiError::Incomprehensible)?;
        once(call, ANSWER_MAX).await
    };
    attempt
        .retry(pauses)
        .sleep(tokio::time::sleep)
        .when(ApiError::is_passing)
        .await
}

async fn once(call: RequestBuilder, answer_max: Duration) -> Result<Bytes, ApiError> {
    let response = send(call, answer_max).await?;
    if response.status().is_success() {
        body(response).await
    } else {
        Err(refusal(response).await)
    }
}

async fn send(call: RequestBuilder, answer_max: Duration) -> Result<Response, ApiError> {
    call.timeout(answer_max).send().await.map_err(unreachable)
}

async fn body(mut response: Response) -> Result<Bytes, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ApiError::Incomprehensible);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

async fn refusal(response: Response) -> ApiError {
    let status = response.status();
    let problem = body(response)
        .await
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok());
    ApiError::Refused {
        status,
        problem: problem.map(Box::new),
    }
}

fn read<T: DeserializeOwned>(body: Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(&body).map_err(|_| ApiError::Incomprehensible)
}

fn unreachable(error: reqwest::Error) -> ApiError {
    ApiError::Unreachable(connection::fault(&error))
}

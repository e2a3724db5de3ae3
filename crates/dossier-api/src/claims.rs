//! Claiming requests: at once, or by waiting for one to come.
//!
//! A claim that its caller never sees holds its request up until the lease expires, and uses up an
//! attempt. So a claim is a [`Handover`] from the moment it is made until its answer goes out: if
//! the caller goes away in between, it is given back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as Content;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dossier_core::RequestId;
use dossier_core::lease::{Claim, ReleaseReason};
use dossier_core::wire::{
    CLAIM_BATCH_MAX, CLAIM_WAIT_SECONDS_MAX, ClaimOne, ClaimView, ClaimsQuery, ClaimsView,
    FieldProblem, Problem,
};
use dossier_store::StoreError;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tokio::time::Instant;

use crate::api::Api;
use crate::auth::{Caller, Principal, Worker};
use crate::input::{Body, Id, OptionalBody};
use crate::problem::{ApiError, Kind, field_problem};

/// Longest name of a worker, in characters.
const WORKER_CHARS_MAX: usize = 100;

/// Claim the oldest due requests.
///
/// Takes the leases of up to `max` requests, waiting up to `wait` seconds for one to come. Two
/// callers never get the same one. Whoever does not renew a lease in time loses it. The answer is
/// empty if none came in time, or if the API shuts down.
#[utoipa::path(
    post,
    path = "/api/claims",
    tag = "work",
    request_body = ClaimsQuery,
    responses((status = 200, description = "The claims, possibly none", body = ClaimsView))
)]
pub(crate) async fn claim_oldest(
    caller: Caller<Worker>,
    State(api): State<Api>,
    Body(query): Body<ClaimsQuery>,
) -> Result<Response, ApiError> {
    let wanted = Wanted::parse(query, &caller.principal)?;
    let handover = wait_for_claims(&api, &wanted).await?;
    let lock_period = api.lease_rules().lock_period;
    let views = handover
        .claims
        .iter()
        .map(|claim| ClaimView::new(claim, lock_period));
    let answer = ClaimsView {
        claims: views.collect(),
    };
    handover.answer(&answer)
}

struct Wanted {
    max: u32,
    wait: Duration,
    worker: String,
}

impl Wanted {
    fn parse(query: ClaimsQuery, principal: &Principal) -> Result<Self, ApiError> {
        let mut problems = Vec::new();
        if !(1..=CLAIM_BATCH_MAX).contains(&query.max) {
            let message = format!("max must be from 1 to {CLAIM_BATCH_MAX}");
            problems.push(field_problem("max", message));
        }
        if query.wait > CLAIM_WAIT_SECONDS_MAX {
            let message = format!("wait must be from 0 to {CLAIM_WAIT_SECONDS_MAX} seconds");
            problems.push(field_problem("wait", message));
        }
        let worker = worker_name(query.worker, principal).map_err(|problem| problems.push(problem));
        match worker {
            Ok(worker) if problems.is_empty() => Ok(Self {
                max: query.max,
                wait: Duration::from_secs(query.wait.into()),
                worker,
            }),
            _ => Err(ApiError::of_fields(Kind::ValidationFailed, problems)),
        }
    }
}

/// The worker's name for a request's history: the caller's unless it says another.
fn worker_name(given: Option<String>, principal: &Principal) -> Result<String, FieldProblem> {
    let name = given
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    match name {
        None => Ok(principal.name.clone()),
        Some(name)
            if name.chars().count() <= WORKER_CHARS_MAX && !name.chars().any(char::is_control) =>
        {
            Ok(name)
        }
        Some(_) => Err(field_problem(
            "worker",
            format!(
                "worker must have at most {WORKER_CHARS_MAX} characters and no control characters"
            ),
        )),
    }
}

async fn wait_for_claims(api: &Api, wanted: &Wanted) -> Result<Handover, ApiError> {
    let until = Instant::now() + wanted.wait;
    loop {
        if api.closing.is_cancelled() {
            return Ok(Handover::new(api.clone(), Vec::new()));
        }
        let handover = claim_now(api, wanted).await?;
        let left = until.saturating_duration_since(Instant::now());
        if !handover.claims.is_empty() || left.is_zero() {
            return Ok(handover);
        }
        // What came since the look above began is not missed: the store promises that.
        let work = api
            .store
            .wait_for_work(left.min(api.config.limits.claim_look_max));
        api.closing.run_until_cancelled(work).await;
    }
}

async fn claim_now(api: &Api, wanted: &Wanted) -> Result<Handover, ApiError> {
    let (store, rules) = (Arc::clone(&api.store), *api.lease_rules());
    let (max, worker) = (wanted.max, wanted.worker.clone());
    let claiming = async move { store.claim_oldest(max, &worker, &rules).await };
    Handover::of(api, claiming).await
}

/// Claim one request.
///
/// Succeeds if and only if the request is pending, due, and nobody holds a live lease of it.
#[utoipa::path(
    patch,
    path = "/api/subjectAccessRequests/{id}/claim",
    tag = "work",
    params(("id" = uuid::Uuid, Path, description = "The request")),
    request_body(content = ClaimOne, description = "May be left out"),
    responses(
        (status = 200, description = "The claim", body = ClaimView),
        (status = 409, description = "It cannot be claimed now; the type says why",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claim_one(
    caller: Caller<Worker>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
    OptionalBody(body): OptionalBody<ClaimOne>,
) -> Result<Response, ApiError> {
    let worker = worker_name(body.worker, &caller.principal)
        .map_err(|problem| ApiError::of_fields(Kind::ValidationFailed, vec![problem]))?;
    let (store, rules) = (Arc::clone(&api.store), *api.lease_rules());
    let claiming = async move {
        store
            .claim(id, &worker, &rules)
            .await
            .map(|claim| vec![claim])
    };
    let handover = Handover::of(&api, claiming).await?;
    let claim = handover.claims.first().ok_or_else(|| {
        ApiError::new(Kind::Internal).cause("a claim that succeeded is not there")
    })?;
    let answer = ClaimView::new(claim, rules.lock_period);
    handover.answer(&answer)
}

/// Claims on their way to the caller; given back if they are dropped on the way.
struct Handover {
    api: Api,
    claims: Vec<Claim>,
}

impl Handover {
    fn new(api: Api, claims: Vec<Claim>) -> Self {
        Self { api, claims }
    }

    /// Runs a claim to its end even if the caller goes away while the database is at it.
    async fn of<F>(api: &Api, claiming: F) -> Result<Self, ApiError>
    where
        F: Future<Output = Result<Vec<Claim>, StoreError>> + Send + 'static,
    {
        let (to_caller, from_database) = tokio::sync::oneshot::channel();
        let made_for = api.clone();
        api.afterwards.spawn(async move {
            let claimed = claiming.await.map(|claims| Self::new(made_for, claims));
            // If nobody listens any more, what comes back is dropped, and so given back.
            drop(to_caller.send(claimed));
        });
        let claimed = from_database
            .await
            .map_err(|_| ApiError::new(Kind::Internal).cause("a claim was not finished"))?;
        Ok(claimed?)
    }

    /// The answer, which hands the claims over when its body is taken.
    fn answer(mut self, view: &impl Serialize) -> Result<Response, ApiError> {
        let json =
            serde_json::to_vec(view).map_err(|error| ApiError::new(Kind::Internal).cause(error))?;
        let length = HeaderValue::from(json.len());
        let body = futures::stream::once(async move {
            self.claims.clear();
            Ok::<_, std::convert::Infallible>(Bytes::from(json))
        });
        Ok((
            StatusCode::OK,
            [
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (CONTENT_LENGTH, length),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
            Content::from_stream(body),
        )
            .into_response())
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        for claim in self.claims.drain(..) {
            let api = self.api.clone();
            self.api.afterwards.spawn(async move {
                let (id, rules) = (claim.request.id, api.lease_rules());
                let reason = ReleaseReason::ShuttingDown;
                let given_back = api
                    .store
                    .release(id, claim.token, &reason, Duration::ZERO, rules)
                    .await;
                match given_back {
                    Ok(_) => tracing::info!(request = %id, "gave back a claim nobody waited for"),
                    Err(error) => tracing::warn!(
                        request = %id,
                        %error,
                        "could not give back a claim nobody waited for; its lease will expire"
                    ),
                }
            });
        }
    }
}

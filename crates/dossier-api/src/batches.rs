//! Many leases renewed, many requests completed, in one call and one transaction.
//!
//! Each is decided as the call for it alone would decide it, and answered with the same problem:
//! that one is refused is no other's business. The call fails as a whole only if nothing is known
//! of any; whoever asks again is told the same of what took effect.

use axum::Json;
use axum::extract::State;
use dossier_core::wire::{
    CompleteRequest, CompleteRequests, CompletionOutcome, CompletionsView, LEASE_BATCH_MAX,
    OneCompletion, Problem, RenewLeases, RenewalOutcome, RenewalsView,
};
use dossier_core::{LeaseToken, RequestId};
use dossier_store::Completion;
use futures::{FutureExt, StreamExt, stream};

use crate::api::Api;
use crate::auth::{Caller, Worker};
use crate::input::Body;
use crate::leases::{completed_before, finished_documents};
use crate::problem::{ApiError, Kind};

/// Requests of a batch whose documents are looked at side by side.
const LOOKS_AT_ONCE_MAX: usize = 8;

/// Renew many leases.
///
/// Each then holds for one lock period from now, or has a problem as the call for it alone would
/// have answered. A lease may be named twice.
#[utoipa::path(
    post,
    path = "/api/renewals",
    tag = "work",
    request_body = RenewLeases,
    responses(
        (status = 200, description = "What became of each, in their order", body = RenewalsView)
    )
)]
pub(crate) async fn renew(
    _: Caller<Worker>,
    State(api): State<Api>,
    Body(body): Body<RenewLeases>,
) -> Result<Json<RenewalsView>, ApiError> {
    check_size("leases", body.leases.len())?;
    let rules = api.lease_rules();
    let leases: Vec<(RequestId, LeaseToken)> = body
        .leases
        .iter()
        .map(|lease| (lease.request_id.into(), lease.lease_token))
        .collect();
    let renewed = api.store.renew_all(&leases, rules).await?;
    let outcomes = body.leases.iter().zip(renewed).map(|(lease, renewed)| {
        let (lease_expires_at, problem) = match renewed {
            Ok(until) => (Some(until), None),
            Err(refusal) => (None, Some(ApiError::from(refusal).into_problem())),
        };
        RenewalOutcome {
            request_id: lease.request_id,
            lease_expires_at,
            problem,
        }
    });
    Ok(Json(RenewalsView {
        lock_period_seconds: rules.lock_period.as_secs_f64(),
        outcomes: outcomes.collect(),
    }))
}

/// Complete many requests.
///
/// Each is completed, or has a problem as the call for it alone would have answered. A request that
/// is named twice is decided as if the second had been asked for after the first.
#[utoipa::path(
    post,
    path = "/api/completions",
    tag = "work",
    request_body = CompleteRequests,
    responses(
        (status = 200, description = "What became of each, in their order", body = CompletionsView)
    )
)]
pub(crate) async fn complete(
    _: Caller<Worker>,
    State(api): State<Api>,
    Body(body): Body<CompleteRequests>,
) -> Result<Json<CompletionsView>, ApiError> {
    check_size("completions", body.completions.len())?;
    let mut looks = Vec::with_capacity(body.completions.len());
    for one in &body.completions {
        looks.push(look_at(&api, one).boxed());
    }
    let looks = stream::iter(looks).buffered(LOOKS_AT_ONCE_MAX);
    let looked: Vec<Result<Completion, ApiError>> = looks.collect().await;

    let ready: Vec<Completion> = looked.iter().flatten().cloned().collect();
    let mut decided = api.store.complete_all(&ready).await?.into_iter();
    let mut unready = lease_first(&api, &body.completions, &looked)
        .await?
        .into_iter();

    let mut outcomes = Vec::with_capacity(looked.len());
    for (one, looked) in body.completions.iter().zip(looked) {
        let lost = || ApiError::new(Kind::Internal).cause("an outcome is missing");
        let problem: Option<Problem> = match looked {
            Ok(_) => {
                let outcome = decided.next().ok_or_else(lost)?;
                outcome
                    .err()
                    .map(|error| ApiError::from(error).into_problem())
            }
            Err(error) => {
                let refusal = unready.next().ok_or_else(lost)?;
                match completed_before(&api, one.request_id.into(), &one.completion).await? {
                    Some(_) => None,
                    None => Some(refusal.unwrap_or(error).into_problem()),
                }
            }
        };
        outcomes.push(CompletionOutcome {
            request_id: one.request_id,
            problem,
        });
    }
    Ok(Json(CompletionsView { outcomes }))
}

/// What the store is to be asked for, once the documents are what was said of them.
async fn look_at(api: &Api, one: &OneCompletion) -> Result<Completion, ApiError> {
    let body: &CompleteRequest = &one.completion;
    let (document, others) = finished_documents(api, body).await?;
    Ok(Completion {
        id: one.request_id.into(),
        token: body.lease_token,
        document,
        pages: body.pages,
        others,
    })
}

/// For each that cannot be completed as it was asked for: that its lease is lost, if it is. As for
/// single calls, whoever does not hold the lease learns just that, unless a component is at fault.
async fn lease_first(
    api: &Api,
    asked: &[OneCompletion],
    looked: &[Result<Completion, ApiError>],
) -> Result<Vec<Option<ApiError>>, ApiError> {
    let unready: Vec<(&OneCompletion, &ApiError)> = asked
        .iter()
        .zip(looked)
        .filter_map(|(one, looked)| Some((one, looked.as_ref().err()?)))
        .collect();
    let leases: Vec<(RequestId, LeaseToken)> = unready
        .iter()
        .map(|(one, _)| (one.request_id.into(), one.completion.lease_token))
        .collect();
    let renewed = api.store.renew_all(&leases, api.lease_rules()).await?;
    let refusals = unready.iter().zip(renewed).map(|((_, error), renewed)| {
        let refusal = renewed.err().map(ApiError::from);
        refusal.filter(|_| !error.status().is_server_error())
    });
    Ok(refusals.collect())
}

fn check_size(field: &str, named: usize) -> Result<(), ApiError> {
    if (1..=LEASE_BATCH_MAX).contains(&named) {
        return Ok(());
    }
    Err(ApiError::of_field(
        Kind::ValidationFailed,
        field,
        format!("{field} must name from 1 to {LEASE_BATCH_MAX}"),
    ))
}

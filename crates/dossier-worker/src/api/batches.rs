//! Many leases renewed, many requests completed in one call.

use dossier_core::wire::{
    CompleteRequest, CompleteRequests, CompletionsView, HeldLease, LeaseView, OneCompletion,
    Problem, RenewLeases, RenewalsView,
};
use dossier_core::{LeaseToken, RequestId};
use http::{Method, StatusCode};

use super::{ANSWER_MAX, ApiClient, ApiError, BRIEF_ANSWER_MAX, once, read};

impl ApiClient {
    /// Renews up to [`LEASE_BATCH_MAX`](dossier_core::wire::LEASE_BATCH_MAX) leases; answers for
    /// each what [`renew`](Self::renew) would have, in their order.
    pub async fn renew_all(
        &self,
        leases: &[(RequestId, LeaseToken)],
    ) -> Result<Vec<Result<LeaseView, ApiError>>, ApiError> {
        let held = leases.iter().map(|(id, token)| HeldLease {
            request_id: id.as_uuid(),
            lease_token: *token,
        });
        let body = RenewLeases {
            leases: held.collect(),
        };
        let call = self.call(Method::POST, &["api", "renewals"]).json(&body);
        let view: RenewalsView = read(once(call, BRIEF_ANSWER_MAX).await?)?;
        let answered = view.outcomes.iter().map(|outcome| outcome.request_id);
        if !answered.eq(leases.iter().map(|(id, _)| id.as_uuid())) {
            return Err(ApiError::Incomprehensible);
        }
        let lock_period_seconds = view.lock_period_seconds;
        let outcomes = view.outcomes.into_iter().map(|outcome| {
            match (outcome.lease_expires_at, outcome.problem) {
                (Some(lease_expires_at), None) => Ok(LeaseView {
                    lease_expires_at,
                    lock_period_seconds,
                }),
                (_, Some(problem)) => Err(refused(problem)),
                (None, None) => Err(ApiError::Incomprehensible),
            }
        });
        Ok(outcomes.collect())
    }

    /// Completes up to [`LEASE_BATCH_MAX`](dossier_core::wire::LEASE_BATCH_MAX) requests; answers
    /// for each what [`complete`](Self::complete) would have, in their order. The same call by the
    /// same tokens succeeds again.
    pub async fn complete_all(
        &self,
        completions: &[(RequestId, CompleteRequest)],
    ) -> Result<Vec<Result<(), ApiError>>, ApiError> {
        let named = completions.iter().map(|(id, completion)| OneCompletion {
            request_id: id.as_uuid(),
            completion: completion.clone(),
        });
        let body = CompleteRequests {
            completions: named.collect(),
        };
        let call = self.call(Method::POST, &["api", "completions"]).json(&body);
        let view: CompletionsView = read(once(call, ANSWER_MAX).await?)?;
        let answered = view.outcomes.iter().map(|outcome| outcome.request_id);
        if !answered.eq(completions.iter().map(|(id, _)| id.as_uuid())) {
            return Err(ApiError::Incomprehensible);
        }
        let outcomes = view.outcomes.into_iter();
        Ok(outcomes
            .map(|outcome| {
                outcome
                    .problem
                    .map_or(Ok(()), |problem| Err(refused(problem)))
            })
            .collect())
    }
}

/// The problem of one as the call for it alone would have answered it.
fn refused(problem: Problem) -> ApiError {
    match StatusCode::from_u16(problem.status) {
        Ok(status) => ApiError::Refused {
            status,
            problem: Some(Box::new(problem)),
        },
        Err(_) => ApiError::Incomprehensible,
    }
}

//! Many leases renewed, many requests completed, in one call.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CompleteRequest, Problem};
use crate::LeaseToken;

/// Most leases that one `POST /api/renewals`, or requests that one `POST /api/completions`, names.
pub const LEASE_BATCH_MAX: usize = 100;

/// Body of `POST /api/renewals`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewLeases {
    /// The leases.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub leases: Vec<HeldLease>,
}

/// A lease that somebody holds, or held.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HeldLease {
    /// Its request.
    pub request_id: Uuid,
    /// Its token.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub lease_token: LeaseToken,
}

/// Answer of `POST /api/renewals`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewalsView {
    /// How long a lease holds.
    pub lock_period_seconds: f64,
    /// What became of each lease, in the order in which they were named.
    pub outcomes: Vec<RenewalOutcome>,
}

/// What became of one lease: it holds on, or there is a problem.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewalOutcome {
    /// Its request.
    pub request_id: Uuid,
    /// Until when the lease now holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub lease_expires_at: Option<Timestamp>,
    /// Why it was not renewed, as the call for it alone would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Body of `POST /api/completions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CompleteRequests {
    /// The requests, and what each is completed with.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub completions: Vec<OneCompletion>,
}

/// A request, and what it is completed with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OneCompletion {
    /// The request.
    pub request_id: Uuid,
    /// As the call for it alone has it.
    #[serde(flatten)]
    pub completion: CompleteRequest,
}

/// Answer of `POST /api/completions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CompletionsView {
    /// What became of each request, in the order in which they were named.
    pub outcomes: Vec<CompletionOutcome>,
}

/// What became of one request: it is completed unless there is a problem.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CompletionOutcome {
    /// The request.
    pub request_id: Uuid,
    /// Why it was not completed, as the call for it alone would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

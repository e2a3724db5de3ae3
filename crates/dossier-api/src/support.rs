//! Looking after what is stuck.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use dossier_core::RequestId;
use dossier_core::wire::{DuplicateView, OverdueList, RequestSummary};
use dossier_store::{PageKey, RequestFilter};
use http::StatusCode;
use http::header::LOCATION;
use jiff::Timestamp;
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Caller, Supporter};
use crate::input::{Id, Params, blank_is_absent};
use crate::paging::{NextPage, next_page, page};
use crate::problem::ApiError;
use crate::requests::{request_path, search_filter, view_with_overdue};

/// Which page is wanted.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// From 0.
    #[serde(deserialize_with = "blank_is_absent")]
    page_number: Option<u32>,
    /// Instead of a number, the row behind which the page begins: taken from the `Link` of the page
    /// before.
    #[serde(deserialize_with = "blank_is_absent")]
    #[param(value_type = Option<String>)]
    after: Option<PageKey>,
    /// 1 to 500; 50 if absent.
    #[serde(deserialize_with = "blank_is_absent")]
    page_size: Option<u32>,
}

/// List overdue requests.
///
/// Those that are pending for longer than the threshold, newest first.
#[utoipa::path(
    get,
    path = "/api/subjectAccessRequests/overdue",
    tag = "support",
    params(PageParams),
    responses((status = 200, description = "One page of them", body = OverdueList,
        headers(("Link" = Option<String>, description = "`rel=\"next\"`: the page behind this one, \
            found as fast wherever it is; absent if this one is not full"))))
)]
pub(crate) async fn overdue(
    _: Caller<Supporter>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    Params(params): Params<PageParams>,
) -> Result<(NextPage, Json<OverdueList>), ApiError> {
    let filter = RequestFilter {
        overdue: true,
        ..search_filter(&api.config, None)
    };
    let page = page(params.page_number, params.after, params.page_size)?;
    let rules = api.lease_rules();
    let total_count = api.store.count_requests(&filter, rules).await?;
    let page = page.of(total_count);
    let requests = api.store.requests(&filter, rules, page).await?;
    let now = Timestamp::now();
    let views = requests
        .iter()
        .map(|request| view_with_overdue(request, &api.config, now));
    let next = next_page(query.as_deref(), page, &requests);
    let list = OverdueList {
        threshold_seconds: api.config.overdue_after.as_secs(),
        total_count,
        requests: views.collect(),
    };
    Ok((next, Json(list)))
}

/// Count requests by status.
#[utoipa::path(
    get,
    path = "/api/subjectAccessRequests/summary",
    tag = "support",
    responses((status = 200, description = "How many stand where", body = RequestSummary))
)]
pub(crate) async fn summary(
    _: Caller<Supporter>,
    State(api): State<Api>,
) -> Result<Json<RequestSummary>, ApiError> {
    let filter = search_filter(&api.config, None);
    let counts = api.store.request_counts(&filter).await?;
    Ok(Json(RequestSummary {
        total_count: counts.total(),
        completed_count: counts.completed,
        errored_count: counts.errored,
        pending_count: counts.pending,
        overdue_count: counts.overdue,
    }))
}

/// Duplicate a request.
///
/// Makes a new pending request with the same details.
#[utoipa::path(
    post,
    path = "/api/subjectAccessRequests/{id}/duplicate",
    tag = "support",
    params(("id" = uuid::Uuid, Path, description = "The request to duplicate")),
    responses((status = 201, description = "The new request", body = DuplicateView,
        headers(("Location" = String, description = "Where the new request is"))))
)]
pub(crate) async fn duplicate(
    caller: Caller<Supporter>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
) -> Result<Response, ApiError> {
    let requested_by = &caller.principal.name;
    let request = api.store.duplicate_request(id, requested_by).await?;
    let view = DuplicateView {
        id: request.id.as_uuid(),
        original_id: id.as_uuid(),
        sar_case_reference_number: request.case_reference.reveal().to_owned().into(),
    };
    let location = [(LOCATION, request_path(request.id))];
    Ok((StatusCode::CREATED, location, Json(view)).into_response())
}

//! Everything, and the archive.

use axum::Json;
use axum::extract::{RawQuery, State};
use dossier_core::request::RequestStatus;
use dossier_core::wire::{
    AdminList, ArchivedRequestView, CancelRequest, DETAIL_CHARS_MAX, Problem, RequestView,
};
use dossier_core::{Private, RequestId};
use dossier_store::{PageKey, RequestFilter, StoreError};
use jiff::Timestamp;
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Administrator, Caller};
use crate::input::{Id, OptionalBody, Params, blank_is_absent};
use crate::paging::{NextPage, next_page, page};
use crate::problem::{ApiError, Kind};
use crate::requests::{search_filter, view_with_overdue};

/// Which requests are wanted. The four kinds are alternatives; none of them means all.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AdminParams {
    /// `true`: completed ones.
    #[serde(deserialize_with = "blank_is_absent")]
    completed: Option<bool>,
    /// `true`: errored ones.
    #[serde(deserialize_with = "blank_is_absent")]
    errored: Option<bool>,
    /// `true`: pending ones past the threshold.
    #[serde(deserialize_with = "blank_is_absent")]
    overdue: Option<bool>,
    /// `true`: pending ones within the threshold.
    #[serde(deserialize_with = "blank_is_absent")]
    pending: Option<bool>,
    /// Part of the case reference or the identifier, in any case. On PostgreSQL what has no three
    /// letters or digits in a row finds those that begin with it, as anything does where `/info` has
    /// the search `BEGINNING`.
    #[param(value_type = Option<String>)]
    search: Option<Private<String>>,
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

/// List all requests, with counts.
///
/// Newest first. The counts are of all that match the search; `filterCount` is of those that the
/// four kinds let through. A pending request past the threshold shows the status `Overdue`.
#[utoipa::path(
    get,
    path = "/api/admin/subjectAccessRequests",
    tag = "administration",
    params(AdminParams),
    responses((status = 200, description = "One page of them", body = AdminList,
        headers(("Link" = Option<String>, description = "`rel=\"next\"`: the page behind this one, \
            found as fast wherever it is; absent if this one is not full"))))
)]
pub(crate) async fn list(
    _: Caller<Administrator>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    Params(params): Params<AdminParams>,
) -> Result<(NextPage, Json<AdminList>), ApiError> {
    let page = page(params.page_number, params.after, params.page_size)?;
    let filter = RequestFilter {
        completed: params.completed.unwrap_or(false),
        errored: params.errored.unwrap_or(false),
        overdue: params.overdue.unwrap_or(false),
        pending: params.pending.unwrap_or(false),
        ..search_filter(&api.config, params.search)
    };
    let rules = api.lease_rules();
    let counts = api.store.request_counts(&filter).await?;
    // They were all counted for the others.
    let filter_count = match counts.of(&filter) {
        Some(count) => count,
        None => api.store.count_requests(&filter, rules).await?,
    };
    let page = page.of(filter_count);
    let requests = api.store.requests(&filter, rules, page).await?;
    let now = Timestamp::now();
    let views = requests
        .iter()
        .map(|request| view_with_overdue(request, &api.config, now));
    let next = next_page(query.as_deref(), page, &requests);
    let list = AdminList {
        total_count: counts.total(),
        completed_count: counts.completed,
        errored_count: counts.errored,
        pending_count: counts.pending,
        overdue_count: counts.overdue,
        filter_count,
        requests: views.collect(),
    };
    Ok((next, Json(list)))
}

/// Restart an errored request.
///
/// It is pending again, its attempts are counted from none and its clock starts anew. When it came
/// in stays, and so do its collected sections.
#[utoipa::path(
    patch,
    path = "/api/admin/subjectAccessRequests/{id}/restart",
    tag = "administration",
    params(("id" = uuid::Uuid, Path, description = "The request")),
    responses(
        (status = 200, description = "The request as it now is", body = RequestView),
        (status = 400, description = "The request is not errored",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn restart(
    _: Caller<Administrator>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
) -> Result<Json<RequestView>, ApiError> {
    match api.store.restart_request(id).await {
        Ok(request) => Ok(Json(RequestView::from(&request))),
        Err(StoreError::WrongStatus(status)) => Err(wrong_status(Kind::NotErrored, status)),
        Err(error) => Err(error.into()),
    }
}

/// Cancel a pending request.
///
/// It becomes Errored with the code CANCELLED. A worker that holds its lease loses it, and what it
/// stores for the request is deleted.
#[utoipa::path(
    patch,
    path = "/api/admin/subjectAccessRequests/{id}/cancel",
    tag = "administration",
    params(("id" = uuid::Uuid, Path, description = "The request")),
    request_body(content = CancelRequest, description = "May be left out"),
    responses(
        (status = 200, description = "The request as it now is", body = RequestView),
        (status = 409, description = "The request is not pending",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    caller: Caller<Administrator>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
    OptionalBody(body): OptionalBody<CancelRequest>,
) -> Result<Json<RequestView>, ApiError> {
    let reason = body.reason.unwrap_or_default();
    let reason: String = reason.trim().chars().take(DETAIL_CHARS_MAX).collect();
    let detail = if reason.is_empty() {
        format!("cancelled by {}", caller.principal.name)
    } else {
        reason
    };
    match api.store.cancel_request(id, &detail).await {
        Ok(request) => Ok(Json(RequestView::from(&request))),
        Err(StoreError::WrongStatus(status)) => Err(wrong_status(Kind::NotPending, status)),
        Err(error) => Err(error.into()),
    }
}

fn wrong_status(kind: Kind, status: RequestStatus) -> ApiError {
    ApiError::new(kind).detail(format!("the request is {}", status.as_str()))
}

/// Which archived requests are wanted.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArchiveParams {
    /// Part of the case reference or the identifier, in any case. On PostgreSQL what has no three
    /// letters or digits in a row finds those that begin with it, as anything does where `/info` has
    /// the search `BEGINNING`.
    #[param(value_type = Option<String>)]
    search: Option<Private<String>>,
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

/// List archived requests.
///
/// Newest first. Their reports are gone.
#[utoipa::path(
    get,
    path = "/api/admin/archivedSubjectAccessRequests",
    tag = "administration",
    params(ArchiveParams),
    responses((status = 200, description = "One page of them", body = [ArchivedRequestView],
        headers(("Link" = Option<String>, description = "`rel=\"next\"`: the page behind this one, \
            found as fast wherever it is; absent if this one is not full"))))
)]
pub(crate) async fn archive(
    _: Caller<Administrator>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    Params(params): Params<ArchiveParams>,
) -> Result<(NextPage, Json<Vec<ArchivedRequestView>>), ApiError> {
    let page = page(params.page_number, params.after, params.page_size)?;
    let filter = search_filter(&api.config, params.search);
    let search = filter.search.as_ref().map(|text| text.reveal().as_str());
    let archived = api.store.archived_requests(search, page).await?;
    let views = archived.iter().map(|entry| ArchivedRequestView {
        archived_at: entry.archived_at,
        request: RequestView::from(&entry.request),
    });
    let requests = archived.iter().map(|entry| &entry.request);
    let next = next_page(query.as_deref(), page, requests);
    Ok((next, Json(views.collect())))
}

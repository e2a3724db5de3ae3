//! Making requests and looking at them.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use dossier_core::request::{IdempotencyKey, Priority, Request, RequestStatus};
use dossier_core::wire::{CreateRequest, IDEMPOTENCY_KEY_CHARS_MAX, Problem, RequestView};
use dossier_core::{Private, RequestId};
use dossier_store::{Created, PageKey, RequestFilter};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::api::{Api, ApiConfig};
use crate::auth::{Caller, Requester};
use crate::input::{Body, Id, Params, blank_is_absent};
use crate::new_request::{Circumstances, validate};
use crate::paging::{NextPage, next_page, page};
use crate::problem::{ApiError, Kind};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Make a subject access request.
///
/// Answers the new request's identifier: as plain text, or as a JSON string if `Accept` lists
/// `application/json`. With an `Idempotency-Key`, a repeat of the same call by the same caller
/// answers the first one's identifier, again with 201, and with `Idempotent-Replayed: true`.
#[utoipa::path(
    post,
    path = "/api/subjectAccessRequest",
    tag = "requests",
    request_body = CreateRequest,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII \
            characters, new for every new request")
    ),
    responses(
        (status = 201, description = "The request is made, or was made before with this key",
            content((String = "text/plain"), (uuid::Uuid = "application/json")),
            headers(
                ("Location" = String, description = "Where the request is"),
                ("Idempotent-Replayed" = String, description = "`true` for a repeat"))),
        (status = 400, description = "What is asked for breaks a rule; `errors` lists all",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key was used for a request with other details",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    caller: Caller<Requester>,
    State(api): State<Api>,
    headers: HeaderMap,
    Body(body): Body<CreateRequest>,
) -> Result<Response, ApiError> {
    let requested_by = caller.principal.name;
    let key = idempotency_key(&headers, &body)?;
    if let Some(key) = &key
        && let Some(id) = api.store.first_result(&requested_by, key).await?
    {
        // Whatever has changed since: a call that was good then is not judged again.
        let repeat = Created { id, repeated: true };
        return Ok(created_response(&headers, repeat));
    }
    let circumstances = Circumstances {
        catalogue: &api.store.services().await?,
        today: api.config.time_zone.to_datetime(Timestamp::now()).date(),
        requested_by,
        idempotency_key: key,
    };
    let new = validate(&body, circumstances)
        .map_err(|problems| ApiError::of_fields(Kind::ValidationFailed, problems))?;
    let created = api.store.create_request(new).await?;
    Ok(created_response(&headers, created))
}

fn idempotency_key(
    headers: &HeaderMap,
    body: &CreateRequest,
) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let fits = value.len() <= IDEMPOTENCY_KEY_CHARS_MAX
        && !value.is_empty()
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if fits => Ok(Some(IdempotencyKey {
            key: key.to_owned(),
            sent: fingerprint(body),
        })),
        _ => Err(ApiError::of_field(
            Kind::InvalidParameter,
            "Idempotency-Key",
            format!(
                "the Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII \
                 characters"
            ),
        )),
    }
}

/// SHA-256 of what was sent, without the spaces around texts and whatever the services' order.
fn fingerprint(body: &CreateRequest) -> [u8; 32] {
    let trimmed = |text: &Option<Private<String>>| {
        let text = text.as_ref().map(|text| text.reveal().trim());
        text.map(str::to_owned)
    };
    let mut services: Vec<&str> = body.services.iter().map(|name| name.trim()).collect();
    services.sort_unstable();
    let mut sent = serde_json::json!([
        body.date_from,
        body.date_to,
        trimmed(&body.sar_case_reference_number),
        services,
        trimmed(&body.nomis_id),
        trimmed(&body.ndelius_id),
        trimmed(&body.subject_name),
    ]);
    // What says nothing of a priority is told from other calls as it was before there were any.
    if let (Some(parts), Some(priority)) = (sent.as_array_mut(), body.priority)
        && priority != Priority::Normal
    {
        parts.push(priority.as_str().into());
    }
    Sha256::digest(sent.to_string()).into()
}

fn created_response(headers: &HeaderMap, created: Created) -> Response {
    let id = created.id.to_string();
    let (content_type, body) = if accepts_json(headers) {
        ("application/json", format!("\"{id}\""))
    } else {
        ("text/plain; charset=utf-8", id.clone())
    };
    let content_type = HeaderValue::from_static(content_type);
    let mut response = (
        StatusCode::CREATED,
        [(CONTENT_TYPE, content_type)],
        [(LOCATION, request_path(created.id))],
        body,
    )
        .into_response();
    if created.repeated {
        let replayed = HeaderValue::from_static("true");
        response
            .headers_mut()
            .insert(&IDEMPOTENT_REPLAYED, replayed);
    }
    response
}

/// Where a request is.
pub(crate) fn request_path(id: RequestId) -> String {
    format!("/api/subjectAccessRequest/{id}")
}

/// Whether the caller lists JSON by name, and does not refuse it (RFC 9110, section 12.5.1).
fn accepts_json(headers: &HeaderMap) -> bool {
    let values = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|v| v.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_json = parts
            .next()
            .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
        let is_refused = parts.any(|parameter| {
            let quality = parameter
                .strip_prefix("q=")
                .and_then(|q| q.parse::<f32>().ok());
            quality == Some(0.0)
        });
        is_json && !is_refused
    })
}

/// Show a request.
#[utoipa::path(
    get,
    path = "/api/subjectAccessRequest/{id}",
    tag = "requests",
    params(("id" = uuid::Uuid, Path, description = "The request")),
    responses((status = 200, description = "The request", body = RequestView))
)]
pub(crate) async fn show(
    _: Caller<Requester>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
) -> Result<Json<RequestView>, ApiError> {
    let request = find(&api, id).await?;
    Ok(Json(RequestView::from(&request)))
}

pub(crate) async fn find(api: &Api, id: RequestId) -> Result<Request, ApiError> {
    let found = api.store.request(id).await?;
    found.ok_or_else(|| ApiError::not_found("request"))
}

/// What a list of requests is to hold.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
#[derive(Default)]
pub(crate) struct ListParams {
    /// `true`: only those that a worker may claim now.
    #[serde(deserialize_with = "blank_is_absent")]
    unclaimed: Option<bool>,
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

/// List requests.
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/subjectAccessRequests",
    tag = "requests",
    params(ListParams),
    responses((status = 200, description = "One page of them", body = [RequestView],
        headers(("Link" = Option<String>, description = "`rel=\"next\"`: the page behind this one, \
            found as fast wherever it is; absent if this one is not full"))))
)]
pub(crate) async fn list(
    _: Caller<Requester>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    Params(params): Params<ListParams>,
) -> Result<(NextPage, Json<Vec<RequestView>>), ApiError> {
    let filter = RequestFilter {
        claimable: params.unclaimed.unwrap_or(false),
        ..search_filter(&api.config, params.search)
    };
    let page = page(params.page_number, params.after, params.page_size)?;
    let requests = api.store.requests(&filter, api.lease_rules(), page).await?;
    let next = next_page(query.as_deref(), page, &requests);
    let views = requests.iter().map(RequestView::from);
    Ok((next, Json(views.collect())))
}

/// A filter for what matches the search; a blank search matches everything.
pub(crate) fn search_filter(config: &ApiConfig, search: Option<Private<String>>) -> RequestFilter {
    RequestFilter {
        overdue_after: config.overdue_after,
        search: search
            .map(|text| text.reveal().trim().to_owned())
            .filter(|text| !text.is_empty())
            .map(Private::new),
        ..RequestFilter::default()
    }
}

/// What requests are to be counted.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// Part of the case reference or the identifier, in any case. On PostgreSQL what has no three
    /// letters or digits in a row finds those that begin with it, as anything does where `/info` has
    /// the search `BEGINNING`.
    #[param(value_type = Option<String>)]
    search: Option<Private<String>>,
}

/// Count requests.
#[utoipa::path(
    get,
    path = "/api/totalSubjectAccessRequests",
    tag = "requests",
    params(SearchParams),
    responses((status = 200, description = "How many match", body = u64))
)]
pub(crate) async fn total(
    _: Caller<Requester>,
    State(api): State<Api>,
    Params(params): Params<SearchParams>,
) -> Result<Json<u64>, ApiError> {
    let filter = search_filter(&api.config, params.search);
    let total = api.store.count_requests(&filter, api.lease_rules()).await?;
    Ok(Json(total))
}

/// The request as support and administration see it: a pending one past the threshold is `Overdue`.
pub(crate) fn view_with_overdue(
    request: &Request,
    config: &ApiConfig,
    now: Timestamp,
) -> RequestView {
    let mut view = RequestView::from(request);
    let age = now.duration_since(request.clock_started_at);
    let is_old = age.unsigned_abs() > config.overdue_after && age.is_positive();
    if request.status == RequestStatus::Pending && is_old {
        view.status = "Overdue".to_owned();
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_answered_to_those_who_name_it() {
        for (accept, expected) in [
            ("application/json", true),
            ("application/json, text/plain, */*", true),
            ("text/html;q=0.9, Application/JSON;q=0.1", true),
            ("*/*", false),
            ("text/plain", false),
            ("application/json;q=0", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts_json(&headers), expected, "{accept}");
        }
        assert!(!accepts_json(&HeaderMap::new()));
    }
}

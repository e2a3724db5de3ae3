//! The catalogue of services that hold data.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use dossier_core::ids::InvalidServiceName;
use dossier_core::service::{InvalidService, ServiceDetails};
use dossier_core::wire::{Problem, ServiceBody, ServiceView};
use dossier_core::{ServiceId, ServiceName};
use dossier_store::StoreError;
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Anybody, Caller, Cataloguer};
use crate::input::{Body, Id, Params};
use crate::problem::{ApiError, Kind, field_problem};

/// List services.
///
/// By name.
#[utoipa::path(
    get,
    path = "/api/services",
    tag = "services",
    responses((status = 200, description = "All services", body = [ServiceView]))
)]
pub(crate) async fn list(
    _: Caller<Anybody>,
    State(api): State<Api>,
) -> Result<Json<Vec<ServiceView>>, ApiError> {
    let services = api.store.services().await?;
    Ok(Json(services.iter().map(ServiceView::from).collect()))
}

/// Show a service.
#[utoipa::path(
    get,
    path = "/api/services/{id}",
    tag = "services",
    params(("id" = uuid::Uuid, Path, description = "The service")),
    responses((status = 200, description = "The service", body = ServiceView))
)]
pub(crate) async fn show(
    _: Caller<Anybody>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
) -> Result<Json<ServiceView>, ApiError> {
    let services = api.store.services().await?;
    let service = services.iter().find(|service| service.id == id);
    service
        .map(|service| Json(ServiceView::from(service)))
        .ok_or_else(|| ApiError::not_found("service"))
}

/// Add a service.
#[utoipa::path(
    post,
    path = "/api/services",
    tag = "services",
    request_body = ServiceBody,
    responses(
        (status = 201, description = "The new service", body = ServiceView,
            headers(("Location" = String, description = "Where the new service is"))),
        (status = 409, description = "Another service has this name",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn add(
    _: Caller<Cataloguer>,
    State(api): State<Api>,
    Body(body): Body<ServiceBody>,
) -> Result<Response, ApiError> {
    let service = api.store.add_service(details(body)?).await?;
    let location = [(LOCATION, format!("/api/services/{}", service.id))];
    let view = Json(ServiceView::from(&service));
    Ok((StatusCode::CREATED, location, view).into_response())
}

/// Replace a service's details.
///
/// Whether it is suspended stays.
#[utoipa::path(
    put,
    path = "/api/services/{id}",
    tag = "services",
    params(("id" = uuid::Uuid, Path, description = "The service")),
    request_body = ServiceBody,
    responses(
        (status = 200, description = "The service as it now is", body = ServiceView),
        (status = 409, description = "Another service has this name",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn update(
    _: Caller<Cataloguer>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
    Body(body): Body<ServiceBody>,
) -> Result<Json<ServiceView>, ApiError> {
    let updated = api.store.update_service(id, details(body)?).await;
    let service = updated.map_err(refusal)?;
    Ok(Json(ServiceView::from(&service)))
}

fn refusal(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::not_found("service"),
        error => error.into(),
    }
}

fn details(body: ServiceBody) -> Result<ServiceDetails, ApiError> {
    let name = body.name.trim().parse::<ServiceName>();
    let name = name.map_err(|error: InvalidServiceName| field_problem("name", error.to_string()));
    let refused = |field| move |error: InvalidService| field_problem(field, error.to_string());
    let label = ServiceDetails::parse_label(&body.label).map_err(refused("label"));
    let url = ServiceDetails::parse_url(&body.url).map_err(refused("url"));
    match (name, label, url) {
        (Ok(name), Ok(label), Ok(url)) => Ok(ServiceDetails {
            name,
            label,
            url,
            enabled: body.enabled,
            template_migrated: body.template_migrated,
            category: body.category,
            rank: body.rank,
        }),
        (name, label, url) => {
            let problems = [name.err(), label.err(), url.err()];
            let problems = problems.into_iter().flatten().collect();
            Err(ApiError::of_fields(Kind::ValidationFailed, problems))
        }
    }
}

/// Whether a service is to be suspended.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SuspendParams {
    /// `true` suspends, `false` resumes.
    suspended: bool,
}

/// Suspend or resume a service.
///
/// Requests wait for a suspended service, and go on when it is resumed.
#[utoipa::path(
    patch,
    path = "/api/services/{id}/suspend",
    tag = "services",
    params(("id" = uuid::Uuid, Path, description = "The service"), SuspendParams),
    responses((status = 200, description = "The service as it now is", body = ServiceView))
)]
pub(crate) async fn suspend(
    _: Caller<Cataloguer>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
    Params(params): Params<SuspendParams>,
) -> Result<Json<ServiceView>, ApiError> {
    let suspended = api.store.suspend_service(id, params.suspended).await;
    let service = suspended.map_err(refusal)?;
    Ok(Json(ServiceView::from(&service)))
}

//! Versions of services' templates: registering, looking at them, and finding out which one a
//! service serves.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use dossier_core::wire::{
    Problem, ResolveTemplate, ResolvedTemplate, ServiceTemplateView, TemplateVersionView,
    ValidTemplateView,
};
use dossier_core::{RequestId, ServiceId, Sha256Hex};
use dossier_store::StoreError;
use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;

use crate::api::Api;
use crate::auth::{Caller, Registrar, Worker};
use crate::input::{Body, Id, Named, path_part};
use crate::leases::lease_first;
use crate::problem::{ApiError, Kind};
use crate::template_file::{TemplateFile, TemplateForm, digest};

/// List the versions of a service's template.
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/templates/service/{id}",
    tag = "templates",
    params(("id" = uuid::Uuid, Path, description = "The service")),
    responses((status = 200, description = "All versions", body = [TemplateVersionView]))
)]
pub(crate) async fn history(
    _: Caller<Registrar>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
) -> Result<Json<Vec<TemplateVersionView>>, ApiError> {
    let versions = api.store.template_versions(id).await;
    let versions = versions.map_err(|error| missing(error, "service"))?;
    Ok(Json(
        versions.iter().map(TemplateVersionView::from).collect(),
    ))
}

/// Register a version of a service's template.
///
/// It is PENDING until the service is first seen serving it, and takes the number after the latest
/// published version's, in place of the pending one that may be there. A template that is the latest
/// published version, or the pending one, byte for byte is not registered again: that version is
/// answered, with 200.
#[utoipa::path(
    post,
    path = "/api/templates/service/{id}",
    tag = "templates",
    params(("id" = uuid::Uuid, Path, description = "The service")),
    request_body(content = TemplateForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The version that it is already", body = TemplateVersionView),
        (status = 201, description = "The new version", body = TemplateVersionView,
            headers(("Location" = String, description = "Where its text is"))),
        (status = 400, description = "The template cannot be used: `errors` has line and column",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn register(
    caller: Caller<Registrar>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
    file: TemplateFile,
) -> Result<Response, ApiError> {
    let content = file.checked(&api)?;
    let sha256 = digest(&content);
    let registration = api.store.register_template(id, &sha256, &content).await;
    let registration = registration.map_err(|error| missing(error, "service"))?;
    let template = registration.template;
    let view = Json(TemplateVersionView::from(&template));
    if registration.repeated {
        return Ok(view.into_response());
    }
    tracing::info!(
        service_id = %id,
        version = template.version,
        sha256 = %template.sha256,
        registered_by = caller.principal.name,
        "a template version was registered"
    );
    let path = format!("/api/templates/service/{id}/{}", template.version);
    Ok((StatusCode::CREATED, [(LOCATION, path)], view).into_response())
}

/// Show the text of a version.
///
/// Byte for byte as it was registered; `ETag` is its SHA-256.
#[utoipa::path(
    get,
    path = "/api/templates/service/{id}/{version}",
    tag = "templates",
    params(
        ("id" = uuid::Uuid, Path, description = "The service"),
        ("version" = u32, Path, description = "The version's number, from 1", minimum = 1),
    ),
    responses((status = 200, description = "Its text", body = String,
        content_type = "text/plain; charset=utf-8"))
)]
pub(crate) async fn content(
    _: Caller<Registrar>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
    Version(version): Version,
) -> Result<Response, ApiError> {
    let found = api.store.template_content(id, version).await;
    let (template, content) = found.map_err(|error| missing(error, "template version"))?;
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (ETAG, format!("\"{}\"", template.sha256)),
    ];
    Ok((headers, content).into_response())
}

/// Check a template without registering it.
#[utoipa::path(
    post,
    path = "/api/templates/validate",
    tag = "templates",
    request_body(content = TemplateForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "It can be registered", body = ValidTemplateView),
        (status = 400, description = "The template cannot be used: `errors` has line and column",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn validate(
    _: Caller<Registrar>,
    State(api): State<Api>,
    file: TemplateFile,
) -> Result<Json<ValidTemplateView>, ApiError> {
    let content = file.checked(&api)?;
    Ok(Json(ValidTemplateView {
        file_hash: digest(&content).to_string(),
        size: content.len() as u64,
    }))
}

/// Show how the services' templates are.
///
/// Of enabled services that serve their own template, by name, as they were when they were last
/// asked; services that were not asked so far are not listed.
#[utoipa::path(
    get,
    path = "/api/templates/health",
    tag = "templates",
    responses((status = 200, description = "How they are", body = [ServiceTemplateView]))
)]
pub(crate) async fn health(
    _: Caller<Registrar>,
    State(api): State<Api>,
) -> Result<Json<Vec<ServiceTemplateView>>, ApiError> {
    let all = api.store.template_health().await?;
    Ok(Json(all.iter().map(ServiceTemplateView::from).collect()))
}

/// Find out which version a service serves.
///
/// For the holder of the request's lease. The latest published version is looked at first, then the
/// pending one, which is published by this.
#[utoipa::path(
    post,
    path = "/api/subjectAccessRequests/{id}/services/{name}/template",
    tag = "work",
    params(
        ("id" = uuid::Uuid, Path, description = "The request"),
        ("name" = String, Path, description = "The service"),
    ),
    request_body = ResolveTemplate,
    responses(
        (status = 200, description = "The version", body = ResolvedTemplate),
        (status = 409, description = "The lease is lost, or the request finished: stop working. \
            Or, with the type `urn:dossier:problem:template-not-registered`: the template is not \
            registered, or an old version; `template` has the digests",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resolve(
    _: Caller<Worker>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
    Named(service): Named,
    Body(body): Body<ResolveTemplate>,
) -> Result<Json<ResolvedTemplate>, ApiError> {
    let token = body.lease_token;
    let sha256: Sha256Hex = match body.sha256.parse() {
        Ok(sha256) => sha256,
        Err(error) => {
            let error: dossier_core::document::InvalidSha256 = error;
            let error = ApiError::of_field(Kind::ValidationFailed, "sha256", error.to_string());
            return Err(lease_first(&api, id, token, error).await);
        }
    };
    let resolved = api.store.resolve_template(id, token, &service, &sha256);
    let template = resolved.await?;
    Ok(Json(ResolvedTemplate {
        version: template.version,
        status: template.status,
    }))
}

fn missing(error: StoreError, what: &str) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::not_found(what),
        error => error.into(),
    }
}

/// The number in the path: its part `{version}`.
pub(crate) struct Version(u32);

impl FromRequestParts<Api> for Version {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let text = path_part(parts, api, "version").await?;
        let number = text.parse().ok().filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| {
            let message = "the version must be a number from 1";
            ApiError::of_field(Kind::InvalidParameter, "version", message)
        })
    }
}

//! JSON Schemas of what services answer: the titles that their sections are printed with.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dossier_core::ServiceId;
use dossier_core::schema::{ContentSchema, SCHEMA_BYTES_MAX, StoredSchema};
use dossier_core::wire::{Problem, SchemaView};
use dossier_store::StoreError;
use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS};

use crate::api::Api;
use crate::auth::{Anybody, Caller, Registrar};
use crate::input::{Id, is_json, read_body};
use crate::problem::{ApiError, Kind, schema_problem};
use crate::template_file::digest;

/// The media type of a schema.
const SCHEMA_JSON: &str = "application/schema+json";

/// Show a service's JSON Schema.
///
/// Byte for byte as it was received; `ETag` is its SHA-256.
#[utoipa::path(
    get,
    path = "/api/services/{id}/schema",
    tag = "services",
    params(("id" = uuid::Uuid, Path, description = "The service")),
    responses((status = 200, description = "The schema", body = serde_json::Value,
        content_type = "application/schema+json"))
)]
pub(crate) async fn show(
    _: Caller<Anybody>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
) -> Result<Response, ApiError> {
    let found = api.store.schema(id).await;
    let schema = found.map_err(|error| missing(error, "schema"))?;
    let headers = [
        (CONTENT_TYPE, SCHEMA_JSON.to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (ETAG, format!("\"{}\"", schema.sha256)),
    ];
    Ok((headers, schema.content).into_response())
}

/// Set a service's JSON Schema.
///
/// The schema of its `content`, at most 1 MiB: its titles are the words that a section is printed
/// with where no template words it. It replaces the one that may be there. References must lead to
/// places within it; keywords that are of no use for this are not looked at.
#[utoipa::path(
    put,
    path = "/api/services/{id}/schema",
    tag = "services",
    params(("id" = uuid::Uuid, Path, description = "The service")),
    request_body = serde_json::Value,
    responses(
        (status = 200, description = "The schema that it now has", body = SchemaView),
        (status = 400, description = "The schema cannot be used: `errors` has a JSON Pointer",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn set(
    caller: Caller<Registrar>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
    SchemaFile(content): SchemaFile,
) -> Result<Json<SchemaView>, ApiError> {
    let schema = StoredSchema {
        sha256: digest(&content),
        content: content.into(),
    };
    let put = api.store.put_schema(id, &schema).await;
    put.map_err(|error| missing(error, "service"))?;
    tracing::info!(
        service_id = %id,
        sha256 = %schema.sha256,
        set_by = caller.principal.name,
        "a service's schema was set"
    );
    Ok(Json(SchemaView {
        service_id: id.as_uuid(),
        sha256: schema.sha256.to_string(),
        bytes: schema.content.len() as u64,
    }))
}

/// Remove a service's JSON Schema.
#[utoipa::path(
    delete,
    path = "/api/services/{id}/schema",
    tag = "services",
    params(("id" = uuid::Uuid, Path, description = "The service")),
    responses((status = 204, description = "It is gone"))
)]
pub(crate) async fn remove(
    caller: Caller<Registrar>,
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
) -> Result<StatusCode, ApiError> {
    let removed = api.store.remove_schema(id).await;
    removed.map_err(|error| missing(error, "schema"))?;
    tracing::info!(
        service_id = %id,
        removed_by = caller.principal.name,
        "a service's schema was removed"
    );
    Ok(StatusCode::NO_CONTENT)
}

fn missing(error: StoreError, what: &str) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::not_found(what),
        error => error.into(),
    }
}

/// A schema as it was received, which can be used.
pub(crate) struct SchemaFile(Bytes);

impl FromRequest<Api> for SchemaFile {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(Kind::UnsupportedMediaType).detail(
                "the body must be JSON, with Content-Type: application/schema+json or \
                 application/json",
            ));
        }
        let content = read_body(request, api, SCHEMA_BYTES_MAX).await?;
        match ContentSchema::parse(&content) {
            Ok(_) => Ok(Self(content)),
            Err(problem) => Err(schema_problem(&problem)),
        }
    }
}

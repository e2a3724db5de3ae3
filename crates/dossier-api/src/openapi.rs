//! The description of the API (OpenAPI 3.1), generated from the routes, and its pages.

use std::fmt::Write;

use axum::Router;
use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{Kind, PROBLEM_JSON};
use crate::router::described_routes;

/// Where the description is served.
pub const DESCRIPTION_PATH: &str = "/api-docs/openapi.json";
/// Where its pages are served.
pub const PAGES_PATH: &str = "/swagger-ui";

/// The name of the security scheme.
const BEARER: &str = "bearer";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Dossier"),
    components(schemas(dossier_core::wire::Problem)),
    tags(
        (name = "requests", description = "Subject access requests and their reports"),
        (name = "work", description = "Claiming requests, and working on them under a lease"),
        (name = "support", description = "Looking after what is stuck"),
        (name = "administration", description = "Everything, and the archive"),
        (name = "services", description = "The catalogue of services that hold data"),
        (name = "templates", description = "Versions of services' templates"),
        (name = "reference", description = "The names of prisons, users and locations behind codes"),
        (name = "operation", description = "Health and version; no token needed"),
    )
)]
struct Frame;

/// The part of the description that is not generated from routes.
pub(crate) fn frame() -> OpenApi {
    Frame::openapi()
}

/// The description of the whole API.
pub fn description() -> OpenApi {
    complete(described_routes().into_openapi())
}

/// The description, and the pages that show it. Everything is part of the program: no page loads
/// anything from elsewhere.
pub(crate) fn pages<S: Clone + Send + Sync + 'static>(routes: OpenApi) -> Router<S> {
    SwaggerUi::new(PAGES_PATH)
        .config(Config::new([DESCRIPTION_PATH]).validator_url("none"))
        .url(DESCRIPTION_PATH, complete(routes))
        .into()
}

/// Adds what holds for all operations: the version, the token, and the problems that any may have.
fn complete(mut api: OpenApi) -> OpenApi {
    api.info.version = env!("CARGO_PKG_VERSION").to_owned();
    api.info.description = Some(introduction());
    if let Some(components) = api.components.as_mut() {
        components.add_security_scheme(
            BEARER,
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        );
    }
    for (path, item) in &mut api.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            if path.starts_with("/api/") {
                add_security(operation);
                add_problems(path, operation);
            }
        }
    }
    api
}

fn introduction() -> String {
    let mut text = String::from(
        "Makes, works on, and answers subject access requests.\n\n\
         Times are in UTC (RFC 3339), dates are `YYYY-MM-DD`, sizes are bytes. Every answer names \
         its call in `x-request-id`.\n\n\
         Every error is a problem document (RFC 9457) of one of these types:\n\n\
         | type | status | title |\n| --- | --- | --- |\n",
    );
    for kind in Kind::ALL {
        let (uri, status, title) = (kind.uri(), kind.status().as_u16(), kind.title());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{uri}` | {status} | {title} |");
    }
    text
}

fn add_security(operation: &mut Operation) {
    let none: [&str; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new(BEARER, none)]);
}

fn add_problems(path: &str, operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let has_parameters = operation.parameters.as_ref().is_some_and(|p| !p.is_empty());
    let mut kinds = vec![
        Kind::Unauthenticated,
        Kind::Forbidden,
        Kind::Internal,
        Kind::Unavailable,
    ];
    if has_body {
        kinds.extend([
            Kind::InvalidBody,
            Kind::BodyTimeout,
            Kind::BodyTooLarge,
            Kind::UnsupportedMediaType,
        ]);
    }
    if has_parameters {
        kinds.push(Kind::InvalidParameter);
    }
    if path.contains("{id}") {
        kinds.push(Kind::NotFound);
    }
    let responses = &mut operation.responses.responses;
    for kind in kinds {
        responses
            .entry(kind.status().as_str().to_owned())
            .or_insert_with(|| RefOr::T(problem(kind)));
    }
}

fn problem(kind: Kind) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(kind.title())
        .content(PROBLEM_JSON, content)
        .build()
}

//! The list of all routes, and what surrounds each.

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;
use crate::reference::handlers as reference;
use crate::{
    admin, batches, claims, health, leases, observe, openapi, report, requests, schemas, services,
    support, templates,
};

/// Every route that the API describes.
pub(crate) fn described_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::frame())
        // People's tools
        .routes(routes!(requests::create))
        .routes(routes!(requests::show))
        .routes(routes!(requests::list))
        .routes(routes!(requests::total))
        .routes(routes!(report::download))
        // Workers
        .routes(routes!(claims::claim_oldest))
        .routes(routes!(claims::claim_one))
        .routes(routes!(leases::renew))
        .routes(routes!(leases::release))
        .routes(routes!(leases::record_section))
        .routes(routes!(templates::resolve))
        .routes(routes!(leases::complete))
        .routes(routes!(batches::renew))
        .routes(routes!(batches::complete))
        // Support
        .routes(routes!(support::overdue))
        .routes(routes!(support::summary))
        .routes(routes!(support::duplicate))
        // Administration
        .routes(routes!(admin::list))
        .routes(routes!(admin::restart))
        .routes(routes!(admin::cancel))
        .routes(routes!(admin::archive))
        // The catalogue
        .routes(routes!(services::list, services::add))
        .routes(routes!(services::show, services::update))
        .routes(routes!(services::suspend))
        .routes(routes!(schemas::show, schemas::set, schemas::remove))
        // Templates
        .routes(routes!(templates::history, templates::register))
        .routes(routes!(templates::content))
        .routes(routes!(templates::validate))
        .routes(routes!(templates::health))
        // Reference data
        .routes(routes!(reference::list))
        .routes(routes!(reference::import, reference::remove))
        .routes(routes!(reference::refresh))
        .routes(routes!(reference::look_up))
        // Operation
        .routes(routes!(health::health))
        .routes(routes!(health::liveness))
        .routes(routes!(health::readiness))
        .routes(routes!(health::info))
}

/// The API as a router: all routes, their description, and what surrounds them.
pub fn router(api: Api) -> axum::Router {
    let body_bytes_max = api.config.limits.body_bytes_max;
    let (routes, description) = described_routes().split_for_parts();
    routes
        .merge(openapi::pages(description))
        .fallback(observe::no_such_path)
        .method_not_allowed_fallback(observe::wrong_method)
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(
            api.metrics.clone(),
            observe::observe,
        ))
        .with_state(api)
}

//! The HTTP API of Dossier, its OpenAPI description, and the housekeeping that runs beside it.
//!
//! The API is how everything but the database is reached: people's tools make requests and fetch
//! reports, workers claim requests and complete them. It promises that whatever it answers with an
//! error is a problem document (RFC 9457) of a stable type, that no error and no log line holds
//! personal data, and that a worker's write goes through if and only if its lease is the current one.
//!
//! - [`api`]: what the API is made of, and its limits
//! - [`auth`]: who calls, and what they may do: the one place for authentication
//! - [`problem`]: every kind of error that the API answers
//! - [`router`](mod@router): the list of all routes, and what surrounds each
//! - [`server`]: connections, and how they end
//! - [`openapi`]: the description, generated from the routes
//! - [`housekeeping`]: what happens without anybody asking for it
//! - [`metrics`]: what is measured, and the page that shows it
//! - [`mod@reference`]: the names behind codes, and the sources that they come from
//! - [`template_watch`]: whether services serve the templates that are registered
//!
//! The other modules hold the handlers, a resource each.

mod admin;
pub mod api;
pub mod auth;
mod batches;
mod claims;
mod health;
pub mod housekeeping;
mod input;
mod leases;
mod measured_store;
pub mod metrics;
mod new_request;
mod observe;
pub mod openapi;
mod paging;
pub mod problem;
pub mod reference;
mod report;
mod requests;
pub mod router;
mod schemas;
pub mod server;
mod services;
mod support;
mod template_file;
pub mod template_watch;
mod templates;

pub use api::{Api, ApiConfig, BearerProvider, Limits, TemplateProblem, TemplateValidator};
pub use auth::{Authenticator, Principal, Role, StaticToken};
pub use housekeeping::{Housekeeper, HousekeepingRules, Sweep};
pub use metrics::{ApiMetrics, LivenessCheck, serve_metrics};
pub use reference::{ReferenceConfig, ReferenceKeeper, ReferenceRules};
pub use router::router;
pub use server::serve;
pub use template_watch::{TemplateLook, TemplateWatch, TemplateWatchRules};

//! The worker: poll, claim, renew, collect, render, upload, complete.
//!
//! A [`Worker`] asks the API for requests that are due, takes their leases, fetches every service's
//! answer side by side, has the report made, stores it and marks the request complete. It promises:
//!
//! - Every write carries the token of the lease. Once the lease is lost, or would be by the worker's
//!   own clock, the attempt ends at once and its files are gone.
//! - No answer is ever held whole in memory: it goes to a private folder as it arrives, and that
//!   folder is removed when the attempt ends, however it ends.
//! - A section that was collected is kept in the document store, so that no later attempt has to
//!   fetch it again.
//! - Logs, errors and failure texts name requests and services, never a person.
//!
//! Where to look:
//!
//! - [`config`]: every setting and every limit
//! - [`api`]: the API's client, which the command line uses too
//! - `worker`: polling, slots and shutting down
//! - `attempt`: one claim from start to end; `lease`: what it knows of its lease; `renewals`: keeping
//!   all leases alive
//! - `collect`: one section, with tries and pauses; `fetch`: one try, as the upstream contract says;
//!   `attachment`: one try to get a file that an answer lists
//! - `template`: a service's own template; `looked_up`: the names and images that one asks for;
//!   `schema`: the titles of sections that no template words
//! - `kept`: an answer with its attachments as one document, for later attempts; `archive`: writing
//!   zip files
//! - `token`: the bearer token for upstream services
//! - `name`: the look-up of the data subject's name
//! - `spool`: the private folder for answers on their way
//! - `rendering`: the few calls into `dossier-report`; `package`: the answers and attachments beside
//!   the report
//! - [`metrics`]: what is measured; `liveness`: whether the poll loop goes on
//! - [`probe`]: single calls to a service, for those who test it
//! - `connection`: HTTP clients and what can go wrong with a connection; `retry`: pauses

pub mod api;
mod archive;
mod attachment;
mod attempt;
mod collect;
pub mod config;
mod connection;
mod fetch;
mod kept;
mod lease;
mod liveness;
mod looked_up;
pub mod metrics;
mod name;
mod package;
mod panics;
pub mod probe;
mod rendering;
mod renewals;
mod retry;
mod schema;
mod spool;
mod template;
mod token;
mod worker;

pub use api::{ApiClient, ApiError};
pub use config::{InvalidConfig, WorkerConfig};
pub use connection::{ClientError, http_client, install_tls_provider, upstream_client};
pub use liveness::{Liveness, NotLive};
pub use metrics::WorkerMetrics;
pub use package::PackageContents;
pub use panics::hide_panic_messages;
pub use rendering::ReportSettings;
pub use template::{LegacyTemplatesError, check_legacy_templates};
pub use token::{TokenError, TokenSource, UpstreamTokens};
pub use worker::{StartError, Worker};

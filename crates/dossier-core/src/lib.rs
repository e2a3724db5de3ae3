//! The vocabulary of subject access requests and the rules of their state machine.
//!
//! Every other crate speaks in these words. There is no I/O here: what a request, a service, a
//! section, a lease and a document *are*, what makes one valid, and which step may follow which.
//! Personal data lives in types whose `Debug` and `Display` hide it, so that it cannot slip into a
//! log, a trace or an error text.
//!
//! - [`ids`]: identifiers that parse or fail
//! - [`private`]: the wrapper that hides personal data
//! - [`subject`]: whom a request is about, and the case it belongs to
//! - [`service`]: the catalogue of services that hold data
//! - [`request`]: a subject access request and its life
//! - [`section`]: what one service contributes to a request
//! - [`lease`]: the lock on a request, and why one is refused
//! - [`document`]: stored files and the identifiers an attempt may use
//! - [`template`]: registered versions of services' templates
//! - [`template_health`]: whether services serve the templates that are registered
//! - [`schema`]: what a service's JSON Schema says for readers
//! - [`mod@reference`]: the names behind codes
//! - [`wire`]: the JSON that travels between the API and its clients

pub mod document;
pub mod ids;
pub mod lease;
pub mod private;
pub mod reference;
pub mod request;
pub mod schema;
pub mod section;
pub mod service;
pub mod subject;
pub mod template;
pub mod template_health;
pub mod wire;

pub use document::{DocumentKind, FinishedDocument, KeptDocument, Sha256Hex};
pub use ids::{DocumentId, LeaseToken, RequestId, ServiceId, ServiceName, TemplateId};
pub use private::Private;

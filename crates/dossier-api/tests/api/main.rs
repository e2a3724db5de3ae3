//! The API's specification: every behaviour through real HTTP, on a real database and real files.
//! A file is a behaviour.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod admin;
mod batches;
mod claims;
mod completion;
mod creation;
mod documents;
mod harness;
mod health;
mod housekeeping;
mod idempotency;
mod leases;
mod openapi;
mod outages;
mod problems;
mod reference;
mod reference_sources;
mod report;
mod requests;
mod roles;
mod schemas;
mod services;
mod support;
mod template_health;
mod templates;
mod upstream;
mod validation;

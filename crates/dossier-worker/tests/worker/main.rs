//! The worker, between a small API with the rules of the lock, scripted services over real HTTP and
//! a folder of documents.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod answers;
mod attachments;
mod completing;
mod downloading;
mod https;
mod kept_sections;
mod lease;
mod limits;
mod names;
mod package;
mod proxy;
mod retries;
mod schemas;
mod shutdown;
mod side_by_side;
mod slow_services;
mod spool;
mod tokens;

//! The program as its users meet it: whole, over HTTP, from the command line, killed and restarted.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod batches;
mod bench_queue;
mod bench_report;
mod commands;
mod demo;
mod documentation;
mod documents_in_an_api;
mod documents_on_s3;
mod documents_on_s3_tls;
mod end_to_end;
mod exactly_once;
mod harness;
mod hostile_attachments;
mod in_a_browser;
mod liveness;
mod metrics;
mod on_postgres;
mod on_postgres_and_s3;
mod preview;
mod reference;
mod sample_data;
mod schemas;
mod service_test;
mod service_test_reports;
mod template_check;
mod templates;
mod worded;

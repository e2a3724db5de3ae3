//! What a report promises to its readers, checked with the tools that readers use.
//!
//! Needs `pdftotext` (poppler-utils) and `qpdf`.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers are test code too, but outside of test functions"
)]

mod content;
mod dates;
mod hostile;
mod labels;
mod pages;
mod properties;
mod scripts;
mod structure;
mod support;
mod volumes;

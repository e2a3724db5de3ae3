//! What a report promises to its readers, checked with the tools that readers use.
//!
//! Needs `pdftotext` and `pdftoppm` (poppler-utils) and `qpdf`.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers are test code too, but outside of test functions"
)]

mod attached;
mod content;
mod documents;
mod elements;
mod hostile;
mod labels;
mod listing;
mod lists;
mod office;
mod pages;
mod photographs;
mod pictures;
mod properties;
mod schemas;
mod scripts;
mod sections;
mod structure;
mod support;
mod surveyed;
mod tables;
mod texts;
mod volumes;

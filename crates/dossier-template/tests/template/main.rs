//! The template dialect, section by section, as engineers and services meet it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod blocks;
mod check;
mod content;
mod dates;
mod dialect;
mod helpers;
mod images;
mod limits;
mod lookup;
mod needs;
mod parse_errors;
mod partials;
mod printing;
mod properties;
mod realistic;
mod reference;
mod sections;
mod support;
mod tags;

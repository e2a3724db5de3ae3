//! A web page among the attachments never costs the report.

#![no_main]

use dossier_fuzz::{bench, watch_for_panics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: watch_for_panics(), |page: &[u8]| {
    bench().attachment("text/html", page);
});

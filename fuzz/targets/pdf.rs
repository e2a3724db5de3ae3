//! Pages of any PDF file among the attachments never cost the report.

#![no_main]

use dossier_fuzz::{bench, watch_for_panics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: watch_for_panics(), |document: &[u8]| {
    bench().attachment("application/pdf", document);
});

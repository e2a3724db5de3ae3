//! An image of any format among the attachments never costs the report: the bytes decide which.

#![no_main]

use dossier_fuzz::{bench, watch_for_panics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: watch_for_panics(), |image: &[u8]| {
    bench().attachment("", image);
});

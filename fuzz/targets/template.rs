//! Any template ends with any answer, and shows nothing unescaped that it does not say so of.

#![no_main]

use dossier_fuzz::{template, watch_for_panics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: watch_for_panics(), |input: &[u8]| {
    template(input);
});

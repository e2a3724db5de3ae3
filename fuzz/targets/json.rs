//! Any answer becomes a report, or is refused and leaves none.

#![no_main]

use dossier_fuzz::{bench, watch_for_panics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: watch_for_panics(), |body: &[u8]| {
    bench().answer(body);
});

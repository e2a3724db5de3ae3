//! The dialect, statement by statement and in combination: each expectation was worked out by hand
//! from what the dialect says, so that a change of meaning shows, whatever it was meant to do.

mod blocks;
mod dates;
mod helpers;
mod look_up;
mod partials;
mod printing;
mod sections;
mod tags;

use super::support;

/// Renders every `(template, json, html)` and shows all that do not agree.
#[track_caller]
fn agree(cases: &[(&str, &str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(template, json, expected)| (template, json, expected, support::html(template, json)))
        .filter(|(.., expected, html)| html != *expected)
        .map(|(template, json, expected, html)| {
            format!("{template} with {json}\n  should be {expected}\n  but is    {html}")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! The cases for people: a line each, and more where there is something to do.

use std::io::IsTerminal;
use std::time::Duration;

use super::case::{Case, Counts, Verdict};
use crate::output::say;

/// Columns for a check's name.
const NAME_COLUMNS: usize = 20;

/// Prints cases as they are found.
pub struct Printer {
    marks: Marks,
    endpoint: String,
}

/// How verdicts look.
#[derive(Clone, Copy)]
enum Marks {
    /// Coloured signs.
    Signs,
    /// Words of ASCII.
    Words,
}

impl Printer {
    /// A printer for standard output: signs on a terminal, words elsewhere and with `NO_COLOR`.
    pub fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || !std::io::stdout().is_terminal();
        Self {
            marks: if plain { Marks::Words } else { Marks::Signs },
            endpoint: String::new(),
        }
    }

    /// Prints a case, below its endpoint's heading.
    pub fn print(&mut self, case: &Case) {
        let (endpoint, name) = case.id.split_once('.').unwrap_or(("", case.id));
        self.begin(endpoint);
        let mark = self.marks.of(case.verdict);
        say(&format!("  {mark} {name:NAME_COLUMNS$} {}", case.seen));
        if !matches!(case.verdict, Verdict::Warning | Verdict::Failed) {
            return;
        }
        let below = self.marks.below();
        for place in &case.places {
            say(&format!("{below}at   {place}"));
        }
        if case.places_beyond > 0 {
            say(&format!("{below}at   {} more", places(case.places_beyond)));
        }
        say(&format!("{below}rule {}", case.contract));
        if let Some(advice) = &case.advice {
            say(&format!("{below}do   {advice}"));
        }
    }

    /// Prints in one line that the other checks of an endpoint, so many, are skipped.
    pub fn print_skipped(&mut self, endpoint: &str, count: usize, why: &str) {
        self.begin(endpoint);
        let mark = self.marks.of(Verdict::Skipped);
        let others = match count {
            1 => "1 more check".to_owned(),
            _ => format!("{count} more checks"),
        };
        say(&format!("  {mark} {others:NAME_COLUMNS$} {why}"));
    }

    fn begin(&mut self, endpoint: &str) {
        if endpoint != self.endpoint {
            say(&format!("\n{endpoint}"));
            self.endpoint = endpoint.to_owned();
        }
    }
}

fn places(count: u64) -> String {
    match count {
        1 => "1 place".to_owned(),
        _ => format!("{count} places"),
    }
}

impl Marks {
    /// What stands before the lines below a case.
    fn below(self) -> &'static str {
        match self {
            Self::Signs => "    ",
            Self::Words => "       ",
        }
    }

    fn of(self, verdict: Verdict) -> &'static str {
        match (self, verdict) {
            (Self::Signs, Verdict::Passed) => "\x1b[32m✓\x1b[0m",
            (Self::Signs, Verdict::Warning) => "\x1b[33m!\x1b[0m",
            (Self::Signs, Verdict::Failed) => "\x1b[31m✗\x1b[0m",
            (Self::Signs, Verdict::Skipped) => "\x1b[2m-\x1b[0m",
            (Self::Words, Verdict::Passed) => "ok  ",
            (Self::Words, Verdict::Warning) => "warn",
            (Self::Words, Verdict::Failed) => "FAIL",
            (Self::Words, Verdict::Skipped) => "skip",
        }
    }
}

/// The summary's line.
pub fn summary(counts: Counts) -> String {
    let Counts {
        passed,
        warnings,
        failed,
        skipped,
    } = counts;
    let all = passed + warnings + failed + skipped;
    let s = if warnings == 1 { "" } else { "s" };
    format!(
        "{all} checks: {passed} passed, {warnings} warning{s}, {failed} failed, {skipped} skipped"
    )
}

/// A time, to as many digits as tell something.
pub fn time(time: Duration) -> String {
    match time.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A number of bytes.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

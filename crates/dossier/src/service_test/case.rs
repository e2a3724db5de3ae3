//! What was found: one case a check.

use dossier_core::Private;
use serde::Serialize;

use super::check::{ALL, Check};
use super::text::Printer;

/// Places of a case that are listed; further ones are counted.
const PLACES_MAX: usize = 20;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The contract is kept.
    Passed,
    /// The contract is kept, but somebody will not be happy.
    Warning,
    /// The contract is broken.
    Failed,
    /// There was nothing to check.
    Skipped,
}

/// A check and what came of it. Its texts hold no values of the service's answers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// The check's identifier.
    pub id: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What the contract asks.
    pub contract: &'static str,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Where, as JSON Pointers into the answer, and what is there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// How many places there are besides those.
    #[serde(skip_serializing_if = "is_zero")]
    pub places_beyond: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Case {
    /// The contract is kept.
    pub fn passed(check: &Check, seen: impl Into<String>) -> Self {
        Self::new(check, Verdict::Passed, seen.into(), None)
    }

    /// The contract is kept, but see `advice`.
    pub fn warning(check: &Check, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, seen.into(), Some(advice.into()))
    }

    /// The contract is broken.
    pub fn failed(check: &Check, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(check, Verdict::Failed, seen.into(), Some(advice.into()))
    }

    /// There was nothing to check, because of `why`.
    pub fn skipped(check: &Check, why: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skipped, why.into(), None)
    }

    /// The same with the places where it is so.
    pub fn at(mut self, places: Vec<String>, beyond: u64) -> Self {
        self.places_beyond = beyond + places.len().saturating_sub(PLACES_MAX) as u64;
        self.places = places;
        self.places.truncate(PLACES_MAX);
        self
    }

    fn new(check: &Check, verdict: Verdict, seen: String, advice: Option<String>) -> Self {
        Self {
            id: check.id,
            verdict,
            seen,
            contract: check.contract,
            advice,
            places: Vec::new(),
            places_beyond: 0,
        }
    }
}

/// Takes out of texts what must not be in them: the identifiers that were given, which a member's
/// name, a host or a template may repeat, and control characters.
pub struct Mask(Vec<Private<String>>);

impl Mask {
    /// A mask for these identifiers.
    pub fn new(identifiers: impl IntoIterator<Item = String>) -> Self {
        let lower = |identifier: String| identifier.to_ascii_lowercase().into();
        Self(identifiers.into_iter().map(lower).collect())
    }

    fn clean(&self, text: &mut String) {
        if text.contains(char::is_control) {
            *text = text.replace(char::is_control, "\u{fffd}");
        }
        for identifier in &self.0 {
            let identifier = identifier.reveal();
            while let Some(at) = text.to_ascii_lowercase().find(identifier) {
                text.replace_range(at..at + identifier.len(), "[private]");
            }
        }
    }
}

/// All that was found so far.
pub struct Findings {
    cases: Vec<Case>,
    mask: Mask,
    printer: Option<Printer>,
    reached: bool,
}

/// How many checks ended in which way.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// With a warning.
    pub warnings: usize,
    /// Failed.
    pub failed: usize,
    /// Skipped.
    pub skipped: usize,
}

impl Findings {
    /// Nothing yet; `printer` shows each case as it is found.
    pub fn new(mask: Mask, printer: Option<Printer>) -> Self {
        Self {
            cases: Vec::new(),
            mask,
            printer,
            reached: false,
        }
    }

    /// Adds a case.
    pub fn add(&mut self, mut case: Case) {
        self.mask.clean(&mut case.seen);
        case.places
            .iter_mut()
            .for_each(|place| self.mask.clean(place));
        if let Some(advice) = &mut case.advice {
            self.mask.clean(advice);
        }
        if let Some(printer) = &mut self.printer {
            printer.print(&case);
        }
        self.cases.push(case);
    }

    /// Skips those checks of an endpoint that were not made; `why` is a text of this program.
    pub fn skip_rest(&mut self, endpoint: &str, why: &str) {
        let made = |check: &&Check| self.cases.iter().any(|case| case.id == check.id);
        let rest = ALL.iter().filter(|check| check.endpoint() == endpoint);
        let rest: Vec<Case> = rest
            .filter(|check| !made(check))
            .map(|check| Case::skipped(check, why))
            .collect();
        if rest.is_empty() {
            return;
        }
        if let Some(printer) = &mut self.printer {
            printer.print_skipped(endpoint, rest.len(), why);
        }
        self.cases.extend(rest);
    }

    /// Notes that the service has answered something.
    pub fn note_reached(&mut self) {
        self.reached = true;
    }

    /// Whether the service has answered anything.
    pub fn reached(&self) -> bool {
        self.reached
    }

    /// The cases, in the order in which they were found.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// How many checks ended in which way.
    pub fn counts(&self) -> Counts {
        let of = |verdict| self.cases.iter().filter(|c| c.verdict == verdict).count();
        Counts {
            passed: of(Verdict::Passed),
            warnings: of(Verdict::Warning),
            failed: of(Verdict::Failed),
            skipped: of(Verdict::Skipped),
        }
    }
}

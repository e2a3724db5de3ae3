//! What a section's row holds of an outcome, whichever database it is in.

use dossier_core::KeptDocument;
use dossier_core::section::SectionOutcome;

/// An outcome as columns.
pub(crate) struct SectionValues<'a> {
    pub(crate) status: &'static str,
    pub(crate) held: Option<&'static str>,
    pub(crate) kept: Option<&'a KeptDocument>,
    pub(crate) template_version: Option<String>,
    pub(crate) bytes: Option<u64>,
    pub(crate) tries: u32,
    pub(crate) error: Option<&'a str>,
}

impl<'a> SectionValues<'a> {
    pub(crate) fn of(outcome: &'a SectionOutcome) -> Self {
        use dossier_core::section::SectionStatus::{Complete, Errored, Pending};
        let nothing = Self {
            status: Pending.as_str(),
            held: None,
            kept: None,
            template_version: None,
            bytes: None,
            tries: 0,
            error: None,
        };
        match outcome {
            SectionOutcome::Progress { bytes, tries } => Self {
                bytes: Some(*bytes),
                tries: *tries,
                ..nothing
            },
            SectionOutcome::Complete {
                held,
                kept,
                template_version,
                tries,
            } => Self {
                status: Complete.as_str(),
                held: Some(held.as_str()),
                kept: kept.as_ref(),
                template_version: Some(template_version.to_string()),
                bytes: kept.as_ref().map(|kept| kept.bytes),
                tries: *tries,
                ..nothing
            },
            SectionOutcome::Errored { detail, tries } => Self {
                status: Errored.as_str(),
                tries: *tries,
                error: Some(detail),
                ..nothing
            },
        }
    }
}

/// A size as the database keeps it: no file is larger than its greatest number.
pub(crate) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

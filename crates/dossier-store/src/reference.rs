//! What a store says of reference data.

use std::fmt;
use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName, ReferenceSource};
use jiff::Timestamp;
use uuid::Uuid;

/// A configured source of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceSchedule {
    /// Its name.
    pub source: ReferenceSource,
    /// What its names are of.
    pub kind: ReferenceKind,
    /// Between two refreshes; none if it is asked code by code, on demand.
    pub every: Option<Duration>,
}

/// What is known of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceState {
    /// Its name.
    pub source: ReferenceSource,
    /// What its names are of.
    pub kind: ReferenceKind,
    /// Names that it gave; codes that it does not know are not counted.
    pub entries: u64,
    /// When it last gave names.
    pub refreshed_at: Option<Timestamp>,
    /// When it was last asked.
    pub tried_at: Option<Timestamp>,
    /// When it is to be asked again, if that is on a schedule.
    pub due_at: Option<Timestamp>,
    /// What went wrong when it was last asked. No personal data.
    pub error: Option<String>,
    /// Whether somebody has the right to refresh it now.
    pub loading: bool,
}

/// Proves who refreshes a source. `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken(pub(crate) Uuid);

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// The right to refresh a source, for a while.
#[derive(Clone, Copy, Debug)]
pub struct RefreshClaim {
    /// Proves the right.
    pub token: RefreshToken,
    /// Names that the source has given before.
    pub entries: u64,
    /// Failures since it last gave names.
    pub failures: u32,
}

/// What one source says of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownReference {
    /// The code.
    pub code: ReferenceCode,
    /// Its name; none if the source was asked and does not know the code.
    pub name: Option<ReferenceName>,
    /// Which source.
    pub source: ReferenceSource,
    /// How long ago it said so.
    pub age: Duration,
}

//! Reference data: the names of prisons, users and locations behind the codes in services' answers.
//!
//! A name comes from what somebody imported, or from a source that Dossier asks. Codes and names are
//! hidden like all personal data: a user's is a person's name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Private;

/// Longest code, in bytes of UTF-8.
pub const REFERENCE_CODE_BYTES_MAX: usize = 255;
/// Longest name, in bytes of UTF-8.
pub const REFERENCE_NAME_BYTES_MAX: usize = 1000;
/// Longest name of a source, in characters.
pub const REFERENCE_SOURCE_CHARS_MAX: usize = 50;

/// What a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum ReferenceKind {
    /// A prison, by its identifier such as `MDI`.
    Prisons,
    /// A user of a service, by their user name; the name is the last name.
    Users,
    /// A location, by its identifier in DPS (a UUID).
    LocationsByDpsId,
    /// A location, by its number in NOMIS.
    LocationsByNomisId,
}

impl ReferenceKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::Prisons,
        Self::Users,
        Self::LocationsByDpsId,
        Self::LocationsByNomisId,
    ];

    /// The word in the API, in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prisons => "prisons",
            Self::Users => "users",
            Self::LocationsByDpsId => "locationsByDpsId",
            Self::LocationsByNomisId => "locationsByNomisId",
        }
    }

    /// The kind of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for ReferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a code or a name is refused. Never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// There is nothing but white space.
    #[error("is empty")]
    Empty,
    /// It is longer than the limit.
    #[error("has more than {0} bytes")]
    TooLong(usize),
    /// It holds a line break or another control character.
    #[error("holds a control character")]
    Control,
}

fn parsed(text: &str, bytes_max: usize) -> Result<Private<String>, InvalidReference> {
    let text = text.trim();
    if text.is_empty() {
        Err(InvalidReference::Empty)
    } else if text.len() > bytes_max {
        Err(InvalidReference::TooLong(bytes_max))
    } else if text.chars().any(char::is_control) {
        Err(InvalidReference::Control)
    } else {
        Ok(text.to_owned().into())
    }
}

/// A code: 1 to 255 bytes without control characters or white space at its ends, compared as it is.
/// Hidden from `Debug`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceCode(Private<String>);

impl ReferenceCode {
    /// A code, without the white space around it.
    ///
    /// # Errors
    /// [`InvalidReference`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        parsed(text, REFERENCE_CODE_BYTES_MAX).map(Self)
    }

    /// The code itself.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// A name: 1 to 1,000 bytes without control characters or white space at its ends. Hidden from
/// `Debug`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceName(Private<String>);

impl ReferenceName {
    /// A name, without the white space around it.
    ///
    /// # Errors
    /// [`InvalidReference`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        parsed(text, REFERENCE_NAME_BYTES_MAX).map(Self)
    }

    /// The name itself.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// The name of a source: 1 to 50 lower-case letters, digits, hyphens or underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceSource(String);

/// Why the name of a source is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a source's name must have 1 to 50 lower-case letters, digits, hyphens or underscores")]
pub struct InvalidReferenceSource;

impl ReferenceSource {
    /// The word for what somebody imported; no configured source may have it.
    pub const IMPORT: &'static str = "import";

    /// What somebody imported.
    pub fn import() -> Self {
        Self(Self::IMPORT.to_owned())
    }

    /// Whether this is what somebody imported.
    pub fn is_import(&self) -> bool {
        self.0 == Self::IMPORT
    }

    /// The name as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReferenceSource {
    type Err = InvalidReferenceSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_fit = (1..=REFERENCE_SOURCE_CHARS_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        is_fit
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidReferenceSource)
    }
}

impl fmt::Display for ReferenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_as_in_a_file_for_previews() {
        for kind in ReferenceKind::ALL {
            assert_eq!(ReferenceKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(ReferenceKind::parse("Prisons"), None);
    }

    #[test]
    fn codes_and_names_are_bounded_trimmed_and_hidden() {
        let code = ReferenceCode::parse(" ADA_GEN\t").unwrap();
        assert_eq!(code.reveal(), "ADA_GEN");
        assert!(!format!("{code:?}").contains("ADA"));
        let name = ReferenceName::parse("Lovelace").unwrap();
        assert!(!format!("{name:?}").contains("Lovelace"));
        assert_eq!(ReferenceCode::parse(" "), Err(InvalidReference::Empty));
        assert_eq!(ReferenceName::parse("a\nb"), Err(InvalidReference::Control));
        assert!(ReferenceCode::parse(&"é".repeat(127)).is_ok());
        assert_eq!(
            ReferenceCode::parse(&"é".repeat(128)),
            Err(InvalidReference::TooLong(255))
        );
        assert!(ReferenceName::parse(&"x".repeat(1000)).is_ok());
        assert_eq!(
            ReferenceName::parse(&"x".repeat(1001)),
            Err(InvalidReference::TooLong(1000))
        );
    }

    #[test]
    fn a_sources_name_is_plain() {
        for good in ["a", "prison-register", "users_2"] {
            assert_eq!(good.parse::<ReferenceSource>().unwrap().as_str(), good);
        }
        for bad in ["", "A", "a b", "a/b", "é", &"x".repeat(51)] {
            assert!(bad.parse::<ReferenceSource>().is_err(), "{bad}");
        }
    }
}

//! Whom a request is about, and the case it belongs to.

use std::fmt;

use crate::Private;

/// The longest case reference, in characters.
pub const CASE_REFERENCE_CHARS_MAX: usize = 200;
/// The longest name of a data subject, in characters.
pub const SUBJECT_NAME_CHARS_MAX: usize = 200;

/// Why a text is not what it was given as. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// The NOMIS identifier has another form.
    #[error("nomisId must be a letter, four digits and two letters, such as A1234AA")]
    NomisId,
    /// The nDelius identifier has another form.
    #[error("ndeliusId must be a letter and six digits, such as X123456")]
    NdeliusId,
    /// The case reference is blank or too long.
    #[error("sarCaseReferenceNumber must have 1 to 200 characters and no control characters")]
    CaseReference,
    /// The name is blank or too long.
    #[error("subjectName must have 1 to 200 characters and no control characters")]
    Name,
}

/// The data subject's identifier: exactly one of the two kinds.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum SubjectIdentifier {
    /// A prison number, `^[A-Za-z][0-9]{4}[A-Za-z]{2}$`.
    Nomis(Private<String>),
    /// A probation case reference, `^[A-Za-z][0-9]{6}$`.
    Ndelius(Private<String>),
}

impl SubjectIdentifier {
    /// Parses a prison number; white space around it is dropped.
    pub fn nomis(text: &str) -> Result<Self, InvalidSubject> {
        let text = text.trim();
        let bytes = text.as_bytes();
        let fits = bytes.len() == 7
            && bytes[0].is_ascii_alphabetic()
            && bytes[1..5].iter().all(u8::is_ascii_digit)
            && bytes[5..].iter().all(u8::is_ascii_alphabetic);
        fits.then(|| Self::Nomis(text.to_owned().into()))
            .ok_or(InvalidSubject::NomisId)
    }

    /// Parses a probation case reference; white space around it is dropped.
    pub fn ndelius(text: &str) -> Result<Self, InvalidSubject> {
        let text = text.trim();
        let bytes = text.as_bytes();
        let fits = bytes.len() == 7
            && bytes[0].is_ascii_alphabetic()
            && bytes[1..].iter().all(u8::is_ascii_digit);
        fits.then(|| Self::Ndelius(text.to_owned().into()))
            .ok_or(InvalidSubject::NdeliusId)
    }

    /// What the report calls this kind of identifier: `NOMIS ID` or `nDelius ID`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Nomis(_) => "NOMIS ID",
            Self::Ndelius(_) => "nDelius ID",
        }
    }

    /// The identifier's text.
    pub fn reveal(&self) -> &str {
        match self {
            Self::Nomis(id) | Self::Ndelius(id) => id.reveal(),
        }
    }
}

impl fmt::Debug for SubjectIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [private]", self.label())
    }
}

macro_rules! private_text {
    ($(#[$doc:meta])* $name:ident, $max:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(Private<String>);

        impl $name {
            /// Parses the text; white space around it is dropped.
            pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
                let text = text.trim();
                let chars = text.chars().count();
                let blank = text.chars().all(is_invisible);
                if blank || chars > $max || text.chars().any(char::is_control) {
                    return Err($error);
                }
                Ok(Self(text.to_owned().into()))
            }

            /// The text itself.
            pub fn reveal(&self) -> &str {
                self.0.reveal()
            }
        }
    };
}

/// Whether a character takes no ink: a text of nothing else is blank.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

private_text!(
    /// The controller's own reference of the case: 1 to 200 characters.
    CaseReference,
    CASE_REFERENCE_CHARS_MAX,
    InvalidSubject::CaseReference
);
private_text!(
    /// The data subject's name as the report prints it: 1 to 200 characters.
    SubjectName,
    SUBJECT_NAME_CHARS_MAX,
    InvalidSubject::Name
);

impl SubjectName {
    /// `SURNAME, Forename`; one missing part leaves the other; none is `None`.
    pub fn from_parts(forename: Option<&str>, surname: Option<&str>) -> Option<Self> {
        let part = |text: Option<&str>| {
            text.map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        let name = match (part(surname), part(forename)) {
            (Some(surname), Some(forename)) => format!("{}, {forename}", surname.to_uppercase()),
            (Some(surname), None) => surname.to_uppercase(),
            (None, Some(forename)) => forename,
            (None, None) => return None,
        };
        Self::parse(&name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_trimmed_and_have_one_form() {
        assert_eq!(
            SubjectIdentifier::nomis(" A1234AA ").unwrap().reveal(),
            "A1234AA"
        );
        assert_eq!(
            SubjectIdentifier::ndelius("x123456").unwrap().reveal(),
            "x123456"
        );
        for bad in [
            "",
            "A123AA",
            "A1234AAA",
            "11234AA",
            "A1234A1",
            "Ａ1234AA",
            "A1234AA\nB",
        ] {
            assert_eq!(SubjectIdentifier::nomis(bad), Err(InvalidSubject::NomisId));
        }
        for bad in ["", "X12345", "X1234567", "1123456"] {
            assert_eq!(
                SubjectIdentifier::ndelius(bad),
                Err(InvalidSubject::NdeliusId)
            );
        }
    }

    #[test]
    fn a_name_is_surname_in_capitals_then_forename() {
        let name = |f, s| SubjectName::from_parts(f, s).map(|n| n.reveal().to_owned());
        assert_eq!(
            name(Some("Ada"), Some("Lovelace")).as_deref(),
            Some("LOVELACE, Ada")
        );
        assert_eq!(name(None, Some("Lovelace")).as_deref(), Some("LOVELACE"));
        assert_eq!(name(Some("Ada"), Some(" ")).as_deref(), Some("Ada"));
        assert_eq!(name(None, None), None);
    }

    #[test]
    fn nothing_about_a_subject_is_in_debug() {
        let shown = format!(
            "{:?} {:?} {:?}",
            SubjectIdentifier::nomis("A1234AA"),
            CaseReference::parse("case-77"),
            SubjectName::parse("Ada")
        );
        assert!(!shown.contains("A1234AA") && !shown.contains("case-77") && !shown.contains("Ada"));
    }
}

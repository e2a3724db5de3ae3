use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ReportError;
use crate::attachment::{LogoKind, logo_kind};

/// How a report shows whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The colours that are not those of all text.
    pub colours: Colours,
    /// The image at the top of the covers.
    pub logo: Option<Logo>,
}

/// The colours of a report. Text that is no heading is nearly black, and the ground is white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// The bars below titles.
    pub accent: Colour,
    /// The words of titles and headings.
    pub headings: Colour,
    /// The lines between rows.
    pub rules: Colour,
}

impl Default for Colours {
    fn default() -> Self {
        Self {
            accent: Colour::ACCENT,
            headings: Colour::TEXT,
            rules: Colour::RULE,
        }
    }
}

/// A colour, written `#rrggbb` (sRGB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// A text is not a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written as # and six hexadecimal digits, such as #1d70b8")]
pub struct InvalidColour;

impl Colour {
    /// A blue whose contrast with white is 5.2 : 1 (WCAG 2.1, 1.4.3 asks for 4.5 : 1).
    pub const ACCENT: Self = Self::new(0x1d, 0x70, 0xb8);
    /// The colour of text, `#0b0c0c`.
    pub const TEXT: Self = Self::new(0x0b, 0x0c, 0x0c);
    /// The colour of rules, `#b1b4b6`.
    pub const RULE: Self = Self::new(0xb1, 0xb4, 0xb6);

    const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Adds the operator that fills with the colour from here on (ISO 32000-1, 8.6.8).
    pub(crate) fn fill(self, content: &mut Vec<u8>) {
        for part in self.parts() {
            content.extend_from_slice(format!("{part:.3} ").as_bytes());
        }
        content.extend_from_slice(b"rg\n");
    }

    /// The parts of red, green and blue, from 0 to 1.
    fn parts(self) -> [f32; 3] {
        [self.red, self.green, self.blue].map(|part| f32::from(part) / 255.0)
    }
}

impl std::str::FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let part = |at: usize| {
            let digits = digits.and_then(|digits| digits.get(at..at + 2));
            let digits = digits.filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
            digits
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or(InvalidColour)
        };
        Ok(Self {
            red: part(0)?,
            green: part(2)?,
            blue: part(4)?,
        })
    }
}

impl TryFrom<String> for Colour {
    type Error = InvalidColour;

    fn try_from(text: String) -> Result<Self, InvalidColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { red, green, blue } = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// The organisation's logo, a JPEG or PNG file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    path: PathBuf,
    kind: LogoKind,
    alternative: String,
}

impl Logo {
    /// Looks at a file; `alternative` says in words what it shows, such as the organisation's name.
    ///
    /// # Errors
    /// [`ReportError::Logo`] if it cannot be read or is neither JPEG nor PNG.
    pub fn open(path: &Path, alternative: &str) -> Result<Self, ReportError> {
        let kind = logo_kind(path).ok_or_else(|| ReportError::Logo {
            path: path.to_owned(),
        })?;
        Ok(Self {
            path: path.to_owned(),
            kind,
            alternative: alternative.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn kind(&self) -> LogoKind {
        self.kind
    }

    pub(crate) fn alternative(&self) -> &str {
        &self.alternative
    }
}

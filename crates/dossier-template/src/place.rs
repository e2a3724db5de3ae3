use std::fmt;

use serde::Serialize;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl Place {
    /// The beginning, which also stands for a text as a whole.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of a byte, or of the character that it belongs to; past the end, the end.
    pub(crate) fn of(text: &[u8], offset: usize) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let newlines = before.iter().filter(|b| **b == b'\n').count();
        // A byte that continues a character of UTF-8 is no character of its own.
        let characters = before[line_start..]
            .iter()
            .filter(|b| **b & 0xc0 != 0x80)
            .count();
        Self {
            line: u32::try_from(newlines + 1).unwrap_or(u32::MAX),
            column: u32::try_from(characters + 1).unwrap_or(u32::MAX),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

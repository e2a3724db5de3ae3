//! An upstream's answer: a JSON file of any size, read from disk, never held.

mod cursor;
mod entries;
mod index;
mod place;
mod survey;

pub(crate) use cursor::{Cursor, Kind, Piece};
pub use index::{ResponseSummary, inspect_response};
pub(crate) use index::{check_json, index_response};
pub use survey::{JsonKind, Oddity, OddityKind, ResponseSurvey, survey_response};

//! An upstream's answer: a JSON file of any size, read from disk, never held.

mod attachments;
mod cursor;
mod index;

pub(crate) use attachments::attachments;
pub(crate) use cursor::{Cursor, Kind, Piece};
pub(crate) use index::index_response;
pub use index::{ResponseSummary, inspect_response};

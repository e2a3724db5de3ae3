use std::path::Path;

use dossier_core::schema::SchemaPlace;

use super::failure::{Failure, open};
use super::words::show_words;
use crate::ReportError;
use crate::block::BlockSink;
use crate::body::{Cursor, check_json};
use crate::generic;

/// Shows a JSON file as services' answers are shown; what is not JSON is shown as the text it is.
pub(super) fn show_json(sink: &mut dyn BlockSink, path: &Path) -> Result<(), Failure> {
    let mut cursor = Cursor::new(open(path)?);
    match check_json(&mut cursor) {
        Ok(start) => {
            cursor.seek(start)?;
            Ok(generic::render(&mut cursor, &SchemaPlace::default(), sink)?)
        }
        Err(error @ ReportError::Read(_)) => Err(error.into()),
        Err(_) => show_words(sink, path),
    }
}

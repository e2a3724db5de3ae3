use std::path::Path;

use super::failure::Failure;
use super::words::Words;
use crate::ReportError;
use crate::html::PageText;
use crate::layout::Composer;
use crate::limits::TEXT_PIECE_BYTES;

/// Shows the text of an HTML file. Nothing in it is run and nothing outside of it is read.
pub(super) fn show_html(composer: &mut Composer<'_, '_>, path: &Path) -> Result<(), Failure> {
    let mut words = Words::open(path)?;
    let mut page = PageText::new(composer);
    loop {
        let piece = words
            .next()
            .map_err(|error| Failure::Report(ReportError::Read(error)))?;
        match piece {
            Some(piece) => page.push(piece)?,
            None => return page.finish(),
        }
    }
}

/// Shows the text of HTML that is held.
pub(super) fn show_html_text(composer: &mut Composer<'_, '_>, html: &str) -> Result<(), Failure> {
    let mut page = PageText::new(composer);
    let mut rest = html;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.floor_char_boundary(TEXT_PIECE_BYTES));
        page.push(now)?;
        rest = later;
    }
    page.finish()
}

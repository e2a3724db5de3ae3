//! From HTML to blocks: what a service's template made of its answer, web pages among the
//! attachments, the bodies of e-mails.
//!
//! The text is parsed as browsers do it, into a tree of which only a part is ever held: what can
//! no longer change is turned into blocks and freed while the parser goes on. Nothing in it is run,
//! nothing outside of it is read, and no text is left out, whatever the nesting; where a text is
//! misnested *and* so long that its beginning is on a page already, its order may differ from a
//! browser's.
//!
//! | module | its one job |
//! | --- | --- |
//! | `reader` | pieces of a file to the events of a walk through its tree |
//! | `bounds` | what keeps hostile text from growing the tree |
//! | `tree` | the part of the tree that is held |
//! | `marks` | what an element's attributes mean |
//! | `prose` | the text of a paragraph or a cell: white space, bold parts |
//! | `section` | events to blocks: headings, paragraphs, tables' places |
//! | `list` | lists and their items |
//! | `table` | rows and cells until they are shown |
//! | `grid` | what a table is: its columns, its header |
//! | `inline_image` | images that stand in the text itself |

mod bounds;
mod grid;
mod guard;
mod inline_image;
mod list;
mod marks;
mod prose;
mod reader;
mod section;
mod table;
mod tree;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use encoding_rs::UTF_8;

use crate::ReportError;
use crate::attachment::Failure;
use crate::layout::Composer;
use reader::Reader;
use section::{Manner, SectionBuilder};

/// Bytes of a file that are read at a time.
const READ_BYTES: usize = 16 * 1024;

/// Shows a section that a template made of an answer, below its label; the file is UTF-8. Returns
/// whether it had anything to show.
pub(crate) fn show_section(
    composer: &mut Composer<'_, '_>,
    path: &Path,
    label: &str,
) -> Result<bool, Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let manner = Manner::Section { label, folder };
    let mut reader = Reader::new(SectionBuilder::new(composer, manner));
    let mut file = File::open(path).map_err(ReportError::Read)?;
    let mut decoder = UTF_8.new_decoder();
    let mut raw = vec![0; READ_BYTES];
    let mut piece = String::with_capacity(3 * READ_BYTES);
    loop {
        let read = file.read(&mut raw).map_err(ReportError::Read)?;
        piece.clear();
        // The piece has room for all that these bytes can become.
        let _ = decoder.decode_to_string(&raw[..read], &mut piece, read == 0);
        reader.push(&piece)?;
        if read == 0 {
            return reader.finish();
        }
    }
}

/// Shows the text of a web page or an e-mail that comes in pieces.
pub(crate) struct PageText<'c, 'a, 'f>(Reader<'c, 'a, 'f>);

impl<'c, 'a, 'f> PageText<'c, 'a, 'f> {
    pub fn new(composer: &'c mut Composer<'a, 'f>) -> Self {
        Self(Reader::new(SectionBuilder::new(composer, Manner::Page)))
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &str) -> Result<(), Failure> {
        self.0.push(piece)
    }

    /// Shows what is left.
    pub fn finish(self) -> Result<(), Failure> {
        self.0.finish().map(|_| ())
    }
}

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::marks::Marks;
use super::section::{Manner, SectionBuilder};
use crate::ReportError;
use crate::attachment::{Placed, show_inline};
use crate::limits::HTML_ROW_IMAGES_MAX;

/// An image that stands in the text itself, until it is shown.
pub(super) struct Image {
    file: NamedTempFile,
    size: [Option<f32>; 2],
    alt: String,
}

/// What is said of an image that is somewhere else and says nothing of itself.
const NOT_INCLUDED: &str = "[Image: not included in this report]";

impl SectionBuilder<'_, '_, '_> {
    /// Takes an image: one whose data stands in the text is shown, of any other its words are.
    pub(super) fn image(&mut self, marks: &Marks) -> Result<(), ReportError> {
        let folder = match self.manner {
            Manner::Section { folder, .. } => folder,
            Manner::Page if marks.words().is_empty() => return Ok(()),
            Manner::Page => return self.text(&format!(" [{}] ", marks.words())),
        };
        let Some(data) = image_data(marks.source()) else {
            return match marks.words() {
                _ if is_said(marks.source()) => self.text(&format!(" {} ", marks.source())),
                "" => self.text(NOT_INCLUDED),
                words => self.text(&format!(" [{words}] ")),
            };
        };
        let image = Image {
            file: decoded(data, folder).map_err(ReportError::Write)?,
            size: marks.size(),
            alt: marks.words().to_owned(),
        };
        match self.cell() {
            Some(cell) if cell.images.len() < HTML_ROW_IMAGES_MAX => {
                cell.images.push(image);
                return Ok(());
            }
            Some(_) => self.flow_on()?,
            None => self.flush()?,
        }
        self.before_block()?;
        let x = self.composer.left(self.indent);
        self.show_image(image, x)
    }

    /// Shows an image whose left edge is at `x`.
    pub(super) fn show_image(&mut self, image: Image, x: f32) -> Result<(), ReportError> {
        let alt = match &image.alt[..] {
            "" => "Image".to_owned(),
            words => words.to_owned(),
        };
        let placed = Placed {
            x,
            size: image.size,
            alt: alt.clone(),
        };
        match show_inline(self.composer, image.file.path(), placed)? {
            None => Ok(()),
            Some(why) => {
                let said = format!("[{alt}: the image could not be shown because {why}]");
                self.paragraph(said.as_str().into())
            }
        }
    }
}

/// Whether words stand where an image's source should: a template's helper says in square brackets
/// why it has none. No reference begins with a bracket (RFC 3986, 3.3 and 4.2).
fn is_said(source: &str) -> bool {
    source.trim_start().starts_with('[')
}

/// The base64 of an image's `data:` URI (RFC 2397).
fn image_data(source: &str) -> Option<&str> {
    let source = source.trim_start();
    let (head, data) = source.split_once(',')?;
    let head = head.to_ascii_lowercase();
    (head.starts_with("data:image/") && head.ends_with(";base64")).then_some(data)
}

/// Writes what base64 (RFC 4648) stands for to a file; what is no base64 is passed over.
fn decoded(data: &str, folder: &Path) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(folder)?;
    let mut out = io::BufWriter::new(&mut file);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in data.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.write_all(&[(bits >> count) as u8])?;
            bits &= (1 << count) - 1;
        }
    }
    out.flush()?;
    drop(out);
    Ok(file)
}

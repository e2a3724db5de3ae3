use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Renderer;
use crate::content::name_hash;
use crate::helper::{Helper, NO_DATA_HELD};
use crate::limits::TEXT_BYTES_MAX;
use crate::syntax::Call;
use crate::value::{Seen, Value};
use crate::{ImageError, InlineImage, RenderError};

/// Bytes of an image that are turned into text at a time: whole groups of three.
const PIECE_BYTES: usize = 48 * 1024;

/// What the section says where an inline attachment is no image: one odd field must not cost the
/// subject their report.
const NOT_AN_IMAGE: &str =
    "[Inline attachment: it cannot be shown, because it is not of a type image/*]";

/// What a helper's argument is.
enum Attachment<'a> {
    Nothing,
    Image(InlineImage),
    /// What is no attachment at all, as nothing is left out, or what is said of one that is no image.
    Other(Value<'a>),
}

/// What stands around an image's data URI.
struct Around {
    before: String,
    after: String,
}

impl<'a> Renderer<'a, '_> {
    /// Shows an inline attachment, read and written piece by piece.
    pub(super) fn show_image(&mut self, call: &'a Call, raw: bool) -> Result<(), RenderError> {
        let image = match self.attachment(call)? {
            Ok(image) => image,
            Err(value) => return self.write(&value, raw),
        };
        let around = self.around(call, &image)?;
        let images = self.images;
        let mut bytes = images
            .open(&image)
            .map_err(|source| self.no_image(source))?;
        self.out
            .text(&around.before, raw)
            .map_err(RenderError::Write)?;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        loop {
            piece.clear();
            let read = bytes
                .by_ref()
                .take(PIECE_BYTES as u64)
                .read_to_end(&mut piece)
                .map_err(|error| self.no_image(ImageError(error.to_string())))?;
            if read == 0 {
                break;
            }
            let text = STANDARD.encode(&piece);
            self.out.text(&text, raw).map_err(RenderError::Write)?;
            self.count_output()?;
        }
        self.out
            .text(&around.after, raw)
            .map_err(RenderError::Write)?;
        self.count_output()
    }

    /// The same as a text, for a helper around it.
    pub(super) fn image_text(&mut self, call: &'a Call) -> Result<Value<'a>, RenderError> {
        let image = match self.attachment(call)? {
            Ok(image) => image,
            Err(value) => return Ok(value),
        };
        let around = self.around(call, &image)?;
        let images = self.images;
        let bytes = images
            .open(&image)
            .map_err(|source| self.no_image(source))?;
        let mut held = Vec::new();
        bytes
            .take(TEXT_BYTES_MAX as u64 + 1)
            .read_to_end(&mut held)
            .map_err(|error| self.no_image(ImageError(error.to_string())))?;
        if held.len() > TEXT_BYTES_MAX {
            return Err(self.limit("bytes of one text", TEXT_BYTES_MAX as u64));
        }
        self.count_bytes(held.len())?;
        let encoded = STANDARD.encode(&held);
        Ok(Value::owned(format!(
            "{}{encoded}{}",
            around.before, around.after
        )))
    }

    /// The image that a call is about, or the value that is shown instead.
    fn attachment(
        &mut self,
        call: &'a Call,
    ) -> Result<Result<InlineImage, Value<'a>>, RenderError> {
        let value = self.arguments(call)?.take(0);
        Ok(match self.image_of(value)? {
            Attachment::Image(image) => Ok(image),
            Attachment::Other(value) => Err(value),
            Attachment::Nothing if call.helper == Helper::InlineAttachment => {
                Err(Value::borrowed(NO_DATA_HELD))
            }
            Attachment::Nothing => Err(Value::Null),
        })
    }

    fn image_of(&mut self, value: Value<'a>) -> Result<Attachment<'a>, RenderError> {
        if value.is_null(self.tree) {
            return Ok(Attachment::Nothing);
        }
        let Some(object) = value.nested(self.tree) else {
            return Ok(Attachment::Other(value));
        };
        for name in ["url", "contentType", "filesize"] {
            let node = self.tree.member(object, name, name_hash(name));
            self.count(node.map_or(0, |node| Value::Node(node).reading_steps(self.tree)))?;
        }
        let member = |name: &str| {
            let node = self.tree.member(object, name, name_hash(name));
            node.map_or(Value::Null, Value::Node).seen(self.tree)
        };
        let (Seen::Text(url), Seen::Text(content_type)) = (member("url"), member("contentType"))
        else {
            return Ok(Attachment::Other(value));
        };
        let filesize = match member("filesize") {
            Seen::Number(bytes) => bytes.parse().ok(),
            _ => None,
        };
        let is_image = content_type
            .get(.."image/".len())
            .is_some_and(|start| start.eq_ignore_ascii_case("image/"));
        if !is_image {
            if let Some(usage) = &mut self.usage {
                usage.not_an_image(self.at);
            }
            return Ok(Attachment::Other(Value::borrowed(NOT_AN_IMAGE)));
        }
        Ok(Attachment::Image(InlineImage {
            url: url.into_owned(),
            content_type: content_type.into_owned(),
            filesize,
        }))
    }

    fn around(&mut self, call: &'a Call, image: &InlineImage) -> Result<Around, RenderError> {
        let data = format!("data:{};base64,", attribute(&image.content_type));
        if call.helper == Helper::InlineAttachmentContent {
            return Ok(Around {
                before: data,
                after: String::new(),
            });
        }
        let mut arguments = self.arguments(call)?;
        let mut sides = Vec::with_capacity(2);
        for at in 1..=2 {
            let side = arguments.take(at);
            sides.push(match side.is_null(self.tree) {
                true => "null".to_owned(),
                false => attribute(&self.text(&side)?),
            });
        }
        Ok(Around {
            before: format!("<img src=\"{data}"),
            after: format!(
                "\" alt=\"Inline attachment\" height=\"{}\" width=\"{}\"/>",
                sides[0], sides[1]
            ),
        })
    }

    fn no_image(&self, source: ImageError) -> RenderError {
        RenderError::Image {
            place: self.template.place(self.at as usize),
            source,
        }
    }
}

/// A text that cannot leave the attribute's quotes, whatever it is.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

use std::io::Read;

/// An image that the content names: `{contentType, url, filesize}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InlineImage {
    /// Where it is.
    pub url: String,
    /// Its media type; it begins with `image/`.
    pub content_type: String,
    /// Bytes, if the content says so.
    pub filesize: Option<u64>,
}

impl std::fmt::Debug for InlineImage {
    /// The URL may name a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InlineImage")
    }
}

/// Why an image cannot be had. The text must not quote its URL.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ImageError(pub String);

/// Where inline images come from.
pub trait InlineImages {
    /// Opens an image's bytes, which are read to their end.
    ///
    /// # Errors
    /// The rendering ends with this error.
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError>;
}

/// No images at all: a template that needs one fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInlineImages;

impl InlineImages for NoInlineImages {
    fn open(&self, _: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        Err(ImageError("no inline attachments are at hand".to_owned()))
    }
}

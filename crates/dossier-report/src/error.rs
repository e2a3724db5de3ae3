use std::io;
use std::path::PathBuf;

/// Why a report, or a look at an upstream's answer, could not be finished.
///
/// No variant ever holds a part of the data: places are given as byte offsets.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The upstream's answer is not well-formed JSON. Ask the service's owner to look at that byte.
    #[error("the response is not valid JSON: {problem} at byte {offset}")]
    Malformed {
        /// What is wrong, in words that quote nothing.
        problem: &'static str,
        /// Where, counted from 0.
        offset: u64,
    },
    /// The upstream's answer is JSON, but not an object. Ask the service's owner to follow the
    /// contract.
    #[error("the response is not a JSON object (its first value starts at byte {offset})")]
    NotAnObject {
        /// Where the value starts, counted from 0.
        offset: u64,
    },
    /// The upstream's answer passes one of the limits of [`limits`](crate::limits).
    #[error("the response has {what} at byte {offset}; at most {max} are allowed")]
    LimitPassed {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: u64,
        /// Where it was passed, counted from 0.
        offset: u64,
    },
    /// An attachment of the upstream's answer does not say where it can be fetched. Ask the service's
    /// owner to follow the contract.
    #[error("an attachment in the response cannot be fetched: {problem} (byte {offset})")]
    AttachmentRefused {
        /// What is wrong, in words that quote nothing.
        problem: &'static str,
        /// Where the attachment stands in the response, counted from 0.
        offset: u64,
    },
    /// A configured fallback font cannot be used. Configure another file.
    #[error("the font file {} cannot be used: {problem}", path.display())]
    Font {
        /// The configured file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The configured logo cannot be used. Configure a JPEG or PNG file.
    #[error("the logo {} cannot be used: it must be a JPEG or PNG file", path.display())]
    Logo {
        /// The configured file.
        path: PathBuf,
    },
    /// A font could not be cut down to the glyphs used. Configure another font.
    #[error("the font {name} could not be embedded")]
    FontEmbedding {
        /// The font's PostScript name.
        name: String,
    },
    /// A response file could not be read.
    #[error("the response file could not be read")]
    Read(#[source] io::Error),
    /// The report could not be written. Look at the disk's space and rights.
    #[error("the report could not be written")]
    Write(#[source] io::Error),
    /// The report has more pages or objects than the file format can count.
    #[error("the report is too large for one file")]
    TooLarge,
}

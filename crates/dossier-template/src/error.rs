use std::io;

use crate::{ImageError, Place};

/// What there is too much of where partials call each other without an end.
pub(crate) const PARTIALS_WITHIN: &str = "partials within each other";

/// Why a text is no template: correct it at the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    /// Where in the template.
    pub place: Place,
    /// What is wrong and what would be right. It quotes the template at most.
    pub problem: String,
}

/// Why a body is no answer that a template can be rendered with. None quotes from the body.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The file or stream could not be read; try again.
    #[error("the answer cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The body is not JSON (RFC 8259) in UTF-8; the service has to correct it.
    #[error("the answer is not JSON: {problem} at {place}")]
    Malformed {
        /// What is wrong.
        problem: &'static str,
        /// Where in the body.
        place: Place,
    },
    /// The body is JSON, but no object with `content`; the service has to correct it.
    #[error("the answer is {found}, not an object with a member `content`")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// The body is larger than is taken.
    #[error("the answer has more than {max} {what}")]
    TooLarge {
        /// Bytes, values, or lists and objects within each other.
        what: &'static str,
        /// How many are taken.
        max: u64,
    },
}

/// Why a rendering ended early. What was written by then is not a section. None quotes data.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template asks for more than is allowed; simplify it, or the data is too large for it.
    #[error("{place}: the template needs more than {max} {what}{hint}", hint = hint(what))]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        max: u64,
        /// Which construct of the template passed it.
        place: Place,
    },
    /// The template calls a partial that is not defined where it is called; define it.
    #[error("{place}: no inline partial of the name that is called here is defined")]
    NoSuchPartial {
        /// Which call.
        place: Place,
    },
    /// An inline image could not be had.
    #[error("{place}: an inline attachment cannot be shown: {source}")]
    Image {
        /// Which helper's call.
        place: Place,
        /// Why.
        source: ImageError,
    },
    /// The output could not be written; try again.
    #[error("the section cannot be written: {0}")]
    Write(#[source] io::Error),
}

impl RenderError {
    /// Where in the template it happened; `None` if it has nothing to do with any place of it.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Limit { place, .. }
            | Self::NoSuchPartial { place }
            | Self::Image { place, .. } => Some(*place),
            Self::Write(_) => None,
        }
    }

    /// What happened, without the place.
    pub fn problem(&self) -> String {
        let text = self.to_string();
        let place = self.place().map(|place| format!("{place}: "));
        match place.and_then(|place| text.strip_prefix(&place)) {
            Some(problem) => problem.to_owned(),
            None => text,
        }
    }
}

/// What to do about a limit, for those that a template passes by one certain mistake.
fn hint(what: &str) -> &'static str {
    match what {
        PARTIALS_WITHIN => {
            "; one that calls itself must ask for `this.n` and not for `n`, which is also looked \
             for in the contexts around"
        }
        _ => "",
    }
}

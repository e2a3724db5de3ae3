use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use super::cursor::{Cursor, Kind, Piece};
use super::entries::survey_entries;
use super::index::{ResponseIndex, index_response};
use super::place::Place;
use crate::ReportError;
use crate::limits::{SURVEY_NAMES_MAX, SURVEY_ODDITIES_MAX, SURVEYED_TEXT_BYTES_MAX};

/// The kinds of JSON values (RFC 8259).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// An object.
    Object,
    /// An array.
    List,
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
}

impl From<Kind> for JsonKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Object => Self::Object,
            Kind::List => Self::List,
            Kind::Text => Self::Text,
            Kind::Number => Self::Number,
            Kind::True | Kind::False => Self::Boolean,
            Kind::Null => Self::Null,
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        })
    }
}

/// Something in an answer that the upstream contract does not expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// Where, as a JSON Pointer (RFC 6901). A member's name that may be data, because it is long, or
    /// has more than two digits or other characters than names have, is a `*` in it; the middle of
    /// a very long pointer is left out.
    pub pointer: String,
    /// What it is.
    pub kind: OddityKind,
}

/// What an answer can have that the upstream contract does not expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddityKind {
    /// An object has more than one member of this name.
    RepeatedName,
    /// A member of an attachment is absent.
    Missing,
    /// A member of an attachment, or `attachments` itself, is of another type.
    WrongType {
        /// What the contract asks for, such as `a text`.
        expected: &'static str,
        /// What is there.
        found: JsonKind,
    },
    /// A name has HTML entities, control characters, special spaces or compatibility characters,
    /// which [`clean_name`](crate::clean_name) changes.
    UncleanName,
    /// A content type does not have the form of one (RFC 9110, section 8.3.1).
    NoMediaType,
    /// An inline attachment's content type is not one of an image.
    InlineNotImage,
}

/// What an upstream's answer has and has not, without any of its values.
#[derive(Clone, Debug, Default)]
pub struct ResponseSurvey {
    /// Whether there is a member `content`, be it null.
    pub has_content: bool,
    /// What `content` is; none if it is absent or null. Of several the last that is not null counts.
    pub content: Option<JsonKind>,
    /// Whether `content` is a list or an object without elements, or an empty text.
    pub content_is_empty: bool,
    /// Elements of `attachments`.
    pub attachments: usize,
    /// Objects in `content` that are inline attachments: those with `contentType`, `url` and
    /// `filesize`.
    pub inline_attachments: u64,
    /// What is odd, in the order in which it was found; the first [`SURVEY_ODDITIES_MAX`].
    pub oddities: Vec<Oddity>,
    /// How many further ones there are.
    pub oddities_beyond: u64,
}

impl ResponseSurvey {
    pub(super) fn note(&mut self, pointer: String, kind: OddityKind) {
        if self.oddities.len() < SURVEY_ODDITIES_MAX {
            self.oddities.push(Oddity { pointer, kind });
        } else {
            self.oddities_beyond += 1;
        }
    }
}

/// Looks through an upstream's answer for whatever the contract does not expect.
///
/// Memory does not depend on the body's size but for its nesting; repeated names are looked for
/// among at most [`SURVEY_NAMES_MAX`] at a time.
///
/// # Errors
/// What [`inspect_response`](crate::inspect_response) refuses.
pub fn survey_response(path: &Path) -> Result<ResponseSurvey, ReportError> {
    let mut cursor = Cursor::new(File::open(path).map_err(ReportError::Read)?);
    let index = index_response(&mut cursor)?;
    let mut survey = ResponseSurvey {
        attachments: index.attachment_count,
        ..ResponseSurvey::default()
    };
    survey_content(&mut cursor, &index, &mut survey)?;
    cursor.seek(0)?;
    cursor.skip_byte_order_mark()?;
    Walk::new(&mut survey).through(&mut cursor)?;
    for place in index.attachments {
        cursor.seek(place)?;
        survey_entries(&mut cursor, &mut survey)?;
    }
    Ok(survey)
}

fn survey_content(
    cursor: &mut Cursor,
    index: &ResponseIndex,
    survey: &mut ResponseSurvey,
) -> Result<(), ReportError> {
    let Some(place) = index.content.last() else {
        return Ok(());
    };
    cursor.seek(*place)?;
    let kind = cursor.kind()?;
    survey.content = Some(kind.into());
    survey.content_is_empty = match kind {
        Kind::Object | Kind::List => !cursor.enter(kind)?,
        Kind::Text => {
            let mut text = String::new();
            cursor.text(&mut text)? == Piece::Last && text.is_empty()
        }
        _ => false,
    };
    Ok(())
}

/// A list or an object that is open.
struct Level {
    kind: Kind,
    /// Hashes of the names of its members so far.
    names: HashSet<u64>,
    inline: Inline,
}

/// What tells whether an object is an inline attachment.
#[derive(Default)]
struct Inline {
    is_image: Option<bool>,
    has_url: bool,
    has_filesize: bool,
}

/// A walk through all of an answer, for repeated names and inline attachments.
struct Walk<'a> {
    survey: &'a mut ResponseSurvey,
    levels: Vec<Level>,
    place: Place,
    name: String,
    hasher: RandomState,
    /// Names that are remembered in all open levels.
    remembered: usize,
}

impl<'a> Walk<'a> {
    fn new(survey: &'a mut ResponseSurvey) -> Self {
        Self {
            survey,
            levels: Vec::new(),
            place: Place::default(),
            name: String::new(),
            hasher: RandomState::new(),
            remembered: 0,
        }
    }

    fn through(mut self, cursor: &mut Cursor) -> Result<(), ReportError> {
        loop {
            let kind = cursor.kind()?;
            if matches!(kind, Kind::Object | Kind::List) && cursor.enter(kind)? {
                self.open(kind);
                self.begin_element(cursor)?;
                continue;
            }
            self.scalar(cursor, kind)?;
            loop {
                let Some(level) = self.levels.last() else {
                    return Ok(());
                };
                if cursor.another(level.kind)? {
                    self.begin_element(cursor)?;
                    break;
                }
                self.close();
            }
        }
    }

    fn open(&mut self, kind: Kind) {
        self.levels.push(Level {
            kind,
            names: HashSet::new(),
            inline: Inline::default(),
        });
        self.place.enter();
    }

    fn close(&mut self) {
        self.place.leave();
        let Some(level) = self.levels.pop() else {
            return;
        };
        self.remembered -= level.names.len();
        if let Inline {
            is_image: Some(is_image),
            has_url: true,
            has_filesize: true,
        } = level.inline
            && self.place.is_within("content")
        {
            self.survey.inline_attachments += 1;
            if !is_image {
                let pointer = self.place.pointer();
                self.survey.note(pointer, OddityKind::InlineNotImage);
            }
        }
    }

    /// Goes to an element of the innermost level: reads its name if it has one.
    fn begin_element(&mut self, cursor: &mut Cursor) -> Result<(), ReportError> {
        if self
            .levels
            .last()
            .is_none_or(|level| level.kind == Kind::List)
        {
            self.place.next_element();
            return Ok(());
        }
        self.name.clear();
        cursor.name_into(&mut self.name)?;
        self.place.member(&self.name);
        self.survey.has_content |= self.levels.len() == 1 && self.name == "content";
        let Some(level) = self.levels.last_mut() else {
            return Ok(());
        };
        let hash = self.hasher.hash_one(&self.name);
        if level.names.contains(&hash) {
            let pointer = self.place.pointer();
            self.survey.note(pointer, OddityKind::RepeatedName);
        } else if self.remembered < SURVEY_NAMES_MAX {
            level.names.insert(hash);
            self.remembered += 1;
        }
        Ok(())
    }

    /// Reads what is no list or object, or an empty one that was entered already.
    fn scalar(&mut self, cursor: &mut Cursor, kind: Kind) -> Result<(), ReportError> {
        let in_object = self
            .levels
            .last_mut()
            .filter(|level| level.kind == Kind::Object);
        let inline = in_object.map(|level| &mut level.inline);
        match (kind, inline) {
            (Kind::Object | Kind::List, _) => Ok(()),
            (Kind::Text, Some(inline)) if self.name == "contentType" => {
                let text = surveyed_text(cursor)?;
                inline.is_image = Some(text.trim().to_ascii_lowercase().starts_with("image/"));
                Ok(())
            }
            (kind, inline) => {
                if let Some(inline) = inline {
                    inline.has_url |= kind == Kind::Text && self.name == "url";
                    inline.has_filesize |=
                        matches!(kind, Kind::Number | Kind::Null) && self.name == "filesize";
                }
                cursor.skip_value()
            }
        }
    }
}

/// Reads a text; what is beyond the limit is dropped.
pub(super) fn surveyed_text(cursor: &mut Cursor) -> Result<String, ReportError> {
    let mut text = String::new();
    let mut piece = cursor.text(&mut text)?;
    let mut dropped = String::new();
    while piece == Piece::More {
        let to = if text.len() < SURVEYED_TEXT_BYTES_MAX {
            &mut text
        } else {
            dropped.clear();
            &mut dropped
        };
        piece = cursor.text(to)?;
    }
    Ok(text)
}

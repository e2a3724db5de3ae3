use std::fmt;
use std::fs::File;
use std::path::Path;

use crate::ReportError;
use crate::body::{Cursor, Kind, Piece, index_response};
use crate::clean_name::clean_name;
use crate::limits::{
    ATTACHMENT_HEADERS_MAX, ATTACHMENT_TEXT_BYTES_MAX, ATTACHMENT_URL_BYTES_MAX, ATTACHMENTS_MAX,
};

/// What an upstream's answer says of one attachment (`upstream-contract.md`).
///
/// Its Debug output shows no personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The service's own number for it; its place in the list, from 1, where the answer has none.
    pub number: i64,
    /// What it is, for readers; cleaned with [`clean_name`], empty where the answer has none.
    pub name: String,
    /// The content type as declared; empty where the answer has none.
    pub content_type: String,
    /// Where it can be fetched, as it is written.
    pub url: String,
    /// Its declared length in bytes.
    pub filesize: Option<u64>,
    /// Its file name; cleaned with [`clean_name`], empty where the answer has none. Not a safe path.
    pub filename: String,
    /// Names and values of the headers to send, in their order.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").finish_non_exhaustive()
    }
}

/// Reads which attachments an upstream's answer has, in their order, from the file of its body.
///
/// Only what is needed to fetch and to name them must be there: a missing member, or one of
/// another kind than the contract's, counts as absent. A number may be written as a text, a header
/// without a name is left out, members that the contract does not know are ignored, `attachments`
/// that is absent or null is an empty list.
///
/// # Errors
/// What [`inspect_response`](crate::inspect_response) refuses, and
/// [`ReportError::AttachmentRefused`] for what cannot be fetched: `attachments` that is not a list,
/// an element that is not an object, one whose `url` is absent, empty or no text.
/// [`ReportError::LimitPassed`] for more than [`ATTACHMENTS_MAX`] of them, more headers than
/// [`ATTACHMENT_HEADERS_MAX`] and a longer `url` or header than [`ATTACHMENT_URL_BYTES_MAX`].
pub fn list_attachments(path: &Path) -> Result<Vec<Attachment>, ReportError> {
    let mut cursor = Cursor::new(File::open(path).map_err(ReportError::Read)?);
    let index = index_response(&mut cursor)?;
    let mut attachments = Vec::new();
    for place in index.attachments {
        cursor.seek(place)?;
        if cursor.kind()? != Kind::List {
            return Err(refused("`attachments` is not a list", place));
        }
        let mut more = cursor.enter(Kind::List)?;
        while more {
            cursor.peek()?;
            let offset = cursor.offset();
            if attachments.len() as u64 >= ATTACHMENTS_MAX {
                return Err(passed("more attachments", ATTACHMENTS_MAX, offset));
            }
            match read_attachment(&mut cursor, attachments.len() + 1)? {
                Listed::Fetchable(attachment) => attachments.push(attachment),
                Listed::Nameable(_) => return Err(refused("it has no `url`", offset)),
                Listed::Unknown => return Err(refused("it is not an object", offset)),
            }
            more = cursor.another(Kind::List)?;
        }
    }
    Ok(attachments)
}

/// An element of `attachments`.
pub(crate) enum Listed {
    /// It has the contract's shape.
    Fetchable(Attachment),
    /// It tells what it is, but not where it can be fetched.
    Nameable(Attachment),
    /// It is something else; the cursor is behind it.
    Unknown,
}

/// Reads the element at the cursor, whose place in the list is counted from 1.
pub(crate) fn read_attachment(cursor: &mut Cursor, place: usize) -> Result<Listed, ReportError> {
    if cursor.kind()? != Kind::Object {
        cursor.skip_value()?;
        return Ok(Listed::Unknown);
    }
    let mut attachment = Attachment {
        number: i64::try_from(place).unwrap_or(i64::MAX),
        name: String::new(),
        content_type: String::new(),
        url: String::new(),
        filesize: None,
        filename: String::new(),
        headers: Vec::new(),
    };
    let mut more = cursor.enter(Kind::Object)?;
    while more {
        let name = cursor.name()?;
        match name.as_str() {
            "attachmentNumber" => {
                if let Some(number) = integer(cursor)? {
                    attachment.number = number;
                }
            }
            "name" => attachment.name = cleaned(cursor)?,
            "contentType" => attachment.content_type = cleaned(cursor)?,
            "filename" => attachment.filename = cleaned(cursor)?,
            "url" => attachment.url = exact(cursor)?.unwrap_or_default(),
            "filesize" => attachment.filesize = integer(cursor)?,
            "headers" => attachment.headers = headers(cursor)?,
            _ => cursor.skip_value()?,
        }
        more = cursor.another(Kind::Object)?;
    }
    if attachment.url.is_empty() {
        return Ok(Listed::Nameable(attachment));
    }
    Ok(Listed::Fetchable(attachment))
}

/// A text for readers, cleaned; cut where it is longer than anyone reads.
fn cleaned(cursor: &mut Cursor) -> Result<String, ReportError> {
    if cursor.kind()? != Kind::Text {
        cursor.skip_value()?;
        return Ok(String::new());
    }
    let mut text = String::new();
    let mut piece = cursor.text(&mut text)?;
    let mut dropped = String::new();
    while piece == Piece::More {
        if text.len() < ATTACHMENT_TEXT_BYTES_MAX {
            piece = cursor.text(&mut text)?;
        } else {
            dropped.clear();
            piece = cursor.text(&mut dropped)?;
        }
    }
    if !dropped.is_empty() {
        text.push('…');
    }
    Ok(clean_name(&text).trim().to_owned())
}

/// A text for machines, which is worthless when cut.
fn exact(cursor: &mut Cursor) -> Result<Option<String>, ReportError> {
    if cursor.kind()? != Kind::Text {
        cursor.skip_value()?;
        return Ok(None);
    }
    let offset = cursor.offset();
    let mut text = String::new();
    while cursor.text(&mut text)? == Piece::More {
        if text.len() as u64 > ATTACHMENT_URL_BYTES_MAX {
            break;
        }
    }
    if text.len() as u64 > ATTACHMENT_URL_BYTES_MAX {
        let what = "an attachment with a longer URL or header";
        return Err(passed(what, ATTACHMENT_URL_BYTES_MAX, offset));
    }
    Ok(Some(text))
}

fn integer<T: std::str::FromStr>(cursor: &mut Cursor) -> Result<Option<T>, ReportError> {
    let mut digits = String::new();
    match cursor.kind()? {
        Kind::Number => cursor.number(&mut digits)?,
        Kind::Text => digits = cleaned(cursor)?,
        _ => cursor.skip_value()?,
    }
    Ok(digits.parse().ok())
}

fn headers(cursor: &mut Cursor) -> Result<Vec<(String, String)>, ReportError> {
    let mut headers = Vec::new();
    if cursor.kind()? != Kind::List {
        cursor.skip_value()?;
        return Ok(headers);
    }
    let offset = cursor.offset();
    let mut more = cursor.enter(Kind::List)?;
    while more {
        if let Some(header) = header(cursor)? {
            if headers.len() as u64 >= ATTACHMENT_HEADERS_MAX {
                let what = "an attachment with more headers";
                return Err(passed(what, ATTACHMENT_HEADERS_MAX, offset));
            }
            headers.push(header);
        }
        more = cursor.another(Kind::List)?;
    }
    Ok(headers)
}

fn header(cursor: &mut Cursor) -> Result<Option<(String, String)>, ReportError> {
    if cursor.kind()? != Kind::Object {
        cursor.skip_value()?;
        return Ok(None);
    }
    let (mut header, mut value) = (None, None);
    let mut more = cursor.enter(Kind::Object)?;
    while more {
        match cursor.name()?.as_str() {
            "name" => header = exact(cursor)?,
            "value" => value = exact(cursor)?,
            _ => cursor.skip_value()?,
        }
        more = cursor.another(Kind::Object)?;
    }
    Ok(header.zip(value).filter(|(name, _)| !name.is_empty()))
}

fn refused(problem: &'static str, offset: u64) -> ReportError {
    ReportError::AttachmentRefused { problem, offset }
}

fn passed(what: &'static str, max: u64, offset: u64) -> ReportError {
    ReportError::LimitPassed { what, max, offset }
}

use std::fs::File;
use std::path::Path;

use super::cursor::{Cursor, Kind, Piece};
use crate::ReportError;
use crate::limits::{NESTING_MAX, TOP_LEVEL_REPEATS_MAX};

/// What an upstream's answer holds, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseSummary {
    /// Whether `content` is there and not null, or attachments are listed.
    pub holds_data: bool,
    /// Elements of `attachments`.
    pub attachments: usize,
}

/// Where the members of an answer are that a report shows.
#[derive(Default)]
pub(crate) struct ResponseIndex {
    /// The values of `content` that are not null.
    pub content: Vec<u64>,
    /// The values of `attachments` that are not null.
    pub attachments: Vec<u64>,
    /// Elements in all of them.
    pub attachment_count: usize,
}

/// Reads the whole body of an upstream's answer once and checks it.
///
/// Memory does not depend on the body's size, nor on the length of a text in it.
///
/// # Errors
/// [`ReportError::Malformed`] if it is not UTF-8 or not JSON (RFC 8259),
/// [`ReportError::NotAnObject`] if it is JSON of another kind, [`ReportError::LimitPassed`] if it
/// passes one of the [`limits`](crate::limits). None of them quotes from the body.
pub fn inspect_response(path: &Path) -> Result<ResponseSummary, ReportError> {
    let file = File::open(path).map_err(ReportError::Read)?;
    let index = index_response(&mut Cursor::new(file))?;
    Ok(ResponseSummary {
        holds_data: !index.content.is_empty() || index.attachment_count > 0,
        attachments: index.attachment_count,
    })
}

/// Checks a whole body and notes where its parts are.
pub(crate) fn index_response(cursor: &mut Cursor) -> Result<ResponseIndex, ReportError> {
    let mut index = ResponseIndex::default();
    cursor.skip_byte_order_mark()?;
    if cursor.kind()? != Kind::Object {
        let offset = cursor.offset();
        check_value(cursor)?;
        expect_end(cursor)?;
        return Err(ReportError::NotAnObject { offset });
    }
    let mut more = cursor.enter(Kind::Object)?;
    while more {
        let name = cursor.name()?;
        let kind = cursor.kind()?;
        let offset = cursor.offset();
        let elements = check_value(cursor)?;
        let places = match name.as_str() {
            "content" => Some(&mut index.content),
            "attachments" => Some(&mut index.attachments),
            _ => None,
        };
        if let Some(places) = places.filter(|_| kind != Kind::Null) {
            if places.len() as u64 >= TOP_LEVEL_REPEATS_MAX {
                return Err(ReportError::LimitPassed {
                    what: "more members of one name",
                    max: TOP_LEVEL_REPEATS_MAX,
                    offset,
                });
            }
            places.push(offset);
        }
        if name == "attachments" && kind != Kind::Null {
            index.attachment_count += if kind == Kind::List { elements } else { 1 };
        }
        more = cursor.another(Kind::Object)?;
    }
    expect_end(cursor)?;
    Ok(index)
}

/// Checks a file that holds one value of any kind; returns where it starts.
pub(crate) fn check_json(cursor: &mut Cursor) -> Result<u64, ReportError> {
    cursor.skip_byte_order_mark()?;
    cursor.kind()?;
    let start = cursor.offset();
    check_value(cursor)?;
    expect_end(cursor)?;
    Ok(start)
}

fn expect_end(cursor: &mut Cursor) -> Result<(), ReportError> {
    match cursor.peek()? {
        None => Ok(()),
        Some(_) => Err(cursor.malformed("something follows after its end")),
    }
}

/// Reads one value with all that is in it; returns how many elements it has itself.
fn check_value(cursor: &mut Cursor) -> Result<usize, ReportError> {
    let mut open = Levels::default();
    let mut elements = 0;
    let mut scratch = String::new();
    loop {
        let kind = cursor.kind()?;
        match kind {
            Kind::Object | Kind::List => {
                if open.len() >= NESTING_MAX {
                    return Err(ReportError::LimitPassed {
                        what: "deeper nesting",
                        max: NESTING_MAX,
                        offset: cursor.offset(),
                    });
                }
                if cursor.enter(kind)? {
                    open.push(kind);
                    elements += usize::from(open.len() == 1);
                    if kind == Kind::Object {
                        check_name(cursor, &mut scratch)?;
                    }
                    continue;
                }
            }
            Kind::Text => while check_piece(cursor, &mut scratch)? == Piece::More {},
            Kind::Number => {
                scratch.clear();
                cursor.number(&mut scratch)?;
            }
            Kind::True => cursor.word("true")?,
            Kind::False => cursor.word("false")?,
            Kind::Null => cursor.word("null")?,
        }
        loop {
            let Some(kind) = open.last() else {
                return Ok(elements);
            };
            if cursor.another(kind)? {
                elements += usize::from(open.len() == 1);
                if kind == Kind::Object {
                    check_name(cursor, &mut scratch)?;
                }
                break;
            }
            open.pop();
        }
    }
}

fn check_piece(cursor: &mut Cursor, scratch: &mut String) -> Result<Piece, ReportError> {
    scratch.clear();
    cursor.text(scratch)
}

fn check_name(cursor: &mut Cursor, scratch: &mut String) -> Result<(), ReportError> {
    scratch.clear();
    cursor.name_into(scratch)
}

/// The lists and objects that are open, a bit each.
#[derive(Default)]
struct Levels {
    bits: Vec<u64>,
    len: u64,
}

impl Levels {
    fn len(&self) -> u64 {
        self.len
    }

    fn push(&mut self, kind: Kind) {
        let (word, bit) = ((self.len / 64) as usize, self.len % 64);
        if word == self.bits.len() {
            self.bits.push(0);
        }
        self.bits[word] &= !(1 << bit);
        self.bits[word] |= u64::from(kind == Kind::Object) << bit;
        self.len += 1;
    }

    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    fn last(&self) -> Option<Kind> {
        let top = self.len.checked_sub(1)?;
        let object = self.bits[(top / 64) as usize] >> (top % 64) & 1 == 1;
        Some(if object { Kind::Object } else { Kind::List })
    }
}

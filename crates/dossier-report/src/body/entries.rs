use super::cursor::{Cursor, Kind};
use super::survey::{OddityKind, ResponseSurvey, surveyed_text};
use crate::ReportError;
use crate::clean_name::clean_name;

/// Looks whether `attachments`, at the cursor, is what the upstream contract says.
pub(super) fn survey_entries(
    cursor: &mut Cursor,
    survey: &mut ResponseSurvey,
) -> Result<(), ReportError> {
    const LIST: &str = "/attachments";
    if !enters(cursor, Kind::List, "a list", LIST, survey)? {
        return Ok(());
    }
    let mut place = 0_u64;
    loop {
        let pointer = format!("{LIST}/{place}");
        if cursor.kind()? == Kind::Object {
            survey_entry(cursor, &pointer, survey)?;
        } else {
            mistyped(cursor, "an object", &pointer, survey)?;
        }
        place += 1;
        if !cursor.another(Kind::List)? {
            return Ok(());
        }
    }
}

/// The members of an attachment that have to be there; `filesize` and `headers` may be absent as
/// they may be null.
const REQUIRED: [&str; 5] = ["attachmentNumber", "name", "contentType", "url", "filename"];

fn survey_entry(
    cursor: &mut Cursor,
    pointer: &str,
    survey: &mut ResponseSurvey,
) -> Result<(), ReportError> {
    let mut seen = [false; REQUIRED.len()];
    let mut more = cursor.enter(Kind::Object)?;
    while more {
        let name = cursor.name()?;
        if let Some(place) = REQUIRED.iter().position(|required| *required == name) {
            seen[place] = true;
        }
        let pointer = format!("{pointer}/{name}");
        let kind = cursor.kind()?;
        match (name.as_str(), kind) {
            ("attachmentNumber", Kind::Number) => {
                whole_number::<i64>(cursor, "a whole number", &pointer, survey)?;
            }
            ("attachmentNumber", _) => mistyped(cursor, "a whole number", &pointer, survey)?,
            ("filesize", Kind::Number) => {
                whole_number::<u64>(cursor, "a whole number from 0", &pointer, survey)?;
            }
            ("filesize" | "headers", Kind::Null) => cursor.skip_value()?,
            ("filesize", _) => mistyped(cursor, "a whole number or null", &pointer, survey)?,
            ("name" | "filename", Kind::Text) => {
                let text = surveyed_text(cursor)?;
                if clean_name(&text).trim() != text {
                    survey.note(pointer, OddityKind::UncleanName);
                }
            }
            ("contentType", Kind::Text) => {
                if !is_media_type(&surveyed_text(cursor)?) {
                    survey.note(pointer, OddityKind::NoMediaType);
                }
            }
            ("url", Kind::Text) => cursor.skip_value()?,
            ("name" | "filename" | "contentType" | "url", _) => {
                mistyped(cursor, "a text", &pointer, survey)?;
            }
            ("headers", _) => survey_headers(cursor, &pointer, survey)?,
            _ => cursor.skip_value()?,
        }
        more = cursor.another(Kind::Object)?;
    }
    for (name, seen) in REQUIRED.iter().zip(seen) {
        if !seen {
            survey.note(format!("{pointer}/{name}"), OddityKind::Missing);
        }
    }
    Ok(())
}

fn survey_headers(
    cursor: &mut Cursor,
    pointer: &str,
    survey: &mut ResponseSurvey,
) -> Result<(), ReportError> {
    if !enters(cursor, Kind::List, "a list or null", pointer, survey)? {
        return Ok(());
    }
    let mut place = 0_u64;
    loop {
        let pointer = format!("{pointer}/{place}");
        if cursor.kind()? == Kind::Object {
            survey_header(cursor, &pointer, survey)?;
        } else {
            mistyped(cursor, "an object", &pointer, survey)?;
        }
        place += 1;
        if !cursor.another(Kind::List)? {
            return Ok(());
        }
    }
}

fn survey_header(
    cursor: &mut Cursor,
    pointer: &str,
    survey: &mut ResponseSurvey,
) -> Result<(), ReportError> {
    const MEMBERS: [&str; 2] = ["name", "value"];
    let mut seen = [false; MEMBERS.len()];
    let mut more = cursor.enter(Kind::Object)?;
    while more {
        let name = cursor.name()?;
        let known = MEMBERS.iter().position(|member| *member == name);
        match known {
            None => cursor.skip_value()?,
            Some(place) => {
                seen[place] = true;
                if cursor.kind()? == Kind::Text {
                    cursor.skip_value()?;
                } else {
                    mistyped(cursor, "a text", &format!("{pointer}/{name}"), survey)?;
                }
            }
        }
        more = cursor.another(Kind::Object)?;
    }
    for (name, seen) in MEMBERS.iter().zip(seen) {
        if !seen {
            survey.note(format!("{pointer}/{name}"), OddityKind::Missing);
        }
    }
    Ok(())
}

/// Enters a list that is expected; answers whether there is anything in it to read.
fn enters(
    cursor: &mut Cursor,
    kind: Kind,
    expected: &'static str,
    pointer: &str,
    survey: &mut ResponseSurvey,
) -> Result<bool, ReportError> {
    if cursor.kind()? == kind {
        return cursor.enter(kind);
    }
    mistyped(cursor, expected, pointer, survey)?;
    Ok(false)
}

/// Notes that the value at the cursor is of another type, and skips it.
fn mistyped(
    cursor: &mut Cursor,
    expected: &'static str,
    pointer: &str,
    survey: &mut ResponseSurvey,
) -> Result<(), ReportError> {
    let found = cursor.kind()?.into();
    survey.note(
        pointer.to_owned(),
        OddityKind::WrongType { expected, found },
    );
    cursor.skip_value()
}

/// Reads a number, and notes it if it is none that the type can have.
fn whole_number<T: std::str::FromStr>(
    cursor: &mut Cursor,
    expected: &'static str,
    pointer: &str,
    survey: &mut ResponseSurvey,
) -> Result<(), ReportError> {
    let mut digits = String::new();
    cursor.number(&mut digits)?;
    if digits.parse::<T>().is_err() {
        let kind = OddityKind::WrongType {
            expected,
            found: Kind::Number.into(),
        };
        survey.note(pointer.to_owned(), kind);
    }
    Ok(())
}

/// Whether a text has the form `type/subtype`, with or without parameters (RFC 9110, section 8.3.1).
fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        let in_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(in_token)
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

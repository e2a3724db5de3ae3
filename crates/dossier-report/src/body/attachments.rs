use super::cursor::{Cursor, Kind, Piece};
use crate::ReportError;
use crate::block::{Block, BlockSink, HeadingLevel, Value};
use crate::clean_name::clean_name;
use crate::generic::{self, NO_DATA_HELD};
use crate::limits::ATTACHMENT_TEXT_BYTES_MAX;

/// What an answer says of one attachment.
#[derive(Default)]
struct Attachment {
    number: Option<String>,
    name: Option<String>,
    content_type: Option<String>,
    file_name: Option<String>,
    file_size: Option<String>,
}

/// Names every attachment of the list at the cursor; its content is not part of the document.
pub(crate) fn attachments(
    cursor: &mut Cursor,
    sink: &mut dyn BlockSink,
) -> Result<(), ReportError> {
    if cursor.kind()? != Kind::List {
        return show_unknown(cursor, sink, 1);
    }
    let mut more = cursor.enter(Kind::List)?;
    let mut place = 0;
    while more {
        place += 1;
        cursor.peek()?;
        let start = cursor.offset();
        match read_attachment(cursor)? {
            Some(attachment) => show(&attachment, sink, place)?,
            None => {
                cursor.seek(start)?;
                show_unknown(cursor, sink, place)?;
            }
        }
        more = cursor.another(Kind::List)?;
    }
    Ok(())
}

/// Reads an element that has the contract's shape.
fn read_attachment(cursor: &mut Cursor) -> Result<Option<Attachment>, ReportError> {
    if cursor.kind()? != Kind::Object {
        return Ok(None);
    }
    let mut attachment = Attachment::default();
    let mut more = cursor.enter(Kind::Object)?;
    while more {
        let name = cursor.name()?;
        let member = match name.as_str() {
            "attachmentNumber" => Some(&mut attachment.number),
            "name" => Some(&mut attachment.name),
            "contentType" => Some(&mut attachment.content_type),
            "filename" => Some(&mut attachment.file_name),
            "filesize" => Some(&mut attachment.file_size),
            _ => None,
        };
        let kind = cursor.kind()?;
        match (member, kind) {
            (Some(_), Kind::Object | Kind::List) => return Ok(None),
            (Some(member), Kind::Text) => *member = Some(read_text(cursor)?),
            (Some(member), Kind::Number) => {
                let mut number = String::new();
                cursor.number(&mut number)?;
                *member = Some(number);
            }
            _ => cursor.skip_value()?,
        }
        more = cursor.another(Kind::Object)?;
    }
    let named = attachment.name.is_some() || attachment.file_name.is_some();
    Ok(named.then_some(attachment))
}

fn read_text(cursor: &mut Cursor) -> Result<String, ReportError> {
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
    Ok(clean_name(&text))
}

fn show(
    attachment: &Attachment,
    sink: &mut dyn BlockSink,
    place: usize,
) -> Result<(), ReportError> {
    let place = place.to_string();
    let number = attachment.number.as_deref().unwrap_or(&place);
    let held = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let titles = [held(&attachment.file_name), held(&attachment.name)];
    let titles: Vec<String> = titles.into_iter().flatten().collect();
    let content_type = held(&attachment.content_type);
    let size = match held(&attachment.file_size) {
        Some(size) => format!("{size} bytes"),
        None => "Not known".to_owned(),
    };

    heading(sink, number)?;
    if !titles.is_empty() {
        paragraph(sink, &titles.join(" - "))?;
    }
    row(
        sink,
        "Content type",
        content_type.as_deref().unwrap_or(NO_DATA_HELD),
    )?;
    row(sink, "Size", &size)?;
    let content_type = content_type.as_deref().unwrap_or("unknown");
    paragraph(
        sink,
        &format!(
            "Attachment content type {content_type} not supported: \
             the file's content is not included in this document."
        ),
    )
}

/// Shows an element that has another shape than the contract's, as any JSON.
fn show_unknown(
    cursor: &mut Cursor,
    sink: &mut dyn BlockSink,
    place: usize,
) -> Result<(), ReportError> {
    heading(sink, &place.to_string())?;
    generic::render(cursor, sink)
}

fn heading(sink: &mut dyn BlockSink, number: &str) -> Result<(), ReportError> {
    sink.block(Block::Heading {
        level: HeadingLevel::Two,
        text: &format!("Attachment: {number}"),
    })
}

fn paragraph(sink: &mut dyn BlockSink, text: &str) -> Result<(), ReportError> {
    sink.block(Block::Paragraph {
        value: Value::Last(text),
        indent: 0,
    })
}

fn row(sink: &mut dyn BlockSink, name: &str, value: &str) -> Result<(), ReportError> {
    sink.block(Block::Row {
        name,
        value: Value::Last(value),
        indent: 0,
    })
}

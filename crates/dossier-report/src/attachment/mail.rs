use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::Path;

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::failure::{Failure, guarded, unreadable};
use super::html::show_html_text;
use super::show::{Item, Seen, paragraph, show_item};
use super::words::{Placed, show_text};
use crate::ReportError;
use crate::block::{Block, BlockSink, HeadingLevel};
use crate::clean_name::clean_name;
use crate::layout::Composer;
use crate::limits::{MAIL_ATTACHMENTS_MAX, MAIL_BYTES_MAX, MAIL_DEPTH_MAX};
use crate::report::{OfficeConverter, Shown};

/// What readers look for first.
const FIRST_HEADERS: [&str; 7] = ["From", "To", "Cc", "Bcc", "Reply-To", "Date", "Subject"];

/// What only says how the message is put together.
const STRUCTURE_HEADERS: [&str; 3] = ["MIME-Version", "Content-Type", "Content-Transfer-Encoding"];

/// Shows an e-mail (RFC 5322): its headers, its text, and its attachments like any others.
pub(super) fn show_mail(
    composer: &mut Composer<'_, '_>,
    item: &Item<'_>,
    office: Option<&OfficeConverter>,
) -> Result<Seen, Failure> {
    let read = |error| Failure::Report(ReportError::Read(error));
    let bytes = fs::metadata(item.path).map_err(read)?.len();
    if bytes > MAIL_BYTES_MAX {
        return Err(unreadable(format!(
            "the e-mail has {} MB; at most {} MB are read",
            bytes / 1_000_000,
            MAIL_BYTES_MAX / 1_000_000
        )));
    }
    let raw = fs::read(item.path).map_err(read)?;
    let message = guarded(|| Ok(MessageParser::default().parse(&raw)))?
        .ok_or_else(|| unreadable("the file is not an e-mail"))?;
    show_headers(composer, &message)?;
    show_bodies(composer, &message)?;
    show_other_headers(composer, &message)?;
    show_attachments(composer, item, &message, office)
}

fn show_headers(sink: &mut dyn BlockSink, message: &Message<'_>) -> Result<(), Failure> {
    for name in FIRST_HEADERS {
        for (found, value) in message.headers_raw() {
            if !found.eq_ignore_ascii_case(name) {
                continue;
            }
            let value = match name {
                "Subject" => message.subject().unwrap_or(value),
                _ => value,
            };
            show_header(sink, name, value)?;
        }
    }
    Ok(())
}

/// Where a message came by: nobody reads it first, but it is held about somebody.
fn show_other_headers(sink: &mut dyn BlockSink, message: &Message<'_>) -> Result<(), Failure> {
    let mut begun = false;
    for (name, value) in message.headers_raw() {
        let mut others = FIRST_HEADERS.iter().chain(&STRUCTURE_HEADERS);
        if others.any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        if !std::mem::replace(&mut begun, true) {
            sink.block(Block::Heading {
                level: HeadingLevel::Four,
                text: "Other headers",
            })?;
        }
        show_header(sink, name, value)?;
    }
    Ok(())
}

fn show_header(sink: &mut dyn BlockSink, name: &str, value: &str) -> Result<(), ReportError> {
    let value: String = decoded(value)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    if value.is_empty() {
        return Ok(());
    }
    show_text(sink, Placed::Row { name, indent: 0 }, &value)
}

/// A header's value with its encoded words (RFC 2047) read.
fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains("=?") {
        return value.into();
    }
    let header = format!("Subject: {}\r\n\r\n", value.trim());
    guarded(|| {
        let message = MessageParser::default().parse(header.as_bytes());
        Ok(message.and_then(|message| message.subject().map(str::to_owned)))
    })
    .ok()
    .flatten()
    .map_or(Cow::Borrowed(value), Cow::Owned)
}

fn show_bodies(sink: &mut Composer<'_, '_>, message: &Message<'_>) -> Result<(), Failure> {
    let mut shown = false;
    for part in message.text_bodies() {
        match &part.body {
            PartType::Text(text) if !text.trim().is_empty() => {
                show_text(sink, Placed::Paragraph { indent: 0 }, text.trim_end())?;
                shown = true;
            }
            PartType::Html(html) => {
                show_html_text(sink, html)?;
                shown = true;
            }
            _ => {}
        }
    }
    if !shown {
        paragraph(sink, "The e-mail has no text.")?;
    }
    Ok(())
}

fn show_attachments(
    composer: &mut Composer<'_, '_>,
    item: &Item<'_>,
    message: &Message<'_>,
    office: Option<&OfficeConverter>,
) -> Result<Seen, Failure> {
    let mut all = Seen::new(Shown::Whole);
    for (nth, part) in message.attachments().enumerate() {
        if nth >= MAIL_ATTACHMENTS_MAX {
            let more = format!("Only the first {MAIL_ATTACHMENTS_MAX} attachments are shown.");
            paragraph(composer, &more)?;
            all.shown = Shown::Part;
            break;
        }
        let seen = show_part(composer, item, part, nth + 1, office)?;
        if seen.shown != Shown::Whole {
            all.shown = Shown::Part;
        }
        all.fonts_embedded &= seen.fonts_embedded;
        all.imported |= seen.imported;
    }
    Ok(all)
}

fn show_part(
    composer: &mut Composer<'_, '_>,
    item: &Item<'_>,
    part: &MessagePart<'_>,
    number: usize,
    office: Option<&OfficeConverter>,
) -> Result<Seen, Failure> {
    let filename = clean_name(part.attachment_name().unwrap_or_default());
    let message = part.is_message();
    let content_type = match part.content_type() {
        _ if message => "message/rfc822".to_owned(),
        Some(kind) => match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()),
            None => kind.ctype().to_owned(),
        },
        None => String::new(),
    };
    composer.fresh_page()?;
    composer.block(Block::Heading {
        level: HeadingLevel::Three,
        text: &format!("Attachment of the e-mail: {number}"),
    })?;
    let title = if filename.is_empty() {
        "No file name"
    } else {
        &filename
    };
    paragraph(composer, title)?;
    if item.depth >= MAIL_DEPTH_MAX {
        let deep = "It is not shown because it lies too deep in e-mails within e-mails.";
        paragraph(composer, deep)?;
        return Ok(Seen::new(Shown::NameOnly));
    }
    // Beside the e-mail's own file, where personal data is expected and cleaned up.
    let folder = item.path.parent().unwrap_or(Path::new("."));
    let write = |error| Failure::Report(ReportError::Write(error));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(write)?;
    let contents = match part.message() {
        Some(message) => message.raw_message(),
        None => part.contents(),
    };
    file.write_all(contents)
        .and_then(|()| file.flush())
        .map_err(write)?;
    let inner = Item {
        path: file.path(),
        content_type: &content_type,
        filename: &filename,
        title,
        depth: item.depth + 1,
    };
    Ok(show_item(composer, &inner, office)?)
}

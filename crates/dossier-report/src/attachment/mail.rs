use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::Path;

use mail_parser::decoders::html::html_to_text;
use mail_parser::{Message, MessageParser, MessagePart, MessagePartId, MimeHeaders, PartType};

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

/// What is said of an e-mail whose text is HTML.
const ONLY_TEXT: &str =
    "The e-mail is a web page: its text is shown, its images and its looks are not.";

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
    let rich = show_bodies(composer, &message)?;
    show_other_headers(composer, &message)?;
    let mut seen = show_attachments(composer, item, &message, office)?;
    if rich {
        seen.shown = Shown::Part;
    }
    Ok(seen)
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
            label(sink, "Other headers")?;
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

/// Shows the e-mail's text, and returns whether it is a web page's. Where it comes both as plain
/// text and as a web page (RFC 2046, 5.1.4), the web page alone is shown if both say the same.
fn show_bodies(sink: &mut Composer<'_, '_>, message: &Message<'_>) -> Result<bool, Failure> {
    let (plain, rich) = (&message.text_body, &message.html_body);
    let only_plain = others(plain, rich);
    let only_rich = others(rich, plain);
    let differ = !only_plain.is_empty()
        && !only_rich.is_empty()
        && words(message, &only_plain)? != words(message, &only_rich)?;
    let mut shown = None;
    if differ && !words(message, &only_plain)?.is_empty() {
        label(sink, "The e-mail as plain text")?;
        shown = show_parts(sink, message, &only_plain)?;
        label(sink, "The e-mail as a web page")?;
    }
    let rest = if only_rich.is_empty() { plain } else { rich };
    let shown = shown.max(show_parts(sink, message, rest)?);
    match shown {
        Some(Looks::Rich) => paragraph(sink, ONLY_TEXT)?,
        Some(Looks::Plain) => {}
        None => paragraph(sink, "The e-mail has no text.")?,
    }
    Ok(shown == Some(Looks::Rich))
}

/// What a text has beside its words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Looks {
    Plain,
    Rich,
}

/// The parts that the other list has not.
fn others(parts: &[MessagePartId], known: &[MessagePartId]) -> Vec<MessagePartId> {
    let parts = parts.iter().copied();
    parts.filter(|part| !known.contains(part)).collect()
}

/// The words of some parts, with one space between them.
fn words(message: &Message<'_>, parts: &[MessagePartId]) -> Result<String, Failure> {
    let mut all = String::new();
    for part in parts.iter().filter_map(|part| message.part(*part)) {
        let text = match &part.body {
            PartType::Text(text) => Cow::Borrowed(&**text),
            PartType::Html(html) => guarded(|| Ok(html_to_text(html)))?.into(),
            _ => continue,
        };
        for word in text.split_whitespace() {
            all.push_str(word);
            all.push(' ');
        }
    }
    Ok(all)
}

/// Shows the texts among some parts; `None` if there are none.
fn show_parts(
    sink: &mut Composer<'_, '_>,
    message: &Message<'_>,
    parts: &[MessagePartId],
) -> Result<Option<Looks>, Failure> {
    let mut shown = None;
    for part in parts.iter().filter_map(|part| message.part(*part)) {
        match &part.body {
            PartType::Text(text) if !text.trim().is_empty() => {
                show_text(sink, Placed::Paragraph { indent: 0 }, text.trim_end())?;
                shown = shown.max(Some(Looks::Plain));
            }
            PartType::Html(html) => {
                show_html_text(sink, html)?;
                shown = Some(Looks::Rich);
            }
            _ => {}
        }
    }
    Ok(shown)
}

fn label(sink: &mut dyn BlockSink, text: &str) -> Result<(), ReportError> {
    sink.block(Block::Heading {
        level: HeadingLevel::Four,
        text,
    })
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
    // Beside the e-mail's own file, where personal data is expected and cleaned up, or where that
    // is read-only, in the system's folder for temporary files.
    let folder = item.path.parent().unwrap_or(Path::new("."));
    let write = |error| Failure::Report(ReportError::Write(error));
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .or_else(|_| tempfile::NamedTempFile::new())
        .map_err(write)?;
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

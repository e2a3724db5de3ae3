use std::path::{Path, PathBuf};

use dossier_core::schema::SchemaPlace;

use super::document::show_document;
use super::failure::{Failure, open, unreadable};
use super::html::show_html;
use super::json::show_json;
use super::kind::{FileKind, file_kind};
use super::mail::show_mail;
use super::office::convert;
use super::picture::show_picture;
use super::spreadsheet::show_values;
use super::words::show_words;
use super::xml::show_xml;
use super::{Attachment, Listed, read_attachment};
use crate::ReportError;
use crate::block::{Block, BlockSink, HeadingLevel, Value};
use crate::body::{Cursor, Kind};
use crate::generic::{self, NO_DATA_HELD};
use crate::layout::Composer;
use crate::report::{AttachmentOutcome, OfficeConverter, Report, Shown};

/// What is said of every file that the report does not show as a whole, where it is true.
const KEPT: &str = "The file itself is kept beside this report.";

/// What is said of a web page.
const ONLY_TEXT: &str =
    "The file is a web page: its text is shown, its images and its looks are not.";

/// Shows the attachments of one section and notes what became of them.
pub(crate) struct AttachmentWriter<'a> {
    section: usize,
    office: Option<&'a OfficeConverter>,
    keeps_originals: bool,
    outcomes: &'a mut Vec<AttachmentOutcome>,
    /// Elements seen so far, over all lists of the answer.
    place: usize,
}

/// A file to show, with what is said of it.
pub(super) struct Item<'a> {
    pub path: &'a Path,
    pub content_type: &'a str,
    pub filename: &'a str,
    /// What it is, for readers.
    pub title: &'a str,
    /// How many files it is inside of.
    pub depth: usize,
}

/// What was shown of a file.
pub(super) struct Seen {
    pub shown: Shown,
    pub fonts_embedded: bool,
    /// Whether something was taken over as it is that may not keep PDF/A.
    pub imported: bool,
}

impl Seen {
    pub fn new(shown: Shown) -> Self {
        Self {
            shown,
            fonts_embedded: true,
            imported: false,
        }
    }
}

impl<'a> AttachmentWriter<'a> {
    pub fn new(
        section: usize,
        report: &'a Report,
        outcomes: &'a mut Vec<AttachmentOutcome>,
    ) -> Self {
        Self {
            section,
            office: report.office.as_ref(),
            keeps_originals: report.keeps_originals,
            outcomes,
            place: 0,
        }
    }

    /// Shows every attachment of the list at the cursor whose file is given, and names the others.
    pub fn show(
        &mut self,
        cursor: &mut Cursor,
        files: &[PathBuf],
        composer: &mut Composer<'_, '_>,
    ) -> Result<(), ReportError> {
        if cursor.kind()? != Kind::List {
            self.place += 1;
            return show_unknown(cursor, composer, self.place);
        }
        let mut more = cursor.enter(Kind::List)?;
        while more {
            self.place += 1;
            cursor.peek()?;
            let start = cursor.offset();
            match (
                read_attachment(cursor, self.place)?,
                files.get(self.place - 1),
            ) {
                (Listed::Fetchable(attachment), Some(file)) => {
                    self.show_file(&attachment, file, composer)?;
                }
                (Listed::Fetchable(attachment) | Listed::Nameable(attachment), _)
                    if attachment.is_named() =>
                {
                    name_only(&attachment, composer)?;
                }
                _ => {
                    cursor.seek(start)?;
                    show_unknown(cursor, composer, self.place)?;
                }
            }
            more = cursor.another(Kind::List)?;
        }
        Ok(())
    }

    fn show_file(
        &mut self,
        attachment: &Attachment,
        path: &Path,
        composer: &mut Composer<'_, '_>,
    ) -> Result<(), ReportError> {
        composer.fresh_page()?;
        let page = composer.page_number()?;
        heading(composer, &attachment.number.to_string())?;
        let title = attachment.title();
        if !title.is_empty() {
            paragraph(composer, &title)?;
        }
        let item = Item {
            path,
            content_type: &attachment.content_type,
            filename: &attachment.filename,
            title: &title,
            depth: 0,
        };
        let seen = show_item(composer, &item, self.office)?;
        if self.keeps_originals && seen.shown != Shown::Whole {
            paragraph(composer, KEPT)?;
        }
        self.outcomes.push(AttachmentOutcome {
            section: self.section,
            place: self.place - 1,
            page,
            shown: seen.shown,
            fonts_embedded: seen.fonts_embedded,
            imported: seen.imported,
        });
        Ok(())
    }
}

/// Shows a file below its title; if it cannot be shown, says why.
pub(super) fn show_item(
    composer: &mut Composer<'_, '_>,
    item: &Item<'_>,
    office: Option<&OfficeConverter>,
) -> Result<Seen, ReportError> {
    let kind = file_kind(item.path, item.content_type, item.filename);
    let shown = kind.and_then(|kind| show_kind(composer, item, kind, office));
    let why = match shown {
        Ok(seen) => return Ok(seen),
        Err(Failure::Report(error)) => return Err(error),
        Err(Failure::Unreadable(why)) => why,
    };
    describe_file(composer, item, None)?;
    paragraph(
        composer,
        &format!("This attachment could not be shown because {why}."),
    )?;
    Ok(Seen::new(Shown::NameOnly))
}

fn show_kind(
    composer: &mut Composer<'_, '_>,
    item: &Item<'_>,
    kind: FileKind,
    office: Option<&OfficeConverter>,
) -> Result<Seen, Failure> {
    let whole = Seen::new(Shown::Whole);
    match kind {
        FileKind::Jpeg | FileKind::Png | FileKind::Gif | FileKind::Tiff | FileKind::WebP => {
            let alt = format!("Image: {}", item.title);
            let pictured = show_picture(composer, item.path, kind, &alt)?;
            if let Some(note) = &pictured.note {
                paragraph(composer, note)?;
            }
            Ok(Seen {
                imported: pictured.cmyk,
                ..Seen::new(pictured.shown)
            })
        }
        FileKind::Pdf => show_document(composer, item.path, item.title),
        FileKind::Office(extension) => {
            let office = office.ok_or_else(|| {
                unreadable("it is an office document, and converting those is not set up")
            })?;
            let converted = convert(office, item.path, extension)?;
            show_document(composer, &converted.path(), item.title)
        }
        FileKind::Text => show_words(composer, item.path).map(|()| whole),
        FileKind::Csv => show_values(composer, item.path).map(|()| whole),
        FileKind::Json => show_json(composer, item.path).map(|()| whole),
        FileKind::Xml => show_xml(composer, item.path).map(Seen::new),
        FileKind::Html => {
            show_html(composer, item.path)?;
            paragraph(composer, ONLY_TEXT)?;
            Ok(Seen::new(Shown::Part))
        }
        FileKind::Mail => show_mail(composer, item, office),
        FileKind::Unsupported(known) => Ok(not_supported(composer, item, Some(known))?),
        FileKind::Unknown => Ok(not_supported(composer, item, None)?),
    }
}

fn not_supported(
    composer: &mut Composer<'_, '_>,
    item: &Item<'_>,
    known: Option<&str>,
) -> Result<Seen, ReportError> {
    describe_file(composer, item, known)?;
    let declared = Some(item.content_type).filter(|text| !text.is_empty());
    let name = known.or(declared).unwrap_or("unknown");
    paragraph(
        composer,
        &format!("Attachment content type {name} not supported."),
    )?;
    Ok(Seen::new(Shown::NameOnly))
}

/// What a file is that readers do not see.
fn describe_file(
    composer: &mut Composer<'_, '_>,
    item: &Item<'_>,
    known: Option<&str>,
) -> Result<(), ReportError> {
    let declared = Some(item.content_type).filter(|text| !text.is_empty());
    let content_type = match (declared, known) {
        (Some(declared), Some(known)) if declared != known => {
            format!("{declared}, but the file is {known}")
        }
        (declared, known) => declared.or(known).unwrap_or("Not known").to_owned(),
    };
    row(composer, "Content type", &content_type)?;
    let file = open(item.path);
    let size = match file.map(|file| file.metadata()) {
        Ok(Ok(metadata)) => format!("{} bytes", metadata.len()),
        _ => "Not known".to_owned(),
    };
    row(composer, "Size", &size)
}

impl Attachment {
    fn is_named(&self) -> bool {
        !self.name.is_empty() || !self.filename.is_empty()
    }

    /// The line below the heading: what it is, in the service's own words.
    fn title(&self) -> String {
        let titles = [&self.filename[..], &self.name[..]];
        let titles: Vec<&str> = titles.into_iter().filter(|text| !text.is_empty()).collect();
        titles.join(" - ")
    }
}

/// Names an attachment whose file is not given.
fn name_only(attachment: &Attachment, sink: &mut dyn BlockSink) -> Result<(), ReportError> {
    let content_type = Some(&attachment.content_type[..]).filter(|text| !text.is_empty());
    let size = match attachment.filesize {
        Some(size) => format!("{size} bytes"),
        None => "Not known".to_owned(),
    };
    heading(sink, &attachment.number.to_string())?;
    paragraph(sink, &attachment.title())?;
    row(sink, "Content type", content_type.unwrap_or(NO_DATA_HELD))?;
    row(sink, "Size", &size)?;
    let content_type = content_type.unwrap_or("unknown");
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
    generic::render(cursor, &SchemaPlace::default(), sink)
}

fn heading(sink: &mut dyn BlockSink, number: &str) -> Result<(), ReportError> {
    sink.block(Block::Heading {
        level: HeadingLevel::Two,
        text: &format!("Attachment: {number}"),
    })
}

/// A text on its own.
pub(super) fn paragraph(sink: &mut dyn BlockSink, text: &str) -> Result<(), ReportError> {
    sink.block(Block::Paragraph {
        value: Value::Last(text.into()),
        indent: 0,
    })
}

/// A name and its value.
pub(super) fn row(sink: &mut dyn BlockSink, name: &str, value: &str) -> Result<(), ReportError> {
    sink.block(Block::Row {
        name,
        value: Value::Last(value.into()),
        indent: 0,
    })
}

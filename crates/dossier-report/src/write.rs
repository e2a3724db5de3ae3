//! One report, from its sections' files to its own.

use std::fs::{self, File};
use std::path::Path;

use pdf_writer::types::{ActionType, AnnotationType, PageMode};
use pdf_writer::writers::{Annotation, Catalog, DocumentInfo, Outline, OutlineItem};
use pdf_writer::{Date, Finish, Name, Rect, TextStr};

use crate::ReportError;
use crate::block::{Block, BlockSink, Value};
use crate::body::{Cursor, attachments, index_response};
use crate::generic::{self, NO_DATA_HELD};
use crate::layout::{
    Canvas, Composer, ContentsLine, Furniture, PageSink, contents, external_cover, internal_cover,
    paper, rear_page,
};
use crate::pdf::{ObjectId, PageTree, PdfFile, write_fonts};
use crate::report::{Report, ReportSummary, Section, SectionBody};
use crate::text::{Fonts, Shaper};

/// Shows the header and the footer, which all section pages share.
const SHOW_FURNITURE: &str = "/H Do\n";

/// Writes a report to `out`, which is created or replaced.
///
/// Sections are read from their files and pages are written as they fill: memory depends neither
/// on the size of a response nor, but for a few bytes a page, on the number of pages. The same
/// report gives the same bytes.
///
/// # Errors
/// Any [`ReportError`]; the unfinished file is removed.
pub fn write_report(
    report: &Report,
    fonts: &Fonts,
    out: &Path,
) -> Result<ReportSummary, ReportError> {
    let written = Writer::new(fonts, out).and_then(|writer| writer.write(report));
    if written.is_err() {
        // The first error is the one to tell; a file that cannot be removed changes nothing.
        let _ = fs::remove_file(out);
    }
    written
}

struct Writer<'f> {
    shaper: Shaper<'f>,
    pages: Pages,
}

/// The pages of the file, written in any order.
struct Pages {
    file: PdfFile,
    tree: PageTree,
    written: Vec<ObjectId>,
    unsupported: u64,
}

/// A page whose place in the file's order is fixed before its content is known.
#[derive(Clone, Copy)]
struct Slot {
    page: ObjectId,
    parent: ObjectId,
}

impl<'f> Writer<'f> {
    fn new(fonts: &'f Fonts, out: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            shaper: Shaper::new(fonts),
            pages: Pages {
                file: PdfFile::create(out)?,
                tree: PageTree::default(),
                written: Vec::new(),
                unsupported: 0,
            },
        })
    }

    fn write(mut self, report: &Report) -> Result<ReportSummary, ReportError> {
        // Laid out without numbers first: that tells how many pages stand before the sections.
        let blank: Vec<u32> = report.sections.iter().map(|_| 0).collect();
        let slots = self
            .front(report, &blank, 0)?
            .iter()
            .map(|_| self.pages.slot())
            .collect::<Result<Vec<_>, _>>()?;
        let section_pages = self.sections(report)?;

        let rear_pages = rear_page(&mut self.shaper, &report.wording, 0)?.len() as u32;
        let total = self.pages.tree.len() + rear_pages;
        for canvas in rear_page(&mut self.shaper, &report.wording, total)? {
            let slot = self.pages.slot()?;
            self.pages.write(slot, &canvas, None, &[])?;
        }
        let first = slots.len();
        let starts: Vec<ObjectId> = section_pages
            .iter()
            .filter_map(|page| self.pages.written.get(*page as usize - 1 - first).copied())
            .collect();
        let front = self.front(report, &section_pages, total)?;
        for (slot, canvas) in slots.iter().zip(&front) {
            self.pages.write(*slot, canvas, None, &starts)?;
        }
        self.finish(report, section_pages, &starts)
    }

    fn front(
        &mut self,
        report: &Report,
        section_pages: &[u32],
        total: u32,
    ) -> Result<Vec<Canvas>, ReportError> {
        let lines: Vec<ContentsLine<'_>> = report
            .sections
            .iter()
            .zip(section_pages)
            .map(|(section, page)| ContentsLine {
                label: &section.label,
                version: section.version,
                page: *page,
            })
            .collect();
        let mut pages = internal_cover(&mut self.shaper, report, total)?;
        pages.extend(contents(&mut self.shaper, &report.wording, &lines)?);
        pages.extend(external_cover(&mut self.shaper, report)?);
        Ok(pages)
    }

    /// Writes all sections; returns the page each starts on.
    fn sections(&mut self, report: &Report) -> Result<Vec<u32>, ReportError> {
        let first = self.pages.tree.len() + 1;
        let mut composer = Composer::new(&mut self.shaper, &mut self.pages, Some(first));
        let mut starts = Vec::with_capacity(report.sections.len());
        for section in &report.sections {
            starts.extend(composer.page_number());
            write_section(section, &mut composer)?;
            composer.end_section()?;
        }
        Ok(starts)
    }

    /// Writes what the pages refer to, and the file's end.
    fn finish(
        mut self,
        report: &Report,
        section_pages: Vec<u32>,
        starts: &[ObjectId],
    ) -> Result<ReportSummary, ReportError> {
        let furniture = Furniture::new(
            &mut self.shaper,
            &format!("Name: {}", report.subject_name),
            &report.identifier.line(),
            &report.wording.footer,
        );
        let fonts = self.shaper.fonts();
        let uses = self.shaper.into_uses();
        let Pages {
            mut file,
            tree,
            unsupported,
            ..
        } = self.pages;
        let faces = write_fonts(&mut file, fonts, &uses)?;
        let resources = file.reserve()?;
        let form = file.reserve()?;
        file.stream(form, &furniture.canvas().content(None), |dict| {
            dict.pair(Name(b"Type"), Name(b"XObject"));
            dict.pair(Name(b"Subtype"), Name(b"Form"));
            dict.pair(Name(b"BBox"), MEDIA);
            dict.pair(Name(b"Resources"), resources);
        })?;
        file.object(resources, |object| {
            let mut dict = object.dict();
            let mut font_dict = dict.insert(Name(b"Font")).dict();
            for (face, id) in &faces {
                font_dict.pair(Name(format!("F{face}").as_bytes()), *id);
            }
            font_dict.finish();
            dict.insert(Name(b"XObject")).dict().pair(Name(b"H"), form);
        })?;
        let pages = tree.len();
        let root = tree.finish(&mut file, resources, MEDIA)?;
        let outline = write_outline(&mut file, &report.sections, starts)?;
        let title = title(report);
        let catalog = file.reserve()?;
        file.object(catalog, |object| {
            let mut catalog: Catalog<'_> = object.start();
            catalog.pages(root);
            catalog.lang(TextStr("en-GB"));
            catalog.viewer_preferences().display_doc_title(true);
            if let Some(outline) = outline {
                catalog.outlines(outline).page_mode(PageMode::UseOutlines);
            }
        })?;
        let info = file.reserve()?;
        file.object(info, |object| {
            let mut info: DocumentInfo<'_> = object.start();
            info.title(TextStr(&title));
            info.creator(TextStr("Dossier"));
            info.creation_date(pdf_date(report));
        })?;
        let seed = format!(
            "{report_seed}{bytes}",
            report_seed = seed(report),
            bytes = file.len()
        );
        Ok(ReportSummary {
            pages,
            bytes: file.finish(catalog, info, seed.as_bytes())?,
            section_pages,
            unsupported_characters: unsupported,
        })
    }
}

const MEDIA: Rect = Rect {
    x1: 0.0,
    y1: 0.0,
    x2: paper::WIDTH,
    y2: paper::HEIGHT,
};

impl Pages {
    fn slot(&mut self) -> Result<Slot, ReportError> {
        let (page, parent) = self.tree.add(&mut self.file)?;
        Ok(Slot { page, parent })
    }

    fn write(
        &mut self,
        slot: Slot,
        canvas: &Canvas,
        form: Option<&str>,
        targets: &[ObjectId],
    ) -> Result<(), ReportError> {
        let content = self.file.reserve()?;
        self.file.stream(content, &canvas.content(form), |_| ())?;
        let mut links = Vec::new();
        for link in canvas.links() {
            let id = self.file.reserve()?;
            let Some(target) = targets.get(link.section) else {
                continue;
            };
            links.push(id);
            self.file.object(id, |object| {
                let [left, bottom, right, top] = link.area;
                let mut annotation: Annotation<'_> = object.start();
                annotation.subtype(AnnotationType::Link);
                annotation.rect(Rect::new(left, bottom, right, top));
                annotation.border(0.0, 0.0, 0.0, None);
                annotation
                    .action()
                    .action_type(ActionType::GoTo)
                    .destination()
                    .page(*target)
                    .fit();
            })?;
        }
        self.file.object(slot.page, |object| {
            let mut dict = object.dict();
            dict.pair(Name(b"Type"), Name(b"Page"));
            dict.pair(Name(b"Parent"), slot.parent);
            dict.pair(Name(b"Contents"), content);
            if !links.is_empty() {
                dict.insert(Name(b"Annots"))
                    .array()
                    .items(links.iter().copied());
            }
        })?;
        self.unsupported += canvas.unsupported;
        Ok(())
    }
}

impl PageSink for Pages {
    fn page(&mut self, canvas: &Canvas) -> Result<(), ReportError> {
        let slot = self.slot()?;
        self.written.push(slot.page);
        self.write(slot, canvas, Some(SHOW_FURNITURE), &[])
    }
}

fn write_section(section: &Section, sink: &mut dyn BlockSink) -> Result<(), ReportError> {
    sink.block(Block::Title(&section.label))?;
    let path = match &section.body {
        SectionBody::NoData => return no_data_held(sink),
        SectionBody::Response(path) => path,
    };
    let mut cursor = Cursor::new(File::open(path).map_err(ReportError::Read)?);
    let index = index_response(&mut cursor)?;
    if index.content.is_empty() {
        no_data_held(sink)?;
    }
    for place in &index.content {
        cursor.seek(*place)?;
        generic::render(&mut cursor, sink)?;
    }
    for place in &index.attachments {
        cursor.seek(*place)?;
        attachments(&mut cursor, sink)?;
    }
    Ok(())
}

fn no_data_held(sink: &mut dyn BlockSink) -> Result<(), ReportError> {
    sink.block(Block::Paragraph {
        value: Value::Last(NO_DATA_HELD),
        indent: 0,
    })
}

fn write_outline(
    file: &mut PdfFile,
    sections: &[Section],
    starts: &[ObjectId],
) -> Result<Option<ObjectId>, ReportError> {
    let items = starts
        .iter()
        .map(|_| file.reserve())
        .collect::<Result<Vec<_>, _>>()?;
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return Ok(None);
    };
    let root = file.reserve()?;
    file.object(root, |object| {
        let mut outline: Outline<'_> = object.start();
        outline.first(*first).last(*last).count(items.len() as i32);
    })?;
    for (place, (section, start)) in sections.iter().zip(starts).enumerate() {
        file.object(items[place], |object| {
            let mut item: OutlineItem<'_> = object.start();
            item.title(TextStr(&section.label)).parent(root);
            if let Some(before) = place.checked_sub(1) {
                item.prev(items[before]);
            }
            if let Some(next) = items.get(place + 1) {
                item.next(*next);
            }
            item.dest().page(*start).fit();
        })?;
    }
    Ok(Some(root))
}

fn title(report: &Report) -> String {
    format!("{} {}", report.wording.title, report.case_reference)
}

fn pdf_date(report: &Report) -> Date {
    let date = report.generated_on;
    Date::new(date.year().unsigned_abs())
        .month(date.month().unsigned_abs())
        .day(date.day().unsigned_abs())
}

/// What tells one report from another, for the file's identifier (ISO 32000-1, 14.4).
fn seed(report: &Report) -> String {
    format!(
        "{}\n{}\n{}\n{}\n{}\n",
        report.case_reference,
        report.subject_name,
        report.identifier.line(),
        report.generated_on,
        report.sections.len(),
    )
}

//! The pages around the sections: covers, contents, rear page.

use std::borrow::Cow;

use super::canvas::{Canvas, Paper, paper};
use super::composer::{Composer, Meaning};
use crate::ReportError;
use crate::attachment::show_logo;
use crate::block::{Block, BlockSink, Value};
use crate::pdf::{Element, LinkPlace, PdfFile, Role};
use crate::report::{Report, SectionVersion, Wording};
use crate::text::{Shaper, StyleId, TextFlow};

/// Points from the paper's top to a cover's first line.
const COVER_TOP: f32 = 240.0;
/// Points of a contents line that the version and the page number take.
const VERSION_WIDTH: f32 = 70.0;
const NUMBER_WIDTH: f32 = 72.0;

/// One line of the contents.
pub(crate) struct ContentsLine<'r> {
    /// The place of its section among the report's.
    pub section: usize,
    pub label: Cow<'r, str>,
    pub version: SectionVersion,
    /// The volume that it starts in, if that is another one.
    pub volume: Option<u32>,
    pub page: u32,
}

/// The numbers that stand on covers.
#[derive(Clone, Copy)]
pub(crate) struct Front {
    /// Pages of the volume.
    pub total: u32,
    /// Which volume it is, from 1.
    pub volume: u32,
    pub volumes: u32,
}

impl Front {
    /// As long as any numbers can become.
    pub const UNKNOWN: Self = Self {
        total: u32::MAX,
        volume: 999,
        volumes: 1000,
    };
}

/// The label of a section where it goes on in another volume.
pub(crate) fn continued(label: &str) -> String {
    format!("{label} (continued)")
}

/// Paper that only counts pages.
#[derive(Default)]
pub(crate) struct Counting {
    pub pages: usize,
}

impl Paper for Counting {
    fn page(&mut self, _: &Canvas) -> Result<(), ReportError> {
        self.pages += 1;
        Ok(())
    }

    fn open(&mut self, parent: Element, _: Role) -> Result<Element, ReportError> {
        Ok(parent)
    }

    fn open_first(&mut self, parent: Element, _: Role) -> Result<Element, ReportError> {
        Ok(parent)
    }

    fn open_cell(&mut self, row: Element, _: Role, _: usize) -> Result<Element, ReportError> {
        Ok(row)
    }

    fn close(&mut self, _: Element) -> Result<(), ReportError> {
        Ok(())
    }

    fn mark(&mut self, _: Element) -> Result<u32, ReportError> {
        Ok(0)
    }

    fn open_figure(
        &mut self,
        parent: Element,
        _: &str,
        _: [f32; 4],
    ) -> Result<Element, ReportError> {
        Ok(parent)
    }

    fn files(&mut self) -> Result<Vec<&mut PdfFile>, ReportError> {
        Ok(Vec::new())
    }

    fn volume(&self) -> usize {
        0
    }

    fn page_number(&mut self) -> Result<u32, ReportError> {
        Ok(0)
    }

    fn link(&mut self, _: Element) -> Result<LinkPlace, ReportError> {
        Ok(LinkPlace::NOWHERE)
    }
}

/// The pages before the sections: everything about the report and where each section starts, for
/// those who send it out; then what the subject's own copy starts with.
pub(crate) fn write_front(
    shaper: &mut Shaper<'_>,
    paper: &mut dyn Paper,
    part: Element,
    report: &Report,
    lines: &[ContentsLine<'_>],
    front: Front,
) -> Result<(), ReportError> {
    let colours = report.look.colours;
    internal_cover(
        &mut Composer::new(shaper, paper, part, colours),
        report,
        front,
    )?;
    contents(
        &mut Composer::new(shaper, paper, part, colours),
        &report.wording,
        lines,
    )?;
    write_copy_front(shaper, paper, part, report, front)
}

fn internal_cover(
    composer: &mut Composer<'_, '_>,
    report: &Report,
    front: Front,
) -> Result<(), ReportError> {
    let wording = &report.wording;
    logo(composer, report)?;
    composer.y = COVER_TOP;
    titled(composer, wording, &wording.title)?;
    volume(composer, &report.wording, front)?;
    subject(composer, report)?;
    line(composer, &date_range(report))?;
    let generated = wording.day(report.generated_on);
    line(
        composer,
        &format!("{}: {generated}", wording.generation_date),
    )?;
    line(
        composer,
        &format!("{}: {}", wording.total_pages, front.total),
    )?;
    composer.y += 24.0;
    strong(composer, &wording.internal_only)?;
    strong(composer, &wording.classification)?;
    note(composer, wording.internal_note.as_deref())?;
    composer.end_section()
}

fn contents(
    composer: &mut Composer<'_, '_>,
    wording: &Wording,
    lines: &[ContentsLine<'_>],
) -> Result<(), ReportError> {
    composer.block(Block::Title(&wording.contents_title))?;
    composer.settle(StyleId::Body.style().leading)?;
    composer.y += 10.0;
    let list = composer.open(Role::Contents)?;
    for entry in lines {
        contents_line(composer, wording, list, entry)?;
    }
    composer.paper.close(list)?;
    composer.y += 24.0;
    strong(composer, &wording.internal_only)?;
    composer.end_section()
}

/// The pages that the subject's own copy starts with.
pub(crate) fn write_copy_front(
    shaper: &mut Shaper<'_>,
    paper: &mut dyn Paper,
    part: Element,
    report: &Report,
    front: Front,
) -> Result<(), ReportError> {
    let composer = &mut Composer::new(shaper, paper, part, report.look.colours);
    logo(composer, report)?;
    composer.y = COVER_TOP;
    titled(composer, &report.wording, &report.wording.title)?;
    volume(composer, &report.wording, front)?;
    subject(composer, report)?;
    note(composer, report.wording.cover_note.as_deref())?;
    composer.end_section()
}

/// The pages behind the sections.
pub(crate) fn write_rear(
    shaper: &mut Shaper<'_>,
    paper: &mut dyn Paper,
    document: Element,
    report: &Report,
    front: Front,
) -> Result<(), ReportError> {
    let wording = &report.wording;
    let composer = &mut Composer::new(shaper, paper, document, report.look.colours);
    composer.y = COVER_TOP;
    composer.heading(StyleId::Heading2, 1, &wording.end_of_report, 0);
    line(
        composer,
        &format!("{}: {}", wording.end_total_pages, front.total),
    )?;
    volume(composer, &report.wording, front)?;
    composer.y += 24.0;
    strong(composer, &wording.internal_only)?;
    composer.end_section()
}

fn logo(composer: &mut Composer<'_, '_>, report: &Report) -> Result<(), ReportError> {
    match &report.look.logo {
        Some(logo) => show_logo(composer, logo),
        None => Ok(()),
    }
}

/// What the organisation adds to a cover.
fn note(composer: &mut Composer<'_, '_>, text: Option<&str>) -> Result<(), ReportError> {
    composer.y += 18.0;
    text.map_or(Ok(()), |text| line(composer, text))
}

fn volume(
    composer: &mut Composer<'_, '_>,
    wording: &Wording,
    front: Front,
) -> Result<(), ReportError> {
    match front.volumes {
        1 => Ok(()),
        volumes => line(composer, &wording.volume_line(front.volume, volumes)),
    }
}

fn titled(
    composer: &mut Composer<'_, '_>,
    wording: &Wording,
    title: &str,
) -> Result<(), ReportError> {
    if let Some(organisation) = &wording.organisation {
        line(composer, organisation)?;
        composer.y += 6.0;
    }
    composer.block(Block::Title(title))?;
    composer.settle(StyleId::Body.style().leading)?;
    composer.y += 12.0;
    Ok(())
}

fn subject(composer: &mut Composer<'_, '_>, report: &Report) -> Result<(), ReportError> {
    let wording = &report.wording;
    line(composer, &report.name_line())?;
    line(composer, &report.identifier.line())?;
    let reference = &report.case_reference;
    line(
        composer,
        &format!("{}: {reference}", wording.case_reference),
    )
}

fn date_range(report: &Report) -> String {
    let wording = &report.wording;
    let from = match report.date_from {
        Some(date) => wording.day(date),
        None => wording.start_of_record.clone(),
    };
    let to = wording.day(report.date_to);
    format!("{}: {from} - {to}", wording.date_range)
}

fn line(composer: &mut Composer<'_, '_>, text: &str) -> Result<(), ReportError> {
    let value = Value::Last(text.into());
    composer.block(Block::Paragraph { value, indent: 0 })
}

/// A line in bold that is no heading.
fn strong(composer: &mut Composer<'_, '_>, text: &str) -> Result<(), ReportError> {
    let style = StyleId::Name;
    let lines = TextFlow::all(composer.shaper, text, style, paper::TEXT_WIDTH);
    composer.show_alone(Role::Paragraph, style, &lines)?;
    composer.y += 4.0;
    Ok(())
}

fn contents_line(
    composer: &mut Composer<'_, '_>,
    wording: &Wording,
    list: Element,
    entry: &ContentsLine<'_>,
) -> Result<(), ReportError> {
    let style = StyleId::Body;
    let leading = style.style().leading;
    let label_width = paper::TEXT_WIDTH - VERSION_WIDTH - NUMBER_WIDTH - 12.0;
    let mut label = TextFlow::all(composer.shaper, &entry.label, style, label_width);
    label.end_with_space(composer.shaper, style);
    let version = entry.version.to_string();
    let mut version = TextFlow::all(composer.shaper, &version, StyleId::Small, VERSION_WIDTH);
    version.end_with_space(composer.shaper, StyleId::Small);
    let number = match entry.volume {
        None => entry.page.to_string(),
        Some(volume) => wording.place_in_volume(volume, entry.page),
    };
    let number = TextFlow::all(composer.shaper, &number, style, paper::TEXT_WIDTH);
    let height = label.len().max(1) as f32 * leading + 9.0;
    composer.settle(height)?;
    let top = composer.y;
    let first = top + 4.5 + style.baseline();
    let item = composer.paper.open(list, Role::ContentsItem)?;
    let reference = composer.paper.open(item, Role::Reference)?;
    // What is in another file cannot be led to.
    let role = match entry.volume {
        None => Role::Link,
        Some(_) => Role::Span,
    };
    let element = composer.paper.open(reference, role)?;
    let meaning = Meaning::Content(element, role);
    composer.begin(meaning)?;
    for (nth, (line, bytes)) in label.iter().enumerate() {
        let y = first + nth as f32 * leading;
        composer.show_line(meaning, style, [paper::LEFT, y], (line, bytes))?;
    }
    for (line, bytes) in version.iter().take(1) {
        let x = paper::RIGHT - NUMBER_WIDTH - VERSION_WIDTH;
        composer.show_line(meaning, StyleId::Small, [x, first], (line, bytes))?;
    }
    for (line, bytes) in number.iter().take(1) {
        let x = paper::RIGHT - line.width;
        composer.show_line(meaning, style, [x, first], (line, bytes))?;
    }
    composer.canvas.end();
    composer.y += height;
    if role == Role::Link {
        let place = composer.paper.link(element)?;
        let area = [paper::LEFT, top, paper::TEXT_WIDTH, height];
        let description = wording.link_to(&entry.label, entry.page);
        composer
            .canvas
            .link(area, entry.section, place, description);
    }
    for element in [element, reference, item] {
        composer.paper.close(element)?;
    }
    composer
        .canvas
        .rule(paper::LEFT, composer.y, paper::TEXT_WIDTH, 0.6);
    composer.y += 0.6;
    Ok(())
}

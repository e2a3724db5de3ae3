//! The pages around the sections: covers, contents, rear page.

use dossier_core::section::TemplateVersion;

use super::canvas::{Canvas, PageSink, paper};
use super::composer::Composer;
use crate::ReportError;
use crate::block::{Block, BlockSink, Value};
use crate::report::{Report, Wording};
use crate::text::{Shaper, StyleId, TextFlow};

/// Points from the paper's top to a cover's first line.
const COVER_TOP: f32 = 240.0;
/// Points of a contents line that the version and the page number take.
const VERSION_WIDTH: f32 = 70.0;
const NUMBER_WIDTH: f32 = 46.0;

/// One line of the contents.
pub(crate) struct ContentsLine<'r> {
    pub label: &'r str,
    pub version: TemplateVersion,
    pub page: u32,
}

#[derive(Default)]
struct Collected(Vec<Canvas>);

impl PageSink for Collected {
    fn page(&mut self, canvas: &Canvas) -> Result<(), ReportError> {
        self.0.push(canvas.clone());
        Ok(())
    }
}

/// The first page: everything about the report, for those who send it out.
pub(crate) fn internal_cover(
    shaper: &mut Shaper<'_>,
    report: &Report,
    total: u32,
) -> Result<Vec<Canvas>, ReportError> {
    let wording = &report.wording;
    let mut pages = Collected::default();
    let mut composer = Composer::new(shaper, &mut pages, None);
    composer.y = COVER_TOP;
    titled(&mut composer, wording, &wording.title)?;
    subject(&mut composer, report)?;
    line(&mut composer, &date_range(report))?;
    let generated = report.generated_on.strftime("%-d %B %Y");
    line(
        &mut composer,
        &format!("Report generation date: {generated}"),
    )?;
    line(&mut composer, &format!("Total Pages: {total}"))?;
    composer.y += 24.0;
    strong(&mut composer, &wording.internal_only);
    strong(&mut composer, &wording.classification);
    composer.end_section()?;
    Ok(pages.0)
}

/// The second page: where each section starts.
pub(crate) fn contents(
    shaper: &mut Shaper<'_>,
    wording: &Wording,
    lines: &[ContentsLine<'_>],
) -> Result<Vec<Canvas>, ReportError> {
    let mut pages = Collected::default();
    let mut composer = Composer::new(shaper, &mut pages, None);
    composer.block(Block::Title(&wording.contents_title))?;
    composer.settle(StyleId::Body.style().leading)?;
    composer.y += 10.0;
    for (section, entry) in lines.iter().enumerate() {
        contents_line(&mut composer, section, entry)?;
    }
    composer.y += 24.0;
    strong(&mut composer, &wording.internal_only);
    composer.end_section()?;
    Ok(pages.0)
}

/// The page that the subject's own copy starts with.
pub(crate) fn external_cover(
    shaper: &mut Shaper<'_>,
    report: &Report,
) -> Result<Vec<Canvas>, ReportError> {
    let mut pages = Collected::default();
    let mut composer = Composer::new(shaper, &mut pages, None);
    composer.y = COVER_TOP;
    titled(&mut composer, &report.wording, &report.wording.title)?;
    subject(&mut composer, report)?;
    composer.end_section()?;
    Ok(pages.0)
}

/// The last page.
pub(crate) fn rear_page(
    shaper: &mut Shaper<'_>,
    wording: &Wording,
    total: u32,
) -> Result<Vec<Canvas>, ReportError> {
    let mut pages = Collected::default();
    let mut composer = Composer::new(shaper, &mut pages, None);
    composer.y = COVER_TOP;
    composer.block(Block::Heading {
        level: crate::block::HeadingLevel::Two,
        text: &wording.end_of_report,
    })?;
    line(&mut composer, &format!("Total pages: {total}"))?;
    composer.y += 24.0;
    strong(&mut composer, &wording.internal_only);
    composer.end_section()?;
    Ok(pages.0)
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
    composer.y += 6.0;
    composer
        .canvas
        .rule(paper::LEFT, composer.y, paper::TEXT_WIDTH, 1.2);
    composer.y += 14.0;
    Ok(())
}

fn subject(composer: &mut Composer<'_, '_>, report: &Report) -> Result<(), ReportError> {
    line(composer, &format!("Name: {}", report.subject_name))?;
    line(composer, &report.identifier.line())?;
    let reference = &report.case_reference;
    line(composer, &format!("SAR Case Reference Number: {reference}"))
}

fn date_range(report: &Report) -> String {
    let from = match report.date_from {
        Some(date) => date.strftime("%-d %B %Y").to_string(),
        None => "Start of record".to_owned(),
    };
    format!(
        "Report date range: {from} - {}",
        report.date_to.strftime("%-d %B %Y")
    )
}

fn line(composer: &mut Composer<'_, '_>, text: &str) -> Result<(), ReportError> {
    let value = Value::Last(text);
    composer.block(Block::Paragraph { value, indent: 0 })
}

/// A line in bold that is no heading.
fn strong(composer: &mut Composer<'_, '_>, text: &str) {
    let style = StyleId::Name;
    let leading = style.style().leading;
    let lines = TextFlow::all(composer.shaper, text, style, paper::TEXT_WIDTH);
    for (line, bytes) in lines.iter() {
        let y = composer.y + leading * 0.75;
        composer.canvas.show(style, paper::LEFT, y, line, bytes);
        composer.y += leading;
    }
    composer.y += 4.0;
}

fn contents_line(
    composer: &mut Composer<'_, '_>,
    section: usize,
    entry: &ContentsLine<'_>,
) -> Result<(), ReportError> {
    let style = StyleId::Body;
    let leading = style.style().leading;
    let label_width = paper::TEXT_WIDTH - VERSION_WIDTH - NUMBER_WIDTH - 12.0;
    let label = TextFlow::all(composer.shaper, entry.label, style, label_width);
    let version = entry.version.to_string();
    let version = TextFlow::all(composer.shaper, &version, StyleId::Small, VERSION_WIDTH);
    let number = entry.page.to_string();
    let number = TextFlow::all(composer.shaper, &number, style, paper::TEXT_WIDTH);
    let height = label.len().max(1) as f32 * leading + 9.0;
    composer.settle(height)?;
    let top = composer.y;
    let first = top + 4.5 + leading * 0.75;
    for (nth, (line, bytes)) in label.iter().enumerate() {
        let y = first + nth as f32 * leading;
        composer.canvas.show(style, paper::LEFT, y, line, bytes);
    }
    for (line, bytes) in version.iter().take(1) {
        let x = paper::RIGHT - NUMBER_WIDTH - VERSION_WIDTH;
        composer.canvas.show(StyleId::Small, x, first, line, bytes);
    }
    for (line, bytes) in number.iter().take(1) {
        let x = paper::RIGHT - line.width;
        composer.canvas.show(style, x, first, line, bytes);
    }
    composer.y += height;
    let canvas = &mut composer.canvas;
    canvas.link(paper::LEFT, top, paper::TEXT_WIDTH, height, section);
    canvas.rule(paper::LEFT, composer.y, paper::TEXT_WIDTH, 0.6);
    composer.y += 0.6;
    Ok(())
}

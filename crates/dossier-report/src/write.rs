//! One report, from its sections' files to its own.

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};

use dossier_core::schema::ContentSchema;

use crate::ReportError;
use crate::attachment::{AttachmentWriter, Failure};
use crate::block::{Block, BlockSink, Value};
use crate::body::{Cursor, index_response};
use crate::generic;
use crate::html::show_section;
use crate::layout::{
    Composer, ContentsLine, Counting, Front, Furniture, Paper, continued, write_copy_front,
    write_front, write_rear,
};
use crate::pdf::Facts;
use crate::report::{
    AttachmentOutcome, FileKind, Output, Report, ReportFile, ReportSummary, Section, SectionBody,
};
use crate::series::{Filled, Series};
use crate::text::{Fonts, Shaper};
use crate::volume::{Ending, Filling, Phase, Volume};

/// Writes a report to the one file `out`, which is created or replaced.
///
/// Sections are read from their files and pages are written as they fill: memory depends neither
/// on the size of a response nor on the number of pages. The same report gives the same bytes.
///
/// # Errors
/// Any [`ReportError`]; the unfinished file is removed.
pub fn write_report(
    report: &Report,
    fonts: &Fonts,
    out: &Path,
) -> Result<ReportSummary, ReportError> {
    write_files(report, fonts, &Output::one_file(out))
}

/// Writes a report as its settings say: in volumes where it is large, and with a copy for the data
/// subject beside it.
///
/// # Errors
/// Any [`ReportError`]; all files are removed.
pub fn write_files(
    report: &Report,
    fonts: &Fonts,
    output: &Output,
) -> Result<ReportSummary, ReportError> {
    let mut shaper = Shaper::new(fonts);
    let furniture = Furniture::new(
        &mut shaper,
        &report.name_line(),
        &report.identifier.line(),
        &report.wording.footer,
    );
    let mut writer = Writer {
        report,
        output,
        shaper,
        furniture,
    };
    let (pairs, attachments) = writer.volumes()?;
    writer.finish(pairs, attachments)
}

/// The files of one volume.
pub(crate) struct Pair {
    pub report: Volume,
    pub copy: Option<Volume>,
}

/// How many pages stand before and behind the sections: known before any number on them is.
#[derive(Clone, Copy)]
pub(crate) struct FixedPages {
    pub front: usize,
    /// The front of a volume that goes on with a section: its contents have a line more.
    pub continued_front: usize,
    pub copy_front: usize,
    pub rear: u32,
}

impl FixedPages {
    /// The pages around volumes that start with the section at `first`.
    fn of(shaper: &mut Shaper<'_>, report: &Report, first: usize) -> Result<Self, ReportError> {
        let lines = contents_lines(report, &[], 0, None);
        let continued = Continued {
            section: first,
            page: 0,
        };
        let continued_lines = contents_lines(report, &[], 0, Some(continued));
        let front = Front::UNKNOWN;
        let mut count =
            |write: &mut dyn FnMut(&mut Shaper<'_>, &mut dyn Paper) -> Result<(), ReportError>| {
                let mut counting = Counting::default();
                write(shaper, &mut counting)?;
                Ok::<_, ReportError>(counting.pages)
            };
        Ok(Self {
            front: count(&mut |shaper, paper| {
                write_front(shaper, paper, Default::default(), report, &lines, front)
            })?,
            continued_front: count(&mut |shaper, paper| {
                let part = Default::default();
                write_front(shaper, paper, part, report, &continued_lines, front)
            })?,
            copy_front: count(&mut |shaper, paper| {
                write_copy_front(shaper, paper, Default::default(), report, front)
            })?,
            rear: count(&mut |shaper, paper| {
                write_rear(shaper, paper, Default::default(), report, front)
            })? as u32,
        })
    }
}

struct Writer<'w> {
    report: &'w Report,
    output: &'w Output,
    shaper: Shaper<'w>,
    furniture: Furniture,
}

impl Writer<'_> {
    /// Writes all sections; returns the volumes that hold them.
    fn volumes(&mut self) -> Result<(Vec<Pair>, Vec<AttachmentOutcome>), ReportError> {
        let sections = self.report.sections.len();
        let mut finished: Vec<Pair> = Vec::new();
        let mut attachments = Vec::new();
        let mut first = 0;
        loop {
            let mut end = sections;
            let (pairs, next) = loop {
                let known = attachments.len();
                match self.fill(finished.len(), first..end, &mut attachments)? {
                    Filled::Volumes(pairs, next) => break (pairs, next),
                    // It is to start the next volume; this one is written again without it.
                    Filled::NoRoomFor(section) => {
                        attachments.truncate(known);
                        end = section;
                    }
                }
            };
            finished.extend(pairs);
            if next >= sections {
                return Ok((finished, attachments));
            }
            first = next;
        }
    }

    /// Writes sections until the volume is full.
    fn fill(
        &mut self,
        volume: usize,
        sections: std::ops::Range<usize>,
        attachments: &mut Vec<AttachmentOutcome>,
    ) -> Result<Filled, ReportError> {
        let first = sections.start;
        let sizes = FixedPages::of(&mut self.shaper, self.report, first)?;
        let mut series = Series::new(self.output, sizes, &self.furniture, volume)?;
        let colours = self.report.look.colours;
        for place in sections.clone() {
            if series.is_full() {
                return Ok(Filled::Volumes(series.into_pairs(), place));
            }
            series.begin_section(place, place == first)?;
            let document = series.document();
            let mut composer = Composer::new(&mut self.shaper, &mut series, document, colours);
            let mut shown = AttachmentWriter::new(place, self.report, attachments);
            let written = write_section(
                &self.report.sections[place],
                &self.report.wording.no_data_held,
                &mut composer,
                &mut shown,
            )
            .and_then(|()| composer.end_section());
            if series.gave_up() {
                return Ok(Filled::NoRoomFor(place));
            }
            written?;
            if series.has_continued() {
                return Ok(Filled::Volumes(series.into_pairs(), place + 1));
            }
        }
        Ok(Filled::Volumes(series.into_pairs(), sections.end))
    }

    /// Writes what stands around the sections, now that all numbers are known, and ends the files.
    fn finish(
        mut self,
        mut pairs: Vec<Pair>,
        attachments: Vec<AttachmentOutcome>,
    ) -> Result<ReportSummary, ReportError> {
        let starts = section_starts(self.report.sections.len(), &pairs);
        let volumes = pairs.len() as u32;
        let sizes = FixedPages::of(&mut self.shaper, self.report, 0)?;
        for (place, pair) in pairs.iter_mut().enumerate() {
            let volume = place as u32 + 1;
            let total = pair.report.pages() + sizes.rear;
            let front = Front {
                total,
                volume,
                volumes,
            };
            self.surround(&mut pair.report, &starts, front)?;
            if let Some(copy) = &mut pair.copy {
                self.begin_copy(copy, front)?;
            }
        }
        let unsupported = pairs.iter().map(|pair| pair.report.unsupported()).sum();
        let pages = pairs.iter().map(|pair| pair.report.pages()).sum();
        let seed = seed(self.report);
        let title = title(self.report);
        let labels: Vec<&str> = self.report.sections.iter().map(|s| &s.label[..]).collect();
        let fonts = self.shaper.fonts();
        let uses = self.shaper.into_uses();
        let mut files = Vec::new();
        for (place, pair) in pairs.into_iter().enumerate() {
            let volume = place as u32 + 1;
            let both = [
                (FileKind::Report, Some(pair.report)),
                (FileKind::Copy, pair.copy),
            ];
            for (kind, file) in both {
                let Some(file) = file else { continue };
                let title = match volumes {
                    1 => title.clone(),
                    _ => format!(
                        "{title}, {}",
                        self.report.wording.volume_line(volume, volumes)
                    ),
                };
                let ending = Ending {
                    facts: Facts {
                        title: &title,
                        language: &self.report.wording.language,
                        date: self.report.generated_on,
                    },
                    furniture: &self.furniture,
                    fonts,
                    uses: &uses,
                    labels: &labels,
                    seed: &seed,
                };
                let pages = file.pages();
                let (path, bytes) = file.finish(&ending)?;
                files.push(ReportFile {
                    kind,
                    volume,
                    path,
                    pages,
                    bytes,
                });
            }
        }
        files.sort_by_key(|file| (file.kind, file.volume));
        Ok(ReportSummary {
            pages,
            bytes: files
                .iter()
                .filter(|file| file.kind == FileKind::Report)
                .map(|file| file.bytes)
                .sum(),
            section_pages: starts.iter().map(|start| start.page).collect(),
            unsupported_characters: unsupported,
            attachments,
            files,
        })
    }

    fn surround(
        &mut self,
        volume: &mut Volume,
        starts: &[Start],
        front: Front,
    ) -> Result<(), ReportError> {
        let continued = Continued::of(volume);
        let lines = contents_lines(self.report, starts, front.volume, continued);
        let (document, part) = (volume.document(), volume.front());
        let mut filling = Filling {
            volume,
            furniture: &self.furniture,
        };
        filling.volume.turn_to(Phase::Front);
        write_front(
            &mut self.shaper,
            &mut filling,
            part,
            self.report,
            &lines,
            front,
        )?;
        filling.volume.turn_to(Phase::Rear);
        write_rear(&mut self.shaper, &mut filling, document, self.report, front)
    }

    fn begin_copy(&mut self, volume: &mut Volume, front: Front) -> Result<(), ReportError> {
        let part = volume.front();
        let mut filling = Filling {
            volume,
            furniture: &self.furniture,
        };
        filling.volume.turn_to(Phase::Front);
        write_copy_front(&mut self.shaper, &mut filling, part, self.report, front)
    }
}

/// Where a section starts.
#[derive(Clone, Copy, Default)]
struct Start {
    volume: u32,
    page: u32,
}

fn section_starts(sections: usize, pairs: &[Pair]) -> Vec<Start> {
    let mut starts = vec![Start::default(); sections];
    for (volume, pair) in (1..).zip(pairs) {
        for start in pair.report.sections() {
            if let Some(known @ Start { volume: 0, .. }) = starts.get_mut(start.section) {
                *known = Start {
                    volume,
                    page: start.number,
                };
            }
        }
    }
    starts
}

/// The section that a volume goes on with, and the page on which it does.
#[derive(Clone, Copy)]
struct Continued {
    section: usize,
    page: u32,
}

impl Continued {
    fn of(volume: &Volume) -> Option<Self> {
        let start = volume.sections().first().filter(|s| s.is_continued)?;
        Some(Self {
            section: start.section,
            page: start.number,
        })
    }
}

/// The lines of a volume's contents: every section, and the one that the volume goes on with once
/// more, below the line that tells where it starts.
fn contents_lines<'r>(
    report: &'r Report,
    starts: &[Start],
    volume: u32,
    continues: Option<Continued>,
) -> Vec<ContentsLine<'r>> {
    let mut lines = Vec::with_capacity(report.sections.len() + 1);
    for (place, section) in report.sections.iter().enumerate() {
        let start = starts.get(place).copied().unwrap_or_default();
        lines.push(ContentsLine {
            section: place,
            label: Cow::Borrowed(&section.label),
            version: section.version,
            volume: (start.volume != volume).then_some(start.volume),
            page: start.page,
        });
        if let Some(here) = continues.filter(|here| here.section == place) {
            lines.push(ContentsLine {
                section: place,
                label: Cow::Owned(continued(&section.label)),
                version: section.version,
                volume: None,
                page: here.page,
            });
        }
    }
    lines
}

/// A path with something added to the file's name, before its ending.
pub(crate) fn with_addition(path: &Path, addition: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    let name = match ending {
        Some(ending) => format!("{stem}{addition}.{ending}"),
        None => format!("{stem}{addition}"),
    };
    path.with_file_name(name)
}

/// What is said where a template's output could not be read to its end.
const CUT_SHORT: &str = "The service's own layout of this section could not be read to its end. \
                         All that the service holds follows in a plain layout.";

fn write_section(
    section: &Section,
    none: &str,
    sink: &mut Composer<'_, '_>,
    shown: &mut AttachmentWriter<'_>,
) -> Result<(), ReportError> {
    let SectionBody::Response {
        body,
        html,
        labels,
        attachments: files,
    } = &section.body
    else {
        sink.block(Block::Title(&section.label))?;
        return no_data_held(sink, none);
    };
    let mut cursor = Cursor::new(File::open(body).map_err(ReportError::Read)?);
    let index = index_response(&mut cursor)?;
    let mut content = Content {
        cursor: &mut cursor,
        places: &index.content,
        labels: labels.as_ref(),
        none,
    };
    match html {
        Some(html) => write_html(html, &section.label, content, sink)?,
        None => {
            sink.block(Block::Title(&section.label))?;
            content.write(sink)?;
        }
    }
    for place in &index.attachments {
        cursor.seek(*place)?;
        shown.show(&mut cursor, files, sink)?;
    }
    note_unsupported(sink)
}

/// Says at the section's end what its readers see in place of characters that cannot be shown.
fn note_unsupported(sink: &mut Composer<'_, '_>) -> Result<(), ReportError> {
    let note = match sink.unsupported() {
        0 => return Ok(()),
        1 => "1 character of this section cannot be shown in print: � stands in its place. It can \
              be copied as text."
            .to_owned(),
        many => format!(
            "{many} characters of this section cannot be shown in print: � stands in place of \
             them. They can be copied as text."
        ),
    };
    sink.block(Block::Paragraph {
        value: Value::Last((&note).into()),
        indent: 0,
    })
}

/// The content of an answer, to be shown as any JSON.
struct Content<'c> {
    cursor: &'c mut Cursor,
    /// Where its values start.
    places: &'c [u64],
    labels: Option<&'c ContentSchema>,
    /// What is said where there is nothing.
    none: &'c str,
}

impl Content<'_> {
    fn write(&mut self, sink: &mut dyn BlockSink) -> Result<(), ReportError> {
        if self.places.is_empty() {
            no_data_held(sink, self.none)?;
        }
        let schema = self.labels.map(ContentSchema::root).unwrap_or_default();
        for place in self.places {
            self.cursor.seek(*place)?;
            generic::render(self.cursor, &schema, sink)?;
        }
        Ok(())
    }
}

/// Writes what a template made of an answer.
fn write_html(
    html: &Path,
    label: &str,
    mut content: Content<'_>,
    composer: &mut Composer<'_, '_>,
) -> Result<(), ReportError> {
    match show_section(composer, html, label) {
        Ok(true) => Ok(()),
        Ok(false) => no_data_held(composer, content.none),
        Err(Failure::Report(error)) => Err(error),
        // Nothing that is held may be missing: the answer itself follows.
        Err(Failure::Unreadable(_)) => {
            composer.block(Block::Paragraph {
                value: Value::Last(CUT_SHORT.into()),
                indent: 0,
            })?;
            content.write(composer)
        }
    }
}

fn no_data_held(sink: &mut dyn BlockSink, none: &str) -> Result<(), ReportError> {
    sink.block(Block::Paragraph {
        value: Value::Last(none.into()),
        indent: 0,
    })
}

fn title(report: &Report) -> String {
    format!("{} {}", report.wording.title, report.case_reference)
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

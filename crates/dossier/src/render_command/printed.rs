//! A section as a PDF: a report of this one section, with the organisation's looks.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use dossier_core::section::TemplateVersion;
use dossier_report::{
    Fonts, Identifier, Look, OfficeConverter, Report, ReportError, Section, SectionBody,
    SectionVersion, Wording, list_attachments, write_report,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::{Made, Rendering, scratch_beside};
use crate::config::Config;
use crate::exit::Failure;

/// Whose report a preview is: nobody's.
const SUBJECT_NAME: &str = "SURNAME, Forename";
const IDENTIFIER: &str = "A1234AA";
const CASE_REFERENCE: &str = "Preview";

/// What all previews have in common.
pub(super) struct Printer {
    fonts: Fonts,
    wording: Wording,
    look: Look,
    office: Option<OfficeConverter>,
    time_zone: TimeZone,
    template_answer_bytes_max: u64,
}

/// A PDF in a folder of its own, which is gone when this is.
pub(super) struct Printed {
    folder: TempDir,
    /// Where the section starts, from 1.
    pub first_page: u32,
    pub pages: u32,
    /// What could not be shown as it should be; no data is in it.
    pub problems: Vec<String>,
}

impl Printer {
    /// With the fonts, texts and looks that are configured for reports.
    pub fn new(config: &Config) -> Result<Self, Failure> {
        let failed = |error: ReportError| Failure::Unavailable(error.to_string());
        Ok(Self {
            fonts: Fonts::with_fallbacks(&config.report.fallback_fonts).map_err(failed)?,
            wording: config.report.wording.clone(),
            look: config.look().map_err(failed)?,
            office: config.office_converter(),
            time_zone: config.time_zone()?,
            template_answer_bytes_max: config.worker.template_answer_bytes_max,
        })
    }

    /// Makes the section's PDF.
    pub fn print(&self, rendering: &Rendering) -> Result<Printed, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("dossier-render-")
            .tempdir()
            .map_err(Failure::file("making a folder"))?;
        let mut problems = Vec::new();
        let html = self.worded(rendering, folder.path(), &mut problems)?;
        let today = self.time_zone.to_datetime(Timestamp::now()).date();
        let report = Report {
            subject_name: SUBJECT_NAME.to_owned(),
            identifier: Identifier {
                label: "NOMIS ID".to_owned(),
                value: IDENTIFIER.to_owned(),
            },
            case_reference: CASE_REFERENCE.to_owned(),
            date_from: None,
            date_to: today,
            generated_on: today,
            sections: vec![Section {
                label: rendering.label.clone(),
                version: match html {
                    Some(_) => SectionVersion::Preview,
                    None => TemplateVersion::Generic.into(),
                },
                body: SectionBody::Response {
                    body: rendering.data.clone(),
                    html,
                    labels: rendering.labels.clone(),
                    attachments: attachments(rendering, &mut problems)?,
                },
            }],
            wording: self.wording.clone(),
            look: self.look.clone(),
            office: self.office.clone(),
            keeps_originals: false,
        };
        rendering.is_wanted()?;
        let summary = write_report(&report, &self.fonts, &pdf_in(folder.path()))
            .map_err(|error| Failure::Other(error.to_string()))?;
        if summary.unsupported_characters > 0 {
            problems.push(format!(
                "{} characters have no glyph in any font; see report.fallback_fonts",
                summary.unsupported_characters
            ));
        }
        Ok(Printed {
            folder,
            first_page: summary.section_pages.first().copied().unwrap_or(1),
            pages: summary.pages,
            problems,
        })
    }
}

impl Printer {
    /// What the template makes of the answer; none where a worker shows the answer as it stands.
    fn worded(
        &self,
        rendering: &Rendering,
        folder: &Path,
        problems: &mut Vec<String>,
    ) -> Result<Option<PathBuf>, Failure> {
        if rendering.worded_by().is_none() {
            return Ok(None);
        }
        let failed = || Failure::file(format!("reading {}", rendering.data.display()));
        let bytes = std::fs::metadata(&rendering.data).map_err(failed())?.len();
        if bytes > self.template_answer_bytes_max {
            problems.push(format!(
                "the answer has more than {} bytes (worker.template_answer_bytes_max): it is shown \
                 as it stands, without the template",
                self.template_answer_bytes_max
            ));
            return Ok(None);
        }
        let html = html(rendering, folder)?;
        if is_blank(&html)? {
            problems.push(
                "the template makes nothing of the answer, which is shown as it stands".to_owned(),
            );
            return Ok(None);
        }
        Ok(Some(html))
    }
}

impl Printed {
    /// Moves the PDF to where it is wanted, whole or not at all.
    pub fn keep(self, to: &Path) -> Result<Made, Failure> {
        let failed = || Failure::file(format!("writing {}", to.display()));
        let mut scratch = scratch_beside(to).map_err(failed())?;
        let mut pdf = File::open(pdf_in(self.folder.path())).map_err(failed())?;
        let bytes = std::io::copy(&mut pdf, &mut scratch).map_err(failed())?;
        scratch.persist(to).map_err(|error| failed()(error.error))?;
        Ok(Made {
            path: to.to_owned(),
            bytes,
            pages: Some(self.pages),
        })
    }

    /// The PDF's bytes.
    pub fn read(self) -> Result<(Vec<u8>, Self), Failure> {
        let pdf =
            std::fs::read(pdf_in(self.folder.path())).map_err(Failure::file("reading the PDF"))?;
        Ok((pdf, self))
    }
}

fn pdf_in(folder: &Path) -> PathBuf {
    folder.join("section.pdf")
}

fn html(rendering: &Rendering, folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join("section.html");
    let failed = || Failure::file("writing the section");
    let mut file = BufWriter::new(File::create(&path).map_err(failed())?);
    rendering.html(&mut file)?;
    file.flush().map_err(failed())?;
    Ok(path)
}

/// Whether a file holds nothing but white space.
fn is_blank(file: &Path) -> Result<bool, Failure> {
    let failed = || Failure::file("reading the section");
    let mut file = BufReader::new(File::open(file).map_err(failed())?);
    loop {
        let piece = file.fill_buf().map_err(failed())?;
        match (piece.len(), piece.trim_ascii()) {
            (0, _) => return Ok(true),
            (len, []) => file.consume(len),
            _ => return Ok(false),
        }
    }
}

/// The files of the listed attachments, up to the first that is not at hand: that one and those
/// behind it are only named.
fn attachments(rendering: &Rendering, problems: &mut Vec<String>) -> Result<Vec<PathBuf>, Failure> {
    let listed =
        list_attachments(&rendering.data).map_err(|error| Failure::Other(error.to_string()))?;
    let mut files = Vec::new();
    for attachment in &listed {
        match rendering.files.attachment(attachment) {
            Ok(file) => files.push(file),
            Err(why) => {
                let (number, left) = (attachment.number, listed.len() - files.len());
                problems.push(format!(
                    "attachment {number}: {why} ({left} of {} attachments are only named)",
                    listed.len()
                ));
                break;
            }
        }
    }
    Ok(files)
}

//! The few calls into `dossier-report`. They block: run them on a thread where that is allowed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dossier_core::Sha256Hex;
use dossier_core::section::TemplateVersion;
use dossier_core::subject::{CaseReference, SubjectName};
use dossier_report::{Fonts, Identifier, Report, ReportError, Section, SectionBody, Wording};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::connection::file_fault;
use crate::fetch::Question;

/// What the report says when nobody knows the data subject's name.
const NAME_NOT_FOUND: &str = "Name not found";

/// What every report of a worker has in common.
#[derive(Clone)]
pub struct ReportSettings {
    /// The fonts that reports embed.
    pub fonts: Arc<Fonts>,
    /// The texts around the content.
    pub wording: Wording,
    /// Where it is the day that the report names as its day of generation.
    pub time_zone: TimeZone,
}

/// A collected section, as the report takes it.
#[derive(Clone, Debug)]
pub(crate) struct ReportSection {
    pub label: String,
    pub version: TemplateVersion,
    /// The file with the service's answer; none if it holds no data.
    pub answer: Option<PathBuf>,
}

/// Everything that a report is made of.
pub(crate) struct Manuscript {
    pub question: Question,
    pub case_reference: CaseReference,
    pub subject_name: Option<SubjectName>,
    pub sections: Vec<ReportSection>,
}

/// A report in a file.
#[derive(Debug)]
pub(crate) struct Printed {
    pub pages: u32,
    /// Characters that are shown as boxes, because no font has them.
    pub unsupported_characters: u64,
    pub bytes: u64,
    pub sha256: Sha256Hex,
}

/// Whether a service's answer holds data. The error says where it breaks the contract, and quotes
/// nothing.
pub(crate) fn holds_data(answer: &Path) -> Result<bool, String> {
    dossier_report::inspect_response(answer)
        .map(|summary| summary.holds_data)
        .map_err(|error| describe(&error))
}

/// Makes the report and takes its digest.
pub(crate) fn print(
    manuscript: Manuscript,
    settings: &ReportSettings,
    file: &Path,
) -> Result<Printed, String> {
    let report = Report {
        subject_name: manuscript
            .subject_name
            .as_ref()
            .map_or(NAME_NOT_FOUND, SubjectName::reveal)
            .to_owned(),
        identifier: Identifier {
            label: manuscript.question.subject.label().to_owned(),
            value: manuscript.question.subject.reveal().to_owned(),
        },
        case_reference: manuscript.case_reference.reveal().to_owned(),
        date_from: manuscript.question.date_from,
        date_to: manuscript.question.date_to,
        generated_on: settings.time_zone.to_datetime(Timestamp::now()).date(),
        sections: manuscript.sections.into_iter().map(section).collect(),
        wording: settings.wording.clone(),
        office: None,
    };
    let summary = dossier_report::write_report(&report, &settings.fonts, file)
        .map_err(|error| describe(&error))?;
    let (bytes, sha256) = digest(file).map_err(|error| file_fault(&error))?;
    Ok(Printed {
        pages: summary.pages,
        unsupported_characters: summary.unsupported_characters,
        bytes,
        sha256,
    })
}

fn section(section: ReportSection) -> Section {
    Section {
        label: section.label,
        version: section.version,
        body: section
            .answer
            .map_or(SectionBody::NoData, |body| SectionBody::Response {
                body,
                attachments: Vec::new(),
            }),
    }
}

fn describe(error: &ReportError) -> String {
    error.to_string()
}

fn digest(file: &Path) -> io::Result<(u64, Sha256Hex)> {
    use std::io::Read;
    let mut file = std::fs::File::open(file)?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((bytes, Sha256Hex::from_digest(&digest.finalize().into())));
        }
        digest.update(&piece[..read]);
        bytes += read as u64;
    }
}

//! The few calls into `dossier-report`. They block: run them on a thread where that is allowed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dossier_core::schema::ContentSchema;
use dossier_core::section::TemplateVersion;
use dossier_core::subject::{CaseReference, SubjectName};
use dossier_core::{DocumentKind, RequestId, ServiceName, Sha256Hex};
use dossier_report::{
    Attachment, FileKind, Fonts, Identifier, Look, OfficeConverter, Output, Report, ReportError,
    ReportSummary, Section, SectionBody, VolumeLimits, Wording,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::connection::file_fault;
use crate::fetch::Question;
use crate::package::{self, PackageContents};
use crate::spool::MadeSpool;

/// What the report says when nobody knows the data subject's name.
const NAME_NOT_FOUND: &str = "Name not found";

/// What every report of a worker has in common.
#[derive(Clone)]
pub struct ReportSettings {
    /// The fonts that reports embed.
    pub fonts: Arc<Fonts>,
    /// The texts around the content.
    pub wording: Wording,
    /// The logo and the colours.
    pub look: Look,
    /// Where it is the day that the report names as its day of generation.
    pub time_zone: TimeZone,
    /// What goes into the package beside the report.
    pub package: PackageContents,
    /// Whether the data subject's own copy, without the internal pages, is made beside the report.
    pub copy: bool,
    /// When another volume begins.
    pub volumes: VolumeLimits,
    /// What converts office documents among the attachments, if anything does.
    pub office: Option<OfficeConverter>,
}

/// A collected section, as the report takes it.
#[derive(Clone, Debug)]
pub(crate) struct ReportSection {
    pub service: ServiceName,
    pub label: String,
    pub version: TemplateVersion,
    /// What the answer's members and codes are called, where no template words it.
    pub labels: Option<ContentSchema>,
    /// What the service answered; none if it holds no data.
    pub answer: Option<SectionAnswer>,
}

/// A service's answer, in files.
#[derive(Clone, Debug)]
pub(crate) struct SectionAnswer {
    /// The body as it came.
    pub body: PathBuf,
    /// What the service's template made of it; none if it is shown as it stands.
    pub worded: Option<PathBuf>,
    /// The files of its attachments, in the order of the answer's list.
    pub attachments: Vec<PathBuf>,
}

/// Everything that a report is made of.
pub(crate) struct Manuscript {
    pub request: RequestId,
    pub question: Question,
    pub case_reference: CaseReference,
    pub subject_name: Option<SubjectName>,
    pub sections: Vec<ReportSection>,
}

/// A file that a request is to be completed with.
#[derive(Debug)]
pub(crate) struct MadeFile {
    pub kind: DocumentKind,
    pub volume: u32,
    pub path: PathBuf,
    /// None for what has no pages.
    pub pages: Option<u32>,
    pub bytes: u64,
    pub sha256: Sha256Hex,
}

impl MadeFile {
    /// Takes the size and the digest of a finished file.
    pub fn new(
        kind: DocumentKind,
        volume: u32,
        path: PathBuf,
        pages: Option<u32>,
    ) -> Result<Self, String> {
        let (bytes, sha256) = digest(&path).map_err(|error| file_fault(&error))?;
        Ok(Self {
            kind,
            volume,
            path,
            pages,
            bytes,
            sha256,
        })
    }
}

/// What a request is to be completed with.
pub(crate) struct Made {
    pub files: Vec<MadeFile>,
    /// Pages of the report.
    pub pages: u32,
    /// Characters that cannot be shown.
    pub unsupported_characters: u64,
}

/// Whether a service's answer holds data. The error says where it breaks the contract, and quotes
/// nothing.
pub(crate) fn holds_data(answer: &Path) -> Result<bool, String> {
    dossier_report::inspect_response(answer)
        .map(|summary| summary.holds_data)
        .map_err(|error| describe(&error))
}

/// The attachments that a service's answer lists. The error quotes nothing.
pub(crate) fn list_attachments(answer: &Path) -> Result<Vec<Attachment>, String> {
    dossier_report::list_attachments(answer).map_err(|error| describe(&error))
}

/// Makes the report, and the package that goes with it: the files, with their digests.
pub(crate) fn print(
    manuscript: Manuscript,
    settings: &ReportSettings,
    files: &MadeSpool,
) -> Result<Made, String> {
    let services = manuscript.sections.iter().map(|s| s.service.clone());
    let services: Vec<ServiceName> = services.collect();
    let request = manuscript.request;
    let report = report(manuscript, settings);
    let (summary, mut made) = write_report(&report, settings, &files.report)?;
    let source = package::Source {
        request,
        report: &report,
        services: &services,
        summary: &summary,
    };
    let packed = package::write(&source, settings.package, &files.package);
    if packed.map_err(|error| file_fault(&error))? {
        let path = files.package.package.clone();
        made.push(MadeFile::new(DocumentKind::Package, 1, path, None)?);
    }
    Ok(Made {
        files: made,
        pages: summary.pages,
        unsupported_characters: summary.unsupported_characters,
    })
}

/// Has the report written, in volumes and with the subject's copy as the settings say.
fn write_report(
    report: &Report,
    settings: &ReportSettings,
    file: &Path,
) -> Result<(ReportSummary, Vec<MadeFile>), String> {
    let output = Output {
        report: file.to_owned(),
        copy: settings.copy.then(|| file.with_file_name("copy.pdf")),
        limits: settings.volumes,
    };
    let summary = dossier_report::write_files(report, &settings.fonts, &output)
        .map_err(|error| describe(&error))?;
    let made = summary.files.iter().map(|file| {
        let kind = match file.kind {
            FileKind::Report => DocumentKind::Report,
            FileKind::Copy => DocumentKind::Copy,
        };
        MadeFile::new(kind, file.volume, file.path.clone(), Some(file.pages))
    });
    let made = made.collect::<Result<Vec<_>, _>>()?;
    Ok((summary, made))
}

fn report(manuscript: Manuscript, settings: &ReportSettings) -> Report {
    Report {
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
        look: settings.look.clone(),
        office: settings.office.clone(),
        keeps_originals: settings.package != PackageContents::Off,
    }
}

fn section(section: ReportSection) -> Section {
    let labels = section.labels;
    Section {
        label: section.label,
        version: section.version.into(),
        body: section
            .answer
            .map_or(SectionBody::NoData, |answer| SectionBody::Response {
                body: answer.body,
                html: answer.worded,
                labels,
                attachments: answer.attachments,
            }),
    }
}

fn describe(error: &ReportError) -> String {
    error.to_string()
}

/// The size and the digest of a file.
pub(crate) fn digest(file: &Path) -> io::Result<(u64, Sha256Hex)> {
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

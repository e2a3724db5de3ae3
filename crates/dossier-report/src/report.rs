use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::look::Look;
use dossier_core::schema::ContentSchema;
use dossier_core::section::TemplateVersion;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A report to be written: whom it is about and its sections in order.
///
/// Its Debug output shows no personal data.
#[derive(Clone)]
pub struct Report {
    /// The data subject as covers and headers show them, such as `SURNAME, Forename`.
    pub subject_name: String,
    /// The identifier the request was made with.
    pub identifier: Identifier,
    /// The controller's reference of the request.
    pub case_reference: String,
    /// The first day of what was asked for; `None` is the start of the record.
    pub date_from: Option<Date>,
    /// The last day of what was asked for.
    pub date_to: Date,
    /// The day on which the report is made.
    pub generated_on: Date,
    /// The sections, in the order in which they are to appear.
    pub sections: Vec<Section>,
    /// The texts around the content.
    pub wording: Wording,
    /// The logo and the colours.
    pub look: Look,
    /// What converts office documents among the attachments; `None` leaves them unconverted, and
    /// their pages say so.
    pub office: Option<OfficeConverter>,
    /// Whether the files of attachments that the report does not show as a whole go out beside it:
    /// their pages say so then, and nothing of it else.
    pub keeps_originals: bool,
}

/// LibreOffice, run for each office document in a process of its own.
///
/// Every run has a process group, a profile and a folder of its own, all of which are gone
/// afterwards, whatever becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeConverter {
    /// The program: `soffice`, or where it is.
    pub program: PathBuf,
    /// How long one document may take; its processes are killed then.
    pub time_max: Duration,
    /// Bytes of address space that each process of a run may have.
    pub memory_bytes_max: u64,
}

impl Default for OfficeConverter {
    fn default() -> Self {
        Self {
            program: PathBuf::from("soffice"),
            time_max: Duration::from_secs(120),
            memory_bytes_max: 4 * 1024 * 1024 * 1024,
        }
    }
}

/// What identifies the data subject to the services.
#[derive(Clone)]
pub struct Identifier {
    /// What kind it is, such as `NOMIS ID`.
    pub label: String,
    /// The identifier itself.
    pub value: String,
}

/// What one service holds.
#[derive(Clone)]
pub struct Section {
    /// The service's name for readers; the section's title.
    pub label: String,
    /// The template the section is made with.
    pub version: SectionVersion,
    /// The service's answer.
    pub body: SectionBody,
}

/// Which template makes a section, as the contents name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionVersion {
    /// That of a service.
    Of(TemplateVersion),
    /// One that is being written, and is no version of a service's template.
    Preview,
}

impl From<TemplateVersion> for SectionVersion {
    fn from(version: TemplateVersion) -> Self {
        Self::Of(version)
    }
}

impl fmt::Display for SectionVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(version) => version.fmt(f),
            Self::Preview => f.write_str("preview"),
        }
    }
}

/// A service's answer.
#[derive(Clone)]
pub enum SectionBody {
    /// The service holds nothing about the data subject, or does not know the kind of identifier.
    NoData,
    /// What the service answered.
    Response {
        /// The file that holds the whole body of the answer, as it came.
        body: PathBuf,
        /// The file that holds what the service's template made of the answer, as HTML in UTF-8
        /// (`docs/section-html.md` says what it may contain). `None`: the answer is shown as any
        /// JSON is. Attachments are those of the body in either case.
        html: Option<PathBuf>,
        /// What the members and codes of `content` are called where it is shown as any JSON is. It
        /// changes words, and neither what is shown nor its order. `None`: words are made of names.
        labels: Option<ContentSchema>,
        /// The fetched files of its attachments: the i-th is that of the i-th entry of
        /// [`list_attachments`](crate::list_attachments). Entries beyond the last are named only.
        attachments: Vec<PathBuf>,
    },
}

/// The texts of covers, contents and feet, which an organisation can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wording {
    /// The organisation's name above the title of the covers, if it is to be shown.
    pub organisation: Option<String>,
    /// The report's title.
    pub title: String,
    /// What marks the pages that the data subject does not get.
    pub internal_only: String,
    /// The classification on the internal cover.
    pub classification: String,
    /// The classification at the foot of every section page.
    pub footer: String,
    /// What else stands on the internal cover, such as whom to ask.
    pub internal_note: Option<String>,
    /// What else stands on the cover of the data subject's copy, such as their rights.
    pub cover_note: Option<String>,
    /// The heading of the contents.
    pub contents_title: String,
    /// The text of the rear page.
    pub end_of_report: String,
    /// What stands before the subject's name, on covers and in headers.
    pub name: String,
    /// What stands before the case reference on the covers.
    pub case_reference: String,
    /// What stands before the days that the report is about.
    pub date_range: String,
    /// The first of these days if none was given.
    pub start_of_record: String,
    /// What stands before the day on which the report was made.
    pub generation_date: String,
    /// What stands before the number of pages on the internal cover.
    pub total_pages: String,
    /// What stands before the number of pages on the rear page.
    pub end_total_pages: String,
    /// A day of the covers; `{day}`, `{month}` and `{year}` are replaced.
    pub date: String,
    /// The names of the months in such a day, from January.
    pub months: [String; 12],
    /// Which volume a file is; `{volume}` and `{volumes}` are replaced.
    pub volume: String,
    /// Where a section starts in another volume, in the contents; `{volume}` and `{page}` are
    /// replaced.
    pub contents_volume: String,
    /// What a line of the contents is for those who cannot see it; `{section}` and `{page}` are
    /// replaced.
    pub contents_link: String,
    /// The content of a section whose service holds nothing.
    pub no_data_held: String,
    /// The language of these texts and of the services' labels, as a tag of BCP 47: what a screen
    /// reader reads the report in.
    pub language: String,
}

/// Where a report goes, and in how many files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The report's file. Further volumes stand beside it: `report.pdf`, `report-volume-2.pdf`.
    pub report: PathBuf,
    /// The file of the data subject's own copy, which has no internal pages, if there is to be one.
    pub copy: Option<PathBuf>,
    /// When another volume begins.
    pub limits: VolumeLimits,
}

impl Output {
    /// A report in one file of any size.
    pub fn one_file(path: &Path) -> Self {
        Self {
            report: path.to_owned(),
            copy: None,
            limits: VolumeLimits::default(),
        }
    }
}

/// How large a volume may become. A report that is larger comes in several, cut between sections;
/// a section that is larger than a volume is cut at a page's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VolumeLimits {
    /// Pages of one volume, covers counted; fewer than the covers and one page take are as many.
    pub pages_max: Option<u32>,
    /// Bytes of one volume. Fonts and tables at its end are estimated, generously.
    pub bytes_max: Option<u64>,
}

/// For whom a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// The whole report, for those who send it out.
    Report,
    /// The data subject's own copy, without the internal pages.
    Copy,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// For whom it is.
    pub kind: FileKind,
    /// Which volume it is, from 1.
    pub volume: u32,
    /// Where it is.
    pub path: PathBuf,
    /// Its pages, all counted.
    pub pages: u32,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSummary {
    /// The files: the report's volumes, then the copy's.
    pub files: Vec<ReportFile>,
    /// Pages of the report, those of all its volumes.
    pub pages: u32,
    /// Bytes of the report, those of all its volumes.
    pub bytes: u64,
    /// The page of its volume on which each section starts, counted from 1, in the order of the
    /// sections.
    pub section_pages: Vec<u32>,
    /// What became of every attachment for which a file was given, in the order of the sections and
    /// of their attachments. With [`Report::keeps_originals`], the files that are not shown
    /// as a whole are to be kept beside the report: its pages say that they are.
    pub attachments: Vec<AttachmentOutcome>,
    /// Characters that no font has, and combining marks that a letter has too many of: U+FFFD is
    /// shown in their place, and they can be copied as text.
    pub unsupported_characters: u64,
}

/// What became of one attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentOutcome {
    /// The place of its section in [`Report::sections`], counted from 0.
    pub section: usize,
    /// Its place in [`list_attachments`](crate::list_attachments), counted from 0.
    pub place: usize,
    /// The page it starts on, counted from 1.
    pub page: u32,
    /// Whether it can be read in the report.
    pub shown: Shown,
    /// Whether all fonts of its imported pages are embedded, as PDF/A asks; `true` where
    /// no pages were imported.
    pub fonts_embedded: bool,
    /// Whether pages of another document, or colours of a printing press, were taken over as they
    /// are: then the files that hold it do not claim to keep PDF/A, nor PDF/UA if it has pages.
    pub imported: bool,
}

/// How much of an attachment a report shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All of it.
    Whole,
    /// A part of it; its pages say which part is missing, and why.
    Part,
    /// Nothing but its name; its page says why.
    NameOnly,
}

impl Report {
    /// The subject's name as a line of text.
    pub(crate) fn name_line(&self) -> String {
        format!("{}: {}", self.wording.name, self.subject_name)
    }
}

impl Identifier {
    /// The identifier as a line of text, such as `NOMIS ID: A1234AA`.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}", self.label, self.value)
    }
}

impl Wording {
    /// A day in words.
    pub(crate) fn day(&self, day: Date) -> String {
        let month = usize::from(day.month().unsigned_abs()) - 1;
        let month = self.months.get(month).map_or("", String::as_str);
        filled(
            &self.date,
            &[
                ("{day}", &day.day().to_string()),
                ("{month}", month),
                ("{year}", &format!("{:04}", day.year())),
            ],
        )
    }

    /// Which volume a file is, in words.
    pub(crate) fn volume_line(&self, volume: u32, volumes: u32) -> String {
        let [volume, volumes] = [volume, volumes].map(|number| number.to_string());
        filled(
            &self.volume,
            &[("{volume}", &volume), ("{volumes}", &volumes)],
        )
    }

    /// Where a section of another volume starts.
    pub(crate) fn place_in_volume(&self, volume: u32, page: u32) -> String {
        let [volume, page] = [volume, page].map(|number| number.to_string());
        filled(
            &self.contents_volume,
            &[("{volume}", &volume), ("{page}", &page)],
        )
    }

    /// What a line of the contents leads to.
    pub(crate) fn link_to(&self, section: &str, page: u32) -> String {
        let page = page.to_string();
        filled(
            &self.contents_link,
            &[("{section}", section), ("{page}", &page)],
        )
    }
}

/// A text with values in it; what stands in a value is not replaced.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                out.push_str(value);
                rest = &rest[name.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

impl Default for Wording {
    fn default() -> Self {
        Self {
            organisation: None,
            title: "SUBJECT ACCESS REQUEST REPORT".to_owned(),
            internal_only: "INTERNAL ONLY".to_owned(),
            classification: "OFFICIAL-SENSITIVE".to_owned(),
            footer: "Official Sensitive".to_owned(),
            internal_note: None,
            cover_note: None,
            contents_title: "CONTENTS".to_owned(),
            end_of_report: "End of Subject Access Request Report".to_owned(),
            name: "Name".to_owned(),
            case_reference: "SAR Case Reference Number".to_owned(),
            date_range: "Report date range".to_owned(),
            start_of_record: "Start of record".to_owned(),
            generation_date: "Report generation date".to_owned(),
            total_pages: "Total Pages".to_owned(),
            end_total_pages: "Total pages".to_owned(),
            date: "{day} {month} {year}".to_owned(),
            months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
                .map(|month| Date::constant(2000, month, 1).strftime("%B").to_string()),
            volume: "Volume {volume} of {volumes}".to_owned(),
            contents_volume: "vol. {volume}, {page}".to_owned(),
            contents_link: "{section}, page {page}".to_owned(),
            no_data_held: "No Data Held".to_owned(),
            language: "en-GB".to_owned(),
        }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("sections", &self.sections)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identifier").finish_non_exhaustive()
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("label", &self.label)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SectionBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData => f.write_str("NoData"),
            Self::Response { attachments, .. } => f
                .debug_struct("Response")
                .field("attachments", &attachments.len())
                .finish_non_exhaustive(),
        }
    }
}

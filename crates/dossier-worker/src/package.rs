//! The package: what the services answered, for programs, as a zip file beside the report.
//!
//! ```text
//! README.txt
//! sections/01-keyworker-api.json                  an answer as it came
//! attachments/01-keyworker-api/0001-statement.pdf its attachments as they came
//! manifest.json                                   what is what, with sizes and SHA-256s
//! ```
//!
//! Everything is written as it is read: memory depends neither on the size of an answer nor on that
//! of an attachment. The same request gives the same bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use dossier_core::{RequestId, ServiceName, Sha256Hex};
use dossier_report::{Attachment, Report, ReportSummary, Section, SectionBody, Shown};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::archive::{Added, Archive, Packing};
use crate::rendering;

/// Longest file name that is made of an attachment's, in bytes.
const FILE_NAME_BYTES_MAX: usize = 100;
/// Longest part of it that counts as an extension, in bytes.
const EXTENSION_BYTES_MAX: usize = 12;
/// What the manifest calls its own form. Programs look for it first.
const FORMAT: &str = "dossier-package/1";

const README: &str = "\
This package belongs to a report about a subject access request. It holds what\r
the services answered, so that programs can read it.\r
\r
sections/NN-service.json          a service's answer, byte for byte\r
attachments/NN-service/           the files that belong to that answer, byte for byte\r
manifest.json                     the request, and for every file its size, its\r
                                  SHA-256, its type and where it belongs\r
\r
NN is the section's place in the report. A section without a file holds no data,\r
or is shown whole in the report where this package has only what is not.\r
";

/// What goes into a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageContents {
    /// Every answer and every attachment.
    #[default]
    Full,
    /// Only the attachments that the report does not show as a whole; no package if there are none.
    Unprinted,
    /// No package is made.
    Off,
}

/// What a package is made of.
pub(crate) struct Source<'a> {
    pub request: RequestId,
    pub report: &'a Report,
    /// The services of the report's sections, in their order.
    pub services: &'a [ServiceName],
    pub summary: &'a ReportSummary,
}

/// Where a package is made.
#[derive(Clone)]
pub(crate) struct PackageSpool {
    pub package: PathBuf,
    /// The manifest on its way.
    pub manifest: PathBuf,
}

/// Writes the package; answers whether there is one.
pub(crate) fn write(
    source: &Source<'_>,
    contents: PackageContents,
    spool: &PackageSpool,
) -> io::Result<bool> {
    let package = Package {
        source,
        contents,
        shown: source
            .summary
            .attachments
            .iter()
            .map(|outcome| ((outcome.section, outcome.place), outcome.shown))
            .collect(),
    };
    let wanted = match contents {
        PackageContents::Full => true,
        PackageContents::Unprinted => package.has_unprinted(),
        PackageContents::Off => false,
    };
    if wanted {
        package.write(spool)?;
    }
    Ok(wanted)
}

struct Package<'a> {
    source: &'a Source<'a>,
    contents: PackageContents,
    shown: HashMap<(usize, usize), Shown>,
}

impl Package<'_> {
    fn write(&self, spool: &PackageSpool) -> io::Result<()> {
        let mut archive = Archive::create(&spool.package)?;
        archive.add_text("README.txt", README)?;
        let mut manifest = Manifest::create(&spool.manifest, &self.head())?;
        for (place, section) in self.source.report.sections.iter().enumerate() {
            self.add_section(place, section, &mut archive, &mut manifest)?;
        }
        manifest.finish()?;
        archive.add_file("manifest.json", &spool.manifest, Packing::Deflated)?;
        archive.finish()
    }

    /// Everything of the manifest but its files.
    fn head(&self) -> Value {
        let (report, wording) = (self.source.report, &self.source.report.wording);
        let sections = report.sections.iter().zip(self.source.services);
        let sections = sections.enumerate().map(|(place, (section, service))| {
            json!({
                "number": place + 1,
                "service": service,
                "label": section.label,
                "templateVersion": section.version.to_string(),
                "dataHeld": matches!(section.body, SectionBody::Response { .. }),
            })
        });
        json!({
            "format": FORMAT,
            "contents": self.contents,
            "request": {
                "id": self.source.request.to_string(),
                "caseReference": report.case_reference,
                "subjectName": report.subject_name,
                "subjectIdentifier": { "kind": report.identifier.label, "value": report.identifier.value },
                "dateFrom": report.date_from.map(|date| date.to_string()),
                "dateTo": report.date_to.to_string(),
                "generatedOn": report.generated_on.to_string(),
            },
            "controller": {
                "organisation": wording.organisation,
                "title": wording.title,
                "classification": wording.classification,
                "internalOnly": wording.internal_only,
                "footer": wording.footer,
            },
            "sections": sections.collect::<Vec<_>>(),
        })
    }

    fn add_section(
        &self,
        place: usize,
        section: &Section,
        archive: &mut Archive,
        manifest: &mut Manifest,
    ) -> io::Result<()> {
        let SectionBody::Response {
            body, attachments, ..
        } = &section.body
        else {
            return Ok(());
        };
        let folder = self.folder(place);
        if self.contents == PackageContents::Full {
            let path = format!("sections/{folder}.json");
            let added = archive.add_file(&path, body, Packing::Deflated)?;
            manifest.add(&self.file(place, &path, &added, "application/json", Value::Null))?;
        }
        for (number, (entry, file)) in listed(body)?.iter().zip(attachments).enumerate() {
            if !self.holds(place, number) {
                continue;
            }
            let name = safe_file_name(entry);
            let path = format!("attachments/{folder}/{:04}-{name}", number + 1);
            let added = archive.add_file(&path, file, Packing::Stored)?;
            let content_type = match &entry.content_type[..] {
                "" => "application/octet-stream",
                declared => declared,
            };
            let attachment = json!({
                "number": entry.number,
                "name": entry.name,
                "filename": entry.filename,
                "shownInReport": in_words(self.shown(place, number)),
            });
            manifest.add(&self.file(place, &path, &added, content_type, attachment))?;
        }
        Ok(())
    }

    fn file(
        &self,
        place: usize,
        path: &str,
        added: &Added,
        content_type: &str,
        attachment: Value,
    ) -> ManifestFile {
        let section = &self.source.report.sections[place];
        ManifestFile {
            path: path.to_owned(),
            bytes: added.bytes,
            sha256: added.sha256.clone(),
            content_type: content_type.to_owned(),
            section: place + 1,
            section_label: section.label.clone(),
            template_version: section.version.to_string(),
            attachment,
        }
    }

    /// A section's part of a path. A service's name is safe in one, but for dots at its end.
    fn folder(&self, place: usize) -> String {
        let service = self.source.services[place].as_str();
        format!("{:02}-{}", place + 1, service.trim_end_matches('.'))
    }

    fn shown(&self, section: usize, attachment: usize) -> Shown {
        let shown = self.shown.get(&(section, attachment));
        shown.copied().unwrap_or(Shown::NameOnly)
    }

    fn holds(&self, section: usize, attachment: usize) -> bool {
        match self.contents {
            PackageContents::Full => true,
            PackageContents::Unprinted => self.shown(section, attachment) != Shown::Whole,
            PackageContents::Off => false,
        }
    }

    fn has_unprinted(&self) -> bool {
        let sections = self.source.report.sections.iter().enumerate();
        sections
            .into_iter()
            .any(|(place, section)| match &section.body {
                SectionBody::Response { attachments, .. } => {
                    (0..attachments.len()).any(|number| self.holds(place, number))
                }
                SectionBody::NoData => false,
            })
    }
}

fn listed(answer: &Path) -> io::Result<Vec<Attachment>> {
    // The answer was looked at before, so that only the disk can be at fault.
    rendering::list_attachments(answer).map_err(io::Error::other)
}

fn in_words(shown: Shown) -> &'static str {
    match shown {
        Shown::Whole => "WHOLE",
        Shown::Part => "PART",
        Shown::NameOnly => "NAME_ONLY",
    }
}

/// A file of the package, as the manifest describes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestFile {
    path: String,
    bytes: u64,
    sha256: Sha256Hex,
    content_type: String,
    section: usize,
    section_label: String,
    template_version: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    attachment: Value,
}

/// The manifest, written as files are added.
struct Manifest {
    out: BufWriter<File>,
    files: u64,
}

impl Manifest {
    /// Begins with the members of `head`; the list of files follows.
    fn create(path: &Path, head: &Value) -> io::Result<Self> {
        let mut options = File::options();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = BufWriter::new(options.open(path)?);
        let head = serde_json::to_string_pretty(head)?;
        let members = head.trim_end_matches('}').trim_end();
        write!(out, "{members},\n  \"files\": [")?;
        Ok(Self { out, files: 0 })
    }

    fn add(&mut self, file: &ManifestFile) -> io::Result<()> {
        let separator = if self.files == 0 { "" } else { "," };
        self.files += 1;
        write!(self.out, "{separator}\n    ")?;
        Ok(serde_json::to_writer(&mut self.out, file)?)
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"\n  ]\n}\n")?;
        self.out.flush()
    }
}

/// A name for an attachment's file that is safe wherever the package is unpacked: no separators, no
/// characters that some system refuses or that show a name as another, no dots at its ends, and not
/// long. Behind a number, no name means anything to any system.
fn safe_file_name(attachment: &Attachment) -> String {
    let given = match attachment.filename.trim() {
        "" => &attachment.name,
        _ => &attachment.filename,
    };
    let safe: String = given
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let safe = safe.trim_matches([' ', '.']);
    let (stem, extension) = match safe.rsplit_once('.') {
        Some((stem, extension))
            if extension.len() <= EXTENSION_BYTES_MAX
                && extension.chars().all(char::is_alphanumeric) =>
        {
            (stem, format!(".{extension}"))
        }
        _ => (safe, String::new()),
    };
    let stem_bytes_max = FILE_NAME_BYTES_MAX - extension.len();
    let stem = &stem[..stem.floor_char_boundary(stem_bytes_max)];
    match stem.trim_end_matches([' ', '.']) {
        "" => format!("attachment{extension}"),
        stem => format!("{stem}{extension}"),
    }
}

/// Characters that change how others are shown, or are not seen (Unicode, Default_Ignorable and
/// Bidi_Control).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use dossier_report::{AttachmentOutcome, Identifier, TemplateVersion, Wording};
    use jiff::civil::date;
    use tempfile::TempDir;
    use zip::ZipArchive;

    use super::*;

    /// A report of one section with three attachments: shown whole, in part, and not at all.
    fn report(folder: &TempDir) -> (Report, ReportSummary) {
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let entry = r#"{"url": "http://x/", "filename": "a.txt"}"#;
        let body = format!(r#"{{"content": 1, "attachments": [{entry}, {entry}, {entry}]}}"#);
        let section = Section {
            label: "Key worker".to_owned(),
            version: TemplateVersion::Generic.into(),
            body: SectionBody::Response {
                body: file("body", &body),
                html: None,
                labels: None,
                attachments: ["one", "two", "three"].map(|text| file(text, text)).into(),
            },
        };
        let report = Report {
            subject_name: "LOVELACE, Ada".to_owned(),
            identifier: Identifier {
                label: "NOMIS ID".to_owned(),
                value: "A1234AA".to_owned(),
            },
            case_reference: "Case-77".to_owned(),
            date_from: None,
            date_to: date(2026, 1, 31),
            generated_on: date(2026, 2, 3),
            sections: vec![section],
            wording: Wording::default(),
            look: dossier_report::Look::default(),
            office: None,
            keeps_originals: true,
        };
        let outcome = |place, shown| AttachmentOutcome {
            section: 0,
            place,
            page: 1,
            shown,
            imported: false,
            fonts_embedded: true,
        };
        let summary = ReportSummary {
            files: Vec::new(),
            pages: 9,
            bytes: 9,
            section_pages: vec![3],
            attachments: vec![outcome(0, Shown::Whole), outcome(1, Shown::Part)],
            unsupported_characters: 0,
        };
        (report, summary)
    }

    /// Writes the package of [`report`]; answers its bytes, if there is one.
    fn written(
        contents: PackageContents,
        adjust: impl FnOnce(&mut ReportSummary),
    ) -> Option<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let (report, mut summary) = report(&folder);
        adjust(&mut summary);
        let source = Source {
            request: "018f0000-0000-7000-8000-000000000001".parse().unwrap(),
            report: &report,
            services: &["keyworker-api.".parse().unwrap()],
            summary: &summary,
        };
        let spool = PackageSpool {
            package: folder.path().join("package.zip"),
            manifest: folder.path().join("manifest.json"),
        };
        let is_there = write(&source, contents, &spool).unwrap();
        assert_eq!(spool.package.exists(), is_there);
        is_there.then(|| std::fs::read(&spool.package).unwrap())
    }

    fn names(package: &[u8]) -> Vec<String> {
        let archive = ZipArchive::new(io::Cursor::new(package)).unwrap();
        let names = (0..archive.len()).map(|index| archive.name_for_index(index).unwrap());
        names.map(|name| name.unwrap().into_owned()).collect()
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        let package = written(PackageContents::Full, |_| {}).unwrap();
        assert_eq!(written(PackageContents::Full, |_| {}).unwrap(), package);
        assert_eq!(
            names(&package),
            [
                "README.txt",
                "sections/01-keyworker-api.json",
                "attachments/01-keyworker-api/0001-a.txt",
                "attachments/01-keyworker-api/0002-a.txt",
                "attachments/01-keyworker-api/0003-a.txt",
                "manifest.json",
            ]
        );
    }

    #[test]
    fn what_is_not_shown_as_a_whole_is_unprinted() {
        let package = written(PackageContents::Unprinted, |_| {}).unwrap();
        assert_eq!(
            names(&package),
            [
                "README.txt",
                "attachments/01-keyworker-api/0002-a.txt",
                "attachments/01-keyworker-api/0003-a.txt",
                "manifest.json",
            ]
        );
        let all_shown = written(PackageContents::Unprinted, |summary| {
            let third = AttachmentOutcome {
                place: 2,
                ..summary.attachments[0].clone()
            };
            summary.attachments[1].shown = Shown::Whole;
            summary.attachments.push(third);
        });
        assert_eq!(all_shown, None);
        assert_eq!(written(PackageContents::Off, |_| {}), None);
    }

    fn name_of(filename: &str) -> String {
        safe_file_name(&Attachment {
            number: 1,
            name: "A statement".to_owned(),
            content_type: String::new(),
            url: String::new(),
            filesize: None,
            filename: filename.to_owned(),
            headers: Vec::new(),
        })
    }

    #[test]
    fn a_file_name_is_safe_everywhere_and_says_what_it_can() {
        for (given, safe) in [
            ("statement-1.pdf", "statement-1.pdf"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("..\\..\\evil.exe", "-..-evil.exe"),
            ("C:\\evil.txt", "C--evil.txt"),
            ("/", "-"),
            ("..", "attachment"),
            (".htaccess", "htaccess"),
            ("", "A statement"),
            ("  ", "A statement"),
            ("a\u{202e}fdp.exe", "afdp.exe"),
            ("a\u{0}\r\nb.txt", "ab.txt"),
            ("CON", "CON"),
            ("naïve 文書.docx", "naïve 文書.docx"),
            ("a.b. . ", "a.b"),
            (" .pdf", "pdf"),
        ] {
            assert_eq!(name_of(given), safe, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_extension() {
        for length in 1..400 {
            let name = name_of(&format!("{}.pdf", "é".repeat(length)));
            assert!(
                name.len() <= FILE_NAME_BYTES_MAX && name.ends_with(".pdf"),
                "{name}"
            );
        }
        let no_extension = name_of(&format!("a.{}", "x".repeat(300)));
        assert_eq!(no_extension.len(), FILE_NAME_BYTES_MAX);
    }
}

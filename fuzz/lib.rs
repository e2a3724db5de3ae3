//! A small report of any bytes, or a section of any template, and what must hold for it.
//!
//! A target hands its bytes to [`Bench::answer`] or [`Bench::attachment`], which write a report
//! through the public interface of `dossier-report`, or to [`template`], which renders through that
//! of `dossier-template`. They look at what came of it, and panic where a promise is broken: that is
//! what the fuzzer looks for, besides panics, time and memory.

mod template;

use std::fs;
use std::panic;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, OnceLock};

use dossier_report::{
    FileKind, Fonts, Identifier, Look, Output, Report, ReportError, ReportSummary, Section,
    SectionBody, TemplateVersion, VolumeLimits, Wording, inspect_response, write_files,
};
use jiff::civil::date;
use tempfile::TempDir;

pub use self::template::template;

/// A folder with files of fixed names, and opened fonts.
pub struct Bench {
    folder: TempDir,
    fonts: Fonts,
}

/// The bench of this process.
pub fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| Bench {
        folder: tempfile::tempdir().expect("a folder for temporary files"),
        fonts: Fonts::embedded().expect("the built-in fonts"),
    })
}

/// Ends the process at every panic that is a defect, even if somebody catches it.
///
/// Attachments are read by other people's crates, whose panics the report catches: such a file is
/// shown as damaged. Those are no findings. A panic in code of this repository is one, and so is
/// one in what only ever gets data that the report has made itself; what nobody catches is one too.
pub fn watch_for_panics() {
    let aborting = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or("", |location| location.file());
        if !READERS.iter().any(|reader| place.contains(reader)) {
            aborting(info);
            process::abort();
        }
    }));
}

/// The crates that read attachments, as parts of their files' paths. What is missing here, such as
/// the crates for shaping and for writing PDF, must not panic.
const READERS: [&str; 14] = [
    "/gif-",
    "/hayro-",
    "/image-webp-",
    "/jpeg-",
    "/mail-parser-",
    "/moxcms-",
    "/pic-scale-",
    "/png-",
    "/quick-xml-",
    "/tiff-",
    "/weezl-",
    "/zune-",
    "/fax-",
    "/fdeflate-",
];

impl Bench {
    /// A report whose only answer is `body`.
    pub fn answer(&self, body: &[u8]) {
        let path = self.file("body.json", body);
        let inspected = inspect_response(&path);
        let written = self.write(body, path, Vec::new());
        match (&inspected, &written) {
            (Ok(_), Ok(summary)) => self.assert_sound(summary),
            (Err(_), Err(_)) => assert_eq!(self.reports(), 0, "a failed report leaves no file"),
            _ => panic!("inspection and report disagree: {inspected:?}, {written:?}"),
        }
        if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok() {
            let allowed = matches!(inspected, Ok(_) | Err(ReportError::LimitPassed { .. }));
            assert!(allowed, "a JSON object is refused: {inspected:?}");
        }
        if written.is_ok() && body.len() % 8 == 0 {
            self.assert_repeatable(body, "body.json", Vec::new());
        }
    }

    /// A report with one attachment of this declared type.
    pub fn attachment(&self, content_type: &str, bytes: &[u8]) {
        let body = format!(
            r#"{{"content":{{"key":"value"}},"attachments":[{{"attachmentNumber":1,
            "name":"a file","contentType":"{content_type}","url":"http://x","filename":"file",
            "filesize":{}}}]}}"#,
            bytes.len()
        );
        let path = self.file("body.json", body.as_bytes());
        let file = self.file("attachment", bytes);
        let summary = self
            .write(bytes, path, vec![file.clone()])
            .unwrap_or_else(|error| panic!("an attachment costs the report: {error}"));
        assert_eq!(
            summary.attachments.len(),
            1,
            "every attachment has an outcome"
        );
        self.assert_sound(&summary);
        if bytes.len() % 8 == 0 {
            self.assert_repeatable(bytes, "body.json", vec![file]);
        }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).expect("a file in the folder for temporary files");
        path
    }

    /// Writes the report: by the input's length in one file, with a copy, or in small volumes.
    fn write(
        &self,
        input: &[u8],
        body: PathBuf,
        attachments: Vec<PathBuf>,
    ) -> Result<ReportSummary, ReportError> {
        for path in self.report_paths() {
            fs::remove_file(path).expect("what the last run wrote");
        }
        let one = Output::one_file(&self.folder.path().join("report.pdf"));
        let copy = Some(self.folder.path().join("copy.pdf"));
        let output = match input.len() % 3 {
            0 => one,
            1 => Output { copy, ..one },
            _ => Output {
                copy,
                limits: VolumeLimits {
                    pages_max: Some(7),
                    bytes_max: Some(300_000),
                },
                ..one
            },
        };
        write_files(&report(body, attachments), &self.fonts, &output)
    }

    /// What every report promises.
    fn assert_sound(&self, summary: &ReportSummary) {
        assert_eq!(self.reports(), summary.files.len(), "no file is forgotten");
        let own = summary.files.iter().filter(|f| f.kind == FileKind::Report);
        assert_eq!(summary.pages, own.map(|file| file.pages).sum::<u32>());
        for file in &summary.files {
            let bytes = fs::read(&file.path).expect("a report that was written");
            assert_eq!(bytes.len() as u64, file.bytes, "the size is told");
            assert!(bytes.starts_with(b"%PDF-1.7\n"), "it begins as a PDF");
            assert!(bytes.ends_with(b"%%EOF\n"), "it ends as a PDF");
            // What is copied from another document may hold what looks like pages to a reader that
            // searches for them.
            if bytes.len() % 4 == 0 && !summary.attachments.iter().any(|a| a.imported) {
                let pdf = hayro_syntax::Pdf::new(Arc::new(bytes));
                let pages = pdf.map(|pdf| pdf.pages().len());
                assert_eq!(
                    pages.ok(),
                    Some(file.pages as usize),
                    "its pages can be read"
                );
            }
        }
    }

    /// The same input gives the same bytes.
    fn assert_repeatable(&self, input: &[u8], body: &str, attachments: Vec<PathBuf>) {
        let read = |bench: &Self| -> Vec<Vec<u8>> {
            let paths = bench.report_paths();
            let files = paths.iter().map(|path| fs::read(path).expect("a report"));
            files.collect()
        };
        let first = read(self);
        let again = self.write(input, self.folder.path().join(body), attachments);
        assert!(again.is_ok(), "what succeeded succeeds again");
        assert!(first == read(self), "the same report has the same bytes");
    }

    fn reports(&self) -> usize {
        self.report_paths().len()
    }

    /// The reports in the folder, by name.
    fn report_paths(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder for temporary files");
        let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
        let is_report = |path: &PathBuf| path.extension() == Some("pdf".as_ref());
        let mut paths: Vec<PathBuf> = paths.filter(is_report).collect();
        paths.sort();
        paths
    }
}

fn report(body: PathBuf, attachments: Vec<PathBuf>) -> Report {
    Report {
        subject_name: "MUSTER, Erika".to_owned(),
        identifier: Identifier {
            label: "NOMIS ID".to_owned(),
            value: "A1234BC".to_owned(),
        },
        case_reference: "SAR-77".to_owned(),
        date_from: None,
        date_to: date(2024, 1, 1),
        generated_on: date(2024, 2, 9),
        sections: vec![
            Section {
                label: "Made up".to_owned(),
                version: TemplateVersion::Generic.into(),
                body: SectionBody::Response {
                    body,
                    html: None,
                    labels: None,
                    attachments,
                },
            },
            Section {
                label: "Empty".to_owned(),
                version: TemplateVersion::Generic.into(),
                body: SectionBody::NoData,
            },
        ],
        wording: Wording::default(),
        look: Look::default(),
        office: None,
        keeps_originals: true,
    }
}

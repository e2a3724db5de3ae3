//! Reports with attachments, and what can be seen on their pages.

use std::fs;
use std::path::Path;
use std::process::Command;

use dossier_report::{
    AttachmentOutcome, Fonts, OfficeConverter, ReportSummary, SectionBody, Shown, write_report,
};
use serde_json::json;

use crate::support::{Written, report, section};

/// A file of `tests/files`.
pub fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    fs::read(folder.join(name)).unwrap()
}

/// A report of one section with attachments, given as file name, content type and bytes.
pub fn attached(files: &[(&str, &str, Vec<u8>)]) -> Written {
    attached_with(files, None)
}

pub fn attached_with(files: &[(&str, &str, Vec<u8>)], office: Option<OfficeConverter>) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    let mut paths = Vec::new();
    for (place, (name, content_type, bytes)) in files.iter().enumerate() {
        // Services' names are not paths: the worker keeps fetched files under numbers.
        let path = folder.path().join(format!("attachment-{place}"));
        fs::write(&path, bytes).unwrap();
        paths.push(path);
        list.push(json!({
            "attachmentNumber": place + 1, "name": "a file", "contentType": content_type,
            "url": "http://x", "filesize": bytes.len(), "filename": name,
        }));
    }
    let body = folder.path().join("body.json");
    let answer = json!({"content": {"key": "value"}, "attachments": list});
    fs::write(&body, answer.to_string()).unwrap();
    let body = SectionBody::Response {
        body,
        html: None,
        labels: None,
        attachments: paths,
    };
    let mut report = report(vec![section("Section", body)]);
    report.office = office;
    let out = folder.path().join("report.pdf");
    let summary = write_report(&report, &Fonts::embedded().unwrap(), &out).unwrap();
    Written::new(folder, summary)
}

/// A report of one file of `tests/files`.
pub fn attached_fixture(name: &str, content_type: &str) -> Written {
    attached(&[(name, content_type, fixture(name))])
}

/// What became of the only attachment.
pub fn only(summary: &ReportSummary) -> &AttachmentOutcome {
    assert_eq!(summary.attachments.len(), 1);
    &summary.attachments[0]
}

/// Asserts what became of the only attachment, and that the file is sound and accessible. Files with
/// pages of other documents, which are no pictures, do not say that they are.
pub fn assert_shown(report: &Written, shown: Shown) {
    let outcome = only(&report.summary);
    assert_eq!(outcome.shown, shown, "{}", report.body());
    if outcome.imported && !report.shows_picture() {
        report.assert_accessible_without_claim();
    } else {
        report.assert_accessible();
    }
}

/// A page as it is seen, a point a pixel.
pub struct Seen {
    pub width: usize,
    pub height: usize,
    pixels: Vec<u8>,
}

/// Draws a page of the report, counted from 1.
pub fn seen(report: &Written, page: u32) -> Seen {
    let page = page.to_string();
    let output = Command::new("pdftoppm")
        .args(["-r", "72", "-f", &page, "-l", &page])
        .arg(report.path())
        .output()
        .expect("pdftoppm is missing: install the package poppler-utils");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    Seen::from_ppm(&output.stdout)
}

impl Seen {
    fn from_ppm(ppm: &[u8]) -> Self {
        let mut fields = Vec::new();
        let mut at = 0;
        while fields.len() < 4 {
            let end = at + ppm[at..].iter().position(u8::is_ascii_whitespace).unwrap();
            fields.push(std::str::from_utf8(&ppm[at..end]).unwrap().to_owned());
            at = end + 1;
        }
        assert_eq!(fields[0], "P6");
        Self {
            width: fields[1].parse().unwrap(),
            height: fields[2].parse().unwrap(),
            pixels: ppm[at..].to_vec(),
        }
    }

    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        self.pixels[at..at + 3].try_into().unwrap()
    }

    /// Left, top, right and bottom of all that is in strong colours, which text is not.
    pub fn coloured(&self) -> Option<[usize; 4]> {
        let strong = |x: usize, y: usize| {
            let pixel = self.pixel(x, y);
            pixel.iter().max().unwrap() - pixel.iter().min().unwrap() > 60
        };
        self.bounds(strong)
    }

    /// Left, top, right and bottom of all pixels that are so.
    pub fn bounds(&self, so: impl Fn(usize, usize) -> bool) -> Option<[usize; 4]> {
        let mut found: Option<[usize; 4]> = None;
        for y in 0..self.height {
            for x in 0..self.width {
                if so(x, y) {
                    let [left, top, right, bottom] = found.unwrap_or([x, y, x, y]);
                    found = Some([left.min(x), top, right.max(x), bottom.max(y)]);
                }
            }
        }
        found
    }

    /// The names of the colours in the four quarters of what is coloured: top left, top right,
    /// bottom left, bottom right.
    pub fn corners(&self) -> [&'static str; 4] {
        let [left, top, right, bottom] = self.coloured().expect("nothing on the page is coloured");
        self.corners_of([left, top, right, bottom])
    }

    pub fn corners_of(&self, [left, top, right, bottom]: [usize; 4]) -> [&'static str; 4] {
        let (width, height) = (right - left, bottom - top);
        [(1, 1), (3, 1), (1, 3), (3, 3)]
            .map(|(x, y)| self.colour(left + width * x / 4, top + height * y / 4))
    }

    pub fn colour(&self, x: usize, y: usize) -> &'static str {
        match self.pixel(x, y) {
            [200..=255, 0..70, 0..70] => "red",
            [0..90, 140..=255, 0..100] => "green",
            [0..110, 0..110, 130..=255] => "blue",
            [200..=255, 200..=255, 0..90] => "yellow",
            [250..=255, 250..=255, 250..=255] => "white",
            [0..40, 0..40, 0..40] => "black",
            [r, g, b] if r.abs_diff(g) < 12 && g.abs_diff(b) < 12 => "gray",
            _ => "another",
        }
    }
}

pub const UPRIGHT: [&str; 4] = ["red", "green", "blue", "yellow"];

//! Reports made of JSON texts, and what can be read in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dossier_report::{
    ContentSchema, Fonts, Identifier, Report, ReportSummary, Section, SectionBody, TemplateVersion,
    Wording, write_report,
};
use jiff::civil::date;
use serde_json::Value;
use tempfile::TempDir;
use unicode_normalization::UnicodeNormalization;

/// A report that was written, in a folder of its own.
pub struct Written {
    folder: TempDir,
    pub summary: ReportSummary,
}

/// The report of a subject whose sections have these labels and bodies.
pub fn report(sections: Vec<Section>) -> Report {
    Report {
        subject_name: "MUSTER, Erika".to_owned(),
        identifier: Identifier {
            label: "NOMIS ID".to_owned(),
            value: "A1234BC".to_owned(),
        },
        case_reference: "SAR-77".to_owned(),
        date_from: Some(date(2022, 1, 1)),
        date_to: date(2024, 1, 1),
        generated_on: date(2024, 2, 9),
        sections,
        wording: Wording::default(),
        look: dossier_report::Look::default(),
        office: None,
        keeps_originals: true,
    }
}

/// Writes a report of sections given as label and body.
pub fn written(sections: &[(&str, &str)]) -> Written {
    written_with(sections, &[])
}

/// Writes a report with fallback fonts.
pub fn written_with(sections: &[(&str, &str)], fallbacks: &[PathBuf]) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let sections = sections
        .iter()
        .enumerate()
        .map(|(place, (label, body))| {
            let path = folder.path().join(format!("{place}.json"));
            fs::write(&path, body).unwrap();
            section(
                label,
                SectionBody::Response {
                    body: path,
                    html: None,
                    labels: None,
                    attachments: Vec::new(),
                },
            )
        })
        .collect();
    let fonts = Fonts::with_fallbacks(fallbacks).unwrap();
    let out = folder.path().join("report.pdf");
    let summary = write_report(&report(sections), &fonts, &out).unwrap();
    Written { folder, summary }
}

pub fn section(label: &str, body: SectionBody) -> Section {
    Section {
        label: label.to_owned(),
        version: TemplateVersion::Generic.into(),
        body,
    }
}

/// Writes a report of one section with this content.
pub fn written_content(content: &str) -> Written {
    written(&[("Section", &format!("{{\"content\":{content}}}"))])
}

/// Writes a report of one section with this content, shown with this schema's titles.
pub fn written_labelled(content: &str, schema: &str) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body.json");
    fs::write(&body, format!("{{\"content\":{content}}}")).unwrap();
    let body = SectionBody::Response {
        body,
        html: None,
        labels: Some(ContentSchema::parse(schema.as_bytes()).unwrap()),
        attachments: Vec::new(),
    };
    let out = folder.path().join("report.pdf");
    let fonts = Fonts::embedded().unwrap();
    let report = report(vec![section("Section", body)]);
    let summary = write_report(&report, &fonts, &out).unwrap();
    Written { folder, summary }
}

/// Writes a report of one section that a template made.
pub fn written_html(html: &str) -> Written {
    written_html_under("Section", html)
}

/// Writes a report of one section with this label that a template made.
pub fn written_html_under(label: &str, html: &str) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body.json");
    fs::write(&body, r#"{"content":{"raw":"the answer itself"}}"#).unwrap();
    let page = folder.path().join("section.html");
    fs::write(&page, html).unwrap();
    let body = SectionBody::Response {
        body,
        html: Some(page),
        labels: None,
        attachments: Vec::new(),
    };
    let out = folder.path().join("report.pdf");
    let fonts = Fonts::embedded().unwrap();
    let summary = write_report(&report(vec![section(label, body)]), &fonts, &out).unwrap();
    Written { folder, summary }
}

/// A word on a page: the page's number, its text and its place in points.
pub struct Word {
    pub page: usize,
    pub text: String,
    pub left: f32,
    pub right: f32,
    pub top: f32,
}

impl Written {
    /// The words of the section pages.
    pub fn words(&self) -> Vec<Word> {
        let options = ["-bbox"];
        let boxes = run("pdftotext", "poppler-utils", &options, &self.path(), &["-"]);
        let mut page = 0;
        let mut words = Vec::new();
        for line in boxes.lines() {
            page += usize::from(line.trim_start().starts_with("<page"));
            let number = |name: &str| -> Option<f32> {
                let (_, rest) = line.split_once(&format!("{name}=\""))?;
                rest.split('"').next()?.parse().ok()
            };
            let text = line
                .split_once('>')
                .and_then(|(_, rest)| rest.split('<').next());
            let sides = number("xMin").zip(number("xMax"));
            if let (Some((left, right)), Some(top), Some(text)) = (sides, number("yMin"), text) {
                words.push(Word {
                    page,
                    text: text.to_owned(),
                    left,
                    right,
                    top,
                });
            }
        }
        words
    }

    /// The place of the first word with this text.
    pub fn word(&self, text: &str) -> Word {
        let found = self.words().into_iter().find(|word| word.text == text);
        found.unwrap_or_else(|| panic!("{text} is not there"))
    }
}

impl Written {
    /// How many words end with a hyphen that is seen and stands for a soft hyphen, `words` being
    /// the beginnings of words that may end a line.
    pub fn hyphens(&self, beginnings: &[String]) -> usize {
        let alone = written_content(&serde_json::json!({ "v": beginnings.join("\n") }).to_string());
        let bare = alone.words();
        let width = |word: &Word| word.right - word.left;
        let shown = self.words();
        let broken = shown.iter().filter(|word| word.text.ends_with('\u{ad}'));
        broken
            .filter(|word| {
                let same = bare
                    .iter()
                    .find(|bare| folded(&bare.text) == folded(&word.text));
                let same = same.unwrap_or_else(|| panic!("{} is not known", word.text));
                width(word) > width(same) + 2.0
            })
            .count()
    }

    pub fn new(folder: TempDir, summary: ReportSummary) -> Self {
        Self { folder, summary }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("report.pdf")
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// The text of each page, in the order of the content.
    pub fn pages(&self) -> Vec<String> {
        let pages = pages_of(&self.path());
        assert_eq!(pages.len(), self.summary.pages as usize);
        pages
    }

    /// The section pages' text without headers and footers.
    pub fn body(&self) -> String {
        let pages = self.pages();
        let sections = &pages[3..pages.len() - 1];
        sections.iter().map(|page| inner(page)).collect()
    }

    /// Asserts that a value can be read in the sections.
    pub fn assert_shows(&self, value: &str) {
        let body = folded(&self.body());
        assert!(body.contains(&folded(value)), "{value:?} is not in {body}");
    }

    /// What qpdf says of a part of the file's structure.
    pub fn structure(&self, part: &str) -> Value {
        let part = format!("--json-key={part}");
        let options = ["--json", &part[..]];
        serde_json::from_str(&run("qpdf", "qpdf", &options, &self.path(), &[])).unwrap()
    }

    /// The file without compression.
    pub fn plain(&self) -> String {
        let options = ["--qdf", "--object-streams=disable"];
        run("qpdf", "qpdf", &options, &self.path(), &["-"])
    }

    /// The pages' content streams.
    pub fn content_bytes(&self) -> Vec<Vec<u8>> {
        let options = ["--qdf", "--object-streams=disable"];
        let plain = run_bytes("qpdf", "qpdf", &options, &self.path(), &["-"]);
        let mut contents = Vec::new();
        let mut rest = &plain[..];
        while let Some(at) = find(rest, b"%% Contents for page ") {
            rest = &rest[at..];
            let start = find(rest, b"stream\n").unwrap() + b"stream\n".len();
            let end = find(rest, b"endstream").unwrap();
            contents.push(rest[start..end].to_vec());
            rest = &rest[end..];
        }
        assert_eq!(contents.len(), self.summary.pages as usize);
        contents
    }

    /// The text by structure element, as `pdfinfo` tells it.
    pub fn tagged_text(&self) -> String {
        run(
            "pdfinfo",
            "poppler-utils",
            &["-struct-text"],
            &self.path(),
            &[],
        )
    }

    /// The texts of that, one behind the other.
    pub fn tagged_body(&self) -> String {
        let tagged = self.tagged_text();
        let texts = tagged.lines().filter_map(|line| {
            let text = line.trim_start().strip_prefix('"')?;
            text.strip_suffix('"')
        });
        texts.collect()
    }

    /// The headings with their levels.
    pub fn headings(&self) -> Vec<(u8, String)> {
        headings(&self.path())
    }

    /// The text as somebody copies it who sees the pages.
    pub fn seen_text(&self) -> String {
        run("pdftotext", "poppler-utils", &[], &self.path(), &["-"])
    }

    /// Fails if a checker of PDF/UA finds fault with the file.
    pub fn assert_accessible(&self) {
        accessible(&self.path());
    }

    /// Whether one of its figures is an attached picture.
    pub fn shows_picture(&self) -> bool {
        let json = self.structure("qpdf");
        let objects = json["qpdf"][1].as_object().unwrap().values();
        objects
            .filter_map(|object| object["value"]["/Alt"].as_str())
            .any(|alternative| alternative.starts_with("u:Image: "))
    }

    /// Fails if a checker of PDF/UA finds fault with the file, but for the claim that it does not
    /// make because it has pages of other documents.
    pub fn assert_accessible_without_claim(&self) {
        accessible_without_claim(&self.path());
    }

    pub fn assert_well_formed(&self) {
        check(&self.path());
    }
}

/// Fails if qpdf finds fault with a file, or a glyph of its own fonts says what none may say.
fn check(path: &Path) {
    run("qpdf", "qpdf", &["--check"], path, &[]);
    for (code, text) in said_by_glyphs(path) {
        // ISO 14289-1, 7.21.7.
        let forbidden = ["0000", "FEFF", "FFFE"];
        let units: Vec<&str> = (0..text.len() / 4)
            .map(|n| &text[4 * n..4 * n + 4])
            .collect();
        assert!(!units.is_empty(), "{code} says nothing");
        assert!(
            !units.iter().any(|unit| forbidden.contains(unit)),
            "{code} says {text}"
        );
    }
}

/// What the glyphs of a report's own fonts say: codes and UTF-16, both in hexadecimal.
fn said_by_glyphs(path: &Path) -> Vec<(String, String)> {
    let options = ["--qdf", "--object-streams=disable"];
    let plain = run("qpdf", "qpdf", &options, path, &["-"]);
    let mut said = Vec::new();
    let maps = plain.split("/CMapName /Custom def").skip(1);
    for map in maps.filter_map(|map| map.split("endcmap").next()) {
        for line in map.lines() {
            let pair = line
                .strip_prefix('<')
                .and_then(|line| line.split_once("> <"));
            if let Some((code, text)) = pair {
                said.push((code.to_owned(), text.trim_end_matches('>').to_uppercase()));
            }
        }
    }
    said.retain(|(code, text)| (code, &text[..]) != (&"0000".to_owned(), "FFFF"));
    assert!(!said.is_empty(), "no glyph says anything");
    said
}

/// The rule that a file is to say that it keeps PDF/UA (ISO 14289-1, 5).
const CLAIM: &str = "UA-28-004";

/// Fails if qpdf or a checker of PDF/UA finds fault with a file.
pub fn accessible(path: &Path) {
    check(path);
    assert_eq!(faults(path), [""; 0]);
}

/// Fails if qpdf finds fault with a file, or a checker of PDF/UA another one than that the file does
/// not claim to keep it: pages that were taken over may break it.
pub fn accessible_without_claim(path: &Path) {
    check(path);
    assert_eq!(faults(path), [CLAIM]);
}

/// The rules of PDF/UA that a checker finds broken in a file.
fn faults(path: &Path) -> Vec<String> {
    let output = Command::new("pdfua")
        .args(["check", "--min-severity", "info", "--format", "json"])
        .arg(path)
        .output()
        .unwrap_or_else(|_| panic!("pdfua is missing: scripts/test installs it"));
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(found["skipped"], serde_json::json!([]), "{found}");
    let findings = found["findings"].as_array().unwrap();
    let rule = |finding: &Value| finding["rule_id"].as_str().unwrap().to_owned();
    findings.iter().map(rule).collect()
}

/// The titles of a file's outline, in their order.
pub fn outline(path: &Path) -> Vec<String> {
    let options = ["--json", "--json-key=outlines"];
    let json: Value = serde_json::from_str(&run("qpdf", "qpdf", &options, path, &[])).unwrap();
    let items = json["outlines"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect()
}

/// The headings of a file with their levels, as `pdfinfo` tells them.
pub fn headings(path: &Path) -> Vec<(u8, String)> {
    let tagged = run("pdfinfo", "poppler-utils", &["-struct-text"], path, &[]);
    let mut headings = Vec::new();
    let mut is_heading = false;
    for line in tagged.lines().map(str::trim_start) {
        if let Some(text) = line.strip_prefix('"') {
            if let Some((_, heading)) = headings.last_mut().filter(|_| is_heading) {
                let heading: &mut String = heading;
                heading.push_str(text.trim_end_matches('"'));
            }
            continue;
        }
        let level = line.strip_prefix('H').and_then(|role| role.get(..1));
        let level = level.and_then(|level| level.parse().ok());
        is_heading = level.is_some();
        headings.extend(level.map(|level| (level, String::new())));
    }
    headings
}

/// What a file's links say of themselves.
pub fn links(path: &Path) -> Vec<String> {
    let options = ["--json", "--json-key=qpdf"];
    let json: Value = serde_json::from_str(&run("qpdf", "qpdf", &options, path, &[])).unwrap();
    let objects = json["qpdf"][1].as_object().unwrap();
    objects
        .values()
        .filter(|object| object["value"]["/Subtype"] == "/Link")
        .filter_map(|object| object["value"]["/Contents"].as_str())
        .map(|text| text.trim_start_matches("u:").to_owned())
        .collect()
}

/// Images that the pages of a file show, masks not counted.
pub fn drawn(path: &Path) -> usize {
    let list = run("pdfimages", "poppler-utils", &["-list"], path, &[]);
    let lines = list.lines().skip(2);
    lines
        .filter(|line| line.split_whitespace().nth(2) == Some("image"))
        .count()
}

/// The text of each page of a file, in the order of the content.
pub fn pages_of(path: &Path) -> Vec<String> {
    let text = run("pdftotext", "poppler-utils", &["-raw"], path, &["-"]);
    let mut pages: Vec<String> = text.split('\u{c}').map(str::to_owned).collect();
    let behind = pages.pop();
    assert_eq!(
        behind.as_deref(),
        Some(""),
        "every page ends with a form feed"
    );
    pages
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// A section page's text without header and footer.
pub fn inner(page: &str) -> String {
    let lines: Vec<&str> = page.lines().collect();
    assert!(lines[0].starts_with("Name: "), "{page}");
    // On a page without text, the classification and the page number are one line.
    lines
        .get(3..lines.len() - 1)
        .unwrap_or_default()
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

/// A text without what extraction may change: white space, invisible marks, noncharacters,
/// composition. Letters and their marks are taken apart, so that it does not matter whether white
/// space was between them. Control characters of ASCII become the pictures that reports show.
pub fn folded(text: &str) -> String {
    text.nfkd()
        .filter(|c| !c.is_whitespace() && !invisible(*c))
        .map(|c| match c {
            '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap(),
            '\u{7f}' => '\u{2421}',
            c => c,
        })
        .nfkd()
        .collect()
}

pub fn invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

fn run(tool: &str, package: &str, before: &[&str], file: &Path, after: &[&str]) -> String {
    String::from_utf8_lossy(&run_bytes(tool, package, before, file, after)).into_owned()
}

fn run_bytes(tool: &str, package: &str, before: &[&str], file: &Path, after: &[&str]) -> Vec<u8> {
    let output = Command::new(tool)
        .args(before)
        .arg(file)
        .args(after)
        .output()
        .unwrap_or_else(|_| panic!("{tool} is missing: install the package {package}"));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool}: {errors}");
    output.stdout
}

/// The texts that generic rendering must show for a value.
pub fn scalars(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(held) => out.push(if *held { "Yes" } else { "No" }.to_owned()),
        Value::Number(number) => out.push(number.to_string()),
        Value::String(text) if text.trim().is_empty() => {}
        Value::String(text) => {
            out.push(dossier_report::format_date(text).unwrap_or_else(|| text.clone()));
        }
        Value::Array(elements) => elements.iter().for_each(|element| scalars(element, out)),
        Value::Object(members) => members.values().for_each(|member| scalars(member, out)),
    }
}

/// The beginnings of a word that end with a soft hyphen, without it.
pub fn beginnings(word: &str) -> Vec<String> {
    word.match_indices('\u{ad}')
        .map(|(at, _)| word[..at].replace('\u{ad}', ""))
        .collect()
}

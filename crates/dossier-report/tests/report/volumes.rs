//! Reports in several files: volumes of a limited size, and the data subject's own copy.

use std::fs;
use std::path::PathBuf;

use dossier_report::{
    FileKind, Fonts, Output, ReportSummary, SectionBody, VolumeLimits, write_files,
};
use serde_json::json;
use tempfile::TempDir;

use crate::attached::fixture;
use crate::support::{check, drawn, pages_of, report, section};

fn response(body: PathBuf) -> SectionBody {
    SectionBody::Response {
        body,
        html: None,
        attachments: Vec::new(),
    }
}

struct Files {
    _folder: TempDir,
    summary: ReportSummary,
}

/// Writes sections of about this many pages each.
fn files(pages: &[usize], limits: VolumeLimits, copy: bool) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let sections = pages.iter().enumerate().map(|(place, pages)| {
        let rows: Vec<String> = (0..pages * 24 - 12)
            .map(|row| format!(r#""r{row}":"section {place} row {row}""#))
            .collect();
        let path = folder.path().join(format!("{place}.json"));
        fs::write(&path, format!(r#"{{"content":{{{}}}}}"#, rows.join(","))).unwrap();
        section(&format!("Section {place}"), response(path))
    });
    let report = report(sections.collect());
    let output = Output {
        report: folder.path().join("report.pdf"),
        copy: copy.then(|| folder.path().join("copy.pdf")),
        limits,
    };
    let summary = write_files(&report, &Fonts::embedded().unwrap(), &output).unwrap();
    Files {
        _folder: folder,
        summary,
    }
}

fn at_most(pages: u32) -> VolumeLimits {
    VolumeLimits {
        pages_max: Some(pages),
        ..VolumeLimits::default()
    }
}

impl Files {
    /// The text of each page of each file of a kind.
    fn of(&self, kind: FileKind) -> Vec<Vec<String>> {
        let files = self.summary.files.iter().filter(|file| file.kind == kind);
        files
            .map(|file| {
                check(&file.path);
                let pages = pages_of(&file.path);
                assert_eq!(pages.len(), file.pages as usize);
                assert_eq!(fs::metadata(&file.path).unwrap().len(), file.bytes);
                pages
            })
            .collect()
    }
}

/// Every row of every section, in order, and nothing twice.
fn assert_whole(volumes: &[Vec<String>], pages: &[usize]) {
    let text: String = volumes.iter().flatten().map(String::as_str).collect();
    let mut from = 0;
    for (place, pages) in pages.iter().enumerate() {
        for row in 0..pages * 24 - 12 {
            let line = format!("section {place} row {row}\n");
            let at = text[from..]
                .find(&line)
                .unwrap_or_else(|| panic!("{line} is missing"));
            from += at + line.len();
        }
    }
    assert_eq!(
        text.matches("section ").count(),
        pages.iter().map(|p| p * 24 - 12).sum::<usize>()
    );
}

#[test]
fn a_report_within_the_limit_is_one_volume_without_a_number() {
    let files = files(&[2, 2], at_most(50), false);
    let volumes = files.of(FileKind::Report);
    assert_eq!(volumes.len(), 1);
    assert!(!volumes[0].concat().contains("Volume"));
}

#[test]
fn a_large_report_is_cut_between_sections() {
    let pages = [3, 3, 3, 3, 3];
    let files = files(&pages, at_most(12), false);
    let volumes = files.of(FileKind::Report);
    assert_whole(&volumes, &pages);
    assert_eq!(
        volumes.len(),
        3,
        "two sections and four other pages fit twelve"
    );
    for (place, volume) in volumes.iter().enumerate() {
        assert!(volume.len() <= 12);
        let number = format!("Volume {} of 3", place + 1);
        assert!(volume[0].contains(&number), "internal cover: {}", volume[0]);
        assert!(volume[2].contains(&number), "external cover: {}", volume[2]);
        assert!(volume[0].contains(&format!("Total Pages: {}", volume.len())));
        let rear = volume.last().unwrap();
        assert!(rear.contains(&format!("Total pages: {}", volume.len())));
        assert!(rear.contains(&number));
        assert!(volume[3].starts_with("Name: MUSTER"), "a section's page");
        assert!(
            volume[3].contains(&format!("Section {}\n", place * 2)),
            "starts with a section"
        );
        for label in 0..pages.len() {
            assert!(
                volume[1].contains(&format!("Section {label}")),
                "contents list everything"
            );
        }
    }
    assert!(volumes[0][1].contains("vol. 2, 4"), "{}", volumes[0][1]);
    assert_eq!(files.summary.section_pages, [4, 7, 4, 7, 4]);
}

#[test]
fn a_section_larger_than_a_volume_is_cut_within() {
    let pages = [1, 30, 1];
    let files = files(&pages, at_most(14), true);
    let volumes = files.of(FileKind::Report);
    assert_whole(&volumes, &pages);
    assert!(volumes.iter().all(|volume| volume.len() <= 14));
    assert_eq!(volumes.len(), 5, "one before, three for it, one behind");
    assert_whole(&files.of(FileKind::Copy), &pages);
}

#[test]
fn a_value_larger_than_a_volume_is_cut_too() {
    let folder = tempfile::tempdir().unwrap();
    let words: Vec<String> = (0..20_000).map(|n| format!("w{n}")).collect();
    let path = folder.path().join("body.json");
    fs::write(
        &path,
        format!(r#"{{"content":{{"v":"{}"}}}}"#, words.join(" ")),
    )
    .unwrap();
    let report = report(vec![section("One", response(path))]);
    let output = Output {
        limits: at_most(10),
        ..Output::one_file(&folder.path().join("report.pdf"))
    };
    let summary = write_files(&report, &Fonts::embedded().unwrap(), &output).unwrap();
    assert!(summary.files.len() > 3);
    let mut found = Vec::new();
    for file in &summary.files {
        check(&file.path);
        for page in pages_of(&file.path) {
            let words = page.split_whitespace();
            let words =
                words.filter(|word| word.starts_with('w') && word[1..].parse::<u32>().is_ok());
            found.extend(words.map(str::to_owned));
        }
    }
    assert_eq!(found, words);
}

#[test]
fn volumes_keep_to_a_limit_in_bytes() {
    let pages = [20, 20, 20, 20];
    let limits = VolumeLimits {
        bytes_max: Some(120_000),
        ..VolumeLimits::default()
    };
    let files = files(&pages, limits, false);
    assert_whole(&files.of(FileKind::Report), &pages);
    assert!(files.summary.files.len() > 1);
    for file in &files.summary.files {
        assert!(file.bytes <= 120_000, "{file:?}");
    }
}

#[test]
fn the_subjects_copy_has_no_internal_page() {
    let files = files(&[3, 2], VolumeLimits::default(), true);
    let [report] = &files.of(FileKind::Report)[..] else {
        panic!("{:?}", files.summary);
    };
    let [copy] = &files.of(FileKind::Copy)[..] else {
        panic!("{:?}", files.summary);
    };
    assert_eq!(copy.len() + 3, report.len());
    assert!(!copy.concat().contains("INTERNAL"));
    assert!(copy[0].starts_with("SUBJECT ACCESS REQUEST REPORT"));
    assert_whole(std::slice::from_ref(copy), &[3, 2]);
    assert!(copy[1].trim_end().ends_with("Official Sensitive\n2") || copy[1].contains("\n2\n"));
    assert_eq!(
        files.summary.pages as usize,
        report.len(),
        "the copy is not counted"
    );
}

#[test]
fn the_same_volumes_give_the_same_bytes() {
    let read = || {
        let files = files(&[5, 9, 2], at_most(9), true);
        let read = files
            .summary
            .files
            .iter()
            .map(|file| fs::read(&file.path).unwrap());
        read.collect::<Vec<_>>()
    };
    assert!(read() == read());
}

#[test]
fn what_is_drawn_is_in_every_file_that_its_page_is_in() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["rgb.png", "alpha.png", "baseline.jpg", "three.tif"];
    let mut list = Vec::new();
    let mut attachments = Vec::new();
    for (place, name) in names.iter().cycle().take(16).enumerate() {
        let path = folder.path().join(format!("{place}"));
        fs::write(&path, fixture(name)).unwrap();
        attachments.push(path);
        list.push(json!({
            "attachmentNumber": place + 1, "name": "x", "contentType": "", "url": "http://x",
            "filename": name,
        }));
    }
    let body = folder.path().join("body.json");
    let answer = json!({"content": {"a": 1}, "attachments": list});
    fs::write(&body, answer.to_string()).unwrap();
    let report = report(vec![section(
        "One",
        SectionBody::Response {
            body,
            html: None,
            attachments,
        },
    )]);
    let output = Output {
        report: folder.path().join("report.pdf"),
        copy: Some(folder.path().join("copy.pdf")),
        limits: at_most(12),
    };
    let summary = write_files(&report, &Fonts::embedded().unwrap(), &output).unwrap();
    assert_eq!(summary.attachments.len(), 16);
    for kind in [FileKind::Report, FileKind::Copy] {
        let mut figures = 0;
        let files = summary.files.iter().filter(|file| file.kind == kind);
        for file in files.clone() {
            check(&file.path);
            figures += drawn(&file.path);
        }
        assert!(files.count() > 1);
        assert_eq!(figures, 4 * (1 + 1 + 1 + 3), "{kind:?}");
    }
}

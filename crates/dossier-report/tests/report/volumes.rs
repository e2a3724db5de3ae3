//! Reports in several files: volumes of a limited size, and the data subject's own copy.

use std::fs;
use std::path::PathBuf;

use dossier_report::{
    FileKind, Fonts, Output, ReportSummary, SectionBody, VolumeLimits, write_files,
};
use serde_json::json;
use tempfile::TempDir;

use crate::attached::fixture;
use crate::support::{
    accessible, accessible_without_claim, drawn, links, outline, pages_of, report, section,
};

fn response(body: PathBuf) -> SectionBody {
    SectionBody::Response {
        body,
        html: None,
        labels: None,
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
                accessible(&file.path);
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
fn a_volume_that_goes_on_with_a_section_says_so() {
    let pages = [1, 30, 1];
    let files = files(&pages, at_most(14), true);
    for (kind, first) in [(FileKind::Report, 3), (FileKind::Copy, 1)] {
        for (place, volume) in files.of(kind).iter().enumerate() {
            let title = "\nSection 1 (continued)\n";
            let goes_on = place == 2 || place == 3;
            assert_eq!(volume[first].contains(title), goes_on, "volume {place}");
            assert!(!volume[first + 1..].concat().contains(title));
        }
    }
    let contents: Vec<String> = files
        .of(FileKind::Report)
        .iter()
        .map(|v| v[1].clone())
        .collect();
    for (place, contents) in contents.iter().enumerate() {
        let lines = contents.lines().filter(|l| l.contains("(continued)"));
        let lines: Vec<&str> = lines.collect();
        match place {
            2 | 3 => {
                assert_eq!(lines.len(), 1, "{contents}");
                assert!(lines[0].starts_with("Section 1 (continued)"), "{contents}");
                assert!(lines[0].ends_with(" 4"), "{contents}");
                assert!(contents.contains("vol. 2, 4"), "{contents}");
            }
            _ => assert!(lines.is_empty(), "{contents}"),
        }
    }
    for file in &files.summary.files {
        accessible(&file.path);
        if file.volume == 3 {
            let outline = outline(&file.path);
            assert_eq!(outline[0], "Section 1 (continued)", "{outline:?}");
        }
    }
    let third = files.summary.files.iter().find(|file| file.volume == 3);
    let links = links(&third.unwrap().path);
    assert!(
        links.contains(&"Section 1 (continued), page 4".to_owned()),
        "{links:?}"
    );
}

#[test]
fn pages_of_a_document_leave_room_for_the_title_of_what_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let source = files(&[8], VolumeLimits::default(), false);
    let body = folder.path().join("body.json");
    let answer = json!({"content": {"a": 1}, "attachments": [{
        "attachmentNumber": 1, "name": "x", "contentType": "application/pdf", "url": "http://x",
        "filename": "x.pdf",
    }]});
    fs::write(&body, answer.to_string()).unwrap();
    let attachments = vec![source.summary.files[0].path.clone()];
    let report = report(vec![section(
        "One",
        SectionBody::Response {
            body,
            html: None,
            labels: None,
            attachments,
        },
    )]);
    let output = Output {
        limits: at_most(9),
        ..Output::one_file(&folder.path().join("report.pdf"))
    };
    let summary = write_files(&report, &Fonts::embedded().unwrap(), &output).unwrap();
    let sheets = source.summary.pages as usize;
    let mut pages = 0;
    for (place, file) in summary.files.iter().enumerate() {
        accessible_without_claim(&file.path);
        let texts = pages_of(&file.path);
        if place > 0 {
            assert!(texts[3].contains("One (continued)"), "{}", texts[3]);
            assert!(
                texts[3].contains("SUBJECT") || texts[3].contains("row"),
                "{}",
                texts[3]
            );
        }
        pages += texts.len() - 4;
    }
    assert_eq!(pages, sheets + 2, "no page has a title only");
}

#[test]
fn only_the_files_that_hold_a_foreign_page_give_up_their_claims() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.pdf");
    fs::write(&foreign, crate::documents::page_without_its_font()).unwrap();
    let body = folder.path().join("body.json");
    let answer = json!({"content": {"a": 1}, "attachments": [{
        "attachmentNumber": 1, "name": "x", "contentType": "application/pdf", "url": "http://x",
        "filename": "x.pdf",
    }]});
    fs::write(&body, answer.to_string()).unwrap();
    let plain = folder.path().join("plain.json");
    let rows: Vec<String> = (0..60).map(|row| format!(r#""r{row}":"x""#)).collect();
    fs::write(&plain, format!(r#"{{"content":{{{}}}}}"#, rows.join(","))).unwrap();
    let holding = SectionBody::Response {
        body,
        html: None,
        labels: None,
        attachments: vec![foreign],
    };
    let report = report(vec![
        section("One", response(plain.clone())),
        section("Two", holding),
        section("Three", response(plain)),
    ]);
    let output = Output {
        report: folder.path().join("report.pdf"),
        copy: Some(folder.path().join("copy.pdf")),
        limits: at_most(8),
    };
    let summary = write_files(&report, &Fonts::embedded().unwrap(), &output).unwrap();
    assert!(summary.attachments[0].imported && !summary.attachments[0].fonts_embedded);
    assert_eq!(summary.files.len(), 6, "three volumes, report and copy");
    for file in &summary.files {
        match file.volume {
            2 => accessible_without_claim(&file.path),
            _ => accessible(&file.path),
        }
        let bytes = String::from_utf8_lossy(&fs::read(&file.path).unwrap()).into_owned();
        for claim in [
            "<pdfaid:part>2</pdfaid:part>",
            "<pdfuaid:part>1</pdfuaid:part>",
        ] {
            let claimed = bytes.contains(claim);
            assert_eq!(claimed, file.volume != 2, "volume {} {claim}", file.volume);
        }
    }
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
        accessible(&file.path);
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
            labels: None,
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
            accessible(&file.path);
            figures += drawn(&file.path);
        }
        assert!(files.count() > 1);
        assert_eq!(figures, 4 * (1 + 1 + 1 + 3), "{kind:?}");
    }
}

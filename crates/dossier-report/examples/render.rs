//! Makes a report of JSON files, a section each, and of files attached to one more, to look at.
//!
//! `cargo run -p dossier-report --example render -- out.pdf [--font file]… [--attach file]… [--logo file] [--html file]… body.json…`

use std::path::PathBuf;

use dossier_report::{
    Fonts, Identifier, Logo, Look, OfficeConverter, Report, Section, SectionBody, TemplateVersion,
    Wording, write_report,
};
use jiff::civil::date;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(
        arguments
            .next()
            .ok_or("the first argument is the PDF's path")?,
    );
    let mut fonts = Vec::new();
    let mut sections = Vec::new();
    let mut attached = Vec::new();
    let mut pages = Vec::new();
    let mut look = Look::default();
    while let Some(argument) = arguments.next() {
        if argument == "--font" {
            fonts.extend(arguments.next().map(PathBuf::from));
            continue;
        }
        if argument == "--logo" {
            let path = arguments.next().map(PathBuf::from).unwrap_or_default();
            look.logo = Some(Logo::open(&path, "Logo")?);
            continue;
        }
        if argument == "--html" {
            let path = arguments.next().map(PathBuf::from).unwrap_or_default();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            pages.push((stem.into_owned(), path));
            continue;
        }
        if argument == "--attach" {
            attached.extend(arguments.next().map(PathBuf::from));
            continue;
        }
        let path = PathBuf::from(argument);
        let label = path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        sections.push(Section {
            label,
            version: TemplateVersion::Generic.into(),
            body: SectionBody::Response {
                body: path,
                html: None,
                labels: None,
                attachments: Vec::new(),
            },
        });
    }
    let empty = tempfile::NamedTempFile::new()?;
    std::fs::write(empty.path(), "{}")?;
    for (label, html) in pages {
        sections.push(Section {
            label,
            version: TemplateVersion::Version(1).into(),
            body: SectionBody::Response {
                body: empty.path().to_owned(),
                html: Some(html),
                labels: None,
                attachments: Vec::new(),
            },
        });
    }
    let list = tempfile::NamedTempFile::new()?;
    if !attached.is_empty() {
        serde_json::to_writer(&list, &answer(&attached))?;
        sections.push(Section {
            label: "Attachments".to_owned(),
            version: TemplateVersion::Generic.into(),
            body: SectionBody::Response {
                body: list.path().to_owned(),
                html: None,
                labels: None,
                attachments: attached,
            },
        });
    }
    sections.push(Section {
        label: "A service that holds nothing".to_owned(),
        version: TemplateVersion::Version(3).into(),
        body: SectionBody::NoData,
    });
    let report = Report {
        subject_name: "SMITH, Jane".to_owned(),
        identifier: Identifier {
            label: "NOMIS ID".to_owned(),
            value: "A1234AA".to_owned(),
        },
        case_reference: "SAR-2026-0001".to_owned(),
        date_from: None,
        date_to: date(2026, 1, 1),
        generated_on: date(2026, 2, 3),
        sections,
        wording: Wording::default(),
        look,
        office: Some(OfficeConverter::default()),
        keeps_originals: false,
    };
    let summary = write_report(&report, &Fonts::with_fallbacks(&fonts)?, &out)?;
    println!("{summary:?}");
    Ok(())
}

/// What a service would answer that has these files.
fn answer(files: &[PathBuf]) -> serde_json::Value {
    let attachments: Vec<_> = files
        .iter()
        .map(|file| {
            let filename = file.file_name().unwrap_or_default().to_string_lossy();
            serde_json::json!({"url": "file", "filename": filename, "name": "an example"})
        })
        .collect();
    serde_json::json!({"content": {"files": files.len()}, "attachments": attachments})
}

use std::fs;

use dossier_report::{
    Colour, Colours, Fonts, Logo, Look, Output, SectionBody, write_files, write_report,
};

use crate::attached::fixture;
use crate::support::{
    Written, accessible, drawn, inner, pages_of, report, section, written, written_content,
};

fn three_sections() -> Written {
    let rows: Vec<String> = (0..150).map(|n| format!("\"line {n}\"")).collect();
    let long = format!("{{\"content\":{{\"lines\":[{}]}}}}", rows.join(","));
    written(&[
        ("Alpha service", "{\"content\":{\"a\":1}}"),
        ("Beta service", &long),
        ("Gamma service", "{\"content\":null}"),
    ])
}

#[test]
fn the_pages_come_in_the_order_of_the_layout() {
    let report = three_sections();
    let pages = report.pages();
    let cover: Vec<&str> = pages[0].lines().collect();
    assert_eq!(cover[0], "SUBJECT ACCESS REQUEST REPORT");
    assert_eq!(
        cover[1..7],
        [
            "Name: MUSTER, Erika",
            "NOMIS ID: A1234BC",
            "SAR Case Reference Number: SAR-77",
            "Report date range: 1 January 2022 - 1 January 2024",
            "Report generation date: 9 February 2024",
            &format!("Total Pages: {}", report.summary.pages),
        ]
    );
    assert_eq!(cover[7..], ["INTERNAL ONLY", "OFFICIAL-SENSITIVE"]);
    assert!(pages[1].starts_with("CONTENTS\n"));
    assert!(pages[1].ends_with("INTERNAL ONLY\n"));
    assert!(pages[2].starts_with("SUBJECT ACCESS REQUEST REPORT\nName: MUSTER, Erika\n"));
    assert!(!pages[2].contains("INTERNAL"));
    let rear = pages.last().unwrap();
    let total = report.summary.pages;
    assert_eq!(
        rear.lines().collect::<Vec<_>>(),
        [
            "End of Subject Access Request Report",
            &format!("Total pages: {total}"),
            "INTERNAL ONLY",
        ]
    );
}

#[test]
fn the_contents_tell_where_each_section_starts() {
    let report = three_sections();
    let pages = report.pages();
    assert_eq!(report.summary.section_pages[0], 4);
    assert!(
        report.summary.section_pages[2] > 6,
        "the second section has several pages"
    );
    let labels = ["Alpha service", "Beta service", "Gamma service"];
    for (label, page) in labels.iter().zip(&report.summary.section_pages) {
        assert!(
            pages[1].contains(&format!("{label} generic {page}\n")),
            "{}",
            pages[1]
        );
        assert!(inner(&pages[*page as usize - 1]).starts_with(label));
    }
}

#[test]
fn contents_and_outline_lead_to_the_sections() {
    let report = three_sections();
    report.assert_well_formed();
    assert_eq!(report.plain().matches("/Subtype /Link").count(), 3);
    let outline = report.structure("outlines");
    let found: Vec<(&str, u64)> = outline["outlines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let page = item["destpageposfrom1"].as_u64().unwrap();
            (item["title"].as_str().unwrap(), page)
        })
        .collect();
    let pages: Vec<u64> = report
        .summary
        .section_pages
        .iter()
        .map(|p| u64::from(*p))
        .collect();
    assert_eq!(
        found,
        [
            ("Alpha service", pages[0]),
            ("Beta service", pages[1]),
            ("Gamma service", pages[2]),
        ]
    );
}

#[test]
fn every_section_page_names_the_subject_and_its_number() {
    let report = three_sections();
    let pages = report.pages();
    let last = pages.len() - 1;
    for (place, page) in pages.iter().enumerate().take(last).skip(3) {
        assert!(page.starts_with("Name: MUSTER, Erika\nNOMIS ID: A1234BC\nOfficial Sensitive\n"));
        assert_eq!(page.lines().last(), Some(&(place + 1).to_string()[..]));
    }
}

#[test]
fn contents_of_many_sections_take_several_pages() {
    let labels: Vec<String> = (0..80).map(|n| format!("Service number {n}")).collect();
    let sections: Vec<(&str, &str)> = labels.iter().map(|label| (&label[..], "{}")).collect();
    let report = written(&sections);
    let pages = report.pages();
    let first = report.summary.section_pages[0] as usize;
    assert!(first > 4);
    assert_eq!(pages.len(), first - 1 + 80 + 1);
    for (label, page) in labels.iter().zip(&report.summary.section_pages) {
        assert!(inner(&pages[*page as usize - 1]).starts_with(label));
    }
    assert_eq!(report.plain().matches("/Subtype /Link").count(), 80);
    report.assert_well_formed();
}

#[test]
fn no_heading_stands_alone_at_a_pages_foot() {
    let groups: Vec<String> = (0..120)
        .map(|n| {
            let rows: Vec<String> = (0..n % 7 + 1).map(|m| format!("\"m{m}\":\"v\"")).collect();
            format!("\"group{n}\":{{\"heading\":{{{}}}}}", rows.join(","))
        })
        .collect();
    let report = written_content(&format!("{{{}}}", groups.join(",")));
    let pages = report.pages();
    assert!(pages.len() > 15);
    for page in &pages[3..pages.len() - 1] {
        let body = inner(page);
        let last = body.lines().last().unwrap();
        assert!(
            !last.starts_with("Group") && !last.starts_with("Heading"),
            "{body}"
        );
    }
}

#[test]
fn a_tables_header_row_is_repeated_on_every_page() {
    let rows: Vec<String> = (0..300)
        .map(|n| format!(r#"{{"reference":"R{n}","note":"text {n}"}}"#))
        .collect();
    let report = written_content(&format!("[{}]", rows.join(",")));
    let pages = report.pages();
    assert!(pages.len() > 8);
    for page in &pages[3..pages.len() - 1] {
        assert_eq!(inner(page).matches("Reference Note\n").count(), 1, "{page}");
    }
    let rows: String = (0..300).map(|n| format!("R{n} text {n}\n")).collect();
    let body = report.body().replace("Reference Note\n", "");
    assert!(body.ends_with(&rows), "{body}");
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let body = "{\"content\":{\"name\":\"Ana שלום\",\"list\":[1,2,{\"x\":\"y\"}]}}";
    let [first, second] = [(); 2].map(|()| written(&[("One", body), ("Two", body)]).bytes());
    assert!(first == second);
}

#[test]
fn the_page_tree_stays_sound_over_thousands_of_pages() {
    let rows: Vec<String> = (0..40_000)
        .map(|n| format!("{{\"a\":{n},\"b\":{n}}}"))
        .collect();
    let report = written_content(&format!("[{}]", rows.join(",")));
    assert!(report.summary.pages > 32 * 32, "{}", report.summary.pages);
    report.assert_well_formed();
    let bytes_a_page = report.summary.bytes / u64::from(report.summary.pages);
    assert!(bytes_a_page < 4_096, "{bytes_a_page} bytes a page");
}

#[test]
fn covers_show_whose_report_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let logo = folder.path().join("logo");
    fs::write(&logo, fixture("rgb.png")).unwrap();
    let mut report = report(vec![section("One", SectionBody::NoData)]);
    report.look = Look {
        colours: Colours::default(),
        logo: Some(Logo::open(&logo, "Northshire Council").unwrap()),
    };
    report.wording.internal_note = Some("Ask the data protection team.".to_owned());
    report.wording.cover_note = Some("You may complain.".to_owned());
    let path = folder.path().join("report.pdf");
    let copy = folder.path().join("copy.pdf");
    let output = Output {
        copy: Some(copy.clone()),
        ..Output::one_file(&path)
    };
    write_files(&report, &Fonts::embedded().unwrap(), &output).unwrap();
    accessible(&path);
    assert_eq!(drawn(&path), 2, "on both covers");
    assert_eq!(drawn(&copy), 1, "on the copy's cover");
    let pages = pages_of(&path);
    assert!(pages[0].contains("Ask the data protection team."));
    assert!(!pages[0].contains("You may complain."));
    assert!(pages[2].contains("You may complain."));
    fs::write(&logo, "no image").unwrap();
    assert!(Logo::open(&logo, "").is_err());
    assert!("red".parse::<Colour>().is_err());
    assert_eq!("#0B4F6C".parse::<Colour>().unwrap().to_string(), "#0b4f6c");
}

#[test]
fn bars_headings_and_rules_have_their_colours() {
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body.json");
    fs::write(&body, r#"{"content": [{"a": 1, "b": {"c": 2}}]}"#).unwrap();
    let mut report = report(vec![section(
        "One",
        SectionBody::Response {
            body,
            html: None,
            labels: None,
            attachments: Vec::new(),
        },
    )]);
    let path = folder.path().join("report.pdf");
    let fonts = Fonts::embedded().unwrap();
    report.look.colours = Colours {
        accent: "#ff0000".parse().unwrap(),
        headings: "#00ff00".parse().unwrap(),
        rules: "#0000ff".parse().unwrap(),
    };
    let summary = write_report(&report, &fonts, &path).unwrap();
    let report = Written::new(folder, summary);
    report.assert_well_formed();
    let contents = report.content_bytes().concat();
    let contents = String::from_utf8_lossy(&contents);
    for (shown, what) in [
        ("1.000 0.000 0.000 rg\n", "bars"),
        ("0.000 1.000 0.000 rg\n", "headings"),
        ("0.000 0.000 1.000 rg\n", "rules"),
    ] {
        assert!(contents.contains(shown), "{what}");
    }
}

#[test]
fn a_report_in_another_language_has_no_english_around_its_sections() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = report(vec![section("Gefängnis", SectionBody::NoData)]);
    report.date_from = None;
    report.generated_on = jiff::civil::date(2024, 3, 9);
    report.wording = serde_json::from_value(serde_json::json!({
        "title": "AUSKUNFT", "internal_only": "INTERN", "classification": "VERTRAULICH",
        "footer": "Vertraulich", "contents_title": "INHALT", "end_of_report": "Ende der Auskunft",
        "language": "de", "name": "Person", "case_reference": "Aktenzeichen",
        "date_range": "Zeitraum", "start_of_record": "Beginn der Akte",
        "generation_date": "Erstellt am", "total_pages": "Seiten", "end_total_pages": "Alle Seiten",
        "date": "{day}. {month} {year}",
        "months": ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
                   "September", "Oktober", "November", "Dezember"],
        "volume": "Band {volume} von {volumes}", "contents_volume": "Bd. {volume}, {page}",
        "contents_link": "{section}, Seite {page}", "no_data_held": "Keine Daten",
    }))
    .unwrap();
    let out = folder.path().join("report.pdf");
    let fonts = Fonts::embedded().unwrap();
    let summary = write_report(&report, &fonts, &out).unwrap();
    let written = Written::new(folder, summary);
    let pages = written.pages();
    assert_eq!(
        pages[0],
        "AUSKUNFT\nPerson: MUSTER, Erika\nNOMIS ID: A1234BC\nAktenzeichen: SAR-77\n\
         Zeitraum: Beginn der Akte - 1. Januar 2024\nErstellt am: 9. März 2024\nSeiten: 5\n\
         INTERN\nVERTRAULICH\n"
    );
    assert!(pages[3].starts_with("Person: MUSTER, Erika\n"));
    assert!(pages[3].contains("Keine Daten"));
    assert_eq!(pages[4], "Ende der Auskunft\nAlle Seiten: 5\nINTERN\n");
    assert_eq!(
        crate::support::links(&written.path()),
        ["Gefängnis, Seite 4"]
    );

    report.wording.name = "{page}".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let output = Output {
        report: folder.path().join("report.pdf"),
        copy: None,
        limits: dossier_report::VolumeLimits {
            pages_max: Some(5),
            bytes_max: None,
        },
    };
    report.sections = vec![section("Eins", SectionBody::NoData); 3];
    let files = write_files(&report, &fonts, &output).unwrap().files;
    assert!(files.len() > 1);
    let first = pages_of(&files[0].path);
    assert!(first[0].contains(&format!("Band 1 von {}", files.len())));
    assert!(first[1].contains("Bd. 2, "), "{}", first[1]);
}

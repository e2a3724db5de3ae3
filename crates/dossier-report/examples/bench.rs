//! Measures reports of about 10, 100, 1,000 and 10,000 pages of realistic rows: pages a second,
//! peak memory, bytes a page. Each size runs in a process of its own.
//!
//! `cargo run --release -p dossier-report --example bench [-- pages…]`

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dossier_report::{
    Fonts, Identifier, Report, Section, SectionBody, TemplateVersion, Wording, write_report,
};
use jiff::civil::date;

/// Table rows that fill a page.
const ROWS_A_PAGE: u64 = 18;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, pages] = &arguments[..]
        && flag == "--one"
    {
        return measure(pages.parse()?);
    }
    let sizes = match &arguments[..] {
        [] => ["10", "100", "1000", "10000"].map(str::to_owned).to_vec(),
        sizes => sizes.to_vec(),
    };
    println!("   pages   seconds   pages/s   peak MB   bytes/page   input MB");
    for size in sizes {
        Command::new(std::env::current_exe()?)
            .args(["--one", &size])
            .status()?;
    }
    Ok(())
}

fn measure(pages: u64) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let body = folder.path().join("body.json");
    write_rows(&body, pages * ROWS_A_PAGE)?;
    let out = folder.path().join("report.pdf");
    let report = Report {
        subject_name: "SMITH, Jane".to_owned(),
        identifier: Identifier {
            label: "NOMIS ID".to_owned(),
            value: "A1234AA".to_owned(),
        },
        case_reference: "SAR-1".to_owned(),
        date_from: None,
        date_to: date(2026, 1, 1),
        generated_on: date(2026, 2, 3),
        sections: vec![Section {
            label: "Case notes".to_owned(),
            version: TemplateVersion::Generic,
            body: SectionBody::Response(body.clone()),
        }],
        wording: Wording::default(),
    };
    let start = Instant::now();
    let summary = write_report(&report, &Fonts::embedded()?, &out)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{:8} {seconds:9.3} {:9.0} {:9.1} {:12} {:10.1}",
        summary.pages,
        f64::from(summary.pages) / seconds,
        peak_bytes()? / 1e6,
        summary.bytes / u64::from(summary.pages),
        fs::metadata(&body)?.len() as f64 / 1e6,
    );
    Ok(())
}

fn write_rows(path: &Path, rows: u64) -> Result<(), Box<dyn Error>> {
    let words = [
        "wing",
        "officer",
        "request",
        "visit",
        "reported",
        "moved",
        "court",
        "meeting",
        "phone",
        "healthcare",
        "review",
        "agreed",
        "refused",
        "property",
        "education",
        "work",
    ];
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"{\"content\":{\"caseNotes\":[")?;
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for row in 0..rows {
        let comma = if row == 0 { "" } else { "," };
        let note: Vec<&str> = (0..4 + random(4))
            .map(|_| words[random(words.len() as u64) as usize])
            .collect();
        write!(
            out,
            "{comma}{{\"noteId\":{},\"createdAt\":\"20{:02}-{:02}-{:02}T{:02}:{:02}:00\",\
             \"type\":\"{}\",\"active\":{},\"text\":\"{}\"}}",
            1_000_000 + row,
            10 + random(16),
            1 + random(12),
            1 + random(28),
            random(24),
            random(60),
            words[random(words.len() as u64) as usize],
            random(2) == 0,
            note.join(" "),
        )?;
    }
    out.write_all(b"]}}")?;
    out.flush()?;
    Ok(())
}

/// The process's highest resident memory (`VmHWM` of proc(5)).
fn peak_bytes() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("VmHWM is not in /proc/self/status")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024.0)
}

//! Looking into a PDF with the tools that its readers have.

use std::path::Path;
use std::process::Command;

/// The text, as `pdftotext` extracts it.
pub fn text(file: &Path) -> String {
    String::from_utf8(run("pdftotext", &["-layout", "-nopgbrk"], file, &["-"])).unwrap()
}

/// The text between the headers and feet of these pages, in reading order.
pub fn body_text(file: &Path, first: u32, last: u32) -> String {
    let (first, last) = (first.to_string(), last.to_string());
    let body = ["-x", "0", "-y", "75", "-W", "596", "-H", "710"];
    let pages = ["-raw", "-nopgbrk", "-r", "72", "-f", &first, "-l", &last];
    let options = [&pages[..], &body].concat();
    String::from_utf8(run("pdftotext", &options, file, &["-"])).unwrap()
}

/// The outline's entries: titles, and the pages that they lead to.
pub fn outline(file: &Path) -> Vec<(String, u32)> {
    let json = run("qpdf", &["--json", "--json-key=outlines"], file, &[]);
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let entries = json["outlines"].as_array().unwrap().iter();
    let entry = |entry: &serde_json::Value| {
        let page = entry["destpageposfrom1"].as_u64().unwrap();
        let title = entry["title"].as_str().unwrap();
        (title.to_owned(), u32::try_from(page).unwrap())
    };
    entries.map(entry).collect()
}

/// The number of pages, as `pdfinfo` says.
pub fn pages(file: &Path) -> u32 {
    let info = String::from_utf8(run("pdfinfo", &[], file, &[])).unwrap();
    let line = info
        .lines()
        .find(|line| line.starts_with("Pages:"))
        .unwrap();
    line.trim_start_matches("Pages:").trim().parse().unwrap()
}

/// The number of images, as `pdfimages` lists them below two lines of header.
pub fn images(file: &Path) -> usize {
    let list = String::from_utf8(run("pdfimages", &["-list"], file, &[])).unwrap();
    list.lines().count() - 2
}

/// Fails unless `qpdf --check` finds nothing.
pub fn check(file: &Path) {
    run("qpdf", &["--check"], file, &[]);
}

fn run(program: &str, before: &[&str], file: &Path, after: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(before)
        .arg(file)
        .args(after)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed (poppler-utils, qpdf): {error}"));
    assert!(
        output.status.success(),
        "{program} found fault with {}: {}{}",
        file.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

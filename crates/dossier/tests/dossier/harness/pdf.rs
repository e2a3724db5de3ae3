//! Looking into a PDF with the tools that its readers have.

use std::path::Path;
use std::process::Command;

/// The text, as `pdftotext` extracts it.
pub fn text(file: &Path) -> String {
    String::from_utf8(run("pdftotext", &["-layout", "-nopgbrk"], file, &["-"])).unwrap()
}

/// The text between the pages' headers and feet, in reading order, without white space: so neither
/// line breaks nor page breaks interrupt a value.
pub fn dense_body_text(file: &Path) -> String {
    let body = ["-x", "0", "-y", "75", "-W", "596", "-H", "710"];
    let options = [&["-raw", "-nopgbrk", "-r", "72"], &body[..]].concat();
    dense(&String::from_utf8(run("pdftotext", &options, file, &["-"])).unwrap())
}

/// A text without white space.
pub fn dense(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
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

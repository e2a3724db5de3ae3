//! The file format: objects streamed to disk, the page tree, fonts, cross-references.
//!
//! Clauses are those of ISO 32000-1 (PDF 1.7).

mod file;
mod fonts;
mod metadata;
mod output;
mod places;
mod structure;
mod tree;

pub(crate) use file::{ObjectId, PdfFile};
pub(crate) use fonts::write_fonts;
pub(crate) use metadata::{CREATOR, Facts, write_metadata, write_output_intent};
pub(crate) use structure::{Element, LinkPlace, Role, Structure};
pub(crate) use tree::PageTree;

/// Writes a number with at most two decimals, as content streams want it (7.3.3).
pub(crate) fn push_number(out: &mut Vec<u8>, number: f32) {
    push_hundredths(out, hundredths(number));
}

/// A number as content streams can tell it from others.
pub(crate) fn hundredths(number: f32) -> i32 {
    (number * 100.0).round() as i32
}

/// Writes a number given in hundredths.
pub(crate) fn push_hundredths(out: &mut Vec<u8>, hundredths: i32) {
    if hundredths < 0 {
        out.push(b'-');
    }
    let magnitude = hundredths.unsigned_abs();
    push_integer(out, magnitude / 100);
    let fraction = magnitude % 100;
    if fraction > 0 {
        out.push(b'.');
        out.push(b'0' + (fraction / 10) as u8);
        if !fraction.is_multiple_of(10) {
            out.push(b'0' + (fraction % 10) as u8);
        }
    }
}

/// Writes a text for people as a string (7.9.2.2).
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"<FEFF");
    for unit in text.encode_utf16() {
        for digit in [12, 8, 4, 0].map(|shift| usize::from(unit >> shift & 15)) {
            out.push(b"0123456789ABCDEF"[digit]);
        }
    }
    out.push(b'>');
}

/// Writes a whole number.
pub(crate) fn push_integer(out: &mut Vec<u8>, number: u32) {
    if number >= 10 {
        push_integer(out, number / 10);
    }
    out.push(b'0' + (number % 10) as u8);
}

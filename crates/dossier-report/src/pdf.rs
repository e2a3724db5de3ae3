//! The file format: objects streamed to disk, the page tree, fonts, cross-references.
//!
//! Clauses are those of ISO 32000-1 (PDF 1.7).

mod file;
mod fonts;
mod tree;

pub(crate) use file::{ObjectId, PdfFile};
pub(crate) use fonts::write_fonts;
pub(crate) use tree::PageTree;

/// Writes a number with at most two decimals, as content streams want it (7.3.3).
pub(crate) fn push_number(out: &mut Vec<u8>, number: f32) {
    let hundredths = (number * 100.0).round() as i32;
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

fn push_integer(out: &mut Vec<u8>, number: u32) {
    if number >= 10 {
        push_integer(out, number / 10);
    }
    out.push(b'0' + (number % 10) as u8);
}

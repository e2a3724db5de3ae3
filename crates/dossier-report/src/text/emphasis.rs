//! Bold parts of a text: words are shaped part by part where their weight changes.

use std::ops::Range;
use std::rc::Rc;

use super::shape::{Shaped, Shaper, StyleId};
use crate::block::Text;

/// A text that is being laid out, and which parts of it are bold: in order, without overlap.
#[derive(Clone, Copy)]
pub(super) struct Emphasis<'t> {
    pub text: &'t str,
    pub bold: &'t [Range<usize>],
}

impl Emphasis<'_> {
    /// The bold parts of the text's end, counted from `start`.
    pub fn from(&self, start: usize) -> Vec<Range<usize>> {
        let later = self.bold.iter().filter(|range| range.end > start);
        later
            .map(|range| range.start.max(start) - start..range.end - start)
            .collect()
    }
}

/// The bold parts of a text of `length` bytes with a piece behind it.
pub(super) fn joined(
    mut bold: Vec<Range<usize>>,
    length: usize,
    piece: Text<'_>,
) -> Vec<Range<usize>> {
    let shifted = piece.bold.iter();
    bold.extend(shifted.map(|range| range.start + length..range.end + length));
    bold
}

/// Shapes a part of a text in the weights that it has.
pub(super) fn shape_part(
    shaper: &mut Shaper<'_>,
    emphasis: Emphasis<'_>,
    part: Range<usize>,
    style: StyleId,
    right_to_left: bool,
) -> Rc<Shaped> {
    let Emphasis { text, bold } = emphasis;
    let first = bold.partition_point(|range| range.end <= part.start);
    match bold.get(first) {
        Some(range) if range.start < part.end => {
            if range.start <= part.start && range.end >= part.end {
                return shaper.shape(&text[part], style.strong(), right_to_left);
            }
        }
        _ => return shaper.shape(&text[part], style, right_to_left),
    }
    let mut pieces = Vec::new();
    let mut at = part.start;
    for range in &bold[first..] {
        if range.start >= part.end {
            break;
        }
        let (start, end) = (range.start.max(at), range.end.min(part.end));
        if at < start {
            pieces.push(shaper.shape(&text[at..start], style, right_to_left));
        }
        pieces.push(shaper.shape(&text[start..end], style.strong(), right_to_left));
        at = end;
    }
    if at < part.end {
        pieces.push(shaper.shape(&text[at..part.end], style, right_to_left));
    }
    let bodies: Vec<&[u8]> = pieces.iter().map(|piece| &piece.body[..]).collect();
    Rc::new(Shaped {
        width: pieces.iter().map(|piece| piece.width).sum(),
        body: bodies.concat().into_boxed_slice(),
        unsupported: pieces.iter().map(|piece| piece.unsupported).sum(),
    })
}

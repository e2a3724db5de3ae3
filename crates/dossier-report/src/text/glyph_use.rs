//! Which glyphs a report shows, and how each says its text.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use subsetter::GlyphRemapper;
use unicode_normalization::UnicodeNormalization;

use super::fonts::Face;
use crate::limits::{FURTHER_CODES_MAX, GLYPH_TEXT_CHARS_MAX};

/// The glyphs of one face that a report uses, and the text each stands for.
///
/// A glyph is shown by its number in the embedded font, which says the first text that the glyph was
/// met with. For each further text it has a further code, above those of all glyphs.
pub(crate) struct GlyphUse {
    pub remapper: GlyphRemapper,
    /// By new glyph number; `None` where only `ActualText` says it.
    pub texts: Vec<Option<Box<str>>>,
    /// By new glyph number, in thousandths of the font size.
    pub widths: Vec<f32>,
    /// Codes of glyphs, by new number, that say another text than the glyph's number does.
    further: HashMap<(u16, Box<str>), u16>,
    /// The first of these codes.
    further_from: u16,
    /// How many of them there may be.
    further_max: usize,
}

impl GlyphUse {
    pub fn new(face: &Face) -> Self {
        // Only TrueType fonts can show one glyph by several codes (9.7.4.2).
        let further_max = match face.is_cff {
            true => 0,
            false => FURTHER_CODES_MAX.min(usize::from(u16::MAX - face.glyphs)),
        };
        Self {
            remapper: GlyphRemapper::default(),
            texts: Vec::new(),
            widths: Vec::new(),
            further: HashMap::new(),
            further_from: face.glyphs,
            further_max,
        }
    }

    /// The number of a glyph in the embedded font.
    pub fn number(&mut self, glyph: u32, width: f32) -> u16 {
        if self.widths.is_empty() {
            self.widths.push(0.0);
            self.texts.push(None);
        }
        let old = u16::try_from(glyph).unwrap_or(0);
        let new = self.remapper.remap(old);
        let place = usize::from(new);
        if place >= self.widths.len() {
            self.widths.resize(place + 1, 0.0);
            self.texts.resize(place + 1, None);
        }
        self.widths[place] = width;
        new
    }

    /// The code that shows a glyph and says `text` to someone who copies it out of the file, if the
    /// file can say that of a glyph.
    pub fn code(&mut self, glyph: u32, text: &str, width: f32) -> Option<u16> {
        let number = self.number(glyph, width);
        if !sayable(text) {
            return None;
        }
        let first = &mut self.texts[usize::from(number)];
        if first.is_none() {
            // A letter with its marks in one glyph: it is more often met as one character.
            let mut composed = text.nfc();
            *first = match (composed.next(), composed.next()) {
                (Some(c), None) => Some(c.to_string().into()),
                _ => Some(text.into()),
            };
        }
        if first.as_deref() == Some(text) {
            return Some(number);
        }
        let codes = self.further.len();
        match self.further.entry((number, text.into())) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(fresh) if codes < self.further_max => {
                Some(*fresh.insert(self.further_from + codes as u16))
            }
            Entry::Vacant(_) => None,
        }
    }

    /// The codes besides the glyphs' own numbers: each with the number of its glyph and its text, in
    /// ascending order.
    pub fn further(&self) -> Vec<(u16, u16, &str)> {
        let mut codes: Vec<_> = self
            .further
            .iter()
            .map(|((number, text), code)| (*code, *number, &**text))
            .collect();
        codes.sort_unstable();
        codes
    }
}

/// Whether a glyph can be said to stand for a text: PDF/UA forbids some values (ISO 14289-1, 7.21.7),
/// and a long text would be an entry of its own for each place that it occurs at.
fn sayable(text: &str) -> bool {
    let forbidden = ['\0', '\u{feff}', '\u{fffe}'];
    !text.is_empty()
        && !text.contains(forbidden)
        && text.chars().nth(GLYPH_TEXT_CHARS_MAX).is_none()
}

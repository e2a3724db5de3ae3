//! From text to positioned lines of glyphs: fonts, shaping, line breaking, writing direction.

mod emphasis;
mod fonts;
mod lines;
mod shape;

pub use fonts::Fonts;
pub(crate) use fonts::{Face, FaceId};
pub(crate) use lines::{Line, Lines, TextFlow};
pub(crate) use shape::{GlyphUse, Shaper, Spans, StyleId};

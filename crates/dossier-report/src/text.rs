//! From text to positioned lines of glyphs: fonts, shaping, line breaking, writing direction.

mod emphasis;
mod fonts;
mod glyph_use;
mod lines;
mod shape;
mod spans;

pub use fonts::Fonts;
pub(crate) use fonts::{Face, FaceId};
pub(crate) use glyph_use::GlyphUse;
pub(crate) use lines::{Line, Lines, TextFlow};
pub(crate) use shape::{Shaper, StyleId};
pub(crate) use spans::Spans;

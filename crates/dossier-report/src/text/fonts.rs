use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ReportError;

/// The place of a face in [`Fonts`]; also the number in its PDF resource name.
pub(crate) type FaceId = u16;

/// The fonts a report is set in: Noto Sans with Arabic, Hebrew, symbols and emoji, then configured
/// fallbacks.
///
/// Cheap to clone and to share between threads. For every character the first face that has it is
/// used, so a fallback never replaces what the embedded fonts can show.
#[derive(Clone)]
pub struct Fonts {
    faces: Arc<Vec<Face>>,
}

/// One font file, opened.
pub(crate) struct Face {
    pub data: FontData,
    pub font: harfrust::Font,
    pub name: String,
    pub weight: FaceWeight,
    pub units_per_em: f32,
    pub is_cff: bool,
    /// How many glyphs it has.
    pub glyphs: u16,
    /// A glyph without width or outline.
    pub invisible: Option<u32>,
}

/// The bytes of a font file.
pub(crate) enum FontData {
    Embedded(&'static [u8]),
    Loaded(Arc<Vec<u8>>),
}

/// For which text a face is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaceWeight {
    Regular,
    Bold,
    Any,
}

impl FontData {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Embedded(bytes) => bytes,
            Self::Loaded(bytes) => bytes,
        }
    }
}

const EMBEDDED: [(&[u8], FaceWeight, &str); 11] = [
    (
        include_bytes!("../../fonts/NotoSans-Regular.ttf"),
        FaceWeight::Regular,
        "NotoSans-Regular",
    ),
    (
        include_bytes!("../../fonts/NotoSans-Bold.ttf"),
        FaceWeight::Bold,
        "NotoSans-Bold",
    ),
    (
        include_bytes!("../../fonts/NotoSansArabic-Regular.ttf"),
        FaceWeight::Regular,
        "NotoSansArabic-Regular",
    ),
    (
        include_bytes!("../../fonts/NotoSansArabic-Bold.ttf"),
        FaceWeight::Bold,
        "NotoSansArabic-Bold",
    ),
    (
        include_bytes!("../../fonts/NotoSansHebrew-Regular.ttf"),
        FaceWeight::Regular,
        "NotoSansHebrew-Regular",
    ),
    (
        include_bytes!("../../fonts/NotoSansHebrew-Bold.ttf"),
        FaceWeight::Bold,
        "NotoSansHebrew-Bold",
    ),
    (
        include_bytes!("../../fonts/NotoSansMath-Regular.ttf"),
        FaceWeight::Any,
        "NotoSansMath-Regular",
    ),
    (
        include_bytes!("../../fonts/NotoSansSymbols-Regular.ttf"),
        FaceWeight::Any,
        "NotoSansSymbols-Regular",
    ),
    (
        include_bytes!("../../fonts/NotoSansSymbols2-Regular.ttf"),
        FaceWeight::Any,
        "NotoSansSymbols2-Regular",
    ),
    (
        include_bytes!("../../fonts/NotoEmoji-Regular.ttf"),
        FaceWeight::Any,
        "NotoEmoji-Regular",
    ),
    (
        include_bytes!("../../fonts/NotoSansMono-Regular.ttf"),
        FaceWeight::Any,
        "NotoSansMono-Regular",
    ),
];

impl Fonts {
    /// The fonts that come with this crate: Latin, Greek, Cyrillic, Arabic, Hebrew, and symbols from
    /// arrows to emoji.
    ///
    /// # Errors
    /// None in practice: the files are part of the program and a test opens them.
    pub fn embedded() -> Result<Self, ReportError> {
        Self::with_fallbacks(&[])
    }

    /// The embedded fonts, followed by the given TrueType or OpenType files in that order.
    ///
    /// # Errors
    /// [`ReportError::Font`] names the first file that cannot be read, parsed or embedded.
    pub fn with_fallbacks(files: &[PathBuf]) -> Result<Self, ReportError> {
        let embedded = EMBEDDED.into_iter().map(|(bytes, weight, name)| {
            let font = harfrust::Font::new(bytes, 0);
            open_face(FontData::Embedded(bytes), font, weight, Path::new(name))
        });
        let fallbacks = files.iter().map(|path| {
            let bytes = std::fs::read(path).map_err(|_| font_error(path, "it cannot be read"))?;
            let font = harfrust::Font::new(bytes.clone(), 0);
            let data = FontData::Loaded(Arc::new(bytes));
            open_face(data, font, FaceWeight::Any, path)
        });
        let faces = embedded.chain(fallbacks).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            faces: Arc::new(faces),
        })
    }

    pub(crate) fn faces(&self) -> &[Face] {
        &self.faces
    }
}

impl fmt::Debug for Fonts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.faces.iter().map(|face| &face.name))
            .finish()
    }
}

fn open_face(
    data: FontData,
    font: Option<harfrust::Font>,
    weight: FaceWeight,
    path: &Path,
) -> Result<Face, ReportError> {
    let font = font.ok_or_else(|| font_error(path, "it is not a TrueType or OpenType font"))?;
    let parsed = ttf_parser::Face::parse(data.bytes(), 0)
        .map_err(|_| font_error(path, "its tables are damaged"))?;
    subsetter::subset(data.bytes(), 0, &subsetter::GlyphRemapper::new())
        .map_err(|_| font_error(path, "its outlines cannot be embedded"))?;
    let name = postscript_name(&parsed).unwrap_or_else(|| "Fallback".to_owned());
    let units_per_em = f32::from(parsed.units_per_em());
    let is_cff = parsed.tables().cff.is_some();
    Ok(Face {
        name,
        weight,
        units_per_em,
        is_cff,
        font,
        glyphs: parsed.number_of_glyphs(),
        invisible: invisible_glyph(&parsed),
        data,
    })
}

/// The glyph of a character that is not seen, where it has neither width nor outline indeed: in
/// some fonts a line tells where a joiner is.
fn invisible_glyph(face: &ttf_parser::Face<'_>) -> Option<u32> {
    ['\u{200b}', '\u{200c}', '\u{34f}', '\0']
        .into_iter()
        .filter_map(|c| face.glyph_index(c))
        .filter(|glyph| glyph.0 != 0 && face.glyph_hor_advance(*glyph) == Some(0))
        .find(|glyph| face.glyph_bounding_box(*glyph).is_none())
        .map(|glyph| u32::from(glyph.0))
}

/// The PostScript name, reduced to what a PDF name can hold without escapes.
fn postscript_name(face: &ttf_parser::Face<'_>) -> Option<String> {
    let name = face
        .names()
        .into_iter()
        .filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME)
        .find_map(|name| name.to_string())?;
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(63)
        .collect();
    (!plain.is_empty()).then_some(plain)
}

fn font_error(path: &Path, problem: &'static str) -> ReportError {
    ReportError::Font {
        path: path.to_owned(),
        problem,
    }
}

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::writers::{CidFont, FontDescriptor, Type0Font};
use pdf_writer::{Finish, Name, Rect, Str};
use sha2::{Digest, Sha256};

use super::{ObjectId, PdfFile};
use crate::ReportError;
use crate::text::{Face, FaceId, Fonts, GlyphUse};

const IDENTITY: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// Embeds the faces a report used, cut down to its glyphs; returns each with its object.
pub(crate) fn write_fonts(
    file: &mut PdfFile,
    fonts: &Fonts,
    uses: &[GlyphUse],
) -> Result<Vec<(FaceId, ObjectId)>, ReportError> {
    let mut written = Vec::new();
    for (place, (face, used)) in fonts.faces().iter().zip(uses).enumerate() {
        if !used.widths.is_empty() {
            written.push((place as FaceId, write_face(file, face, used)?));
        }
    }
    Ok(written)
}

/// A composite font whose character codes are the glyph numbers of the embedded file (9.7), and
/// further ones for glyphs that stand for more than one text.
fn write_face(file: &mut PdfFile, face: &Face, used: &GlyphUse) -> Result<ObjectId, ReportError> {
    let damaged = || ReportError::FontEmbedding {
        name: face.name.clone(),
    };
    let subset = subsetter::subset(face.data.bytes(), 0, &used.remapper).map_err(|_| damaged())?;
    let parsed = ttf_parser::Face::parse(face.data.bytes(), 0).map_err(|_| damaged())?;
    let program = if face.is_cff {
        cff_table(&subset).ok_or_else(damaged)?
    } else {
        &subset[..]
    };
    let base_font = format!("{}+{}", subset_tag(&subset), face.name);
    let base_font = Name(base_font.as_bytes());
    let further = used.further();
    let glyph_map = match (&further[..], face.is_cff) {
        ([], _) | (_, true) => None,
        _ => Some(write_glyph_map(file, used.widths.len(), &further)?),
    };

    let [font, descendant, descriptor, file_id, to_unicode] = [
        file.reserve()?,
        file.reserve()?,
        file.reserve()?,
        file.reserve()?,
        file.reserve()?,
    ];
    file.object(font, |object| {
        let mut font: Type0Font<'_> = object.start();
        font.base_font(base_font)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(to_unicode);
    })?;
    file.object(descendant, |object| {
        let mut font: CidFont<'_> = object.start();
        font.subtype(if face.is_cff {
            CidFontType::Type0
        } else {
            CidFontType::Type2
        });
        font.base_font(base_font);
        font.system_info(IDENTITY);
        font.font_descriptor(descriptor);
        font.default_width(0.0);
        match glyph_map {
            Some(map) => {
                font.cid_to_gid_map_stream(map);
            }
            None if face.is_cff => {}
            None => {
                font.cid_to_gid_map_predefined(Name(b"Identity"));
            }
        }
        let mut widths = font.widths();
        widths.consecutive(0, used.widths.iter().copied());
        if let [(first, ..), ..] = further[..] {
            let glyphs = further.iter().map(|(_, glyph, _)| usize::from(*glyph));
            widths.consecutive(first, glyphs.map(|glyph| used.widths[glyph]));
        }
    })?;
    file.object(descriptor, |object| {
        describe(object.start(), base_font, face, &parsed, file_id);
    })?;
    let (is_cff, length) = (face.is_cff, program.len() as i32);
    file.stream(file_id, program.to_vec(), move |dict| {
        if is_cff {
            dict.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        } else {
            dict.pair(Name(b"Length1"), length);
        }
    })?;
    let mut cmap: UnicodeCmap<u16> = UnicodeCmap::new(Name(b"Custom"), IDENTITY);
    for (glyph, text) in (0_u16..).zip(&used.texts) {
        // What only ActualText can say is at least marked as a character here (PDF/A-2, 6.2.11.7).
        let text = text.as_deref().unwrap_or("\u{fffd}");
        cmap.pair_with_multiple(glyph, text.chars());
    }
    for (code, _, text) in &further {
        cmap.pair_with_multiple(*code, text.chars());
    }
    let cmap = cmap.finish();
    file.stream(to_unicode, cmap.to_vec(), |dict| {
        dict.pair(Name(b"Type"), Name(b"CMap"));
    })?;
    Ok(font)
}

/// Which glyph each code shows (9.7.4.2), where there are more codes than glyphs. An encoding of the
/// font's own could say so too, but then some readers know one text for each glyph only.
fn write_glyph_map(
    file: &mut PdfFile,
    glyphs: usize,
    further: &[(u16, u16, &str)],
) -> Result<ObjectId, ReportError> {
    let codes = further
        .last()
        .map_or(glyphs, |(code, ..)| usize::from(*code) + 1);
    let mut map: Vec<u16> = (0..=u16::MAX).take(glyphs).collect();
    map.resize(codes.max(glyphs), 0);
    for (code, glyph, _) in further {
        map[usize::from(*code)] = *glyph;
    }
    let id = file.reserve()?;
    let bytes = map.into_iter().flat_map(u16::to_be_bytes).collect();
    file.stream(id, bytes, |_| {})?;
    Ok(id)
}

fn describe(
    mut descriptor: FontDescriptor<'_>,
    base_font: Name<'_>,
    face: &Face,
    parsed: &ttf_parser::Face<'_>,
    file_id: ObjectId,
) {
    let scale = 1000.0 / face.units_per_em;
    let bounds = parsed.global_bounding_box();
    let scaled = |units: i16| f32::from(units) * scale;
    let cap_height = parsed.capital_height().unwrap_or(parsed.ascender());
    descriptor
        .name(base_font)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(
            scaled(bounds.x_min),
            scaled(bounds.y_min),
            scaled(bounds.x_max),
            scaled(bounds.y_max),
        ))
        .italic_angle(parsed.italic_angle())
        .ascent(scaled(parsed.ascender()))
        .descent(scaled(parsed.descender()))
        .cap_height(scaled(cap_height))
        .stem_v(if parsed.is_bold() { 140.0 } else { 80.0 });
    if face.is_cff {
        descriptor.font_file3(file_id);
    } else {
        descriptor.font_file2(file_id);
    }
    descriptor.finish();
}

fn cff_table(subset: &[u8]) -> Option<&[u8]> {
    ttf_parser::RawFace::parse(subset, 0)
        .ok()?
        .table(ttf_parser::Tag::from_bytes(b"CFF "))
}

/// Six capitals that tell this subset from others (9.6.4).
fn subset_tag(subset: &[u8]) -> String {
    let digest = Sha256::digest(subset);
    digest
        .iter()
        .take(6)
        .map(|byte| char::from(b'A' + byte % 26))
        .collect()
}

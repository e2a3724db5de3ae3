//! What the file says of itself: its title and the standards it keeps, for programs (14.3.2), and
//! what its colours mean (14.11.5).

use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::writers::OutputIntent;
use pdf_writer::{Name, TextStr};
use xmp_writer::pdfa::PdfUAIdDescriptionMode;
use xmp_writer::{DateTime, LangId, XmpWriter};

use super::{ObjectId, PdfFile};
use crate::ReportError;

/// The document's facts, which the information dictionary (14.3.3) and the metadata stream share.
pub(crate) struct Facts<'f> {
    pub title: &'f str,
    pub language: &'f str,
    pub date: jiff::civil::Date,
}

/// Who makes the files.
pub(crate) const CREATOR: &str = "Dossier";

/// Writes the metadata stream, which claims the standards that everything in the file keeps.
pub(crate) fn write_metadata(
    file: &mut PdfFile,
    facts: &Facts<'_>,
) -> Result<ObjectId, ReportError> {
    let mut xmp = XmpWriter::new();
    xmp.title([(None::<LangId<'_>>, facts.title)]);
    xmp.language([LangId(facts.language)]);
    xmp.creator_tool(CREATOR);
    xmp.format("application/pdf");
    let month = facts.date.month().unsigned_abs();
    let day = facts.date.day().unsigned_abs();
    xmp.create_date(DateTime::date(facts.date.year().unsigned_abs(), month, day));
    if file.standards().pdf_a {
        xmp.pdfa_part(2);
        xmp.pdfa_conformance("A");
    }
    if file.standards().pdf_ua {
        xmp.pdfua_part(1);
        xmp.extension_schemas()
            .pdfua_id()
            .properties()
            .describe_all(PdfUAIdDescriptionMode::UA1);
    }
    let packet = xmp.finish(None);
    let id = file.reserve()?;
    // Readable without a PDF reader.
    file.plain_stream(id, packet.into_bytes(), |dict| {
        dict.pair(Name(b"Type"), Name(b"Metadata"));
        dict.pair(Name(b"Subtype"), Name(b"XML"));
    })?;
    Ok(id)
}

/// Writes that colours are sRGB (IEC 61966-2-1); returns the output intent.
pub(crate) fn write_output_intent(file: &mut PdfFile) -> Result<ObjectId, ReportError> {
    let profile = file.reserve()?;
    let intent = file.reserve()?;
    file.stream(profile, srgb_profile(), |dict| {
        dict.pair(Name(b"N"), 3);
    })?;
    file.object(intent, |object| {
        let mut intent: OutputIntent<'_> = object.start();
        intent.subtype(OutputIntentSubtype::PDFA);
        intent.output_condition_identifier(TextStr("sRGB"));
        intent.info(TextStr("sRGB IEC61966-2.1"));
        intent.dest_output_profile(profile);
    })?;
    Ok(intent)
}

/// The sRGB profile, with a date that does not change (ICC.1, 7.2.8: bytes 24 to 35).
fn srgb_profile() -> Vec<u8> {
    const DATE: [u8; 12] = [0x07, 0xe8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
    let mut profile = moxcms::ColorProfile::new_srgb()
        .encode()
        .unwrap_or_default();
    if let Some(date) = profile.get_mut(24..36) {
        date.copy_from_slice(&DATE);
    }
    profile
}

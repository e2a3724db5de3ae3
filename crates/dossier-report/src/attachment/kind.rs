//! What a file is: its bytes decide, where they tell; else what is declared.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::failure::{Failure, open};
use crate::ReportError;
use crate::limits::SNIFFED_BYTES;

/// What an attachment is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Jpeg,
    Png,
    Gif,
    Tiff,
    WebP,
    Pdf,
    /// A document that LibreOffice reads, with the extension it goes by.
    Office(&'static str),
    Text,
    Csv,
    Json,
    Xml,
    Html,
    Mail,
    /// Known for what it is, by the name of its content type, but not shown.
    Unsupported(&'static str),
    /// Not known.
    Unknown,
}

/// Looks at the beginning of a file, at its declared type and at its name.
pub(super) fn file_kind(path: &Path, declared: &str, name: &str) -> Result<FileKind, Failure> {
    let head = read_head(path)?;
    let declared = declared_kind(declared, name);
    if let Some(kind) = by_signature(&head, declared) {
        return Ok(kind);
    }
    if !is_text(&head) {
        return Ok(match declared {
            FileKind::Unsupported(_) => declared,
            _ => FileKind::Unknown,
        });
    }
    Ok(match declared {
        FileKind::Xml if is_svg(&head) => SVG,
        FileKind::Text
        | FileKind::Csv
        | FileKind::Json
        | FileKind::Xml
        | FileKind::Html
        | FileKind::Mail => declared,
        _ if is_svg(&head) => SVG,
        _ => by_words(&head),
    })
}

/// What the first bytes of a file say that it is, where its declared content type is another one:
/// `PDF`, `text`, `empty` or a content type such as `video/mp4`. None where both agree, or where the
/// declared type is unknown, so that bytes cannot contradict it.
///
/// # Errors
/// [`ReportError::Read`] if the file cannot be read.
pub fn contradicting_type(
    path: &Path,
    declared: &str,
) -> Result<Option<&'static str>, ReportError> {
    let expected = declared_picture(declared).unwrap_or_else(|| declared_kind(declared, ""));
    let bytes = std::fs::metadata(path).map_err(ReportError::Read)?.len();
    let found = match file_kind(path, declared, "") {
        Ok(found) => found,
        Err(Failure::Report(error)) => return Err(error),
        Err(Failure::Unreadable(_)) => return Ok(None),
    };
    let is_textual = matches!(
        expected,
        FileKind::Text | FileKind::Csv | FileKind::Unsupported("image/svg+xml")
    );
    let agrees = found == expected
        || expected == FileKind::Unknown
        || (is_textual && matches!(found, FileKind::Text | FileKind::Xml | FileKind::Html));
    Ok(match (agrees, bytes) {
        (true, _) => None,
        (false, 0) => Some("empty"),
        (false, _) => Some(found.name()),
    })
}

/// The content types of pictures that are shown; their bytes alone decide when they are.
fn declared_picture(declared: &str) -> Option<FileKind> {
    let essence = declared.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "image/jpeg" => Some(FileKind::Jpeg),
        "image/png" => Some(FileKind::Png),
        "image/gif" => Some(FileKind::Gif),
        "image/tiff" => Some(FileKind::Tiff),
        "image/webp" => Some(FileKind::WebP),
        _ => None,
    }
}

impl FileKind {
    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::WebP => "WebP",
            Self::Pdf => "PDF",
            Self::Office(ending) | Self::Unsupported(ending) => ending,
            Self::Text => "text",
            Self::Csv => "separated values",
            Self::Json => "JSON",
            Self::Xml => "XML",
            Self::Html => "HTML",
            Self::Mail => "an e-mail",
            Self::Unknown => "something else",
        }
    }
}

fn read_head(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut file = open(path)?;
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.take(SNIFFED_BYTES).read_to_end(&mut head))
        .map_err(|error| Failure::Report(ReportError::Read(error)))?;
    Ok(head)
}

/// Files that begin with bytes no other kind begins with.
fn by_signature(head: &[u8], declared: FileKind) -> Option<FileKind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let at = |place: usize, magic: &[u8]| head.get(place..).is_some_and(|h| h.starts_with(magic));
    let kind = if starts(b"\xff\xd8\xff") {
        FileKind::Jpeg
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        FileKind::Png
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        FileKind::Gif
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        FileKind::Tiff
    } else if starts(b"RIFF") && at(8, b"WEBP") {
        FileKind::WebP
    } else if starts(b"RIFF") && at(8, b"WAVE") {
        FileKind::Unsupported("audio/wav")
    } else if starts(b"RIFF") && at(8, b"AVI ") {
        FileKind::Unsupported("video/x-msvideo")
    } else if at(4, b"ftyp") {
        boxed_media(head.get(8..12).unwrap_or_default(), declared)
    } else if starts(b"{\\rtf") {
        FileKind::Office("rtf")
    } else if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        compound(declared)
    } else if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        zipped(head, declared)
    } else if starts(b"ID3") || starts(b"\xff\xfb") || starts(b"\xff\xf3") {
        FileKind::Unsupported("audio/mpeg")
    } else if starts(b"OggS") {
        FileKind::Unsupported("audio/ogg")
    } else if starts(b"fLaC") {
        FileKind::Unsupported("audio/flac")
    } else if starts(b"\x1a\x45\xdf\xa3") {
        FileKind::Unsupported("video/x-matroska")
    } else if starts(b"\x1f\x8b") {
        FileKind::Unsupported("application/gzip")
    } else if starts(b"7z\xbc\xaf\x27\x1c") {
        FileKind::Unsupported("application/x-7z-compressed")
    } else if starts(b"Rar!\x1a\x07") {
        FileKind::Unsupported("application/vnd.rar")
    } else if starts(b"BM") && declared != FileKind::Text && at(6, b"\0\0\0\0") {
        FileKind::Unsupported("image/bmp")
    } else if is_pdf(head) {
        FileKind::Pdf
    } else {
        return None;
    };
    Some(kind)
}

/// Readers accept a header that is not at the very beginning (ISO 32000-1, annex H, note 13).
fn is_pdf(head: &[u8]) -> bool {
    let start = &head[..head.len().min(1_024)];
    start.starts_with(b"%PDF-")
        || (!is_text(&head[..head.len().min(4_096)])
            && start.windows(5).any(|window| window == b"%PDF-"))
}

/// ISO base media files tell by their brand.
fn boxed_media(brand: &[u8], declared: FileKind) -> FileKind {
    match brand {
        b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => {
            FileKind::Unsupported("image/heic")
        }
        b"avif" | b"avis" => FileKind::Unsupported("image/avif"),
        b"M4A " | b"M4B " => FileKind::Unsupported("audio/mp4"),
        _ => match declared {
            FileKind::Unsupported(_) => declared,
            _ => FileKind::Unsupported("video/mp4"),
        },
    }
}

/// Old Office files all look alike from outside.
fn compound(declared: FileKind) -> FileKind {
    match declared {
        FileKind::Office(_) | FileKind::Unsupported(_) => declared,
        _ => FileKind::Office("doc"),
    }
}

fn zipped(head: &[u8], declared: FileKind) -> FileKind {
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    if has(b"mimetypeapplication/vnd.oasis.opendocument.text") {
        FileKind::Office("odt")
    } else if has(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") {
        FileKind::Office("ods")
    } else if has(b"mimetypeapplication/vnd.oasis.opendocument.presentation") {
        FileKind::Office("odp")
    } else if has(b"word/") {
        FileKind::Office("docx")
    } else if has(b"xl/") {
        FileKind::Office("xlsx")
    } else if has(b"ppt/") {
        FileKind::Office("pptx")
    } else {
        match declared {
            FileKind::Office(_) if has(b"[Content_Types].xml") => declared,
            _ => FileKind::Unsupported("application/zip"),
        }
    }
}

/// What the declared type says, or the name's ending where the type says nothing.
fn declared_kind(declared: &str, name: &str) -> FileKind {
    let essence = declared.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    let known = TYPES.iter().find(|(mime, _, _)| *mime == essence);
    if let Some((_, _, kind)) = known {
        return *kind;
    }
    if essence.ends_with("+json") {
        return FileKind::Json;
    }
    if essence.ends_with("+xml") {
        return FileKind::Xml;
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    let by_name = TYPES
        .iter()
        .find(|(_, endings, _)| endings.split(' ').any(|e| !e.is_empty() && e == ending));
    match by_name {
        Some((_, _, kind)) => *kind,
        None if essence.starts_with("text/") => FileKind::Text,
        None => FileKind::Unknown,
    }
}

/// Content types, the endings of file names that stand for them, and what they are.
const TYPES: [(&str, &str, FileKind); 36] = [
    ("text/plain", "txt text log md", FileKind::Text),
    ("text/csv", "csv", FileKind::Csv),
    ("text/tab-separated-values", "tsv", FileKind::Csv),
    ("application/json", "json", FileKind::Json),
    ("text/json", "", FileKind::Json),
    ("application/xml", "xml", FileKind::Xml),
    ("text/xml", "", FileKind::Xml),
    ("text/html", "html htm", FileKind::Html),
    ("application/xhtml+xml", "xhtml", FileKind::Html),
    ("message/rfc822", "eml", FileKind::Mail),
    ("application/msword", "doc dot", FileKind::Office("doc")),
    ("application/vnd.ms-excel", "xls", FileKind::Office("xls")),
    (
        "application/vnd.ms-powerpoint",
        "ppt",
        FileKind::Office("ppt"),
    ),
    ("application/rtf", "rtf", FileKind::Office("rtf")),
    ("text/rtf", "", FileKind::Office("rtf")),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx docm",
        FileKind::Office("docx"),
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx xlsm",
        FileKind::Office("xlsx"),
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "pptx pptm",
        FileKind::Office("pptx"),
    ),
    (
        "application/vnd.oasis.opendocument.text",
        "odt",
        FileKind::Office("odt"),
    ),
    (
        "application/vnd.oasis.opendocument.spreadsheet",
        "ods",
        FileKind::Office("ods"),
    ),
    (
        "application/vnd.oasis.opendocument.presentation",
        "odp",
        FileKind::Office("odp"),
    ),
    (
        "application/vnd.ms-outlook",
        "msg",
        FileKind::Unsupported("application/vnd.ms-outlook"),
    ),
    (
        "image/heic",
        "heic heif",
        FileKind::Unsupported("image/heic"),
    ),
    ("image/heif", "", FileKind::Unsupported("image/heic")),
    ("image/avif", "avif", FileKind::Unsupported("image/avif")),
    ("image/svg+xml", "svg", SVG),
    ("image/bmp", "bmp", FileKind::Unsupported("image/bmp")),
    ("audio/mpeg", "mp3", FileKind::Unsupported("audio/mpeg")),
    ("audio/wav", "wav", FileKind::Unsupported("audio/wav")),
    ("audio/mp4", "m4a", FileKind::Unsupported("audio/mp4")),
    ("video/mp4", "mp4", FileKind::Unsupported("video/mp4")),
    (
        "video/quicktime",
        "mov",
        FileKind::Unsupported("video/quicktime"),
    ),
    (
        "application/zip",
        "zip",
        FileKind::Unsupported("application/zip"),
    ),
    (
        "application/gzip",
        "gz",
        FileKind::Unsupported("application/gzip"),
    ),
    (
        "application/x-tar",
        "tar",
        FileKind::Unsupported("application/x-tar"),
    ),
    ("application/pdf", "pdf", FileKind::Pdf),
];

/// Text has no zero bytes, unless it is UTF-16, and few control characters.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let odd = |byte: &&u8| matches!(**byte, 0..=8 | 14..=26 | 28..=31 | 127);
    !head.contains(&0) && head.iter().filter(odd).count() * 100 <= head.len()
}

/// A drawing, whose text is not what is to be seen.
const SVG: FileKind = FileKind::Unsupported("image/svg+xml");

/// Whether the outermost element of an XML file is that of a drawing (SVG 2, 5.1).
fn is_svg(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // What may stand before the outermost element, by how it begins and ends.
    const BEFORE: [(&[u8], &[u8]); 3] = [(b"<?", b"?>"), (b"<!--", b"-->"), (b"<!DOCTYPE", b">")];
    loop {
        rest = rest.trim_ascii_start();
        let before = BEFORE.iter().find(|(begin, _)| rest.starts_with(begin));
        let Some((begin, end)) = before else { break };
        let internal = *begin == b"<!DOCTYPE" && has_internal_subset(rest);
        let end: &[u8] = if internal { b"]>" } else { end };
        let Some(at) = rest.windows(end.len()).position(|window| window == end) else {
            return false;
        };
        rest = &rest[at + end.len()..];
    }
    let Some(rest) = rest.strip_prefix(b"<") else {
        return false;
    };
    let name_end = rest
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
    let name = &rest[..name_end.unwrap_or(rest.len())];
    name == b"svg" || name.ends_with(b":svg")
}

/// Whether a document type declares things itself: then `>` does not end it.
fn has_internal_subset(doctype: &[u8]) -> bool {
    let first = doctype.iter().find(|byte| matches!(byte, b'[' | b'>'));
    first == Some(&b'[')
}

/// What a text is that is declared as something else, or as nothing.
fn by_words(head: &[u8]) -> FileKind {
    let head = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let starts = |word: &[u8]| {
        head.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if starts(b"<!doctype html") || starts(b"<html") {
        FileKind::Html
    } else if starts(b"<?xml") {
        FileKind::Xml
    } else {
        FileKind::Text
    }
}

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, ZlibDecoder};

use super::super::failure::{DAMAGED, Failure, unreadable};
use crate::limits::{
    PDF_SEARCHED_BYTES_MAX, PDF_STRUCTURE_BYTES_MAX, PDF_STRUCTURE_STREAM_BYTES_MAX,
};

/// Bytes before a stream in which its dictionary is looked for.
const DICTIONARY_BYTES: usize = 2_048;

/// Refuses a document whose own structure is compressed so that reading it takes too much memory.
///
/// The parser unpacks these streams as a whole and without a limit. Streams that pages draw are not
/// unpacked by it, but copied as they are.
pub(super) fn check(data: &[u8]) -> Result<(), Failure> {
    let mut left = PDF_STRUCTURE_BYTES_MAX;
    let mut unclosed = Unclosed::default();
    let mut from = 0;
    while let Some(found) = find(&data[from..], b"stream") {
        let keyword = from + found;
        from = keyword + b"stream".len();
        if data[..keyword].ends_with(b"end") {
            unclosed.close(keyword);
            continue;
        }
        unclosed.open(keyword);
        let dictionary = &data[keyword.saturating_sub(DICTIONARY_BYTES)..keyword];
        if !may_be_structure(dictionary) {
            continue;
        }
        let dictionary = match rfind(dictionary, b"endobj") {
            Some(end) => &dictionary[end..],
            None => dictionary,
        };
        if !may_be_structure(dictionary) {
            continue;
        }
        let start = match &data[from..] {
            [b'\r', b'\n', ..] => from + 2,
            [b'\r' | b'\n', ..] => from + 1,
            _ => from,
        };
        // Only one filter in a row can be checked, and no honest file has more here.
        let filters = count(dictionary, b"Decode") - count(dictionary, b"DecodeParms");
        let plain = find(dictionary, b"FlateDecode").is_some() && filters == 1;
        let real = find(dictionary, b"/ObjStm").is_some() || find(dictionary, b"/XRef").is_some();
        if real && filters > 0 && !plain {
            return Err(too_much());
        }
        let bytes = unpacked(&data[start..]);
        left = left.checked_sub(bytes).ok_or_else(too_much)?;
        if bytes > PDF_STRUCTURE_STREAM_BYTES_MAX {
            return Err(too_much());
        }
    }
    unclosed.close(data.len());
    if unclosed.searched > PDF_SEARCHED_BYTES_MAX {
        return Err(unreadable(DAMAGED));
    }
    Ok(())
}

/// How far the parser looks for the ends of streams whose lengths are wrong: from each of them to
/// the next end, so that many starts before one end take it time without bound.
#[derive(Default)]
struct Unclosed {
    streams: u64,
    starts: u64,
    searched: u64,
}

impl Unclosed {
    fn open(&mut self, at: usize) {
        self.streams += 1;
        self.starts = self.starts.saturating_add(at as u64);
    }

    fn close(&mut self, at: usize) {
        let far = self
            .streams
            .saturating_mul(at as u64)
            .saturating_sub(self.starts);
        // An honest stream's end is found by its length, not by looking for it.
        if self.streams > 1 {
            self.searched = self.searched.saturating_add(far);
        }
        self.streams = 0;
        self.starts = 0;
    }
}

/// Whether these bytes name a kind of stream that the parser unpacks. A name written with escapes
/// may be any name.
fn may_be_structure(dictionary: &[u8]) -> bool {
    [&b"ObjStm"[..], b"XRef", b"#"]
        .iter()
        .any(|name| find(dictionary, name).is_some())
}

fn too_much() -> Failure {
    unreadable("the document is packed so densely that unpacking it would take too much memory")
}

/// Bytes that a stream unpacks to, up to the limit.
fn unpacked(data: &[u8]) -> u64 {
    let max = PDF_STRUCTURE_STREAM_BYTES_MAX + 1;
    let zlib = measured(ZlibDecoder::new(data).take(max));
    if zlib > 0 {
        return zlib;
    }
    measured(DeflateDecoder::new(data).take(max))
}

fn measured(mut unpacking: impl Read) -> u64 {
    let mut piece = [0; 16 * 1024];
    let mut bytes = 0;
    loop {
        match unpacking.read(&mut piece) {
            Ok(0) => return bytes,
            Ok(read) => bytes += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return bytes,
        }
    }
}

fn find(data: &[u8], word: &[u8]) -> Option<usize> {
    let first = word.first()?;
    let mut from = 0;
    while let Some(place) = data.get(from..)?.iter().position(|byte| byte == first) {
        let at = from + place;
        if data[at..].starts_with(word) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn rfind(data: &[u8], word: &[u8]) -> Option<usize> {
    data.windows(word.len()).rposition(|window| window == word)
}

fn count(data: &[u8], word: &[u8]) -> usize {
    data.windows(word.len())
        .filter(|window| *window == word)
        .count()
}

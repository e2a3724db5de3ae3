use std::borrow::Cow;
use std::io::{self, Read, Write};

use flate2::read::ZlibDecoder;
use hayro_syntax::Filter;
use hayro_syntax::object::{Dict, Name, Stream};
use weezl::BitOrder;

use super::super::failure::{DAMAGED, Failure, unreadable};
use crate::limits::{IMAGE_PIXELS_MAX, PDF_PAGE_CONTENT_BYTES_MAX};

/// Unpacks a content stream, within the limit for one page.
///
/// A stream that ends too early gives what it has, as readers of PDF files do.
pub(super) fn unpack(stream: &Stream<'_>) -> Result<Vec<u8>, Failure> {
    let mut data = stream.raw_data().into_owned();
    let parameters = stream
        .dict()
        .get::<Dict<'_>>("DecodeParms")
        .unwrap_or_default();
    if parameters.get::<i32>("Predictor").unwrap_or(1) > 1 {
        return Err(unreadable("its content is packed in an unusual way"));
    }
    for filter in stream.filters() {
        data = match filter {
            Filter::FlateDecode => flate(&data)?,
            Filter::LzwDecode => lzw(&data)?,
            Filter::Ascii85Decode => ascii85(&data)?,
            Filter::AsciiHexDecode => ascii_hex(&data)?,
            Filter::RunLengthDecode => run_length(&data)?,
            _ => return Err(unreadable("its content is packed in an unusual way")),
        };
    }
    Ok(data)
}

/// Refuses a stream of which any stage of its unpacking is over the limit.
///
/// An image that is packed once may have all the bytes that its pixels may have. Filters that make
/// pixels end what is looked at.
pub(super) fn check_packing(stream: &Stream<'_>) -> Result<(), Failure> {
    let filters = stream.filters();
    let image = stream.dict().get::<Name<'_>>("Subtype");
    let image = image.is_some_and(|kind| &*kind == b"Image");
    if image && let [Filter::FlateDecode] = filters[..] {
        let max = IMAGE_PIXELS_MAX * 4;
        let data = stream.raw_data();
        let mut unpacking = ZlibDecoder::new(&*data).take(max + 1);
        // What is damaged unpacks to what comes before the damage.
        let _ = io::copy(&mut unpacking, &mut io::sink());
        return if unpacking.limit() == 0 {
            Err(too_long())
        } else {
            Ok(())
        };
    }
    before_pixels(stream).map(|_| ())
}

/// What a filter that makes pixels is to unpack.
pub(super) type Packed<'p> = (Filter, Cow<'p, [u8]>);

/// Unpacks a stream up to the filter that makes pixels, each stage within the limit; `None` if it
/// has none.
pub(super) fn before_pixels<'p>(stream: &Stream<'p>) -> Result<Option<Packed<'p>>, Failure> {
    let mut data = stream.raw_data();
    for filter in stream.filters() {
        data = match filter {
            Filter::FlateDecode => flate(&data)?,
            Filter::LzwDecode => lzw(&data)?,
            Filter::Ascii85Decode => ascii85(&data)?,
            Filter::AsciiHexDecode => ascii_hex(&data)?,
            Filter::RunLengthDecode => run_length(&data)?,
            filter => return Ok(Some((filter, data))),
        }
        .into();
    }
    Ok(None)
}

fn within_limit(data: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if data.len() as u64 > PDF_PAGE_CONTENT_BYTES_MAX {
        return Err(too_long());
    }
    Ok(data)
}

fn too_long() -> Failure {
    unreadable(format!(
        "its content is longer than {} MB",
        PDF_PAGE_CONTENT_BYTES_MAX / 1_000_000
    ))
}

fn flate(data: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let mut unpacking = ZlibDecoder::new(data).take(PDF_PAGE_CONTENT_BYTES_MAX + 1);
    match unpacking.read_to_end(&mut out) {
        Err(_) if out.is_empty() && !data.is_empty() => Err(unreadable(DAMAGED)),
        _ => within_limit(out),
    }
}

fn lzw(data: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut out = Limited(Vec::new());
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let result = decoder.into_stream(&mut out).decode_all(data);
    if out.0.is_empty() && result.status.is_err() {
        return Err(unreadable(DAMAGED));
    }
    within_limit(out.0)
}

/// Takes a little more than the limit, so that passing it is seen.
struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() as u64 > PDF_PAGE_CONTENT_BYTES_MAX {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// ISO 32000-1, 7.4.3.
fn ascii85(data: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::with_capacity(data.len());
    let mut group = [84_u8; 5];
    let mut filled = 0;
    for byte in data {
        match byte {
            b'z' if filled == 0 => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                group[filled] = byte - b'!';
                filled += 1;
                if filled == 5 {
                    out.extend_from_slice(&word(group));
                    group = [84; 5];
                    filled = 0;
                }
            }
            b'~' => break,
            _ => {}
        }
    }
    if filled > 1 {
        out.extend_from_slice(&word(group)[..filled - 1]);
    }
    within_limit(out)
}

fn word(group: [u8; 5]) -> [u8; 4] {
    let value = group.iter().fold(0_u32, |value, digit| {
        value.wrapping_mul(85).wrapping_add(u32::from(*digit))
    });
    value.to_be_bytes()
}

/// ISO 32000-1, 7.4.2.
fn ascii_hex(data: &[u8]) -> Result<Vec<u8>, Failure> {
    let digits: Vec<u8> = data
        .iter()
        .take_while(|byte| **byte != b'>')
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0))
        .collect())
}

/// ISO 32000-1, 7.4.5.
fn run_length(data: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let mut rest = data;
    while let [length, after @ ..] = rest {
        rest = match usize::from(*length) {
            128 => break,
            length @ 0..128 => {
                let (literal, rest) = after.split_at((length + 1).min(after.len()));
                out.extend_from_slice(literal);
                rest
            }
            length => {
                let Some((byte, rest)) = after.split_first() else {
                    break;
                };
                out.resize(out.len() + 257 - length, *byte);
                rest
            }
        };
        if out.len() as u64 > PDF_PAGE_CONTENT_BYTES_MAX {
            return Err(too_long());
        }
    }
    Ok(out)
}

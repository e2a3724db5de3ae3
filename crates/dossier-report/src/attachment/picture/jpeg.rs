mod entropy;

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use pdf_writer::Name;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::failure::{Failure, damaged, guarded, open, unreadable};
use super::raster::{Colour, HeldRows, Raster, describe, write_raster};
use super::{Moving, Picture, check_held, check_size, exif};
use crate::layout::Orientation;
use crate::pdf::PdfFile;

/// Bytes a coefficient that decoding takes where an image comes in several scans.
const COEFFICIENT_BYTES: u64 = 2;

/// What a JPEG file says of itself before its first scan (ITU-T T.81, annex B).
struct Header {
    width: u32,
    height: u32,
    components: u8,
    /// Bytes that the decoder takes for each pixel: it holds the image and, if that comes in several
    /// scans, all of its coefficients.
    decoder_bytes: u64,
    /// Whether Adobe's marker is there: its CMYK is stored inverted.
    adobe: bool,
    orientation: Orientation,
}

/// Passes a JPEG file through as it is: baseline and progressive ones are what PDF's own filter
/// reads (ISO 32000-1, 7.4.8).
pub(super) fn write(pdf: &mut PdfFile, path: &Path) -> Result<(Picture, Moving), Failure> {
    let mut file = BufReader::new(open(path)?);
    let header = read_header(&mut file)?;
    check_size(header.width, header.height)?;
    let whole = guarded(|| entropy::check_whole(BufReader::new(open(path)?)));
    if whole.is_err() {
        return write_decoded(pdf, path, &header);
    }
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let object = pdf.reserve()?;
    let space: &[u8] = match header.components {
        1 => b"DeviceGray",
        3 => b"DeviceRGB",
        _ => b"DeviceCMYK",
    };
    pdf.streamed(
        object,
        |dict| {
            describe(dict, header.width, header.height, 8);
            dict.pair(Name(b"Filter"), Name(b"DCTDecode"));
            dict.pair(Name(b"ColorSpace"), Name(space));
            if header.components == 4 && header.adobe {
                dict.insert(Name(b"Decode"))
                    .array()
                    .items([1, 0, 1, 0, 1, 0, 1, 0]);
            }
        },
        |out| io::copy(&mut file, out).map(|_| ()),
    )?;
    let picture = Picture {
        object,
        width: header.width,
        height: header.height,
        orientation: header.orientation,
        whole: true,
        cmyk: header.components == 4,
    };
    Ok((picture, Moving::Still))
}

fn read_header(file: &mut (impl Read + Seek)) -> Result<Header, Failure> {
    let mut found: Option<Header> = None;
    let mut adobe = false;
    let mut orientation = Orientation::UPRIGHT;
    let mut sequential = false;
    let mut coefficient_bytes = 0;
    // Components of the first scan.
    let mut scanned = [0];
    let mut start = [0; 2];
    file.read_exact(&mut start).map_err(damaged)?;
    loop {
        let marker = next_marker(file)?;
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        let length = u64::from(short(file)?)
            .checked_sub(2)
            .ok_or_else(|| unreadable("the file is damaged"))?;
        match marker {
            0xc0..=0xc2 if found.is_none() => {
                let mut frame = [0; 6];
                file.read_exact(&mut frame).map_err(damaged)?;
                let [depth, h1, h0, w1, w0, components] = frame;
                if depth != 8 {
                    return Err(unreadable("the image has more than 8 bits a colour"));
                }
                if !matches!(components, 1 | 3 | 4) {
                    return Err(unreadable("the image has an unusual number of colours"));
                }
                found = Some(Header {
                    width: u32::from(u16::from_be_bytes([w1, w0])),
                    height: u32::from(u16::from_be_bytes([h1, h0])),
                    components,
                    decoder_bytes: 0,
                    adobe: false,
                    orientation,
                });
                let mut sampling = Vec::new();
                file.take(length.saturating_sub(6))
                    .read_to_end(&mut sampling)
                    .map_err(damaged)?;
                sequential = marker != 0xc2;
                coefficient_bytes = coefficient_bytes_a_pixel(&sampling);
            }
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(unreadable(
                    "the image uses a kind of JPEG that PDF readers do not have",
                ));
            }
            0xda => {
                file.read_exact(&mut scanned).map_err(damaged)?;
                break;
            }
            0xd9 => return Err(unreadable("the file holds no image")),
            0xe1 | 0xee => {
                let mut segment = Vec::new();
                file.take(length)
                    .read_to_end(&mut segment)
                    .map_err(damaged)?;
                if marker == 0xee {
                    adobe |= segment.starts_with(b"Adobe");
                } else if segment.starts_with(b"Exif\0\0") {
                    orientation = exif::orientation(&segment);
                }
            }
            _ => skip(file, length)?,
        }
    }
    let header = found.ok_or_else(|| unreadable("the file holds no image"))?;
    let shown = if header.components == 1 { 1 } else { 3 };
    let one_scan = sequential && scanned[0] == header.components;
    Ok(Header {
        decoder_bytes: if one_scan {
            shown
        } else {
            shown + coefficient_bytes
        },
        adobe,
        orientation,
        ..header
    })
}

/// Bytes of all coefficients for one pixel of the image, rounded up.
fn coefficient_bytes_a_pixel(sampling: &[u8]) -> u64 {
    let blocks = sampling.chunks_exact(3).map(|component| component[1]);
    let blocks = blocks.map(|both| (u64::from(both >> 4), u64::from(both & 15)));
    let all: u64 = blocks.clone().map(|(across, down)| across * down).sum();
    let across = blocks.clone().map(|(across, _)| across).max();
    let down = blocks.map(|(_, down)| down).max();
    let most = across.unwrap_or(1).max(1) * down.unwrap_or(1).max(1);
    (COEFFICIENT_BYTES * all).div_ceil(most)
}

fn next_marker(file: &mut impl Read) -> Result<u8, Failure> {
    let mut byte = [0];
    file.read_exact(&mut byte).map_err(damaged)?;
    if byte[0] != 0xff {
        return Err(unreadable("the file is damaged"));
    }
    while byte[0] == 0xff {
        file.read_exact(&mut byte).map_err(damaged)?;
    }
    Ok(byte[0])
}

fn short(file: &mut impl Read) -> Result<u16, Failure> {
    let mut bytes = [0; 2];
    file.read_exact(&mut bytes).map_err(damaged)?;
    Ok(u16::from_be_bytes(bytes))
}

fn skip(file: &mut impl Seek, bytes: u64) -> Result<(), Failure> {
    let bytes = i64::try_from(bytes).map_err(damaged)?;
    file.seek(SeekFrom::Current(bytes))
        .map(|_| ())
        .map_err(damaged)
}

/// Writes what can be read of a damaged image: readers of PDF files would trip over it.
fn write_decoded(
    pdf: &mut PdfFile,
    path: &Path,
    header: &Header,
) -> Result<(Picture, Moving), Failure> {
    if check_held(header.width, header.height, header.decoder_bytes).is_err() {
        return Err(unreadable(
            "the file is damaged, and the image too large to show a part of it",
        ));
    }
    let pixels = guarded(|| decode(path, header))?;
    let pixels = Arc::new(pixels);
    let gray = header.components == 1;
    let raster = Raster {
        width: header.width,
        height: header.height,
        bits: 8,
        colour: if gray { Colour::Gray } else { Colour::Rgb },
        alpha: false,
        orientation: header.orientation,
    };
    let picture = write_raster(pdf, &raster, || {
        Ok(Box::new(HeldRows {
            pixels: Arc::clone(&pixels),
            width: raster.width as usize,
            samples: if gray { 1 } else { 3 },
            alpha: false,
            at: 0,
        }))
    })?;
    let whole = false;
    Ok((Picture { whole, ..picture }, Moving::Still))
}

fn decode(path: &Path, header: &Header) -> Result<Vec<u8>, Failure> {
    let space = match header.components {
        1 => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(space)
        .set_max_width(header.width as usize)
        .set_max_height(header.height as usize);
    let file = BufReader::new(open(path)?);
    let mut decoder = JpegDecoder::new_with_options(file, options);
    decoder.decode().map_err(damaged)
}

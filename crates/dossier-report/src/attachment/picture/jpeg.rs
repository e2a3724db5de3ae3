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

/// Bytes a pixel that decoding takes: coefficients and samples of a progressive image.
const DECODER_BYTES: u64 = 12;

/// What a JPEG file says of itself before its first scan (ITU-T T.81, annex B).
struct Header {
    width: u32,
    height: u32,
    components: u8,
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
    if !is_sound(path, &header) {
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
                    adobe: false,
                    orientation,
                });
                skip(file, length.saturating_sub(6))?;
            }
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(unreadable(
                    "the image uses a kind of JPEG that PDF readers do not have",
                ));
            }
            0xda => break,
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
    Ok(Header {
        adobe,
        orientation,
        ..header
    })
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

/// Whether all of the image can be read. One that is too large to try is taken to be sound.
fn is_sound(path: &Path, header: &Header) -> bool {
    if check_held(header.width, header.height, DECODER_BYTES).is_err() {
        return true;
    }
    guarded(|| {
        decode(
            path,
            header,
            DecoderOptions::default().set_strict_mode(true),
        )
    })
    .is_ok()
}

/// Writes what can be read of a damaged image: readers of PDF files would trip over it.
fn write_decoded(
    pdf: &mut PdfFile,
    path: &Path,
    header: &Header,
) -> Result<(Picture, Moving), Failure> {
    let pixels = guarded(|| decode(path, header, DecoderOptions::default()))?;
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

fn decode(path: &Path, header: &Header, options: DecoderOptions) -> Result<Vec<u8>, Failure> {
    let space = match header.components {
        1 => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    let options = options
        .jpeg_set_out_colorspace(space)
        .set_max_width(header.width as usize)
        .set_max_height(header.height as usize);
    let file = BufReader::new(open(path)?);
    let mut decoder = JpegDecoder::new_with_options(file, options);
    decoder.decode().map_err(damaged)
}

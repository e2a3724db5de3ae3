use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use png::{BitDepth, ColorType, Decoder, Limits, Reader, Transformations};

use super::super::failure::{Failure, damaged, guarded, open, unreadable};
use super::raster::{Colour, HeldRows, Raster, Row, Rows, split_alpha, write_raster};
use super::{Moving, Picture, check_held, check_size, exif};
use crate::layout::Orientation;
use crate::limits::IMAGE_METADATA_BYTES_MAX;
use crate::pdf::PdfFile;

type PngReader = Reader<BufReader<File>>;

/// Writes a PNG image: in its own depth where PDF has it, 16 bits reduced to 8.
pub(super) fn write(pdf: &mut PdfFile, path: &Path) -> Result<(Picture, Moving), Failure> {
    let reader = guarded(|| start(path))?;
    let info = reader.info();
    let (width, height) = (info.width, info.height);
    let interlaced = info.interlaced;
    let moving = Moving::from_animated(
        info.animation_control
            .is_some_and(|animation| animation.num_frames > 1),
    );
    let orientation = match &info.exif_metadata {
        Some(exif) => exif::orientation(exif),
        None => Orientation::UPRIGHT,
    };
    let (colour, depth) = reader.output_color_type();
    let samples = colour.samples();
    let raster = Raster {
        width,
        height,
        bits: depth as u8,
        alpha: matches!(colour, ColorType::GrayscaleAlpha | ColorType::Rgba),
        colour: match colour {
            ColorType::Indexed => {
                let table = info.palette.as_ref().map(|table| table.to_vec());
                Colour::Indexed(whole_table(table.unwrap_or_default(), depth as u8))
            }
            ColorType::Grayscale | ColorType::GrayscaleAlpha => Colour::Gray,
            ColorType::Rgb | ColorType::Rgba => Colour::Rgb,
        },
        orientation,
    };
    let picture = if interlaced && depth == BitDepth::Eight {
        let bytes = check_held(width, height, samples as u64)?;
        let pixels = Arc::new(guarded(|| read_whole(reader, bytes))?);
        write_raster(pdf, &raster, || {
            Ok(Box::new(HeldRows {
                pixels: Arc::clone(&pixels),
                width: width as usize,
                samples,
                alpha: raster.alpha,
                at: 0,
            }))
        })?
    } else {
        write_raster(pdf, &raster, || {
            let reader = guarded(|| start(path))?;
            Ok(Box::new(PngRows {
                reader,
                samples,
                alpha: raster.alpha,
            }))
        })?
    };
    Ok((picture, moving))
}

fn start(path: &Path) -> Result<PngReader, Failure> {
    let mut decoder = Decoder::new_with_limits(
        BufReader::new(open(path)?),
        Limits {
            bytes: IMAGE_METADATA_BYTES_MAX,
        },
    );
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(damaged)?;
    check_size(info.width, info.height)?;
    // Rows of an interlaced image come in pieces, which only whole bytes can be put together from.
    let simple = matches!(info.color_type, ColorType::Grayscale | ColorType::Indexed);
    let kept = simple && !info.interlaced && info.bit_depth != BitDepth::Sixteen;
    if !kept {
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    }
    let reader = decoder.read_info().map_err(damaged)?;
    if kept && reader.info().trns.is_some() {
        return start_expanded(path);
    }
    Ok(reader)
}

/// Transparent colours become opacities.
fn start_expanded(path: &Path) -> Result<PngReader, Failure> {
    let mut decoder = Decoder::new_with_limits(
        BufReader::new(open(path)?),
        Limits {
            bytes: IMAGE_METADATA_BYTES_MAX,
        },
    );
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.read_info().map_err(damaged)
}

fn read_whole(mut reader: PngReader, bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut pixels = vec![0xff; bytes];
    if reader.output_buffer_size() != Some(bytes) {
        return Err(unreadable("the file is damaged"));
    }
    reader.next_frame(&mut pixels).map_err(damaged)?;
    Ok(pixels)
}

struct PngRows {
    reader: PngReader,
    samples: usize,
    alpha: bool,
}

impl Rows for PngRows {
    fn next(&mut self, row: &mut Row) -> Result<(), Failure> {
        let read = self.reader.next_row().map_err(damaged)?;
        let read = read.ok_or_else(|| unreadable("the file is damaged"))?;
        split_alpha(read.data(), self.samples, self.alpha, row);
        Ok(())
    }
}

/// A table that has a colour for every sample, so that a wrong sample stays within it.
fn whole_table(mut table: Vec<u8>, bits: u8) -> Vec<u8> {
    table.resize(3 << bits.min(8), 0);
    table
}

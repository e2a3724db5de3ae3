use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use image_webp::WebPDecoder;

use super::super::failure::{Failure, damaged, guarded, open, unreadable};
use super::raster::{Colour, HeldRows, Raster, write_raster};
use super::{Moving, Picture, check_held, check_size, exif};
use crate::layout::Orientation;
use crate::limits::IMAGE_METADATA_BYTES_MAX;
use crate::pdf::PdfFile;

/// Bytes a pixel that the decoder needs beside those of the picture.
const DECODER_BYTES: u64 = 2;

/// Writes a WebP image, or the first picture of an animated one.
pub(super) fn write(pdf: &mut PdfFile, path: &Path) -> Result<(Picture, Moving), Failure> {
    let (pixels, raster, moving) = guarded(|| read(path))?;
    let pixels = Arc::new(pixels);
    let samples = if raster.alpha { 4 } else { 3 };
    let picture = write_raster(pdf, &raster, || {
        Ok(Box::new(HeldRows {
            pixels: Arc::clone(&pixels),
            width: raster.width as usize,
            samples,
            alpha: raster.alpha,
            at: 0,
        }))
    })?;
    Ok((picture, moving))
}

fn read(path: &Path) -> Result<(Vec<u8>, Raster, Moving), Failure> {
    let mut decoder = WebPDecoder::new(BufReader::new(open(path)?)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let samples = if decoder.has_alpha() { 4 } else { 3 };
    check_held(width, height, samples + DECODER_BYTES)?;
    let bytes = check_held(width, height, samples)?;
    if decoder.output_buffer_size() != Some(bytes) {
        return Err(unreadable("the file is damaged"));
    }
    decoder.set_memory_limit(IMAGE_METADATA_BYTES_MAX);
    let orientation = match decoder.exif_metadata() {
        Ok(Some(exif)) => exif::orientation(&exif),
        _ => Orientation::UPRIGHT,
    };
    let mut pixels = vec![0; bytes];
    let moving = Moving::from_animated(decoder.is_animated());
    if moving == Moving::Animated {
        decoder.read_frame(&mut pixels).map_err(damaged)?;
    } else {
        decoder.read_image(&mut pixels).map_err(damaged)?;
    }
    let raster = Raster {
        width,
        height,
        bits: 8,
        colour: Colour::Rgb,
        alpha: samples == 4,
        orientation,
    };
    Ok((pixels, raster, moving))
}

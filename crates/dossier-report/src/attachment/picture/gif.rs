use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

use gif::{ColorOutput, DecodeOptions, Decoder, MemoryLimit};

use super::super::failure::{Failure, damaged, guarded, open, unreadable};
use super::raster::{Colour, HeldRows, Raster, write_raster};
use super::{Moving, Picture, check_held, check_size};
use crate::layout::Orientation;
use crate::limits::IMAGE_HELD_BYTES_MAX;
use crate::pdf::PdfFile;

/// Bytes a pixel: red, green, blue, opacity.
const SAMPLES: usize = 4;

/// Writes the first picture of a GIF file.
pub(super) fn write(pdf: &mut PdfFile, path: &Path) -> Result<(Picture, Moving), Failure> {
    let (pixels, width, height, moving) = guarded(|| first_picture(path))?;
    let raster = Raster {
        width,
        height,
        bits: 8,
        colour: Colour::Rgb,
        alpha: true,
        orientation: Orientation::UPRIGHT,
    };
    let pixels = Arc::new(pixels);
    let picture = write_raster(pdf, &raster, || {
        Ok(Box::new(HeldRows {
            pixels: Arc::clone(&pixels),
            width: width as usize,
            samples: SAMPLES,
            alpha: true,
            at: 0,
        }))
    })?;
    Ok((picture, moving))
}

fn first_picture(path: &Path) -> Result<(Vec<u8>, u32, u32, Moving), Failure> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.set_memory_limit(MemoryLimit::Bytes(
        NonZeroU64::new(IMAGE_HELD_BYTES_MAX).unwrap_or(NonZeroU64::MIN),
    ));
    let mut decoder = options
        .read_info(BufReader::new(open(path)?))
        .map_err(damaged)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    check_size(width, height)?;
    // The frame and the screen it is put on are held side by side.
    let bytes = check_held(width, height, 2 * SAMPLES as u64)? / 2;
    let mut screen = vec![0; bytes];
    let frame = decoder
        .read_next_frame()
        .map_err(damaged)?
        .ok_or_else(|| unreadable("the file holds no image"))?;
    let row_bytes = usize::from(frame.width) * SAMPLES;
    let stride = width as usize * SAMPLES;
    let left = usize::from(frame.left) * SAMPLES;
    if row_bytes > 0 && left < stride {
        let visible = row_bytes.min(stride - left);
        for (nth, row) in frame.buffer.chunks_exact(row_bytes).enumerate() {
            let start = (usize::from(frame.top) + nth) * stride + left;
            if let Some(place) = screen.get_mut(start..start + visible) {
                place.copy_from_slice(&row[..visible]);
            }
        }
    }
    let moving = more_frames(&mut decoder);
    Ok((screen, width, height, moving))
}

fn more_frames(decoder: &mut Decoder<BufReader<File>>) -> Moving {
    Moving::from_animated(matches!(decoder.next_frame_info(), Ok(Some(_))))
}

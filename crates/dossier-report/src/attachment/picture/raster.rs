use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Dict, Name, Str};

use super::super::failure::{Failure, guarded};
use super::Picture;
use crate::layout::Orientation;
use crate::pdf::{ObjectId, PdfFile};

/// What an image's samples mean.
pub(super) enum Colour {
    Gray,
    Rgb,
    Cmyk,
    /// Places in a table of red, green and blue.
    Indexed(Vec<u8>),
}

/// The shape of an image.
pub(super) struct Raster {
    pub width: u32,
    pub height: u32,
    /// Bits a sample: 1, 2, 4 or 8.
    pub bits: u8,
    pub colour: Colour,
    /// Whether its rows have opacities, of 8 bits.
    pub alpha: bool,
    pub orientation: Orientation,
}

/// One row's samples, packed as PDF wants them (ISO 32000-1, 8.9.5.2).
#[derive(Default)]
pub(super) struct Row {
    pub samples: Vec<u8>,
    pub alpha: Vec<u8>,
}

/// Reads an image's rows from the top.
pub(super) trait Rows {
    /// Reads the next row into empty buffers.
    fn next(&mut self, row: &mut Row) -> Result<(), Failure>;
}

impl Colour {
    fn samples(&self) -> usize {
        match self {
            Self::Gray | Self::Indexed(_) => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    /// What stands where nothing could be read: white.
    fn blank(&self) -> u8 {
        match self {
            Self::Gray | Self::Rgb => 0xff,
            Self::Cmyk | Self::Indexed(_) => 0,
        }
    }
}

impl Raster {
    fn row_bytes(&self) -> usize {
        (self.width as usize * self.colour.samples() * usize::from(self.bits)).div_ceil(8)
    }
}

/// Writes an image object. An image with opacities is read twice, because a stream has to be
/// finished before the next begins and neither is held.
pub(super) fn write_raster<'r>(
    file: &mut PdfFile,
    raster: &Raster,
    mut rows: impl FnMut() -> Result<Box<dyn Rows + 'r>, Failure>,
) -> Result<Picture, Failure> {
    let mask = if raster.alpha {
        write_mask(file, raster, rows()?)?
    } else {
        None
    };
    let object = file.reserve()?;
    let samples = raster.colour.samples();
    // Differences between neighbours compress photographs; places in a table have none to speak of.
    let differences = raster.bits == 8 && !matches!(raster.colour, Colour::Indexed(_));
    let mut rows = Reading::new(rows()?);
    file.streamed(
        object,
        |dict| {
            describe(dict, raster.width, raster.height, raster.bits);
            dict.pair(Name(b"Filter"), Name(b"FlateDecode"));
            colour_space(dict, raster);
            if let Some(mask) = mask {
                dict.pair(Name(b"SMask"), mask);
            }
            if differences {
                let mut parameters = dict.insert(Name(b"DecodeParms")).dict();
                parameters.pair(Name(b"Predictor"), 15);
                parameters.pair(Name(b"Colors"), samples as i32);
                parameters.pair(Name(b"BitsPerComponent"), 8);
                parameters.pair(Name(b"Columns"), raster.width as i32);
            }
        },
        |out| {
            let mut out = ZlibEncoder::new(out, Compression::fast());
            let mut filtered = Vec::new();
            for _ in 0..raster.height {
                let row = rows.next();
                row.samples
                    .resize(raster.row_bytes(), raster.colour.blank());
                if differences {
                    subtract_left(&row.samples, samples, &mut filtered);
                    out.write_all(&filtered)?;
                } else {
                    out.write_all(&row.samples)?;
                }
            }
            out.finish().map(|_| ())
        },
    )?;
    Ok(Picture {
        object,
        width: raster.width,
        height: raster.height,
        orientation: raster.orientation,
        whole: rows.whole,
        cmyk: matches!(raster.colour, Colour::Cmyk),
    })
}

/// Writes the opacities as a soft mask (11.6.5.3), unless all is opaque.
fn write_mask<'r>(
    file: &mut PdfFile,
    raster: &Raster,
    rows: Box<dyn Rows + 'r>,
) -> Result<Option<ObjectId>, Failure> {
    let object = file.reserve()?;
    let mut rows = Reading::new(rows);
    let mut opaque = true;
    file.streamed(
        object,
        |dict| {
            describe(dict, raster.width, raster.height, 8);
            dict.pair(Name(b"Filter"), Name(b"FlateDecode"));
            dict.pair(Name(b"ColorSpace"), Name(b"DeviceGray"));
        },
        |out| {
            let mut out = ZlibEncoder::new(out, Compression::fast());
            for _ in 0..raster.height {
                let row = rows.next();
                row.alpha.resize(raster.width as usize, 0xff);
                opaque &= row.alpha.iter().all(|alpha| *alpha == 0xff);
                out.write_all(&row.alpha)?;
            }
            out.finish().map(|_| ())
        },
    )?;
    Ok((!opaque).then_some(object))
}

/// Rows until one cannot be read; empty ones from there.
struct Reading<'r> {
    rows: Box<dyn Rows + 'r>,
    row: Row,
    whole: bool,
}

impl<'r> Reading<'r> {
    fn new(rows: Box<dyn Rows + 'r>) -> Self {
        Self {
            rows,
            row: Row::default(),
            whole: true,
        }
    }

    fn next(&mut self) -> &mut Row {
        self.row.samples.clear();
        self.row.alpha.clear();
        if self.whole {
            let (rows, row) = (&mut self.rows, &mut self.row);
            self.whole = guarded(|| rows.next(row)).is_ok();
            if !self.whole {
                self.row.samples.clear();
                self.row.alpha.clear();
            }
        }
        &mut self.row
    }
}

/// The entries that every image has (8.9.5.1).
pub(super) fn describe(dict: &mut Dict<'_>, width: u32, height: u32, bits: u8) {
    dict.pair(Name(b"Type"), Name(b"XObject"));
    dict.pair(Name(b"Subtype"), Name(b"Image"));
    dict.pair(Name(b"Width"), width as i32);
    dict.pair(Name(b"Height"), height as i32);
    dict.pair(Name(b"BitsPerComponent"), i32::from(bits));
}

fn colour_space(dict: &mut Dict<'_>, raster: &Raster) {
    let name: &[u8] = match &raster.colour {
        Colour::Gray => b"DeviceGray",
        Colour::Rgb => b"DeviceRGB",
        Colour::Cmyk => b"DeviceCMYK",
        Colour::Indexed(table) => {
            let last = (table.len() / 3).saturating_sub(1) as i32;
            let mut space = dict.insert(Name(b"ColorSpace")).array();
            space.item(Name(b"Indexed")).item(Name(b"DeviceRGB"));
            space.item(last).item(Str(table));
            return;
        }
    };
    dict.pair(Name(b"ColorSpace"), Name(name));
}

/// The filter `Sub` of PNG (ISO/IEC 15948, 9.2), which PDF shares (7.4.4.4).
fn subtract_left(samples: &[u8], pixel: usize, out: &mut Vec<u8>) {
    out.clear();
    out.push(1);
    out.extend_from_slice(&samples[..pixel.min(samples.len())]);
    out.extend(
        samples
            .iter()
            .skip(pixel)
            .zip(samples)
            .map(|(right, left)| right.wrapping_sub(*left)),
    );
}

/// Rows of an image that is held in memory, a byte a sample.
pub(super) struct HeldRows {
    pub pixels: std::sync::Arc<Vec<u8>>,
    pub width: usize,
    /// Samples a pixel, the opacity included.
    pub samples: usize,
    pub alpha: bool,
    pub at: usize,
}

impl Rows for HeldRows {
    fn next(&mut self, row: &mut Row) -> Result<(), Failure> {
        let bytes = self.width * self.samples;
        let from = self.at.min(self.pixels.len());
        let until = (from + bytes).min(self.pixels.len());
        self.at = until;
        split_alpha(&self.pixels[from..until], self.samples, self.alpha, row);
        Ok(())
    }
}

/// Parts samples and opacities of whole bytes; an opacity is a pixel's last sample.
pub(super) fn split_alpha(pixels: &[u8], samples: usize, alpha: bool, row: &mut Row) {
    if !alpha {
        row.samples.extend_from_slice(pixels);
        return;
    }
    let colours = samples - 1;
    row.alpha
        .extend(pixels.iter().skip(colours).step_by(samples));
    row.samples.resize(pixels.len() / samples * colours, 0);
    let pairs = pixels
        .chunks_exact(samples)
        .zip(row.samples.chunks_exact_mut(colours));
    for (pixel, out) in pairs {
        out.copy_from_slice(&pixel[..colours]);
    }
}

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::super::failure::{Failure, damaged, guarded, open, unreadable};
use super::raster::{Colour, Raster, Row, Rows, split_alpha, write_raster};
use super::{CUT_OFF, Pictured, check_held, check_size, draw};
use crate::layout::{Composer, Orientation};
use crate::limits::{
    IMAGE_FILE_PIXELS_MAX, IMAGE_HELD_BYTES_MAX, IMAGE_METADATA_BYTES_MAX, TIFF_PAGES_MAX,
};
use crate::pdf::PdfFile;

type TiffDecoder = Decoder<BufReader<Repainted>>;

/// Shows every page of a TIFF file.
pub(super) fn show(
    composer: &mut Composer<'_, '_>,
    path: &Path,
    alt: &str,
) -> Result<Pictured, Failure> {
    let mut cmyk = false;
    let pictured = show_pages(composer, path, alt, &mut cmyk)?;
    Ok(Pictured { cmyk, ..pictured })
}

fn show_pages(
    composer: &mut Composer<'_, '_>,
    path: &Path,
    alt: &str,
    cmyk: &mut bool,
) -> Result<Pictured, Failure> {
    let decoder = guarded(|| start(path))?;
    let decoder = Rc::new(RefCell::new(decoder));
    let mut pixels = 0;
    let mut missing = None;
    for page in 1.. {
        let alt = if page == 1 {
            alt.to_owned()
        } else {
            composer.fresh_page()?;
            format!("{alt} (page {page})")
        };
        let written = write_to_all(composer.files()?, &decoder, &mut pixels);
        let pictures = match written {
            Ok(pictures) => pictures,
            Err(Failure::Unreadable(why)) if page > 1 => {
                return Ok(Pictured::part(format!(
                    "Page {page} of the file, and what may follow it, is not shown because {why}."
                )));
            }
            Err(failure) => return Err(failure),
        };
        if pictures.iter().any(|picture| !picture.whole) {
            missing = Some(CUT_OFF.to_owned());
        }
        *cmyk |= pictures.iter().any(|picture| picture.cmyk);
        draw(composer, &pictures, alt)?;
        let mut decoder = decoder.borrow_mut();
        if !decoder.more_images() {
            break;
        }
        if page >= TIFF_PAGES_MAX {
            return Ok(Pictured::part(format!(
                "Only the first {TIFF_PAGES_MAX} pages of the file are shown."
            )));
        }
        if guarded(|| decoder.next_image().map_err(damaged)).is_err() {
            return Ok(Pictured::part(format!(
                "The file is damaged: what follows its page {page} could not be read."
            )));
        }
    }
    Ok(missing.map_or_else(Pictured::whole, Pictured::part))
}

fn start(path: &Path) -> Result<TiffDecoder, Failure> {
    let file = Repainted::new(open(path)?).map_err(damaged)?;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(IMAGE_HELD_BYTES_MAX).map_err(damaged)?;
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits.ifd_value_size = IMAGE_METADATA_BYTES_MAX;
    let decoder = Decoder::new(BufReader::new(file)).map_err(damaged)?;
    Ok(decoder.with_limits(limits))
}

/// Writes the page that the decoder is at to every file.
fn write_to_all(
    files: Vec<&mut PdfFile>,
    decoder: &Rc<RefCell<TiffDecoder>>,
    pixels: &mut u64,
) -> Result<Vec<super::Picture>, Failure> {
    let before = *pixels;
    let mut pictures = Vec::with_capacity(files.len());
    for file in files {
        *pixels = before;
        let picture = write_page(file, decoder, pixels)?;
        picture.note_in(file);
        pictures.push(picture);
    }
    Ok(pictures)
}

fn write_page(
    pdf: &mut PdfFile,
    decoder: &Rc<RefCell<TiffDecoder>>,
    pixels: &mut u64,
) -> Result<super::Picture, Failure> {
    let (raster, shape) = guarded(|| read_shape(&mut decoder.borrow_mut()))?;
    *pixels += u64::from(raster.width) * u64::from(raster.height);
    if *pixels > IMAGE_FILE_PIXELS_MAX {
        return Err(unreadable(format!(
            "the pages before it have {} million pixels, which is all that is shown of one file",
            IMAGE_FILE_PIXELS_MAX / 1_000_000
        )));
    }
    write_raster(pdf, &raster, || {
        Ok(Box::new(TiffRows {
            decoder: Rc::clone(decoder),
            shape,
            band: Vec::new(),
            next_band: 0,
            next_row: 0,
        }))
    })
}

/// How one page's samples are stored.
#[derive(Clone, Copy)]
struct Shape {
    chunks_across: u32,
    chunks: u32,
    samples: usize,
    bits: u8,
    alpha: bool,
    luminance: bool,
}

fn read_shape(decoder: &mut TiffDecoder) -> Result<(Raster, Shape), Failure> {
    let (width, height) = decoder.dimensions().map_err(damaged)?;
    check_size(width, height)?;
    let unusual = || unreadable("its colours are stored in a way that is not supported");
    let colour_type = decoder.colortype().map_err(|_| unusual())?;
    let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration);
    let formats = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat);
    let formats = formats.map_err(damaged)?.unwrap_or_default();
    let table = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap);
    let table = table
        .map_err(damaged)?
        .filter(|_| matches!(colour_type, ColorType::Gray(_)));
    let (colour, samples, depth, alpha) = match colour_type {
        ColorType::Gray(depth) => match table {
            Some(table) => (
                Colour::Indexed(colour_table(&table, depth)),
                1,
                depth,
                false,
            ),
            None => (Colour::Gray, 1, depth, false),
        },
        ColorType::GrayA(depth)
        | ColorType::Multiband {
            bit_depth: depth,
            num_samples: 2,
        } => (Colour::Gray, 2, depth, true),
        ColorType::RGB(depth) | ColorType::YCbCr(depth) => (Colour::Rgb, 3, depth, false),
        ColorType::RGBA(depth) => (Colour::Rgb, 4, depth, true),
        ColorType::CMYK(depth) => (Colour::Cmyk, 4, depth, false),
        ColorType::CMYKA(depth) => (Colour::Cmyk, 5, depth, true),
        _ => return Err(unusual()),
    };
    let depths: &[u8] = match (&colour, samples) {
        (Colour::Indexed(_), _) => &[1, 2, 4, 8],
        (_, 1) => &[1, 2, 4, 8, 16],
        _ => &[8, 16],
    };
    let planar = planar.map_err(damaged)?.unwrap_or(1) != 1 && samples > 1;
    if planar || !depths.contains(&depth) || formats.iter().any(|format| *format != 1) {
        return Err(unusual());
    }
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    if chunk_width == 0 || chunk_height == 0 {
        return Err(unreadable("the file is damaged"));
    }
    let across = width.div_ceil(chunk_width);
    let chunk_height = chunk_height.min(height);
    // One band is held as it is read and once more as it is decompressed.
    check_held(
        width,
        chunk_height,
        2 * samples as u64 * u64::from(depth.div_ceil(8)),
    )?;
    let orientation = decoder.find_tag_unsigned::<u16>(Tag::Orientation);
    let orientation = orientation.ok().flatten().unwrap_or(1);
    let raster = Raster {
        width,
        height,
        bits: depth.min(8),
        colour,
        alpha,
        orientation: Orientation::from_exif(orientation),
    };
    let shape = Shape {
        chunks_across: across,
        chunks: across * height.div_ceil(chunk_height),
        samples,
        bits: depth.min(8),
        alpha,
        luminance: matches!(colour_type, ColorType::YCbCr(_)),
    };
    Ok((raster, shape))
}

/// The colours of a table, which are stored red first, then green, then blue, 16 bits each.
fn colour_table(table: &[u16], depth: u8) -> Vec<u8> {
    let colours = table.len() / 3;
    (0..1 << depth.min(8))
        .flat_map(|place| [place, colours + place, 2 * colours + place])
        .map(|place| table.get(place).map_or(0, |value| (value >> 8) as u8))
        .collect()
}

/// Rows of one page; a band of strips or tiles is held at a time.
struct TiffRows {
    decoder: Rc<RefCell<TiffDecoder>>,
    shape: Shape,
    /// The chunks of the band side by side, with the bytes of one of their rows.
    band: Vec<(Vec<u8>, usize)>,
    next_band: u32,
    next_row: usize,
}

impl TiffRows {
    fn read_band(&mut self) -> Result<(), Failure> {
        self.band.clear();
        self.next_row = 0;
        let mut decoder = self.decoder.borrow_mut();
        for _ in 0..self.shape.chunks_across {
            if self.next_band >= self.shape.chunks {
                return Err(unreadable("the file is damaged"));
            }
            let (width, _) = decoder.chunk_data_dimensions(self.next_band);
            let pixels = match decoder.read_chunk(self.next_band).map_err(damaged)? {
                DecodingResult::U8(pixels) => pixels,
                DecodingResult::U16(pixels) => pixels
                    .into_iter()
                    .map(|sample| (sample >> 8) as u8)
                    .collect(),
                _ => return Err(unreadable("the file is damaged")),
            };
            let bits = width as usize * self.shape.samples * usize::from(self.shape.bits);
            self.band.push((pixels, bits.div_ceil(8)));
            self.next_band += 1;
        }
        Ok(())
    }
}

impl Rows for TiffRows {
    fn next(&mut self, row: &mut Row) -> Result<(), Failure> {
        let rows_left = self
            .band
            .first()
            .is_some_and(|(pixels, bytes)| (self.next_row + 1) * bytes <= pixels.len());
        if !rows_left {
            self.read_band()?;
        }
        for (pixels, bytes) in &self.band {
            let start = self.next_row * bytes;
            let piece = pixels.get(start..start + bytes);
            let piece = piece.ok_or_else(|| unreadable("the file is damaged"))?;
            split_alpha(piece, self.shape.samples, self.shape.alpha, row);
        }
        if self.shape.luminance {
            row.samples.chunks_exact_mut(3).for_each(to_rgb);
        }
        self.next_row += 1;
        Ok(())
    }
}

/// From luminance and colour differences to red, green and blue (ITU-R BT.601, full range).
fn to_rgb(pixel: &mut [u8]) {
    if let [first, second, third] = pixel {
        let y = f32::from(*first);
        let (cb, cr) = (f32::from(*second) - 128.0, f32::from(*third) - 128.0);
        *first = (y + 1.402 * cr) as u8;
        *second = (y - 0.344_136 * cb - 0.714_136 * cr) as u8;
        *third = (y + 1.772 * cb) as u8;
    }
}

/// A TIFF file whose pages with a table of colours claim to be gray: their samples are read as they
/// are, and the table is given to the PDF.
struct Repainted {
    file: File,
    at: u64,
    /// Places of bytes that read as 1.
    places: Vec<u64>,
}

/// The tag `PhotometricInterpretation`, its value for tables, and the field type `SHORT`
/// (TIFF 6.0, sections 2 and 8).
const PHOTOMETRIC: u16 = 262;
const TABLE: u16 = 3;
const SHORT: u16 = 3;

impl Repainted {
    fn new(mut file: File) -> io::Result<Self> {
        let places = table_pages(&mut BufReader::new(&mut file)).unwrap_or_default();
        file.seek(SeekFrom::Start(0))?;
        Ok(Self {
            file,
            at: 0,
            places,
        })
    }
}

/// Walks the directories of a TIFF file; the large variant is read as it is.
fn table_pages(file: &mut (impl Read + Seek)) -> io::Result<Vec<u64>> {
    let mut magic = [0; 4];
    file.read_exact(&mut magic)?;
    let little = magic.starts_with(b"II*");
    let mut places = Vec::new();
    if !little && !magic.starts_with(b"MM\0*") {
        return Ok(places);
    }
    let mut directory = u64::from(long(file, little)?);
    for _ in 0..TIFF_PAGES_MAX {
        if directory == 0 {
            break;
        }
        file.seek(SeekFrom::Start(directory))?;
        let entries = u64::from(short(file, little)?);
        for entry in 0..entries {
            let (tag, kind) = (short(file, little)?, short(file, little)?);
            let _count = long(file, little)?;
            let (value, _) = (short(file, little)?, short(file, little)?);
            if (tag, kind, value) == (PHOTOMETRIC, SHORT, TABLE) {
                let place = directory + 2 + 12 * entry + 8;
                places.push(if little { place } else { place + 1 });
            }
        }
        directory = u64::from(long(file, little)?);
    }
    Ok(places)
}

fn short(file: &mut impl Read, little: bool) -> io::Result<u16> {
    let mut bytes = [0; 2];
    file.read_exact(&mut bytes)?;
    Ok(if little {
        u16::from_le_bytes(bytes)
    } else {
        u16::from_be_bytes(bytes)
    })
}

fn long(file: &mut impl Read, little: bool) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(if little {
        u32::from_le_bytes(bytes)
    } else {
        u32::from_be_bytes(bytes)
    })
}

impl Read for Repainted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        for place in &self.places {
            let within = place
                .checked_sub(self.at)
                .and_then(|p| usize::try_from(p).ok());
            if let Some(byte) = within.and_then(|place| buffer[..read].get_mut(place)) {
                *byte = 1;
            }
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Repainted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

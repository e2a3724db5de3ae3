//! Images: read row by row, written row by row, never whole where the format allows it.

mod exif;
mod gif;
mod jpeg;
mod png;
mod raster;
mod tiff;
mod webp;

use std::path::Path;

use super::failure::{Failure, unreadable};
use super::kind::FileKind;
use super::kind::file_kind;
use crate::ReportError;
use crate::layout::{Composer, Figure, Orientation};
use crate::limits::{IMAGE_HELD_BYTES_MAX, IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX};
use crate::look::Logo;
use crate::pdf::{ObjectId, PdfFile};
use crate::report::Shown;

/// An image that is in the file and can be drawn.
struct Picture {
    object: ObjectId,
    width: u32,
    height: u32,
    orientation: Orientation,
    /// Whether all of its rows could be read.
    whole: bool,
    /// Whether its colours are those of a printing press, of which the file does not say which.
    cmyk: bool,
}

impl Picture {
    /// Notes in the file that it is in what it means for the file.
    fn note_in(&self, file: &mut PdfFile) {
        if self.cmyk {
            file.note_foreign();
        }
    }
}

/// What a reader of images says when it has done its work.
pub(super) struct Pictured {
    pub shown: Shown,
    /// What the reader is told about what is missing.
    pub note: Option<String>,
    /// Whether there are colours that PDF/A does not allow without a profile.
    pub cmyk: bool,
}

impl Pictured {
    fn whole() -> Self {
        Self {
            shown: Shown::Whole,
            note: None,
            cmyk: false,
        }
    }

    fn part(note: impl Into<String>) -> Self {
        Self {
            shown: Shown::Part,
            note: Some(note.into()),
            cmyk: false,
        }
    }
}

/// What is said of an image whose last rows are missing.
const CUT_OFF: &str = "The file is damaged: the image could only be read in part.";
/// What is said of an animation.
const ANIMATED: &str = "The file is an animation: only its first picture is shown.";

/// Shows an image file.
pub(super) fn show_picture(
    composer: &mut Composer<'_, '_>,
    path: &Path,
    kind: FileKind,
    alt: &str,
) -> Result<Pictured, Failure> {
    match kind {
        FileKind::Jpeg => single(composer, alt, |file| jpeg::write(file, path)),
        FileKind::Png => single(composer, alt, |file| png::write(file, path)),
        FileKind::Gif => single(composer, alt, |file| gif::write(file, path)),
        FileKind::WebP => single(composer, alt, |file| webp::write(file, path)),
        _ => tiff::show(composer, path, alt),
    }
}

/// What a logo's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogoKind {
    Jpeg,
    Png,
}

/// Looks at a logo's file; `None` if it cannot be one.
pub(crate) fn logo_kind(path: &Path) -> Option<LogoKind> {
    match file_kind(path, "", "").ok()? {
        FileKind::Jpeg => Some(LogoKind::Jpeg),
        FileKind::Png => Some(LogoKind::Png),
        _ => None,
    }
}

/// Shows the organisation's logo at the top of a cover.
pub(crate) fn show_logo(composer: &mut Composer<'_, '_>, logo: &Logo) -> Result<(), ReportError> {
    let mut pictures = Vec::new();
    for file in composer.files()? {
        let written = match logo.kind() {
            LogoKind::Jpeg => jpeg::write(file, logo.path()),
            LogoKind::Png => png::write(file, logo.path()),
        };
        match written {
            Ok((picture, _)) => {
                picture.note_in(file);
                pictures.push(picture);
            }
            Err(Failure::Report(error)) => return Err(error),
            // It was looked at when the program started, and has changed since.
            Err(Failure::Unreadable(_)) => {
                return Err(ReportError::Logo {
                    path: logo.path().to_owned(),
                });
            }
        }
    }
    match figure(&pictures, logo.alternative().to_owned()) {
        Some(figure) => composer.show_logo(figure),
        None => Ok(()),
    }
}

/// Where an image stands in a text.
pub(crate) struct Placed {
    /// From the paper's left edge to the image's, in points.
    pub x: f32,
    /// The width and the height that it is to have, in points, as far as they are given.
    pub size: [Option<f32>; 2],
    /// What it is, for those who cannot see it.
    pub alt: String,
}

/// Points of a pixel of a screen (CSS 2.1, 4.3.2).
pub(crate) const PIXEL: f32 = 0.75;

/// Shows an image between the texts of a section; returns why, if it cannot be shown.
pub(crate) fn show_inline(
    composer: &mut Composer<'_, '_>,
    path: &Path,
    placed: Placed,
) -> Result<Option<String>, ReportError> {
    let written = file_kind(path, "", "").and_then(|kind| match kind {
        FileKind::Jpeg => write_single(composer, |file| jpeg::write(file, path)),
        FileKind::Png => write_single(composer, |file| png::write(file, path)),
        FileKind::Gif => write_single(composer, |file| gif::write(file, path)),
        FileKind::WebP => write_single(composer, |file| webp::write(file, path)),
        _ => Err(unreadable("it is no JPEG, PNG, GIF or WebP")),
    });
    let pictures = match written {
        Ok((pictures, _)) => pictures,
        Err(Failure::Report(error)) => return Err(error),
        Err(Failure::Unreadable(why)) => return Ok(Some(why.into_owned())),
    };
    if let Some(figure) = figure(&pictures, placed.alt) {
        composer.show_inline(figure, placed.x, placed.size, PIXEL)?;
    }
    Ok(None)
}

/// Shows a file that has one picture to show; the writer also tells whether it has more.
fn single(
    composer: &mut Composer<'_, '_>,
    alt: &str,
    write: impl FnMut(&mut PdfFile) -> Result<(Picture, Moving), Failure>,
) -> Result<Pictured, Failure> {
    let (pictures, moving) = write_single(composer, write)?;
    let whole = pictures.iter().all(|picture| picture.whole);
    let cmyk = pictures.iter().any(|picture| picture.cmyk);
    draw(composer, &pictures, alt.to_owned())?;
    let pictured = match (whole, moving) {
        (false, _) => Pictured::part(CUT_OFF),
        (true, Moving::Animated) => Pictured::part(ANIMATED),
        (true, Moving::Still) => Pictured::whole(),
    };
    Ok(Pictured { cmyk, ..pictured })
}

/// Writes a picture to every file that the page goes to.
fn write_single(
    composer: &mut Composer<'_, '_>,
    mut write: impl FnMut(&mut PdfFile) -> Result<(Picture, Moving), Failure>,
) -> Result<(Vec<Picture>, Moving), Failure> {
    let mut pictures = Vec::new();
    let mut moving = Moving::Still;
    for file in composer.files()? {
        let (picture, more) = write(file)?;
        picture.note_in(file);
        pictures.push(picture);
        moving = more;
    }
    Ok((pictures, moving))
}

/// Whether a file has more pictures than the one that is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moving {
    Still,
    Animated,
}

impl Moving {
    fn from_animated(animated: bool) -> Self {
        if animated {
            Self::Animated
        } else {
            Self::Still
        }
    }
}

/// Draws a picture that was written to every file.
fn draw(composer: &mut Composer<'_, '_>, pictures: &[Picture], alt: String) -> Result<(), Failure> {
    if let Some(figure) = figure(pictures, alt) {
        composer.show_image(figure)?;
    }
    Ok(())
}

fn figure(pictures: &[Picture], alt: String) -> Option<Figure> {
    let picture = pictures.first()?;
    Some(Figure {
        objects: pictures.iter().map(|picture| picture.object).collect(),
        // A point a pixel: densities in files are more often wrong than right.
        size: [picture.width as f32, picture.height as f32],
        placed: [
            picture.width as f32,
            0.0,
            0.0,
            picture.height as f32,
            0.0,
            0.0,
        ],
        orientation: picture.orientation,
        alt,
    })
}

/// Refuses an image before anything of its size is allocated.
fn check_size(width: u32, height: u32) -> Result<(), Failure> {
    if width == 0 || height == 0 {
        return Err(unreadable("the image has no width or no height"));
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > IMAGE_PIXELS_MAX || width.max(height) > IMAGE_SIDE_MAX {
        return Err(unreadable(format!(
            "the image has {width} × {height} pixels; at most {} million, and {IMAGE_SIDE_MAX} on \
             a side, are shown",
            IMAGE_PIXELS_MAX / 1_000_000
        )));
    }
    Ok(())
}

/// Refuses an image that can only be read as a whole and would take too much memory.
fn check_held(width: u32, height: u32, bytes_a_pixel: u64) -> Result<usize, Failure> {
    let bytes = u64::from(width) * u64::from(height) * bytes_a_pixel;
    if bytes > IMAGE_HELD_BYTES_MAX {
        return Err(unreadable(format!(
            "the image has {width} × {height} pixels and is stored in a way that takes {} MB of \
             memory to read; at most {} MB are used",
            bytes / 1_000_000,
            IMAGE_HELD_BYTES_MAX / 1_000_000
        )));
    }
    usize::try_from(bytes).map_err(|_| unreadable("the image is too large"))
}

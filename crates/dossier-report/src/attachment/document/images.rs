use std::collections::{HashMap, HashSet};

use hayro_syntax::Filter;
use hayro_syntax::object::{Dict, MaybeRef, Name, ObjRef, Object, Stream};
use hayro_syntax::page::Page;
use hayro_syntax::xref::XRef;

use super::super::failure::{Failure, guarded, unreadable};
use super::content::{before_pixels, check_packing, unpack};
use super::drawings::{ends_word, unescaped};
use super::import::{Role, elements, entries, is_left_behind};
use crate::limits::{IMAGE_PIXELS_MAX, PDF_DIRECT_NESTING_MAX, PDF_OBJECTS_MAX};

/// Width and height in pixels.
type Size = [u64; 2];

/// Measures the images that showing a page makes its reader unpack: in forms, patterns, masks, the
/// shapes of fonts, and those that stand in the content itself.
pub(super) struct Images<'p> {
    document: &'p XRef,
    /// Objects that lead to no image over the limit.
    sound: HashSet<(ObjRef, Role)>,
    measured: HashMap<ObjRef, Measured>,
    /// Objects that were gone through, each as often as it was.
    visits: usize,
}

/// What is known of a stream.
#[derive(Clone, Copy, Default)]
struct Measured {
    /// The size of the image that it is, or of the largest one in its content.
    largest: Size,
    /// Whether it takes its resources from the page, if it is content.
    borrows: bool,
}

/// What is known while one page is gone through.
struct Walk<'p> {
    seen: HashSet<(ObjRef, Role)>,
    waiting: Vec<(ObjRef, Role)>,
    /// The page's drawings that its own content does not name.
    others: Vec<MaybeRef<Object<'p>>>,
    /// Whether something took its resources from the page.
    borrowed: bool,
}

impl<'p> Images<'p> {
    pub fn new(document: &'p XRef) -> Self {
        Self {
            document,
            sound: HashSet::new(),
            measured: HashMap::new(),
            visits: 0,
        }
    }

    /// Refuses a page that shows an image over the limit.
    pub fn check(
        &mut self,
        page: &Page<'p>,
        content: &[Stream<'p>],
        appearances: impl Iterator<Item = ObjRef>,
    ) -> Result<(), Failure> {
        let mut names = HashSet::new();
        for stream in content {
            within(look(&unpack(stream)?, |name| {
                names.insert(name);
            }))?;
        }
        let mut walk = Walk {
            seen: HashSet::new(),
            waiting: appearances.map(|object| (object, Role::Plain)).collect(),
            others: Vec::new(),
            borrowed: false,
        };
        let resources = page.resources();
        for (name, drawing, role) in entries(&resources.x_objects, Role::Names) {
            match names.contains(&*name) {
                true => self.note(&mut walk, &drawing, role, 0),
                false => walk.others.push(drawing),
            }
        }
        for category in [
            &resources.fonts,
            &resources.ext_g_states,
            &resources.color_spaces,
            &resources.patterns,
            &resources.shadings,
            &resources.properties,
        ] {
            self.note_dict(&mut walk, category, Role::Names, 0);
        }
        if let Some(group) = page.raw().get::<Dict<'p>>("Group") {
            self.note_dict(&mut walk, &group, Role::Plain, 0);
        }
        self.follow(&mut walk)?;
        if walk.borrowed {
            for drawing in std::mem::take(&mut walk.others) {
                self.note(&mut walk, &drawing, Role::Plain, 0);
            }
            // What borrows is sound on this page, and may not be on another.
            return self.follow(&mut walk);
        }
        self.sound.extend(walk.seen);
        Ok(())
    }

    fn follow(&mut self, walk: &mut Walk<'p>) -> Result<(), Failure> {
        while let Some((reference, role)) = walk.waiting.pop() {
            if self.sound.contains(&(reference, role)) || !walk.seen.insert((reference, role)) {
                continue;
            }
            self.visits += 1;
            if self.visits > 2 * PDF_OBJECTS_MAX {
                return Err(unreadable(
                    "the pages before it have all the drawings that are looked at",
                ));
            }
            let object = guarded(|| Ok(self.document.get::<Object<'p>>(reference.into())));
            match object {
                Ok(Some(Object::Stream(stream))) => {
                    let content = is_content(stream.dict()) || role == Role::Glyph;
                    let measured = self.measured(reference, &stream, content)?;
                    within(measured.largest)?;
                    walk.borrowed |= measured.borrows && content;
                    self.note_dict(walk, stream.dict(), Role::Plain, 0);
                }
                Ok(Some(object)) => self.note_object(walk, &object, role, 0),
                // It is not copied either.
                Ok(None) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn measured(
        &mut self,
        reference: ObjRef,
        stream: &Stream<'p>,
        content: bool,
    ) -> Result<Measured, Failure> {
        if let Some(known) = self.measured.get(&reference) {
            return Ok(*known);
        }
        let dict = stream.dict();
        let kind = dict.get::<Name<'_>>("Subtype");
        let measured = if kind.is_some_and(|kind| &*kind == b"Image") {
            Measured {
                largest: image_size(stream),
                borrows: false,
            }
        } else {
            let mut named = false;
            let largest = match unpack(stream) {
                Ok(data) => look(&data, |_| named = true),
                // It would be copied as it is, and other readers may unpack it.
                Err(failure) if content && check_packing(stream).is_ok() => {
                    return Err(failure);
                }
                Err(_) if content => [0; 2],
                Err(_) => return Ok(Measured::default()),
            };
            Measured {
                largest,
                borrows: named && !dict.contains_key("Resources"),
            }
        };
        self.measured.insert(reference, measured);
        Ok(measured)
    }

    fn note(&self, walk: &mut Walk<'p>, value: &MaybeRef<Object<'p>>, role: Role, depth: usize) {
        match value {
            MaybeRef::Ref(reference) => walk.waiting.push((*reference, role)),
            MaybeRef::NotRef(object) => self.note_object(walk, object, role, depth),
        }
    }

    fn note_object(&self, walk: &mut Walk<'p>, object: &Object<'p>, role: Role, depth: usize) {
        match object {
            Object::Dict(dict) => self.note_dict(walk, dict, role, depth),
            Object::Array(array) if depth < PDF_DIRECT_NESTING_MAX => {
                for element in elements(array) {
                    self.note(walk, &element, role, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn note_dict(&self, walk: &mut Walk<'p>, dict: &Dict<'p>, role: Role, depth: usize) {
        if depth >= PDF_DIRECT_NESTING_MAX || is_left_behind(dict) {
            return;
        }
        for (_, value, role) in entries(dict, role) {
            self.note(walk, &value, role, depth + 1);
        }
    }
}

/// Whether a stream is a form or a pattern.
fn is_content(dict: &Dict<'_>) -> bool {
    let kind = dict.get::<Name<'_>>("Subtype");
    kind.is_some_and(|kind| &*kind == b"Form") || dict.contains_key("PatternType")
}

fn within(size: Size) -> Result<(), Failure> {
    let [width, height] = size;
    if width.saturating_mul(height) > IMAGE_PIXELS_MAX {
        return Err(unreadable(format!(
            "an image on it has {width} × {height} pixels; at most {} million are shown",
            IMAGE_PIXELS_MAX / 1_000_000
        )));
    }
    Ok(())
}

fn larger(one: Size, other: Size) -> Size {
    let pixels = |size: Size| size[0].saturating_mul(size[1]);
    if pixels(other) > pixels(one) {
        other
    } else {
        one
    }
}

/// The size that an image says that it has, or its data if that is more: readers go by either.
fn image_size(stream: &Stream<'_>) -> Size {
    let side = |long: &str, short: &str| {
        let dict = stream.dict();
        let side = dict.get::<f64>(long).or_else(|| dict.get::<f64>(short));
        side.unwrap_or(0.0).max(0.0) as u64
    };
    let said = [side("Width", "W"), side("Height", "H")];
    let held = match before_pixels(stream) {
        Ok(Some((Filter::DctDecode, data))) => jpeg_size(&data),
        Ok(Some((Filter::JpxDecode, data))) => jpeg_2000_size(&data),
        _ => None,
    };
    larger(said, held.unwrap_or([0; 2]))
}

/// The size in a JPEG's first frame (ITU-T T.81, B.2.2).
fn jpeg_size(data: &[u8]) -> Option<Size> {
    let mut rest = data.strip_prefix(b"\xff\xd8")?;
    loop {
        let at = rest.iter().position(|byte| *byte != 0xff)?;
        let (marker, after) = rest[at..].split_first()?;
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            rest = after;
            continue;
        }
        if let (0xc0..=0xcf, [_, _, _, h1, h0, w1, w0, ..]) = (marker, after)
            && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
        {
            return Some(
                [[w1, w0], [h1, h0]]
                    .map(|[high, low]| u64::from(u16::from_be_bytes([*high, *low]))),
            );
        }
        let [high, low, ..] = *after else {
            return None;
        };
        rest = after.get(usize::from(u16::from_be_bytes([high, low])).max(2)..)?;
    }
}

/// The size of a JPEG 2000's reference grid (ITU-T T.800, A.5.1).
fn jpeg_2000_size(data: &[u8]) -> Option<Size> {
    let start = b"\xff\x4f\xff\x51";
    let at = data.windows(start.len()).position(|part| part == start)?;
    let [_, _, _, _, w3, w2, w1, w0, h3, h2, h1, h0, ..] = *data.get(at + start.len()..)? else {
        return None;
    };
    Some([[w3, w2, w1, w0], [h3, h2, h1, h0]].map(|side| u64::from(u32::from_be_bytes(side))))
}

/// Tells every name that content mentions and returns the size of its largest image (ISO 32000-1,
/// 8.9.7). What is in texts, comments and pixels counts too, so that nothing hides there.
fn look(content: &[u8], mut mention: impl FnMut(Vec<u8>)) -> Size {
    let mut largest = [0; 2];
    let mut image: Option<Size> = None;
    let mut name = Vec::new();
    let mut rest = content;
    while let [first, after @ ..] = rest {
        let length = after.iter().position(|byte| ends_word(*byte));
        let (word, next) = after.split_at(length.unwrap_or(after.len()));
        if *first != b'/' && ends_word(*first) {
            rest = after;
            continue;
        }
        rest = next;
        match (first, word) {
            (b'/', word) => {
                name = unescaped(word);
                mention(name.clone());
            }
            (b'B', b"I") => image = Some([0; 2]),
            (b'I', b"D") => largest = larger(largest, image.take().unwrap_or_default()),
            (first, word) => {
                let side = match &name[..] {
                    b"W" | b"Width" => 0,
                    b"H" | b"Height" => 1,
                    _ => continue,
                };
                let number = [&[*first], word].concat();
                let number = str::from_utf8(&number)
                    .ok()
                    .and_then(|n| n.parse::<f64>().ok());
                if let (Some(image), Some(number)) = (&mut image, number) {
                    image[side] = image[side].max(number.max(0.0) as u64);
                }
                name.clear();
            }
        }
    }
    largest
}

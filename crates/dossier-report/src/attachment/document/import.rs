use std::collections::HashMap;

use hayro_syntax::Filter;
use hayro_syntax::object::{Array, Dict, MaybeRef, Name, ObjRef, Object, Stream};
use hayro_syntax::page::{Page, Rotation};
use hayro_syntax::xref::XRef;
use pdf_writer::{Null, Obj, Str};

use super::super::failure::{Failure, guarded, unreadable};
use super::annotations::{Annotations, annotations};
use super::content::{check_packing, unpack};
use super::drawings::Drawings;
use super::images::Images;
use crate::ReportError;
use crate::layout::{Figure, Orientation};
use crate::limits::{
    PDF_COPIED_BYTES_MAX, PDF_DIRECT_NESTING_MAX, PDF_OBJECTS_MAX, PDF_PAGE_CONTENT_BYTES_MAX,
};
use crate::pdf::{ObjectId, PdfFile};

/// Copies pages of one document into the report's file.
///
/// What several pages share is copied once: of a copied object only its number is kept.
pub(super) struct Importer<'p> {
    document: &'p XRef,
    drawings: Drawings<'p>,
    images: Images<'p>,
    copied: HashMap<ObjRef, ObjectId>,
    waiting: Vec<(ObjRef, Role)>,
    bytes: u64,
    /// Whether everything that the pages draw could be copied.
    pub whole: bool,
    pub fonts_embedded: bool,
    /// Whether there are texts that cannot be seen on the pages.
    pub unseen_notes: bool,
    /// Where the links of the last page lead.
    pub links: Vec<String>,
}

/// What the keys of a dictionary are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Words of the standard.
    Plain,
    /// The kinds of resources.
    Resources,
    /// Names that the document's maker chose: any word may stand here.
    Names,
    /// Such names, of the shapes of a font's letters (ISO 32000-1, 9.6.5).
    Glyphs,
    /// Words of the standard, for such a shape.
    Glyph,
}

impl Role {
    /// The role of what stands under a key; `None` if it is not to be copied.
    fn of(self, key: &[u8]) -> Option<Self> {
        match self {
            Self::Names => Some(Self::Plain),
            Self::Glyphs => Some(Self::Glyph),
            Self::Resources => match key {
                b"Font" | b"XObject" | b"ExtGState" | b"ColorSpace" | b"Pattern" | b"Shading"
                | b"Properties" => Some(Self::Names),
                _ => None,
            },
            Self::Plain | Self::Glyph => match key {
                b"Resources" => Some(Self::Resources),
                b"CharProcs" => Some(Self::Glyphs),
                b"Colorants" => Some(Self::Names),
                _ if LEFT_BEHIND.contains(&key) => None,
                _ => Some(Self::Plain),
            },
        }
    }
}

/// What is not needed to draw a page: what does something, what refers to other files, to other
/// pages or to the document's structure, and what only its maker's program reads.
const LEFT_BEHIND: [&[u8]; 25] = [
    b"AA",
    b"AF",
    b"AcroForm",
    b"Alternates",
    b"Annots",
    b"EF",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"JS",
    b"JavaScript",
    b"Kids",
    b"LastModified",
    b"Metadata",
    b"OC",
    b"OPI",
    b"OpenAction",
    b"Parent",
    b"PieceInfo",
    b"PtData",
    b"RF",
    b"Ref",
    b"RichMedia",
    b"StructParent",
    b"StructParents",
    b"Threads",
];

/// Dictionaries that are never copied, wherever they are referred to.
const LEFT_BEHIND_TYPES: [&[u8]; 18] = [
    b"Action",
    b"Annot",
    b"Catalog",
    b"Collection",
    b"EmbeddedFile",
    b"F",
    b"Filespec",
    b"Metadata",
    b"ObjStm",
    b"Outlines",
    b"Page",
    b"Pages",
    b"Rendition",
    b"Sig",
    b"StructElem",
    b"StructTreeRoot",
    b"Thread",
    b"XRef",
];

/// Kinds of actions (ISO 32000-1, 12.6.4), by which they are known where they do not say so.
const ACTIONS: [&[u8]; 19] = [
    b"GoTo",
    b"GoTo3DView",
    b"GoToE",
    b"GoToR",
    b"Hide",
    b"ImportData",
    b"JavaScript",
    b"Launch",
    b"Movie",
    b"Named",
    b"Rendition",
    b"ResetForm",
    b"RichMediaExecute",
    b"SetOCGState",
    b"Sound",
    b"SubmitForm",
    b"Thread",
    b"Trans",
    b"URI",
];

impl<'p> Importer<'p> {
    pub fn new(document: &'p XRef) -> Self {
        Self {
            document,
            drawings: Drawings::new(document),
            images: Images::new(document),
            copied: HashMap::new(),
            waiting: Vec::new(),
            bytes: 0,
            whole: true,
            fonts_embedded: true,
            unseen_notes: false,
            links: Vec::new(),
        }
    }

    /// Copies a page with all that it draws.
    pub fn import(
        &mut self,
        file: &mut PdfFile,
        page: &Page<'p>,
        alt: String,
    ) -> Result<Figure, Failure> {
        file.note_foreign_pages();
        // Nothing is half written when a reader panics: an object is read before it is placed.
        guarded(|| self.import_page(file, page, alt))
    }

    fn import_page(
        &mut self,
        file: &mut PdfFile,
        page: &Page<'p>,
        alt: String,
    ) -> Result<Figure, Failure> {
        let bounds = page.intersected_crop_box();
        let (width, height) = page.base_dimensions();
        let unit = page.raw().get::<f32>("UserUnit").unwrap_or(1.0);
        let unit = if unit.is_finite() && unit >= 1.0 {
            unit
        } else {
            1.0
        };
        let [x, y] = [bounds.x0 as f32, bounds.y0 as f32];
        let area = [x, y, x + width, y + height];
        if !area.iter().all(|side| side.is_finite()) {
            return Err(unreadable("it has no size"));
        }
        let mut annotations = annotations(page);
        self.links = std::mem::take(&mut annotations.links);
        let appearances = annotations.appearances.iter().map(|shown| shown.object);
        let streams = content_streams(page);
        self.images.check(page, &streams, appearances.clone())?;
        self.drawings.check(page, &streams, appearances)?;
        let drawn = self.page_form(file, page, area)?;
        self.unseen_notes |= annotations.unseen;
        let object = if annotations.appearances.is_empty() {
            drawn
        } else {
            self.with_annotations(file, drawn, &annotations, area)?
        };
        self.copy_waiting(file)?;
        Ok(Figure {
            objects: vec![object],
            size: [width * unit, height * unit],
            placed: [unit, 0.0, 0.0, unit, -x * unit, -y * unit],
            orientation: Orientation::turned(match page.rotation() {
                Rotation::None => 0,
                Rotation::Horizontal => 1,
                Rotation::Flipped => 2,
                Rotation::FlippedHorizontal => 3,
            }),
            alt,
        })
    }

    /// The page's own content as a form (8.10).
    fn page_form(
        &mut self,
        file: &mut PdfFile,
        page: &Page<'p>,
        area: [f32; 4],
    ) -> Result<ObjectId, Failure> {
        let content = page_content(page)?;
        self.count(content.bytes.len())?;
        let resources = page.raw().get_raw::<Object<'_>>("Resources");
        let group = page.raw().get::<Dict<'_>>("Group");
        let inherited = page.resources();
        let inherited = [
            ("Font", &inherited.fonts),
            ("XObject", &inherited.x_objects),
            ("ExtGState", &inherited.ext_g_states),
            ("ColorSpace", &inherited.color_spaces),
            ("Pattern", &inherited.patterns),
            ("Shading", &inherited.shadings),
            ("Properties", &inherited.properties),
        ];
        match &resources {
            Some(own) => self.note(file, own, Role::Resources, 0)?,
            None => {
                for (_, names) in inherited {
                    self.note_dict(file, names, Role::Names, 0)?;
                }
            }
        }
        if let Some(group) = &group {
            self.note_dict(file, group, Role::Plain, 0)?;
        }
        for packing in &content.packing {
            self.note(file, &packing.1, Role::Plain, 0)?;
        }
        let id = file.reserve()?;
        let packed = !content.packing.is_empty();
        let describe = |dict: &mut pdf_writer::Dict<'_>| {
            form(dict, area);
            for (key, value) in &content.packing {
                self.write(dict.insert(pdf_writer::Name(key)), value, Role::Plain, 0);
            }
            if let Some(group) = &group {
                let entry = dict.insert(pdf_writer::Name(b"Group"));
                self.write_dict(entry, group, Role::Plain, 0);
            }
            let entry = dict.insert(pdf_writer::Name(b"Resources"));
            match &resources {
                Some(own) => self.write(entry, own, Role::Resources, 0),
                None => {
                    let mut all = entry.dict();
                    for (key, names) in inherited.iter().filter(|(_, names)| !names.is_empty()) {
                        let entry = all.insert(pdf_writer::Name(key.as_bytes()));
                        self.write_dict(entry, names, Role::Names, 0);
                    }
                }
            }
        };
        if packed {
            file.streamed(id, describe, |out| out.write_all(&content.bytes))?;
        } else {
            file.stream(id, content.bytes.to_vec(), describe)?;
        }
        Ok(id)
    }

    /// A form that shows a page and on it what its annotations look like.
    fn with_annotations(
        &mut self,
        file: &mut PdfFile,
        page: ObjectId,
        annotations: &Annotations,
        area: [f32; 4],
    ) -> Result<ObjectId, Failure> {
        let mut content = "q/P Do Q\n".to_owned();
        let mut objects = Vec::new();
        for (nth, appearance) in annotations.appearances.iter().enumerate() {
            let [a, b, c, d, e, f] = appearance.matrix;
            content.push_str(&format!(
                "q {a:.5} {b:.5} {c:.5} {d:.5} {e:.3} {f:.3} cm/A{nth} Do Q\n"
            ));
            objects.push(self.number(file, appearance.object, Role::Plain)?);
        }
        let id = file.reserve()?;
        file.stream(id, content.into_bytes(), |dict| {
            form(dict, area);
            let mut resources = dict.insert(pdf_writer::Name(b"Resources")).dict();
            let mut names = resources.insert(pdf_writer::Name(b"XObject")).dict();
            names.pair(pdf_writer::Name(b"P"), page);
            for (nth, object) in objects.iter().enumerate() {
                names.pair(pdf_writer::Name(format!("A{nth}").as_bytes()), *object);
            }
        })?;
        Ok(id)
    }

    /// Copies what has been referred to, and what that refers to.
    fn copy_waiting(&mut self, file: &mut PdfFile) -> Result<(), Failure> {
        while let Some((reference, role)) = self.waiting.pop() {
            let Some(id) = self.copied.get(&reference).copied() else {
                continue;
            };
            let object = guarded(|| Ok(self.document.get::<Object<'_>>(reference.into())));
            let copied = match object {
                Ok(Some(object)) => guarded(|| self.copy(file, id, &object, role)),
                _ => Err(unreadable("an object is missing")),
            };
            match copied {
                Ok(()) => {}
                Err(Failure::Report(error)) => return Err(error.into()),
                Err(Failure::Unreadable(_)) => {
                    // An object that does not exist counts as null (7.3.10), and often means
                    // nothing; the page is drawn without it, as readers of PDF files do.
                    file.object(id, |object| object.primitive(Null))?;
                }
            }
        }
        Ok(())
    }

    fn copy(
        &mut self,
        file: &mut PdfFile,
        id: ObjectId,
        object: &Object<'_>,
        role: Role,
    ) -> Result<(), Failure> {
        let Object::Stream(stream) = object else {
            self.note_object(file, object, role, 0)?;
            file.object(id, |out| self.write_object(out, object, role, 0))?;
            return Ok(());
        };
        let dict = stream.dict();
        let elsewhere = matches!(
            dict.get::<Object<'_>>("F"),
            Some(Object::String(_) | Object::Dict(_))
        );
        let encrypted = stream.filters().first() == Some(&Filter::Crypt);
        if elsewhere || encrypted || is_left_behind(dict) {
            self.whole &= !elsewhere && !encrypted;
            return Err(unreadable("it is not part of the page"));
        }
        let image = dict
            .get::<Name<'_>>("Subtype")
            .is_some_and(|kind| &*kind == b"Image");
        // Those that a page draws are looked at before it is taken over.
        if !image && let Err(failure) = check_packing(stream) {
            self.whole = false;
            return Err(failure);
        }
        let data = stream.raw_data();
        self.count(data.len())?;
        let entries: Vec<_> = entries(dict, Role::Plain)
            .filter(|(key, ..)| !matches!(&**key, b"Length" | b"F" | b"FFilter" | b"FDecodeParms"))
            .collect();
        for (_, value, role) in &entries {
            self.note(file, value, *role, 0)?;
        }
        file.streamed(
            id,
            |out| {
                for (key, value, role) in &entries {
                    self.write(out.insert(pdf_writer::Name(key)), value, *role, 0);
                }
            },
            |out| out.write_all(&data),
        )?;
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.bytes > PDF_COPIED_BYTES_MAX {
            self.whole = false;
            return Err(unreadable(format!(
                "the pages before it take {} MB, which is all that is copied of one document",
                PDF_COPIED_BYTES_MAX / 1_000_000
            )));
        }
        Ok(())
    }

    /// The number of an object in the report's file; one that is new waits to be copied.
    fn number(
        &mut self,
        file: &mut PdfFile,
        reference: ObjRef,
        role: Role,
    ) -> Result<ObjectId, ReportError> {
        if let Some(id) = self.copied.get(&reference) {
            return Ok(*id);
        }
        let id = file.reserve()?;
        if self.copied.len() < PDF_OBJECTS_MAX {
            self.copied.insert(reference, id);
            self.waiting.push((reference, role));
        } else {
            self.whole = false;
        }
        Ok(id)
    }

    /// Gives numbers to all that a value refers to, before it is written.
    fn note(
        &mut self,
        file: &mut PdfFile,
        value: &MaybeRef<Object<'_>>,
        role: Role,
        depth: usize,
    ) -> Result<(), Failure> {
        match value {
            MaybeRef::Ref(reference) => {
                self.number(file, *reference, role)?;
                Ok(())
            }
            MaybeRef::NotRef(object) => self.note_object(file, object, role, depth),
        }
    }

    fn note_object(
        &mut self,
        file: &mut PdfFile,
        object: &Object<'_>,
        role: Role,
        depth: usize,
    ) -> Result<(), Failure> {
        match object {
            Object::Dict(dict) => self.note_dict(file, dict, role, depth),
            Object::Array(array) if depth < PDF_DIRECT_NESTING_MAX => {
                for element in elements(array) {
                    self.note(file, &element, role, depth + 1)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note_dict(
        &mut self,
        file: &mut PdfFile,
        dict: &Dict<'_>,
        role: Role,
        depth: usize,
    ) -> Result<(), Failure> {
        if depth >= PDF_DIRECT_NESTING_MAX || is_left_behind(dict) {
            return Ok(());
        }
        self.fonts_embedded &= has_its_font(dict);
        for (_, value, role) in entries(dict, role) {
            self.note(file, &value, role, depth + 1)?;
        }
        Ok(())
    }

    fn write(&self, out: Obj<'_>, value: &MaybeRef<Object<'_>>, role: Role, depth: usize) {
        match value {
            MaybeRef::Ref(reference) => match self.copied.get(reference) {
                Some(id) => out.primitive(*id),
                None => out.primitive(Null),
            },
            MaybeRef::NotRef(object) => self.write_object(out, object, role, depth),
        }
    }

    fn write_object(&self, out: Obj<'_>, object: &Object<'_>, role: Role, depth: usize) {
        match object {
            Object::Boolean(held) => out.primitive(*held),
            Object::Number(number) => {
                let number = number.as_f64();
                if number.fract() == 0.0 && number.abs() < f64::from(i32::MAX) {
                    out.primitive(number as i32);
                } else {
                    out.primitive(number as f32);
                }
            }
            Object::String(text) => out.primitive(Str(text.as_bytes())),
            Object::Name(name) => out.primitive(pdf_writer::Name(name)),
            Object::Dict(dict) => self.write_dict(out, dict, role, depth),
            Object::Array(array) if depth < PDF_DIRECT_NESTING_MAX => {
                let mut out = out.array();
                for element in elements(array) {
                    self.write(out.push(), &element, role, depth + 1);
                }
            }
            Object::Null(_) | Object::Array(_) | Object::Stream(_) => out.primitive(Null),
        }
    }

    fn write_dict(&self, out: Obj<'_>, dict: &Dict<'_>, role: Role, depth: usize) {
        if depth >= PDF_DIRECT_NESTING_MAX || is_left_behind(dict) {
            out.primitive(Null);
            return;
        }
        let mut out = out.dict();
        for (key, value, role) in entries(dict, role) {
            self.write(out.insert(pdf_writer::Name(&key)), &value, role, depth + 1);
        }
    }
}

/// A page's content, packed as it was if `packing` says how.
struct PageContent<'p> {
    bytes: std::borrow::Cow<'p, [u8]>,
    packing: Vec<(&'static [u8], MaybeRef<Object<'p>>)>,
}

fn content_streams<'p>(page: &Page<'p>) -> Vec<Stream<'p>> {
    match page.raw().get::<Object<'p>>("Contents") {
        Some(Object::Stream(stream)) => vec![stream],
        Some(Object::Array(array)) => array.iter::<Stream<'p>>().collect(),
        _ => Vec::new(),
    }
}

fn page_content<'p>(page: &Page<'p>) -> Result<PageContent<'p>, Failure> {
    let streams = content_streams(page);
    if let [stream] = &streams[..]
        && stream
            .filters()
            .first()
            .is_some_and(|filter| *filter != Filter::Crypt)
    {
        let packing = [&b"Filter"[..], b"DecodeParms"]
            .into_iter()
            .filter_map(|key| {
                let value = stream.dict().get_raw::<Object<'p>>(key)?;
                Some((key, value))
            });
        return Ok(PageContent {
            bytes: stream.raw_data(),
            packing: packing.collect(),
        });
    }
    let mut bytes = Vec::new();
    for stream in &streams {
        bytes.extend_from_slice(&unpack(stream)?);
        // Two parts are parted by white space (7.8.2).
        bytes.push(b'\n');
        if bytes.len() as u64 > PDF_PAGE_CONTENT_BYTES_MAX {
            return Err(unreadable("its content is too long"));
        }
    }
    Ok(PageContent {
        bytes: bytes.into(),
        packing: Vec::new(),
    })
}

fn form(dict: &mut pdf_writer::Dict<'_>, area: [f32; 4]) {
    dict.pair(pdf_writer::Name(b"Type"), pdf_writer::Name(b"XObject"));
    dict.pair(pdf_writer::Name(b"Subtype"), pdf_writer::Name(b"Form"));
    dict.insert(pdf_writer::Name(b"BBox")).array().items(area);
}

pub(super) fn entries<'d, 'p>(
    dict: &'d Dict<'p>,
    role: Role,
) -> impl Iterator<Item = (Name<'p>, MaybeRef<Object<'p>>, Role)> + use<'d, 'p> {
    dict.entries()
        .filter_map(move |(key, value)| Some((key.clone(), value, role.of(&key)?)))
}

pub(super) fn elements<'d>(array: &Array<'d>) -> impl Iterator<Item = MaybeRef<Object<'d>>> {
    array.raw_iter()
}

pub(super) fn is_left_behind(dict: &Dict<'_>) -> bool {
    let is_one_of = |key: &str, words: &[&[u8]]| {
        dict.get::<Name<'_>>(key)
            .is_some_and(|name| words.contains(&&*name))
    };
    is_one_of("Type", &LEFT_BEHIND_TYPES) || is_one_of("S", &ACTIONS)
}

/// Whether a dictionary, if it is a font, brings its outlines (9.8, 9.9).
fn has_its_font(dict: &Dict<'_>) -> bool {
    let is = |key: &str, word: &[u8]| dict.get::<Name<'_>>(key).is_some_and(|name| &*name == word);
    if !is("Type", b"Font") || is("Subtype", b"Type0") || is("Subtype", b"Type3") {
        return true;
    }
    let descriptor = dict.get::<Dict<'_>>("FontDescriptor").unwrap_or_default();
    ["FontFile", "FontFile2", "FontFile3"]
        .iter()
        .any(|key| descriptor.contains_key(key))
}

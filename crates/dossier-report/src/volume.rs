//! One file of a report, from its first page to its end.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use pdf_writer::types::{ActionType, AnnotationFlags, AnnotationType, PageMode};
use pdf_writer::writers::{Annotation, Catalog, DocumentInfo, Outline, OutlineItem};
use pdf_writer::{Date, Dict, Name, Rect, TextStr};

use crate::ReportError;
use crate::layout::{Canvas, Drawing, Furniture, Paper, continued, paper};
use crate::pdf::{
    CREATOR, Element, Facts, LinkPlace, ObjectId, PageTree, PdfFile, Role, Structure, write_fonts,
    write_metadata, write_output_intent,
};
use crate::text::{Fonts, GlyphUse};

/// Shows the header and the footer, which all section pages share.
const SHOW_FURNITURE: &str = "/Artifact<</Type/Pagination>>BDC\n/H Do\nEMC\n";

const MEDIA: Rect = Rect {
    x1: 0.0,
    y1: 0.0,
    x2: paper::WIDTH,
    y2: paper::HEIGHT,
};

/// A file of a report while its pages are written.
pub(crate) struct Volume {
    path: PathBuf,
    file: PdfFile,
    tree: PageTree,
    structure: Structure,
    document: Element,
    front: Element,
    phase: Phase,
    /// Pages of the front: their places in the file's order are fixed before their content is known.
    promised: VecDeque<Slot>,
    /// The page that is being filled, once anything is on it.
    current: Option<Slot>,
    sections: Vec<SectionStart>,
    unsupported: u64,
    /// What the resources of all pages refer to, written when all pages are.
    shared: SharedResources,
    /// Which of the files of a page this is.
    side: Side,
    unfinished: Unfinished,
}

/// Which of the files that a page goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Report,
    Copy,
}

#[derive(Clone, Copy)]
struct SharedResources {
    fonts: ObjectId,
    furniture: ObjectId,
}

/// Which pages are being filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Covers and contents.
    Front,
    /// Sections, with headers, footers and page numbers.
    Sections,
    /// What stands behind the sections.
    Rear,
}

/// Where a section starts, or goes on, in a volume.
#[derive(Clone, Copy)]
pub(crate) struct SectionStart {
    /// Its place among the report's sections.
    pub section: usize,
    /// The page, counted from 1.
    pub number: u32,
    /// Whether it began in another volume.
    pub is_continued: bool,
    page: ObjectId,
}

#[derive(Clone, Copy)]
struct Slot {
    page: ObjectId,
    parent: ObjectId,
    /// Counted from 1.
    number: u32,
}

/// What the end of a volume needs.
pub(crate) struct Ending<'e> {
    pub facts: Facts<'e>,
    pub furniture: &'e Furniture,
    pub fonts: &'e Fonts,
    pub uses: &'e [GlyphUse],
    /// The labels of the report's sections.
    pub labels: &'e [&'e str],
    /// What tells one report from another, for the file's identifier (14.4).
    pub seed: &'e str,
}

/// A file that is removed unless it is finished.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The error that left it unfinished is the one to tell.
            let _ = fs::remove_file(path);
        }
    }
}

impl Volume {
    /// Starts a file with room for `front` pages before all others.
    pub fn create(path: &Path, side: Side, front: usize) -> Result<Self, ReportError> {
        Self::start(path, side, front, |file| {
            let (mut structure, document) = Structure::new(file)?;
            let part = structure.open(file, document, Role::Part)?;
            Ok((structure, document, part))
        })
    }

    /// Starts the file that goes on where this one is full: what is open ends here and goes on
    /// there.
    pub fn continued(&mut self, path: &Path, front: usize) -> Result<Self, ReportError> {
        let section = self.sections.last().map(|start| start.section);
        let mut volume = Self::start(path, self.side, front, |file| {
            let structure = self.structure.continued(&mut self.file, file)?;
            Ok((structure, self.document, self.front))
        })?;
        if let Some(section) = section {
            volume.note_section(section, true)?;
        }
        Ok(volume)
    }

    /// Starts a file whose structure, document and front part are made in it by `structure`.
    fn start(
        path: &Path,
        side: Side,
        front: usize,
        structure: impl FnOnce(&mut PdfFile) -> Result<(Structure, Element, Element), ReportError>,
    ) -> Result<Self, ReportError> {
        let mut file = PdfFile::create(path)?;
        let unfinished = Unfinished(Some(path.to_owned()));
        let shared = SharedResources::reserve(&mut file)?;
        let (structure, document, part) = structure(&mut file)?;
        let mut volume = Self {
            path: path.to_owned(),
            file,
            tree: PageTree::default(),
            structure,
            document,
            front: part,
            phase: Phase::Sections,
            promised: VecDeque::new(),
            current: None,
            sections: Vec::new(),
            unsupported: 0,
            shared,
            side,
            unfinished,
        };
        for _ in 0..front {
            let slot = volume.slot()?;
            volume.promised.push_back(slot);
        }
        Ok(volume)
    }

    /// The element of the whole document.
    pub fn document(&self) -> Element {
        self.document
    }

    /// The element of the pages before the sections.
    pub fn front(&self) -> Element {
        self.front
    }

    /// Says which pages come next.
    pub fn turn_to(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Notes that a section starts on the page that is being filled.
    pub fn begin_section(&mut self, section: usize) -> Result<(), ReportError> {
        self.note_section(section, false)
    }

    fn note_section(&mut self, section: usize, is_continued: bool) -> Result<(), ReportError> {
        let slot = self.current()?;
        self.sections.push(SectionStart {
            section,
            number: slot.number,
            is_continued,
            page: slot.page,
        });
        Ok(())
    }

    /// Pages so far, promised ones included.
    pub fn pages(&self) -> u32 {
        self.tree.len()
    }

    /// Bytes written so far; waits until all pages so far are.
    pub fn bytes(&mut self) -> Result<u64, ReportError> {
        self.file.bytes()
    }

    /// Characters so far that cannot be shown.
    pub fn unsupported(&self) -> u64 {
        self.unsupported
    }

    /// Where sections start.
    pub fn sections(&self) -> &[SectionStart] {
        &self.sections
    }

    fn slot(&mut self) -> Result<Slot, ReportError> {
        let (page, parent) = self.tree.add(&mut self.file)?;
        let number = self.tree.len();
        Ok(Slot {
            page,
            parent,
            number,
        })
    }

    /// The page that is being filled.
    fn current(&mut self) -> Result<Slot, ReportError> {
        if let Some(slot) = self.current {
            return Ok(slot);
        }
        let promised = match self.phase {
            Phase::Front => self.promised.pop_front(),
            Phase::Sections | Phase::Rear => None,
        };
        let slot = match promised {
            Some(slot) => slot,
            None => self.slot()?,
        };
        self.structure.begin_page(slot.page);
        self.current = Some(slot);
        Ok(slot)
    }

    fn write_page(&mut self, canvas: &Canvas, furniture: &Furniture) -> Result<(), ReportError> {
        let slot = self.current()?;
        self.current = None;
        let mut data = self.file.buffer();
        let furnished = self.phase == Phase::Sections;
        if furnished {
            data.extend_from_slice(SHOW_FURNITURE.as_bytes());
        }
        canvas.write_content(&mut data);
        if furnished {
            furniture.page_number(slot.number).write_content(&mut data);
        }
        let content = self.file.reserve()?;
        self.file.bare_stream(content, data)?;
        let links = self.write_links(canvas)?;
        let key = self.structure.end_page(&mut self.file)?;
        let (shared, side) = (self.shared, self.side);
        self.file.object(slot.page, |object| {
            let mut dict = object.dict();
            dict.pair(Name(b"Type"), Name(b"Page"));
            dict.pair(Name(b"Parent"), slot.parent);
            dict.pair(Name(b"Contents"), content);
            if let Some(key) = key {
                dict.pair(Name(b"StructParents"), key);
            }
            if !canvas.drawings().is_empty() {
                let mut resources = dict.insert(Name(b"Resources")).dict();
                shared.write(&mut resources, canvas.drawings(), side);
            }
            if !links.is_empty() {
                dict.insert(Name(b"Annots")).array().items(links);
                // The order of the structure (ISO 14289-1, 7.18.3).
                dict.pair(Name(b"Tabs"), Name(b"S"));
            }
        })?;
        self.unsupported += canvas.unsupported;
        Ok(())
    }

    fn write_links(&mut self, canvas: &Canvas) -> Result<Vec<ObjectId>, ReportError> {
        let mut written = Vec::new();
        for link in canvas.links() {
            let target = self.sections.iter().find(|s| s.section == link.section);
            let LinkPlace { id, key } = link.place;
            written.push(id);
            self.file.object(id, |object| {
                let [left, bottom, right, top] = link.area;
                let mut annotation: Annotation<'_> = object.start();
                annotation.subtype(AnnotationType::Link);
                annotation.rect(Rect::new(left, bottom, right, top));
                annotation.border(0.0, 0.0, 0.0, None);
                // Shown on paper too (ISO 19005-2, 6.3.2).
                annotation.flags(AnnotationFlags::PRINT);
                annotation.contents(TextStr(&link.description));
                annotation.pair(Name(b"StructParent"), key);
                if let Some(target) = target {
                    annotation
                        .action()
                        .action_type(ActionType::GoTo)
                        .destination()
                        .page(target.page)
                        .fit();
                }
            })?;
        }
        Ok(written)
    }

    /// The file, for what is drawn on its pages.
    pub fn file(&mut self) -> &mut PdfFile {
        &mut self.file
    }

    /// Writes fonts and furniture; returns the resources of all pages.
    fn write_resources(&mut self, ending: &Ending<'_>) -> Result<ObjectId, ReportError> {
        let shared = self.shared;
        let faces = write_fonts(&mut self.file, ending.fonts, ending.uses)?;
        self.file.object(shared.fonts, |object| {
            let mut fonts = object.dict();
            for (face, id) in &faces {
                fonts.pair(Name(format!("F{face}").as_bytes()), *id);
            }
        })?;
        let resources = self.file.reserve()?;
        self.file.object(resources, |object| {
            shared.write(&mut object.dict(), &[], self.side);
        })?;
        let mut content = Vec::new();
        ending.furniture.canvas().write_content(&mut content);
        self.file.stream(shared.furniture, content, |dict| {
            dict.pair(Name(b"Type"), Name(b"XObject"));
            dict.pair(Name(b"Subtype"), Name(b"Form"));
            dict.pair(Name(b"BBox"), MEDIA);
            dict.pair(Name(b"Resources"), resources);
        })?;
        Ok(resources)
    }

    /// Writes what the pages refer to, and the file's end; returns the file's length in bytes.
    pub fn finish(mut self, ending: &Ending<'_>) -> Result<(PathBuf, u64), ReportError> {
        while !self.promised.is_empty() {
            self.turn_to(Phase::Front);
            self.write_page(&Canvas::default(), ending.furniture)?;
        }
        self.structure.close(&mut self.file, self.front)?;
        let resources = self.write_resources(ending)?;
        let root = self.tree.finish(&mut self.file, resources, MEDIA)?;
        let structure = self.structure.finish(&mut self.file, self.document)?;
        let outline = write_outline(&mut self.file, ending.labels, &self.sections)?;
        let metadata = write_metadata(&mut self.file, &ending.facts)?;
        let intent = write_output_intent(&mut self.file)?;
        let catalog = self.file.reserve()?;
        let language = ending.facts.language;
        self.file.object(catalog, |object| {
            let mut catalog: Catalog<'_> = object.start();
            catalog.pages(root);
            catalog.lang(TextStr(language));
            catalog.viewer_preferences().display_doc_title(true);
            catalog.metadata(metadata);
            catalog.mark_info().marked(true);
            catalog.pair(Name(b"StructTreeRoot"), structure);
            catalog.insert(Name(b"OutputIntents")).array().item(intent);
            if let Some(outline) = outline {
                catalog.outlines(outline).page_mode(PageMode::UseOutlines);
            }
        })?;
        let info = self.file.reserve()?;
        self.file.object(info, |object| {
            let mut info: DocumentInfo<'_> = object.start();
            info.title(TextStr(ending.facts.title));
            info.creator(TextStr(CREATOR));
            info.creation_date(pdf_date(ending.facts.date));
        })?;
        let bytes = self.file.finish(catalog, info, ending.seed)?;
        self.unfinished.0 = None;
        Ok((self.path, bytes))
    }
}

/// A volume whose pages are being filled, with what its section pages show around them.
pub(crate) struct Filling<'v> {
    pub volume: &'v mut Volume,
    pub furniture: &'v Furniture,
}

impl Paper for Filling<'_> {
    fn page(&mut self, canvas: &Canvas) -> Result<(), ReportError> {
        self.volume.write_page(canvas, self.furniture)
    }

    fn open(&mut self, parent: Element, role: Role) -> Result<Element, ReportError> {
        let Volume {
            structure, file, ..
        } = &mut *self.volume;
        structure.open(file, parent, role)
    }

    fn open_first(&mut self, parent: Element, role: Role) -> Result<Element, ReportError> {
        let Volume {
            structure, file, ..
        } = &mut *self.volume;
        structure.open_first(file, parent, role)
    }

    fn open_cell(
        &mut self,
        row: Element,
        role: Role,
        columns: usize,
    ) -> Result<Element, ReportError> {
        let Volume {
            structure, file, ..
        } = &mut *self.volume;
        structure.open_cell(file, row, role, columns)
    }

    fn close(&mut self, element: Element) -> Result<(), ReportError> {
        let Volume {
            structure, file, ..
        } = &mut *self.volume;
        structure.close(file, element)
    }

    fn mark(&mut self, element: Element) -> Result<u32, ReportError> {
        self.volume.current()?;
        let Volume {
            structure, file, ..
        } = &mut *self.volume;
        structure.mark(file, element)
    }

    fn open_figure(
        &mut self,
        parent: Element,
        alternative: &str,
        area: [f32; 4],
    ) -> Result<Element, ReportError> {
        let Volume {
            structure, file, ..
        } = &mut *self.volume;
        structure.open_figure(file, parent, alternative, area)
    }

    fn files(&mut self) -> Result<Vec<&mut PdfFile>, ReportError> {
        Ok(vec![&mut self.volume.file])
    }

    fn volume(&self) -> usize {
        0
    }

    fn page_number(&mut self) -> Result<u32, ReportError> {
        Ok(self.volume.current()?.number)
    }

    fn link(&mut self, element: Element) -> Result<LinkPlace, ReportError> {
        self.volume.current()?;
        let Volume {
            structure, file, ..
        } = &mut *self.volume;
        structure.link(file, element)
    }
}

impl SharedResources {
    fn reserve(file: &mut PdfFile) -> Result<Self, ReportError> {
        Ok(Self {
            fonts: file.reserve()?,
            furniture: file.reserve()?,
        })
    }

    fn write(self, resources: &mut Dict<'_>, drawings: &[Drawing], side: Side) {
        resources.pair(Name(b"Font"), self.fonts);
        let mut objects = resources.insert(Name(b"XObject")).dict();
        objects.pair(Name(b"H"), self.furniture);
        for (nth, drawing) in drawings.iter().enumerate() {
            // What is on the pages of one file only has one object.
            let object = match drawing.objects[..] {
                [single] => Some(single),
                ref both => both.get(side as usize).copied(),
            };
            if let Some(object) = object {
                objects.pair(Name(format!("X{nth}").as_bytes()), object);
            }
        }
    }
}

fn write_outline(
    file: &mut PdfFile,
    labels: &[&str],
    starts: &[SectionStart],
) -> Result<Option<ObjectId>, ReportError> {
    let items = starts
        .iter()
        .map(|_| file.reserve())
        .collect::<Result<Vec<_>, _>>()?;
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return Ok(None);
    };
    let root = file.reserve()?;
    file.object(root, |object| {
        let mut outline: Outline<'_> = object.start();
        outline.first(*first).last(*last).count(items.len() as i32);
    })?;
    for (place, start) in starts.iter().enumerate() {
        let label = labels.get(start.section).copied().unwrap_or_default();
        let label = match start.is_continued {
            true => Cow::Owned(continued(label)),
            false => Cow::Borrowed(label),
        };
        file.object(items[place], |object| {
            let mut item: OutlineItem<'_> = object.start();
            item.title(TextStr(&label)).parent(root);
            if let Some(before) = place.checked_sub(1) {
                item.prev(items[before]);
            }
            if let Some(next) = items.get(place + 1) {
                item.next(*next);
            }
            item.dest().page(start.page).fit();
        })?;
    }
    Ok(Some(root))
}

fn pdf_date(date: jiff::civil::Date) -> Date {
    Date::new(date.year().unsigned_abs())
        .month(date.month().unsigned_abs())
        .day(date.day().unsigned_abs())
}

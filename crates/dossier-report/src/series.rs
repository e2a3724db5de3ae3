//! Files that are written side by side, and one after the other where a report is large.

use crate::volume::{Filling, Side, Volume};
use std::path::{Path, PathBuf};

use crate::ReportError;
use crate::layout::{Canvas, Furniture, Paper};
use crate::limits::VOLUME_END_BYTES_MAX;
use crate::pdf::{Element, LinkPlace, PdfFile, Role};
use crate::report::Output;
use crate::write::{FixedPages, Pair, with_addition};

/// The volume that is being filled, as the report's file and the copy's; both take the same pages,
/// so that their elements and marks have the same numbers.
pub(crate) struct Series<'s> {
    output: &'s Output,
    sizes: FixedPages,
    furniture: &'s Furniture,
    /// The place of the volume that is being filled, counted from 0.
    volume: usize,
    current: Pair,
    done: Vec<Pair>,
    /// Whether the section that is being written may be cut where the volume ends.
    may_cut: bool,
    /// Whether the next page belongs to the next volume.
    full: bool,
    gave_up: bool,
    /// Pages that may still be filled although the volume is full, because what is drawn on one of
    /// them is in its file already.
    held_pages: u8,
}

/// The page that is being filled when something to be drawn is written, and the next one, where it
/// is drawn if the first has no room for it.
const HELD_PAGES: u8 = 2;

/// What became of sections that were to fill a volume.
pub(crate) enum Filled {
    /// The volumes, and the section that the next one starts with.
    Volumes(Vec<Pair>, usize),
    /// The volume ended before this section did.
    NoRoomFor(usize),
}

impl<'s> Series<'s> {
    /// Starts the volume at this place, counted from 0.
    pub fn new(
        output: &'s Output,
        sizes: FixedPages,
        furniture: &'s Furniture,
        volume: usize,
    ) -> Result<Self, ReportError> {
        let create =
            |path: &Path, side, front| Volume::create(&in_volume(path, volume), side, front);
        let report = create(&output.report, Side::Report, sizes.front)?;
        let copy = match &output.copy {
            Some(path) => Some(create(path, Side::Copy, sizes.copy_front)?),
            None => None,
        };
        Ok(Self {
            output,
            sizes,
            furniture,
            volume,
            current: Pair { report, copy },
            done: Vec::new(),
            may_cut: true,
            full: false,
            gave_up: false,
            held_pages: 0,
        })
    }

    /// The element of the whole document, the same in all files.
    pub fn document(&self) -> Element {
        self.current.report.document()
    }

    /// Begins a section. Only the first of a volume may be cut, if it is too large for a volume.
    pub fn begin_section(&mut self, section: usize, may_cut: bool) -> Result<(), ReportError> {
        self.may_cut = may_cut;
        self.current.report.begin_section(section)?;
        match &mut self.current.copy {
            Some(copy) => copy.begin_section(section),
            None => Ok(()),
        }
    }

    /// Whether the next page belongs to the next volume.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Whether the volume was full before the section ended, and the section may not be cut.
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Whether the section was cut.
    pub fn has_continued(&self) -> bool {
        !self.done.is_empty()
    }

    /// The volumes, in order.
    pub fn into_pairs(mut self) -> Vec<Pair> {
        self.done.push(self.current);
        self.done
    }

    /// Makes room where the volume is full.
    fn reach(&mut self) -> Result<(), ReportError> {
        if !self.full || self.held_pages > 0 {
            return Ok(());
        }
        if !self.may_cut {
            self.gave_up = true;
            return Err(ReportError::TooLarge);
        }
        self.full = false;
        self.volume += 1;
        let Pair { report, copy } = &mut self.current;
        let path = in_volume(&self.output.report, self.volume);
        let next = Pair {
            report: report.continued(&path, self.sizes.continued_front)?,
            copy: match (copy, &self.output.copy) {
                (Some(copy), Some(path)) => {
                    let path = in_volume(path, self.volume);
                    Some(copy.continued(&path, self.sizes.copy_front)?)
                }
                _ => None,
            },
        };
        self.done.push(std::mem::replace(&mut self.current, next));
        Ok(())
    }

    fn report(&mut self) -> Filling<'_> {
        Filling {
            volume: &mut self.current.report,
            furniture: self.furniture,
        }
    }

    fn copy(&mut self) -> Option<Filling<'_>> {
        self.current.copy.as_mut().map(|volume| Filling {
            volume,
            furniture: self.furniture,
        })
    }

    fn has_room(&mut self) -> Result<bool, ReportError> {
        let report = &mut self.current.report;
        let limits = &self.output.limits;
        let fits_pages = limits
            .pages_max
            .is_none_or(|max| report.pages() + self.sizes.rear < max);
        let Some(bytes_max) = limits.bytes_max else {
            return Ok(fits_pages);
        };
        let end = VOLUME_END_BYTES_MAX.min(bytes_max / 4);
        Ok(fits_pages && report.bytes()? + end < bytes_max)
    }
}

impl Paper for Series<'_> {
    fn page(&mut self, canvas: &Canvas) -> Result<(), ReportError> {
        self.reach()?;
        self.report().page(canvas)?;
        if let Some(mut copy) = self.copy() {
            copy.page(canvas)?;
        }
        self.held_pages = match canvas.drawings() {
            [] => self.held_pages.saturating_sub(1),
            _ => 0,
        };
        self.full = !self.has_room()?;
        Ok(())
    }

    fn open(&mut self, parent: Element, role: Role) -> Result<Element, ReportError> {
        self.reach()?;
        let element = self.report().open(parent, role)?;
        if let Some(mut copy) = self.copy() {
            let twin = copy.open(parent, role)?;
            debug_assert_eq!(element, twin, "both files have the same elements");
        }
        Ok(element)
    }

    fn open_first(&mut self, parent: Element, role: Role) -> Result<Element, ReportError> {
        self.reach()?;
        let element = self.report().open_first(parent, role)?;
        if let Some(mut copy) = self.copy() {
            let twin = copy.open_first(parent, role)?;
            debug_assert_eq!(element, twin, "both files have the same elements");
        }
        Ok(element)
    }

    fn open_cell(
        &mut self,
        row: Element,
        role: Role,
        columns: usize,
    ) -> Result<Element, ReportError> {
        self.reach()?;
        let element = self.report().open_cell(row, role, columns)?;
        if let Some(mut copy) = self.copy() {
            copy.open_cell(row, role, columns)?;
        }
        Ok(element)
    }

    fn close(&mut self, element: Element) -> Result<(), ReportError> {
        self.report().close(element)?;
        match self.copy() {
            Some(mut copy) => copy.close(element),
            None => Ok(()),
        }
    }

    fn open_figure(
        &mut self,
        parent: Element,
        alternative: &str,
        area: [f32; 4],
    ) -> Result<Element, ReportError> {
        let element = self.report().open_figure(parent, alternative, area)?;
        if let Some(mut copy) = self.copy() {
            copy.open_figure(parent, alternative, area)?;
        }
        Ok(element)
    }

    fn files(&mut self) -> Result<Vec<&mut PdfFile>, ReportError> {
        self.reach()?;
        self.held_pages = HELD_PAGES;
        let Pair { report, copy } = &mut self.current;
        let mut files = vec![report.file()];
        files.extend(copy.as_mut().map(Volume::file));
        Ok(files)
    }

    fn volume(&self) -> usize {
        self.volume
    }

    fn page_number(&mut self) -> Result<u32, ReportError> {
        self.reach()?;
        self.report().page_number()
    }

    fn mark(&mut self, element: Element) -> Result<u32, ReportError> {
        self.reach()?;
        let number = self.report().mark(element)?;
        if let Some(mut copy) = self.copy() {
            let twin = copy.mark(element)?;
            debug_assert_eq!(number, twin, "both files have the same marks");
        }
        Ok(number)
    }

    fn link(&mut self, element: Element) -> Result<LinkPlace, ReportError> {
        self.report().link(element)
    }
}

/// The path of the volume at this place, counted from 0.
fn in_volume(path: &Path, volume: usize) -> PathBuf {
    match volume {
        0 => path.to_owned(),
        _ => with_addition(path, &format!("-volume-{}", volume + 1)),
    }
}

use super::composer::{Cell, Composer, Meaning, OpenSection, indented};
use crate::ReportError;
use crate::block::Numbering;
use crate::limits::ELEMENT_KIDS_MAX;
use crate::pdf::{Element, Role};
use crate::text::{Lines, StyleId, TextFlow};

/// Points between an item's marker and the left.
pub(super) const MARKER_INDENT: f32 = 4.0;
/// Points that are left between a marker and its item's text.
const MARKER_GAP: f32 = 3.0;

/// A list whose items are still coming. Its elements are opened when something is shown in them.
pub(super) struct OpenList {
    numbering: Numbering,
    element: Option<Element>,
    items: usize,
    item: Option<OpenItem>,
}

/// The item of a list that takes what comes next.
#[derive(Default)]
struct OpenItem {
    elements: Option<ItemElements>,
}

struct ItemElements {
    item: Element,
    /// Taken when the marker is shown.
    label: Option<Element>,
    body: OpenSection,
}

/// What stands before an item's first line.
pub(super) struct Marker {
    pub lines: Lines,
    pub x: f32,
}

impl Marker {
    fn width(&self) -> f32 {
        let widths = self.lines.iter().map(|(line, _)| line.width);
        widths.fold(0.0, f32::max)
    }

    /// Whether it fits beside a text that starts at `x`.
    pub fn fits_before(&self, x: f32) -> bool {
        self.x + self.width() + MARKER_GAP <= x
    }
}

impl Composer<'_, '_> {
    pub(super) fn start_list(&mut self, numbering: Numbering) {
        self.lists.push(OpenList {
            numbering,
            element: None,
            items: 0,
            item: None,
        });
    }

    pub(super) fn start_item(&mut self, marker: &str, indent: usize) {
        let x = indented(indent) + MARKER_INDENT;
        let lines = TextFlow::all(self.shaper, marker, StyleId::Body, f32::INFINITY);
        self.marker = Some(Marker { lines, x });
        if let Some(list) = self.lists.last_mut() {
            list.item = Some(OpenItem::default());
        }
    }

    pub(super) fn end_item(&mut self) -> Result<(), ReportError> {
        self.settle(0.0)?;
        let item = self.lists.last_mut().and_then(|list| list.item.take());
        let Some(elements) = item.and_then(|item| item.elements) else {
            return Ok(());
        };
        if let Some(label) = elements.label {
            self.paper.close(label)?;
        }
        elements.body.close(self.paper)?;
        self.paper.close(elements.item)
    }

    pub(super) fn end_list(&mut self) -> Result<(), ReportError> {
        match self.lists.pop().and_then(|list| list.element) {
            Some(element) => self.paper.close(element),
            None => Ok(()),
        }
    }

    /// Shows a marker that waits, on a line of its own.
    pub(super) fn show_marker(&mut self) -> Result<(), ReportError> {
        let Some(marker) = self.marker.take() else {
            return Ok(());
        };
        let leading = StyleId::Body.style().leading;
        self.settle(leading)?;
        self.section_element()?;
        let Some(label) = self.take_label() else {
            return Ok(());
        };
        let cell = Cell {
            x: marker.x,
            width: marker.width(),
            style: StyleId::Body,
            lines: &marker.lines,
            meaning: Meaning::Content(label, Role::Label),
        };
        self.show_cells(&[cell], leading, Self::turn_page)?;
        self.paper.close(label)
    }

    /// The element of the open item's marker.
    pub(super) fn take_label(&mut self) -> Option<Element> {
        let item = self.lists.last_mut()?.item.as_mut()?;
        item.elements.as_mut()?.label.take()
    }

    /// The element that takes the next one of the open item; `None` if no list is open.
    pub(super) fn item_element(&mut self) -> Result<Option<Element>, ReportError> {
        let mut lists = std::mem::take(&mut self.lists);
        for place in 0..lists.len() {
            let (outer, inner) = lists.split_at_mut(place);
            self.open_item(outer, &mut inner[0])?;
        }
        let element = match innermost(&mut lists) {
            Some(body) => Some(body.next(self.paper)?),
            None => None,
        };
        self.lists = lists;
        Ok(element)
    }

    /// Opens the elements of a list and its item, unless they are.
    fn open_item(
        &mut self,
        outer: &mut [OpenList],
        list: &mut OpenList,
    ) -> Result<(), ReportError> {
        let Some(item) = list.item.as_mut().filter(|item| item.elements.is_none()) else {
            return Ok(());
        };
        if list.items >= ELEMENT_KIDS_MAX {
            if let Some(full) = list.element.take() {
                self.paper.close(full)?;
            }
            list.items = 0;
        }
        let element = match list.element {
            Some(element) => element,
            None => {
                let parent = match innermost(outer) {
                    Some(body) => body.next(self.paper)?,
                    // All lists are taken out: this is what is around them.
                    None => self.section_element()?,
                };
                let role = match list.numbering {
                    Numbering::Bullets => Role::List,
                    Numbering::Numbers => Role::NumberedList,
                };
                self.paper.open(parent, role)?
            }
        };
        list.element = Some(element);
        list.items += 1;
        let li = self.paper.open(element, Role::Item)?;
        item.elements = Some(ItemElements {
            item: li,
            label: Some(self.paper.open(li, Role::Label)?),
            body: OpenSection::new(self.paper.open(li, Role::ItemBody)?),
        });
        Ok(())
    }
}

/// The body of the innermost item that is open.
fn innermost(lists: &mut [OpenList]) -> Option<&mut OpenSection> {
    lists.iter_mut().rev().find_map(|list| {
        let elements = list.item.as_mut()?.elements.as_mut()?;
        Some(&mut elements.body)
    })
}

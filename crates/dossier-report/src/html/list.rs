use html5ever::LocalName;

use super::marks::Marks;
use super::section::{Lone, SectionBuilder};
use crate::ReportError;
use crate::block::{Block, BlockSink, Numbering};
use crate::limits::INDENT_LEVELS_MAX;

/// Levels by which an item's text stands right of its marker.
const BULLET_LEVELS: usize = 1;
const NUMBER_LEVELS: usize = 2;

/// A list that is open.
pub(super) struct List {
    numbering: Numbering,
    /// The number of the next item.
    next: i64,
    /// Levels of indentation of its markers.
    indent: usize,
    place: Place,
    item: Item,
}

/// Where a list stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the section; nothing of it is shown yet.
    Waiting,
    /// In the section; it has begun.
    Begun,
    /// In a cell's text, as lines.
    Cell,
}

/// The item that is open.
enum Item {
    None,
    /// Nothing of it is shown yet.
    Waiting {
        marker: String,
    },
    Begun,
}

impl List {
    fn new(numbering: Numbering, first: i64, indent: usize, place: Place) -> Self {
        Self {
            numbering,
            next: first,
            indent: indent.min(INDENT_LEVELS_MAX - NUMBER_LEVELS),
            place,
            item: Item::None,
        }
    }
}

impl SectionBuilder<'_, '_, '_> {
    pub(super) fn start_list(
        &mut self,
        name: &LocalName,
        marks: &Marks,
    ) -> Result<(), ReportError> {
        self.boundary()?;
        let numbering = match &**name {
            "ol" => Numbering::Numbers,
            _ => Numbering::Bullets,
        };
        let list = List::new(numbering, marks.start(), self.indent, self.list_place());
        self.lists.push(list);
        Ok(())
    }

    fn list_place(&mut self) -> Place {
        match self.cell() {
            Some(_) => Place::Cell,
            None => Place::Waiting,
        }
    }

    pub(super) fn end_list(&mut self) -> Result<(), ReportError> {
        self.boundary()?;
        match self.lists.pop() {
            Some(List {
                place: Place::Begun,
                ..
            }) => self.composer.block(Block::ListEnd),
            _ => Ok(()),
        }
    }

    /// Starts an item; one that stands in no list gets one of its own.
    pub(super) fn start_item(&mut self) -> Result<Lone, ReportError> {
        self.boundary()?;
        let in_cell = self.cell().is_some();
        let has_list = self.lists.last().is_some_and(|list| {
            matches!(list.item, Item::None) && (!in_cell || list.place == Place::Cell)
        });
        if !has_list {
            let place = self.list_place();
            let list = List::new(Numbering::Bullets, 1, self.indent, place);
            self.lists.push(list);
        }
        let in_lines = self.lists.iter().rev();
        let in_lines = in_lines
            .take_while(|list| list.place == Place::Cell)
            .count();
        let level = match in_lines {
            0 => self.lists.len(),
            lines => lines,
        };
        if let Some(list) = self.lists.last_mut() {
            let marker = match list.numbering {
                Numbering::Numbers => format!("{}.", list.next),
                Numbering::Bullets if level % 2 == 0 => "–".to_owned(),
                Numbering::Bullets => "•".to_owned(),
            };
            list.next = list.next.saturating_add(1);
            if list.place == Place::Cell {
                list.item = Item::Begun;
                let lead = format!(
                    "{}{marker} ",
                    "    ".repeat(level.min(INDENT_LEVELS_MAX) - 1)
                );
                self.current().lead_with(lead);
            } else {
                list.item = Item::Waiting { marker };
                self.indent = list.indent
                    + match list.numbering {
                        Numbering::Numbers => NUMBER_LEVELS,
                        Numbering::Bullets => BULLET_LEVELS,
                    };
            }
        }
        Ok(match has_list {
            true => Lone::InList,
            false => Lone::Alone,
        })
    }

    pub(super) fn end_item(&mut self, lone: Lone) -> Result<(), ReportError> {
        self.boundary()?;
        self.current().forget_lead();
        if let Some(list) = self.lists.last_mut() {
            let item = std::mem::replace(&mut list.item, Item::None);
            if list.place == Place::Begun && matches!(item, Item::Begun) {
                self.composer.block(Block::ItemEnd)?;
            }
        }
        match lone {
            Lone::Alone => self.end_list(),
            Lone::InList => Ok(()),
        }
    }

    /// Begins the lists and items that what comes next stands in; ends those that it does not
    /// stand in, such as a list with text between its items.
    pub(super) fn begin_items(&mut self) -> Result<(), ReportError> {
        for list in &mut self.lists {
            if list.place == Place::Cell {
                continue;
            }
            match &list.item {
                Item::Waiting { marker } => {
                    if list.place == Place::Waiting {
                        list.place = Place::Begun;
                        let numbering = list.numbering;
                        self.composer.block(Block::ListStart { numbering })?;
                    }
                    let indent = list.indent;
                    self.composer.block(Block::ItemStart { marker, indent })?;
                    list.item = Item::Begun;
                }
                Item::None if list.place == Place::Begun => {
                    list.place = Place::Waiting;
                    self.composer.block(Block::ListEnd)?;
                }
                Item::None | Item::Begun => {}
            }
        }
        Ok(())
    }
}

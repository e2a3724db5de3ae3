use super::canvas::paper;
use super::composer::{
    Cell, Composer, GUTTER, INDENT, KEPT_WITH_HEADING, Meaning, PADDING, RULE, UNBROKEN_LINES_MAX,
    indented,
};
use super::list::MARKER_INDENT;
use crate::ReportError;
use crate::block::Value;
use crate::limits::ELEMENT_KIDS_MAX;
use crate::pdf::{Element, Role};
use crate::text::{Lines, StyleId, TextFlow};

/// The name's part of a name/value row.
const NAME_SHARE: f32 = 0.3;

/// Rows or items that follow one another, as one table or list.
pub(super) struct Group {
    kind: RowKind,
    indent: usize,
    element: Element,
    rows: usize,
}

/// What a text is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Pair,
    Item,
    Paragraph,
    /// A paragraph with its item's marker before it.
    Marked,
}

/// A value whose pieces are still coming.
pub(super) struct OpenRow {
    kind: RowKind,
    indent: usize,
    /// The elements of the row, its name and its value, once it is on a page.
    elements: Option<RowElements>,
    name: Lines,
    name_style: StyleId,
    value: Lines,
    flow: Option<TextFlow>,
    x: f32,
    value_x: f32,
    right: f32,
    ruled: bool,
}

#[derive(Clone, Copy)]
struct RowElements {
    row: Option<Element>,
    name: Option<Element>,
    value: Element,
}

impl Composer<'_, '_> {
    /// Where the value of a name/value row at this indentation begins.
    pub fn value_left(&self, indent: usize) -> f32 {
        value_x(indented(indent))
    }

    fn open_row(&mut self, row: OpenRow, value: Value<'_>) -> Result<(), ReportError> {
        self.row = Some(row);
        self.fill_row(value, true)
    }

    /// Lays out a piece of the open row's value and shows what is complete.
    pub(super) fn fill_row(&mut self, value: Value<'_>, first: bool) -> Result<(), ReportError> {
        let Some(mut row) = self.row.take() else {
            return Ok(());
        };
        row.value.clear();
        let last = match (value, row.flow.take()) {
            (Value::Last(text), Some(flow)) => {
                flow.finish(self.shaper, text, &mut row.value);
                true
            }
            (Value::Begun(text), Some(mut flow)) => {
                flow.push(self.shaper, text, &mut row.value);
                row.flow = Some(flow);
                false
            }
            (_, None) => true,
        };
        let leading = StyleId::Body.style().leading;
        let lines = row.value.len().max(row.name.len());
        if first {
            let kept = if lines <= UNBROKEN_LINES_MAX {
                lines
            } else {
                2
            };
            let padding = if row.ruled { 2.0 * PADDING } else { PADDING };
            self.settle((kept as f32 * leading + padding).max(self.wanted_after_headings()))?;
            self.y += if row.ruled { PADDING } else { PADDING / 2.0 };
            row.elements = Some(self.open_row_elements(row.kind, row.indent)?);
        }
        self.show_row(&mut row, leading)?;
        if last {
            self.y += if row.ruled { PADDING } else { PADDING / 2.0 };
            if row.ruled {
                self.canvas.rule(row.x, self.y, row.right - row.x, RULE);
                self.y += RULE;
            }
            self.close_row_elements(&row)?;
        } else {
            self.row = Some(row);
        }
        Ok(())
    }

    fn open_row_elements(
        &mut self,
        kind: RowKind,
        indent: usize,
    ) -> Result<RowElements, ReportError> {
        let (row_role, name_role, value_role) = match kind {
            RowKind::Pair => (Role::Row, Role::RowHeader, Role::Cell),
            RowKind::Item => (Role::Item, Role::Label, Role::ItemBody),
            RowKind::Paragraph | RowKind::Marked => {
                let value = self.open(Role::Paragraph)?;
                let name = match kind {
                    RowKind::Marked => self.take_label(),
                    _ => None,
                };
                return Ok(RowElements {
                    row: None,
                    name,
                    value,
                });
            }
        };
        let group = self.group(kind, indent)?;
        let row = self.paper.open(group, row_role)?;
        Ok(RowElements {
            row: Some(row),
            name: Some(self.paper.open(row, name_role)?),
            value: self.paper.open(row, value_role)?,
        })
    }

    fn close_row_elements(&mut self, row: &OpenRow) -> Result<(), ReportError> {
        let Some(elements) = row.elements else {
            return Ok(());
        };
        self.paper.close(elements.value)?;
        for element in elements.name.into_iter().chain(elements.row) {
            self.paper.close(element)?;
        }
        Ok(())
    }

    /// The table or list that the next row belongs to.
    fn group(&mut self, kind: RowKind, indent: usize) -> Result<Element, ReportError> {
        let continues = self.group.as_ref().is_some_and(|group| {
            group.kind == kind && group.indent == indent && group.rows < ELEMENT_KIDS_MAX
        });
        if !continues {
            self.end_group()?;
            let role = match kind {
                RowKind::Item => Role::List,
                _ => Role::Table,
            };
            self.group = Some(Group {
                kind,
                indent,
                element: self.open(role)?,
                rows: 0,
            });
        }
        match &mut self.group {
            Some(group) => {
                group.rows += 1;
                Ok(group.element)
            }
            None => self.section_element(),
        }
    }

    pub(super) fn end_group(&mut self) -> Result<(), ReportError> {
        match self.group.take() {
            Some(group) => self.paper.close(group.element),
            None => Ok(()),
        }
    }

    pub(super) fn wanted_after_headings(&self) -> f32 {
        if self.headings.is_empty() {
            0.0
        } else {
            KEPT_WITH_HEADING
        }
    }

    fn show_row(&mut self, row: &mut OpenRow, leading: f32) -> Result<(), ReportError> {
        let name = std::mem::take(&mut row.name);
        let Some(elements) = row.elements else {
            return Ok(());
        };
        let (name_role, value_role) = match row.kind {
            RowKind::Pair => (Role::RowHeader, Role::Cell),
            RowKind::Item => (Role::Label, Role::ItemBody),
            RowKind::Marked => (Role::Label, Role::Paragraph),
            RowKind::Paragraph => (Role::Paragraph, Role::Paragraph),
        };
        let cells = [
            Cell {
                x: row.x,
                width: row.value_x - row.x - GUTTER,
                style: row.name_style,
                lines: &name,
                meaning: Meaning::Content(elements.name.unwrap_or(elements.value), name_role),
            },
            Cell {
                x: row.value_x,
                width: row.right - row.value_x,
                style: StyleId::Body,
                lines: &row.value,
                meaning: Meaning::Content(elements.value, value_role),
            },
        ];
        self.show_cells(&cells, leading, Self::turn_page)
    }

    pub(super) fn text_row(
        &mut self,
        kind: RowKind,
        marker: &str,
        value: Value<'_>,
        indent: usize,
    ) -> Result<(), ReportError> {
        let right = paper::RIGHT;
        let mut x = indented(indent);
        let mut name_style = StyleId::Body;
        if let Some(marker) = self.marker.take_if(|marker| marker.fits_before(x)) {
            return self.open_row(
                OpenRow {
                    kind: RowKind::Marked,
                    indent,
                    elements: None,
                    name: marker.lines,
                    name_style,
                    value: Lines::default(),
                    flow: Some(TextFlow::new(StyleId::Body, right - x)),
                    x: marker.x,
                    value_x: x,
                    right,
                    ruled: false,
                },
                value,
            );
        }
        self.show_marker()?;
        let value_x = match kind {
            RowKind::Pair => {
                name_style = StyleId::Name;
                value_x(x)
            }
            RowKind::Item => {
                x += MARKER_INDENT;
                x + INDENT
            }
            RowKind::Paragraph | RowKind::Marked => x,
        };
        let name_width = (value_x - x - GUTTER).max(GUTTER);
        let name = if marker.is_empty() {
            Lines::default()
        } else {
            TextFlow::all(self.shaper, marker, name_style, name_width)
        };
        let row = OpenRow {
            kind,
            indent,
            elements: None,
            name,
            name_style,
            value: Lines::default(),
            flow: Some(TextFlow::new(StyleId::Body, right - value_x)),
            x,
            value_x,
            right,
            ruled: kind == RowKind::Pair,
        };
        self.open_row(row, value)
    }
}

/// Where a row's value begins whose name begins at `x`.
fn value_x(x: f32) -> f32 {
    x + (paper::RIGHT - x) * NAME_SHARE
}

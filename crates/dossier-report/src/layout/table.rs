use super::canvas::paper;
use super::composer::{
    Cell, Composer, GUTTER, Meaning, PADDING, RULE, UNBROKEN_LINES_MAX, indented,
};
use crate::ReportError;
use crate::block::Column;
use crate::limits::{ELEMENT_KIDS_MAX, UNBROKEN_WORD_CHARS_MAX};
use crate::pdf::{Element, Role};
use crate::text::{Lines, StyleId, TextFlow};

/// Points by which a column is wider than its longest word.
const WIDTH_SLACK: f32 = 0.1;

/// A table whose rows are still coming.
pub(super) struct OpenTable {
    columns: Vec<TableColumn>,
    header_lines: usize,
    x: f32,
    /// The table's elements, once its first row is on a page.
    elements: Option<TableElements>,
    cells: Vec<Lines>,
    cell_elements: Vec<Element>,
}

struct TableElements {
    table: Element,
    body: Element,
    rows: usize,
}

struct TableColumn {
    x: f32,
    width: f32,
    header: Lines,
}

impl OpenTable {
    fn header_height(&self) -> f32 {
        let leading = StyleId::CellHeader.style().leading;
        self.header_lines as f32 * leading + 2.0 * PADDING + 2.0 * RULE
    }
}

impl Composer<'_, '_> {
    pub(super) fn open_table(&mut self, columns: &[Column], indent: usize) {
        let x = indented(indent);
        let gutters = GUTTER * columns.len().saturating_sub(1) as f32;
        let least: Vec<f32> = columns.iter().map(|c| self.unbroken_width(c)).collect();
        let shares: Vec<f32> = columns.iter().map(|column| column.share).collect();
        let widths = column_widths(paper::RIGHT - x - gutters, &shares, &least);
        let mut left = x;
        let mut header_lines = 0;
        let mut placed = Vec::with_capacity(columns.len());
        for (column, width) in columns.iter().zip(widths) {
            let header = TextFlow::all(self.shaper, &column.label, StyleId::CellHeader, width);
            header_lines = header_lines.max(header.len());
            placed.push(TableColumn {
                x: left,
                width,
                header,
            });
            left += width + GUTTER;
        }
        self.table = Some(OpenTable {
            cells: placed.iter().map(|_| Lines::default()).collect(),
            cell_elements: Vec::with_capacity(placed.len()),
            columns: placed,
            header_lines,
            x,
            elements: None,
        });
    }

    /// The width at which none of a column's words is broken, as far as they are known.
    fn unbroken_width(&mut self, column: &Column) -> f32 {
        let mut width = 0.0_f32;
        let header = column.label.split_whitespace();
        let words = header
            .filter(|word| word.chars().count() <= UNBROKEN_WORD_CHARS_MAX)
            .map(|word| (word, StyleId::CellHeader))
            .chain([(column.longest_word.as_str(), StyleId::Cell)]);
        for (word, style) in words {
            let lines = TextFlow::all(self.shaper, word, style, paper::TEXT_WIDTH);
            let widest = lines.iter().map(|(line, _)| line.width);
            width = widest.fold(width, f32::max);
        }
        // The sum of a line's advances and the line breaker's may differ in the last digit.
        width + WIDTH_SLACK
    }

    pub(super) fn table_row(&mut self, texts: &[String]) -> Result<(), ReportError> {
        let Some(mut table) = self.table.take() else {
            return Ok(());
        };
        let mut lines = 0;
        for ((cell, column), text) in table.cells.iter_mut().zip(&table.columns).zip(texts) {
            cell.clear();
            TextFlow::new(StyleId::Cell, column.width).finish(self.shaper, text, cell);
            lines = lines.max(cell.len());
        }
        let leading = StyleId::Cell.style().leading;
        let kept = if lines <= 2 * UNBROKEN_LINES_MAX {
            lines
        } else {
            2
        };
        let height = kept as f32 * leading + 2.0 * PADDING;
        if table.elements.is_none() {
            let wanted = height + table.header_height() + PADDING;
            self.settle(wanted.max(self.wanted_after_headings()))?;
            if !self.at_top() {
                self.y += PADDING;
            }
            table.elements = Some(self.begin_table(&mut table)?);
        } else if height > self.room() {
            self.turn_page()?;
            self.repeat_table_header(&table)?;
        }
        self.y += PADDING;
        let row = self.open_table_row(&mut table)?;
        let cells: Vec<Cell<'_>> = table
            .columns
            .iter()
            .zip(&table.cells)
            .zip(&table.cell_elements)
            .map(|((column, lines), element)| Cell {
                x: column.x,
                width: column.width,
                style: StyleId::Cell,
                lines,
                meaning: Meaning::Content(*element, Role::Cell),
            })
            .collect();
        self.show_cells(&cells, leading, |composer| {
            composer.turn_page()?;
            composer.repeat_table_header(&table)
        })?;
        self.close_cells(&mut table)?;
        self.paper.close(row)?;
        self.y += PADDING;
        self.canvas
            .rule(table.x, self.y, paper::RIGHT - table.x, RULE);
        self.y += RULE;
        self.table = Some(table);
        Ok(())
    }

    /// Opens the table's element and shows its header row.
    fn begin_table(&mut self, table: &mut OpenTable) -> Result<TableElements, ReportError> {
        let element = self.open(Role::Table)?;
        let head = self.paper.open(element, Role::TableHead)?;
        let row = self.paper.open(head, Role::Row)?;
        self.open_cells(table, row, Role::ColumnHeader)?;
        let meanings: Vec<Meaning> = table
            .cell_elements
            .iter()
            .map(|element| Meaning::Content(*element, Role::ColumnHeader))
            .collect();
        self.show_table_header(table, &meanings)?;
        self.close_cells(table)?;
        self.paper.close(row)?;
        self.paper.close(head)?;
        Ok(TableElements {
            table: element,
            body: self.paper.open(element, Role::TableBody)?,
            rows: 0,
        })
    }

    fn open_table_row(&mut self, table: &mut OpenTable) -> Result<Element, ReportError> {
        let body = match &mut table.elements {
            Some(elements) => {
                if elements.rows >= ELEMENT_KIDS_MAX {
                    self.paper.close(elements.body)?;
                    elements.body = self.paper.open(elements.table, Role::TableBody)?;
                    elements.rows = 0;
                }
                elements.rows += 1;
                elements.body
            }
            None => self.open(Role::TableBody)?,
        };
        let row = self.paper.open(body, Role::Row)?;
        self.open_cells(table, row, Role::Cell)?;
        Ok(row)
    }

    fn open_cells(
        &mut self,
        table: &mut OpenTable,
        row: Element,
        role: Role,
    ) -> Result<(), ReportError> {
        for _ in &table.columns {
            table.cell_elements.push(self.paper.open(row, role)?);
        }
        Ok(())
    }

    fn close_cells(&mut self, table: &mut OpenTable) -> Result<(), ReportError> {
        for element in table.cell_elements.drain(..) {
            self.paper.close(element)?;
        }
        Ok(())
    }

    /// The header row again, at the top of another page: to be seen, not to be read out.
    fn repeat_table_header(&mut self, table: &OpenTable) -> Result<(), ReportError> {
        let meanings = vec![Meaning::Artifact; table.columns.len()];
        self.show_table_header(table, &meanings)
    }

    fn show_table_header(
        &mut self,
        table: &OpenTable,
        meanings: &[Meaning],
    ) -> Result<(), ReportError> {
        let cells: Vec<Cell<'_>> = table
            .columns
            .iter()
            .zip(meanings)
            .map(|(column, meaning)| Cell {
                x: column.x,
                width: column.width,
                style: StyleId::CellHeader,
                lines: &column.header,
                meaning: *meaning,
            })
            .collect();
        self.y += PADDING;
        let leading = StyleId::CellHeader.style().leading;
        self.show_cells(&cells, leading, Self::turn_page)?;
        self.y += PADDING;
        self.canvas
            .rule(table.x, self.y, paper::RIGHT - table.x, 2.0 * RULE);
        self.y += 2.0 * RULE;
        Ok(())
    }

    pub(super) fn end_table(&mut self) -> Result<(), ReportError> {
        let elements = self.table.take().and_then(|table| table.elements);
        let Some(elements) = elements else {
            return Ok(());
        };
        self.paper.close(elements.body)?;
        self.paper.close(elements.table)
    }
}

/// Shares the width out: in proportion to `shares`, but to no column less than it needs at `least`,
/// if there is room for that; else in proportion to what they need.
fn column_widths(width: f32, shares: &[f32], least: &[f32]) -> Vec<f32> {
    if least.iter().sum::<f32>() >= width {
        return in_proportion(width, least);
    }
    let mut widths = in_proportion(width, shares);
    let mut fixed = vec![false; shares.len()];
    while let Some(narrow) = (0..widths.len()).find(|i| !fixed[*i] && widths[*i] < least[*i]) {
        fixed[narrow] = true;
        let taken: f32 = (0..widths.len())
            .filter(|i| fixed[*i])
            .map(|i| least[i])
            .sum();
        let free: Vec<f32> = (0..widths.len())
            .map(|i| if fixed[i] { 0.0 } else { shares[i] })
            .collect();
        let rest = in_proportion(width - taken, &free);
        for (i, rest) in rest.into_iter().enumerate() {
            widths[i] = if fixed[i] { least[i] } else { rest };
        }
    }
    widths
}

fn in_proportion(width: f32, shares: &[f32]) -> Vec<f32> {
    let all = shares.iter().sum::<f32>().max(f32::EPSILON);
    shares.iter().map(|share| width * share / all).collect()
}

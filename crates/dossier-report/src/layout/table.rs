use super::canvas::paper;
use super::composer::{
    Cell, Composer, GUTTER, Meaning, PADDING, RULE, UNBROKEN_LINES_MAX, indented,
};
use crate::ReportError;
use crate::block::{Column, TableCell, Text};
use crate::limits::{ELEMENT_KIDS_MAX, UNBROKEN_WORD_CHARS_MAX};
use crate::pdf::{Element, Role};
use crate::text::{Lines, StyleId, TextFlow};

/// Points by which a column is wider than its longest word.
const WIDTH_SLACK: f32 = 0.1;

/// The part of a page's height that header rows may take to be repeated on every page.
const REPEATED_SHARE: f32 = 0.4;

/// A table whose rows are still coming.
pub(super) struct OpenTable {
    columns: Vec<TableColumn>,
    header: Vec<HeaderRow>,
    x: f32,
    /// The table's elements, once its first row is on a page.
    elements: Option<TableElements>,
    /// Points between its last row and what follows.
    after: f32,
    /// The cells of the row that is shown.
    cells: Vec<PlacedCell>,
}

struct TableElements {
    table: Element,
    body: Element,
    rows: usize,
}

struct TableColumn {
    x: f32,
    width: f32,
}

/// A cell's lines and where they are shown.
#[derive(Default)]
struct PlacedCell {
    x: f32,
    width: f32,
    columns: usize,
    header: bool,
    lines: Lines,
}

struct HeaderRow {
    cells: Vec<PlacedCell>,
}

impl HeaderRow {
    fn height(&self) -> f32 {
        let lines = self.cells.iter().map(|cell| cell.lines.len()).max();
        let leading = StyleId::CellHeader.style().leading;
        lines.unwrap_or(0) as f32 * leading + 2.0 * PADDING + 2.0 * RULE
    }
}

impl OpenTable {
    fn header_height(&self) -> f32 {
        self.header.iter().map(HeaderRow::height).sum()
    }

    /// Where a cell lies that begins in a column and is `columns` columns wide.
    fn place(&self, first: usize, columns: usize) -> Option<(f32, f32)> {
        let start = self.columns.get(first)?;
        let last = (first + columns.max(1) - 1).min(self.columns.len() - 1);
        let end = &self.columns[last];
        Some((start.x, end.x + end.width - start.x))
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
        let mut labels = Vec::with_capacity(columns.len());
        let mut placed = Vec::with_capacity(columns.len());
        for (column, width) in columns.iter().zip(widths) {
            labels.push(PlacedCell {
                x: left,
                width,
                columns: 1,
                header: true,
                lines: TextFlow::all(self.shaper, &column.label, StyleId::CellHeader, width),
            });
            placed.push(TableColumn { x: left, width });
            left += width + GUTTER;
        }
        let labelled = columns.iter().any(|column| !column.label.is_empty());
        self.table = Some(OpenTable {
            cells: Vec::with_capacity(placed.len()),
            columns: placed,
            header: Vec::from_iter(labelled.then_some(HeaderRow { cells: labels })),
            x,
            elements: None,
            after: 0.0,
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

    /// Takes the open table's header rows.
    pub(super) fn table_head(&mut self, rows: &[Vec<TableCell>]) {
        let Some(mut table) = self.table.take() else {
            return;
        };
        table.header.clear();
        for row in rows {
            let mut cells = Vec::with_capacity(row.len());
            self.place_cells(&table, row, StyleId::CellHeader, &mut cells);
            table.header.push(HeaderRow { cells });
        }
        self.table = Some(table);
    }

    /// Shows a row of plain texts.
    pub(super) fn table_row(&mut self, texts: &[String]) -> Result<(), ReportError> {
        let Some(mut table) = self.table.take() else {
            return Ok(());
        };
        let mut cells = std::mem::take(&mut table.cells);
        cells.resize_with(table.columns.len(), PlacedCell::default);
        for ((cell, column), text) in cells.iter_mut().zip(&table.columns).zip(texts) {
            (cell.x, cell.width, cell.columns) = (column.x, column.width, 1);
            cell.lines.clear();
            TextFlow::new(StyleId::Cell, column.width).finish(
                self.shaper,
                text.into(),
                &mut cell.lines,
            );
        }
        table.cells = cells;
        self.show_table_row(table)
    }

    /// Shows a row of cells that say more than their texts.
    pub(super) fn rich_row(&mut self, row: &[TableCell]) -> Result<(), ReportError> {
        let Some(mut table) = self.table.take() else {
            return Ok(());
        };
        let mut cells = std::mem::take(&mut table.cells);
        cells.clear();
        table.after = PADDING;
        self.place_cells(&table, row, StyleId::Cell, &mut cells);
        table.cells = cells;
        self.show_table_row(table)
    }

    fn place_cells(
        &mut self,
        table: &OpenTable,
        row: &[TableCell],
        style: StyleId,
        placed: &mut Vec<PlacedCell>,
    ) {
        let mut column = 0;
        for cell in row {
            let Some((x, width)) = table.place(column, cell.columns) else {
                break;
            };
            column += cell.columns;
            let style = match cell.header {
                true => StyleId::CellHeader,
                false => style,
            };
            let text = Text {
                text: &cell.text,
                bold: &cell.bold,
            };
            let mut lines = Lines::default();
            TextFlow::new(style, width).finish(self.shaper, text, &mut lines);
            placed.push(PlacedCell {
                x,
                width,
                columns: cell.columns,
                header: cell.header,
                lines,
            });
        }
    }

    fn show_table_row(&mut self, mut table: OpenTable) -> Result<(), ReportError> {
        let lines = table.cells.iter().map(|cell| cell.lines.len()).max();
        let lines = lines.unwrap_or(0);
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
            table.elements = Some(self.begin_table(&table)?);
        } else if height > self.room() {
            self.turn_page()?;
            self.repeat_table_header(&table)?;
        }
        self.y += PADDING;
        let row = self.open_table_row(&mut table)?;
        // Where no header says what the columns are, a row is known by its first cell (ISO 14289-1,
        // 7.5 asks for headers).
        let bare = table.header.is_empty() && table.cells.iter().all(|cell| !cell.header);
        let roles = table.cells.iter().enumerate().map(|(place, cell)| {
            match cell.header || (bare && place == 0) {
                true => Role::RowHeader,
                false => Role::Cell,
            }
        });
        let roles: Vec<Role> = roles.collect();
        let elements = self.open_cells(&table.cells, row, &roles)?;
        let shown = cells(&table.cells, &elements, &roles, StyleId::Cell);
        self.show_cells(&shown, leading, |composer| {
            composer.turn_page()?;
            composer.repeat_table_header(&table)
        })?;
        self.close_cells(elements)?;
        self.paper.close(row)?;
        self.y += PADDING;
        self.canvas
            .rule(table.x, self.y, paper::RIGHT - table.x, RULE);
        self.y += RULE;
        self.table = Some(table);
        Ok(())
    }

    /// Opens the table's element and shows its header rows.
    fn begin_table(&mut self, table: &OpenTable) -> Result<TableElements, ReportError> {
        let element = self.open(Role::Table)?;
        if !table.header.is_empty() {
            let head = self.paper.open(element, Role::TableHead)?;
            self.show_table_head(table, head)?;
        }
        Ok(TableElements {
            table: element,
            body: self.paper.open(element, Role::TableBody)?,
            rows: 0,
        })
    }

    /// Shows a table's header rows as what they are.
    fn show_table_head(&mut self, table: &OpenTable, head: Element) -> Result<(), ReportError> {
        self.table_volume = self.paper.volume();
        for header in &table.header {
            let row = self.paper.open(head, Role::Row)?;
            let roles = vec![Role::ColumnHeader; header.cells.len()];
            let elements = self.open_cells(&header.cells, row, &roles)?;
            let shown = cells(&header.cells, &elements, &roles, StyleId::CellHeader);
            self.show_header_row(table.x, &shown)?;
            self.close_cells(elements)?;
            self.paper.close(row)?;
        }
        self.paper.close(head)
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
        self.paper.open(body, Role::Row)
    }

    fn open_cells(
        &mut self,
        cells: &[PlacedCell],
        row: Element,
        roles: &[Role],
    ) -> Result<Vec<Element>, ReportError> {
        let mut elements = Vec::with_capacity(cells.len());
        for (cell, role) in cells.iter().zip(roles) {
            elements.push(self.paper.open_cell(row, *role, cell.columns)?);
        }
        Ok(elements)
    }

    fn close_cells(&mut self, elements: Vec<Element>) -> Result<(), ReportError> {
        for element in elements {
            self.paper.close(element)?;
        }
        Ok(())
    }

    /// Shows the header again on a further page: for those who see it, and in a further volume for
    /// everyone, since the part of the table there is a table of its own.
    fn repeat_table_header(&mut self, table: &OpenTable) -> Result<(), ReportError> {
        if table.header_height() > (paper::BOTTOM - paper::TOP) * REPEATED_SHARE {
            return Ok(());
        }
        if let Some(elements) = &table.elements
            && !table.header.is_empty()
            && self.paper.volume() != self.table_volume
        {
            let head = self.paper.open_first(elements.table, Role::TableHead)?;
            return self.show_table_head(table, head);
        }
        for header in &table.header {
            let shown: Vec<Cell<'_>> = header.cells.iter().map(PlacedCell::repeated).collect();
            self.show_header_row(table.x, &shown)?;
        }
        Ok(())
    }

    fn show_header_row(&mut self, x: f32, cells: &[Cell<'_>]) -> Result<(), ReportError> {
        self.y += PADDING;
        let leading = StyleId::CellHeader.style().leading;
        self.show_cells(cells, leading, Self::turn_page)?;
        self.y += PADDING;
        self.canvas.rule(x, self.y, paper::RIGHT - x, 2.0 * RULE);
        self.y += 2.0 * RULE;
        Ok(())
    }

    pub(super) fn end_table(&mut self) -> Result<(), ReportError> {
        let Some(table) = self.table.take() else {
            return Ok(());
        };
        let Some(elements) = table.elements else {
            return Ok(());
        };
        self.y += table.after;
        self.paper.close(elements.body)?;
        self.paper.close(elements.table)
    }
}

impl PlacedCell {
    /// The cell of a header that is shown once more: nothing that is read again.
    fn repeated(&self) -> Cell<'_> {
        Cell {
            x: self.x,
            width: self.width,
            style: StyleId::CellHeader,
            lines: &self.lines,
            meaning: Meaning::Artifact,
        }
    }
}

/// What is shown of the cells of a row.
fn cells<'c>(
    placed: &'c [PlacedCell],
    elements: &[Element],
    roles: &[Role],
    style: StyleId,
) -> Vec<Cell<'c>> {
    let meanings = elements.iter().zip(roles);
    let cells = placed.iter().zip(meanings);
    cells
        .map(|(cell, (element, role))| Cell {
            x: cell.x,
            width: cell.width,
            style: match cell.header {
                true => StyleId::CellHeader,
                false => style,
            },
            lines: &cell.lines,
            meaning: Meaning::Content(*element, *role),
        })
        .collect()
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

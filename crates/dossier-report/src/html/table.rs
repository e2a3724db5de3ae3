use html5ever::LocalName;

use super::grid::{Grid, Kind};
use super::inline_image::Image;
use super::marks::{Marks, TableClass};
use super::prose::{Prose, Spaces};
use super::section::{Placed, SectionBuilder};
use crate::ReportError;
use crate::block::{Block, BlockSink};
use crate::limits::{HTML_TABLE_BYTES_SEEN, HTML_TABLE_ROWS_SEEN};

/// A table that is open. Its first rows are held until it is known what it is; from then on each
/// is shown when it ends.
pub(super) struct Table {
    class: Option<TableClass>,
    state: State,
    in_head: bool,
    row: Option<Row>,
    cell: Option<Cell>,
    /// The indentation to return to behind a cell that goes on below its row.
    flowing: Option<usize>,
    indent: usize,
}

enum State {
    Looking { rows: Vec<Row>, bytes: usize },
    Known(Kind),
}

/// A row whose cells are still coming, or are held.
#[derive(Default)]
pub(super) struct Row {
    pub cells: Vec<Cell>,
    pub in_head: bool,
}

/// A cell whose text is still coming, or is held.
#[derive(Default)]
pub(super) struct Cell {
    pub prose: Prose,
    pub columns: usize,
    pub rows: usize,
    pub header: bool,
    pub percent: Option<u8>,
    pub images: Vec<Image>,
}

impl Table {
    /// The cell that takes text.
    pub fn cell(&mut self) -> Option<&mut Cell> {
        self.cell.as_mut()
    }
}

impl Row {
    pub fn is_blank(&self) -> bool {
        let mut cells = self.cells.iter();
        cells.all(|cell| cell.prose.is_blank() && cell.images.is_empty())
    }
}

impl Cell {
    /// An empty cell in place of one that is shown already.
    fn blank(&self) -> Self {
        Self {
            columns: self.columns,
            rows: 1,
            ..Self::default()
        }
    }
}

impl SectionBuilder<'_, '_, '_> {
    /// The cell that takes text, if one does.
    pub(super) fn cell(&mut self) -> Option<&mut Cell> {
        self.tables.last_mut().and_then(Table::cell)
    }

    /// Whether a row is open whose cells are not.
    pub(super) fn in_row(&self) -> bool {
        let table = self.tables.last();
        table.is_some_and(|table| table.row.is_some() && table.flowing.is_none())
    }

    /// What white space means where it is not kept.
    pub(super) fn spaces(&self) -> Spaces {
        match self.tables.last() {
            Some(table) if table.class == Some(TableClass::Data) && table.cell.is_some() => {
                Spaces::Lines
            }
            _ => Spaces::Folded,
        }
    }

    pub(super) fn start_table(&mut self, marks: &Marks) -> Result<(), ReportError> {
        match self.cell() {
            Some(_) => self.flow_on()?,
            None => self.flush()?,
        }
        self.tables.push(Table {
            class: marks.table(),
            state: State::Looking {
                rows: Vec::new(),
                bytes: 0,
            },
            in_head: false,
            row: None,
            cell: None,
            flowing: None,
            indent: self.indent,
        });
        Ok(())
    }

    /// Whether header rows begin.
    pub(super) fn start_head(&mut self) -> bool {
        match self.tables.last_mut() {
            Some(table) if table.row.is_none() => {
                table.in_head = true;
                true
            }
            _ => false,
        }
    }

    pub(super) fn end_head(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            table.in_head = false;
        }
    }

    /// Whether a row begins.
    pub(super) fn start_row(&mut self) -> Result<bool, ReportError> {
        let in_table = self.tables.last().is_some_and(|table| table.row.is_none());
        if in_table {
            self.flush()?;
        }
        if let Some(table) = self.tables.last_mut().filter(|_| in_table) {
            table.row = Some(Row {
                cells: Vec::new(),
                in_head: table.in_head,
            });
        }
        Ok(in_table)
    }

    /// Whether a cell begins.
    pub(super) fn start_cell(&mut self, name: &LocalName, marks: &Marks) -> bool {
        if !self.in_row() {
            return false;
        }
        match self.tables.last_mut() {
            Some(table) if table.cell.is_none() => {
                table.cell = Some(Cell {
                    columns: marks.columns(),
                    rows: marks.rows(),
                    header: &**name == "th",
                    percent: marks.percent(),
                    ..Cell::default()
                });
                true
            }
            _ => false,
        }
    }

    pub(super) fn end_cell(&mut self) -> Result<(), ReportError> {
        if self.cell().is_none() {
            self.flush()?;
        }
        let Some(table) = self.tables.last_mut() else {
            return Ok(());
        };
        if let Some(around) = table.flowing.take() {
            self.indent = around;
        }
        if let (Some(mut cell), Some(row)) = (table.cell.take(), &mut table.row) {
            cell.prose = cell.prose.take();
            row.cells.push(cell);
        }
        Ok(())
    }

    pub(super) fn end_row(&mut self) -> Result<(), ReportError> {
        // Text between the cells of a row that goes on below itself.
        self.flush()?;
        let Some(mut table) = self.tables.pop() else {
            return Ok(());
        };
        if let Some(row) = table.row.take() {
            self.take_row(&mut table, row)?;
        }
        self.tables.push(table);
        Ok(())
    }

    pub(super) fn end_table(&mut self) -> Result<(), ReportError> {
        self.flush()?;
        let Some(mut table) = self.tables.pop() else {
            return Ok(());
        };
        self.decide(&mut table)?;
        self.end_grid(&mut table)
    }

    /// Shows the open row as far as it has come, because its last cell holds what no cell can; the
    /// rest of that cell goes on below.
    pub(super) fn flow_on(&mut self) -> Result<(), ReportError> {
        let Some(mut table) = self.tables.pop() else {
            return Ok(());
        };
        let mut row = table.row.take().unwrap_or_default();
        if let Some(mut cell) = table.cell.take() {
            cell.prose = cell.prose.take();
            row.cells.push(cell);
        }
        table.row = Some(Row {
            cells: row.cells.iter().map(Cell::blank).collect(),
            in_head: row.in_head,
        });
        let place = row.cells.iter().map(|cell| cell.columns).sum::<usize>();
        self.take_row(&mut table, row)?;
        self.decide(&mut table)?;
        self.end_grid(&mut table)?;
        table.flowing = Some(self.indent);
        let label = match &table.state {
            State::Known(Kind::Flow) => None,
            State::Known(kind) => {
                self.indent = Self::deeper(table.indent);
                kind.label(place.saturating_sub(1)).map(str::to_owned)
            }
            State::Looking { .. } => None,
        };
        self.tables.push(table);
        if let Some(text) = label.as_deref() {
            self.before_block()?;
            let indent = self.indent;
            self.composer.block(Block::GroupLabel { text, indent })?;
        }
        Ok(())
    }

    /// Takes a row that has ended.
    fn take_row(&mut self, table: &mut Table, row: Row) -> Result<(), ReportError> {
        let State::Looking { rows, bytes } = &mut table.state else {
            return self.show_row(table, row);
        };
        *bytes += row.cells.iter().map(|cell| cell.prose.len()).sum::<usize>();
        rows.push(row);
        if rows.len() >= HTML_TABLE_ROWS_SEEN || *bytes >= HTML_TABLE_BYTES_SEEN {
            self.decide(table)?;
        }
        Ok(())
    }

    /// Decides what a table is and shows the rows that were held for it.
    fn decide(&mut self, table: &mut Table) -> Result<(), ReportError> {
        let State::Looking { rows, .. } = &mut table.state else {
            return Ok(());
        };
        let mut rows = std::mem::take(rows);
        table.state = State::Known(Kind::of(table.class, &mut rows));
        for row in rows {
            self.show_row(table, row)?;
        }
        Ok(())
    }

    fn show_row(&mut self, table: &mut Table, row: Row) -> Result<(), ReportError> {
        let indent = table.indent;
        let blank = row.is_blank();
        match &mut table.state {
            State::Known(Kind::Grid(grid)) => self.grid_row(grid, row, indent),
            _ if blank => Ok(()),
            State::Known(Kind::Pairs) => self.pair(row, indent),
            State::Known(Kind::Records { labels, shown }) => {
                *shown += 1;
                self.record(labels, *shown, row, indent)
            }
            State::Known(Kind::Flow) | State::Looking { .. } => self.flow_row(row),
        }
    }

    fn grid_row(&mut self, grid: &mut Grid, row: Row, indent: usize) -> Result<(), ReportError> {
        let blank = row.is_blank();
        let (cells, images) = grid.place(row);
        if blank {
            return Ok(());
        }
        self.before_row()?;
        if !grid.open {
            grid.open = true;
            let columns = &grid.columns;
            self.composer.block(Block::TableStart { columns, indent })?;
            if !grid.head.is_empty() {
                self.composer.block(Block::TableHead { rows: &grid.head })?;
            }
        }
        self.composer.block(Block::RichRow { cells: &cells })?;
        if images.is_empty() {
            return Ok(());
        }
        grid.open = false;
        self.composer.block(Block::TableEnd)?;
        let inner = Self::deeper(indent);
        let whose = cells.iter().map(|cell| cell.text.trim());
        let whose = whose.filter(|text| !text.is_empty()).map(first_line).next();
        for (column, image) in images {
            let label = grid.label(column).or(whose);
            if let Some(text) = label {
                let indent = inner;
                self.composer.block(Block::GroupLabel { text, indent })?;
            }
            let x = self.composer.left(inner);
            self.show_image(image, x)?;
        }
        Ok(())
    }

    /// Shows a row as a name and its value.
    fn pair(&mut self, row: Row, indent: usize) -> Result<(), ReportError> {
        self.before_row()?;
        let mut images = Vec::new();
        let mut cells = row.cells.into_iter().map(|mut cell| {
            images.append(&mut cell.images);
            cell.prose
        });
        let name = cells.next().unwrap_or_default();
        let mut value = Prose::default();
        let mut alone = true;
        for cell in cells {
            value.add(&cell);
            alone = false;
        }
        if alone || (name.is_blank() && !value.is_blank()) {
            let text = if alone { &name } else { &value };
            if !text.is_blank() {
                let text = text.text();
                self.pieces(text, Placed::Paragraph { indent })?;
            }
        } else {
            let (value, name) = (value.text(), name.text().text);
            self.pieces(value, Placed::Row { name, indent })?;
        }
        for image in images {
            let x = self.composer.value_left(indent);
            self.show_image(image, x)?;
        }
        Ok(())
    }

    /// Shows a row of a table that has too many columns for a page.
    fn record(
        &mut self,
        labels: &[String],
        number: usize,
        row: Row,
        indent: usize,
    ) -> Result<(), ReportError> {
        self.before_row()?;
        let text = &format!("Row {number}");
        self.composer.block(Block::GroupLabel { text, indent })?;
        for (column, cell) in row.cells.into_iter().enumerate() {
            if cell.prose.is_blank() && cell.images.is_empty() {
                continue;
            }
            let label = labels.get(column).filter(|label| !label.is_empty());
            let name = match label {
                Some(label) => label.clone(),
                None => format!("Column {}", column + 1),
            };
            let name = &name;
            self.pieces(cell.prose.text(), Placed::Row { name, indent })?;
            for image in cell.images {
                let x = self.composer.value_left(indent);
                self.show_image(image, x)?;
            }
        }
        Ok(())
    }

    /// Shows a row of a table that only places things.
    fn flow_row(&mut self, row: Row) -> Result<(), ReportError> {
        for cell in row.cells {
            if !cell.prose.is_blank() {
                self.paragraph(cell.prose.text())?;
            }
            for image in cell.images {
                self.before_block()?;
                let x = self.composer.left(self.indent);
                self.show_image(image, x)?;
            }
        }
        Ok(())
    }

    /// Ends the tables on the page that something else comes into; their next rows start them
    /// again.
    pub(super) fn end_grids(&mut self) -> Result<(), ReportError> {
        let mut tables = std::mem::take(&mut self.tables);
        for table in &mut tables {
            self.end_grid(table)?;
        }
        self.tables = tables;
        Ok(())
    }

    fn end_grid(&mut self, table: &mut Table) -> Result<(), ReportError> {
        match &mut table.state {
            State::Known(Kind::Grid(grid)) if grid.open => {
                grid.open = false;
                self.composer.block(Block::TableEnd)
            }
            _ => Ok(()),
        }
    }
}

/// The beginning of a text that can stand as a label.
fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    &line[..line.floor_char_boundary(80)]
}

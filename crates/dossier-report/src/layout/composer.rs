use super::canvas::{Canvas, PageSink, paper};
use crate::ReportError;
use crate::block::{Block, BlockSink, Column, HeadingLevel, Value};
use crate::limits::{HEADER_NAME_LINES_MAX, INDENT_LEVELS_MAX, UNBROKEN_WORD_CHARS_MAX};
use crate::text::{Lines, Shaper, StyleId, TextFlow};

/// Points a level of indentation.
const INDENT: f32 = 14.0;
/// The name's part of a name/value row.
const NAME_SHARE: f32 = 0.3;
/// Points between a row's text and its rules, and between two columns.
const PADDING: f32 = 4.5;
const GUTTER: f32 = 12.0;
const RULE: f32 = 0.6;
/// Points by which a column is wider than its longest word.
const WIDTH_SLACK: f32 = 0.1;
/// A row of at most this many lines is not broken over pages.
const UNBROKEN_LINES_MAX: usize = 6;
/// Points of content that must follow a heading on its page.
const KEPT_WITH_HEADING: f32 = 40.0;
/// Ascent above a baseline as a part of the leading.
const BASELINE: f32 = 0.75;

/// What every page of a section shows around its content.
pub(crate) struct Furniture {
    header: Lines,
    footer: Lines,
}

impl Furniture {
    /// The subject at the top right, the classification at the foot.
    pub fn new(shaper: &mut Shaper<'_>, name: &str, identifier: &str, footer: &str) -> Self {
        let width = paper::TEXT_WIDTH;
        let mut flow_name = TextFlow::all(shaper, name, StyleId::Small, width);
        flow_name.truncate(HEADER_NAME_LINES_MAX);
        let mut identifier = TextFlow::all(shaper, identifier, StyleId::Small, width);
        identifier.truncate(1);
        flow_name.append(&identifier);
        let mut footer = TextFlow::all(shaper, footer, StyleId::Small, width * 0.8);
        footer.truncate(1);
        Self {
            header: flow_name,
            footer,
        }
    }

    /// Everything but the page number, which is the same on every page.
    pub fn canvas(&self) -> Canvas {
        let mut canvas = Canvas::default();
        let leading = StyleId::Small.style().leading;
        let mut y = paper::HEADER + leading * BASELINE;
        for (line, bytes) in self.header.iter() {
            canvas.show(StyleId::Small, paper::RIGHT - line.width, y, line, bytes);
            y += leading;
        }
        for (line, bytes) in self.footer.iter() {
            let y = paper::FOOTER + leading * BASELINE;
            canvas.show(StyleId::Small, paper::LEFT, y, line, bytes);
        }
        canvas
    }
}

/// Puts blocks on pages and hands each page on when it is full.
pub(crate) struct Composer<'a, 'f> {
    pub shaper: &'a mut Shaper<'f>,
    sink: &'a mut dyn PageSink,
    pub canvas: Canvas,
    pub y: f32,
    page_number: Option<u32>,
    headings: Vec<PendingHeading>,
    row: Option<OpenRow>,
    table: Option<OpenTable>,
}

/// A heading that waits for what it must not be parted from.
struct PendingHeading {
    lines: Lines,
    style: StyleId,
    x: f32,
    before: f32,
}

/// A value whose pieces are still coming.
struct OpenRow {
    name: Lines,
    name_style: StyleId,
    value: Lines,
    flow: Option<TextFlow>,
    x: f32,
    value_x: f32,
    right: f32,
    ruled: bool,
}

struct OpenTable {
    columns: Vec<TableColumn>,
    header_lines: usize,
    x: f32,
    begun: bool,
    cells: Vec<Lines>,
}

struct TableColumn {
    x: f32,
    width: f32,
    header: Lines,
}

/// Lines of one cell that are put on a page side by side with others.
struct Cell<'l> {
    x: f32,
    width: f32,
    style: StyleId,
    lines: &'l Lines,
}

impl<'a, 'f> Composer<'a, 'f> {
    /// Starts with an empty page. With a number, pages are numbered from it.
    pub fn new(
        shaper: &'a mut Shaper<'f>,
        sink: &'a mut dyn PageSink,
        first_page: Option<u32>,
    ) -> Self {
        Self {
            shaper,
            sink,
            canvas: Canvas::default(),
            y: paper::TOP,
            page_number: first_page,
            headings: Vec::new(),
            row: None,
            table: None,
        }
    }

    /// The number of the page that is being filled.
    pub fn page_number(&self) -> Option<u32> {
        self.page_number
    }

    /// Ends the section: the last page is handed on.
    pub fn end_section(&mut self) -> Result<(), ReportError> {
        self.settle(0.0)?;
        self.turn_page()
    }

    /// Hands the page on and starts the next.
    pub fn turn_page(&mut self) -> Result<(), ReportError> {
        if let Some(number) = &mut self.page_number {
            let text = number.to_string();
            let lines = TextFlow::all(self.shaper, &text, StyleId::Small, paper::TEXT_WIDTH);
            let y = paper::FOOTER + StyleId::Small.style().leading * BASELINE;
            for (line, bytes) in lines.iter() {
                let x = paper::RIGHT - line.width;
                self.canvas.show(StyleId::Small, x, y, line, bytes);
            }
            *number = number.checked_add(1).ok_or(ReportError::TooLarge)?;
        }
        self.sink.page(&self.canvas)?;
        self.canvas.clear();
        self.y = paper::TOP;
        Ok(())
    }

    fn at_top(&self) -> bool {
        self.y <= paper::TOP
    }

    fn room(&self) -> f32 {
        paper::BOTTOM - self.y
    }

    /// Makes sure that `height` points fit below the waiting headings, and shows those.
    pub fn settle(&mut self, height: f32) -> Result<(), ReportError> {
        let headings = std::mem::take(&mut self.headings);
        let waiting: f32 = headings.iter().map(PendingHeading::height).sum();
        let wanted = waiting + height;
        let fits_a_page = wanted <= paper::BOTTOM - paper::TOP;
        if wanted > self.room() && !self.at_top() && (fits_a_page || headings.is_empty()) {
            self.turn_page()?;
        }
        for heading in &headings {
            self.show_heading(heading)?;
        }
        if height > self.room() && !headings.is_empty() && !fits_a_page {
            self.turn_page()?;
        }
        Ok(())
    }

    fn show_heading(&mut self, heading: &PendingHeading) -> Result<(), ReportError> {
        if !self.at_top() {
            self.y += heading.before;
        }
        let leading = heading.style.style().leading;
        for (line, bytes) in heading.lines.iter() {
            if leading > self.room() && !self.at_top() {
                self.turn_page()?;
            }
            let x = start_of(line.right_to_left, heading.x, paper::RIGHT, line.width);
            let y = self.y + leading * BASELINE;
            self.canvas.show(heading.style, x, y, line, bytes);
            self.y += leading;
        }
        self.y += heading.after();
        Ok(())
    }

    fn heading(&mut self, style: StyleId, text: &str, indent: usize) {
        let x = indented(indent);
        let lines = TextFlow::all(self.shaper, text, style, paper::RIGHT - x);
        let before = match style {
            StyleId::Title => 0.0,
            StyleId::Heading2 => 20.0,
            StyleId::Heading3 => 14.0,
            _ => 10.0,
        };
        self.headings.push(PendingHeading {
            lines,
            style,
            x,
            before,
        });
    }

    /// Shows lines of cells side by side, over as many pages as they need.
    fn show_cells(
        &mut self,
        cells: &[Cell<'_>],
        leading: f32,
        mut flow: impl FnMut(&mut Self) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let total = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(0);
        let mut from = 0;
        while from < total {
            let mut room = (self.room() / leading) as usize;
            if room == 0 {
                flow(self)?;
                room = ((self.room() / leading) as usize).max(1);
            }
            let until = total.min(from + room);
            for cell in cells {
                let mut y = self.y + leading * BASELINE;
                for (line, bytes) in cell.lines.iter().skip(from).take(until - from) {
                    let right = cell.x + cell.width;
                    let x = start_of(line.right_to_left, cell.x, right, line.width);
                    self.canvas.show(cell.style, x, y, line, bytes);
                    y += leading;
                }
            }
            self.y += (until - from) as f32 * leading;
            from = until;
        }
        Ok(())
    }

    fn open_row(&mut self, row: OpenRow, value: Value<'_>) -> Result<(), ReportError> {
        self.row = Some(row);
        self.fill_row(value, true)
    }

    /// Lays out a piece of the open row's value and shows what is complete.
    fn fill_row(&mut self, value: Value<'_>, first: bool) -> Result<(), ReportError> {
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
        }
        self.show_row(&mut row, leading)?;
        if last {
            self.y += if row.ruled { PADDING } else { PADDING / 2.0 };
            if row.ruled {
                self.canvas.rule(row.x, self.y, row.right - row.x, RULE);
                self.y += RULE;
            }
        } else {
            self.row = Some(row);
        }
        Ok(())
    }

    fn wanted_after_headings(&self) -> f32 {
        if self.headings.is_empty() {
            0.0
        } else {
            KEPT_WITH_HEADING
        }
    }

    fn show_row(&mut self, row: &mut OpenRow, leading: f32) -> Result<(), ReportError> {
        let name = std::mem::take(&mut row.name);
        let cells = [
            Cell {
                x: row.x,
                width: row.value_x - row.x - GUTTER,
                style: row.name_style,
                lines: &name,
            },
            Cell {
                x: row.value_x,
                width: row.right - row.value_x,
                style: StyleId::Body,
                lines: &row.value,
            },
        ];
        self.show_cells(&cells, leading, Self::turn_page)
    }

    fn text_row(
        &mut self,
        marker: &str,
        style: StyleId,
        value: Value<'_>,
        [x, value_x]: [f32; 2],
        ruled: bool,
    ) -> Result<(), ReportError> {
        let right = paper::RIGHT;
        let name_width = (value_x - x - GUTTER).max(GUTTER);
        let name = if marker.is_empty() {
            Lines::default()
        } else {
            TextFlow::all(self.shaper, marker, style, name_width)
        };
        let row = OpenRow {
            name,
            name_style: style,
            value: Lines::default(),
            flow: Some(TextFlow::new(StyleId::Body, right - value_x)),
            x,
            value_x,
            right,
            ruled,
        };
        self.open_row(row, value)
    }

    fn open_table(&mut self, columns: &[Column], indent: usize) {
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
            columns: placed,
            header_lines,
            x,
            begun: false,
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

    fn table_row(&mut self, texts: &[String]) -> Result<(), ReportError> {
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
        if !table.begun {
            let wanted = height + table.header_height() + PADDING;
            self.settle(wanted.max(self.wanted_after_headings()))?;
            if !self.at_top() {
                self.y += PADDING;
            }
            self.show_table_header(&table)?;
            table.begun = true;
        } else if height > self.room() {
            self.turn_page()?;
            self.show_table_header(&table)?;
        }
        self.y += PADDING;
        let cells: Vec<Cell<'_>> = table
            .columns
            .iter()
            .zip(&table.cells)
            .map(|(column, lines)| Cell {
                x: column.x,
                width: column.width,
                style: StyleId::Cell,
                lines,
            })
            .collect();
        self.show_cells(&cells, leading, |composer| {
            composer.turn_page()?;
            composer.show_table_header(&table)
        })?;
        self.y += PADDING;
        self.canvas
            .rule(table.x, self.y, paper::RIGHT - table.x, RULE);
        self.y += RULE;
        self.table = Some(table);
        Ok(())
    }

    fn show_table_header(&mut self, table: &OpenTable) -> Result<(), ReportError> {
        let cells: Vec<Cell<'_>> = table
            .columns
            .iter()
            .map(|column| Cell {
                x: column.x,
                width: column.width,
                style: StyleId::CellHeader,
                lines: &column.header,
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
}

/// Points between a heading and what it heads.
const AFTER_HEADING: f32 = 3.0;

impl PendingHeading {
    fn height(&self) -> f32 {
        self.before + self.lines.len() as f32 * self.style.style().leading + self.after()
    }

    fn after(&self) -> f32 {
        match self.style {
            StyleId::Title => 3.0 * AFTER_HEADING,
            _ => AFTER_HEADING,
        }
    }
}

impl OpenTable {
    fn header_height(&self) -> f32 {
        let leading = StyleId::CellHeader.style().leading;
        self.header_lines as f32 * leading + 2.0 * PADDING + 2.0 * RULE
    }
}

impl BlockSink for Composer<'_, '_> {
    fn block(&mut self, block: Block<'_>) -> Result<(), ReportError> {
        match block {
            Block::Title(text) => self.heading(StyleId::Title, text, 0),
            Block::Heading { level, text } => {
                let style = match level {
                    HeadingLevel::Two => StyleId::Heading2,
                    HeadingLevel::Three => StyleId::Heading3,
                    HeadingLevel::Four => StyleId::Heading4,
                    HeadingLevel::Five => StyleId::Heading5,
                };
                self.heading(style, text, 0);
            }
            Block::GroupLabel { text, indent } => {
                self.heading(StyleId::Heading5, text, indent);
            }
            Block::Paragraph { value, indent } => {
                let x = indented(indent);
                self.text_row("", StyleId::Body, value, [x, x], false)?;
            }
            Block::Row {
                name,
                value,
                indent,
            } => {
                let x = indented(indent);
                let value_x = x + (paper::RIGHT - x) * NAME_SHARE;
                self.text_row(name, StyleId::Name, value, [x, value_x], true)?;
            }
            Block::Item { value, indent } => {
                let x = indented(indent) + 4.0;
                self.text_row("•", StyleId::Body, value, [x, x + INDENT], false)?;
            }
            Block::More(value) => self.fill_row(value, false)?,
            Block::TableStart { columns, indent } => self.open_table(columns, indent),
            Block::TableRow { cells } => self.table_row(cells)?,
            Block::TableEnd => self.table = None,
        }
        Ok(())
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

fn indented(levels: usize) -> f32 {
    paper::LEFT + levels.min(INDENT_LEVELS_MAX) as f32 * INDENT
}

fn start_of(right_to_left: bool, left: f32, right: f32, width: f32) -> f32 {
    if right_to_left { right - width } else { left }
}

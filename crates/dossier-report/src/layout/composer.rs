use super::canvas::{Canvas, Paper, paper};
use super::front::continued;
use super::table::OpenTable;
use crate::ReportError;
use crate::block::{Block, BlockSink, HeadingLevel, Value};
use crate::limits::{CONTINUED_TITLE_LINES_MAX, ELEMENT_KIDS_MAX, INDENT_LEVELS_MAX};
use crate::look::Colour;
use crate::pdf::{Element, PdfFile, Role};
use crate::text::{Lines, Shaper, StyleId, TextFlow};

/// Points a level of indentation.
const INDENT: f32 = 14.0;
/// The name's part of a name/value row.
const NAME_SHARE: f32 = 0.3;
/// Points between a row's text and its rules, and between two columns.
pub(super) const PADDING: f32 = 4.5;
pub(super) const GUTTER: f32 = 12.0;
pub(super) const RULE: f32 = 0.6;
/// A row of at most this many lines is not broken over pages.
pub(super) const UNBROKEN_LINES_MAX: usize = 6;
/// Points of content that must follow a heading on its page.
const KEPT_WITH_HEADING: f32 = 40.0;
/// Points of the bar below a title.
const TITLE_BAR: f32 = 46.0;
/// Points between a heading and what it heads.
const AFTER_HEADING: f32 = 3.0;

/// Puts blocks on pages and hands each page on when it is full; says what each piece is.
pub(crate) struct Composer<'a, 'f> {
    pub shaper: &'a mut Shaper<'f>,
    pub(super) paper: &'a mut dyn Paper,
    pub canvas: Canvas,
    pub y: f32,
    /// Where the page's content begins.
    top: f32,
    parent: Element,
    accent: Colour,
    /// Characters of the section that no font has, on the pages before this one.
    unsupported: u64,
    /// The section's title, for the volumes in which the section goes on.
    title: String,
    section: Option<OpenSection>,
    headings: Vec<PendingHeading>,
    /// The level of the heading shown last: levels are not to have gaps (ISO 14289-1, 7.4.2).
    heading_level: u8,
    /// The volume that it is in.
    heading_volume: usize,
    group: Option<Group>,
    row: Option<OpenRow>,
    pub(super) table: Option<OpenTable>,
}

/// The element of a section, and the division that takes its next elements where it has many.
struct OpenSection {
    element: Element,
    division: Option<Element>,
    kids: usize,
}

/// A heading that waits for what it must not be parted from.
struct PendingHeading {
    lines: Lines,
    style: StyleId,
    level: u8,
    x: f32,
    before: f32,
}

/// Rows or items that follow one another, as one table or list.
struct Group {
    kind: RowKind,
    indent: usize,
    element: Element,
    rows: usize,
}

/// What a text is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowKind {
    Pair,
    Item,
    Paragraph,
}

/// A value whose pieces are still coming.
struct OpenRow {
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

/// Lines of one cell that are put on a page side by side with others.
pub(super) struct Cell<'l> {
    pub x: f32,
    pub width: f32,
    pub style: StyleId,
    pub lines: &'l Lines,
    pub meaning: Meaning,
}

/// What a piece of a page is.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    /// Content of an element.
    Content(Element, Role),
    /// Repeated or decorative: nothing that is to be read out.
    Artifact,
}

impl<'a, 'f> Composer<'a, 'f> {
    /// Starts with an empty page; all elements stand below `parent`.
    pub fn new(
        shaper: &'a mut Shaper<'f>,
        paper: &'a mut dyn Paper,
        parent: Element,
        accent: Colour,
    ) -> Self {
        Self {
            shaper,
            paper,
            canvas: Canvas::default(),
            y: paper::TOP,
            top: paper::TOP,
            parent,
            accent,
            unsupported: 0,
            title: String::new(),
            section: None,
            headings: Vec::new(),
            heading_level: 0,
            heading_volume: 0,
            group: None,
            row: None,
            table: None,
        }
    }

    /// Ends the section: the last page is handed on.
    pub fn end_section(&mut self) -> Result<(), ReportError> {
        self.settle(0.0)?;
        self.end_group()?;
        if let Some(section) = self.section.take() {
            if let Some(division) = section.division {
                self.paper.close(division)?;
            }
            self.paper.close(section.element)?;
        }
        self.heading_level = 0;
        self.hand_on_page()
    }

    /// Hands the page on and starts the next, on which more of the section follows.
    pub fn turn_page(&mut self) -> Result<(), ReportError> {
        let volume = self.paper.volume();
        self.hand_on_page()?;
        self.paper.page_number()?;
        if self.paper.volume() != volume {
            self.continue_section()?;
        }
        Ok(())
    }

    fn hand_on_page(&mut self) -> Result<(), ReportError> {
        self.paper.page(&self.canvas)?;
        self.unsupported += self.canvas.unsupported;
        self.canvas.clear();
        self.y = paper::TOP;
        self.top = paper::TOP;
        Ok(())
    }

    /// Says at the top of a volume which section goes on there.
    fn continue_section(&mut self) -> Result<(), ReportError> {
        self.heading_volume = self.paper.volume();
        self.heading_level = 1;
        let Some(section) = &self.section else {
            return Ok(());
        };
        let style = StyleId::Title;
        let role = Role::Heading(1);
        let text = continued(&self.title);
        let mut lines = TextFlow::all(self.shaper, &text, style, paper::TEXT_WIDTH);
        lines.truncate(CONTINUED_TITLE_LINES_MAX);
        // What was open when the volume ended goes on below.
        let element = self.paper.open_first(section.element, role)?;
        self.begin(Meaning::Content(element, role))?;
        for (line, bytes) in lines.iter() {
            let x = start_of(line.right_to_left, paper::LEFT, paper::RIGHT, line.width);
            let y = self.y + style.baseline();
            self.canvas.show(style, x, y, line, bytes);
            self.y += style.style().leading;
        }
        self.canvas.end();
        self.paper.close(element)?;
        self.title_bar(paper::LEFT);
        self.y += 3.0 * AFTER_HEADING;
        self.top = self.y;
        Ok(())
    }

    /// The bar below a title.
    fn title_bar(&mut self, x: f32) {
        self.canvas
            .bar([x, self.y + 4.0, TITLE_BAR, 2.4], self.accent);
        self.y += 6.0;
    }

    /// The number of the page that is being filled, from 1.
    pub fn page_number(&mut self) -> Result<u32, ReportError> {
        self.paper.page_number()
    }

    /// The files that are written to, first what is to be drawn on the page.
    pub fn files(&mut self) -> Result<Vec<&mut PdfFile>, ReportError> {
        self.paper.files()
    }

    /// Which volume the page belongs to, from 0.
    pub fn volume(&self) -> usize {
        self.paper.volume()
    }

    /// Characters of the section so far that no font has.
    pub fn unsupported(&self) -> u64 {
        self.unsupported + self.canvas.unsupported
    }

    pub(super) fn at_top(&self) -> bool {
        self.y <= self.top
    }

    /// Where the page's content begins.
    pub(super) fn top(&self) -> f32 {
        self.top
    }

    pub(super) fn room(&self) -> f32 {
        paper::BOTTOM - self.y
    }

    /// Opens the next element of the section.
    pub fn open(&mut self, role: Role) -> Result<Element, ReportError> {
        let parent = self.section_element()?;
        self.paper.open(parent, role)
    }

    /// The element that takes the section's next one.
    pub(super) fn section_element(&mut self) -> Result<Element, ReportError> {
        let mut section = match self.section.take() {
            Some(section) => section,
            None => OpenSection {
                element: self.paper.open(self.parent, Role::Section)?,
                division: None,
                kids: 0,
            },
        };
        section.kids += 1;
        if section.kids > ELEMENT_KIDS_MAX {
            if let Some(full) = section.division.take() {
                self.paper.close(full)?;
            }
            section.division = Some(self.paper.open(section.element, Role::Division)?);
            section.kids = 0;
        }
        let element = section.division.unwrap_or(section.element);
        self.section = Some(section);
        Ok(element)
    }

    /// Begins a piece of the page.
    pub(super) fn begin(&mut self, meaning: Meaning) -> Result<(), ReportError> {
        match meaning {
            Meaning::Content(element, role) => {
                let number = self.paper.mark(element)?;
                self.canvas.begin(role, number);
            }
            Meaning::Artifact => self.canvas.begin_artifact(),
        }
        Ok(())
    }

    /// Shows lines at the left, one below the other, as an element of their own.
    pub fn show_alone(
        &mut self,
        role: Role,
        style: StyleId,
        lines: &Lines,
    ) -> Result<(), ReportError> {
        let element = self.open(role)?;
        self.begin(Meaning::Content(element, role))?;
        for (line, bytes) in lines.iter() {
            let y = self.y + style.baseline();
            self.canvas.show(style, paper::LEFT, y, line, bytes);
            self.y += style.style().leading;
        }
        self.canvas.end();
        self.paper.close(element)
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
        if heading.lines.len() > 0 {
            // Another volume may begin here, whose first heading is to be of the first level.
            self.paper.page_number()?;
            if self.paper.volume() != self.heading_volume {
                self.heading_volume = self.paper.volume();
                self.heading_level = 0;
            }
            self.heading_level = heading.level.min(self.heading_level + 1);
            let role = Role::Heading(self.heading_level);
            let element = self.open(role)?;
            let cell = Cell {
                x: heading.x,
                width: paper::RIGHT - heading.x,
                style: heading.style,
                lines: &heading.lines,
                meaning: Meaning::Content(element, role),
            };
            let leading = heading.style.style().leading;
            self.show_cells(&[cell], leading, Self::turn_page)?;
            self.paper.close(element)?;
        }
        if heading.style == StyleId::Title {
            self.title_bar(heading.x);
        }
        self.y += heading.after();
        Ok(())
    }

    /// Takes a heading, which is shown with what follows it.
    pub fn heading(&mut self, style: StyleId, level: u8, text: &str, indent: usize) {
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
            level,
            x,
            before,
        });
    }

    /// Shows lines of cells side by side, over as many pages as they need.
    pub(super) fn show_cells(
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
                let lines = cell.lines.iter().skip(from).take(until - from);
                if lines.clone().all(|(_, bytes)| bytes.is_empty()) {
                    continue;
                }
                self.begin(cell.meaning)?;
                let mut y = self.y + cell.style.baseline();
                for (line, bytes) in lines {
                    let right = cell.x + cell.width;
                    let x = start_of(line.right_to_left, cell.x, right, line.width);
                    self.canvas.show(cell.style, x, y, line, bytes);
                    y += leading;
                }
                self.canvas.end();
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
            RowKind::Paragraph => {
                let value = self.open(Role::Paragraph)?;
                return Ok(RowElements {
                    row: None,
                    name: None,
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

    fn text_row(
        &mut self,
        kind: RowKind,
        marker: &str,
        value: Value<'_>,
        indent: usize,
    ) -> Result<(), ReportError> {
        let right = paper::RIGHT;
        let mut x = indented(indent);
        let mut name_style = StyleId::Body;
        let value_x = match kind {
            RowKind::Pair => {
                name_style = StyleId::Name;
                x + (right - x) * NAME_SHARE
            }
            RowKind::Item => {
                x += BULLET_INDENT;
                x + INDENT
            }
            RowKind::Paragraph => x,
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

/// Points between an item's bullet and the left.
const BULLET_INDENT: f32 = 4.0;

impl PendingHeading {
    fn height(&self) -> f32 {
        let bar = match self.style {
            StyleId::Title => 6.0,
            _ => 0.0,
        };
        self.before + self.lines.len() as f32 * self.style.style().leading + bar + self.after()
    }

    fn after(&self) -> f32 {
        match self.style {
            StyleId::Title => 3.0 * AFTER_HEADING,
            _ => AFTER_HEADING,
        }
    }
}

impl BlockSink for Composer<'_, '_> {
    fn block(&mut self, block: Block<'_>) -> Result<(), ReportError> {
        let continues = matches!(
            block,
            Block::Row { .. } | Block::Item { .. } | Block::More(_)
        );
        if !continues {
            self.end_group()?;
        }
        match block {
            Block::Title(text) => {
                text.clone_into(&mut self.title);
                self.heading(StyleId::Title, 1, text, 0);
            }
            Block::Heading { level, text } => {
                let (style, level) = match level {
                    HeadingLevel::Two => (StyleId::Heading2, 2),
                    HeadingLevel::Three => (StyleId::Heading3, 3),
                    HeadingLevel::Four => (StyleId::Heading4, 4),
                    HeadingLevel::Five => (StyleId::Heading5, 5),
                };
                self.heading(style, level, text, 0);
            }
            Block::GroupLabel { text, indent } => {
                self.heading(StyleId::Heading5, 6, text, indent);
            }
            Block::Paragraph { value, indent } => {
                self.text_row(RowKind::Paragraph, "", value, indent)?;
            }
            Block::Row {
                name,
                value,
                indent,
            } => self.text_row(RowKind::Pair, name, value, indent)?,
            Block::Item { value, indent } => self.text_row(RowKind::Item, "•", value, indent)?,
            Block::More(value) => self.fill_row(value, false)?,
            Block::TableStart { columns, indent } => self.open_table(columns, indent),
            Block::TableRow { cells } => self.table_row(cells)?,
            Block::TableEnd => self.end_table()?,
        }
        Ok(())
    }
}

pub(super) fn indented(levels: usize) -> f32 {
    paper::LEFT + levels.min(INDENT_LEVELS_MAX) as f32 * INDENT
}

fn start_of(right_to_left: bool, left: f32, right: f32, width: f32) -> f32 {
    if right_to_left { right - width } else { left }
}

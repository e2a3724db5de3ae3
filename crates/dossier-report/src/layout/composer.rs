use super::canvas::{Canvas, Paper, paper};
use super::front::continued;
use super::levels::HeadingLevels;
use super::list::{Marker, OpenList};
use super::row::{Group, OpenRow, RowKind};
use super::table::OpenTable;
use crate::ReportError;
use crate::block::{Block, BlockSink, HeadingLevel};
use crate::limits::{CONTINUED_TITLE_LINES_MAX, ELEMENT_KIDS_MAX, INDENT_LEVELS_MAX};
use crate::look::Colours;
use crate::pdf::{Element, PdfFile, Role};
use crate::text::{Line, Lines, Shaper, Spans, StyleId, TextFlow};

/// Points a level of indentation.
pub(super) const INDENT: f32 = 14.0;
/// Points between a row's text and its rules, and between two columns.
pub(super) const PADDING: f32 = 4.5;
pub(super) const GUTTER: f32 = 12.0;
pub(super) const RULE: f32 = 0.6;
/// A row of at most this many lines is not broken over pages.
pub(super) const UNBROKEN_LINES_MAX: usize = 6;
/// Points of content that must follow a heading on its page.
pub(super) const KEPT_WITH_HEADING: f32 = 40.0;
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
    colours: Colours,
    /// Characters of the section that cannot be shown, on the pages before this one.
    unsupported: u64,
    /// The section's title, for the volumes in which the section goes on.
    title: String,
    section: Option<OpenSection>,
    /// Lists and their items that are open, which take the section's next elements.
    pub(super) lists: Vec<OpenList>,
    /// What marks the item that has begun, until its first line is shown.
    pub(super) marker: Option<Marker>,
    /// Whether what comes next is to start on a new page.
    page_break: bool,
    pub(super) headings: Vec<PendingHeading>,
    heading_levels: HeadingLevels,
    /// The volume that the heading shown last is in.
    heading_volume: usize,
    pub(super) group: Option<Group>,
    pub(super) row: Option<OpenRow>,
    pub(super) table: Option<OpenTable>,
    /// The volume that its header rows were last read in.
    pub(super) table_volume: usize,
}

/// The element of a section, and the division that takes its next elements where it has many.
pub(super) struct OpenSection {
    element: Element,
    division: Option<Element>,
    kids: usize,
}

impl OpenSection {
    pub(super) fn new(element: Element) -> Self {
        Self {
            element,
            division: None,
            kids: 0,
        }
    }

    /// The element that takes the next one.
    pub(super) fn next(&mut self, paper: &mut dyn Paper) -> Result<Element, ReportError> {
        self.kids += 1;
        if self.kids > ELEMENT_KIDS_MAX {
            if let Some(full) = self.division.take() {
                paper.close(full)?;
            }
            self.division = Some(paper.open(self.element, Role::Division)?);
            self.kids = 0;
        }
        Ok(self.division.unwrap_or(self.element))
    }

    pub(super) fn close(self, paper: &mut dyn Paper) -> Result<(), ReportError> {
        if let Some(division) = self.division {
            paper.close(division)?;
        }
        paper.close(self.element)
    }
}

/// A heading that waits for what it must not be parted from.
pub(super) struct PendingHeading {
    lines: Lines,
    style: StyleId,
    level: u8,
    x: f32,
    before: f32,
    /// How many lists it stands in: more may begin while it waits.
    lists: usize,
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
        colours: Colours,
    ) -> Self {
        Self {
            shaper,
            paper,
            canvas: Canvas::new(colours),
            y: paper::TOP,
            top: paper::TOP,
            parent,
            colours,
            unsupported: 0,
            title: String::new(),
            section: None,
            lists: Vec::new(),
            marker: None,
            page_break: false,
            headings: Vec::new(),
            heading_levels: HeadingLevels::default(),
            heading_volume: 0,
            group: None,
            row: None,
            table: None,
            table_volume: 0,
        }
    }

    /// Ends the section: the last page is handed on.
    pub fn end_section(&mut self) -> Result<(), ReportError> {
        // There is nothing left that could start on a new page.
        self.page_break = false;
        self.settle(0.0)?;
        self.end_group()?;
        if let Some(section) = self.section.take() {
            section.close(self.paper)?;
        }
        self.heading_levels.clear();
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
        self.heading_levels.clear();
        let Some(section) = &self.section else {
            return Ok(());
        };
        let style = StyleId::Title;
        let role = Role::Heading(self.heading_levels.tagged(1));
        let text = continued(&self.title);
        let mut lines = TextFlow::all(self.shaper, &text, style, paper::TEXT_WIDTH);
        lines.truncate(CONTINUED_TITLE_LINES_MAX);
        // What was open when the volume ended goes on below.
        let element = self.paper.open_first(section.element, role)?;
        let meaning = Meaning::Content(element, role);
        self.begin(meaning)?;
        for (line, bytes) in lines.iter() {
            let x = start_of(line.right_to_left, paper::LEFT, paper::RIGHT, line.width);
            let y = self.y + style.baseline();
            self.show_line(meaning, style, [x, y], (line, bytes))?;
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
            .bar([x, self.y + 4.0, TITLE_BAR, 2.4], self.colours.accent);
        self.y += 6.0;
    }

    /// Where a text at this indentation begins, in points from the paper's left edge.
    pub fn left(&self, indent: usize) -> f32 {
        indented(indent)
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

    /// Characters of the section so far that cannot be shown.
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
        if let Some(body) = self.item_element()? {
            return Ok(body);
        }
        let mut section = match self.section.take() {
            Some(section) => section,
            None => OpenSection::new(self.paper.open(self.parent, Role::Section)?),
        };
        let element = section.next(self.paper)?;
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

    /// Shows a line of what was begun, with its baseline at `y`.
    pub(super) fn show_line(
        &mut self,
        meaning: Meaning,
        style: StyleId,
        [x, y]: [f32; 2],
        (line, bytes): (&Line, &[u8]),
    ) -> Result<(), ReportError> {
        let spans = Spans::of(bytes);
        match meaning {
            Meaning::Content(element, role) if spans.numbers() > 0 => {
                let numbers = (0..spans.numbers()).map(|_| self.paper.mark(element));
                let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
                let content = (role, &spans, &numbers[..]);
                self.canvas
                    .show_content(content, style, [x, y], (line, bytes));
            }
            _ => self.canvas.show(style, x, y, line, bytes),
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
        let meaning = Meaning::Content(element, role);
        self.begin(meaning)?;
        for (line, bytes) in lines.iter() {
            let y = self.y + style.baseline();
            self.show_line(meaning, style, [paper::LEFT, y], (line, bytes))?;
            self.y += style.style().leading;
        }
        self.canvas.end();
        self.paper.close(element)
    }

    /// Makes sure that `height` points fit below the waiting headings, and shows those.
    pub fn settle(&mut self, height: f32) -> Result<(), ReportError> {
        if std::mem::take(&mut self.page_break) && !self.at_top() {
            self.turn_page()?;
        }
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
                self.heading_levels.clear();
            }
            let role = Role::Heading(self.heading_levels.tagged(heading.level));
            let begun_since = self.lists.split_off(heading.lists.min(self.lists.len()));
            let element = self.open(role)?;
            self.lists.extend(begun_since);
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
            StyleId::Title | StyleId::Small => 0.0,
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
            lists: self.lists.len(),
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
                    self.show_line(cell.meaning, cell.style, [x, y], (line, bytes))?;
                    y += leading;
                }
                self.canvas.end();
            }
            self.y += (until - from) as f32 * leading;
            from = until;
        }
        Ok(())
    }
}

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
        if !matches!(block, Block::Paragraph { .. } | Block::More(_)) {
            self.show_marker()?;
        }
        match block {
            Block::TitleOf { label, title } => {
                label.clone_into(&mut self.title);
                self.heading(StyleId::Small, 1, label, 0);
                self.heading(StyleId::Title, 2, title, 0);
            }
            Block::ListStart { numbering } => self.start_list(numbering),
            Block::ItemStart { marker, indent } => self.start_item(marker, indent),
            Block::ItemEnd => self.end_item()?,
            Block::ListEnd => self.end_list()?,
            Block::PageBreak => self.page_break = true,
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
            Block::TableHead { rows } => self.table_head(rows),
            Block::TableRow { cells } => self.table_row(cells)?,
            Block::RichRow { cells } => self.rich_row(cells)?,
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

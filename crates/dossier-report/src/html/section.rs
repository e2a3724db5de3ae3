use std::ops::Range;
use std::path::Path;

use html5ever::LocalName;

use super::list::List;
use super::marks::Marks;
use super::prose::{Prose, Spaces};
use super::table::Table;
use crate::ReportError;
use crate::block::{Block, BlockSink, HeadingLevel, Text, Value};
use crate::layout::Composer;
use crate::limits::{HTML_CELL_BYTES_MAX, INDENT_LEVELS_MAX, TEXT_PIECE_BYTES};

/// What the HTML is, which decides what its headings and images become.
#[derive(Clone, Copy)]
pub(super) enum Manner<'m> {
    /// A section of the report.
    Section {
        /// What the section is called where its own text has no title.
        label: &'m str,
        /// Where its images may be put while they are shown.
        folder: &'m Path,
    },
    /// A web page or an e-mail among the attachments of a section.
    Page,
}

/// Makes blocks of the events of a walk through an HTML text.
pub(super) struct SectionBuilder<'c, 'a, 'f> {
    pub(super) composer: &'c mut Composer<'a, 'f>,
    pub(super) manner: Manner<'c>,
    /// The section's label, until its title is shown.
    opening: Option<&'c str>,
    frames: Vec<Frame>,
    /// Elements that are open whose content is not seen.
    hidden: usize,
    bold: usize,
    /// Elements that are open whose white space is kept.
    kept: usize,
    pub(super) prose: Prose,
    kind: TextKind,
    /// Whether a piece of the text is shown already.
    begun: bool,
    pub(super) lists: Vec<List>,
    pub(super) tables: Vec<Table>,
    /// Levels of indentation of what comes next.
    pub(super) indent: usize,
    /// Where the last link led that was shown with its target.
    last_target: String,
}

/// What ends when an element does.
struct Frame {
    role: Role,
    breaks_after: bool,
}

enum Role {
    Inline,
    Block,
    Hidden,
    Bold,
    BoldBlock,
    Kept,
    /// A link of a page, which leads there.
    Link(String),
    Heading,
    List,
    /// An item, with the indentation around it.
    Item {
        around: usize,
        list: Lone,
    },
    Table,
    Head,
    Row,
    Cell,
}

/// Whether an item stands in a list or on its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lone {
    InList,
    Alone,
}

/// Where a text that is held is put.
#[derive(Clone, Copy)]
pub(super) enum Placed<'n> {
    Paragraph { indent: usize },
    Row { name: &'n str, indent: usize },
}

impl<'n> Placed<'n> {
    fn block(self, value: Value<'n>) -> Block<'n> {
        match self {
            Self::Paragraph { indent } => Block::Paragraph { value, indent },
            Self::Row { name, indent } => Block::Row {
                name,
                value,
                indent,
            },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Paragraph,
    Heading(u8),
    /// The title of the section itself.
    Title,
}

impl<'c, 'a, 'f> SectionBuilder<'c, 'a, 'f> {
    pub fn new(composer: &'c mut Composer<'a, 'f>, manner: Manner<'c>) -> Self {
        let opening = match manner {
            Manner::Section { label, .. } => Some(label),
            Manner::Page => None,
        };
        Self {
            composer,
            manner,
            opening,
            frames: Vec::new(),
            hidden: 0,
            bold: 0,
            kept: 0,
            prose: Prose::default(),
            kind: TextKind::Paragraph,
            begun: false,
            lists: Vec::new(),
            tables: Vec::new(),
            indent: 0,
            last_target: String::new(),
        }
    }

    pub fn start(&mut self, name: &LocalName, marks: Marks) -> Result<(), ReportError> {
        let role = if self.hidden > 0 || self.hides(name) {
            self.hidden += 1;
            Role::Hidden
        } else {
            if marks.breaks_before() {
                self.break_page()?;
            }
            self.role(name, &marks)?
        };
        self.frames.push(Frame {
            role,
            breaks_after: marks.breaks_after(),
        });
        Ok(())
    }

    fn hides(&self, name: &LocalName) -> bool {
        match &**name {
            "title" => matches!(self.manner, Manner::Section { .. }),
            "iframe" | "noembed" | "noframes" | "script" | "style" => true,
            _ => false,
        }
    }

    fn role(&mut self, name: &LocalName, marks: &Marks) -> Result<Role, ReportError> {
        if marks.is_title() && self.cell().is_none() && is_block(name) {
            self.boundary()?;
            self.kind = TextKind::Title;
            return Ok(Role::Heading);
        }
        Ok(match &**name {
            "b" | "strong" => {
                self.bold += 1;
                Role::Bold
            }
            "a" if matches!(self.manner, Manner::Page) => match target(marks.source()) {
                Some(target) => Role::Link(target.to_owned()),
                None => Role::Inline,
            },
            "br" => {
                self.current().new_line();
                Role::Inline
            }
            "wbr" => {
                self.text("\u{200b}")?;
                Role::Inline
            }
            "img" => {
                self.image(marks)?;
                Role::Inline
            }
            "input" => {
                if !marks.words().is_empty() {
                    self.text(&format!(" [{}] ", marks.words()))?;
                }
                Role::Inline
            }
            "h1" | "title" => self.heading(1)?,
            "h2" => self.heading(2)?,
            "h3" => self.heading(3)?,
            "h4" => self.heading(4)?,
            "h5" | "h6" => self.heading(5)?,
            "pre" | "xmp" | "textarea" | "listing" | "plaintext" => {
                self.boundary()?;
                self.kept += 1;
                Role::Kept
            }
            "ul" | "ol" | "menu" | "dir" => {
                self.start_list(name, marks)?;
                Role::List
            }
            "li" => {
                let around = self.indent;
                let list = self.start_item()?;
                Role::Item { around, list }
            }
            "dt" | "caption" | "legend" | "summary" => {
                self.boundary()?;
                self.bold += 1;
                Role::BoldBlock
            }
            "table" => {
                self.start_table(marks)?;
                Role::Table
            }
            "thead" if self.start_head() => Role::Head,
            "tr" if self.start_row()? => Role::Row,
            "td" | "th" if self.start_cell(name, marks) => Role::Cell,
            "td" | "th" => {
                if !self.current().is_blank() {
                    self.text(" | ")?;
                }
                Role::Inline
            }
            _ if is_block(name) => {
                self.boundary()?;
                Role::Block
            }
            _ => Role::Inline,
        })
    }

    fn heading(&mut self, level: u8) -> Result<Role, ReportError> {
        self.boundary()?;
        if self.kind == TextKind::Title {
            return Ok(Role::Block);
        }
        if self.cell().is_some() {
            self.bold += 1;
            return Ok(Role::BoldBlock);
        }
        self.kind = TextKind::Heading(level);
        Ok(Role::Heading)
    }

    pub fn end(&mut self) -> Result<(), ReportError> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        match frame.role {
            Role::Hidden => {
                self.hidden -= 1;
                return Ok(());
            }
            Role::Inline => {}
            Role::Block => self.boundary()?,
            Role::Bold => self.bold -= 1,
            Role::BoldBlock => {
                self.boundary()?;
                self.bold -= 1;
            }
            Role::Kept => {
                self.boundary()?;
                self.kept -= 1;
            }
            Role::Link(target) => self.end_link(target)?,
            Role::Heading => {
                self.boundary()?;
                self.kind = TextKind::Paragraph;
            }
            Role::List => self.end_list()?,
            Role::Item { around, list } => {
                self.end_item(list)?;
                self.indent = around;
            }
            Role::Table => self.end_table()?,
            Role::Head => self.end_head(),
            Role::Row => self.end_row()?,
            Role::Cell => self.end_cell()?,
        }
        if frame.breaks_after {
            self.break_page()?;
        }
        Ok(())
    }

    /// Says where a link leads that does not say so itself, once where a parser opens it again and
    /// again.
    fn end_link(&mut self, target: String) -> Result<(), ReportError> {
        if self.last_target == target || self.current().ends_with(&target) {
            return Ok(());
        }
        let space = if self.current().is_blank() { "" } else { " " };
        self.text(&format!("{space}({target})"))?;
        self.last_target = target;
        Ok(())
    }

    pub fn text(&mut self, text: &str) -> Result<(), ReportError> {
        if self.hidden > 0 {
            return Ok(());
        }
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.floor_char_boundary(TEXT_PIECE_BYTES);
            let (now, later) = rest.split_at(end);
            self.text_piece(now)?;
            rest = later;
        }
        Ok(())
    }

    fn text_piece(&mut self, text: &str) -> Result<(), ReportError> {
        let bold = self.bold > 0;
        let spaces = match self.kept {
            0 => self.spaces(),
            _ => Spaces::Kept,
        };
        if let Some(cell) = self.cell() {
            cell.prose.push(text, spaces, bold);
            if cell.prose.len() > HTML_CELL_BYTES_MAX {
                self.flow_on()?;
            }
            return Ok(());
        }
        self.prose.push(text, spaces, bold);
        if self.prose.len() > TEXT_PIECE_BYTES {
            self.piece()?;
        }
        Ok(())
    }

    /// The text that grows.
    pub(super) fn current(&mut self) -> &mut Prose {
        match self.tables.last_mut().and_then(Table::cell) {
            Some(cell) => &mut cell.prose,
            None => &mut self.prose,
        }
    }

    /// Ends a paragraph, or a line of a cell.
    pub(super) fn boundary(&mut self) -> Result<(), ReportError> {
        match self.cell() {
            Some(cell) => {
                cell.prose.end_line();
                Ok(())
            }
            None => self.flush(),
        }
    }

    /// Shows a piece of a text that is longer than what is laid out at a time.
    fn piece(&mut self) -> Result<(), ReportError> {
        let piece = self.prose.take_piece();
        if piece.is_blank() && !self.begun {
            return Ok(());
        }
        let value = Value::Begun(piece.text());
        if self.begun {
            return self.composer.block(Block::More(value));
        }
        self.before_block()?;
        self.begun = true;
        let indent = self.indent;
        self.composer.block(Block::Paragraph { value, indent })
    }

    /// Shows the text so far.
    pub(super) fn flush(&mut self) -> Result<(), ReportError> {
        let text = self.prose.take();
        if std::mem::take(&mut self.begun) {
            return self.composer.block(Block::More(Value::Last(text.text())));
        }
        if text.is_blank() {
            return Ok(());
        }
        match self.kind {
            TextKind::Paragraph => self.paragraph(text.text()),
            TextKind::Heading(level) => self.show_heading(text.text().text, Some(level)),
            TextKind::Title => self.show_heading(text.text().text, None),
        }
    }

    /// Shows a text that is held, whatever its length.
    pub(super) fn paragraph(&mut self, text: Text<'_>) -> Result<(), ReportError> {
        self.before_block()?;
        let indent = self.indent;
        self.pieces(text, Placed::Paragraph { indent })
    }

    /// Shows a text that is held as a value, piece by piece if it is long.
    pub(super) fn pieces(&mut self, text: Text<'_>, placed: Placed<'_>) -> Result<(), ReportError> {
        if text.text.len() <= TEXT_PIECE_BYTES {
            return self.composer.block(placed.block(Value::Last(text)));
        }
        let mut at = 0;
        while at < text.text.len() {
            let end = text.text.floor_char_boundary(at + TEXT_PIECE_BYTES);
            let bold = bold_within(text.bold, at, end);
            let piece = Text {
                text: &text.text[at..end],
                bold: &bold,
            };
            let value = match end == text.text.len() {
                true => Value::Last(piece),
                false => Value::Begun(piece),
            };
            self.composer.block(match at {
                0 => placed.block(value),
                _ => Block::More(value),
            })?;
            at = end;
        }
        Ok(())
    }

    /// Shows a heading; `None` for a title, of the section itself if nothing is shown yet.
    fn show_heading(&mut self, text: &str, level: Option<u8>) -> Result<(), ReportError> {
        if let Some(label) = self.opening {
            let repeats = is_same(label, text);
            if repeats || level.is_none() {
                self.opening = None;
                return self.composer.block(match repeats {
                    true => Block::Title(label),
                    false => Block::TitleOf { label, title: text },
                });
            }
        }
        self.before_block()?;
        let level = match (self.manner, level.unwrap_or(1)) {
            (Manner::Section { .. }, 1) => HeadingLevel::Two,
            (Manner::Section { .. }, 2) | (Manner::Page, 1 | 2) => HeadingLevel::Three,
            (Manner::Section { .. }, 3) | (Manner::Page, 3) => HeadingLevel::Four,
            (Manner::Section { .. }, 4) | (Manner::Page, _) => HeadingLevel::Five,
            (Manner::Section { .. }, _) => {
                let indent = self.indent;
                return self.composer.block(Block::GroupLabel { text, indent });
            }
        };
        self.composer.block(Block::Heading { level, text })
    }

    /// Has what comes next start on a new page. Nothing in a row does.
    fn break_page(&mut self) -> Result<(), ReportError> {
        if self.cell().is_some() || self.in_row() {
            return Ok(());
        }
        self.flush()?;
        match self.opening {
            // The section's first page has just begun.
            Some(_) => Ok(()),
            None => self.composer.block(Block::PageBreak),
        }
    }

    /// Makes sure of what stands before any block: the section's title, the ends of rows above, the
    /// beginnings of items.
    pub(super) fn before_block(&mut self) -> Result<(), ReportError> {
        self.before_row()?;
        self.end_grids()
    }

    /// Makes sure of what stands before a row of a table.
    pub(super) fn before_row(&mut self) -> Result<(), ReportError> {
        if let Some(label) = self.opening.take() {
            self.composer.block(Block::Title(label))?;
        }
        self.begin_items()
    }

    /// Levels of indentation of something within something at `indent`.
    pub(super) fn deeper(indent: usize) -> usize {
        (indent + 1).min(INDENT_LEVELS_MAX)
    }

    /// Shows what is left. Returns whether there was anything to show: if not, the section's label
    /// is its title.
    pub fn finish(&mut self) -> Result<bool, ReportError> {
        while !self.frames.is_empty() {
            self.end()?;
        }
        self.flush()?;
        match self.opening.take() {
            Some(label) => {
                self.composer.block(Block::Title(label))?;
                Ok(false)
            }
            None => Ok(true),
        }
    }
}

/// The bold parts of a part of a text, counted from its beginning.
fn bold_within(bold: &[Range<usize>], start: usize, end: usize) -> Vec<Range<usize>> {
    let within = bold
        .iter()
        .filter(|range| range.start < end && range.end > start);
    within
        .map(|range| range.start.max(start) - start..range.end.min(end) - start)
        .collect()
}

/// Whether a title says no more than a label.
fn is_same(label: &str, title: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    words(label) == words(title)
}

/// Where a link leads outside of its page, as people write it.
fn target(href: &str) -> Option<&str> {
    let href = href.trim();
    let (scheme, rest) = href.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" | "ftp" => Some(href),
        "mailto" | "tel" | "sms" if !rest.is_empty() => Some(rest),
        _ => None,
    }
}

/// Elements that begin and end a line of text.
fn is_block(name: &LocalName) -> bool {
    matches!(
        &**name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "center"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "main"
            | "nav"
            | "optgroup"
            | "option"
            | "p"
            | "search"
            | "section"
            | "select"
            | "tbody"
            | "tfoot"
            | "thead"
            | "tr"
    )
}

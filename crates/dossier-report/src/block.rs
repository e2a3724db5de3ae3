//! The waist of this crate: what any source of content makes and what the layout takes.

use std::ops::Range;

/// One piece of a section, in reading order.
#[derive(Debug)]
pub(crate) enum Block<'a> {
    /// The section's own heading, level 1.
    Title(&'a str),
    /// The section's heading where its content has a title of its own: the section's label as the
    /// heading of level 1 in small, the title as a heading below it.
    TitleOf { label: &'a str, title: &'a str },
    /// A heading below the title.
    Heading { level: HeadingLevel, text: &'a str },
    /// What names a group that lies deeper than headings go.
    GroupLabel { text: &'a str, indent: usize },
    /// A text on its own.
    Paragraph { value: Value<'a>, indent: usize },
    /// A name and its value.
    Row {
        name: &'a str,
        value: Value<'a>,
        indent: usize,
    },
    /// One element of a list of texts.
    Item { value: Value<'a>, indent: usize },
    /// A list begins; what follows until `ListEnd` are its items.
    ListStart { numbering: Numbering },
    /// An item of the open list begins; what follows until `ItemEnd` is its content.
    ItemStart { marker: &'a str, indent: usize },
    /// The open item ends.
    ItemEnd,
    /// The open list ends.
    ListEnd,
    /// What follows starts on a new page.
    PageBreak,
    /// The next piece of the value that was begun last.
    More(Value<'a>),
    /// A table begins; it lasts until `TableEnd`.
    TableStart {
        columns: &'a [Column],
        indent: usize,
    },
    /// The open table's header rows, in place of its columns' labels.
    TableHead { rows: &'a [Vec<TableCell>] },
    /// A row of the open table whose cells may be bold in parts and as wide as several columns.
    RichRow { cells: &'a [TableCell] },
    /// A row of the open table, one text a column.
    TableRow { cells: &'a [String] },
    /// The open table ends.
    TableEnd,
}

/// A text or, where it is long, a piece of one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// The whole text, or its last piece.
    Last(Text<'a>),
    /// A piece after which [`Block::More`] follows.
    Begun(Text<'a>),
}

/// A text and which parts of it are bold: ranges of bytes, in order and without overlap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub text: &'a str,
    pub bold: &'a [Range<usize>],
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, bold: &[] }
    }
}

impl<'a> From<&'a String> for Text<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

/// A cell of a row that says more than its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableCell {
    pub text: String,
    /// Which parts of the text are bold.
    pub bold: Vec<Range<usize>>,
    /// How many columns it is wide, at least 1.
    pub columns: usize,
    /// Whether it heads its row.
    pub header: bool,
}

/// What the items of a list are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbering {
    Bullets,
    Numbers,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// What stands in the header row.
    pub label: String,
    /// Its part of the table's width; only the proportion to the other columns counts.
    pub share: f32,
    /// The longest word of its cells as far as it is known: where there is room, the column is wide
    /// enough not to break it.
    pub longest_word: String,
}

/// The level of a heading below a section's title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadingLevel {
    Two,
    Three,
    Four,
    Five,
}

/// Takes blocks, one at a time.
pub(crate) trait BlockSink {
    /// Takes the next block.
    fn block(&mut self, block: Block<'_>) -> Result<(), crate::ReportError>;
}

//! The waist of this crate: what any source of content makes and what the layout takes.

/// One piece of a section, in reading order.
#[derive(Debug)]
pub(crate) enum Block<'a> {
    /// The section's own heading, level 1.
    Title(&'a str),
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
    /// The next piece of the value that was begun last.
    More(Value<'a>),
    /// A table begins; it lasts until `TableEnd`.
    TableStart {
        columns: &'a [Column],
        indent: usize,
    },
    /// A row of the open table, one text a column.
    TableRow { cells: &'a [String] },
    /// The open table ends.
    TableEnd,
}

/// A text or, where it is long, a piece of one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// The whole text, or its last piece.
    Last(&'a str),
    /// A piece after which [`Block::More`] follows.
    Begun(&'a str),
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

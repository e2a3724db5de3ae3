use super::inline_image::Image;
use super::marks::TableClass;
use super::table::{Cell, Row};
use crate::block::{Column, TableCell};
use crate::limits::{HTML_COLUMNS_MAX, HTML_HEADER_ROWS_MAX, UNBROKEN_WORD_CHARS_MAX};

/// Characters that a column asks for at least and at most.
const CHARS_MIN: f32 = 4.0;
const CHARS_MAX: f32 = 44.0;
/// Percent of the width that a column without a width of its own gets at least.
const PERCENT_MIN: f32 = 5.0;

/// What a table is.
pub(super) enum Kind {
    /// Names and their values.
    Pairs,
    /// Columns.
    Grid(Grid),
    /// More columns than a page has room for.
    Records { labels: Vec<String>, shown: usize },
    /// Nothing but a way to place things.
    Flow,
}

/// A table with columns.
#[derive(Default)]
pub(super) struct Grid {
    pub columns: Vec<Column>,
    pub head: Vec<Vec<TableCell>>,
    /// Whether the table on the page is open.
    pub open: bool,
    /// For how many rows a cell above still takes each column.
    taken: Vec<usize>,
    /// Whether rows are header rows.
    in_head: bool,
}

impl Kind {
    /// Looks at a table's first rows; takes its header rows out of them.
    pub fn of(class: Option<TableClass>, rows: &mut Vec<Row>) -> Self {
        if class == Some(TableClass::Summary) {
            return Self::Pairs;
        }
        rows.retain(|row| !row.is_blank() || row.cells.iter().any(|cell| cell.rows > 1));
        let columns = columns(rows);
        let heads = heads(class, rows);
        if class.is_none() && heads == 0 {
            if columns <= 1 {
                return Self::Flow;
            }
            if columns == 2 && rows.iter().all(names_first) {
                return Self::Pairs;
            }
        }
        if columns > HTML_COLUMNS_MAX {
            let head = rows.drain(..heads).next_back();
            let cells = head.into_iter().flat_map(|row| row.cells);
            return Self::Records {
                labels: cells.map(|cell| cell.prose.into_parts().0).collect(),
                shown: 0,
            };
        }
        let mut grid = Grid {
            columns: measured(columns.max(1), heads, rows),
            taken: vec![0; columns.max(1)],
            in_head: true,
            ..Grid::default()
        };
        for row in rows.drain(..heads) {
            let (cells, _) = grid.place(row);
            grid.head.push(cells);
        }
        grid.in_head = false;
        Self::Grid(grid)
    }

    /// What a column is called.
    pub fn label(&self, column: usize) -> Option<&str> {
        match self {
            Self::Grid(grid) => grid.label(column),
            _ => None,
        }
    }
}

/// How many columns rows have; that a row's last cell is wider than one adds none.
fn columns(rows: &[Row]) -> usize {
    let mut taken: Vec<usize> = Vec::new();
    let mut most = 0;
    for row in rows {
        let mut column = 0;
        let mut next = vec![0; taken.len()];
        for cell in &row.cells {
            while taken.get(column).is_some_and(|rows| *rows > 0) {
                column += 1;
            }
            most = most.max(column + 1);
            let end = (column + cell.columns).min(HTML_COLUMNS_MAX + 1);
            if cell.rows > 1 && end > column {
                next.resize(next.len().max(end), 0);
                next[column..end].fill(cell.rows);
            }
            column += cell.columns;
        }
        taken.resize(taken.len().max(next.len()), 0);
        for (rows, more) in taken.iter_mut().zip(next) {
            *rows = (*rows).max(more).saturating_sub(1);
        }
    }
    most
}

/// How many of the first rows are headers.
fn heads(class: Option<TableClass>, rows: &[Row]) -> usize {
    let said = rows.iter().take_while(|row| row.in_head).count();
    let heads = match (said, class) {
        (0, Some(TableClass::Data)) => 1,
        (0, _) => rows.iter().take_while(|row| is_head(row)).count(),
        (said, _) => said,
    };
    let heads = heads.min(HTML_HEADER_ROWS_MAX);
    // A header has something below it, and holds no images.
    let images = rows.iter().take(heads);
    let images = images
        .flat_map(|row| &row.cells)
        .any(|cell| !cell.images.is_empty());
    match heads < rows.len() && !images {
        true => heads,
        false => 0,
    }
}

fn is_head(row: &Row) -> bool {
    row.cells.len() > 1 && row.cells.iter().all(|cell| cell.header)
}

/// Whether a row begins with what names the rest of it.
fn names_first(row: &Row) -> bool {
    let first = row.cells.first();
    first.is_none_or(|cell| cell.header || cell.prose.is_bold() || cell.prose.is_blank())
}

/// The columns, as wide as their texts ask for or as their classes say.
fn measured(count: usize, heads: usize, rows: &[Row]) -> Vec<Column> {
    let mut chars = vec![CHARS_MIN; count];
    let mut percents = vec![None; count];
    let mut words = vec![String::new(); count];
    let mut labels = vec![String::new(); count];
    for (number, row) in rows.iter().enumerate() {
        let mut column = 0;
        for cell in &row.cells {
            let (place, wide) = (column, cell.columns > 1);
            column += cell.columns;
            if wide || place >= count {
                continue;
            }
            percents[place] = percents[place].or(cell.percent);
            let text = cell.prose.text().text;
            let lines = text.lines().map(|line| line.chars().count());
            let longest = lines.max().unwrap_or(0) as f32;
            chars[place] = chars[place].max(longest.min(CHARS_MAX));
            if number < heads {
                text.clone_into(&mut labels[place]);
                continue;
            }
            for word in text.split_whitespace() {
                let shown = word.chars().count();
                if word.len() > words[place].len() && shown <= UNBROKEN_WORD_CHARS_MAX {
                    word.clone_into(&mut words[place]);
                }
            }
        }
    }
    shares(&chars, &percents)
        .into_iter()
        .zip(labels)
        .zip(words)
        .map(|((share, label), longest_word)| Column {
            label,
            share,
            longest_word,
        })
        .collect()
}

/// Each column's part of the width.
fn shares(chars: &[f32], percents: &[Option<u8>]) -> Vec<f32> {
    let said: f32 = percents
        .iter()
        .flatten()
        .map(|percent| f32::from(*percent))
        .sum();
    let others = percents.iter().filter(|percent| percent.is_none()).count() as f32;
    let rest = (100.0 - said).max(PERCENT_MIN * others);
    let open: f32 = chars
        .iter()
        .zip(percents)
        .filter(|(_, percent)| percent.is_none())
        .map(|(chars, _)| chars)
        .sum();
    let shares = chars.iter().zip(percents);
    shares
        .map(|(chars, percent)| match percent {
            Some(percent) => f32::from(*percent),
            None => rest * chars / open,
        })
        .collect()
}

impl Grid {
    /// What a column is called.
    pub fn label(&self, column: usize) -> Option<&str> {
        let head = self.head.last()?;
        let mut at = 0;
        let cell = head.iter().find(|cell| {
            at += cell.columns;
            column < at
        });
        let text = cell?.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Puts a row's cells in the table's columns: empty ones where a cell above is still, the
    /// texts of those that are too many in the last. Returns images with their columns.
    pub fn place(&mut self, row: Row) -> (Vec<TableCell>, Vec<(usize, Image)>) {
        let count = self.columns.len();
        let mut placed: Vec<TableCell> = Vec::with_capacity(count);
        let mut images = Vec::new();
        let mut column = 0;
        for cell in row.cells {
            self.pass_taken(&mut column, &mut placed);
            let Cell {
                prose,
                columns,
                rows,
                header,
                images: held,
                ..
            } = cell;
            let at = column.min(count - 1);
            images.extend(held.into_iter().map(|image| (at, image)));
            let Some(wide) = count.checked_sub(column).filter(|room| *room > 0) else {
                add_text(&mut placed, prose);
                continue;
            };
            let wide = wide.min(columns.max(1));
            // A cell above may still be in the middle of a wide one.
            let free = self.taken[column..column + wide].iter();
            let wide = free.take_while(|rows| **rows == 0).count().max(1);
            self.taken[column..column + wide].fill(rows.max(1));
            let (text, bold) = prose.into_parts();
            placed.push(TableCell {
                text,
                bold,
                columns: wide,
                header: header || self.in_head,
            });
            column += wide;
        }
        self.pass_taken(&mut column, &mut placed);
        while column < count {
            placed.push(blank());
            column += 1;
            self.pass_taken(&mut column, &mut placed);
        }
        for rows in &mut self.taken {
            *rows = rows.saturating_sub(1);
        }
        (placed, images)
    }

    /// Leaves empty what cells of rows above take.
    fn pass_taken(&self, column: &mut usize, placed: &mut Vec<TableCell>) {
        while self.taken.get(*column).is_some_and(|rows| *rows > 0) {
            placed.push(blank());
            *column += 1;
        }
    }
}

fn blank() -> TableCell {
    TableCell {
        columns: 1,
        ..TableCell::default()
    }
}

fn add_text(cells: &mut [TableCell], prose: super::prose::Prose) {
    let (text, bold) = prose.into_parts();
    if let Some(last) = cells.last_mut().filter(|_| !text.is_empty()) {
        if !last.text.is_empty() {
            last.text.push_str(" | ");
        }
        let shift = last.text.len();
        last.text.push_str(&text);
        let bold = bold.into_iter();
        last.bold
            .extend(bold.map(|range| range.start + shift..range.end + shift));
    }
}

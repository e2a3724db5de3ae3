use std::path::Path;

use csv::{Reader, ReaderBuilder, StringRecord};

use super::failure::{Failure, unreadable};
use super::show::paragraph;
use super::words::{Placed, Words, show_text};
use crate::ReportError;
use crate::block::{Block, BlockSink, Column};
use crate::generic::NO_DATA_HELD;
use crate::limits::{CELL_BYTES_MAX, CSV_COLUMNS_MAX, CSV_LOOKAHEAD_ROWS, UNBROKEN_WORD_CHARS_MAX};

/// Columns whose texts together are longer than this make a table nobody can read.
const TABLE_CHARS_MAX: usize = 130;

/// Shows a file of separated values: as a table where its columns fit the page, else a row of name
/// and value for each of them.
pub(super) fn show_values(sink: &mut dyn BlockSink, path: &Path) -> Result<(), Failure> {
    let delimiter = delimiter(path)?;
    let mut reader = reader(path, delimiter)?;
    let mut names = StringRecord::new();
    if !read(&mut reader, &mut names)? {
        return Ok(paragraph(sink, "The file is empty.")?);
    }
    let columns = measure(path, delimiter, &names)?;
    let mut record = StringRecord::new();
    let mut open = false;
    let mut row = 1;
    if let Some(columns) = &columns {
        sink.block(Block::TableStart { columns, indent: 0 })?;
        open = true;
    }
    while read(&mut reader, &mut record)? {
        row += 1;
        match &columns {
            Some(columns) if fits(&record, columns.len()) => {
                if !open {
                    sink.block(Block::TableStart { columns, indent: 0 })?;
                    open = true;
                }
                let cells: Vec<String> = record.iter().map(str::to_owned).collect();
                sink.block(Block::TableRow { cells: &cells })?;
            }
            _ => {
                if std::mem::take(&mut open) {
                    sink.block(Block::TableEnd)?;
                }
                show_record(sink, &names, &record, row)?;
            }
        }
    }
    if open {
        sink.block(Block::TableEnd)?;
    }
    if row == 1 {
        show_record(sink, &StringRecord::new(), &names, row)?;
    }
    Ok(())
}

fn reader(path: &Path, delimiter: u8) -> Result<Reader<Words>, Failure> {
    Ok(ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(Words::open(path)?))
}

fn read(reader: &mut Reader<Words>, record: &mut StringRecord) -> Result<bool, Failure> {
    reader
        .read_record(record)
        .map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => Failure::Report(ReportError::Read(error)),
            _ => unreadable("the file is damaged"),
        })
}

/// The sign that parts the values: the most frequent of the usual ones in the first line.
fn delimiter(path: &Path) -> Result<u8, Failure> {
    let mut words = Words::open(path)?;
    let start = words
        .next()
        .map_err(|error| Failure::Report(ReportError::Read(error)))?
        .unwrap_or_default();
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in start.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if !quoted => {
                for (sign, count) in &mut counts {
                    *count += usize::from(*sign == byte);
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    Ok(most.map_or(b',', |(sign, _)| *sign))
}

/// Looks at the first rows; returns the columns if they make a table that can be read.
fn measure(
    path: &Path,
    delimiter: u8,
    names: &StringRecord,
) -> Result<Option<Vec<Column>>, Failure> {
    if names.len() > CSV_COLUMNS_MAX || !fits(names, names.len()) {
        return Ok(None);
    }
    let mut reader = reader(path, delimiter)?;
    let mut record = StringRecord::new();
    let mut widths = vec![4_usize; names.len()];
    let mut longest = vec![String::new(); names.len()];
    let (mut rows, mut misfits) = (0, 0);
    while rows < CSV_LOOKAHEAD_ROWS && read(&mut reader, &mut record)? {
        rows += 1;
        if !fits(&record, names.len()) {
            misfits += 1;
            continue;
        }
        for ((cell, width), longest) in record.iter().zip(&mut widths).zip(&mut longest) {
            *width = (*width).max(cell.chars().count().min(44));
            for word in cell.split_whitespace() {
                if word.len() > longest.len() && word.chars().count() <= UNBROKEN_WORD_CHARS_MAX {
                    word.clone_into(longest);
                }
            }
        }
    }
    if rows < 2 || misfits * 4 > rows || widths.iter().sum::<usize>() > TABLE_CHARS_MAX {
        return Ok(None);
    }
    let columns = names.iter().zip(widths).zip(longest);
    Ok(Some(
        columns
            .map(|((name, width), longest_word)| Column {
                label: name.to_owned(),
                share: width as f32,
                longest_word,
            })
            .collect(),
    ))
}

fn fits(record: &StringRecord, columns: usize) -> bool {
    record.len() == columns && record.iter().all(|cell| cell.len() <= CELL_BYTES_MAX)
}

fn show_record(
    sink: &mut dyn BlockSink,
    names: &StringRecord,
    record: &StringRecord,
    row: u64,
) -> Result<(), ReportError> {
    sink.block(Block::GroupLabel {
        text: &format!("Row {row}"),
        indent: 0,
    })?;
    for (nth, value) in record.iter().enumerate() {
        let name = names.get(nth).filter(|name| !name.trim().is_empty());
        let name = match name {
            Some(name) if name.len() <= CELL_BYTES_MAX => name.to_owned(),
            _ => format!("Column {}", nth + 1),
        };
        let value = if value.trim().is_empty() {
            NO_DATA_HELD
        } else {
            value
        };
        let placed = Placed::Row {
            name: &name,
            indent: 0,
        };
        show_text(sink, placed, value)?;
    }
    Ok(())
}

//! Generic rendering: from any JSON value to blocks, as `report-layout.md` describes it.
//!
//! The walk keeps its own stack and the places of what it still has to read, never the data: a
//! list of any length and a text of any length pass through piece by piece. Beside the data it goes
//! through the schema, if there is one, for words only: what is shown, and in which order, does not
//! depend on it.

use dossier_core::schema::{Scalar, SchemaPlace};
use dossier_template::format_date;

use crate::ReportError;
use crate::block::{Block, BlockSink, Column, HeadingLevel, Value};
use crate::body::{Cursor, Kind, Piece};
use crate::limits::{
    CELL_BYTES_MAX, ITEM_NAME_BYTES_MAX, NESTED_MEMBERS_MAX, NESTED_NAMES_BYTES_MAX,
    SCALARS_FIRST_LEVELS_MAX, TABLE_COLUMNS_MAX, TABLE_LOOKAHEAD_BYTES, UNBROKEN_WORD_CHARS_MAX,
};
use crate::member_label::member_label;

/// What stands where nothing is held.
pub(crate) const NO_DATA_HELD: &str = "No Data Held";

/// Columns whose texts together are longer than this make a table nobody can read.
const TABLE_CHARS_MAX: f32 = 150.0;

/// Shows the value at the cursor, of which `schema` holds, and leaves the cursor behind it.
pub(crate) fn render(
    cursor: &mut Cursor,
    schema: &SchemaPlace<'_>,
    sink: &mut dyn BlockSink,
) -> Result<(), ReportError> {
    let mut walk = Walk {
        cursor,
        sink,
        stack: Vec::new(),
        text: String::new(),
    };
    walk.value(0, None, schema)?;
    walk.run()
}

/// What a member is called.
fn label(name: &str, schema: &SchemaPlace<'_>) -> String {
    match schema.title() {
        Some(title) => title.to_owned(),
        None => member_label(name),
    }
}

/// What the elements of a list are numbered under: its name, or how that begins.
fn item_name(label: &str) -> String {
    let end = label.floor_char_boundary(ITEM_NAME_BYTES_MAX);
    match end < label.len() {
        true => format!("{}…", &label[..end]),
        false => label.to_owned(),
    }
}

struct Walk<'w, 's> {
    cursor: &'w mut Cursor,
    sink: &'w mut dyn BlockSink,
    stack: Vec<Frame<'s>>,
    text: String,
}

/// A list or an object that is not finished. When what was pushed on top of a frame is finished,
/// the cursor stands just behind it. What holds of a list is what holds of each of its elements.
enum Frame<'s> {
    /// The nested members of an object whose scalar members are shown.
    Nested {
        members: std::vec::IntoIter<(String, u64)>,
        depth: usize,
        /// Where reading goes on behind the last of them.
        then: u64,
        schema: SchemaPlace<'s>,
    },
    /// The members of an object in their order.
    Members {
        depth: usize,
        fresh: bool,
        schema: SchemaPlace<'s>,
    },
    /// The elements of a list.
    Elements(Elements<'s>),
}

struct Elements<'s> {
    label: Option<String>,
    depth: usize,
    shown: u64,
    fresh: bool,
    schema: SchemaPlace<'s>,
}

/// What a scalar is shown as.
#[derive(Clone, Copy)]
enum Place<'p> {
    Row(&'p str),
    Item,
    Paragraph,
}

impl<'s> Walk<'_, 's> {
    fn run(&mut self) -> Result<(), ReportError> {
        while let Some(frame) = self.stack.pop() {
            match frame {
                Frame::Nested {
                    members,
                    depth,
                    then,
                    schema,
                } => self.nested(members, depth, then, schema)?,
                Frame::Members {
                    depth,
                    fresh,
                    schema,
                } => self.member(depth, fresh, schema)?,
                Frame::Elements(elements) => self.element(elements)?,
            }
        }
        Ok(())
    }

    /// Shows a value on its own, whose name is shown already.
    fn value(
        &mut self,
        depth: usize,
        label: Option<&str>,
        schema: &SchemaPlace<'s>,
    ) -> Result<(), ReportError> {
        if self.is_scalar()? {
            return self.scalar(Place::Paragraph, depth, schema);
        }
        match self.cursor.kind()? {
            Kind::Object => self.object(depth, schema),
            _ => self.list(depth, label, schema),
        }
    }

    fn object(&mut self, depth: usize, schema: &SchemaPlace<'s>) -> Result<(), ReportError> {
        self.cursor.enter(Kind::Object)?;
        let members = || Frame::Members {
            depth,
            fresh: true,
            schema: schema.clone(),
        };
        if depth > SCALARS_FIRST_LEVELS_MAX {
            self.stack.push(members());
            return Ok(());
        }
        let mut nested = Vec::new();
        let mut names_bytes = 0;
        loop {
            let name = self.cursor.name()?;
            if self.is_scalar()? {
                let schema = schema.member(&name);
                self.scalar(Place::Row(&label(&name, &schema)), depth, &schema)?;
            } else {
                names_bytes += name.len();
                nested.push((name, self.cursor.offset()));
                self.cursor.skip_value()?;
            }
            if !self.cursor.another(Kind::Object)? {
                break;
            }
            if nested.len() >= NESTED_MEMBERS_MAX || names_bytes >= NESTED_NAMES_BYTES_MAX {
                self.stack.push(members());
                break;
            }
        }
        self.stack.push(Frame::Nested {
            members: nested.into_iter(),
            depth,
            then: self.cursor.offset(),
            schema: schema.clone(),
        });
        Ok(())
    }

    fn nested(
        &mut self,
        mut members: std::vec::IntoIter<(String, u64)>,
        depth: usize,
        then: u64,
        schema: SchemaPlace<'s>,
    ) -> Result<(), ReportError> {
        let Some((name, offset)) = members.next() else {
            return self.cursor.seek(then);
        };
        let member = schema.member(&name);
        self.stack.push(Frame::Nested {
            members,
            depth,
            then,
            schema,
        });
        self.cursor.seek(offset)?;
        self.group(&name, depth, &member)
    }

    fn member(
        &mut self,
        depth: usize,
        fresh: bool,
        schema: SchemaPlace<'s>,
    ) -> Result<(), ReportError> {
        if !fresh && !self.cursor.another(Kind::Object)? {
            return Ok(());
        }
        let name = self.cursor.name()?;
        let member = schema.member(&name);
        self.stack.push(Frame::Members {
            depth,
            fresh: false,
            schema,
        });
        if self.is_scalar()? {
            return self.scalar(Place::Row(&label(&name, &member)), depth, &member);
        }
        self.group(&name, depth, &member)
    }

    /// Shows a nested member under its name.
    fn group(
        &mut self,
        name: &str,
        depth: usize,
        schema: &SchemaPlace<'s>,
    ) -> Result<(), ReportError> {
        let label = label(name, schema);
        self.heading(&label, depth)?;
        self.value(depth + 1, Some(&label), schema)
    }

    fn list(
        &mut self,
        depth: usize,
        label: Option<&str>,
        schema: &SchemaPlace<'s>,
    ) -> Result<(), ReportError> {
        let schema = schema.element();
        let start = self.cursor.offset();
        let table = self.table_for(&schema)?;
        self.cursor.seek(start)?;
        self.cursor.enter(Kind::List)?;
        let label = schema.title().or(label).map(item_name);
        let (shown, fresh) = match table {
            Some(table) => match self.table(&table, depth)? {
                Some(shown) => (shown, true),
                None => return Ok(()),
            },
            None => (0, true),
        };
        self.stack.push(Frame::Elements(Elements {
            label,
            depth,
            shown,
            fresh,
            schema,
        }));
        Ok(())
    }

    fn element(&mut self, mut elements: Elements<'s>) -> Result<(), ReportError> {
        if !elements.fresh && !self.cursor.another(Kind::List)? {
            return Ok(());
        }
        elements.fresh = false;
        elements.shown += 1;
        let (depth, number) = (elements.depth, elements.shown);
        let title = match &elements.label {
            Some(label) => format!("{label} {number}"),
            None => format!("Item {number}"),
        };
        let schema = elements.schema.clone();
        self.stack.push(Frame::Elements(elements));
        if self.is_scalar()? {
            return self.scalar(Place::Item, depth, &schema);
        }
        self.heading(&title, depth)?;
        self.value(depth + 1, None, &schema)
    }

    fn heading(&mut self, text: &str, depth: usize) -> Result<(), ReportError> {
        let level = match depth {
            0 => HeadingLevel::Two,
            1 => HeadingLevel::Three,
            2 => HeadingLevel::Four,
            3 => HeadingLevel::Five,
            _ => {
                let indent = depth - 3;
                return self.sink.block(Block::GroupLabel { text, indent });
            }
        };
        self.sink.block(Block::Heading { level, text })
    }

    /// Whether the next value has no parts. Empty lists and objects have none.
    fn is_scalar(&mut self) -> Result<bool, ReportError> {
        let kind = self.cursor.kind()?;
        if !matches!(kind, Kind::Object | Kind::List) {
            return Ok(true);
        }
        let start = self.cursor.offset();
        let filled = self.cursor.enter(kind)?;
        self.cursor.seek(start)?;
        Ok(!filled)
    }

    /// Shows a scalar, piece by piece if it is long.
    fn scalar(
        &mut self,
        place: Place<'_>,
        depth: usize,
        schema: &SchemaPlace<'_>,
    ) -> Result<(), ReportError> {
        let indent = depth.saturating_sub(4);
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        if read_scalar(self.cursor, schema, &mut text)? == Piece::Last {
            self.sink
                .block(placed(place, Value::Last((&text).into()), indent))?;
        } else {
            self.sink
                .block(placed(place, Value::Begun((&text).into()), indent))?;
            loop {
                text.clear();
                let piece = self.cursor.text(&mut text)?;
                let value = match piece {
                    Piece::Last => Value::Last((&text).into()),
                    Piece::More => Value::Begun((&text).into()),
                };
                self.sink.block(Block::More(value))?;
                if piece == Piece::Last {
                    break;
                }
            }
        }
        self.text = text;
        Ok(())
    }

    /// Looks at the beginning of a list: its columns, if it is to be a table.
    fn table_for(&mut self, schema: &SchemaPlace<'s>) -> Result<Option<Table<'s>>, ReportError> {
        let start = self.cursor.offset();
        self.cursor.enter(Kind::List)?;
        let mut table = Table::default();
        let mut cells = Vec::new();
        let mut rows = 0_u64;
        loop {
            let fits = if rows == 0 {
                table.take_names(self.cursor, schema)?
            } else {
                true
            };
            if !fits || !table.read_row(self.cursor, &mut cells)? {
                return Ok(None);
            }
            rows += 1;
            table.measure(&cells);
            let more = self.cursor.another(Kind::List)?;
            if !more || self.cursor.offset() - start > TABLE_LOOKAHEAD_BYTES {
                break;
            }
        }
        let readable = table.chars.iter().sum::<f32>() <= TABLE_CHARS_MAX;
        Ok((rows > 1 && readable).then_some(table))
    }

    /// Shows rows for as long as elements fit the table. Returns how many were shown if an element
    /// does not fit, with the cursor in front of it.
    fn table(&mut self, table: &Table<'_>, depth: usize) -> Result<Option<u64>, ReportError> {
        let columns = table.columns();
        let indent = depth.saturating_sub(4);
        self.sink.block(Block::TableStart {
            columns: &columns,
            indent,
        })?;
        let mut cells = Vec::new();
        let mut shown = 0;
        let misfit = loop {
            self.cursor.peek()?;
            let element = self.cursor.offset();
            if !table.read_row(self.cursor, &mut cells)? {
                self.cursor.seek(element)?;
                break Some(shown);
            }
            self.sink.block(Block::TableRow { cells: &cells })?;
            shown += 1;
            if !self.cursor.another(Kind::List)? {
                break None;
            }
        };
        self.sink.block(Block::TableEnd)?;
        Ok(misfit)
    }
}

/// A list of objects that all have the same few scalar members.
#[derive(Default)]
struct Table<'s> {
    names: Vec<String>,
    /// What holds of each column's values.
    schemas: Vec<SchemaPlace<'s>>,
    /// The width that each column's texts ask for, in characters.
    chars: Vec<f32>,
    /// The longest word of each column's texts.
    longest_words: Vec<String>,
}

impl<'s> Table<'s> {
    /// Takes the columns from the first element and leaves the cursor in front of it.
    fn take_names(
        &mut self,
        cursor: &mut Cursor,
        schema: &SchemaPlace<'s>,
    ) -> Result<bool, ReportError> {
        if cursor.kind()? != Kind::Object {
            return Ok(false);
        }
        let start = cursor.offset();
        let mut more = cursor.enter(Kind::Object)?;
        while more && self.names.len() <= TABLE_COLUMNS_MAX {
            let name = cursor.name()?;
            let schema = schema.member(&name);
            let wanted = label(&name, &schema).chars().count().clamp(5, 12);
            self.schemas.push(schema);
            self.chars.push(wanted as f32);
            self.longest_words.push(String::new());
            self.names.push(name);
            cursor.skip_value()?;
            more = cursor.another(Kind::Object)?;
        }
        cursor.seek(start)?;
        Ok((1..=TABLE_COLUMNS_MAX).contains(&self.names.len()))
    }

    /// Reads an element into cells, unless it has other members than the table or long texts.
    fn read_row(&self, cursor: &mut Cursor, cells: &mut Vec<String>) -> Result<bool, ReportError> {
        cells.resize_with(self.names.len(), String::new);
        if cursor.kind()? != Kind::Object {
            return Ok(false);
        }
        let mut more = cursor.enter(Kind::Object)?;
        let columns = self.names.iter().zip(&self.schemas);
        for ((name, schema), cell) in columns.zip(cells) {
            if !more {
                return Ok(false);
            }
            cell.clear();
            cursor.name_into(cell)?;
            if cell != name {
                return Ok(false);
            }
            cell.clear();
            let kind = cursor.kind()?;
            if matches!(kind, Kind::Object | Kind::List) {
                if cursor.enter(kind)? {
                    return Ok(false);
                }
                cell.push_str(NO_DATA_HELD);
            } else if read_scalar(cursor, schema, cell)? == Piece::More
                || cell.len() > CELL_BYTES_MAX
            {
                return Ok(false);
            }
            more = cursor.another(Kind::Object)?;
        }
        Ok(!more)
    }

    fn measure(&mut self, cells: &[String]) {
        for (chars, cell) in self.chars.iter_mut().zip(cells) {
            let wanted = cell.chars().count().min(44) as f32;
            *chars = chars.max(wanted);
        }
        for (longest, cell) in self.longest_words.iter_mut().zip(cells) {
            for word in cell.split_whitespace() {
                if word.len() > longest.len() && word.chars().count() <= UNBROKEN_WORD_CHARS_MAX {
                    word.clone_into(longest);
                }
            }
        }
    }

    fn columns(&self) -> Vec<Column> {
        self.names
            .iter()
            .zip(&self.schemas)
            .zip(&self.chars)
            .zip(&self.longest_words)
            .map(|(((name, schema), chars), longest_word)| Column {
                label: label(name, schema),
                share: *chars,
                longest_word: longest_word.clone(),
            })
            .collect()
    }
}

/// Reads a value without parts, as readers are to see it. Only a text can have more pieces.
fn read_scalar(
    cursor: &mut Cursor,
    schema: &SchemaPlace<'_>,
    out: &mut String,
) -> Result<Piece, ReportError> {
    let kind = cursor.kind()?;
    let title = match kind {
        Kind::Object | Kind::List => {
            cursor.enter(kind)?;
            out.push_str(NO_DATA_HELD);
            None
        }
        Kind::Null => {
            cursor.word("null")?;
            out.push_str(NO_DATA_HELD);
            schema.title_of(Scalar::Null)
        }
        Kind::True => {
            cursor.word("true")?;
            out.push_str("Yes");
            schema.title_of(Scalar::Bool(true))
        }
        Kind::False => {
            cursor.word("false")?;
            out.push_str("No");
            schema.title_of(Scalar::Bool(false))
        }
        Kind::Number => {
            cursor.number(out)?;
            schema.title_of(Scalar::Number(out))
        }
        Kind::Text => {
            if cursor.text(out)? == Piece::More {
                return Ok(Piece::More);
            }
            let title = schema.title_of(Scalar::Text(out));
            if out.trim().is_empty() {
                out.clear();
                out.push_str(NO_DATA_HELD);
            } else if let Some(date) = format_date(out) {
                *out = date;
            }
            title
        }
    };
    if let Some(title) = title.filter(|title| title != out) {
        *out = format!("{title} ({out})");
    }
    Ok(Piece::Last)
}

fn placed<'b>(place: Place<'b>, value: Value<'b>, indent: usize) -> Block<'b> {
    match place {
        Place::Row(name) => Block::Row {
            name,
            value,
            indent,
        },
        Place::Item => Block::Item { value, indent },
        Place::Paragraph => Block::Paragraph { value, indent },
    }
}

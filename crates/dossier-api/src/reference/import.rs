//! What somebody imports: a JSON object of names by code, a JSON list of `{code, name}`, or CSV.
//!
//! CSV needs a header row with the columns `code` and `name`, in any order and any case, beside
//! others: without one it could not be told from a first entry, and a file with its columns the
//! other way round would be taken for good. Its quoting must be that of RFC 4180: where it is not, the
//! reader guesses, and a quote that is never closed swallows all rows behind it. What is wrong is said
//! by line and column of the file, of CSV by the column's name, and never repeated.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use dossier_core::reference::{ReferenceCode, ReferenceName};
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The code that answers for all others in files for previews.
const ALL_CODES: &str = "*";

/// What is known by a name, as a column or a member.
const CODE: &str = "code";

/// Its name, as a column or a member.
const NAME: &str = "name";

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
}

/// What is wrong with a file: where, and what.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct ImportProblem(String);

/// The entries of a file, each code once, in their order.
pub(super) fn parse(
    body: &[u8],
    format: Format,
) -> Result<Vec<(ReferenceCode, ReferenceName)>, ImportProblem> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if let Some(encoding) = other_encoding(body) {
        let text = format!("this is {encoding}; the file must be in UTF-8");
        return Err(ImportProblem(text));
    }
    let entries = match format {
        Format::Json => parse_json(body)?,
        Format::Csv => parse_csv(body)?,
    };
    if entries.0.is_empty() {
        let text = "there is no name in it; DELETE removes what was imported";
        return Err(ImportProblem(text.to_owned()));
    }
    Ok(entries.0.into_iter().collect())
}

/// The encoding of a text in units of more than one byte, by its byte order mark or because its first
/// character is one of ASCII.
fn other_encoding(body: &[u8]) -> Option<&'static str> {
    match body {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        [1..=255, 0, 0, 0, ..] | [0, 0, 0, 1..=255, ..] => Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [1..=255, 0, ..] | [0, 1..=255, ..] => Some("UTF-16"),
        _ => None,
    }
}

#[derive(Default)]
struct Entries(BTreeMap<ReferenceCode, ReferenceName>);

/// What is wrong with an entry.
struct Wrong {
    /// Which part of it: the name of its column in CSV.
    part: &'static str,
    text: String,
}

impl Wrong {
    fn code(text: impl Into<String>) -> Self {
        let (part, text) = (CODE, text.into());
        Self { part, text }
    }

    fn name(text: impl Into<String>) -> Self {
        let (part, text) = (NAME, text.into());
        Self { part, text }
    }
}

impl Entries {
    /// Adds an entry, or says what is wrong with it.
    fn add(&mut self, code: &str, name: &str) -> Result<(), Wrong> {
        let code =
            ReferenceCode::parse(code).map_err(|error| Wrong::code(format!("the code {error}")))?;
        let name =
            ReferenceName::parse(name).map_err(|error| Wrong::name(format!("the name {error}")))?;
        if code.reveal() == ALL_CODES {
            let text = "`*` answers for all codes in files for previews only";
            return Err(Wrong::code(text));
        }
        match self.0.insert(code, name) {
            None => Ok(()),
            Some(_) => Err(Wrong::code("this code came before")),
        }
    }
}

fn parse_csv(body: &[u8]) -> Result<Entries, ImportProblem> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(body);
    let unreadable = |error: csv::Error| csv_problem(body, &error);
    let header = reader.byte_headers().map_err(unreadable)?;
    if let Some(misquoted) = misquoted(body) {
        return Err(misquoted.problem(body, header));
    }
    let column = |name: &str| {
        let line = line_of(body, header.position());
        let problem = |text: &str| Err(ImportProblem(format!("line {line}: {text}")));
        let mut found = (0..header.len()).filter(|column| is_called(header, *column, name));
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column),
            (Some(_), Some(_)) => problem(&format!("two columns are called {name}")),
            (None, _) => problem(&format!(
                "there must be a header row with the columns code and name, and {name} is missing"
            )),
        }
    };
    let (code, name) = (column(CODE)?, column(NAME)?);
    let mut entries = Entries::default();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        let problem = |part: &str, text: &str| {
            let line = line_of(body, record.position());
            ImportProblem(format!("line {line}, column {part}: {text}"))
        };
        let text = |column: usize, part: &str| {
            let field = record.get(column).unwrap_or_default();
            std::str::from_utf8(field).map_err(|_| problem(part, "this is not UTF-8"))
        };
        let (code, name) = (text(code, CODE)?, text(name, NAME)?);
        entries
            .add(code, name)
            .map_err(|wrong| problem(wrong.part, &wrong.text))?;
    }
    Ok(entries)
}

fn is_called(header: &csv::ByteRecord, column: usize, name: &str) -> bool {
    let field = header.get(column);
    field.is_some_and(|field| field.eq_ignore_ascii_case(name.as_bytes()))
}

/// A field whose quotes are not as they must be (RFC 4180, section 2, rules 5 to 7).
struct Misquoted {
    /// Where its line is known by: the quote that is wrong, or was never closed.
    offset: usize,
    /// Which column it is in, from 0.
    column: usize,
    is_header: bool,
    text: &'static str,
}

impl Misquoted {
    fn problem(&self, body: &[u8], header: &csv::ByteRecord) -> ImportProblem {
        let line = line_at(body, self.offset);
        let names = [CODE, NAME].into_iter();
        let mut names = names.filter(|name| is_called(header, self.column, name));
        let column = match names.next() {
            Some(name) if !self.is_header => name.to_owned(),
            _ => (self.column + 1).to_string(),
        };
        ImportProblem(format!("line {line}, column {column}: {}", self.text))
    }
}

/// The first field with quotes that are not as they must be.
fn misquoted(body: &[u8]) -> Option<Misquoted> {
    /// What came before a byte, in its field.
    enum Before {
        Nothing,
        Text,
        Quoted { from: usize },
        Quote { from: usize },
    }
    let (mut before, mut column, mut is_header) = (Before::Nothing, 0, true);
    let mut any = false;
    for (offset, byte) in body.iter().enumerate() {
        let wrong = |text| {
            Some(Misquoted {
                offset,
                column,
                is_header,
                text,
            })
        };
        before = match (before, byte) {
            (Before::Quoted { from }, b'"') => Before::Quote { from },
            (quoted @ Before::Quoted { .. }, _) => quoted,
            (Before::Nothing, b'"') => Before::Quoted { from: offset },
            // Two quotes stand for one.
            (Before::Quote { from }, b'"') => Before::Quoted { from },
            (_, b',') => {
                column += 1;
                Before::Nothing
            }
            (_, b'\r' | b'\n') => {
                is_header &= !any;
                column = 0;
                Before::Nothing
            }
            (Before::Text, b'"') => {
                return wrong(
                    "a field with a quote in it must be in quotes, and each quote in it doubled",
                );
            }
            (Before::Quote { .. }, _) => {
                return wrong("something follows the quote that closes this field");
            }
            (Before::Nothing | Before::Text, _) => Before::Text,
        };
        any |= !matches!(byte, b'\r' | b'\n');
    }
    match before {
        Before::Quoted { from } => Some(Misquoted {
            offset: from,
            column,
            is_header,
            text: "the quote that opens here is never closed",
        }),
        _ => None,
    }
}

/// The line on which a record begins, from 1. The reader's own number is that of where the record
/// before ends, which may be empty lines earlier, and a line earlier where lines end with CR LF.
fn line_of(body: &[u8], position: Option<&csv::Position>) -> usize {
    let offset = position.map_or(0, csv::Position::byte);
    let offset = usize::try_from(offset).map_or(body.len(), |offset| offset.min(body.len()));
    let (before, rest) = body.split_at(offset);
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    line_at(body, before.len() + empty.count())
}

/// The line of a byte, from 1.
fn line_at(body: &[u8], offset: usize) -> usize {
    let before = &body[..offset];
    let ends = before.iter().zip(before.iter().skip(1).chain(&[0]));
    1 + ends
        .filter(|(byte, next)| **byte == b'\n' || **byte == b'\r' && **next != b'\n')
        .count()
}

fn csv_problem(body: &[u8], error: &csv::Error) -> ImportProblem {
    let line = line_of(body, error.position());
    ImportProblem(match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("line {line}: {len} columns where the header has {expected_len}"),
        _ => format!("line {line}: this cannot be read as CSV"),
    })
}

fn parse_json(body: &[u8]) -> Result<Entries, ImportProblem> {
    // The parser's own texts may repeat what they are about; ours do not.
    let said = RefCell::new(None);
    let mut entries = Entries::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let all = All {
        entries: &mut entries,
        said: &said,
    };
    let parsed = all.deserialize(&mut json).and_then(|()| json.end());
    parsed.map_err(|error| {
        let text = said.take().unwrap_or_else(|| {
            match error.is_data() {
                true => "here must be a code or a name, as a text or a whole number; the file is an object of names by code, or a list of {code, name}",
                false => "this is not well-formed JSON",
            }
            .to_owned()
        });
        let (line, column) = (error.line(), error.column());
        ImportProblem(format!("line {line}, column {column}: {text}"))
    })?;
    Ok(entries)
}

/// Where a visitor says what is wrong.
type Said = RefCell<Option<String>>;

fn refused<E: Error>(said: &Said, text: impl Into<String>) -> E {
    said.replace(Some(text.into()));
    E::custom("refused")
}

/// The whole file.
struct All<'a> {
    entries: &'a mut Entries,
    said: &'a Said,
}

impl<'de> DeserializeSeed<'de> for All<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for All<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(code)) = map.next_key_seed(TextSeed)? {
            let Text(name) = map.next_value_seed(TextSeed)?;
            let added = self.entries.add(&code, &name);
            added.map_err(|wrong| refused(self.said, wrong.text))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let item = Item {
                entries: self.entries,
                said: self.said,
            };
            if list.next_element_seed(item)?.is_none() {
                return Ok(());
            }
        }
    }
}

/// An item of a list.
struct Item<'a> {
    entries: &'a mut Entries,
    said: &'a Said,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Item<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of code and name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut code, mut name) = (None, None);
        while let Some(Text(key)) = map.next_key_seed(TextSeed)? {
            match key.as_str() {
                CODE => code = Some(map.next_value_seed(TextSeed)?),
                NAME => name = Some(map.next_value_seed(TextSeed)?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let (Some(Text(code)), Some(Text(name))) = (code, name) else {
            return Err(refused(self.said, "this item lacks its code or its name"));
        };
        let added = self.entries.add(&code, &name);
        added.map_err(|wrong| refused(self.said, wrong.text))
    }
}

/// A text, or a whole number as one.
struct Text(String);

struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Text;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Text, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for TextSeed {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str, format: Format) -> Vec<(String, String)> {
        let mut entries: Vec<_> = parse(body.as_bytes(), format)
            .unwrap()
            .into_iter()
            .map(|(code, name)| (code.reveal().to_owned(), name.reveal().to_owned()))
            .collect();
        entries.sort();
        entries
    }

    #[test]
    fn every_form_of_file_says_the_same() {
        let expected = [("7", "Seven, or \"so\""), ("MDI", "Moorland")]
            .map(|(code, name)| (code.to_owned(), name.to_owned()));
        for (body, format) in [
            (
                r#"{"MDI": "Moorland", "7": "Seven, or \"so\""}"#,
                Format::Json,
            ),
            (
                r#"[{"name": "Moorland", "code": "MDI", "x": [1]}, {"code": 7, "name": "Seven, or \"so\""}]"#,
                Format::Json,
            ),
            (
                "\u{feff}Name, x ,CODE\r\n Moorland ,,MDI\r\n\"Seven, or \"\"so\"\"\",1,7\r\n",
                Format::Csv,
            ),
        ] {
            assert_eq!(shown(body, format), expected, "{body}");
        }
    }

    #[test]
    fn whatever_quoting_is_right_is_read() {
        let body = "\n\"code\",\"name\",note\n\"A\",\"a \"\"b\"\"\",\"\"\r\n\
                    \"B\",\"c, d\",\"\"\"two\nlines\"\"\"\n\"C\",\"\"\"e\",\"\"";
        let expected = [("A", "a \"b\""), ("B", "c, d"), ("C", "\"e")]
            .map(|(code, name)| (code.to_owned(), name.to_owned()));
        assert_eq!(shown(body, Format::Csv), expected);
    }

    #[test]
    fn what_is_wrong_is_said_by_place_and_not_repeated() {
        let long = format!("code,name\nA,{}\n", "Secret".repeat(200));
        for (body, format, place, text) in [
            (
                "{\n\"a\": \"Secret\",\n\"b\": [7]}",
                Format::Json,
                "line 3, column",
                "text",
            ),
            (
                "{\n\"a\": \"Secret\",\n\"a\": \"x\"}",
                Format::Json,
                "line 3, column",
                "came before",
            ),
            (
                "[{\"code\": \"Secret\"}]",
                Format::Json,
                "line 1, column",
                "lacks",
            ),
            (
                "{\"Secret\": \" \"}",
                Format::Json,
                "line 1, column",
                "the name is empty",
            ),
            (
                "{\"Secret\": \"a\" \"b\"}",
                Format::Json,
                "line 1, column",
                "well-formed",
            ),
            (
                "{\"a\": \"b\"} Secret",
                Format::Json,
                "line 1, column",
                "well-formed",
            ),
            (
                "{\"*\": \"Secret\"}",
                Format::Json,
                "line 1, column",
                "previews",
            ),
            ("\"Secret\"", Format::Json, "line 1, column", "object"),
            ("[\"Secret\"]", Format::Json, "line 1, column", "text"),
            ("Secret,Moorland\nx,y\n", Format::Csv, "line 1", "header"),
            (
                "code,x\nSecret,y\n",
                Format::Csv,
                "line 1",
                "name is missing",
            ),
            (
                "code,name\nA,b\nSecret\n",
                Format::Csv,
                "line 3",
                "1 columns",
            ),
            (
                "code,name\nA,Secret\n\"A\",x\n",
                Format::Csv,
                "line 3, column code: ",
                "came before",
            ),
            (
                long.as_str(),
                Format::Csv,
                "line 2, column name: ",
                "more than 1000 bytes",
            ),
            (
                "name,x,code\r\n\r\nMoorland,\"two\r\nlines\",A\r\nSecret,, \r\n",
                Format::Csv,
                "line 5, column code: ",
                "the code is empty",
            ),
            (
                "code,name\n\n\nSecret,\n",
                Format::Csv,
                "line 4, column name: ",
                "the name is empty",
            ),
            (
                "\r\n\r\ncode,x\r\n",
                Format::Csv,
                "line 3: ",
                "name is missing",
            ),
            (
                "code,name\r\nA,b\r\nSecret\r\n",
                Format::Csv,
                "line 3: ",
                "1 columns",
            ),
            (
                "code,name\rA,b\rB, \rC,Secret",
                Format::Csv,
                "line 3, column name: ",
                "the name is empty",
            ),
            (
                "code,name\n*,Secret\n",
                Format::Csv,
                "line 2, column code: ",
                "previews",
            ),
            (
                "code,name,note\nA,x,\"oops\nB,Secret,\nC,z,\n",
                Format::Csv,
                "line 2, column 3: ",
                "never closed",
            ),
            (
                "code,name\nA,x\nZZ,\"Secret",
                Format::Csv,
                "line 3, column name: ",
                "never closed",
            ),
            (
                "code,name\nA,x\nZZ,\"it is \"\"Secret",
                Format::Csv,
                "line 3, column name: ",
                "never closed",
            ),
            (
                "note,code,name\r\n\"two\r\nlines\",\"Secret\"x,e\r\n",
                Format::Csv,
                "line 3, column code: ",
                "follows the quote",
            ),
            (
                "code,name\nA,the \"Secret\"\n",
                Format::Csv,
                "line 2, column name: ",
                "must be in quotes",
            ),
            (
                "code,\"name\nA,Secret\n",
                Format::Csv,
                "line 1, column 2: ",
                "never closed",
            ),
            (
                "code,name, NAME\nA,Secret,x\n",
                Format::Csv,
                "line 1: ",
                "two columns are called name",
            ),
            (
                "Code,name,code\nA,Secret,x\n",
                Format::Csv,
                "line 1: ",
                "two columns are called code",
            ),
            ("{}", Format::Json, "", "no name"),
            ("code,name\n", Format::Csv, "", "no name"),
            ("", Format::Csv, "line 1", "header"),
        ] {
            let said = parse(body.as_bytes(), format).unwrap_err().to_string();
            assert!(
                said.contains(place) && said.contains(text),
                "{body}: {said}"
            );
            assert!(!said.contains("Secret"), "{said}");
        }
        let units = |bytes: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
            text.encode_utf16().flat_map(bytes).collect()
        };
        for (text, format) in [
            ("code,name\nA,Secret\n", Format::Csv),
            ("{\"A\": \"Secret\"}", Format::Json),
        ] {
            for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                for mark in ["", "\u{feff}"] {
                    let body = units(bytes, &format!("{mark}{text}"));
                    let said = parse(&body, format).unwrap_err();
                    assert!(said.0.contains("UTF-16"), "{said}");
                }
            }
        }
        let said = parse(b"code,name\nA,\xe9\n", Format::Csv).unwrap_err();
        assert_eq!(said.to_string(), "line 2, column name: this is not UTF-8");
    }
}

use std::io::BufReader;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::failure::{Failure, guarded};
use super::show::paragraph;
use super::words::{Placed, Words, show_text, show_words};
use crate::ReportError;
use crate::block::{Block, BlockSink};
use crate::generic::NO_DATA_HELD;
use crate::limits::{NESTING_MAX, XML_ATTRIBUTES_MAX};
use crate::member_label::member_label;
use crate::report::Shown;

type XmlReader = Reader<BufReader<Words>>;

/// Shows an XML file: an element that holds others is a group, one that does not is a row. What is
/// not well-formed is shown as the text it is. Nothing outside of the file is ever read.
pub(super) fn show_xml(sink: &mut dyn BlockSink, path: &Path) -> Result<Shown, Failure> {
    if !guarded(|| is_well_formed(path))? {
        return show_words(sink, path).map(|()| Shown::Whole);
    }
    let mut reader = reader(path)?;
    let mut buffer = Vec::new();
    let mut walk = Walk {
        sink,
        depth: 0,
        open: None,
        text: String::new(),
        names_entities: false,
    };
    loop {
        buffer.clear();
        let Ok(event) = reader.read_event_into(&mut buffer) else {
            break;
        };
        match event {
            Event::Start(element) => {
                walk.group()?;
                walk.enter(&element);
            }
            Event::Empty(element) => {
                walk.group()?;
                walk.enter(&element);
                walk.close()?;
            }
            Event::End(_) => walk.close()?,
            Event::Text(text) => walk.text.push_str(&text),
            Event::CData(text) => walk.text.push_str(&text),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => walk.text.push(character),
                _ => walk.entity(&reference),
            },
            Event::Eof => break,
            _ => {}
        }
    }
    if walk.names_entities {
        paragraph(sink, UNRESOLVED)?;
        return Ok(Shown::Part);
    }
    Ok(Shown::Whole)
}

/// What is said of a file whose own abbreviations are not looked up.
const UNRESOLVED: &str = "The file uses entities of its own, such as &name; here. They are shown by their names: what \
     they stand for is not.";

fn reader(path: &Path) -> Result<XmlReader, Failure> {
    Ok(Reader::from_reader(BufReader::new(Words::open(path)?)))
}

fn is_well_formed(path: &Path) -> Result<bool, Failure> {
    let mut reader = reader(path)?;
    let mut buffer = Vec::new();
    let (mut depth, mut elements) = (0_u64, 0_u64);
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(_)) => {
                depth += 1;
                elements += 1;
            }
            Ok(Event::Empty(_)) => elements += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) => return Ok(depth == 0 && elements > 0),
            Ok(_) => {}
            Err(_) => return Ok(false),
        }
        if depth > NESTING_MAX {
            return Ok(false);
        }
    }
}

/// The start of an element of which it is not known yet whether it holds others.
struct Element {
    label: String,
    attributes: Vec<(String, String)>,
    /// Whether an attribute names an entity that only the file's document type declares.
    names_entities: bool,
}

impl Element {
    fn read(element: &BytesStart<'_>) -> Self {
        let attributes = element.attributes().flatten().take(XML_ATTRIBUTES_MAX);
        let mut names_entities = false;
        Self {
            label: member_label(element.local_name().as_ref()),
            attributes: attributes
                .map(|attribute| {
                    let raw = attribute.value.into_owned();
                    let value = match quick_xml::escape::unescape(&raw) {
                        Ok(value) => value.into_owned(),
                        Err(_) => {
                            names_entities = true;
                            raw
                        }
                    };
                    (member_label(attribute.key.as_ref()), value)
                })
                .collect(),
            names_entities,
        }
    }
}

struct Walk<'s> {
    sink: &'s mut dyn BlockSink,
    depth: usize,
    open: Option<Element>,
    text: String,
    /// Whether something is shown by the name of an entity instead of its text.
    names_entities: bool,
}

impl Walk<'_> {
    fn enter(&mut self, element: &BytesStart<'_>) {
        let element = Element::read(element);
        self.names_entities |= element.names_entities;
        self.open = Some(element);
        self.depth += 1;
    }

    fn entity(&mut self, name: &str) {
        match quick_xml::escape::resolve_predefined_entity(name) {
            Some(text) => self.text.push_str(text),
            // What a document type declares is not read: that is how these files attack.
            None => {
                self.names_entities = true;
                self.text.push('&');
                self.text.push_str(name);
                self.text.push(';');
            }
        }
    }

    /// Shows the open element as a group, because something stands in it.
    fn group(&mut self) -> Result<(), ReportError> {
        if let Some(element) = self.open.take() {
            let indent = self.depth.saturating_sub(1);
            self.sink.block(Block::GroupLabel {
                text: &element.label,
                indent,
            })?;
            for (name, value) in &element.attributes {
                let value = if value.trim().is_empty() {
                    NO_DATA_HELD
                } else {
                    value
                };
                show_text(self.sink, Placed::Row { name, indent }, value)?;
            }
        }
        self.loose_text()
    }

    fn loose_text(&mut self) -> Result<(), ReportError> {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return Ok(());
        }
        let indent = self.depth.saturating_sub(1);
        show_text(self.sink, Placed::Paragraph { indent }, text.trim())
    }

    fn close(&mut self) -> Result<(), ReportError> {
        match self.open.take() {
            Some(element) if element.attributes.is_empty() => {
                let text = std::mem::take(&mut self.text);
                let value = if text.trim().is_empty() {
                    NO_DATA_HELD
                } else {
                    text.trim()
                };
                let placed = Placed::Row {
                    name: &element.label,
                    indent: self.depth.saturating_sub(2),
                };
                show_text(self.sink, placed, value)?;
            }
            other => {
                self.open = other;
                self.group()?;
            }
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }
}

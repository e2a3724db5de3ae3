//! A file of names for previewing templates, as it is imported: an object of names by code for each
//! kind. What is wrong is said by line and column, and never repeated.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use dossier_core::reference::ReferenceKind;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde_json::Value;

/// Names by code.
pub type Names = serde_json::Map<String, Value>;

/// What is wrong with a file, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {text}")]
pub struct Wrong {
    line: usize,
    column: usize,
    text: String,
}

/// The names of each kind in a file, with or without a byte order mark, each code once.
pub fn parse(content: &[u8]) -> Result<BTreeMap<ReferenceKind, Names>, Wrong> {
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    // The parser's own texts may repeat what they are about; ours do not.
    let text = RefCell::new(
        "without KIND the file must be a JSON object with an object of names by code for each kind"
            .to_owned(),
    );
    let mut json = serde_json::Deserializer::from_slice(content);
    let parsed = Kinds { text: &text }.deserialize(&mut json);
    let parsed = parsed.and_then(|kinds| json.end().map(|()| kinds));
    parsed.map_err(|error| Wrong {
        line: error.line(),
        column: error.column(),
        text: match error.is_data() {
            true => text.take(),
            false => "this is not well-formed JSON".to_owned(),
        },
    })
}

/// The whole file, and what is wrong with it should it end here.
struct Kinds<'t> {
    text: &'t RefCell<String>,
}

impl<'de> DeserializeSeed<'de> for Kinds<'_> {
    type Value = BTreeMap<ReferenceKind, Names>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Kinds<'_> {
    type Value = BTreeMap<ReferenceKind, Names>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of kinds")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let general = self.text.borrow().clone();
        let mut kinds = BTreeMap::new();
        while let Some(kind) = map.next_key::<ReferenceKind>()? {
            if kinds.contains_key(&kind) {
                self.text.replace(format!("{kind} came before"));
                return Err(A::Error::custom("refused"));
            }
            let text = format!("{kind} must be an object of names by code");
            self.text.replace(text);
            let names = map.next_value_seed(NamesOf {
                kind,
                text: self.text,
            })?;
            kinds.insert(kind, names);
            self.text.replace(general.clone());
        }
        Ok(kinds)
    }
}

/// The names of one kind.
struct NamesOf<'t> {
    kind: ReferenceKind,
    text: &'t RefCell<String>,
}

impl<'de> DeserializeSeed<'de> for NamesOf<'_> {
    type Value = Names;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Names, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for NamesOf<'_> {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names by code")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        let mut names = Names::new();
        while let Some((code, name)) = map.next_entry()? {
            if names.insert(code, name).is_some() {
                let text = format!("this code of {} came before", self.kind);
                self.text.replace(text);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(names)
    }
}

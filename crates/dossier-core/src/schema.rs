//! What a service's JSON Schema says for the readers of its answers: titles.
//!
//! A service may push a JSON Schema of its `content`. It is used for words only: what a member, an
//! element of a list or a code is called. Whether an answer keeps to it is never asked, and keywords
//! that are not listed here mean nothing, whatever the draft.
//!
//! | keyword | what it is used for |
//! | --- | --- |
//! | `title` | the words for a member, or for each element of a list |
//! | `properties`, `additionalProperties`, `items` | which schema is that of a member or element |
//! | `$ref` | the same, by a JSON Pointer (RFC 6901) into the same document |
//! | `allOf` | what holds besides; what comes first wins |
//! | `oneOf`, `anyOf` | entries with `const` and `title` name values; a single entry besides `{"type": "null"}` holds as in `allOf` |

mod compile;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::Sha256Hex;

/// The largest schema that is kept, in bytes: 1 MiB.
pub const SCHEMA_BYTES_MAX: usize = 1024 * 1024;
/// Schemas within one schema that are looked at. More are refused.
pub const SUBSCHEMAS_MAX: usize = 20_000;
/// Characters of a title. More are refused: nobody could read such a label.
pub const TITLE_CHARS_MAX: usize = 200;

/// Schemas that hold of one value, by references and `allOf`: those beyond give it no words.
const HOLDING_MAX: usize = 32;

/// A service's schema as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSchema {
    /// The digest of its bytes.
    pub sha256: Sha256Hex,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// The titles of a JSON Schema, by where they belong. A copy shares them.
#[derive(Clone)]
pub struct ContentSchema(Arc<[Node]>);

/// The place of a schema among all that are looked at; the whole one is the first.
type NodeId = u32;

/// What one schema says.
#[derive(Default)]
struct Node {
    title: Option<Box<str>>,
    members: HashMap<Box<str>, NodeId>,
    /// Of members that have no schema by name.
    other_members: Option<NodeId>,
    elements: Option<NodeId>,
    /// What texts are called.
    texts: HashMap<Box<str>, Box<str>>,
    /// What numbers and words such as `true` are called, by how [`canonical`] writes them.
    scalars: HashMap<Box<str>, Box<str>>,
    /// What holds of the same value.
    besides: Vec<NodeId>,
}

/// A value without parts, as it stands in JSON.
#[derive(Clone, Copy)]
pub enum Scalar<'v> {
    /// A text, without its quotes and escapes.
    Text(&'v str),
    /// A number, as it is written.
    Number(&'v str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

impl ContentSchema {
    /// Reads a schema: a JSON object or a boolean, of at most [`SCHEMA_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// What cannot be used, and where.
    pub fn parse(schema: &[u8]) -> Result<Self, InvalidSchema> {
        compile::compile(schema)
    }

    /// Where the schema's own value is.
    pub fn root(&self) -> SchemaPlace<'_> {
        SchemaPlace::at(&self.0, [0])
    }
}

/// Shows that there is a schema, and nothing of it.
impl fmt::Debug for ContentSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentSchema").finish_non_exhaustive()
    }
}

/// The schemas that hold of a value; the default is that none does.
///
/// Going from place to place ends where the value does, also in a schema that refers to itself.
#[derive(Clone, Default)]
pub struct SchemaPlace<'s> {
    all: &'s [Node],
    holding: Vec<NodeId>,
}

impl<'s> SchemaPlace<'s> {
    fn at(all: &'s [Node], starts: impl IntoIterator<Item = NodeId>) -> Self {
        let mut holding = Vec::new();
        let mut open: Vec<NodeId> = starts.into_iter().collect();
        open.reverse();
        while let Some(next) = open.pop() {
            if holding.len() < HOLDING_MAX && !holding.contains(&next) {
                holding.push(next);
                let besides = all[next as usize].besides.iter().take(HOLDING_MAX);
                open.extend(besides.rev());
            }
        }
        Self { all, holding }
    }

    fn nodes(&self) -> impl Iterator<Item = &'s Node> {
        let all = self.all;
        self.holding.iter().map(move |id| &all[*id as usize])
    }

    /// What holds of a member of the object that is here.
    pub fn member(&self, name: &str) -> Self {
        let of_name = |node: &'s Node| node.members.get(name).copied().or(node.other_members);
        Self::at(self.all, self.nodes().filter_map(of_name))
    }

    /// What holds of each element of the list that is here.
    pub fn element(&self) -> Self {
        Self::at(self.all, self.nodes().filter_map(|node| node.elements))
    }

    /// What the value is called: 1 to [`TITLE_CHARS_MAX`] characters in one line.
    pub fn title(&self) -> Option<&'s str> {
        self.nodes().find_map(|node| node.title.as_deref())
    }

    /// What this value is called, where it is one of several that have names, as codes do.
    pub fn title_of(&self, value: Scalar<'_>) -> Option<&'s str> {
        // Nearly all values have none: nothing is to be made for them.
        let mut named = self.nodes().filter(|node| match value {
            Scalar::Text(_) => !node.texts.is_empty(),
            _ => !node.scalars.is_empty(),
        });
        let first = named.next()?;
        let canonical = match value {
            Scalar::Text(_) => String::new(),
            value => canonical(value),
        };
        let mut named = std::iter::once(first).chain(named);
        named.find_map(|node| match value {
            Scalar::Text(text) => node.texts.get(text).map(|title| &**title),
            _ => node.scalars.get(canonical.as_str()).map(|title| &**title),
        })
    }
}

/// A schema cannot be used. Correct what stands at the pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSchema {
    /// Where in the schema, as a JSON Pointer (RFC 6901); empty for all of it, or if it is not JSON.
    pub pointer: String,
    /// Line and column in bytes, from 1, if it is not JSON.
    pub place: Option<(u32, u32)>,
    /// What is wrong there. Nothing of the schema is in it.
    pub problem: String,
}

impl std::error::Error for InvalidSchema {}

impl fmt::Display for InvalidSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place, self.pointer.as_str()) {
            (Some((line, column)), _) => write!(f, "line {line}, column {column}: ")?,
            (None, "") => {}
            (None, pointer) => write!(f, "at {pointer}: ")?,
        }
        f.write_str(&self.problem)
    }
}

/// One text for all ways to write a number; of values other than texts only.
fn canonical(value: Scalar<'_>) -> String {
    // From here on up not every whole number is one of its own as a float.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Scalar::Text(text) => text.to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Null => "null".to_owned(),
        Scalar::Number(text) => match (text.parse::<i128>(), text.parse::<f64>()) {
            (Ok(whole), _) => whole.to_string(),
            (_, Ok(number)) if number.fract() == 0.0 && number.abs() < WHOLE_MAX => {
                (number as i64).to_string()
            }
            (_, Ok(number)) if number.is_finite() && number.abs() < WHOLE_MAX => number.to_string(),
            _ => text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(text: &str) -> ContentSchema {
        ContentSchema::parse(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> InvalidSchema {
        ContentSchema::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn members_and_elements_have_the_titles_of_their_schemas() {
        let schema = schema(
            r##"{"title": "All", "properties": {
                "dob": {"title": " Date\n of birth "}, "blank": {"title": " "},
                "alerts": {"title": "Alerts", "items": {"title": "Alert",
                    "properties": {"code": {"title": "Kind of alert"}}}}},
                "additionalProperties": {"title": "Something else"}}"##,
        );
        let root = schema.root();
        assert_eq!(root.title(), Some("All"));
        assert_eq!(root.member("dob").title(), Some("Date of birth"));
        assert_eq!(root.member("blank").title(), None);
        assert_eq!(root.member("unknown").title(), Some("Something else"));
        let alert = root.member("alerts").element();
        assert_eq!(alert.title(), Some("Alert"));
        assert_eq!(alert.member("code").title(), Some("Kind of alert"));
        assert_eq!(alert.member("unknown").title(), None);
        assert_eq!(alert.element().member("code").title(), None);
        assert_eq!(SchemaPlace::default().member("dob").title(), None);
    }

    #[test]
    fn references_and_all_of_add_what_is_not_said_nearer() {
        let schema = schema(
            r##"{"$ref": "#/$defs/a~1b%20c", "$defs": {
                "a/b c": {"allOf": [{"properties": {"x": {"type": "string"}, "y": {}}},
                    {"$ref": "#/definitions/more"}, true]}},
                "definitions": {"more": {"properties": {"x": {"title": "X"},
                    "y": {"anyOf": [{"type": "null"}, {"$ref": "#/definitions/y"}]}}},
                    "y": {"title": "Y"}}}"##,
        );
        assert_eq!(schema.root().member("x").title(), Some("X"));
        assert_eq!(schema.root().member("y").title(), Some("Y"));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends_where_the_value_does() {
        let schema = schema(
            r##"{"allOf": [{"$ref": "#"}, {"$ref": "#/properties/next"}],
                "properties": {"next": {"$ref": "#"}}, "title": "Again"}"##,
        );
        let mut place = schema.root();
        for _ in 0..1_000 {
            place = place.member("next");
        }
        assert_eq!(place.title(), Some("Again"));
    }

    #[test]
    fn values_are_told_apart_by_what_they_are_and_not_by_how_they_are_written() {
        let schema = schema(
            r##"{"oneOf": [{"const": "1", "title": "Text"}, {"const": 1, "title": "One"},
                {"const": 2.50, "title": "Half"}, {"const": true, "title": "Agreed"},
                {"const": null, "title": "Not asked"}, {"const": "true"}, {"const": [1], "title": "L"},
                {"const": 9007199254740993, "title": "Large"}]}"##,
        );
        let root = schema.root();
        for (value, title) in [
            (Scalar::Text("1"), Some("Text")),
            (Scalar::Number("1"), Some("One")),
            (Scalar::Number("1.0"), Some("One")),
            (Scalar::Number("10e-1"), Some("One")),
            (Scalar::Number("2.5"), Some("Half")),
            (Scalar::Number("9007199254740993"), Some("Large")),
            (Scalar::Number("9007199254740992"), None),
            (Scalar::Number("1e400"), None),
            (Scalar::Bool(true), Some("Agreed")),
            (Scalar::Bool(false), None),
            (Scalar::Null, Some("Not asked")),
            (Scalar::Text("true"), None),
        ] {
            assert_eq!(root.title_of(value), title);
        }
        assert_eq!(root.title(), None, "a code's title is not the member's");
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_pointer() {
        for (text, pointer) in [
            ("[]", ""),
            ("7", ""),
            (r#"{"title": 1}"#, "/title"),
            (r#"{"properties": []}"#, "/properties"),
            (r#"{"properties": {"a/b": 1}}"#, "/properties/a~1b"),
            (
                r#"{"properties": {"a": {"items": {"title": {}}}}}"#,
                "/properties/a/items/title",
            ),
            (r#"{"additionalProperties": "no"}"#, "/additionalProperties"),
            (r#"{"allOf": {}}"#, "/allOf"),
            (r#"{"anyOf": [{}, 1]}"#, "/anyOf/1"),
            (r#"{"oneOf": [{"const": 1, "title": 2}]}"#, "/oneOf/0/title"),
            (
                r#"{"items": {"$ref": "https://elsewhere.example/s"}}"#,
                "/items/$ref",
            ),
            (r##"{"$ref": "#/$defs/none"}"##, "/$ref"),
            (r##"{"$ref": "#anchor"}"##, "/$ref"),
            (
                r##"{"$ref": "#/$defs/a", "$defs": {"a": {"title": []}}}"##,
                "/$defs/a/title",
            ),
        ] {
            let error = refused(text);
            assert_eq!(error.pointer, pointer, "{error}");
            assert_eq!(error.place, None);
        }
        let long = format!(r#"{{"title": "{}"}}"#, "x".repeat(TITLE_CHARS_MAX + 1));
        assert_eq!(refused(&long).pointer, "/title");
        let broken = refused("{\n  \"title\" 1}");
        assert_eq!(broken.place, Some((2, 11)), "{broken}");
        assert!(ContentSchema::parse(&vec![b' '; SCHEMA_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn what_is_not_used_is_not_looked_at() {
        for text in [
            "true",
            "\u{feff}{}",
            r#"{"$schema": 7, "required": "x", "$defs": {"unused": {"title": 1}}}"#,
            r#"{"items": [{"title": 1}], "anyOf": [{"title": 1}, {"title": 2}]}"#,
        ] {
            assert_eq!(schema(text).root().title(), None, "{text}");
        }
    }

    #[test]
    fn a_schema_of_too_many_parts_is_refused_and_long_names_cost_no_more_than_themselves() {
        let many = vec!["{}"; SUBSCHEMAS_MAX].join(",");
        let error = refused(&format!(r#"{{"allOf": [{many}]}}"#));
        assert_eq!(error.pointer, format!("/allOf/{}", SUBSCHEMAS_MAX - 1));
        let name = "n".repeat(500_000);
        let within = vec!["{}"; 10_000].join(",");
        let long = format!(r#"{{"properties": {{"{name}": {{"allOf": [{within}, 7]}}}}}}"#);
        assert!(refused(&long).pointer.len() < 2_000);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_schema_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = ContentSchema::parse(&bytes);
        }
    }
}

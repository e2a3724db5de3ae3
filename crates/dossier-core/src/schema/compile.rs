//! From a schema's JSON to its titles: what can be reached, schema after schema, in a compact form.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::{
    ContentSchema, InvalidSchema, Node, NodeId, SCHEMA_BYTES_MAX, SUBSCHEMAS_MAX, Scalar,
    TITLE_CHARS_MAX, canonical,
};

/// Bytes of one name in a pointer that is shown.
const SHOWN_NAME_BYTES_MAX: usize = 200;
/// Steps of a pointer that are shown, its last ones; JSON that is read has no more levels.
const SHOWN_STEPS_MAX: usize = 130;

/// Reads a schema.
pub(super) fn compile(schema: &[u8]) -> Result<ContentSchema, InvalidSchema> {
    if schema.len() > SCHEMA_BYTES_MAX {
        return Err(whole(format!(
            "a schema may have at most {SCHEMA_BYTES_MAX} bytes"
        )));
    }
    // RFC 8259 (8.1) lets a reader ignore a byte order mark.
    let schema = schema.strip_prefix(b"\xef\xbb\xbf").unwrap_or(schema);
    let root: Value = serde_json::from_slice(schema).map_err(|error| {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        InvalidSchema {
            place: Some((number(error.line()), number(error.column()))),
            ..whole("the schema is not well-formed JSON, or nested too deeply".to_owned())
        }
    })?;
    let mut compiler = Compiler {
        root: &root,
        nodes: Vec::new(),
        sources: Vec::new(),
        known: HashMap::new(),
    };
    compiler.schema(&root, Origin::Root)?;
    let mut next = 0;
    while let Some(source) = compiler.sources.get(next).map(|source| source.value) {
        // No more than `SUBSCHEMAS_MAX`, which is far below.
        compiler.read(next as NodeId, source)?;
        next += 1;
    }
    Ok(ContentSchema(compiler.nodes.into()))
}

fn whole(problem: String) -> InvalidSchema {
    InvalidSchema {
        pointer: String::new(),
        place: None,
        problem,
    }
}

struct Compiler<'v> {
    root: &'v Value,
    nodes: Vec<Node>,
    /// What each node is made of, in the same order.
    sources: Vec<Source<'v>>,
    /// The nodes that there are, by the addresses of what they are made of.
    known: HashMap<*const Value, NodeId>,
}

struct Source<'v> {
    value: &'v Value,
    origin: Origin<'v>,
}

/// How a schema was come by: enough to say where it is.
#[derive(Clone, Copy)]
enum Origin<'v> {
    Root,
    /// The text of a reference that leads to it, without `#`.
    Reference(&'v str),
    Within(NodeId, Step<'v>),
}

/// A step from a schema to something in it.
#[derive(Clone, Copy)]
enum Step<'v> {
    Keyword(&'static str),
    Member(&'static str, &'v str),
    Entry(&'static str, usize),
    EntryKeyword(&'static str, usize, &'static str),
}

impl<'v> Compiler<'v> {
    /// The node of a schema, which is read later if it is new.
    fn schema(&mut self, value: &'v Value, origin: Origin<'v>) -> Result<NodeId, InvalidSchema> {
        if let Some(known) = self.known.get(&std::ptr::from_ref(value)) {
            return Ok(*known);
        }
        if !is_schema(value) {
            return Err(self.invalid(origin, "a schema is a JSON object, true or false"));
        }
        let id = self.nodes.len();
        if id >= SUBSCHEMAS_MAX {
            let problem = format!("a schema may have at most {SUBSCHEMAS_MAX} schemas within it");
            return Err(self.invalid(origin, problem));
        }
        let id = id as NodeId;
        self.nodes.push(Node::default());
        self.sources.push(Source { value, origin });
        self.known.insert(std::ptr::from_ref(value), id);
        Ok(id)
    }

    fn read(&mut self, id: NodeId, value: &'v Value) -> Result<(), InvalidSchema> {
        let Value::Object(schema) = value else {
            return Ok(());
        };
        let mut node = Node {
            title: self.title(schema, Origin::Within(id, Step::Keyword("title")))?,
            ..Node::default()
        };
        if let Some(reference) = schema.get("$ref") {
            node.besides.push(self.reference(id, reference)?);
        }
        for (place, entry) in self.list(id, schema, "allOf")?.iter().enumerate() {
            let origin = Origin::Within(id, Step::Entry("allOf", place));
            node.besides.push(self.schema(entry, origin)?);
        }
        for keyword in ["oneOf", "anyOf"] {
            self.alternatives(id, schema, keyword, &mut node)?;
        }
        self.members(id, schema, &mut node)?;
        // A list of schemas is that of a list with a fixed place for everything: no name for all.
        if let Some(items) = schema.get("items").filter(|items| !items.is_array()) {
            let origin = Origin::Within(id, Step::Keyword("items"));
            node.elements = Some(self.schema(items, origin)?);
        }
        self.nodes[id as usize] = node;
        Ok(())
    }

    fn members(
        &mut self,
        id: NodeId,
        schema: &'v Map<String, Value>,
        node: &mut Node,
    ) -> Result<(), InvalidSchema> {
        if let Some(properties) = schema.get("properties") {
            let Value::Object(properties) = properties else {
                let origin = Origin::Within(id, Step::Keyword("properties"));
                return Err(self.invalid(origin, "this must be an object with a schema a member"));
            };
            for (name, member) in properties {
                let origin = Origin::Within(id, Step::Member("properties", name));
                let member = self.schema(member, origin)?;
                node.members.insert(name.as_str().into(), member);
            }
        }
        if let Some(others) = schema.get("additionalProperties") {
            let origin = Origin::Within(id, Step::Keyword("additionalProperties"));
            node.other_members = Some(self.schema(others, origin)?);
        }
        Ok(())
    }

    /// What values are called; or what holds besides, if there is one alternative to nothing.
    fn alternatives(
        &mut self,
        id: NodeId,
        schema: &'v Map<String, Value>,
        keyword: &'static str,
        node: &mut Node,
    ) -> Result<(), InvalidSchema> {
        let mut others = Vec::new();
        let mut named = false;
        for (place, entry) in self.list(id, schema, keyword)?.iter().enumerate() {
            let origin = Origin::Within(id, Step::Entry(keyword, place));
            if !is_schema(entry) {
                return Err(self.invalid(origin, "a schema is a JSON object, true or false"));
            }
            let constant = entry.as_object().and_then(|entry| {
                let value = entry.get("const")?;
                entry.contains_key("title").then_some((entry, value))
            });
            let Some((entry, value)) = constant else {
                if entry.get("type").and_then(Value::as_str) != Some("null") {
                    others.push((entry, origin));
                }
                continue;
            };
            named = true;
            let title = Step::EntryKeyword(keyword, place, "title");
            let Some(title) = self.title(entry, Origin::Within(id, title))? else {
                continue;
            };
            let (names, value) = match value {
                Value::String(text) => (&mut node.texts, text.clone()),
                Value::Number(number) => {
                    let text = number.to_string();
                    (&mut node.scalars, canonical(Scalar::Number(&text)))
                }
                Value::Bool(value) => (&mut node.scalars, canonical(Scalar::Bool(*value))),
                Value::Null => (&mut node.scalars, canonical(Scalar::Null)),
                Value::Array(_) | Value::Object(_) => continue,
            };
            names.entry(value.into()).or_insert(title);
        }
        if let ([(entry, origin)], false) = (others.as_slice(), named) {
            node.besides.push(self.schema(entry, *origin)?);
        }
        Ok(())
    }

    fn list(
        &self,
        id: NodeId,
        schema: &'v Map<String, Value>,
        keyword: &'static str,
    ) -> Result<&'v [Value], InvalidSchema> {
        match schema.get(keyword) {
            None => Ok(&[]),
            Some(Value::Array(entries)) => Ok(entries),
            Some(_) => {
                let origin = Origin::Within(id, Step::Keyword(keyword));
                Err(self.invalid(origin, "this must be a list of schemas"))
            }
        }
    }

    /// The title in one line; none if it is blank.
    fn title(
        &self,
        schema: &Map<String, Value>,
        origin: Origin<'v>,
    ) -> Result<Option<Box<str>>, InvalidSchema> {
        let Some(title) = schema.get("title") else {
            return Ok(None);
        };
        let Value::String(title) = title else {
            return Err(self.invalid(origin, "a title must be a text"));
        };
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.chars().nth(TITLE_CHARS_MAX).is_some() {
            let problem = format!("a title may have at most {TITLE_CHARS_MAX} characters");
            return Err(self.invalid(origin, problem));
        }
        Ok((!title.is_empty()).then(|| title.into()))
    }

    fn reference(&mut self, id: NodeId, reference: &'v Value) -> Result<NodeId, InvalidSchema> {
        let origin = Origin::Within(id, Step::Keyword("$ref"));
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
        let pointer = pointer.filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let Some(pointer) = pointer else {
            let problem = "a reference must lead to a place in this document by a JSON Pointer, \
                           such as #/$defs/name";
            return Err(self.invalid(origin, problem));
        };
        let target = percent_decoded(pointer).and_then(|pointer| self.root.pointer(&pointer));
        let Some(target) = target.filter(|target| is_schema(target)) else {
            return Err(self.invalid(origin, "there is no schema at the end of this reference"));
        };
        self.schema(target, Origin::Reference(pointer))
    }

    fn invalid(&self, origin: Origin<'v>, problem: impl Into<String>) -> InvalidSchema {
        InvalidSchema {
            pointer: self.pointer(origin),
            place: None,
            problem: problem.into(),
        }
    }

    fn pointer(&self, mut origin: Origin<'v>) -> String {
        let mut steps = Vec::new();
        let start = loop {
            match origin {
                Origin::Root => break "",
                Origin::Reference(pointer) => break pointer,
                Origin::Within(id, step) => {
                    steps.push(step);
                    origin = self.sources[id as usize].origin;
                }
            }
        };
        let mut pointer = shortened(start);
        steps.truncate(SHOWN_STEPS_MAX);
        for step in steps.into_iter().rev() {
            // Writing to a text cannot fail.
            let _ = match step {
                Step::Keyword(keyword) => write!(pointer, "/{keyword}"),
                Step::Member(keyword, name) => {
                    let name = shortened(name).replace('~', "~0").replace('/', "~1");
                    write!(pointer, "/{keyword}/{name}")
                }
                Step::Entry(keyword, place) => write!(pointer, "/{keyword}/{place}"),
                Step::EntryKeyword(keyword, place, inner) => {
                    write!(pointer, "/{keyword}/{place}/{inner}")
                }
            };
        }
        pointer
    }
}

fn is_schema(value: &Value) -> bool {
    value.is_object() || value.is_boolean()
}

fn shortened(name: &str) -> String {
    let end = name.floor_char_boundary(SHOWN_NAME_BYTES_MAX);
    match end < name.len() {
        true => format!("{}…", &name[..end]),
        false => name.to_owned(),
    }
}

/// The text that a URI's fragment stands for (RFC 3986, 2.1); none if it stands for none.
fn percent_decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(digits[0])? * 16 + digit(digits[1])?;
        bytes.push(u8::try_from(value).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

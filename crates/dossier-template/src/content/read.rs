use std::collections::HashMap;
use std::io::Read;

use super::node::{Kind, NONE, Node, NodeId, Tree, name_hash, unescape};
use crate::limits::{RESPONSE_BYTES_MAX, RESPONSE_NESTING_MAX, RESPONSE_NODES_MAX};
use crate::{ContentError, Place};

/// Objects with more members get an index.
const MEMBERS_WITHOUT_INDEX_MAX: u32 = 16;

/// Reads JSON (RFC 8259); returns the tree and its top.
pub(super) fn read(reader: impl Read) -> Result<(Tree, NodeId), ContentError> {
    let mut bytes = Vec::new();
    let read = reader
        .take(RESPONSE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(ContentError::Read)?;
    if read as u64 > RESPONSE_BYTES_MAX {
        return Err(ContentError::TooLarge {
            what: "bytes",
            max: RESPONSE_BYTES_MAX,
        });
    }
    if let Err(error) = std::str::from_utf8(&bytes) {
        let place = Place::of(&bytes, error.valid_up_to());
        return Err(ContentError::Malformed {
            problem: "it is not UTF-8",
            place,
        });
    }
    let mut reading = Reading {
        tree: Tree {
            bytes,
            nodes: Vec::new(),
            ranges: HashMap::new(),
            sorted: Vec::new(),
        },
        at: 0,
        open: Vec::new(),
        scratch: Vec::new(),
    };
    reading.all().map_err(|problem| match problem {
        Problem::Malformed(problem) => ContentError::Malformed {
            problem,
            place: Place::of(&reading.tree.bytes, reading.at),
        },
        Problem::TooMany(what, max) => ContentError::TooLarge {
            what,
            max: max as u64,
        },
    })?;
    reading.tree.nodes.shrink_to_fit();
    Ok((reading.tree, 0))
}

enum Problem {
    Malformed(&'static str),
    TooMany(&'static str, usize),
}

/// A list or an object whose end is not read yet.
struct Open {
    node: NodeId,
    last: NodeId,
}

/// A member's name, or what stands for it in a list.
#[derive(Clone, Copy, Default)]
struct Name {
    start: u32,
    len: u32,
    hash: u32,
    escaped: bool,
}

struct Reading {
    tree: Tree,
    at: usize,
    open: Vec<Open>,
    scratch: Vec<(u32, u32, NodeId)>,
}

impl Reading {
    fn all(&mut self) -> Result<(), Problem> {
        // RFC 8259 (8.1) lets a reader ignore a byte order mark.
        if self.tree.bytes.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
        }
        let mut name = Name::default();
        loop {
            if self.value(name)? {
                // A list or an object begins, with something in it.
                name = self.name()?;
                continue;
            }
            loop {
                let Some(open) = self.open.last() else {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(Problem::Malformed("something follows after its end")),
                    };
                };
                let kind = self.tree.kind(open.node);
                let close = if kind == Kind::Object { b'}' } else { b']' };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        name = self.name()?;
                        break;
                    }
                    Some(byte) if byte == close => {
                        self.at += 1;
                        self.close();
                    }
                    Some(_) => {
                        let problem = "a comma or the end of a list or object was expected";
                        return Err(Problem::Malformed(problem));
                    }
                    None => return Err(Problem::Malformed("it ends too early")),
                }
            }
        }
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.tree.bytes.get(self.at) {
            self.at += 1;
        }
        self.tree.bytes.get(self.at).copied()
    }

    /// Reads a value, or the beginning of a list or an object that is not empty: then true.
    fn value(&mut self, name: Name) -> Result<bool, Problem> {
        let byte = self.peek().ok_or(Problem::Malformed("it ends too early"))?;
        let start = self.at;
        let mut escaped = false;
        let kind = match byte {
            b'{' | b'[' => return self.nested(byte, name),
            b'"' => {
                self.at += 1;
                escaped = self.text()?;
                self.push(Kind::Text, start + 1, self.at - 1, name, escaped)?;
                return Ok(false);
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Kind::Number
            }
            _ => self.word()?,
        };
        self.push(kind, start, self.at, name, escaped)?;
        Ok(false)
    }

    fn nested(&mut self, byte: u8, name: Name) -> Result<bool, Problem> {
        let (kind, close) = match byte {
            b'{' => (Kind::Object, b'}'),
            _ => (Kind::List, b']'),
        };
        if self.open.len() >= RESPONSE_NESTING_MAX {
            let what = "lists and objects within each other";
            return Err(Problem::TooMany(what, RESPONSE_NESTING_MAX));
        }
        self.at += 1;
        let node = self.push(kind, 0, 0, name, false)?;
        self.tree.nodes[node as usize].start = NONE;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        self.open.push(Open { node, last: NONE });
        Ok(true)
    }

    /// Adds a value to the list or the object that is open.
    fn push(
        &mut self,
        kind: Kind,
        start: usize,
        end: usize,
        name: Name,
        text_escaped: bool,
    ) -> Result<NodeId, Problem> {
        let nodes = &mut self.tree.nodes;
        if nodes.len() >= RESPONSE_NODES_MAX {
            return Err(Problem::TooMany("values", RESPONSE_NODES_MAX));
        }
        let id = nodes.len() as NodeId;
        nodes.push(Node {
            start: start as u32,
            len: (end - start) as u32,
            next: NONE,
            name_start: name.start,
            name_len: name.len,
            name_hash: name.hash,
            kind,
            text_escaped,
            name_escaped: name.escaped,
        });
        if let Some(open) = self.open.last_mut() {
            match open.last {
                NONE => nodes[open.node as usize].start = id,
                last => nodes[last as usize].next = id,
            }
            nodes[open.node as usize].len += 1;
            open.last = id;
        }
        Ok(id)
    }

    /// Ends the innermost list or object. Of an object's repeated names, the last value goes to
    /// the first place; a large object gets an index.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let count = self.tree.nodes[open.node as usize].len;
        if self.tree.kind(open.node) != Kind::Object || count < 2 {
            return;
        }
        self.scratch.clear();
        let mut next = self.tree.first(open.node);
        let mut order = 0;
        while let Some(node) = next {
            self.scratch
                .push((self.tree.nodes[node as usize].name_hash, order, node));
            order += 1;
            next = self.tree.next(node);
        }
        self.scratch.sort_unstable();
        let is_repeated = self.scratch.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if is_repeated {
            self.merge_repeats(open.node);
        }
        if self.scratch.len() as u32 > MEMBERS_WITHOUT_INDEX_MAX {
            let from = self.tree.sorted.len() as u32;
            let members = self.scratch.iter().map(|(hash, _, node)| (*hash, *node));
            self.tree.sorted.extend(members);
            let to = self.tree.sorted.len() as u32;
            self.tree.ranges.insert(open.node, (from, to));
        }
    }

    fn merge_repeats(&mut self, object: NodeId) {
        let mut kept: Vec<(u32, u32, NodeId)> = Vec::with_capacity(self.scratch.len());
        for (hash, order, node) in &self.scratch {
            let first = kept
                .iter()
                .rev()
                .take_while(|other| other.0 == *hash)
                .find(|other| self.tree.name(other.2) == self.tree.name(*node))
                .map(|other| other.2);
            match first {
                Some(first) => {
                    let later = self.tree.nodes[*node as usize];
                    let place = &mut self.tree.nodes[first as usize];
                    place.start = later.start;
                    place.len = later.len;
                    place.kind = later.kind;
                    place.text_escaped = later.text_escaped;
                    match self.tree.ranges.remove(node) {
                        Some(range) => self.tree.ranges.insert(first, range),
                        None => self.tree.ranges.remove(&first),
                    };
                }
                None => kept.push((*hash, *order, *node)),
            }
        }
        let mut in_order = kept.clone();
        in_order.sort_unstable_by_key(|(_, order, _)| *order);
        for pair in in_order.windows(2) {
            self.tree.nodes[pair[0].2 as usize].next = pair[1].2;
        }
        if let Some((_, _, last)) = in_order.last() {
            self.tree.nodes[*last as usize].next = NONE;
        }
        self.tree.nodes[object as usize].len = in_order.len() as u32;
        self.scratch = kept;
    }

    /// Reads a member's name and its colon where an object is open; nothing in a list.
    fn name(&mut self) -> Result<Name, Problem> {
        let is_object = self
            .open
            .last()
            .is_some_and(|open| self.tree.kind(open.node) == Kind::Object);
        if !is_object {
            return Ok(Name::default());
        }
        if self.peek() != Some(b'"') {
            return Err(Problem::Malformed("a member name was expected"));
        }
        self.at += 1;
        let start = self.at;
        let escaped = self.text()?;
        let end = self.at - 1;
        // Checked to be UTF-8 before; quotes stand between characters.
        let written = std::str::from_utf8(&self.tree.bytes[start..end]).unwrap_or_default();
        let hash = match escaped {
            false => name_hash(written),
            true => name_hash(&unescape(written)),
        };
        if self.peek() != Some(b':') {
            return Err(Problem::Malformed("a colon was expected"));
        }
        self.at += 1;
        Ok(Name {
            start: start as u32,
            len: (end - start) as u32,
            hash,
            escaped,
        })
    }

    /// Reads a text behind its first quote up to and with its last; returns whether it has escapes.
    fn text(&mut self) -> Result<bool, Problem> {
        let mut escaped = false;
        loop {
            let rest = &self.tree.bytes[self.at..];
            let plain = rest
                .iter()
                .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            let Some(plain) = plain else {
                self.at = self.tree.bytes.len();
                return Err(Problem::Malformed("it ends too early"));
            };
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Problem::Malformed("a control character stands in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Problem> {
        let unknown = Problem::Malformed("an escape in a text is unknown");
        match self.tree.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.tree.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(unknown);
                }
                self.at += 6;
            }
            _ => return Err(unknown),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Problem> {
        self.optional(b"-");
        if !self.optional(b"0") {
            self.digits()?;
        }
        if self.optional(b".") {
            self.digits()?;
        }
        if self.optional(b"eE") {
            self.optional(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn optional(&mut self, any: &[u8]) -> bool {
        let found = self
            .tree
            .bytes
            .get(self.at)
            .is_some_and(|byte| any.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), Problem> {
        let rest = &self.tree.bytes[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        match digits {
            0 => Err(Problem::Malformed("a digit was expected")),
            _ => Ok(()),
        }
    }

    fn word(&mut self) -> Result<Kind, Problem> {
        let words = [
            (&b"true"[..], Kind::True),
            (b"false", Kind::False),
            (b"null", Kind::Null),
        ];
        for (word, kind) in words {
            if self.tree.bytes[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err(Problem::Malformed("a value was expected"))
    }
}

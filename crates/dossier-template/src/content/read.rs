use std::io::Read;

use super::node::{Kind, MEMBERS_IN_ORDER_MAX, NONE, Node, NodeId, Tree, name_hash, unescape};
use crate::limits::{RESPONSE_BYTES_MAX, RESPONSE_NESTING_MAX, RESPONSE_NODES_MAX};
use crate::{ContentError, Place};

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
    let text = String::from_utf8(bytes).map_err(|error| ContentError::Malformed {
        problem: "it is not UTF-8",
        place: Place::of(error.as_bytes(), error.utf8_error().valid_up_to()),
    })?;
    let mut reading = Reading {
        tree: Tree {
            text,
            nodes: Vec::new(),
            hashes: Vec::new(),
            members: Vec::new(),
        },
        at: 0,
        open: Vec::new(),
        unended: Vec::new(),
    };
    reading.all().map_err(|problem| match problem {
        Problem::Malformed(problem) => ContentError::Malformed {
            problem,
            place: Place::of(reading.tree.text.as_bytes(), reading.at),
        },
        Problem::TooMany(what, max) => ContentError::TooLarge {
            what,
            max: max as u64,
        },
    })?;
    reading.tree.nodes.shrink_to_fit();
    reading.tree.hashes.shrink_to_fit();
    reading.tree.members.shrink_to_fit();
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
    /// How many members there are in [`Reading::unended`] before its own.
    members_from: usize,
}

/// Whether two members' names have the same hash.
fn is_hash_repeated(members: &[(u32, NodeId)]) -> bool {
    if members.len() <= MEMBERS_IN_ORDER_MAX {
        let is_before = |at: usize| members[..at].iter().any(|(hash, _)| *hash == members[at].0);
        return (1..members.len()).any(is_before);
    }
    let mut hashes: Vec<u32> = members.iter().map(|(hash, _)| *hash).collect();
    hashes.sort_unstable();
    hashes.windows(2).any(|pair| pair[0] == pair[1])
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
    /// Members of the objects that are open, with the hashes of their names; the innermost
    /// object's last.
    unended: Vec<(u32, NodeId)>,
}

impl Reading {
    fn all(&mut self) -> Result<(), Problem> {
        // RFC 8259 (8.1) lets a reader ignore a byte order mark.
        if self.tree.text.starts_with('\u{feff}') {
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
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes().get(self.at) {
            self.at += 1;
        }
        self.bytes().get(self.at).copied()
    }

    fn bytes(&self) -> &[u8] {
        self.tree.text.as_bytes()
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
        self.open.push(Open {
            node,
            last: NONE,
            members_from: self.unended.len(),
        });
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
            members: 0,
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
            if nodes[open.node as usize].kind == Kind::Object {
                self.unended.push((name.hash, id));
            }
        }
        Ok(id)
    }

    /// Ends the innermost list or object. Of an object's repeated names, the last value goes to
    /// the first place.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        if self.tree.kind(open.node) != Kind::Object {
            return;
        }
        let mut members = self.unended.split_off(open.members_from);
        if is_hash_repeated(&members) {
            members = self.without_repeats(open.node, &members);
        }
        if members.len() > MEMBERS_IN_ORDER_MAX {
            members.sort_unstable();
        }
        let tree = &mut self.tree;
        tree.nodes[open.node as usize].members = tree.members.len() as u32;
        tree.hashes.extend(members.iter().map(|(hash, _)| *hash));
        tree.members
            .extend(members.iter().map(|(_, member)| *member));
    }

    /// An object's members in order, each name once.
    fn without_repeats(&mut self, object: NodeId, all: &[(u32, NodeId)]) -> Vec<(u32, NodeId)> {
        // By hash, and those of one in their order: nodes are numbered as they come.
        let mut sorted = all.to_vec();
        sorted.sort_unstable();
        let mut kept: Vec<(u32, NodeId)> = Vec::with_capacity(sorted.len());
        for (hash, node) in sorted {
            let first = kept
                .iter()
                .rev()
                .take_while(|(other, _)| *other == hash)
                .find(|(_, other)| self.tree.name(*other) == self.tree.name(node))
                .map(|(_, other)| *other);
            match first {
                Some(first) => {
                    let later = self.tree.nodes[node as usize];
                    let place = &mut self.tree.nodes[first as usize];
                    place.start = later.start;
                    place.len = later.len;
                    place.kind = later.kind;
                    place.members = later.members;
                    place.text_escaped = later.text_escaped;
                }
                None => kept.push((hash, node)),
            }
        }
        kept.sort_unstable_by_key(|(_, node)| *node);
        for pair in kept.windows(2) {
            self.tree.nodes[pair[0].1 as usize].next = pair[1].1;
        }
        if let Some((_, last)) = kept.last() {
            self.tree.nodes[*last as usize].next = NONE;
        }
        self.tree.nodes[object as usize].len = kept.len() as u32;
        kept
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
        let written = &self.tree.text[start..end];
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
            let rest = &self.tree.text.as_bytes()[self.at..];
            let plain = rest
                .iter()
                .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            let Some(plain) = plain else {
                self.at = self.bytes().len();
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
        match self.bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes().get(self.at + 2..self.at + 6);
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
            .bytes()
            .get(self.at)
            .is_some_and(|byte| any.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), Problem> {
        let rest = &self.bytes()[self.at..];
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
            if self.bytes()[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(kind);
            }
        }
        Err(Problem::Malformed("a value was expected"))
    }
}

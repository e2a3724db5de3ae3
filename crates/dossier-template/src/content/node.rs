use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Which node of a tree.
pub(crate) type NodeId = u32;

/// The members of larger objects are sorted by hash.
pub(super) const MEMBERS_IN_ORDER_MAX: usize = 16;

/// No node.
pub(super) const NONE: NodeId = u32::MAX;

/// What kind of value a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Object,
    List,
    Text,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    /// What to call it in an error.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::True | Self::False => "a boolean",
            Self::Null => "null",
        }
    }
}

/// A value. Of a text and a name the place is without the quotes; of a list and an object the
/// start is the first child and the length how many there are.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub start: u32,
    pub len: u32,
    pub next: NodeId,
    pub name_start: u32,
    pub name_len: u32,
    /// Of an object, where its members stand in [`Tree::hashes`] and [`Tree::members`].
    pub members: u32,
    pub kind: Kind,
    pub text_escaped: bool,
    pub name_escaped: bool,
}

/// Keys that nobody outside knows, so that no answer can be made of names that collide.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The hash by which members are looked up, the same for all trees of this process.
pub(crate) fn name_hash(name: &str) -> u32 {
    // Half of its bits are enough: names are compared too.
    HASHER.hash_one(name) as u32
}

/// The text of an answer and its nodes.
pub(crate) struct Tree {
    pub(super) text: String,
    pub(super) nodes: Vec<Node>,
    /// The hashes of the members' names of one object after the other.
    pub(super) hashes: Vec<u32>,
    /// The members that these hashes are of.
    pub(super) members: Vec<NodeId>,
}

impl Tree {
    #[inline]
    pub fn kind(&self, node: NodeId) -> Kind {
        self.nodes[node as usize].kind
    }

    /// How many nodes there are; identifiers are smaller.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Elements or members of a list or an object.
    #[inline]
    pub fn count(&self, node: NodeId) -> usize {
        self.nodes[node as usize].len as usize
    }

    /// The first element or member of a list or an object.
    #[inline]
    pub fn first(&self, node: NodeId) -> Option<NodeId> {
        let node = &self.nodes[node as usize];
        let is_nested = matches!(node.kind, Kind::Object | Kind::List);
        (is_nested && node.start != NONE).then_some(node.start)
    }

    /// The element or member after one.
    #[inline]
    pub fn next(&self, node: NodeId) -> Option<NodeId> {
        let next = self.nodes[node as usize].next;
        (next != NONE).then_some(next)
    }

    /// A text's characters.
    #[inline]
    pub fn text(&self, node: NodeId) -> Cow<'_, str> {
        let node = &self.nodes[node as usize];
        self.unescaped(node.start, node.len, node.text_escaped)
    }

    /// Bytes of a text or a number as it is written: its length, or more.
    #[inline]
    pub fn text_len(&self, node: NodeId) -> usize {
        self.nodes[node as usize].len as usize
    }

    /// Backslashes of a text as it is written: its escapes, or more.
    #[inline]
    pub fn text_escapes(&self, node: NodeId) -> usize {
        let node = &self.nodes[node as usize];
        match node.text_escaped {
            true => backslashes(self.written(node.start, node.len)),
            false => 0,
        }
    }

    /// Backslashes of a member's name as it is written: its escapes, or more.
    #[inline]
    pub fn name_escapes(&self, node: NodeId) -> usize {
        let node = &self.nodes[node as usize];
        match node.name_escaped {
            true => backslashes(self.written(node.name_start, node.name_len)),
            false => 0,
        }
    }

    /// Whether a text begins with what is neither white space nor an escape.
    pub fn begins_visibly(&self, node: NodeId) -> bool {
        let node = &self.nodes[node as usize];
        let first = self.written(node.start, node.len).as_bytes().first();
        first.is_some_and(|first| first.is_ascii_graphic() && *first != b'\\')
    }

    /// A number as it is written.
    pub fn number(&self, node: NodeId) -> &str {
        let node = &self.nodes[node as usize];
        self.written(node.start, node.len)
    }

    /// The name of a member; empty for an element.
    pub fn name(&self, node: NodeId) -> Cow<'_, str> {
        let node = &self.nodes[node as usize];
        self.unescaped(node.name_start, node.name_len, node.name_escaped)
    }

    /// Bytes of a member's name as it is written: its length, or more.
    #[inline]
    pub fn name_len(&self, node: NodeId) -> usize {
        self.nodes[node as usize].name_len as usize
    }

    /// A member of an object.
    #[inline]
    pub fn member(&self, object: NodeId, name: &str, hash: u32) -> Option<NodeId> {
        let Node {
            kind, len, members, ..
        } = self.nodes[object as usize];
        if kind != Kind::Object {
            return None;
        }
        let members = members as usize..members as usize + len as usize;
        let hashes = &self.hashes[members.clone()];
        let mut at = match hashes.len() {
            0..=MEMBERS_IN_ORDER_MAX => 0,
            _ => hashes.partition_point(|other| *other < hash),
        };
        while let Some(further) = hashes[at..].iter().position(|other| *other == hash) {
            at += further;
            let member = self.members[members.start + at];
            if self.is_named(member, name) {
                return Some(member);
            }
            at += 1;
        }
        None
    }

    #[inline]
    fn is_named(&self, member: NodeId, name: &str) -> bool {
        let node = &self.nodes[member as usize];
        match node.name_escaped {
            true => self.name(member) == name,
            false => {
                let start = node.name_start as usize;
                let written = &self.text.as_bytes()[start..start + node.name_len as usize];
                written == name.as_bytes()
            }
        }
    }

    /// An element of a list, from 0, and how many were passed.
    pub fn element(&self, list: NodeId, index: usize) -> (Option<NodeId>, usize) {
        if self.kind(list) != Kind::List || index >= self.count(list) {
            return (None, 0);
        }
        let mut next = self.first(list);
        for _ in 0..index {
            next = next.and_then(|node| self.next(node));
        }
        (next, index)
    }

    fn written(&self, start: u32, len: u32) -> &str {
        // A value begins and ends between characters.
        &self.text[start as usize..(start + len) as usize]
    }

    fn unescaped(&self, start: u32, len: u32, escaped: bool) -> Cow<'_, str> {
        let written = self.written(start, len);
        match escaped {
            false => Cow::Borrowed(written),
            true => Cow::Owned(unescape(written)),
        }
    }
}

fn backslashes(written: &str) -> usize {
    written.bytes().filter(|byte| *byte == b'\\').count()
}

/// Replaces the escapes of a text that is known to be well-formed; half a surrogate pair becomes
/// U+FFFD.
pub(super) fn unescape(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => {
                let (unit, after) = hex4(rest);
                rest = after;
                let low = rest.strip_prefix("\\u").map(hex4);
                match (unit, low) {
                    (0xd800..0xdc00, Some((low @ 0xdc00..0xe000, after))) => {
                        let point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        text.push(char::from_u32(point).unwrap_or('\u{fffd}'));
                        rest = after;
                    }
                    _ => text.push(char::from_u32(unit).unwrap_or('\u{fffd}')),
                }
            }
            plain => text.push(char::from(plain)),
        }
    }
    text.push_str(rest);
    text
}

fn hex4(text: &str) -> (u32, &str) {
    let (digits, rest) = text.split_at_checked(4).unwrap_or((text, ""));
    (u32::from_str_radix(digits, 16).unwrap_or(0xfffd), rest)
}

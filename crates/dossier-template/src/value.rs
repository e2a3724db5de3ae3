use std::borrow::Cow;

use crate::content::{Kind, NodeId, Tree};
use crate::java_text::{double_to_text, is_whole, number_to_text, to_double};
use crate::limits::{STEP_BYTES, STEP_ESCAPES};

/// What an expression has. Texts are the template's, the answer's or made by a helper.
#[derive(Clone, Debug, Default)]
pub(crate) enum Value<'a> {
    #[default]
    Null,
    Bool(bool),
    Whole(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Node(NodeId),
}

/// A value by its kind, with nodes of an answer looked at.
pub(crate) enum Seen<'a> {
    Null,
    Bool(bool),
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    List,
    Object,
}

impl<'a> Value<'a> {
    /// A text that lives as long as the template.
    pub fn borrowed(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A text that a helper made.
    pub fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    pub fn seen(&self, tree: &'a Tree) -> Seen<'a> {
        match self {
            Self::Null => Seen::Null,
            Self::Bool(boolean) => Seen::Bool(*boolean),
            Self::Whole(number) => Seen::Number(Cow::Owned(number.to_string())),
            Self::Double(number) => Seen::Number(Cow::Owned(double_to_text(*number))),
            Self::Text(text) => Seen::Text(text.clone()),
            Self::Node(node) => match tree.kind(*node) {
                Kind::Null => Seen::Null,
                Kind::True => Seen::Bool(true),
                Kind::False => Seen::Bool(false),
                Kind::Number => Seen::Number(number_to_text(tree.number(*node))),
                Kind::Text => Seen::Text(tree.text(*node)),
                Kind::List => Seen::List,
                Kind::Object => Seen::Object,
            },
        }
    }

    #[inline]
    pub fn is_null(&self, tree: &Tree) -> bool {
        match self {
            Self::Null => true,
            Self::Node(node) => tree.kind(*node) == Kind::Null,
            _ => false,
        }
    }

    /// Bytes that reading its text takes; 0 for what has no text of its own.
    #[inline]
    pub fn bytes(&self, tree: &Tree) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Node(node) => match tree.kind(*node) {
                Kind::Text | Kind::Number => tree.text_len(*node),
                _ => 0,
            },
            _ => 0,
        }
    }

    /// Steps that reading its text takes.
    #[inline]
    pub fn reading_steps(&self, tree: &Tree) -> u64 {
        let escapes = match self {
            Self::Node(node) if tree.kind(*node) == Kind::Text => tree.text_escapes(*node),
            _ => 0,
        };
        (self.bytes(tree) / STEP_BYTES + escapes / STEP_ESCAPES) as u64
    }

    /// Steps that making its text takes where it is shown: what is copied as it stands takes none.
    #[inline]
    pub fn making_steps(&self, tree: &Tree) -> u64 {
        match self {
            Self::Node(node) => match tree.kind(*node) {
                Kind::Text => (tree.text_escapes(*node) / STEP_ESCAPES) as u64,
                Kind::Number => (tree.text_len(*node) / STEP_BYTES) as u64,
                _ => 0,
            },
            _ => 0,
        }
    }

    /// Bytes that a copy of it copies.
    #[inline]
    pub fn owned_bytes(&self) -> usize {
        match self {
            Self::Text(Cow::Owned(text)) => text.len(),
            _ => 0,
        }
    }

    /// Null or an empty text.
    #[inline]
    pub fn is_empty(&self, tree: &Tree) -> bool {
        self.is_null(tree) || (self.is_text(tree) && self.bytes(tree) == 0)
    }

    /// A text of an answer whose first character, as it is written, is no white space.
    #[inline]
    pub fn begins_visibly(&self, tree: &Tree) -> bool {
        match self {
            Self::Node(node) => tree.kind(*node) == Kind::Text && tree.begins_visibly(*node),
            _ => false,
        }
    }

    #[inline]
    pub fn is_text(&self, tree: &Tree) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Node(node) => tree.kind(*node) == Kind::Text,
            _ => false,
        }
    }

    /// The list or the object that it is.
    #[inline]
    pub fn nested(&self, tree: &Tree) -> Option<NodeId> {
        match self {
            Self::Node(node) if matches!(tree.kind(*node), Kind::List | Kind::Object) => {
                Some(*node)
            }
            _ => None,
        }
    }

    #[inline]
    pub fn is_list(&self, tree: &Tree) -> bool {
        matches!(self, Self::Node(node) if tree.kind(*node) == Kind::List)
    }

    #[inline]
    pub fn is_bool(&self, tree: &Tree) -> bool {
        match self {
            Self::Bool(_) => true,
            Self::Node(node) => matches!(tree.kind(*node), Kind::True | Kind::False),
            _ => false,
        }
    }

    /// Null, false, empty text, empty list and 0 are falsy; an empty object is not.
    #[inline]
    pub fn is_falsy(&self, tree: &Tree) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(boolean) => !boolean,
            Self::Whole(number) => *number == 0,
            Self::Double(number) => *number == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::Node(node) => match tree.kind(*node) {
                Kind::Null | Kind::False => true,
                Kind::True | Kind::Object => false,
                Kind::List => tree.count(*node) == 0,
                Kind::Text => tree.text_len(*node) == 0,
                Kind::Number => to_double(tree.number(*node)) == 0.0,
            },
        }
    }
}

/// A number's whole part, for a whole number exactly; of a text too, if it is one.
pub(crate) fn whole_part(text: &str) -> Option<i64> {
    let text = text.trim();
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    if !is_number {
        return None;
    }
    if is_whole(text) {
        return text.parse().ok();
    }
    let number: f64 = text.parse().ok()?;
    let truncated = number.trunc();
    // Within what `i64` holds for certain.
    (truncated.abs() < 9.0e18).then_some(truncated as i64)
}

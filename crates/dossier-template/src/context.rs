//! Where a name is looked up: the contexts that are entered, innermost last.

use crate::content::{NodeId, Tree};
use crate::limits::{STEP_BYTES, STEP_ESCAPES, STEP_NAMES};
use crate::syntax::{Data, Path, Segment, Start};
use crate::value::Value;

/// A context that was entered.
pub(crate) struct Frame<'a> {
    pub kind: FrameKind<'a>,
    pub model: Value<'a>,
}

pub(crate) enum FrameKind<'a> {
    /// The root, or an object that was entered.
    Plain,
    /// An element or a member that a loop is at.
    Turn(Turn<'a>),
    /// Names that stand in front of the context: a block's `as |name|`, or a partial's arguments.
    Named(Vec<(&'a str, Value<'a>)>),
}

pub(crate) struct Turn<'a> {
    pub index: i64,
    /// A member's name; of an element, its index is the key.
    pub key: Option<Value<'a>>,
    pub is_last: bool,
}

/// What a path led to.
pub(crate) struct Found<'a> {
    pub value: Value<'a>,
    /// Whether there is such a value, be it null.
    pub is_there: bool,
    /// It is a context's around one in which it is null.
    pub is_past_null: bool,
}

impl<'a> Found<'a> {
    fn of(value: Option<Value<'a>>) -> Self {
        Self {
            is_there: value.is_some(),
            value: value.unwrap_or_default(),
            is_past_null: false,
        }
    }
}

/// The contexts in which a path is looked up.
pub(crate) struct Scope<'c, 'a> {
    pub tree: &'a Tree,
    pub frames: &'c [Frame<'a>],
    /// Counts what was looked at.
    pub steps: u64,
}

impl<'a> Scope<'_, 'a> {
    /// Looks a path up.
    ///
    /// A name that stands first, or first behind `../`, is looked for in the contexts around too, and
    /// null counts as not being there, as handlebars.java has it. Once it is found, the rest is looked for in what was
    /// found only.
    pub fn find(&mut self, path: &'a Path) -> Found<'a> {
        let mut frame = self.frames.len() - 1;
        for _ in 0..path.up {
            match frame.checked_sub(1) {
                Some(above) => frame = above,
                None => return Found::of(None),
            }
        }
        let frames = self.frames;
        Found::of(match path.start {
            Start::Root => {
                let root = self.copy(&frames[0].model);
                self.rest(root, &path.segments)
            }
            Start::Data(data) => self.data(frame, data),
            Start::Scope | Start::This => match path.segments.split_first() {
                None => Some(self.copy(&frames[frame].model)),
                Some((first, rest)) if path.start == Start::Scope => {
                    return self.around(frame, first, rest);
                }
                Some((first, rest)) => self
                    .first(&frames[frame], first)
                    .and_then(|value| self.rest(value, rest)),
            },
        })
    }

    #[inline]
    fn copy(&mut self, value: &Value<'a>) -> Value<'a> {
        self.steps += (value.owned_bytes() / STEP_BYTES) as u64;
        value.clone()
    }

    fn around(&mut self, innermost: usize, first: &'a Segment, rest: &'a [Segment]) -> Found<'a> {
        let mut is_null = false;
        let frames = self.frames;
        for frame in frames[..=innermost].iter().rev() {
            match self.first(frame, first) {
                Some(value) if value.is_null(self.tree) => is_null = true,
                Some(value) => {
                    let mut found = Found::of(self.rest(value, rest));
                    found.is_past_null = is_null && !found.value.is_null(self.tree);
                    return found;
                }
                None => {}
            }
        }
        Found {
            is_there: is_null && rest.is_empty(),
            ..Found::of(None)
        }
    }

    /// What a path's first name is in one context.
    #[inline]
    fn first(&mut self, frame: &Frame<'a>, segment: &'a Segment) -> Option<Value<'a>> {
        self.steps += 1;
        if let FrameKind::Named(names) = &frame.kind {
            self.steps += (names.len() / STEP_NAMES) as u64;
            let named = names
                .iter()
                .rev()
                .find(|(name, _)| *name == segment.name.as_ref());
            if let Some((_, value)) = named.filter(|(_, value)| !value.is_null(self.tree)) {
                return Some(self.copy(value));
            }
        }
        self.member(&frame.model, segment)
    }

    #[inline]
    fn rest(&mut self, value: Value<'a>, segments: &'a [Segment]) -> Option<Value<'a>> {
        let mut value = value;
        for segment in segments {
            value = self.member(&value, segment)?;
        }
        Some(value)
    }

    /// A member of an object, an element of a list, or a list's length.
    #[inline]
    fn member(&mut self, value: &Value<'a>, segment: &Segment) -> Option<Value<'a>> {
        let Value::Node(node) = value else {
            return None;
        };
        self.steps += 1;
        if let Some(member) = self.tree.member(*node, &segment.name, segment.hash) {
            // Its name was compared.
            self.steps += (self.tree.name_len(member) / STEP_BYTES) as u64;
            self.steps += (self.tree.name_escapes(member) / STEP_ESCAPES) as u64;
            return Some(Value::Node(member));
        }
        match value.is_list(self.tree) {
            true => self.of_list(*node, segment),
            false => None,
        }
    }

    fn of_list(&mut self, list: NodeId, segment: &Segment) -> Option<Value<'a>> {
        if let Some(index) = segment.index {
            let (element, passed) = self.tree.element(list, index);
            self.steps += passed as u64;
            return element.map(Value::Node);
        }
        match segment.name.as_ref() {
            "length" | "size" => Some(Value::Whole(self.tree.count(list) as i64)),
            _ => None,
        }
    }

    /// A member by a name that was computed.
    pub fn lookup(&mut self, value: &Value<'a>, name: &str) -> Value<'a> {
        self.member(value, &Segment::new(name)).unwrap_or_default()
    }

    /// `@index` and the like, of the innermost loop.
    fn data(&mut self, innermost: usize, data: Data) -> Option<Value<'a>> {
        let frames = self.frames;
        let turn = frames[..=innermost].iter().rev().find_map(|frame| {
            self.steps += 1;
            match &frame.kind {
                FrameKind::Turn(turn) => Some(turn),
                _ => None,
            }
        })?;
        let when = |is_so: bool, text| Value::borrowed(if is_so { text } else { "" });
        Some(match data {
            Data::Index => Value::Whole(turn.index),
            Data::IndexFromOne => Value::Whole(turn.index + 1),
            Data::Key => match &turn.key {
                Some(key) => self.copy(key),
                None => Value::Whole(turn.index),
            },
            // handlebars.java has texts here, of which the empty one is falsy.
            Data::First => when(turn.index == 0, "first"),
            Data::Last => when(turn.is_last, "last"),
            Data::Odd => when(turn.index % 2 == 1, "odd"),
            Data::Even => when(turn.index % 2 == 0, "even"),
            Data::Unknown => return None,
        })
    }
}

impl<'a> Frame<'a> {
    pub fn plain(model: Value<'a>) -> Self {
        Self {
            kind: FrameKind::Plain,
            model,
        }
    }

    /// The node that a context is.
    pub fn node(&self) -> Option<NodeId> {
        match self.model {
            Value::Node(node) => Some(node),
            _ => None,
        }
    }
}

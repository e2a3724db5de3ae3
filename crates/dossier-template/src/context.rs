//! Where a name is looked up: the contexts that are entered, innermost last.

use crate::content::{NodeId, Tree};
use crate::limits::STEP_BYTES;
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
    fn nothing() -> Self {
        Self {
            value: Value::Null,
            is_there: false,
            is_past_null: false,
        }
    }

    fn some(value: Value<'a>) -> Self {
        Self {
            value,
            is_there: true,
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
    /// A name that stands first is looked for in the contexts around too, and null counts as not
    /// being there, as handlebars.java has it. Once it is found, the rest is looked for in what was
    /// found only.
    pub fn find(&mut self, path: &'a Path) -> Found<'a> {
        let mut frame = self.frames.len() - 1;
        let mut is_around = path.start == Start::Scope;
        for _ in 0..path.up {
            // What is above names is the context that they stand in front of, and further.
            is_around = matches!(self.frames[frame].kind, FrameKind::Named(_));
            match frame.checked_sub(1) {
                Some(above) => frame = above,
                None => return Found::nothing(),
            }
        }
        match path.start {
            Start::Root => {
                let frames = self.frames;
                let root = self.copy(&frames[0].model);
                self.rest(root, &path.segments)
            }
            Start::Data(data) => self.data(frame, data),
            Start::Scope | Start::This => match path.segments.split_first() {
                None => {
                    let frames = self.frames;
                    Found::some(self.copy(&frames[frame].model))
                }
                Some((first, rest)) if is_around => self.around(frame, first, rest),
                Some((first, rest)) => {
                    let found = self.first(frame, first);
                    self.rest_of(found, rest)
                }
            },
        }
    }

    fn copy(&mut self, value: &Value<'a>) -> Value<'a> {
        self.steps += (value.owned_bytes() / STEP_BYTES) as u64;
        value.clone()
    }

    fn around(&mut self, innermost: usize, first: &'a Segment, rest: &'a [Segment]) -> Found<'a> {
        let mut is_null = false;
        for frame in (0..=innermost).rev() {
            let found = self.first(frame, first);
            if found.is_there && !found.value.is_null(self.tree) {
                let mut found = self.rest(found.value, rest);
                found.is_past_null = is_null && !found.value.is_null(self.tree);
                return found;
            }
            is_null |= found.is_there;
        }
        Found {
            is_there: is_null && rest.is_empty(),
            ..Found::nothing()
        }
    }

    /// What a path's first name is in one context.
    fn first(&mut self, frame: usize, segment: &'a Segment) -> Found<'a> {
        self.steps += 1;
        let frames = self.frames;
        let frame = &frames[frame];
        if let FrameKind::Named(names) = &frame.kind {
            let named = names
                .iter()
                .rev()
                .find(|(name, _)| *name == segment.name.as_ref());
            if let Some((_, value)) = named.filter(|(_, value)| !value.is_null(self.tree)) {
                return Found::some(self.copy(value));
            }
        }
        self.member(&frame.model, segment)
    }

    fn rest_of(&mut self, found: Found<'a>, segments: &'a [Segment]) -> Found<'a> {
        match segments {
            [] => found,
            _ => self.rest(found.value, segments),
        }
    }

    fn rest(&mut self, value: Value<'a>, segments: &'a [Segment]) -> Found<'a> {
        let mut found = Found::some(value);
        for segment in segments {
            found = self.member(&found.value, segment);
        }
        found
    }

    /// A member of an object, an element of a list, or a list's length.
    fn member(&mut self, value: &Value<'a>, segment: &Segment) -> Found<'a> {
        let Value::Node(node) = value else {
            return Found::nothing();
        };
        let (member, looked_at) = self.tree.member(*node, &segment.name, segment.hash);
        self.steps += looked_at as u64;
        if let Some(member) = member {
            return Found::some(Value::Node(member));
        }
        if !value.is_list(self.tree) {
            return Found::nothing();
        }
        if let Some(index) = segment.index {
            let (element, passed) = self.tree.element(*node, index);
            self.steps += passed as u64;
            return element.map_or_else(Found::nothing, |node| Found::some(Value::Node(node)));
        }
        match segment.name.as_ref() {
            "length" | "size" => Found::some(Value::Whole(self.tree.count(*node) as i64)),
            _ => Found::nothing(),
        }
    }

    /// A member by a name that was computed.
    pub fn lookup(&mut self, value: &Value<'a>, name: &str) -> Value<'a> {
        self.member(value, &Segment::new(name)).value
    }

    /// `@index` and the like, of the innermost loop.
    fn data(&mut self, innermost: usize, data: Data) -> Found<'a> {
        let frames = self.frames;
        let turn = frames[..=innermost].iter().rev().find_map(|frame| {
            self.steps += 1;
            match &frame.kind {
                FrameKind::Turn(turn) => Some(turn),
                _ => None,
            }
        });
        let Some(turn) = turn else {
            return Found::nothing();
        };
        let when = |is_so: bool, text| Value::borrowed(if is_so { text } else { "" });
        Found::some(match data {
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
            Data::Unknown => return Found::nothing(),
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

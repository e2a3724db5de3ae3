//! What a template is made of.

use std::ops::Range;

use crate::content::name_hash;
use crate::helper::Helper;

/// Bytes from the template's beginning.
pub(crate) type Offset = u32;

/// What stands between two tags of a block, or the whole template.
#[derive(Default)]
pub(crate) struct Body {
    pub nodes: Vec<Node>,
    /// The partials that are defined here; they are there before anything is shown.
    pub inlines: Vec<Inline>,
}

pub(crate) enum Node {
    /// A part of the template as it is.
    Text(Range<usize>),
    Show(Show),
    Block(Box<Block>),
    Partial(Box<Partial>),
}

/// `{{x}}`, or raw: `{{{x}}}` and `{{&x}}`.
pub(crate) struct Show {
    pub expression: Expression,
    pub raw: bool,
    pub at: Offset,
}

/// `{{#*inline "name"}}…{{/inline}}`.
pub(crate) struct Inline {
    pub name: Box<str>,
    pub body: Body,
}

pub(crate) struct Block {
    pub kind: BlockKind,
    /// What it is about; the context itself, if the template names nothing.
    pub subject: Expression,
    /// `{{^name}}`: the two bodies change places.
    pub inverted: bool,
    /// `as |a b|`
    pub params: Vec<Box<str>>,
    pub body: Body,
    pub inverse: Body,
    pub at: Offset,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BlockKind {
    If,
    Unless,
    Each,
    With,
    /// `{{#name}}`: what the value is decides.
    Section,
    /// A helper's name with `#`: its value is shown, and no body.
    Value,
    /// `{{{{name}}}}`: a section whose body is text.
    Raw,
}

/// `{{> name context key=value}}`, or `{{#> name}}…{{/name}}`.
pub(crate) struct Partial {
    pub name: PartialName,
    pub context: Option<Expression>,
    pub hash: Vec<(Box<str>, Expression)>,
    /// What stands in a partial block.
    pub block: Option<Body>,
    pub at: Offset,
}

pub(crate) enum PartialName {
    Written(Box<str>),
    /// `{{> @partial-block}}`
    Block,
    /// `{{> (lookup . "name")}}`
    Computed(Expression),
}

pub(crate) enum Expression {
    Path(Path),
    Text(Box<str>),
    Whole(i64),
    Double(f64),
    Bool(bool),
    Null,
    Call(Box<Call>),
    /// A call of a helper that is not known, with all that it is given. Only a check goes on with
    /// one: it takes the first for the value.
    UnknownCall(Vec<Expression>),
}

/// A helper with its arguments. Named arguments are evaluated by no helper; they are checked only.
pub(crate) struct Call {
    pub helper: Helper,
    pub arguments: Vec<Expression>,
    pub at: Offset,
}

/// Where a value is: `../a.b.[0]`.
pub(crate) struct Path {
    /// How many `../` it begins with.
    pub up: usize,
    pub start: Start,
    pub segments: Vec<Segment>,
    pub at: Offset,
    pub len: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start {
    /// A name, looked up in the contexts around too; after `../`, in those around that one.
    Scope,
    /// `this`, `.`, `./x`, `..`, `../this.x`: the context itself.
    This,
    /// `@root`
    Root,
    /// `@index`, …
    Data(Data),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Data {
    Index,
    IndexFromOne,
    Key,
    First,
    Last,
    Odd,
    Even,
    /// Any other name after `@`, which has no value.
    Unknown,
}

pub(crate) struct Segment {
    pub name: Box<str>,
    pub hash: u32,
    /// Which element of a list it names.
    pub index: Option<usize>,
}

impl Segment {
    pub fn new(name: &str) -> Self {
        Self {
            hash: name_hash(name),
            index: name.parse().ok(),
            name: name.into(),
        }
    }
}

impl Expression {
    /// Where it stands, unless it is a literal.
    pub fn at(&self) -> Option<Offset> {
        match self {
            Self::Path(path) => Some(path.at),
            Self::Call(call) => Some(call.at),
            _ => None,
        }
    }
}

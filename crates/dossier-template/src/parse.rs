//! From a template's text to its tree.
//!
//! The text between tags and the tags themselves are walked through once, with the blocks that are
//! open on a stack; what stands inside a tag is read by [`tag`].

mod expression;
mod open;
mod tag;

use std::ops::Range;

use self::open::{Open, OpenBlock};
use self::tag::{Delimiters, TagKind};
use crate::helper::Helper;
use crate::limits::{BLOCK_NESTING_MAX, FINDINGS_MAX, TEMPLATE_BYTES_MAX};
use crate::syntax::{Block, BlockKind, Body, Expression, Node, Offset, Path, Show, Start};
use crate::{Place, TemplateError};

/// A problem and where it is.
pub(crate) struct Problem {
    pub at: usize,
    pub text: String,
}

impl Problem {
    fn new(at: usize, text: impl Into<String>) -> Self {
        Self {
            at,
            text: text.into(),
        }
    }

    /// The same with its place in the template that it is about.
    pub fn in_template(self, source: &str) -> TemplateError {
        TemplateError {
            place: Place::of(source.as_bytes(), self.at),
            problem: self.text,
        }
    }
}

/// What came of reading a text.
pub(crate) struct Reading {
    /// What it is, or the first thing that makes it no template.
    pub parsed: Result<Parsed, Problem>,
    /// Helpers that are called and not known, as they were come upon, up to [`FINDINGS_MAX`]: what
    /// was read can be looked at with them, and not be used.
    pub unknown_helpers: Vec<Problem>,
}

/// What was read, with what is odd about it but no error.
pub(crate) struct Parsed {
    pub body: Body,
    pub oddities: Vec<Oddity>,
}

/// Something that renders, but not as whoever wrote it may think.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Oddity {
    pub kind: OddityKind,
    pub at: Offset,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OddityKind {
    /// A second `{{else}}`: what stood between it and the first is dropped.
    SecondElse,
    /// A call with fewer or more arguments than make sense.
    Arguments(Helper),
    /// `{{#if}}` and the like with no or with several arguments.
    BlockArguments(BlockKind),
    /// A helper's name with `#`, which shows its value instead of the body.
    HelperAsBlock(Helper),
    /// `name=value` where nothing looks at it.
    NamedArgument,
}

/// Reads a template.
pub(crate) fn parse(source: &str) -> Reading {
    let mut parser = Parser {
        source,
        at: 0,
        delimiters: Delimiters::default(),
        body: Body::default(),
        open: Vec::new(),
        oddities: Vec::new(),
        unknown_helpers: Vec::new(),
        trims_next: false,
    };
    let read = parser.all();
    Reading {
        parsed: read.map(|()| Parsed {
            body: parser.body,
            oddities: parser.oddities,
        }),
        unknown_helpers: parser.unknown_helpers,
    }
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
    delimiters: Delimiters,
    /// What is being filled: the innermost block's body, or the template's.
    body: Body,
    open: Vec<Open>,
    oddities: Vec<Oddity>,
    unknown_helpers: Vec<Problem>,
    /// Whether the last tag ended with `~`.
    trims_next: bool,
}

impl Parser<'_> {
    fn all(&mut self) -> Result<(), Problem> {
        if self.source.len() > TEMPLATE_BYTES_MAX {
            let text = format!("the template has more than {TEMPLATE_BYTES_MAX} bytes");
            return Err(Problem::new(0, text));
        }
        while let Some(found) = self.source[self.at..].find(self.delimiters.open.as_ref()) {
            let tag_at = self.at + found;
            let text = self.at..tag_at;
            if self.source[text.clone()].ends_with('\\') {
                self.escaped(text);
            } else {
                self.tag(text)?;
            }
        }
        self.text(self.at..self.source.len(), false);
        match self.open.last() {
            Some(open) => Err(open.unclosed()),
            None => Ok(()),
        }
    }

    fn text(&mut self, range: Range<usize>, trims_end: bool) {
        let mut range = range;
        if std::mem::take(&mut self.trims_next) {
            range.start = range.end - self.source[range.clone()].trim_start().len();
        }
        if trims_end {
            range.end = range.start + self.source[range.clone()].trim_end().len();
        }
        if !range.is_empty() {
            self.body.nodes.push(Node::Text(range));
        }
    }

    /// `\{{x}}` is the text `{{x}}`; of `\\{{x}}` one backslash is text and the tag is one.
    fn escaped(&mut self, text: Range<usize>) {
        let tag_at = text.end;
        self.text(text.start..tag_at - 1, false);
        if self.source[text].ends_with("\\\\") {
            // What is left of the text before the tag is nothing.
            self.at = tag_at;
            return;
        }
        let close = self.delimiters.close.as_ref();
        let end = self.source[tag_at..].find(close);
        self.at = end.map_or(self.source.len(), |end| tag_at + end + close.len());
        self.text(tag_at..self.at, false);
    }

    fn tag(&mut self, text: Range<usize>) -> Result<(), Problem> {
        let open = &self.open;
        let is_param = |name: &str| open.iter().any(|open| open.has_param(name));
        let mut reader = tag::Reader::new(self.source, &self.delimiters, &is_param);
        let tag = reader.tag(text.end);
        self.oddities.append(&mut reader.oddities);
        self.unknown_helpers.append(&mut reader.unknown_helpers);
        self.unknown_helpers.truncate(FINDINGS_MAX);
        let tag = tag?;
        self.text(text, tag.trims_before);
        self.at = tag.end;
        self.trims_next = tag.trims_after;
        let at = tag.at as usize;
        match tag.kind {
            TagKind::Comment => {}
            TagKind::Delimiters(delimiters) => self.delimiters = delimiters,
            TagKind::Show { expression, raw } => {
                let show = Show {
                    expression,
                    raw,
                    at: tag.at,
                };
                self.body.nodes.push(Node::Show(show));
            }
            TagKind::Partial(partial) => {
                self.body.nodes.push(Node::Partial(Box::new(partial)));
            }
            TagKind::RawBlock { subject, body } => {
                let raw = Node::Text(body);
                self.body.nodes.push(Node::Block(Box::new(Block {
                    kind: BlockKind::Raw,
                    subject,
                    inverted: false,
                    params: Vec::new(),
                    body: Body {
                        nodes: vec![raw],
                        inlines: Vec::new(),
                    },
                    inverse: Body::default(),
                    at: tag.at,
                })));
            }
            TagKind::Open(opened) => {
                let body = std::mem::take(&mut self.body);
                self.open(Open::block(opened, tag.at, body))?;
            }
            TagKind::OpenInline { partial } => {
                let body = std::mem::take(&mut self.body);
                self.open(Open::inline(partial, tag.at, body))?;
            }
            TagKind::OpenPartial { name, partial } => {
                let body = std::mem::take(&mut self.body);
                self.open(Open::partial(name, partial, tag.at, body))?;
            }
            TagKind::Else => self.begin_inverse(at)?,
            TagKind::ElseBlock(opened) => {
                self.begin_inverse(at)?;
                let body = std::mem::take(&mut self.body);
                let mut open = Open::block(opened, tag.at, body);
                open.is_chained = true;
                self.open(open)?;
            }
            TagKind::Close { name } => self.close(at, &name)?,
        }
        Ok(())
    }

    fn open(&mut self, open: Open) -> Result<(), Problem> {
        if self.open.len() >= BLOCK_NESTING_MAX {
            let text = format!("more than {BLOCK_NESTING_MAX} blocks are open here");
            return Err(Problem::new(open.at as usize, text));
        }
        self.open.push(open);
        Ok(())
    }

    fn begin_inverse(&mut self, at: usize) -> Result<(), Problem> {
        let Some(open) = self.open.last_mut() else {
            let text = "{{else}} stands outside of any block";
            return Err(Problem::new(at, text));
        };
        let body = std::mem::take(&mut self.body);
        if !open.begin_inverse(body) {
            if !open.is_block() {
                let text = "{{else}} stands in a partial, not in a block";
                return Err(Problem::new(at, text));
            }
            let oddity = Oddity {
                kind: OddityKind::SecondElse,
                at: at as Offset,
            };
            self.oddities.push(oddity);
        }
        Ok(())
    }

    fn close(&mut self, at: usize, name: &str) -> Result<(), Problem> {
        loop {
            let Some(open) = self.open.pop() else {
                let text = format!("{{{{/{name}}}}} closes nothing");
                return Err(Problem::new(at, text));
            };
            let is_chained = open.is_chained;
            if !is_chained && open.name.as_ref() != name {
                let place = Place::of(self.source.as_bytes(), open.at as usize);
                let text = format!(
                    "{{{{/{name}}}}} stands where {} of line {} has to be closed",
                    open.tag(),
                    place.line
                );
                return Err(Problem::new(at, text));
            }
            let body = std::mem::take(&mut self.body);
            self.body = open.close(body);
            if !is_chained {
                return Ok(());
            }
        }
    }
}

/// A tag that opens a block, without its bodies.
pub(crate) struct Opened {
    pub name: Box<str>,
    pub block: OpenBlock,
}

/// An expression that stands for the context itself.
pub(crate) fn context_itself(at: Offset) -> Expression {
    Expression::Path(Path {
        up: 0,
        start: Start::This,
        segments: Vec::new(),
        at,
        len: 0,
    })
}

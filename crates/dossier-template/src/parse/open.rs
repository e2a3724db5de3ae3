use super::{Opened, Problem};
use crate::syntax::{Block, BlockKind, Body, Expression, Inline, Node, Offset, Partial};

/// A block whose end is not read yet.
pub(super) struct Open {
    /// What its closing tag has to name.
    pub name: Box<str>,
    pub at: Offset,
    /// `{{else if x}}`: it ends with the block around it.
    pub is_chained: bool,
    kind: OpenKind,
    /// What was filled before it, and goes on being filled after it.
    outer: Body,
}

/// A block without its bodies.
pub(crate) struct OpenBlock {
    pub kind: BlockKind,
    pub subject: Expression,
    pub inverted: bool,
    pub params: Vec<Box<str>>,
}

enum OpenKind {
    Block {
        block: OpenBlock,
        /// The first body, once `{{else}}` ended it.
        body: Option<Body>,
    },
    Inline {
        partial: Box<str>,
    },
    Partial(Partial),
}

impl Open {
    pub fn block(opened: Opened, at: Offset, outer: Body) -> Self {
        let kind = OpenKind::Block {
            block: opened.block,
            body: None,
        };
        Self {
            name: opened.name,
            at,
            is_chained: false,
            kind,
            outer,
        }
    }

    pub fn inline(partial: Box<str>, at: Offset, outer: Body) -> Self {
        let kind = OpenKind::Inline { partial };
        Self {
            name: "inline".into(),
            at,
            is_chained: false,
            kind,
            outer,
        }
    }

    pub fn partial(name: Box<str>, partial: Partial, at: Offset, outer: Body) -> Self {
        Self {
            name,
            at,
            is_chained: false,
            kind: OpenKind::Partial(partial),
            outer,
        }
    }

    pub fn is_block(&self) -> bool {
        matches!(self.kind, OpenKind::Block { .. })
    }

    /// Whether a name stands for a value inside of it: `as |name|`.
    pub fn has_param(&self, name: &str) -> bool {
        match &self.kind {
            OpenKind::Block { block, .. } => block.params.iter().any(|p| p.as_ref() == name),
            _ => false,
        }
    }

    /// Ends the first body; false if it was ended before or there is none to end.
    pub fn begin_inverse(&mut self, filled: Body) -> bool {
        match &mut self.kind {
            OpenKind::Block {
                body: body @ None, ..
            } => {
                *body = Some(filled);
                true
            }
            _ => false,
        }
    }

    /// Ends it; returns the body around it with it.
    pub fn close(self, filled: Body) -> Body {
        let mut outer = self.outer;
        match self.kind {
            OpenKind::Block { block, body } => {
                let (body, inverse) = match body {
                    Some(body) => (body, filled),
                    None => (filled, Body::default()),
                };
                outer.nodes.push(Node::Block(Box::new(Block {
                    kind: block.kind,
                    subject: block.subject,
                    inverted: block.inverted,
                    params: block.params,
                    body,
                    inverse,
                    at: self.at,
                })));
            }
            OpenKind::Inline { partial } => {
                outer.inlines.push(Inline {
                    name: partial,
                    body: filled,
                });
            }
            OpenKind::Partial(mut partial) => {
                partial.block = Some(filled);
                outer.nodes.push(Node::Partial(Box::new(partial)));
            }
        }
        outer
    }

    /// The tag that opened it, in short.
    pub fn tag(&self) -> String {
        match &self.kind {
            OpenKind::Block { block, .. } if block.inverted => format!("{{{{^{}}}}}", self.name),
            OpenKind::Block { .. } => format!("{{{{#{}}}}}", self.name),
            OpenKind::Inline { .. } => "{{#*inline}}".to_owned(),
            OpenKind::Partial(_) => format!("{{{{#> {}}}}}", self.name),
        }
    }

    pub fn unclosed(&self) -> Problem {
        Problem::new(self.at as usize, format!("{} is not closed", self.tag()))
    }
}

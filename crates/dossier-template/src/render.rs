//! Running a template.
//!
//! What is still to be shown stands on a stack of its own, so that neither a deep template nor a
//! partial that calls itself can exhaust the thread's; steps and bytes are counted, so that every
//! rendering ends.

mod blocks;
mod call;
mod image;

use std::borrow::Cow;
use std::io::Write;

use crate::check::Usage;
use crate::content::{Kind, NodeId, Tree};
use crate::context::{Frame, Scope};
use crate::java_text;
use crate::limits::{OUTPUT_BYTES_MAX, STEP_BYTES, TEXT_BYTES_MAX, steps_max};
use crate::output::Output;
use crate::syntax::{Body, Expression, Node, Offset, Show};
use crate::value::{Seen, Value};
use crate::{Content, InlineImages, ReferenceData, RenderError, Template};

use self::blocks::Turns;

/// What a rendering came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Bytes that were written.
    pub bytes: u64,
    /// Steps that it took; see [`steps_max`].
    pub steps: u64,
}

/// What is still to be done, the next thing last.
enum Step<'a> {
    Body {
        body: &'a Body,
        at: usize,
        /// How many inline partials were defined before it.
        inlines: usize,
    },
    Each(Turns<'a>),
    /// Contexts beyond so many are left.
    Leave {
        frames: usize,
    },
    LeavePartial {
        frames: usize,
        inlines: usize,
    },
}

pub(crate) struct Renderer<'a, 'o> {
    template: &'a Template,
    tree: &'a Tree,
    reference: &'a dyn ReferenceData,
    images: &'a dyn InlineImages,
    out: Output<'o>,
    frames: Vec<Frame<'a>>,
    stack: Vec<Step<'a>>,
    /// The inline partials that are defined, the latest last.
    inlines: Vec<(&'a str, &'a Body)>,
    /// What stood in the partial blocks that called the partials that are being shown.
    partial_blocks: Vec<Option<&'a Body>>,
    steps: u64,
    /// How many it may take.
    steps_max: u64,
    /// The construct that is being shown.
    at: Offset,
    pub usage: Option<&'o mut Usage>,
}

impl<'a, 'o> Renderer<'a, 'o> {
    pub fn new(
        template: &'a Template,
        content: &'a Content,
        reference: &'a dyn ReferenceData,
        images: &'a dyn InlineImages,
        out: &'o mut dyn Write,
    ) -> Self {
        let model = content.root().map_or(Value::Null, Value::Node);
        Self {
            template,
            tree: content.tree(),
            reference,
            images,
            out: Output::new(out),
            frames: vec![Frame::plain(model)],
            stack: Vec::new(),
            inlines: Vec::new(),
            partial_blocks: Vec::new(),
            steps: 0,
            steps_max: steps_max(content.tree().len()),
            at: 0,
            usage: None,
        }
    }

    pub fn run(mut self) -> Result<Rendered, RenderError> {
        self.enter(&self.template.body);
        while let Some(step) = self.stack.last_mut() {
            match step {
                Step::Body { body, at, inlines } => {
                    let (body, from, inlines) = (*body, *at, *inlines);
                    let shown = self.leaves(&body.nodes[from..])?;
                    self.branch(body, from + shown, inlines)?;
                }
                Step::Each(_) => self.turn()?,
                Step::Leave { frames } => {
                    self.frames.truncate(*frames);
                    self.stack.pop();
                }
                Step::LeavePartial { frames, inlines } => {
                    self.frames.truncate(*frames);
                    self.inlines.truncate(*inlines);
                    self.partial_blocks.pop();
                    self.stack.pop();
                }
            }
        }
        self.out.flush().map_err(RenderError::Write)?;
        Ok(Rendered {
            bytes: self.out.written,
            steps: self.steps,
        })
    }

    fn enter(&mut self, body: &'a Body) {
        let inlines = self.inlines.len();
        self.define(body);
        self.stack.push(Step::Body {
            body,
            at: 0,
            inlines,
        });
    }

    /// Defines the partials of a body, wherever in it they stand.
    fn define(&mut self, body: &'a Body) {
        let inlines = body.inlines.iter();
        self.inlines
            .extend(inlines.map(|inline| (inline.name.as_ref(), &inline.body)));
    }

    /// Shows texts and values up to the first block or partial; returns how many there were.
    fn leaves(&mut self, nodes: &'a [Node]) -> Result<usize, RenderError> {
        let mut shown = 0;
        for node in nodes {
            match node {
                Node::Text(range) => {
                    self.count(1)?;
                    let text = &self.template.source[range.clone()];
                    self.out.raw(text).map_err(RenderError::Write)?;
                    self.count_output()?;
                }
                Node::Show(show) => {
                    self.count(1)?;
                    self.at = show.at;
                    self.show(show)?;
                }
                Node::Block(_) | Node::Partial(_) => break,
            }
            shown += 1;
        }
        Ok(shown)
    }

    /// Goes into the block or the partial at this place of the innermost body, or ends the body.
    fn branch(&mut self, body: &'a Body, place: usize, inlines: usize) -> Result<(), RenderError> {
        let Some(node) = body.nodes.get(place) else {
            self.inlines.truncate(inlines);
            self.stack.pop();
            return Ok(());
        };
        if let Some(Step::Body { at, .. }) = self.stack.last_mut() {
            *at = place + 1;
        }
        self.count(1)?;
        match node {
            Node::Block(block) => {
                self.at = block.at;
                self.block(block)
            }
            Node::Partial(partial) => {
                self.at = partial.at;
                self.partial(partial)
            }
            // `leaves` showed these.
            Node::Text(_) | Node::Show(_) => Ok(()),
        }
    }

    fn show(&mut self, show: &'a Show) -> Result<(), RenderError> {
        match &show.expression {
            Expression::Call(call) if call.helper.is_inline_image() => {
                self.show_image(call, show.raw)
            }
            expression => {
                let value = self.value(expression)?;
                self.observe_shown(&value);
                self.write(&value, show.raw)
            }
        }
    }

    /// Writes a value's text; nothing for null.
    fn write(&mut self, value: &Value<'a>, raw: bool) -> Result<(), RenderError> {
        if let Value::Node(node) = value
            && matches!(self.tree.kind(*node), Kind::List | Kind::Object)
        {
            return self.write_nested(*node, raw);
        }
        self.count(value.making_steps(self.tree))?;
        let made;
        let text = match value {
            Value::Text(text) => text,
            value => {
                made = self.scalar_text(value);
                &made
            }
        };
        self.out.text(text, raw).map_err(RenderError::Write)?;
        self.count_output()
    }

    fn write_nested(&mut self, node: NodeId, raw: bool) -> Result<(), RenderError> {
        let tree = self.tree;
        java_text::print(tree, node, &mut |piece, steps| {
            self.count(1 + steps)?;
            self.out.text(piece, raw).map_err(RenderError::Write)?;
            self.count_output()
        })
    }

    /// The value of an expression, and a note of it for whoever checks the template.
    fn value(&mut self, expression: &'a Expression) -> Result<Value<'a>, RenderError> {
        match expression {
            Expression::Path(path) => {
                let mut scope = Scope {
                    tree: self.tree,
                    frames: &self.frames,
                    steps: 0,
                };
                let found = scope.find(path);
                let steps = scope.steps;
                self.count(steps)?;
                if let Some(usage) = &mut self.usage {
                    usage.path(path, &found);
                }
                Ok(found.value)
            }
            Expression::Text(text) => Ok(Value::borrowed(text)),
            Expression::Whole(number) => Ok(Value::Whole(*number)),
            Expression::Double(number) => Ok(Value::Double(*number)),
            Expression::Bool(boolean) => Ok(Value::Bool(*boolean)),
            Expression::Null => Ok(Value::Null),
            Expression::Call(call) => self.call(call),
            Expression::UnknownCall(arguments) => self.unknown_call(arguments),
        }
    }

    fn unknown_call(&mut self, arguments: &'a [Expression]) -> Result<Value<'a>, RenderError> {
        self.count(1)?;
        let mut first = None;
        for argument in arguments {
            let value = self.value(argument)?;
            self.observe_shown(&value);
            first.get_or_insert(value);
        }
        Ok(first.unwrap_or_default())
    }

    /// A value's text; empty for null.
    fn text(&mut self, value: &Value<'a>) -> Result<Cow<'a, str>, RenderError> {
        self.count(value.reading_steps(self.tree))?;
        let Some(node) = value.nested(self.tree) else {
            return Ok(self.scalar_text(value));
        };
        let text = self.nested_text(node)?;
        self.count_bytes(text.len())?;
        Ok(Cow::Owned(text))
    }

    fn scalar_text(&self, value: &Value<'a>) -> Cow<'a, str> {
        match value {
            Value::Node(node) if self.tree.kind(*node) == Kind::Text => {
                return self.tree.text(*node);
            }
            _ => {}
        }
        match value.seen(self.tree) {
            Seen::Bool(true) => Cow::Borrowed("true"),
            Seen::Bool(false) => Cow::Borrowed("false"),
            Seen::Number(text) | Seen::Text(text) => text,
            Seen::Null | Seen::List | Seen::Object => Cow::Borrowed(""),
        }
    }

    fn nested_text(&mut self, node: NodeId) -> Result<String, RenderError> {
        let mut text = String::new();
        let tree = self.tree;
        java_text::print(tree, node, &mut |piece, steps| {
            self.count(1 + steps)?;
            if text.len() + piece.len() > TEXT_BYTES_MAX {
                return Err(self.limit("bytes of one text", TEXT_BYTES_MAX as u64));
            }
            text.push_str(piece);
            Ok(())
        })?;
        Ok(text)
    }

    #[inline]
    fn count(&mut self, steps: u64) -> Result<(), RenderError> {
        self.steps += steps;
        match self.steps > self.steps_max {
            true => Err(self.limit("steps", self.steps_max)),
            false => Ok(()),
        }
    }

    fn count_bytes(&mut self, bytes: usize) -> Result<(), RenderError> {
        self.count((bytes / STEP_BYTES) as u64)
    }

    #[inline]
    fn count_output(&self) -> Result<(), RenderError> {
        match self.out.written > OUTPUT_BYTES_MAX {
            true => Err(self.limit("bytes of output", OUTPUT_BYTES_MAX)),
            false => Ok(()),
        }
    }

    #[cold]
    fn limit(&self, what: &'static str, max: u64) -> RenderError {
        RenderError::Limit {
            what,
            max,
            place: self.template.place(self.at as usize),
        }
    }

    fn observe_shown(&mut self, value: &Value<'a>) {
        if let (Some(usage), Value::Node(node)) = (&mut self.usage, value) {
            usage.shown(*node);
        }
    }
}

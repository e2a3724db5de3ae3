use super::{Renderer, Step};
use crate::RenderError;
use crate::content::NodeId;
use crate::context::{Frame, FrameKind, Turn};
use crate::error::PARTIALS_WITHIN;
use crate::limits::{PARTIAL_DEPTH_MAX, STEP_BYTES, STEP_ESCAPES, STEP_NAMES};
use crate::syntax::{Block, BlockKind, Body, Partial, PartialName};
use crate::value::Value;

/// A loop and where it is.
pub(super) struct Turns<'a> {
    body: &'a Body,
    params: &'a [Box<str>],
    next: Option<NodeId>,
    index: i64,
    /// Over an object's members, whose names are the keys.
    has_names: bool,
    /// How many contexts there were before it.
    frames: usize,
}

impl<'a> Renderer<'a, '_> {
    pub(super) fn block(&mut self, block: &'a Block) -> Result<(), RenderError> {
        let value = self.value(&block.subject)?;
        if !value.is_text(self.tree) {
            // Of a number all digits are read, of a text its length.
            self.count(value.reading_steps(self.tree))?;
        }
        let is_truthy = !value.is_falsy(self.tree);
        let (body, inverse) = match block.inverted {
            true => (&block.inverse, &block.body),
            false => (&block.body, &block.inverse),
        };
        let kind = match block.kind {
            // An inverted section enters nothing: it is shown where it stands.
            BlockKind::Section | BlockKind::Raw if block.inverted => BlockKind::If,
            BlockKind::Section | BlockKind::Raw => self.section_kind(&value),
            kind => kind,
        };
        if matches!(kind, BlockKind::If | BlockKind::Unless) && value.is_bool(self.tree) {
            self.observe_shown(&value);
        }
        match kind {
            BlockKind::If => self.enter(if is_truthy { body } else { inverse }),
            BlockKind::Unless => self.enter(if is_truthy { inverse } else { body }),
            BlockKind::Each => self.each(&value, body, inverse, &block.params),
            BlockKind::With if is_truthy => {
                let is_section = block.kind != BlockKind::With;
                self.with(value, body, &block.params, is_section);
            }
            // Shown in the context of what is falsy, as handlebars.java has it.
            BlockKind::With => self.with(value, inverse, &[], true),
            // handlebars.java shows what a helper gives and no body. Here it is escaped.
            BlockKind::Value => {
                self.observe_shown(&value);
                self.write(&value, false)?;
            }
            // `section_kind` gives none of these.
            BlockKind::Section | BlockKind::Raw => {}
        }
        Ok(())
    }

    /// A list is iterated, a boolean keeps the context, anything else is entered.
    fn section_kind(&self, value: &Value<'a>) -> BlockKind {
        if value.is_list(self.tree) {
            BlockKind::Each
        } else if value.is_bool(self.tree) {
            BlockKind::If
        } else {
            BlockKind::With
        }
    }

    /// Enters a value. `#with this` is where it stands, for `../`; a section always goes one further.
    fn with(&mut self, value: Value<'a>, body: &'a Body, params: &'a [Box<str>], is_section: bool) {
        let frames = self.frames.len();
        let is_same = match (&value, self.frames.last().and_then(Frame::node)) {
            (Value::Node(node), Some(context)) => *node == context,
            _ => false,
        };
        if is_section || !is_same {
            self.frames.push(Frame::plain(value.clone()));
        }
        self.name(params, &[&value], &value);
        if self.frames.len() > frames {
            self.stack.push(Step::Leave { frames });
        }
        self.enter(body);
    }

    /// Puts a block's `as |a b|` in front of a context.
    fn name(&mut self, params: &'a [Box<str>], values: &[&Value<'a>], model: &Value<'a>) {
        if params.is_empty() {
            return;
        }
        let names = params.iter().map(AsRef::as_ref);
        let names = names
            .zip(values.iter().map(|value| (*value).clone()))
            .collect();
        self.frames.push(Frame {
            kind: FrameKind::Named(names),
            model: model.clone(),
        });
    }

    fn each(
        &mut self,
        value: &Value<'a>,
        body: &'a Body,
        inverse: &'a Body,
        params: &'a [Box<str>],
    ) {
        let nested = value.nested(self.tree);
        let first = nested.and_then(|node| self.tree.first(node));
        let has_names = !value.is_list(self.tree);
        if first.is_none() {
            self.enter(inverse);
            return;
        }
        let frames = self.frames.len();
        let turns = Turns {
            body,
            params,
            next: first,
            index: 0,
            has_names,
            frames,
        };
        self.stack.push(Step::Each(turns));
    }

    /// The next turn of the innermost loop, or its end.
    pub(super) fn turn(&mut self) -> Result<(), RenderError> {
        self.count(1)?;
        let Some(Step::Each(turns)) = self.stack.last_mut() else {
            return Ok(());
        };
        self.frames.truncate(turns.frames);
        let Some(node) = turns.next else {
            self.stack.pop();
            return Ok(());
        };
        turns.next = self.tree.next(node);
        let (name_bytes, name_escapes) = match turns.has_names {
            true => (self.tree.name_len(node), self.tree.name_escapes(node)),
            false => (0, 0),
        };
        let key = turns.has_names.then(|| Value::Text(self.tree.name(node)));
        let turn = Turn {
            index: turns.index,
            key,
            is_last: turns.next.is_none(),
        };
        turns.index += 1;
        let (body, params) = (turns.body, turns.params);
        let key = turn.key.clone().unwrap_or(Value::Whole(turn.index));
        self.count((name_bytes / STEP_BYTES + name_escapes / STEP_ESCAPES) as u64)?;
        let model = Value::Node(node);
        self.frames.push(Frame {
            kind: FrameKind::Turn(turn),
            model: model.clone(),
        });
        self.name(params, &[&model, &key], &model);
        self.enter(body);
        Ok(())
    }

    pub(super) fn partial(&mut self, partial: &'a Partial) -> Result<(), RenderError> {
        if self.partial_blocks.len() >= PARTIAL_DEPTH_MAX {
            return Err(self.limit(PARTIALS_WITHIN, PARTIAL_DEPTH_MAX as u64));
        }
        let model = match &partial.context {
            Some(context) => self.value(context)?,
            // There is always the root.
            None => self
                .frames
                .last()
                .map_or(Value::Null, |frame| frame.model.clone()),
        };
        self.count_bytes(model.owned_bytes())?;
        let mut names = Vec::with_capacity(partial.hash.len());
        for (name, expression) in &partial.hash {
            names.push((name.as_ref(), self.value(expression)?));
        }
        let (frames, inlines) = (self.frames.len(), self.inlines.len());
        if let Some(block) = &partial.block {
            self.define(block);
        }
        let (body, block) = self.called(partial)?;
        self.partial_blocks.push(block);
        self.frames.push(Frame {
            kind: FrameKind::Named(names),
            model,
        });
        self.stack.push(Step::LeavePartial { frames, inlines });
        self.enter(body);
        Ok(())
    }

    /// A partial's body, and what `@partial-block` is inside of it.
    fn called(
        &mut self,
        partial: &'a Partial,
    ) -> Result<(&'a Body, Option<&'a Body>), RenderError> {
        let computed;
        let name = match &partial.name {
            PartialName::Block => {
                let outer = self.partial_blocks.len().checked_sub(2);
                let outer = outer.and_then(|outer| self.partial_blocks[outer]);
                let body = self.partial_blocks.last().copied().flatten();
                return body
                    .map(|body| (body, outer))
                    .ok_or_else(|| self.no_such_partial());
            }
            PartialName::Written(name) => name.as_ref(),
            PartialName::Computed(expression) => {
                let value = self.value(expression)?;
                computed = self.text(&value)?;
                computed.as_ref()
            }
        };
        self.count((self.inlines.len() / STEP_NAMES) as u64)?;
        let defined = self
            .inlines
            .iter()
            .rev()
            .find(|(defined, _)| *defined == name);
        match (defined, &partial.block) {
            (Some((_, body)), block) => Ok((*body, block.as_ref())),
            // A partial block is what is shown where there is no partial of its name.
            (None, Some(block)) => Ok((block, None)),
            (None, None) => Err(self.no_such_partial()),
        }
    }

    fn no_such_partial(&self) -> RenderError {
        RenderError::NoSuchPartial {
            place: self.template.place(self.at as usize),
        }
    }
}

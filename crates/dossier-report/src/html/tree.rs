use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use html5ever::tendril::StrTendril;
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, ExpandedName, LocalName, QualName, local_name, ns};

use super::marks::Marks;

/// What the parser holds of a node. A node that was freed stays comparable.
#[derive(Clone)]
pub(super) struct Handle(Rc<Identity>);

struct Identity {
    /// Never given twice; [`NOWHERE`] for what is not kept, such as comments.
    id: u64,
    name: QualName,
    /// Elements around it.
    depth: Cell<usize>,
}

/// No node.
const NOWHERE: u64 = 0;
/// The node of the whole document.
const DOCUMENT: u64 = 1;

/// A step of the walk through the tree, in the order of the document.
pub(super) enum Event {
    Start(LocalName, Marks),
    Text(String),
    End,
}

/// How far a walk may go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To what may still change.
    Settled,
    /// To the parser's place, also past elements that it might still come back to.
    Forced,
    /// To the end: nothing changes any more.
    All,
}

/// The part of the tree that is not turned into blocks yet.
pub(super) struct Tree {
    nodes: RefCell<Nodes>,
    /// Elements around what comes next.
    depth: Cell<usize>,
    /// Whether the tag that is being processed closes itself.
    pub self_closing: Cell<bool>,
}

struct Nodes {
    nodes: HashMap<u64, Node>,
    next_id: u64,
    /// Elements whose start was walked past and whose end was not, outermost first.
    path: Vec<u64>,
    /// Bytes of texts and attributes.
    bytes: usize,
}

struct Node {
    parent: u64,
    previous: u64,
    next: u64,
    first: u64,
    last: u64,
    content: Content,
}

enum Content {
    Text(String),
    Element {
        name: LocalName,
        marks: Marks,
        /// Whether the parser is done with it.
        closed: bool,
        /// Whether it is on the path.
        started: bool,
    },
}

impl Tree {
    pub fn new() -> Self {
        let content = Content::Element {
            name: local_name!(""),
            marks: Marks::default(),
            closed: false,
            started: true,
        };
        Self {
            nodes: RefCell::new(Nodes {
                nodes: HashMap::from([(DOCUMENT, Node::new(content))]),
                next_id: DOCUMENT + 1,
                path: vec![DOCUMENT],
                bytes: 0,
            }),
            depth: Cell::new(0),
            self_closing: Cell::new(false),
        }
    }

    /// Elements around what comes next.
    pub fn depth(&self) -> usize {
        self.depth.get()
    }

    /// Nodes that are held, and the bytes of their texts.
    pub fn held(&self) -> (usize, usize) {
        let nodes = self.nodes.borrow();
        (nodes.nodes.len() - nodes.path.len(), nodes.bytes)
    }

    /// Walks on by one step; `None` where it may not.
    pub fn step(&self, reach: Reach) -> Option<Event> {
        self.nodes.borrow_mut().step(reach)
    }

    fn handle(&self, id: u64, name: QualName) -> Handle {
        Handle(Rc::new(Identity {
            id,
            name,
            depth: Cell::new(0),
        }))
    }

    /// Puts a node or text somewhere in the tree with these nodes around it.
    fn insert(
        &self,
        child: NodeOrText<Handle>,
        depth: usize,
        put: impl FnOnce(&mut Nodes, u64),
        text: impl FnOnce(&mut Nodes, &str),
    ) {
        let mut nodes = self.nodes.borrow_mut();
        match child {
            NodeOrText::AppendNode(child) => {
                child.0.depth.set(depth);
                if nodes.is_open(child.0.id) {
                    self.depth.set(depth);
                }
                nodes.unlink(child.0.id);
                put(&mut nodes, child.0.id);
            }
            NodeOrText::AppendText(piece) => {
                self.depth.set(depth.saturating_sub(1));
                text(&mut nodes, &piece);
            }
        }
    }
}

impl Node {
    fn new(content: Content) -> Self {
        Self {
            parent: NOWHERE,
            previous: NOWHERE,
            next: NOWHERE,
            first: NOWHERE,
            last: NOWHERE,
            content,
        }
    }
}

impl Content {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Element { marks, .. } => marks.bytes(),
        }
    }
}

impl Nodes {
    fn add(&mut self, content: Content) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.bytes += content.bytes();
        self.nodes.insert(id, Node::new(content));
        id
    }

    fn is_open(&self, id: u64) -> bool {
        let content = self.nodes.get(&id).map(|node| &node.content);
        matches!(content, Some(Content::Element { closed: false, .. }))
    }

    fn is_started(&self, id: u64) -> bool {
        let content = self.nodes.get(&id).map(|node| &node.content);
        matches!(content, Some(Content::Element { started: true, .. }))
    }

    /// Where content of a node goes: to where the walk is, if it went past the node.
    fn heir(&self, parent: u64) -> u64 {
        if self.nodes.contains_key(&parent) {
            parent
        } else {
            self.path.last().copied().unwrap_or(DOCUMENT)
        }
    }

    fn append(&mut self, parent: u64, child: u64) {
        let mut parent = self.heir(parent);
        if self.lies_within(parent, child) {
            parent = DOCUMENT;
        }
        self.link(parent, child, NOWHERE);
    }

    /// Whether a node is another one or lies in it.
    fn lies_within(&self, mut node: u64, other: u64) -> bool {
        // What has no content has nothing that lies in it.
        if self
            .nodes
            .get(&other)
            .is_none_or(|other| other.first == NOWHERE)
        {
            return node == other;
        }
        while node != other {
            match self.nodes.get(&node) {
                Some(inner) => node = inner.parent,
                None => return false,
            }
        }
        true
    }

    fn append_text(&mut self, parent: u64, text: &str) {
        let parent = self.heir(parent);
        let last = self.nodes.get(&parent).map_or(NOWHERE, |node| node.last);
        if !self.extend_text(last, text) {
            let id = self.add(Content::Text(text.to_owned()));
            self.link(parent, id, NOWHERE);
        }
    }

    fn extend_text(&mut self, node: u64, more: &str) -> bool {
        let content = self.nodes.get_mut(&node).map(|node| &mut node.content);
        let Some(Content::Text(text)) = content else {
            return false;
        };
        text.push_str(more);
        self.bytes += more.len();
        true
    }

    /// The node before which something goes that is to stand before `sibling`: none, and so the
    /// end of its parent, if the walk is in or behind the sibling.
    fn before(&self, sibling: u64) -> (u64, u64) {
        let parent = self.nodes.get(&sibling).map_or(NOWHERE, |node| node.parent);
        let next = match parent == NOWHERE || self.is_started(sibling) {
            true => NOWHERE,
            false => sibling,
        };
        (self.heir(parent), next)
    }

    /// Puts a node that is nowhere before `next`, or last in its parent.
    fn link(&mut self, parent: u64, child: u64, next: u64) {
        if !self.nodes.contains_key(&child) {
            return;
        }
        let previous = match self.nodes.get(&next) {
            Some(next) => next.previous,
            None => self.nodes.get(&parent).map_or(NOWHERE, |node| node.last),
        };
        match self.nodes.get_mut(&previous) {
            Some(previous) => previous.next = child,
            None => {
                if let Some(parent) = self.nodes.get_mut(&parent) {
                    parent.first = child;
                }
            }
        }
        match self.nodes.get_mut(&next) {
            Some(next) => next.previous = child,
            None => {
                if let Some(parent) = self.nodes.get_mut(&parent) {
                    parent.last = child;
                }
            }
        }
        if let Some(child) = self.nodes.get_mut(&child) {
            (child.parent, child.previous, child.next) = (parent, previous, next);
        }
    }

    /// Takes a node out of its parent.
    fn unlink(&mut self, id: u64) {
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        let (parent, previous, next) = (node.parent, node.previous, node.next);
        (node.parent, node.previous, node.next) = (NOWHERE, NOWHERE, NOWHERE);
        match self.nodes.get_mut(&previous) {
            Some(previous) => previous.next = next,
            None => {
                if let Some(parent) = self.nodes.get_mut(&parent) {
                    parent.first = next;
                }
            }
        }
        match self.nodes.get_mut(&next) {
            Some(next) => next.previous = previous,
            None => {
                if let Some(parent) = self.nodes.get_mut(&parent) {
                    parent.last = previous;
                }
            }
        }
    }

    fn free(&mut self, id: u64) -> Option<Content> {
        self.unlink(id);
        let content = self.nodes.remove(&id)?.content;
        self.bytes -= content.bytes();
        Some(content)
    }

    fn step(&mut self, reach: Reach) -> Option<Event> {
        loop {
            let place = self.path.last().copied()?;
            let child = self.nodes.get(&place).map_or(NOWHERE, |node| node.first);
            let Some(node) = self.nodes.get_mut(&child) else {
                return self.end(place, reach);
            };
            match &mut node.content {
                Content::Text(_) => {
                    if let Some(Content::Text(text)) = self.free(child) {
                        return Some(Event::Text(text));
                    }
                }
                // The parser has moved it to where the walk was before: its own end will come.
                Content::Element { started: true, .. } => self.unlink(child),
                Content::Element {
                    name,
                    marks,
                    started,
                    ..
                } => {
                    *started = true;
                    let event = Event::Start(name.clone(), std::mem::take(marks));
                    if let Event::Start(_, marks) = &event {
                        self.bytes -= marks.bytes();
                    }
                    self.path.push(child);
                    return Some(event);
                }
            }
        }
    }

    /// Walks out of an element that has no more content, if the walk may.
    fn end(&mut self, place: u64, reach: Reach) -> Option<Event> {
        let may = place != DOCUMENT
            && match reach {
                Reach::All => true,
                Reach::Settled | Reach::Forced => self.has_ended(reach),
            };
        if !may {
            return None;
        }
        self.path.pop();
        self.free(place);
        Some(Event::End)
    }

    /// Whether the parser is done with the element in which the walk is, or with one around it. It
    /// does not say so of every element; but it adds nothing to one behind which something stands
    /// that came later.
    fn has_ended(&self, reach: Reach) -> bool {
        self.path.iter().rev().any(|id| {
            let Some(node) = self.nodes.get(id) else {
                return true;
            };
            let mut next = node.next;
            while reach == Reach::Settled && next != NOWHERE && next < *id {
                next = self.nodes.get(&next).map_or(NOWHERE, |node| node.next);
            }
            next != NOWHERE || matches!(node.content, Content::Element { closed: true, .. })
        })
    }
}

/// Elements that are never open (HTML, 13.1.2).
fn is_void(name: &LocalName) -> bool {
    matches!(
        &**name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

impl TreeSink for Tree {
    type Handle = Handle;
    type Output = ();
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        self.handle(DOCUMENT, QualName::new(None, ns!(), local_name!("")))
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.0.name.expanded()
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Handle {
        let html = name.ns == ns!(html);
        let closed = match html {
            true => is_void(&name.local),
            false => self.self_closing.get(),
        };
        let id = self.nodes.borrow_mut().add(Content::Element {
            name: name.local.clone(),
            marks: Marks::new(&name.local, attrs),
            closed,
            started: false,
        });
        self.handle(id, name)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.handle(NOWHERE, QualName::new(None, ns!(), local_name!("")))
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.create_comment(StrTendril::new())
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        let id = parent.0.id;
        self.insert(
            child,
            parent.0.depth.get() + 1,
            |nodes, child| nodes.append(id, child),
            |nodes, text| nodes.append_text(id, text),
        );
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let id = sibling.0.id;
        self.insert(
            child,
            sibling.0.depth.get(),
            |nodes, child| match nodes.before(id) {
                (parent, NOWHERE) => nodes.append(parent, child),
                (parent, _) if nodes.lies_within(parent, child) => nodes.append(DOCUMENT, child),
                (parent, next) => nodes.link(parent, child, next),
            },
            |nodes, text| match nodes.before(id) {
                (parent, NOWHERE) => nodes.append_text(parent, text),
                (parent, next) => {
                    let previous = nodes.nodes.get(&next).map_or(NOWHERE, |next| next.previous);
                    if !nodes.extend_text(previous, text) {
                        let text = nodes.add(Content::Text(text.to_owned()));
                        nodes.link(parent, text, next);
                    }
                }
            },
        );
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        previous: &Handle,
        child: NodeOrText<Handle>,
    ) {
        let nodes = self.nodes.borrow();
        let parent = nodes.nodes.get(&element.0.id).map(|node| node.parent);
        drop(nodes);
        match parent {
            Some(NOWHERE) => self.append(previous, child),
            _ => self.append_before_sibling(element, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn pop(&self, node: &Handle) {
        self.depth.set(node.0.depth.get().saturating_sub(1));
        let mut nodes = self.nodes.borrow_mut();
        let content = nodes
            .nodes
            .get_mut(&node.0.id)
            .map(|node| &mut node.content);
        if let Some(Content::Element { closed, .. }) = content {
            *closed = true;
        }
    }

    /// A template's content is shown in its place.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.0.id == other.0.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, target: &Handle) {
        self.nodes.borrow_mut().unlink(target.0.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        if !nodes.nodes.contains_key(&new_parent.0.id) {
            return;
        }
        loop {
            let first = nodes
                .nodes
                .get(&node.0.id)
                .map_or(NOWHERE, |node| node.first);
            if first == NOWHERE {
                break;
            }
            nodes.unlink(first);
            nodes.append(new_parent.0.id, first);
        }
    }
}

#[cfg(test)]
mod tests {
    use html5ever::tendril::StrTendril;
    use html5ever::tokenizer::{BufferQueue, Tokenizer, TokenizerOpts};

    use super::{Event, Reach, Tree};
    use crate::html::bounds::Bounded;

    #[test]
    fn what_is_held_does_not_grow_with_the_rows_of_a_table() {
        let tokenizer = Tokenizer::new(Bounded::new(Tree::new()), TokenizerOpts::default());
        let feed = |html: &str| {
            let queue = BufferQueue::default();
            queue.push_back(StrTendril::from_slice(html));
            while !queue.is_empty() {
                let _ = tokenizer.feed(&queue);
            }
        };
        let mut words = 0;
        let mut held = 0;
        feed("<h1>Title</h1><table><tr><th>a</th><th>b</th></tr>");
        for _ in 0..100_000 {
            feed("<tr><td>one <b>two</b></td><td><p>three</td></tr>\n");
            while let Some(event) = tokenizer.sink.tree().step(Reach::Settled) {
                words += usize::from(matches!(event, Event::Text(text) if !text.trim().is_empty()));
            }
            held = held.max(tokenizer.sink.tree().held().0);
        }
        assert_eq!(words, 3 + 3 * 100_000);
        assert!(held < 10, "{held} nodes are held");
    }
}

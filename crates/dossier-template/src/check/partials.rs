//! Which partials are there where they are called.
//!
//! What is defined where a partial is called is defined inside of it too, so that this depends on
//! the way by which a call is reached. All ways are gone, as a rendering may go them, each once.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{FindingKind, Findings};
use crate::Template;
use crate::limits::CHECK_STEPS_MAX;
use crate::syntax::{Block, BlockKind, Body, Inline, Node, Offset, Partial, PartialName};

pub(super) fn check(template: &Template, findings: &mut Findings<'_>) {
    let mut search = Search::default();
    search.all(&template.body);
    search.unreached(&template.body);
    for (at, text) in search.missing {
        findings.add(at as usize, FindingKind::NoSuchPartial, text);
    }
}

/// A body, and all that decides what its calls lead to.
#[derive(Clone, Copy)]
struct Visit<'t> {
    body: &'t Body,
    /// Which of the scopes it is in, without what it defines itself.
    scope: usize,
    blocks: Blocks<'t>,
}

/// What `@partial-block` is, and what it is inside of that.
#[derive(Clone, Copy, Default)]
struct Blocks<'t> {
    own: Option<&'t Body>,
    outer: Option<&'t Body>,
}

/// A body, told from others by where it is held.
type Identity = *const Body;

#[derive(Default)]
struct Search<'t> {
    /// The bodies whose partials are defined, the latest last, each once.
    scopes: Vec<Vec<&'t Body>>,
    known_scopes: HashMap<Vec<Identity>, usize>,
    /// The partials that a body defines; of one name, the last.
    defined: HashMap<Identity, HashMap<&'t str, &'t Body>>,
    visited: HashSet<(Identity, usize, Option<Identity>, Option<Identity>)>,
    reached: HashSet<Identity>,
    open: Vec<Visit<'t>>,
    missing: BTreeMap<Offset, String>,
    steps: usize,
}

impl<'t> Search<'t> {
    fn all(&mut self, top: &'t Body) {
        let scope = self.scope(Vec::new());
        self.enter(top, scope, Blocks::default());
        while let Some(visit) = self.open.pop() {
            let scope = self.with_defined(visit.scope, visit.body);
            for node in &visit.body.nodes {
                self.steps += 1;
                match node {
                    Node::Block(block) => {
                        for body in shown(block) {
                            self.enter(body, scope, visit.blocks);
                        }
                    }
                    Node::Partial(partial) => self.call(partial, scope, visit.blocks),
                    Node::Text(_) | Node::Show(_) => {}
                }
            }
            if self.steps > CHECK_STEPS_MAX {
                return;
            }
        }
    }

    fn enter(&mut self, body: &'t Body, scope: usize, blocks: Blocks<'t>) {
        let identity = |body: &'t Body| std::ptr::from_ref(body);
        let key = (
            identity(body),
            scope,
            blocks.own.map(identity),
            blocks.outer.map(identity),
        );
        if self.visited.insert(key) {
            self.reached.insert(identity(body));
            self.open.push(Visit {
                body,
                scope,
                blocks,
            });
        }
    }

    fn call(&mut self, partial: &'t Partial, scope: usize, blocks: Blocks<'t>) {
        let scope = match &partial.block {
            Some(block) => self.with_defined(scope, block),
            None => scope,
        };
        let (body, own) = match &partial.name {
            PartialName::Block => match blocks.own {
                Some(body) => (body, blocks.outer),
                None => {
                    let text = "the partial is called without a block here: call it with \
                                {{#> name}} … {{/name}}";
                    self.missing.insert(partial.at, text.to_owned());
                    return;
                }
            },
            PartialName::Written(name) => match (self.find(scope, name), &partial.block) {
                (Some(body), block) => (body, block.as_ref()),
                (None, Some(block)) => (block, None),
                (None, None) => {
                    self.missing.insert(partial.at, no_such_partial(name));
                    return;
                }
            },
            // Whichever it is; what it calls has to be defined somewhere.
            PartialName::Computed(_) => return,
        };
        let inner = Blocks {
            own,
            outer: blocks.own,
        };
        self.enter(body, scope, inner);
    }

    fn find(&mut self, scope: usize, name: &str) -> Option<&'t Body> {
        let bodies = &self.scopes[scope];
        self.steps += bodies.len();
        bodies.iter().rev().find_map(|body| {
            let defined = self.defined.get(&std::ptr::from_ref(*body))?;
            defined.get(name).copied()
        })
    }

    /// A scope and what a body defines. A body that is in it already hides its own definitions of
    /// before, so that it moves to the end.
    fn with_defined(&mut self, scope: usize, body: &'t Body) -> usize {
        if body.inlines.is_empty() {
            return scope;
        }
        self.defined
            .entry(std::ptr::from_ref(body))
            .or_insert_with(|| body.inlines.iter().map(named).collect());
        let mut bodies = self.scopes[scope].clone();
        bodies.retain(|other| !std::ptr::eq(*other, body));
        bodies.push(body);
        self.steps += bodies.len();
        self.scope(bodies)
    }

    fn scope(&mut self, bodies: Vec<&'t Body>) -> usize {
        let key = bodies
            .iter()
            .map(|body| std::ptr::from_ref(*body))
            .collect();
        let next = self.scopes.len();
        let scope = *self.known_scopes.entry(key).or_insert(next);
        if scope == next {
            self.scopes.push(bodies);
        }
        scope
    }

    /// Of calls that no way led to, only those are certain to fail whose partial is nowhere.
    fn unreached(&mut self, top: &'t Body) {
        let mut names = HashSet::new();
        for_each_body(top, &mut |body| {
            names.extend(body.inlines.iter().map(|inline| inline.name.as_ref()));
        });
        for_each_body(top, &mut |body| {
            if self.reached.contains(&std::ptr::from_ref(body)) {
                return;
            }
            for node in &body.nodes {
                if let Node::Partial(partial) = node
                    && let (PartialName::Written(name), None) = (&partial.name, &partial.block)
                    && !names.contains(name.as_ref())
                {
                    self.missing.insert(partial.at, no_such_partial(name));
                }
            }
        });
    }
}

fn named(inline: &Inline) -> (&str, &Body) {
    (inline.name.as_ref(), &inline.body)
}

/// The bodies of a block that a rendering may enter.
fn shown(block: &Block) -> impl Iterator<Item = &Body> {
    let bodies = [&block.body, &block.inverse];
    bodies
        .into_iter()
        .filter(|_| block.kind != BlockKind::Value)
        .filter(|body| !body.nodes.is_empty())
}

fn no_such_partial(name: &str) -> String {
    format!(
        "no partial `{name}` is defined where this is called; define it in this block or in one \
         around it with {{{{#*inline \"{name}\"}}}} … {{{{/inline}}}}"
    )
}

/// Goes through all bodies of a template, with a stack of its own.
pub(super) fn for_each_body<'t>(top: &'t Body, visit: &mut dyn FnMut(&'t Body)) {
    let mut open = vec![top];
    while let Some(body) = open.pop() {
        visit(body);
        open.extend(body.inlines.iter().map(|inline| &inline.body));
        for node in &body.nodes {
            match node {
                Node::Block(block) => open.extend([&block.body, &block.inverse]),
                Node::Partial(partial) => open.extend(partial.block.as_ref()),
                Node::Text(_) | Node::Show(_) => {}
            }
        }
    }
}

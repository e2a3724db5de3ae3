use std::collections::{BTreeMap, BTreeSet};

use super::{FindingKind, Findings};
use crate::content::{Kind, NodeId, Tree};
use crate::context::Found;
use crate::syntax::Path;
use crate::{Content, Template};

/// Kinds of members that are told apart; beyond these, an answer is too varied to report on.
const SHAPES_MAX: usize = 100_000;

/// What a rendering looked up and showed.
pub(crate) struct Usage {
    /// A bit a node.
    shown: Vec<u64>,
    /// By where they stand.
    paths: BTreeMap<u32, PathUsage>,
    /// Where an inline attachment was no image.
    not_images: BTreeSet<u32>,
}

/// What a path led to, over all times that it was looked up.
#[derive(Default)]
struct PathUsage {
    /// Bytes of it.
    len: u32,
    is_there: bool,
    is_past_null: bool,
}

impl Usage {
    pub fn new(sample: &Content) -> Self {
        Self {
            shown: vec![0; sample.tree().len().div_ceil(64)],
            paths: BTreeMap::new(),
            not_images: BTreeSet::new(),
        }
    }

    pub fn shown(&mut self, node: NodeId) {
        self.shown[node as usize / 64] |= 1 << (node % 64);
    }

    pub fn not_an_image(&mut self, at: u32) {
        self.not_images.insert(at);
    }

    pub fn path(&mut self, path: &Path, found: &Found<'_>) {
        let usage = self.paths.entry(path.at).or_default();
        usage.len = path.len;
        usage.is_there |= found.is_there;
        usage.is_past_null |= found.is_past_null;
    }

    pub fn report(&self, template: &Template, sample: &Content, findings: &mut Findings<'_>) {
        for (at, usage) in &self.paths {
            let at = *at as usize;
            let path = &template.source[at..at + usage.len as usize];
            if !usage.is_there {
                let text = format!("the sample answer has no `{path}` where this is shown");
                findings.add(at, FindingKind::NotInSample, text);
            }
            if usage.is_past_null {
                let text = format!(
                    "`{path}` is null here in the sample answer, and the value of an outer \
                     `{path}` is taken instead; write `this.{path}` if that is not meant"
                );
                findings.add(at, FindingKind::TakenFromAround, text);
            }
        }
        for at in &self.not_images {
            let text = "the sample answer has an inline attachment here that is not of a type \
                        image/*: the section says so in its place; list it as an attachment";
            findings.add(*at as usize, FindingKind::NotAnImage, text);
        }
        if let Some(root) = sample.root() {
            for member in Shapes::of(sample.tree(), root, &self.shown).never_shown() {
                let text = format!("the sample answer holds `{member}`, which is never shown");
                findings.add(0, FindingKind::NeverShown, text);
            }
        }
    }
}

/// Members that have the same names on their way, over all elements of lists.
struct Shape {
    name: String,
    children: Vec<usize>,
    by_name: BTreeMap<String, usize>,
    /// A value other than null and empty was there.
    is_held: bool,
    is_shown: bool,
}

impl Shape {
    fn new(name: String) -> Self {
        Self {
            name,
            children: Vec::new(),
            by_name: BTreeMap::new(),
            is_held: false,
            is_shown: false,
        }
    }
}

struct Shapes(Vec<Shape>);

impl Shapes {
    fn of(tree: &Tree, root: NodeId, shown: &[u64]) -> Self {
        let mut shapes = Self(vec![Shape::new(String::new())]);
        let is_shown = |node: NodeId| shown[node as usize / 64] >> (node % 64) & 1 == 1;
        // A node, its shape, and whether what holds it was shown as a whole.
        let mut open = vec![(root, 0, false)];
        while let Some((node, shape, around)) = open.pop() {
            let is_shown = around || is_shown(node);
            shapes.0[shape].is_shown |= is_shown;
            shapes.0[shape].is_held |= match tree.kind(node) {
                Kind::Null => false,
                Kind::Text => tree.text_len(node) > 0,
                Kind::Object | Kind::List => false,
                Kind::Number | Kind::True | Kind::False => true,
            };
            let is_list = tree.kind(node) == Kind::List;
            let mut next = tree.first(node);
            while let Some(child) = next {
                let name = if is_list {
                    "[]".into()
                } else {
                    tree.name(child)
                };
                if let Some(shape) = shapes.child(shape, &name) {
                    open.push((child, shape, is_shown));
                }
                next = tree.next(child);
            }
        }
        // Children come behind their parents.
        for shape in (0..shapes.0.len()).rev() {
            for child in shapes.0[shape].children.clone() {
                let (is_held, is_shown) = (shapes.0[child].is_held, shapes.0[child].is_shown);
                shapes.0[shape].is_held |= is_held;
                shapes.0[shape].is_shown |= is_shown;
            }
        }
        shapes
    }

    fn child(&mut self, shape: usize, name: &str) -> Option<usize> {
        if let Some(child) = self.0[shape].by_name.get(name) {
            return Some(*child);
        }
        if self.0.len() >= SHAPES_MAX {
            return None;
        }
        let child = self.0.len();
        self.0.push(Shape::new(name.to_owned()));
        self.0[shape].by_name.insert(name.to_owned(), child);
        self.0[shape].children.push(child);
        Some(child)
    }

    /// The outermost members of which nothing is shown.
    fn never_shown(&self) -> Vec<String> {
        let mut members = Vec::new();
        let mut open = vec![(0, String::new())];
        while let Some((shape, path)) = open.pop() {
            let shape = &self.0[shape];
            if !shape.is_held {
                continue;
            }
            if !shape.is_shown {
                let whole = if path.is_empty() {
                    "content"
                } else {
                    path.as_str()
                };
                members.push(whole.to_owned());
                continue;
            }
            for child in shape.children.iter().rev() {
                let name = &self.0[*child].name;
                let dot = if path.is_empty() || name == "[]" {
                    ""
                } else {
                    "."
                };
                open.push((*child, format!("{path}{dot}{name}")));
            }
        }
        members
    }
}

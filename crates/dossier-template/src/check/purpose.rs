//! Whether a template is for answers at all.

use super::partials::for_each_body;
use super::{FindingKind, Findings};
use crate::Template;
use crate::syntax::{Node, Partial, PartialName};

pub(super) fn is_empty(template: &Template) -> bool {
    template.source.trim().is_empty()
}

pub(super) fn check(template: &Template, findings: &mut Findings<'_>) {
    if !depends_on_an_answer(template) {
        let text = "this shows nothing of an answer: it has no expression such as {{name}}";
        findings.add(0, FindingKind::ShowsNothing, text);
    }
}

/// Whether there is an expression, and anything that could show it.
fn depends_on_an_answer(template: &Template) -> bool {
    let is_text = |node: &Node| matches!(node, Node::Text(_));
    let mut has_expression = false;
    for_each_body(&template.body, &mut |body| {
        has_expression |= body.nodes.iter().any(|node| match node {
            Node::Text(_) => false,
            Node::Show(_) | Node::Block(_) => true,
            Node::Partial(partial) => is_given_something(partial),
        });
    });
    has_expression && !template.body.nodes.iter().all(is_text)
}

fn is_given_something(partial: &Partial) -> bool {
    partial.context.is_some()
        || !partial.hash.is_empty()
        || matches!(partial.name, PartialName::Computed(_))
}

//! What a template's constructs tell without an answer.

use std::collections::HashSet;

use super::{FindingKind, Findings};
use crate::Template;
use crate::parse::OddityKind;
use crate::syntax::{BlockKind, Body, Expression, Node, PartialName};

pub(super) fn check(template: &Template, findings: &mut Findings<'_>) {
    for oddity in &template.oddities {
        let (kind, text) = told(oddity.kind);
        findings.add(oddity.at as usize, kind, text);
    }
    let mut names = HashSet::new();
    for_each_body(&template.body, &mut |body| {
        names.extend(body.inlines.iter().map(|inline| inline.name.as_ref()));
    });
    for_each_body(&template.body, &mut |body| {
        for node in &body.nodes {
            check_node(node, &names, findings);
        }
    });
}

fn check_node(node: &Node, names: &HashSet<&str>, findings: &mut Findings<'_>) {
    match node {
        Node::Show(show) if show.raw && !is_image(&show.expression) => {
            let text = "this value is not escaped: what it holds becomes HTML; only inline \
                        images need that, write {{ }}";
            findings.add(show.at as usize, FindingKind::Unescaped, text);
        }
        Node::Show(show) if !show.raw && is_image(&show.expression) => {
            let text = "an inline attachment is HTML, which is escaped here: write {{{ }}}";
            findings.add(show.at as usize, FindingKind::Unescaped, text);
        }
        Node::Partial(partial) if partial.block.is_none() => {
            if let PartialName::Written(name) = &partial.name
                && !names.contains(name.as_ref())
            {
                let text = format!(
                    "no partial `{name}` is defined; define it in this template with \
                     {{{{#*inline \"{name}\"}}}} … {{{{/inline}}}}"
                );
                findings.add(partial.at as usize, FindingKind::NoSuchPartial, text);
            }
        }
        _ => {}
    }
}

/// An inline image, or a part of one in an attribute.
fn is_image(expression: &Expression) -> bool {
    matches!(expression, Expression::Call(call) if call.helper.is_inline_image())
}

/// Goes through all bodies of a template, with a stack of its own.
fn for_each_body<'t>(top: &'t Body, visit: &mut dyn FnMut(&'t Body)) {
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

fn told(kind: OddityKind) -> (FindingKind, String) {
    match kind {
        OddityKind::SecondElse => {
            let text = "this block has an {{else}} before; what stands between the two is \
                        never shown";
            (FindingKind::Else, text.to_owned())
        }
        OddityKind::Arguments(helper) => {
            let name = helper.name();
            let text = match helper.arguments() {
                (1, 1) => format!("`{name}` takes one argument"),
                (least, most) if least == most => format!("`{name}` takes {least} arguments"),
                (least, most) => format!("`{name}` takes {least} to {most} arguments"),
            };
            (FindingKind::Arguments, text)
        }
        OddityKind::BlockArguments(kind) => {
            let name = match kind {
                BlockKind::If => "if",
                BlockKind::Unless => "unless",
                BlockKind::Each => "each",
                _ => "with",
            };
            (
                FindingKind::Arguments,
                format!("`#{name}` takes one argument"),
            )
        }
        OddityKind::HelperAsBlock(helper) => {
            let name = helper.name();
            let text = format!(
                "`{name}` is a helper: what it gives is shown here, and the body of this block \
                 never is; for a condition write {{{{#if ({name} …)}}}}"
            );
            (FindingKind::HelperAsBlock, text)
        }
        OddityKind::NamedArgument => {
            let text = "named arguments are looked at by partials only";
            (FindingKind::Arguments, text.to_owned())
        }
    }
}

//! What a template's constructs tell without an answer.

use super::partials::for_each_body;
use super::{FindingKind, Findings};
use crate::Template;
use crate::parse::OddityKind;
use crate::syntax::{BlockKind, Expression, Node};

pub(super) fn check(template: &Template, findings: &mut Findings<'_>) {
    for oddity in &template.oddities {
        let (kind, text) = told(oddity.kind);
        findings.add(oddity.at as usize, kind, text);
    }
    for_each_body(&template.body, &mut |body| {
        for node in &body.nodes {
            check_node(node, findings);
        }
    });
}

fn check_node(node: &Node, findings: &mut Findings<'_>) {
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
        _ => {}
    }
}

/// An inline image, or a part of one in an attribute.
fn is_image(expression: &Expression) -> bool {
    matches!(expression, Expression::Call(call) if call.helper.is_inline_image())
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

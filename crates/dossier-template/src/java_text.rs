//! Values as Java prints them.

use std::borrow::Cow;

use crate::content::{Kind, NodeId, Tree};
use crate::limits::STEP_ESCAPES;
use crate::value::Value;

/// A number as `Double.toString` prints it since JDK 19: the shortest decimal of at least two
/// digits that is read as the same number, with an exponent below 10⁻³ and from 10⁷ on.
pub fn double_to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        let text = if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        return text.to_owned();
    }
    if number == 0.0 {
        let text = if number.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        };
        return text.to_owned();
    }
    let mut scientific = format!("{number:e}");
    if !scientific.contains('.') {
        // Java wants two digits, and of those the closest: it matters for the smallest numbers.
        let two_digits = format!("{number:.1e}");
        if two_digits.parse() == Ok(number) {
            scientific = two_digits;
        }
    }
    // The exponent is a small integer after `e`, by the format above.
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    if !(-3..7).contains(&exponent) {
        return format!("{sign}{whole}.{fraction}E{exponent}");
    }
    let digits = format!("{whole}{}", fraction.trim_end_matches('0'));
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole_digits = exponent as usize + 1;
    match digits.split_at_checked(whole_digits) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits:0<whole_digits$}.0"),
    }
}

/// A number of an answer: a whole one as it is written, another as a `double`.
pub(crate) fn number_to_text(written: &str) -> Cow<'_, str> {
    if !is_whole(written) {
        return Cow::Owned(double_to_text(to_double(written)));
    }
    Cow::Borrowed(match written {
        "-0" => "0",
        whole => whole,
    })
}

/// Whether a JSON number has neither a fraction nor an exponent.
pub(crate) fn is_whole(written: &str) -> bool {
    !written.contains(['.', 'e', 'E'])
}

/// A JSON number as a `double`, as Java reads it: too large is infinite.
pub(crate) fn to_double(written: &str) -> f64 {
    // Every JSON number is one for `f64`.
    written.parse().unwrap_or(f64::NAN)
}

/// Gives a value's text piece by piece, each with the steps that making it took: `[a, b]` for a list,
/// `{k=v, k2=v2}` for an object, `null` inside of them. It stops where `out` returns an error, and
/// does not recurse.
pub(crate) fn print<E>(
    tree: &Tree,
    top: NodeId,
    out: &mut dyn FnMut(&str, u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut open: Vec<NodeId> = Vec::new();
    let mut node = top;
    loop {
        match tree.kind(node) {
            kind @ (Kind::Object | Kind::List) => {
                out(if kind == Kind::Object { "{" } else { "[" }, 0)?;
                open.push(node);
                if let Some(child) = tree.first(node) {
                    print_name(tree, kind, child, out)?;
                    node = child;
                    continue;
                }
                open.pop();
                out(if kind == Kind::Object { "}" } else { "]" }, 0)?;
            }
            Kind::Text => out(&tree.text(node), Value::Node(node).making_steps(tree))?,
            Kind::Number => {
                let steps = Value::Node(node).making_steps(tree);
                out(&number_to_text(tree.number(node)), steps)?;
            }
            Kind::True => out("true", 0)?,
            Kind::False => out("false", 0)?,
            Kind::Null => out("null", 0)?,
        }
        loop {
            let Some(parent) = open.last().copied() else {
                return Ok(());
            };
            let kind = tree.kind(parent);
            if let Some(next) = tree.next(node) {
                out(", ", 0)?;
                print_name(tree, kind, next, out)?;
                node = next;
                break;
            }
            out(if kind == Kind::Object { "}" } else { "]" }, 0)?;
            open.pop();
            node = parent;
        }
    }
}

fn print_name<E>(
    tree: &Tree,
    parent: Kind,
    child: NodeId,
    out: &mut dyn FnMut(&str, u64) -> Result<(), E>,
) -> Result<(), E> {
    if parent == Kind::Object {
        out(
            &tree.name(child),
            (tree.name_escapes(child) / STEP_ESCAPES) as u64,
        )?;
        out("=", 0)?;
    }
    Ok(())
}

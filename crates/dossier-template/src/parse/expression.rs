use std::ops::Range;

use super::Problem;
use super::tag::Reader;
use crate::helper::Helper;
use crate::limits::{EXPRESSION_NESTING_MAX, FINDINGS_MAX};
use crate::syntax::{Call, Data, Expression, Offset, Path, Segment, Start};

/// A tag's or a sub-expression's parts before it is known what they mean.
pub(super) struct Parts {
    /// Where its name stands.
    pub name: Range<usize>,
    head: Expression,
    pub arguments: Vec<Expression>,
    pub hash: Vec<(Box<str>, Expression)>,
    pub params: Vec<Box<str>>,
}

/// What follows a name.
#[derive(Default)]
pub(super) struct Rest {
    pub arguments: Vec<Expression>,
    pub hash: Vec<(Box<str>, Expression)>,
    params: Vec<Box<str>>,
}

impl<'s> Reader<'s> {
    /// A value with what it is made of: `name`, `helper a b`.
    pub(super) fn call(&mut self) -> Result<Expression, Problem> {
        self.skip_space();
        if self.peek() == Some('(') {
            return self.expression(0);
        }
        let parts = self.parts()?;
        if !parts.params.is_empty() {
            return Err(Problem::new(
                parts.name.start,
                "only a block can have `as |name|`",
            ));
        }
        Ok(self.meaning(parts))
    }

    pub(super) fn parts(&mut self) -> Result<Parts, Problem> {
        self.parts_at_depth(0)
    }

    fn parts_at_depth(&mut self, depth: usize) -> Result<Parts, Problem> {
        self.skip_space();
        let start = self.at;
        let word = self.word();
        if word.is_empty() {
            return Err(match self.end() {
                Some(_) => self.problem("a name was expected"),
                None => self.unexpected(),
            });
        }
        if is_literal(word) {
            return Err(Problem::new(
                start,
                format!("a name was expected, not `{word}`"),
            ));
        }
        let name = start..self.at;
        let head = Expression::Path(path(word, start)?);
        let rest = self.rest_at_depth(depth)?;
        Ok(Parts {
            name,
            head,
            arguments: rest.arguments,
            hash: rest.hash,
            params: rest.params,
        })
    }

    pub(super) fn rest(&mut self) -> Result<Rest, Problem> {
        self.rest_at_depth(0)
    }

    fn rest_at_depth(&mut self, depth: usize) -> Result<Rest, Problem> {
        let mut rest = Rest::default();
        loop {
            let before = self.at;
            self.skip_space();
            if self.end().is_some() || matches!(self.peek(), None | Some(')' | '}')) {
                return Ok(rest);
            }
            if before == self.at {
                self.argument_without_space()?;
            }
            let start = self.at;
            let word = self.word();
            self.skip_space();
            if !word.is_empty() && self.take("=") {
                self.skip_space();
                let value = self.expression(depth)?;
                rest.hash.push((word.into(), value));
                continue;
            }
            if word == "as" && self.take("|") {
                rest.params = self.block_params()?;
                continue;
            }
            self.at = start;
            let argument = self.expression(depth)?;
            rest.arguments.push(argument);
        }
    }

    /// A text or a bracket may follow a name without white space, and a text a bracket: neither can
    /// be taken for a part of the other. Two of a kind are one argument that went wrong.
    fn argument_without_space(&self) -> Result<(), Problem> {
        let before = self.source[..self.at].chars().next_back();
        match (before, self.peek()) {
            (Some('"' | '\''), Some(next @ ('(' | '"' | '\''))) | (Some(')'), Some(next @ '(')) => {
                Err(self.no_space(next))
            }
            (Some('"' | '\'' | ')'), Some(next)) if is_word(next) => Err(self.no_space(next)),
            (_, Some('(' | '"' | '\'')) => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    fn no_space(&self, next: char) -> Problem {
        self.problem(&format!("white space is expected before this {next:?}"))
    }

    fn block_params(&mut self) -> Result<Vec<Box<str>>, Problem> {
        let mut params = Vec::new();
        loop {
            self.skip_space();
            if self.take("|") {
                return Ok(params);
            }
            match self.word() {
                "" => return Err(self.unexpected()),
                word => params.push(word.into()),
            }
        }
    }

    /// What a name with its arguments means: a helper's call or a path.
    pub(super) fn meaning(&mut self, parts: Parts) -> Expression {
        let at = parts.name.start;
        let name = &self.source[parts.name.clone()];
        let is_bare = parts.arguments.is_empty() && parts.hash.is_empty();
        let helper = Helper::named(name).filter(|_| !(is_bare && (self.is_param)(name)));
        match helper {
            Some(helper) => {
                self.odd_names(&parts.hash, at);
                self.odd_arguments(helper, parts.arguments.len(), at);
                Expression::Call(Box::new(Call {
                    helper,
                    arguments: parts.arguments,
                    at: at as Offset,
                }))
            }
            None if is_bare => parts.head,
            None => {
                if self.unknown_helpers.len() < FINDINGS_MAX {
                    let problem = Problem::new(at, unknown_helper(name));
                    self.unknown_helpers.push(problem);
                }
                let named = parts.hash.into_iter().map(|(_, value)| value);
                let arguments = parts.arguments.into_iter().chain(named);
                Expression::UnknownCall(arguments.collect())
            }
        }
    }

    /// An argument: a path, a literal, or a call in brackets.
    pub(super) fn expression(&mut self, depth: usize) -> Result<Expression, Problem> {
        self.skip_space();
        let start = self.at;
        match self.peek() {
            Some('"' | '\'') => Ok(Expression::Text(self.quoted()?.into())),
            Some('(') => {
                if depth >= EXPRESSION_NESTING_MAX {
                    let text = format!("more than {EXPRESSION_NESTING_MAX} brackets are open here");
                    return Err(Problem::new(start, text));
                }
                self.at += 1;
                let parts = self.parts_at_depth(depth + 1)?;
                self.skip_space();
                if !self.take(")") {
                    return Err(Problem::new(start, "this bracket is not closed"));
                }
                Ok(self.meaning(parts))
            }
            _ => match self.word() {
                "" => Err(self.unexpected()),
                word => match literal(word) {
                    Some(literal) => Ok(literal),
                    None => Ok(Expression::Path(path(word, start)?)),
                },
            },
        }
    }

    /// A path or a literal without quotes, as it is written; empty if none stands here.
    pub(super) fn word(&mut self) -> &'s str {
        let start = self.at;
        while self.end().is_none() {
            match self.peek() {
                Some('[') => match self.source[self.at..].find(']') {
                    Some(end) => self.at += end + 1,
                    None => break,
                },
                Some(character) if is_word(character) => self.at += character.len_utf8(),
                _ => break,
            }
        }
        let source: &'s str = self.source;
        &source[start..self.at]
    }

    /// A text in quotes, in which a backslash may stand before the quote.
    pub(super) fn quoted(&mut self) -> Result<String, Problem> {
        let start = self.at;
        let Some(quote) = self.peek() else {
            return Err(self.not_closed());
        };
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += character.len_utf8();
            if character == quote {
                return Ok(text);
            }
            if character == '\\' && self.peek() == Some(quote) {
                self.at += 1;
                text.push(quote);
            } else {
                text.push(character);
            }
        }
        Err(Problem::new(start, "this text has no closing quote"))
    }
}

fn is_word(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(
            character,
            '!' | '"'
                | '#'
                | '%'
                | '&'
                | '\''
                | '('
                | ')'
                | '*'
                | '+'
                | ','
                | ';'
                | '<'
                | '='
                | '>'
                | '['
                | '\\'
                | ']'
                | '^'
                | '`'
                | '{'
                | '|'
                | '}'
                | '~'
        )
}

fn is_literal(word: &str) -> bool {
    // `null` alone is nothing, whether it is a literal or a name that no context has.
    !matches!(word, "null" | "undefined") && literal(word).is_some()
}

fn literal(word: &str) -> Option<Expression> {
    match word {
        "true" => return Some(Expression::Bool(true)),
        "false" => return Some(Expression::Bool(false)),
        "null" | "undefined" => return Some(Expression::Null),
        _ => {}
    }
    let digits = word.strip_prefix('-').unwrap_or(word);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match digits.split_once('.') {
        Some((whole, fraction)) if is_digits(whole) && is_digits(fraction) => {
            word.parse().ok().map(Expression::Double)
        }
        None if is_digits(digits) => match word.parse() {
            Ok(whole) => Some(Expression::Whole(whole)),
            Err(_) => word.parse().ok().map(Expression::Double),
        },
        _ => None,
    }
}

/// Reads a path as it is written.
fn path(written: &str, at: usize) -> Result<Path, Problem> {
    if written.starts_with('/') {
        let text = "a name cannot begin with a slash; a closing tag has no space before its own";
        return Err(Problem::new(at, text));
    }
    let (mut rest, mut is_data) = after_at(written);
    let mut up = 0;
    while let Some(above) = rest.strip_prefix("..") {
        let Some(above) = above.strip_prefix('/').or(above.is_empty().then_some("")) else {
            break;
        };
        up += 1;
        rest = above;
    }
    if !is_data {
        (rest, is_data) = after_at(rest);
    }
    let is_context = up > 0 && rest.is_empty();
    let mut start = if is_context {
        Start::This
    } else {
        Start::Scope
    };
    if is_data {
        let end = rest.find(['.', '/']).unwrap_or(rest.len());
        start = data(&rest[..end]);
        rest = &rest[end..];
    } else if let Some(after) = this(rest) {
        start = Start::This;
        rest = after;
    }
    let segments = segments(rest);
    if segments.is_empty() && start == Start::Scope {
        return Err(Problem::new(at, "a name was expected"));
    }
    Ok(Path {
        up,
        start,
        segments,
        at: at as Offset,
        len: written.len() as u32,
    })
}

fn after_at(text: &str) -> (&str, bool) {
    match text.strip_prefix('@') {
        Some(rest) => (rest, true),
        None => (text, false),
    }
}

fn data(name: &str) -> Start {
    Start::Data(match name {
        "root" => return Start::Root,
        "index" => Data::Index,
        "index_1" => Data::IndexFromOne,
        "key" => Data::Key,
        "first" => Data::First,
        "last" => Data::Last,
        "odd" => Data::Odd,
        "even" => Data::Even,
        _ => Data::Unknown,
    })
}

/// What follows `this`, `.` or `./` at a path's beginning.
fn this(text: &str) -> Option<&str> {
    let rest = text
        .strip_prefix("this")
        .or_else(|| text.strip_prefix('.'))?;
    let is_whole = rest.is_empty() || rest.starts_with(['.', '/', '[']);
    is_whole.then_some(rest)
}

/// The names between dots and slashes; what stands in square brackets is one name.
fn segments(text: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (name, after) = match first {
            '.' | '/' => {
                rest = &rest[1..];
                continue;
            }
            '[' => rest[1..].split_once(']').unwrap_or((&rest[1..], "")),
            _ => rest.split_at(rest.find(['.', '/', '[']).unwrap_or(rest.len())),
        };
        segments.push(Segment::new(name));
        rest = after;
    }
    segments
}

fn unknown_helper(name: &str) -> String {
    match name {
        "if" | "unless" | "each" | "with" => {
            format!("`{name}` is a block: write {{{{#{name} …}}}} … {{{{/{name}}}}}")
        }
        "elseif" | "elsif" | "elif" => "write {{else if …}}".to_owned(),
        _ => match Helper::similar_to(name) {
            Some(similar) => format!("no helper is named `{name}`; did you mean `{similar}`?"),
            None => format!("no helper is named `{name}`"),
        },
    }
}

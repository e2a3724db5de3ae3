//! What stands between `{{` and `}}`.

use std::borrow::Cow;
use std::ops::Range;

use super::open::OpenBlock;
use super::{Oddity, OddityKind, Opened, Problem, context_itself};
use crate::helper::Helper;
use crate::syntax::{BlockKind, Expression, Offset, Partial, PartialName};

/// What a tag begins and ends with.
pub(super) struct Delimiters {
    pub open: Cow<'static, str>,
    pub close: Cow<'static, str>,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self {
            open: Cow::Borrowed("{{"),
            close: Cow::Borrowed("}}"),
        }
    }
}

pub(super) struct Tag {
    pub kind: TagKind,
    /// Where it begins.
    pub at: Offset,
    /// Where it ends.
    pub end: usize,
    /// `{{~`: white space before it is dropped.
    pub trims_before: bool,
    /// `~}}`: white space after it is dropped.
    pub trims_after: bool,
}

pub(super) enum TagKind {
    Comment,
    Delimiters(Delimiters),
    Show {
        expression: Expression,
        raw: bool,
    },
    Open(Opened),
    OpenInline {
        partial: Box<str>,
    },
    OpenPartial {
        name: Box<str>,
        partial: Partial,
    },
    RawBlock {
        subject: Expression,
        body: Range<usize>,
    },
    Else,
    ElseBlock(Opened),
    Partial(Partial),
    Close {
        name: Box<str>,
    },
}

/// Reads one tag.
pub(super) struct Reader<'s> {
    pub(super) source: &'s str,
    pub(super) at: usize,
    pub(super) close: &'s str,
    /// `{{{`: one more brace closes it.
    pub(super) is_triple: bool,
    pub(super) is_param: &'s dyn Fn(&str) -> bool,
    pub oddities: Vec<Oddity>,
    pub unknown_helpers: Vec<Problem>,
    tag_at: usize,
    open: &'s str,
}

impl<'s> Reader<'s> {
    pub fn new(
        source: &'s str,
        delimiters: &'s Delimiters,
        is_param: &'s dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            source,
            at: 0,
            close: delimiters.close.as_ref(),
            is_triple: false,
            is_param,
            oddities: Vec::new(),
            unknown_helpers: Vec::new(),
            tag_at: 0,
            open: delimiters.open.as_ref(),
        }
    }

    /// Reads the tag that begins at a place.
    pub fn tag(&mut self, at: usize) -> Result<Tag, Problem> {
        self.tag_at = at;
        self.at = at;
        if self.open == "{{" && self.take("{{{{") {
            return self.raw_block();
        }
        self.at = at + self.open.len();
        let trims_before = self.take("~");
        if self.take("!") {
            return self.comment(trims_before);
        }
        if self.take("=") {
            return self.delimiters();
        }
        let kind = self.kind()?;
        let trims_after = self.finish()?;
        Ok(Tag {
            kind,
            at: at as Offset,
            end: self.at,
            trims_before,
            trims_after,
        })
    }

    fn kind(&mut self) -> Result<TagKind, Problem> {
        if self.take("{") {
            self.is_triple = true;
            self.take("~");
            return Ok(TagKind::Show {
                expression: self.call()?,
                raw: true,
            });
        }
        if self.take("&") {
            return Ok(TagKind::Show {
                expression: self.call()?,
                raw: true,
            });
        }
        if self.take("#*") {
            return self.inline();
        }
        if self.take("#>") {
            let (name, partial) = self.partial()?;
            return Ok(TagKind::OpenPartial { name, partial });
        }
        if self.take("#") {
            return Ok(TagKind::Open(self.opened(false)?));
        }
        if self.take("^") {
            self.skip_space();
            return Ok(match self.end() {
                Some(_) => TagKind::Else,
                None => TagKind::Open(self.opened(true)?),
            });
        }
        if self.take(">") {
            return Ok(TagKind::Partial(self.partial()?.1));
        }
        if self.take("/") {
            self.skip_space();
            let name = self.closing_name()?;
            return Ok(TagKind::Close { name });
        }
        if self.take("*") {
            return Err(self.problem("a decorator can only be {{#*inline \"name\"}}"));
        }
        self.show_or_else()
    }

    fn show_or_else(&mut self) -> Result<TagKind, Problem> {
        self.skip_space();
        let start = self.at;
        if self.word() == "else" {
            self.skip_space();
            return Ok(match self.end() {
                Some(_) => TagKind::Else,
                None => TagKind::ElseBlock(self.opened(false)?),
            });
        }
        self.at = start;
        Ok(TagKind::Show {
            expression: self.call()?,
            raw: false,
        })
    }

    /// A block's tag behind its `#`, `^` or `else`.
    fn opened(&mut self, inverted: bool) -> Result<Opened, Problem> {
        self.skip_space();
        let at = self.at;
        let parts = self.parts()?;
        let name = &self.source[parts.name.clone()];
        let kind = match name {
            "if" => BlockKind::If,
            "unless" => BlockKind::Unless,
            "each" => BlockKind::Each,
            "with" => BlockKind::With,
            "else" => {
                let text = "write {{else}}, without #, between the two parts of a block";
                return Err(Problem::new(at, text));
            }
            _ => BlockKind::Section,
        };
        let params = parts.params.clone();
        if kind != BlockKind::Section {
            self.odd_names(&parts.hash, at);
            if parts.arguments.len() != 1 {
                self.odd(OddityKind::BlockArguments(kind), self.tag_at);
            }
            let name = name.into();
            let mut arguments = parts.arguments.into_iter();
            let subject = arguments
                .next()
                .unwrap_or_else(|| context_itself(at as Offset));
            let block = OpenBlock {
                kind,
                subject,
                inverted,
                params,
            };
            return Ok(Opened { name, block });
        }
        let name: Box<str> = name.into();
        let subject = self.meaning(parts);
        let kind = match &subject {
            Expression::Call(call) => {
                self.odd(OddityKind::HelperAsBlock(call.helper), self.tag_at);
                BlockKind::Value
            }
            _ => BlockKind::Section,
        };
        let block = OpenBlock {
            kind,
            subject,
            inverted,
            params,
        };
        Ok(Opened { name, block })
    }

    /// `#*inline "name"`
    fn inline(&mut self) -> Result<TagKind, Problem> {
        self.skip_space();
        if self.word() != "inline" {
            return Err(self.problem("a decorator can only be {{#*inline \"name\"}}"));
        }
        self.skip_space();
        let partial = match self.peek() {
            Some('"' | '\'') => self.quoted()?,
            _ => without_brackets(self.word()).to_owned(),
        };
        if partial.is_empty() {
            return Err(self.problem("an inline partial needs a name: {{#*inline \"name\"}}"));
        }
        Ok(TagKind::OpenInline {
            partial: partial.into(),
        })
    }

    fn partial(&mut self) -> Result<(Box<str>, Partial), Problem> {
        self.skip_space();
        let start = self.at;
        let name = match self.peek() {
            Some('(') => PartialName::Computed(self.expression(0)?),
            Some('"' | '\'') => PartialName::Written(self.quoted()?.into()),
            _ => match self.word() {
                "" => return Err(self.problem("a partial's name was expected")),
                "@partial-block" => PartialName::Block,
                word => PartialName::Written(without_brackets(word).into()),
            },
        };
        // Its closing tag repeats the name as it is written; `closing_name` drops quotes.
        let written = self.source[start..self.at].trim_matches(['"', '\'']).into();
        let rest = self.rest()?;
        if let Some(second) = rest.arguments.get(1) {
            let at = second.at().map_or(self.tag_at, |at| at as usize);
            return Err(Problem::new(at, "a partial takes one context at most"));
        }
        let partial = Partial {
            name,
            context: rest.arguments.into_iter().next(),
            hash: rest.hash,
            block: None,
            at: self.tag_at as Offset,
        };
        Ok((written, partial))
    }

    fn closing_name(&mut self) -> Result<Box<str>, Problem> {
        let start = self.at;
        while self.end().is_none() {
            match self.peek() {
                Some(character) => self.at += character.len_utf8(),
                None => return Err(self.not_closed()),
            }
        }
        let name = self.source[start..self.at].trim();
        // A quoted name closes a partial of that name.
        Ok(name.trim_matches(['"', '\'']).into())
    }

    fn comment(&mut self, trims_before: bool) -> Result<Tag, Problem> {
        let rest = &self.source[self.at..];
        let close = self.close;
        let find = |end: &str| rest.find(end).map(|at| at + end.len());
        let end = if rest.starts_with("--") {
            let plain = find(&format!("--{close}"));
            let trimmed = find(&format!("--~{close}"));
            plain.into_iter().chain(trimmed).min()
        } else {
            find(close)
        };
        let end = end.ok_or_else(|| Problem::new(self.tag_at, "this comment is not closed"))?;
        let trims_after = rest[..end - close.len()].ends_with('~');
        Ok(Tag {
            kind: TagKind::Comment,
            at: self.tag_at as Offset,
            end: self.at + end,
            trims_before,
            trims_after,
        })
    }

    /// `{{=<% %>=}}`
    fn delimiters(&mut self) -> Result<Tag, Problem> {
        let rest = &self.source[self.at..];
        let close = format!("={}", self.close);
        let wrong = || {
            let text = "new delimiters are set like this: {{=<% %>=}}";
            Problem::new(self.tag_at, text)
        };
        let end = rest.find(&close).ok_or_else(wrong)?;
        let mut words = rest[..end].split_whitespace();
        let (Some(open), Some(closing), None) = (words.next(), words.next(), words.next()) else {
            return Err(wrong());
        };
        if open.contains('=') || closing.contains('=') {
            return Err(wrong());
        }
        let delimiters = Delimiters {
            open: Cow::Owned(open.to_owned()),
            close: Cow::Owned(closing.to_owned()),
        };
        Ok(Tag {
            kind: TagKind::Delimiters(delimiters),
            at: self.tag_at as Offset,
            end: self.at + end + close.len(),
            trims_before: false,
            trims_after: false,
        })
    }

    /// `{{{{name}}}}text{{{{/name}}}}`
    fn raw_block(&mut self) -> Result<Tag, Problem> {
        let unclosed = |at| Problem::new(at, "this raw block is not closed");
        let inner = self.at;
        let end = self.source[inner..]
            .find("}}}}")
            .ok_or_else(|| unclosed(self.tag_at))?;
        self.skip_space();
        let parts = self.parts()?;
        let name = self.source[parts.name.clone()].to_owned();
        let subject = self.meaning(parts);
        self.skip_space();
        if self.at != inner + end {
            return Err(self.unexpected());
        }
        let body_start = inner + end + 4;
        let closing = format!("{{{{{{{{/{name}}}}}}}}}");
        let body_end = self.source[body_start..]
            .find(&closing)
            .ok_or_else(|| unclosed(self.tag_at))?;
        Ok(Tag {
            kind: TagKind::RawBlock {
                subject,
                body: body_start..body_start + body_end,
            },
            at: self.tag_at as Offset,
            end: body_start + body_end + closing.len(),
            trims_before: false,
            trims_after: false,
        })
    }

    fn finish(&mut self) -> Result<bool, Problem> {
        self.skip_space();
        match self.end() {
            Some((len, trims_after)) => {
                self.at += len;
                Ok(trims_after)
            }
            None if self.at >= self.source.len() => Err(self.not_closed()),
            None if self.is_triple && self.peek() == Some('}') => Err(self.not_closed()),
            None => Err(self.unexpected()),
        }
    }

    /// Whether the tag ends here: how long its end is, and whether it has `~`.
    pub(super) fn end(&self) -> Option<(usize, bool)> {
        let all = &self.source[self.at..];
        let rest = all.strip_prefix('~').unwrap_or(all);
        let rest = match self.is_triple {
            true => {
                let rest = rest.strip_prefix('}')?;
                rest.strip_prefix('~').unwrap_or(rest)
            }
            false => rest,
        };
        let after = rest.strip_prefix(self.close)?;
        let len = all.len() - after.len();
        Some((len, all[..len].contains('~') && !self.close.contains('~')))
    }

    pub(super) fn odd(&mut self, kind: OddityKind, at: usize) {
        self.oddities.push(Oddity {
            kind,
            at: at as Offset,
        });
    }

    pub(super) fn odd_names(&mut self, hash: &[(Box<str>, Expression)], at: usize) {
        if !hash.is_empty() {
            self.odd(OddityKind::NamedArgument, at);
        }
    }

    pub(super) fn odd_arguments(&mut self, helper: Helper, count: usize, at: usize) {
        let (least, most) = helper.arguments();
        if !(least..=most).contains(&count) {
            self.odd(OddityKind::Arguments(helper), at);
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.source[self.at..].starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    pub(super) fn skip_space(&mut self) {
        let rest = &self.source[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn problem(&self, text: &str) -> Problem {
        Problem::new(self.at, text)
    }

    pub(super) fn not_closed(&self) -> Problem {
        let brace = if self.is_triple { "}" } else { "" };
        let text = format!("this tag is not closed with {brace}{}", self.close);
        Problem::new(self.tag_at, text)
    }

    pub(super) fn unexpected(&self) -> Problem {
        match self.peek() {
            Some(character) => self.problem(&format!("{character:?} cannot stand here")),
            None => self.not_closed(),
        }
    }
}

/// The name in `[a name]`, as a path has it; any other as it is.
fn without_brackets(word: &str) -> &str {
    let inner = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'));
    inner.filter(|inner| !inner.contains(']')).unwrap_or(word)
}

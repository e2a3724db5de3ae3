//! What the HTML between the tags asks for that the report does not do.

use super::element::{self, Treatment};
use super::{FindingKind, Findings, classes};
use crate::Template;
use crate::syntax::{BlockKind, Body, Node, Offset};

/// Classes that the report's style sheet knows, beside `data-column-1` to `data-column-100`.
const CLASSES: [&str; 4] = ["title", "summary-list", "data-table", "page-break"];

/// Attributes that lead somewhere.
const LINKS: [&str; 9] = [
    "src",
    "href",
    "xlink:href",
    "srcset",
    "background",
    "data",
    "poster",
    "action",
    "formaction",
];

/// Stands for a value in what is looked at.
pub(super) const VALUE: char = '\u{fffc}';
/// Stand for the beginning of a block, the beginning of its inverse, and its end. They are
/// noncharacters of Unicode, which no text has to have.
pub(super) const OPEN: char = '\u{fdd0}';
pub(super) const ELSE: char = '\u{fdd1}';
pub(super) const CLOSE: char = '\u{fdd2}';

fn is_mark(character: char) -> bool {
    matches!(character, VALUE | OPEN | ELSE | CLOSE)
}

/// The template's own characters with their places, and marks where tags stood: first those of all
/// that is shown where it stands, then those of each inline partial.
fn texts(template: &Template) -> Vec<Vec<(usize, char)>> {
    let mut texts = Vec::new();
    let mut bodies = vec![&template.body];
    while let Some(body) = bodies.pop() {
        let mut text = Text {
            source: &template.source,
            characters: Vec::new(),
            inlines: Vec::new(),
        };
        text.body(body);
        texts.push(text.characters);
        bodies.extend(text.inlines);
    }
    texts
}

struct Text<'t> {
    source: &'t str,
    characters: Vec<(usize, char)>,
    /// Bodies of inline partials that were come upon.
    inlines: Vec<&'t Body>,
}

impl<'t> Text<'t> {
    fn body(&mut self, body: &'t Body) {
        self.inlines
            .extend(body.inlines.iter().map(|inline| &inline.body));
        for node in &body.nodes {
            match node {
                Node::Text(range) => {
                    let text = self.source[range.clone()].char_indices();
                    self.characters.extend(text.map(|(at, character)| {
                        let is_like_a_mark = matches!(character, OPEN | ELSE | CLOSE);
                        let shown = if is_like_a_mark { VALUE } else { character };
                        (range.start + at, shown)
                    }));
                }
                Node::Show(show) => self.mark(show.at, VALUE),
                Node::Block(block) if block.kind == BlockKind::Value => {
                    self.mark(block.at, VALUE);
                    self.body(&block.body);
                    self.body(&block.inverse);
                    self.mark(block.at, VALUE);
                }
                Node::Block(block) => {
                    self.mark(block.at, OPEN);
                    self.body(&block.body);
                    self.mark(block.at, ELSE);
                    self.body(&block.inverse);
                    self.mark(block.at, CLOSE);
                }
                Node::Partial(partial) => {
                    self.mark(partial.at, VALUE);
                    if let Some(body) = &partial.block {
                        self.body(body);
                        self.mark(partial.at, VALUE);
                    }
                }
            }
        }
    }

    fn mark(&mut self, at: Offset, mark: char) {
        self.characters.push((at as usize, mark));
    }
}

pub(super) fn check(template: &Template, findings: &mut Findings<'_>) {
    for characters in texts(template) {
        let mut scanner = Scanner {
            characters: &characters,
            at: 0,
            findings,
        };
        scanner.all();
    }
}

struct Scanner<'c, 'f, 't> {
    characters: &'c [(usize, char)],
    at: usize,
    findings: &'f mut Findings<'t>,
}

impl Scanner<'_, '_, '_> {
    fn all(&mut self) {
        while let Some((at, character)) = self.next() {
            if character != '<' {
                continue;
            }
            if self.starts_with("!--") {
                // What is inside of a comment is evaluated, but not shown.
                self.skip_past("-->");
            } else if self.peek().is_some_and(|c| c.is_ascii_alphabetic()) {
                self.element(at);
            }
        }
    }

    fn element(&mut self, at: usize) {
        let name = self
            .word(|c| !c.is_whitespace() && !matches!(c, '>' | '/'))
            .to_lowercase();
        if !name.contains(is_mark) {
            self.treatment(at, &name);
        }
        self.attributes();
        if name == "plaintext" {
            self.at = self.characters.len();
        } else if element::is_raw(&name) {
            self.skip_past(&format!("</{name}"));
        }
    }

    fn treatment(&mut self, at: usize, name: &str) {
        let (kind, text) = match Treatment::of(name) {
            Treatment::LaidOut => return,
            Treatment::Text => (
                FindingKind::TextOnly,
                format!("<{name}> is laid out as its text only"),
            ),
            Treatment::ParagraphEnd => (
                FindingKind::TextOnly,
                format!("<{name}> ends a paragraph; no line is drawn"),
            ),
            Treatment::Never => (
                FindingKind::NeverInPdf,
                format!("<{name}> never reaches the PDF"),
            ),
        };
        self.findings.add(at, kind, text);
    }

    fn attributes(&mut self) {
        loop {
            self.word(|c| c.is_whitespace() || c == '/' || is_mark(c));
            match self.peek() {
                None => return,
                Some('>') => {
                    self.at += 1;
                    return;
                }
                Some(_) => {}
            }
            let at = self.place();
            let name = self.word(|c| !c.is_whitespace() && !matches!(c, '>' | '/' | '='));
            if name.is_empty() {
                // A stray `=`.
                self.at += 1;
                continue;
            }
            self.word(char::is_whitespace);
            let (first, value) = self.attribute_value();
            self.attribute(at, &name.to_lowercase(), first, &value);
        }
    }

    /// An attribute's value, and which of the characters is its first.
    fn attribute_value(&mut self) -> (usize, String) {
        if self.peek() != Some('=') {
            return (self.at, String::new());
        }
        self.at += 1;
        self.word(char::is_whitespace);
        match self.peek() {
            Some(quote @ ('"' | '\'')) => {
                self.at += 1;
                let first = self.at;
                let value = self.word(|c| c != quote);
                self.at += 1;
                (first, value)
            }
            _ => (self.at, self.word(|c| !c.is_whitespace() && c != '>')),
        }
    }

    fn attribute(&mut self, at: usize, name: &str, first: usize, value: &str) {
        if name.starts_with("on") {
            let text = format!("the event handler `{name}` never reaches the PDF");
            self.findings.add(at, FindingKind::NeverInPdf, text);
        }
        if LINKS.contains(&name) && leads_elsewhere(value) {
            let text = format!("`{name}` leads elsewhere; the PDF takes nothing from there");
            self.findings.add(at, FindingKind::NeverInPdf, text);
        }
        if name == "class" {
            self.classes(first, value);
        }
    }

    fn classes(&mut self, first: usize, value: &str) {
        let rest = self.characters.get(first..).unwrap_or_default();
        let value = rest.iter().copied().take(value.chars().count());
        for (at, class) in classes::possible(value) {
            let is_known = CLASSES.contains(&class.as_str())
                || class
                    .strip_prefix("data-column-")
                    .and_then(|percent| percent.parse().ok())
                    .is_some_and(|percent: u8| (1..=100).contains(&percent));
            if !is_known {
                let text = format!("the report's style sheet knows no class `{class}`");
                self.findings.add(at, FindingKind::UnknownClass, text);
            }
        }
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.characters.get(self.at).copied();
        self.at += 1;
        next
    }

    fn peek(&self) -> Option<char> {
        self.characters
            .get(self.at)
            .map(|(_, character)| *character)
    }

    fn place(&self) -> usize {
        let at = self.at.min(self.characters.len().saturating_sub(1));
        self.characters.get(at).map_or(0, |(place, _)| *place)
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.characters.get(self.at..).unwrap_or_default();
        let word: String = rest
            .iter()
            .map(|(_, c)| *c)
            .take_while(|character| belongs(*character))
            .collect();
        self.at += word.chars().count();
        word
    }

    fn starts_with(&self, text: &str) -> bool {
        let rest = self.characters.get(self.at..).unwrap_or_default();
        rest.len() >= text.chars().count()
            && rest
                .iter()
                .zip(text.chars())
                .all(|((_, c), t)| c.eq_ignore_ascii_case(&t))
    }

    fn skip_past(&mut self, text: &str) {
        while self.at < self.characters.len() && !self.starts_with(text) {
            self.at += 1;
        }
        self.at += text.chars().count();
    }
}

fn leads_elsewhere(url: &str) -> bool {
    let url = url.trim().to_lowercase();
    url.starts_with("//")
        || ["http:", "https:", "ftp:", "file:"]
            .iter()
            .any(|s| url.starts_with(s))
}

use std::cell::RefCell;
use std::path::Path;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{Rawtext, Rcdata, ScriptData};
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::failure::{Failure, guarded};
use super::words::{Placed, Words, show_text};
use crate::ReportError;
use crate::block::{Block, BlockSink, HeadingLevel};
use crate::limits::TEXT_PIECE_BYTES;

/// Shows the text of an HTML file. Nothing in it is run and nothing outside of it is read.
pub(super) fn show_html(sink: &mut dyn BlockSink, path: &Path) -> Result<(), Failure> {
    let mut words = Words::open(path)?;
    let pages = Pages::new(sink);
    let tokenizer = Tokenizer::new(pages, TokenizerOpts::default());
    loop {
        let piece = words
            .next()
            .map_err(|error| Failure::Report(ReportError::Read(error)))?;
        match piece {
            Some(piece) => feed(&tokenizer, piece)?,
            None => break,
        }
    }
    guarded(|| {
        tokenizer.end();
        Ok(())
    })?;
    tokenizer.sink.finish()
}

/// Shows the text of HTML that is held.
pub(super) fn show_html_text(sink: &mut dyn BlockSink, html: &str) -> Result<(), Failure> {
    let tokenizer = Tokenizer::new(Pages::new(sink), TokenizerOpts::default());
    let mut rest = html;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.floor_char_boundary(TEXT_PIECE_BYTES));
        feed(&tokenizer, now)?;
        rest = later;
    }
    guarded(|| {
        tokenizer.end();
        Ok(())
    })?;
    tokenizer.sink.finish()
}

fn feed(tokenizer: &Tokenizer<Pages<'_>>, piece: &str) -> Result<(), Failure> {
    guarded(|| {
        let queue = BufferQueue::default();
        queue.push_back(StrTendril::from_slice(piece));
        // A script's end stops the tokenizer, so that the script could be run.
        while !queue.is_empty() {
            let _ = tokenizer.feed(&queue);
        }
        Ok(())
    })?;
    match tokenizer.sink.state.borrow_mut().failed.take() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Takes the tokens of an HTML text and makes blocks of them.
struct Pages<'s> {
    state: RefCell<State<'s>>,
}

struct State<'s> {
    sink: &'s mut dyn BlockSink,
    text: String,
    kind: TextKind,
    /// Elements that are open whose content is not seen.
    unseen: Option<String>,
    preformatted: bool,
    /// Cells of the table row that is open.
    cells: usize,
    failed: Option<ReportError>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Paragraph,
    Item,
    Heading(HeadingLevel),
}

impl<'s> Pages<'s> {
    fn new(sink: &'s mut dyn BlockSink) -> Self {
        Self {
            state: RefCell::new(State {
                sink,
                text: String::new(),
                kind: TextKind::Paragraph,
                unseen: None,
                preformatted: false,
                cells: 0,
                failed: None,
            }),
        }
    }

    fn finish(&self) -> Result<(), Failure> {
        let mut state = self.state.borrow_mut();
        state.flush();
        match state.failed.take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

impl TokenSink for Pages<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::CharacterTokens(text) => state.push(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return state.start(&tag),
            Token::TagToken(tag) => state.end(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl State<'_> {
    fn push(&mut self, text: &str) {
        if self.unseen.is_some() {
            return;
        }
        if self.preformatted {
            self.text.push_str(text);
        } else {
            for character in text.chars() {
                if !character.is_ascii_whitespace() {
                    self.text.push(character);
                } else if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
                    self.text.push(' ');
                }
            }
        }
    }

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        match &*tag.name {
            "script" => return self.unseen(tag, ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                return self.unseen(tag, Rawtext);
            }
            "title" => {
                self.begin(TextKind::Heading(HeadingLevel::Three));
                return TokenSinkResult::RawData(Rcdata);
            }
            "textarea" => return TokenSinkResult::RawData(Rcdata),
            "h1" | "h2" => self.begin(TextKind::Heading(HeadingLevel::Three)),
            "h3" => self.begin(TextKind::Heading(HeadingLevel::Four)),
            "h4" | "h5" | "h6" => self.begin(TextKind::Heading(HeadingLevel::Five)),
            "li" => self.begin(TextKind::Item),
            "br" => self.text.push('\n'),
            "pre" => {
                self.begin(TextKind::Paragraph);
                self.preformatted = true;
            }
            "tr" => {
                self.begin(TextKind::Paragraph);
                self.cells = 0;
            }
            "td" | "th" => {
                if self.cells > 0 {
                    self.text.push_str(" | ");
                }
                self.cells += 1;
            }
            "img" | "input" => self.attribute(tag),
            name if is_block(name) => self.begin(TextKind::Paragraph),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn unseen(
        &mut self,
        tag: &Tag,
        raw: html5ever::tokenizer::states::RawKind,
    ) -> TokenSinkResult<()> {
        if tag.self_closing {
            return TokenSinkResult::Continue;
        }
        self.unseen = Some(tag.name.to_string());
        TokenSinkResult::RawData(raw)
    }

    /// What an element shows that has no text inside.
    fn attribute(&mut self, tag: &Tag) {
        let wanted = if &*tag.name == "img" { "alt" } else { "value" };
        let shown = tag.attrs.iter().find(|a| &*a.name.local == wanted);
        if let Some(text) = shown.filter(|a| !a.value.trim().is_empty()) {
            let text = format!(" [{}] ", text.value.trim());
            self.push(&text);
        }
    }

    fn end(&mut self, tag: &Tag) {
        if let Some(unseen) = &self.unseen {
            if *unseen == *tag.name {
                self.unseen = None;
            }
            return;
        }
        match &*tag.name {
            "pre" => {
                self.begin(TextKind::Paragraph);
                self.preformatted = false;
            }
            "title" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.begin(TextKind::Paragraph);
            }
            name if is_block(name) => self.begin(TextKind::Paragraph),
            _ => {}
        }
    }

    fn begin(&mut self, kind: TextKind) {
        self.flush();
        self.kind = kind;
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim_matches(['\n', ' ']);
        if text.is_empty() || self.failed.is_some() {
            return;
        }
        let shown = match self.kind {
            TextKind::Heading(level) if text.len() <= TEXT_PIECE_BYTES => {
                self.sink.block(Block::Heading { level, text })
            }
            TextKind::Item => show_text(self.sink, Placed::Item, text),
            _ => show_text(self.sink, Placed::Paragraph { indent: 0 }, text),
        };
        self.failed = shown.err();
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "header"
            | "hr"
            | "legend"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "ul"
    )
}

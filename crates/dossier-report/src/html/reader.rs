use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tokenizer, TokenizerOpts};

use super::bounds::Bounded;
use super::guard::AttributeGuard;
use super::section::SectionBuilder;
use super::tree::{Event, Reach, Tree};
use crate::attachment::{Failure, guarded};
use crate::limits::{
    HTML_FORCED_BYTES, HTML_FORCED_NODES, HTML_WALKED_BYTES, HTML_WALKED_NODES, TEXT_PIECE_BYTES,
};

/// Parses a text that comes in pieces, and has blocks made of what is complete.
pub(super) struct Reader<'c, 'a, 'f> {
    guard: AttributeGuard,
    tokenizer: Tokenizer<Bounded>,
    builder: SectionBuilder<'c, 'a, 'f>,
}

impl<'c, 'a, 'f> Reader<'c, 'a, 'f> {
    pub fn new(builder: SectionBuilder<'c, 'a, 'f>) -> Self {
        Self {
            guard: AttributeGuard::new(),
            tokenizer: Tokenizer::new(Bounded::new(Tree::new()), TokenizerOpts::default()),
            builder,
        }
    }

    /// Takes the next piece of the text.
    pub fn push(&mut self, piece: &str) -> Result<(), Failure> {
        let mut rest = piece;
        while !rest.is_empty() {
            let end = rest.floor_char_boundary(TEXT_PIECE_BYTES);
            let (now, later) = rest.split_at(end);
            if let Err(failure) = self.parse(now) {
                // What is on the page already has to come to an end.
                self.builder.finish()?;
                return Err(failure);
            }
            self.walk_on()?;
            rest = later;
        }
        Ok(())
    }

    fn parse(&mut self, piece: &str) -> Result<(), Failure> {
        let piece = self.guard.pass(piece);
        let tokenizer = &self.tokenizer;
        guarded(|| {
            let queue = BufferQueue::default();
            queue.push_back(StrTendril::from_slice(&piece));
            // A script's end stops the tokenizer, so that the script could be run.
            while !queue.is_empty() {
                let _ = tokenizer.feed(&queue);
            }
            Ok(())
        })
    }

    /// Makes blocks once enough is held: until then the parser may rearrange all of it.
    fn walk_on(&mut self) -> Result<(), Failure> {
        let (nodes, bytes) = self.tree().held();
        if nodes < HTML_WALKED_NODES && bytes < HTML_WALKED_BYTES {
            return Ok(());
        }
        self.walk(Reach::Settled)?;
        let (nodes, bytes) = self.tree().held();
        if nodes >= HTML_FORCED_NODES || bytes >= HTML_FORCED_BYTES {
            self.walk(Reach::Forced)?;
        }
        Ok(())
    }

    fn tree(&self) -> &Tree {
        self.tokenizer.sink.tree()
    }

    fn walk(&mut self, reach: Reach) -> Result<(), Failure> {
        while let Some(event) = self.tokenizer.sink.tree().step(reach) {
            match event {
                Event::Start(name, marks) => self.builder.start(&name, marks)?,
                Event::Text(text) => self.builder.text(&text)?,
                Event::End => self.builder.end()?,
            }
        }
        Ok(())
    }

    /// Makes blocks of what is left; returns whether there was anything to show.
    pub fn finish(mut self) -> Result<bool, Failure> {
        let tokenizer = &self.tokenizer;
        let ended = guarded(|| {
            tokenizer.end();
            Ok(())
        });
        if ended.is_ok() {
            self.walk(Reach::All)?;
        }
        let shown = self.builder.finish()?;
        ended.map(|()| shown)
    }
}

use std::ops::Range;

use crate::block::Text;

/// What white space means in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spaces {
    /// Any of it is one space (CSS 2.1, 16.6.1, `normal`).
    Folded,
    /// Lines end where they do, any other is one space (`pre-line`).
    Lines,
    /// It stands as it is (`pre`).
    Kept,
}

/// The text of a paragraph or a cell while it comes.
#[derive(Default)]
pub(super) struct Prose {
    text: String,
    bold: Vec<Range<usize>>,
    /// What is put before the next word, if there is one.
    lead: Option<String>,
    /// The last character that went away with a piece.
    before: Option<char>,
}

impl Prose {
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is nothing to be seen.
    pub fn is_blank(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }

    /// Whether these words are the last ones.
    pub fn ends_with(&self, words: &str) -> bool {
        self.text.trim_end().ends_with(words)
    }

    /// Has these characters stand before what comes next.
    pub fn lead_with(&mut self, lead: String) {
        self.lead = Some(lead);
    }

    pub fn forget_lead(&mut self) {
        self.lead = None;
    }

    fn last(&self) -> Option<char> {
        self.text.chars().next_back().or(self.before)
    }

    pub fn push(&mut self, text: &str, spaces: Spaces, bold: bool) {
        if spaces == Spaces::Kept {
            if !text.is_empty() {
                self.show(text, bold);
            }
            return;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest
                .find(|c: char| c.is_ascii_whitespace())
                .unwrap_or(rest.len());
            if word > 0 {
                self.show(&rest[..word], bold);
            }
            rest = &rest[word..];
            let gap = rest
                .find(|c: char| !c.is_ascii_whitespace())
                .unwrap_or(rest.len());
            let (white, behind) = rest.split_at(gap);
            rest = behind;
            if white.is_empty() {
                continue;
            }
            if spaces == Spaces::Lines && white.contains(['\n', '\r']) {
                self.new_line();
            } else if !matches!(self.last(), None | Some(' ' | '\n')) {
                self.show(" ", bold);
            }
        }
    }

    fn show(&mut self, text: &str, bold: bool) {
        if let Some(lead) = self.lead.take_if(|_| !text.trim_ascii().is_empty()) {
            self.text.push_str(&lead);
        }
        let start = self.text.len();
        self.text.push_str(text);
        if !bold {
            return;
        }
        match self.bold.last_mut() {
            Some(range) if range.end == start => range.end = self.text.len(),
            _ => self.bold.push(start..self.text.len()),
        }
    }

    /// Ends a line, also an empty one.
    pub fn new_line(&mut self) {
        self.cut(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Ends the line if anything is on it.
    pub fn end_line(&mut self) {
        self.cut(self.text.trim_end_matches(' ').len());
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn cut(&mut self, length: usize) {
        self.text.truncate(length);
        while let Some(range) = self.bold.last_mut() {
            range.end = range.end.min(length);
            if range.start < range.end {
                break;
            }
            self.bold.pop();
        }
    }

    /// Whether all that can be seen is bold.
    pub fn is_bold(&self) -> bool {
        let mut at = 0;
        let plain = |text: &str| text.chars().all(char::is_whitespace);
        for range in &self.bold {
            if !plain(&self.text[at..range.start]) {
                return false;
            }
            at = range.end;
        }
        at > 0 && plain(&self.text[at..])
    }

    pub fn text(&self) -> Text<'_> {
        Text {
            text: &self.text,
            bold: &self.bold,
        }
    }

    /// Takes the text so far; more of it follows.
    pub fn take_piece(&mut self) -> Self {
        let before = self.last();
        let piece = std::mem::take(self);
        self.before = before;
        piece
    }

    /// Takes the text without the empty lines around it.
    pub fn take(&mut self) -> Self {
        let mut taken = std::mem::take(self);
        taken.cut(taken.text.trim_end_matches([' ', '\n']).len());
        let start = taken.text.len() - taken.text.trim_start_matches('\n').len();
        if start > 0 {
            taken.text.drain(..start);
            for range in &mut taken.bold {
                *range = range.start.saturating_sub(start)..range.end - start;
            }
        }
        taken
    }

    pub fn into_parts(self) -> (String, Vec<Range<usize>>) {
        (self.text, self.bold)
    }

    /// Adds another text on a line of its own.
    pub fn add(&mut self, other: &Self) {
        self.end_line();
        let shift = self.text.len();
        self.text.push_str(&other.text);
        let bold = other.bold.iter();
        self.bold
            .extend(bold.map(|range| range.start + shift..range.end + shift));
    }
}

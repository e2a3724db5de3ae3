//! Line breaking: UAX #14 opportunities, greedy filling, UAX #9 order.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use unicode_bidi::{BidiInfo, Level, ParagraphInfo};
use unicode_linebreak::{BreakOpportunity, linebreaks};

use super::emphasis::{Emphasis, joined, shape_part};
use super::shape::{BESIDE, Shaped, Shaper, StyleId, clings, push_move};
use crate::block::Text;
use crate::limits::LINE_BYTES_MAX;

const LINE_ENDS: [char; 7] = [
    '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
];

/// ZERO WIDTH NON-JOINER, common in Persian.
const NON_JOINER: char = '\u{200c}';

/// SOFT HYPHEN: seen only where a line ends at it.
const SOFT_HYPHEN: char = '\u{ad}';

/// Above this a word is broken without trying whether it fits, bytes.
const WORD_BYTES_TRIED: usize = 1_024;

/// One line, as bytes of its [`Lines`].
#[derive(Clone, Debug)]
pub(crate) struct Line {
    bytes: Range<usize>,
    /// Width in points.
    pub width: f32,
    /// Whether the line belongs to a paragraph that is written from right to left.
    pub right_to_left: bool,
    /// Characters in it that cannot be shown.
    pub unsupported: u32,
}

/// Lines that were laid out, and the operators that show them.
#[derive(Default, Debug)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

impl Lines {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Line, &[u8])> + Clone {
        self.lines
            .iter()
            .map(|line| (line, &self.bytes[line.bytes.clone()]))
    }

    /// Adds the lines of another text below.
    pub fn append(&mut self, other: &Self) {
        let shift = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.lines.extend(other.lines.iter().map(|line| Line {
            bytes: line.bytes.start + shift..line.bytes.end + shift,
            ..line.clone()
        }));
    }

    /// Ends the last line with a space, for a text that goes on elsewhere.
    pub fn end_with_space(&mut self, shaper: &mut Shaper<'_>, style: StyleId) {
        if let Some(line) = self.lines.last_mut() {
            self.bytes.truncate(line.bytes.end);
            self.bytes.extend_from_slice(&shaper.space(style).body);
            line.bytes.end = self.bytes.len();
        }
    }

    pub fn truncate(&mut self, lines: usize) {
        self.lines.truncate(lines);
    }

    /// Shows the space at which a line ends, so that its last word and the next line's first are
    /// two words to those who do not see the lines (ISO 32000-1, 14.8.2.5).
    fn end_word(&mut self, space: &Shaped) {
        self.bytes.extend_from_slice(&space.body);
    }

    fn end_line(&mut self, draft: &mut LineDraft, right_to_left: bool) {
        let blank = draft.start == self.bytes.len();
        let after_blank = self.lines.last().is_none_or(|line| line.bytes.is_empty());
        if !(blank && after_blank) {
            self.lines.push(Line {
                bytes: draft.start..self.bytes.len(),
                width: draft.width,
                right_to_left,
                unsupported: draft.unsupported,
            });
        }
        *draft = LineDraft::at(self.bytes.len());
    }
}

/// The line that is being filled.
struct LineDraft {
    start: usize,
    width: f32,
    unsupported: u32,
}

impl LineDraft {
    fn at(start: usize) -> Self {
        Self {
            start,
            width: 0.0,
            unsupported: 0,
        }
    }
}

/// Lays out one text in a column, piece by piece where the text is long.
pub(crate) struct TextFlow {
    style: StyleId,
    width: f32,
    carry: String,
    /// Which parts of it are bold.
    carry_bold: Vec<Range<usize>>,
    /// The level of a paragraph whose beginning is laid out already.
    open_level: Option<Level>,
}

impl TextFlow {
    /// A text in a column of `width` points.
    pub fn new(style: StyleId, width: f32) -> Self {
        Self {
            style,
            width,
            carry: String::new(),
            carry_bold: Vec::new(),
            open_level: None,
        }
    }

    /// Lays out a whole text.
    pub fn all(shaper: &mut Shaper<'_>, text: &str, style: StyleId, width: f32) -> Lines {
        let mut lines = Lines::default();
        Self::new(style, width).finish(shaper, text.into(), &mut lines);
        lines
    }

    /// Lays out a piece; what may belong to an unfinished line is kept back.
    pub fn push(&mut self, shaper: &mut Shaper<'_>, piece: Text<'_>, lines: &mut Lines) {
        let bold = joined(
            std::mem::take(&mut self.carry_bold),
            self.carry.len(),
            piece,
        );
        self.carry.push_str(piece.text);
        let text = std::mem::take(&mut self.carry);
        let (shown, bold) = showable(&text, Cow::Owned(bold));
        let emphasis = Emphasis {
            text: &shown,
            bold: &bold,
        };
        let rest = self.lay_out(shaper, emphasis, lines, false);
        self.carry = shown[rest..].to_owned();
        self.carry_bold = emphasis.from(rest);
    }

    /// Lays out the last piece.
    pub fn finish(mut self, shaper: &mut Shaper<'_>, piece: Text<'_>, lines: &mut Lines) {
        let (whole, bold) = if self.carry.is_empty() {
            (Cow::Borrowed(piece.text), Cow::Borrowed(piece.bold))
        } else {
            let bold = joined(
                std::mem::take(&mut self.carry_bold),
                self.carry.len(),
                piece,
            );
            self.carry.push_str(piece.text);
            (
                Cow::Owned(std::mem::take(&mut self.carry)),
                Cow::Owned(bold),
            )
        };
        let (shown, bold) = showable(&whole, bold);
        let emphasis = Emphasis {
            text: &shown,
            bold: &bold,
        };
        self.lay_out(shaper, emphasis, lines, true);
    }

    fn lay_out(
        &mut self,
        shaper: &mut Shaper<'_>,
        emphasis: Emphasis<'_>,
        lines: &mut Lines,
        last: bool,
    ) -> usize {
        let rest = if self.open_level.is_some() || has_right_to_left(emphasis.text) {
            self.lay_out_mixed(shaper, emphasis, lines, last)
        } else {
            self.lay_out_left_to_right(shaper, emphasis, lines, last)
        };
        while last && lines.lines.last().is_some_and(|line| line.bytes.is_empty()) {
            lines.lines.pop();
        }
        rest
    }

    /// Returns where the unfinished line starts.
    fn lay_out_left_to_right(
        &self,
        shaper: &mut Shaper<'_>,
        emphasis: Emphasis<'_>,
        lines: &mut Lines,
        last: bool,
    ) -> usize {
        let text = emphasis.text;
        let space = shaper.space(self.style);
        let mut draft = LineDraft::at(lines.bytes.len());
        let mut line_start = 0;
        let mut spaces = 0;
        let mut at = 0;
        // Where the last word's bytes begin, and its place in the text.
        let mut shown_last = (draft.start, 0..0);
        for (end, opportunity) in linebreaks(text) {
            let segment = &text[at..end];
            let inner = segment.trim_end_matches(LINE_ENDS);
            let word = inner.trim_end_matches(' ');
            if !word.is_empty() {
                let gap = (spaces as f32 * space.width).min(self.width / 2.0);
                let mut tail = at..at + word.len();
                if tail.len() <= WORD_BYTES_TRIED {
                    let shaped = shape_part(shaper, emphasis, tail.clone(), self.style, false);
                    if draft.width > 0.0 && draft.width + gap + shaped.width > self.width {
                        if spaces > 0 {
                            lines.end_word(&space);
                        } else if text[..at].ends_with(SOFT_HYPHEN) {
                            // The hyphen that is seen stands for the one that is not.
                            let (start, part) = shown_last.clone();
                            let part = part.start..part.end - SOFT_HYPHEN.len_utf8();
                            let shaped = shape_part(shaper, emphasis, part, self.style, false);
                            let hyphen = shaper.soft_hyphen(self.style);
                            lines.bytes.truncate(start);
                            lines.bytes.extend_from_slice(&shaped.body);
                            lines.bytes.extend_from_slice(&hyphen.body);
                            draft.width += hyphen.width;
                        }
                        lines.end_line(&mut draft, false);
                        line_start = at;
                        spaces = 0;
                    }
                    let gap = if spaces == 0 { 0.0 } else { gap };
                    if draft.width + gap + shaped.width <= self.width {
                        let shown = if gap == 0.0 {
                            0
                        } else {
                            (gap / space.width) as usize
                        };
                        for _ in 0..shown {
                            lines.bytes.extend_from_slice(&space.body);
                        }
                        shown_last = (lines.bytes.len(), tail.clone());
                        lines.bytes.extend_from_slice(&shaped.body);
                        draft.width += shown as f32 * space.width + shaped.width;
                        draft.unsupported += shaped.unsupported;
                        tail.start = tail.end;
                    }
                }
                if !tail.is_empty() {
                    if draft.width > 0.0 {
                        if spaces > 0 {
                            lines.end_word(&space);
                        }
                        lines.end_line(&mut draft, false);
                    }
                    line_start = at;
                    while !tail.is_empty() {
                        let cut =
                            fitting_prefix(shaper, emphasis, tail.clone(), self.style, self.width);
                        let part = tail.start..tail.start + cut;
                        let shaped = shape_part(shaper, emphasis, part.clone(), self.style, false);
                        shown_last = (lines.bytes.len(), part);
                        lines.bytes.extend_from_slice(&shaped.body);
                        draft.width += shaped.width;
                        draft.unsupported += shaped.unsupported;
                        tail.start += cut;
                        if !tail.is_empty() {
                            lines.end_line(&mut draft, false);
                            line_start += cut;
                        }
                    }
                }
                spaces = 0;
            }
            spaces += inner.len() - word.len();
            if opportunity == BreakOpportunity::Mandatory && inner.len() < segment.len() {
                if draft.width > 0.0 {
                    lines.end_word(&space);
                }
                lines.end_line(&mut draft, false);
                spaces = 0;
                line_start = end;
            } else if end - line_start > LINE_BYTES_MAX
                && (inner.len() > word.len() || end < text.len())
            {
                if draft.width > 0.0 && spaces > 0 {
                    lines.end_word(&space);
                }
                lines.end_line(&mut draft, false);
                spaces = 0;
                line_start = end;
            }
            at = end;
        }
        if last {
            if draft.start < lines.bytes.len() || lines.lines.is_empty() {
                lines.end_line(&mut draft, false);
            }
            return text.len();
        }
        lines.bytes.truncate(draft.start);
        line_start
    }

    /// Returns where the unfinished line starts.
    fn lay_out_mixed(
        &mut self,
        shaper: &mut Shaper<'_>,
        emphasis: Emphasis<'_>,
        lines: &mut Lines,
        last: bool,
    ) -> usize {
        let text = emphasis.text;
        let first_level = self.open_level.take();
        let info = BidiInfo::new(text, None);
        let forced = first_level.map(|level| BidiInfo::new(text, Some(level)));
        let paragraphs = info.paragraphs.len();
        for (index, paragraph) in info.paragraphs.iter().enumerate() {
            let (info, paragraph) = match (&forced, index) {
                (Some(forced), 0) => (forced, &forced.paragraphs[0]),
                _ => (&info, paragraph),
            };
            let ranges = self.line_ranges(shaper, emphasis, info, paragraph);
            let ended = text[paragraph.range.clone()].ends_with(LINE_ENDS);
            let unfinished = !last && index + 1 == paragraphs && !ended;
            let whole = ranges.len() - usize::from(unfinished && !ranges.is_empty());
            for range in &ranges[..whole] {
                self.show_mixed(shaper, emphasis, info, paragraph, range.clone(), lines);
            }
            if unfinished {
                self.open_level = Some(paragraph.level);
                return ranges.last().map_or(paragraph.range.start, |r| r.start);
            }
        }
        text.len()
    }

    fn line_ranges(
        &self,
        shaper: &mut Shaper<'_>,
        emphasis: Emphasis<'_>,
        info: &BidiInfo<'_>,
        paragraph: &ParagraphInfo,
    ) -> Vec<Range<usize>> {
        let text = emphasis.text;
        let space = shaper.space(self.style).width;
        let base = paragraph.range.start;
        let mut ranges = Vec::new();
        let mut line_start = base;
        let mut width = 0.0;
        let mut gap = 0.0;
        let mut at = base;
        for (end, opportunity) in linebreaks(&text[paragraph.range.clone()]) {
            let end = base + end;
            let segment = &text[at..end];
            let inner = segment.trim_end_matches(LINE_ENDS);
            let word = inner.trim_end_matches(' ');
            let mut word_width = self.measure(shaper, emphasis, info, at..at + word.len());
            let is_full = width > 0.0 && width + gap + word_width > self.width;
            if is_full || (at > line_start && end - line_start > LINE_BYTES_MAX) {
                ranges.push(line_start..at);
                line_start = at;
                width = 0.0;
                gap = 0.0;
            }
            while word_width > self.width {
                let cut = fitting_prefix(
                    shaper,
                    emphasis,
                    line_start..at + word.len(),
                    self.style,
                    self.width,
                );
                if line_start + cut >= at + word.len() {
                    break;
                }
                ranges.push(line_start..line_start + cut);
                line_start += cut;
                word_width = self.measure(shaper, emphasis, info, line_start..at + word.len());
            }
            width += gap + word_width;
            gap = (inner.len() - word.len()) as f32 * space;
            let is_ended =
                opportunity == BreakOpportunity::Mandatory && inner.len() < segment.len();
            let is_long = inner.len() > word.len() && end - line_start > LINE_BYTES_MAX;
            if is_ended || is_long {
                ranges.push(line_start..end);
                line_start = end;
                width = 0.0;
                gap = 0.0;
            }
            at = end;
        }
        if line_start < paragraph.range.end {
            ranges.push(line_start..paragraph.range.end);
        }
        ranges
    }

    fn measure(
        &self,
        shaper: &mut Shaper<'_>,
        emphasis: Emphasis<'_>,
        info: &BidiInfo<'_>,
        range: Range<usize>,
    ) -> f32 {
        if range.len() > WORD_BYTES_TRIED {
            return f32::INFINITY;
        }
        let mut width = 0.0;
        let mut start = range.start;
        while start < range.end {
            let level = info.levels[start];
            let end = (start..range.end)
                .find(|at| info.levels[*at] != level)
                .unwrap_or(range.end);
            width += shape_part(shaper, emphasis, start..end, self.style, level.is_rtl()).width;
            start = end;
        }
        width
    }

    fn show_mixed(
        &self,
        shaper: &mut Shaper<'_>,
        emphasis: Emphasis<'_>,
        info: &BidiInfo<'_>,
        paragraph: &ParagraphInfo,
        range: Range<usize>,
        lines: &mut Lines,
    ) {
        let text = emphasis.text;
        let shown = text[range.clone()].trim_end_matches(LINE_ENDS);
        let shown = range.start..range.start + shown.trim_end_matches(' ').len();
        let ends_a_word = shown.end < range.end;
        let goes_on = range.end < paragraph.range.end;
        let hyphenated = goes_on && text[range].ends_with(SOFT_HYPHEN);
        let line_end = shown.end;
        let mut draft = LineDraft::at(lines.bytes.len());
        let mut placed = Vec::new();
        if !shown.is_empty() {
            let (levels, runs) = info.visual_runs(paragraph, shown);
            for run in runs {
                let right_to_left = levels[run.start].is_rtl();
                let mut words = run;
                let ends_line = hyphenated && words.end == line_end;
                if ends_line {
                    words.end -= SOFT_HYPHEN.len_utf8();
                }
                let first = placed.len();
                self.find_words(shaper, emphasis, words, right_to_left, &mut placed);
                if ends_line {
                    placed.push(PlacedWord {
                        at: line_end,
                        x: 0.0,
                        right_to_left: false,
                        shaped: Rc::new(shaper.soft_hyphen(self.style)),
                    });
                }
                if right_to_left {
                    placed[first..].reverse();
                }
                for word in &mut placed[first..] {
                    word.x = draft.width;
                    draft.width += word.shaped.width;
                }
            }
        }
        // Shown in the order of reading, which is also the order of extracted text.
        placed.sort_by_key(|word| word.at);
        let size = self.style.style().size;
        let mut pen = 0.0;
        for word in &placed {
            // A word moves from where it begins to be read to where it ends.
            let (begin, width) = match word.right_to_left {
                true if word.shaped.width == 0.0 => (word.x - BESIDE * size / 1000.0, 0.0),
                true => (word.x + word.shaped.width, -word.shaped.width),
                false => (word.x, word.shaped.width),
            };
            let shift = ((begin - pen) * 1000.0 / size).round();
            if shift != 0.0 {
                push_move(&mut lines.bytes, shift, word.right_to_left);
            }
            lines.bytes.extend_from_slice(&word.shaped.body);
            pen += shift * size / 1000.0 + width;
            draft.unsupported += word.shaped.unsupported;
        }
        if !placed.is_empty() && ends_a_word {
            let space = shaper.space(self.style);
            let x = match paragraph.level.is_rtl() {
                true => -space.width,
                false => draft.width,
            };
            let shift = ((x - pen) * 1000.0 / size).round();
            if shift != 0.0 {
                push_move(&mut lines.bytes, shift, paragraph.level.is_rtl());
            }
            lines.end_word(&space);
        }
        lines.end_line(&mut draft, paragraph.level.is_rtl());
    }

    /// Finds a run's words, in the order of reading.
    fn find_words(
        &self,
        shaper: &mut Shaper<'_>,
        emphasis: Emphasis<'_>,
        run: Range<usize>,
        right_to_left: bool,
        placed: &mut Vec<PlacedWord>,
    ) {
        let space = shaper.space(self.style);
        let mut at = run.start;
        // A non-joiner parts a word's joined letters; on its own it does not disturb extraction.
        for segment in emphasis.text[run].split_inclusive([' ', NON_JOINER]) {
            let word = segment.trim_end_matches([' ', NON_JOINER]);
            if !word.is_empty() {
                let part = at..at + word.len();
                let shaped = shape_part(shaper, emphasis, part, self.style, right_to_left);
                placed.push(PlacedWord {
                    at,
                    x: 0.0,
                    right_to_left,
                    shaped,
                });
            }
            let (shaped, right_to_left) = match &segment[word.len()..] {
                "" => (None, right_to_left),
                " " => (Some(Rc::clone(&space)), false),
                mark => {
                    let mark = shaper.shape(mark, self.style, right_to_left);
                    (Some(mark), right_to_left)
                }
            };
            placed.extend(shaped.map(|shaped| PlacedWord {
                at: at + word.len(),
                x: 0.0,
                right_to_left,
                shaped,
            }));
            at += segment.len();
        }
    }
}

/// A word and its place in a line.
struct PlacedWord {
    /// Where it stands in the text, bytes.
    at: usize,
    /// Points from the line's left end.
    x: f32,
    /// Whether it moves from its right end to its left end.
    right_to_left: bool,
    shaped: Rc<Shaped>,
}

/// How many bytes of a word fit into a line; at least one character, with its marks unless those
/// pass [`LINE_BYTES_MAX`].
fn fitting_prefix(
    shaper: &mut Shaper<'_>,
    emphasis: Emphasis<'_>,
    part: Range<usize>,
    style: StyleId,
    width: f32,
) -> usize {
    let word = &emphasis.text[part.clone()];
    let mut guess = 0.0;
    let mut ends: Vec<usize> = Vec::new();
    let mut is_whole = true;
    for (at, c) in word.char_indices() {
        let is_long = at + c.len_utf8() > LINE_BYTES_MAX;
        let may_end = at > 0 && !clings(c);
        if may_end || (is_long && ends.is_empty()) {
            ends.push(at);
        }
        if is_long || (may_end && guess > width) {
            is_whole = false;
            break;
        }
        guess += shaper.nominal_width(c, style);
    }
    if is_whole {
        ends.push(word.len());
    }
    let fits = |end: usize| {
        let prefix = part.start..part.start + ends[end];
        shape_part(shaper, emphasis, prefix, style, false).width <= width
    };
    let fitting = longest_fitting(ends.len(), fits);
    ends.get(fitting).copied().unwrap_or(word.len())
}

/// The last of so many ends that fits, or the first if none does. The guess that led to them is
/// good, so it is looked for from the back, in steps that grow.
fn longest_fitting(ends: usize, mut fits: impl FnMut(usize) -> bool) -> usize {
    let mut too_long = ends;
    let mut fitting = 0;
    let mut step = 1;
    while too_long > fitting + 1 {
        let tried = too_long.saturating_sub(step).max(fitting + 1);
        if fits(tried) {
            fitting = tried;
            break;
        }
        too_long = tried;
        step *= 2;
    }
    while too_long > fitting + 1 {
        let tried = fitting + (too_long - fitting) / 2;
        if fits(tried) {
            fitting = tried;
        } else {
            too_long = tried;
        }
    }
    fitting
}

/// The text with what cannot be shown replaced by what can: tabs by spaces, the control characters
/// of ASCII by their Unicode pictures; and which parts of it are bold. The other control characters,
/// mostly printable ones of Windows-1252 that were read as ISO 8859-1, are characters without a font.
fn showable<'t>(
    text: &'t str,
    bold: Cow<'t, [Range<usize>]>,
) -> (Cow<'t, str>, Cow<'t, [Range<usize>]>) {
    let plain = |c: char| !c.is_ascii_control() || LINE_ENDS.contains(&c);
    if text.chars().all(plain) {
        return (Cow::Borrowed(text), bold);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut emphasised = Vec::with_capacity(bold.len());
    let mut ranges = bold.iter().peekable();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if ranges.peek().is_some_and(|range| range.start == at) {
            start = shown.len();
        }
        match c {
            '\t' => shown.push_str("    "),
            c if plain(c) => shown.push(c),
            '\u{7f}' => shown.push('\u{2421}'),
            c if c < ' ' => shown.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            _ => shown.push('\u{fffd}'),
        }
        let end = at + c.len_utf8();
        if ranges.next_if(|range| range.end == end).is_some() {
            emphasised.push(start..shown.len());
        }
    }
    (Cow::Owned(shown), Cow::Owned(emphasised))
}

/// Whether the order of writing is anything but plainly left to right.
fn has_right_to_left(text: &str) -> bool {
    !text.is_ascii()
        && text.chars().any(|c| {
            matches!(c,
                '\u{590}'..='\u{8ff}'
                | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{fb1d}'..='\u{fdff}'
                | '\u{fe70}'..='\u{feff}'
                | '\u{10800}'..='\u{10fff}'
                | '\u{1e800}'..='\u{1efff}')
        })
}

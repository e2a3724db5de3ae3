//! Shaping: from a word to the operators that show it, remembered for the next time.
//!
//! A shaped word is kept as the inside of a PDF text-showing string: it starts and ends within
//! `[(` … `)]TJ` in its style's first face and without rise, so that a line is its words' bytes put
//! one after the other. One that is written from left to right moves from its left end to its
//! right end; one that is written from right to left moves from its right end to its left end.
//!
//! Glyphs of right-to-left text are shown in the order of reading, each moved back behind the one
//! before it. Shown from left to right they would be a move a word and not one a letter, but a
//! page's content would spell every word backwards (ISO 32000-1, 14.8.2.3.3), and a reader that goes
//! by the structure would find it so: `pdfinfo -struct-text` heeds neither `ReversedChars` nor
//! `ActualText`. `ActualText` of whole words is no way out: `pdftotext` and MuPDF, which sort
//! letters by their places, turn it round. In the order of reading, with a place for each letter,
//! the text is right in all three. PDFium takes each operation that shows text for a piece and turns
//! a piece of right-to-left letters round, so that each letter is an operation of its own. (It passes
//! over what has no width, and so loses the first letter of a ligature.)

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use harfrust::{Buffer, ClusterLevel, Direction, Script, ShapeOptions, ShapePlan, ShaperFont};
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use super::fonts::{FaceId, FaceWeight, Fonts};
use super::glyph_use::GlyphUse;
use crate::limits::{
    CACHED_WORD_BYTES_MAX, CACHED_WORDS_MAX, MARKS_ON_BASE_MAX, MARKS_STACKED_MAX, SHAPED_CHARS_MAX,
};
use crate::pdf::{push_number, push_text};

/// A role that text plays on a page; it decides weight, size and distance of lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StyleId {
    Body,
    Name,
    Cell,
    CellHeader,
    Small,
    Title,
    Heading2,
    Heading3,
    Heading4,
    Heading5,
    /// A bold part of a body text.
    BodyStrong,
    /// A bold part of a cell's text.
    CellStrong,
}

/// Shown in place of a character that no font has, and of the marks that a letter has too many of;
/// Noto Sans has it.
const REPLACEMENT: char = '\u{fffd}';

/// Ascent above a baseline as a part of the leading.
const BASELINE: f32 = 0.75;

const STYLES: usize = StyleId::CellStrong as usize + 1;

/// How a [`StyleId`] looks; lengths in points.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub bold: bool,
    pub size: f32,
    pub leading: f32,
}

impl StyleId {
    pub fn style(self) -> Style {
        let (bold, size, leading) = match self {
            Self::Body => (false, 10.5, 15.0),
            Self::Name | Self::BodyStrong => (true, 10.5, 15.0),
            Self::Cell => (false, 9.5, 13.0),
            Self::CellHeader | Self::CellStrong => (true, 9.5, 13.0),
            Self::Small => (false, 8.5, 12.0),
            Self::Title => (true, 22.0, 29.0),
            Self::Heading2 => (true, 16.0, 22.0),
            Self::Heading3 => (true, 13.0, 18.0),
            Self::Heading4 => (true, 11.5, 16.0),
            Self::Heading5 => (true, 10.5, 15.0),
        };
        Style {
            bold,
            size,
            leading,
        }
    }

    /// From the top of a line to its baseline, in points.
    pub fn baseline(self) -> f32 {
        self.style().leading * BASELINE
    }

    /// The face a string of this style starts and ends in: bold parts stand inside of what is not.
    pub fn first_face(self) -> FaceId {
        match self {
            Self::BodyStrong | Self::CellStrong => FaceId::from(false),
            _ => FaceId::from(self.style().bold),
        }
    }

    /// The style of the bold parts of a text of this style.
    pub fn strong(self) -> Self {
        match self {
            Self::Body => Self::BodyStrong,
            Self::Cell => Self::CellStrong,
            bold => bold,
        }
    }
}

/// A word, ready to be shown.
pub(crate) struct Shaped {
    /// Width in points.
    pub width: f32,
    /// The inside of a text-showing string.
    pub body: Box<[u8]>,
    /// Characters that no font has, and marks that a letter has too many of.
    pub unsupported: u32,
}

type Words = HashMap<Box<str>, Rc<Shaped>>;

/// Shapes words in the fonts' faces and records which glyphs were used.
pub(crate) struct Shaper<'f> {
    fonts: &'f Fonts,
    shapers: Vec<ShaperFont<'f, 'static>>,
    plans: HashMap<(FaceId, Script, bool), ShapePlan>,
    buffer: Buffer,
    words: [[Words; 2]; STYLES],
    words_kept: usize,
    face_of_char: [HashMap<char, Option<FaceId>>; 2],
    uses: Vec<GlyphUse>,
    spaces: [Option<Rc<Shaped>>; STYLES],
}

/// What is being put together for one word.
#[derive(Default)]
struct Draft {
    body: Vec<u8>,
    /// Where the glyphs so far end, in thousandths of the font size: left of where they begin for
    /// text that is written from right to left.
    width: f32,
    unsupported: u32,
    /// Where the next glyph would be shown, in thousandths of the font size.
    pen: f32,
    rise: f32,
    /// Whether it is written from right to left, so that every move begins a piece of its own.
    right_to_left: bool,
}

/// Glyphs that belong to one piece of text, within a shaped buffer.
struct Cluster<'t> {
    glyphs: Range<usize>,
    text: &'t str,
    /// Where the first glyph's origin is, in thousandths of the font size.
    x: f32,
    advance: f32,
}

/// A part of a word in one face and one script.
struct Run<'t> {
    text: &'t str,
    face: Option<FaceId>,
    script: Script,
    /// What is shown in place of the whole text: a replacement for marks that a letter has too many
    /// of, a hyphen for the place of a hyphen.
    instead: Option<char>,
}

/// The marks that stand on the letter before them, as far as a word has been read.
#[derive(Default)]
struct MarksOnBase {
    marks: usize,
    /// Those in the places that most marks share, above and below.
    above: usize,
    below: usize,
    surplus: bool,
}

impl MarksOnBase {
    /// Whether a character comes behind the last mark that its letter can carry.
    fn surplus(&mut self, c: char) -> bool {
        if !clings(c) {
            *self = Self::default();
            return false;
        }
        if is_combining_mark(c) {
            self.marks += 1;
            match canonical_combining_class(c) {
                CLASS_ABOVE => self.above += 1,
                CLASS_BELOW => self.below += 1,
                _ => {}
            }
        }
        self.surplus |= self.marks > MARKS_ON_BASE_MAX
            || self.above > MARKS_STACKED_MAX
            || self.below > MARKS_STACKED_MAX;
        self.surplus
    }
}

/// Canonical combining classes of marks that stack (Unicode, 4.3, Table 4-4).
const CLASS_BELOW: u8 = 220;
const CLASS_ABOVE: u8 = 230;

impl<'f> Shaper<'f> {
    pub fn new(fonts: &'f Fonts) -> Self {
        let mut buffer = Buffer::new();
        buffer.set_cluster_level(ClusterLevel::MonotoneCharacters);
        let shapers: Vec<ShaperFont<'f, 'static>> = fonts
            .faces()
            .iter()
            .map(|face| ShaperFont::new(&face.font))
            .collect();
        Self {
            fonts,
            shapers,
            plans: HashMap::new(),
            buffer,
            words: Default::default(),
            words_kept: 0,
            face_of_char: Default::default(),
            uses: fonts.faces().iter().map(GlyphUse::new).collect(),
            spaces: Default::default(),
        }
    }

    pub fn fonts(&self) -> &'f Fonts {
        self.fonts
    }

    pub fn into_uses(self) -> Vec<GlyphUse> {
        self.uses
    }

    /// The space of a style.
    pub fn space(&mut self, style: StyleId) -> Rc<Shaped> {
        if let Some(space) = &self.spaces[style as usize] {
            return Rc::clone(space);
        }
        let space = Rc::new(self.shape_anew(" ", style, false));
        self.spaces[style as usize] = Some(Rc::clone(&space));
        space
    }

    /// The hyphen of a word that goes on in the next line. It says the soft hyphen at whose place it
    /// is seen (14.8.2.2.3).
    pub fn soft_hyphen(&mut self, style: StyleId) -> Shaped {
        let hyphen = Run {
            text: "\u{ad}",
            face: Some(style.first_face()),
            script: Script::LATIN,
            instead: Some('-'),
        };
        self.shape_runs(&[hyphen], style, false)
    }

    /// Shapes a word (no line ends, no spaces at its ends) in one writing direction.
    pub fn shape(&mut self, word: &str, style: StyleId, right_to_left: bool) -> Rc<Shaped> {
        if let Some(shaped) = self.words[style as usize][usize::from(right_to_left)].get(word) {
            return Rc::clone(shaped);
        }
        let shaped = Rc::new(self.shape_anew(word, style, right_to_left));
        if word.len() <= CACHED_WORD_BYTES_MAX {
            self.keep(word, style, right_to_left, &shaped);
        }
        shaped
    }

    fn keep(&mut self, word: &str, style: StyleId, right_to_left: bool, shaped: &Rc<Shaped>) {
        if self.words_kept >= CACHED_WORDS_MAX {
            self.words = Default::default();
            self.words_kept = 0;
        }
        self.words_kept += 1;
        self.words[style as usize][usize::from(right_to_left)]
            .insert(word.into(), Rc::clone(shaped));
    }

    /// The width a character has on its own, in points; good enough to guess where a line ends.
    pub fn nominal_width(&mut self, c: char, style: StyleId) -> f32 {
        let (face, shown) = match self.face_for(c, style.style().bold) {
            Some(face) => (face, c),
            None => (style.first_face(), REPLACEMENT),
        };
        let shaper = &self.shapers[usize::from(face)];
        let advance = shaper
            .nominal_glyph(u32::from(shown))
            .map_or(0, |glyph| shaper.glyph_h_advance(glyph));
        advance as f32 / self.fonts.faces()[usize::from(face)].units_per_em * style.style().size
    }

    fn face_for(&mut self, c: char, bold: bool) -> Option<FaceId> {
        if c.is_ascii_graphic() || c == ' ' {
            return Some(FaceId::from(bold));
        }
        if c.is_control() {
            // A font that has one shows nothing for it.
            return None;
        }
        if let Some(face) = self.face_of_char[usize::from(bold)].get(&c) {
            return *face;
        }
        let wanted = if bold {
            FaceWeight::Bold
        } else {
            FaceWeight::Regular
        };
        let face = self
            .fonts
            .faces()
            .iter()
            .zip(&self.shapers)
            .position(|(face, shaper)| {
                (face.weight == wanted || face.weight == FaceWeight::Any)
                    && shaper.nominal_glyph(u32::from(c)).is_some()
            })
            .and_then(|place| FaceId::try_from(place).ok());
        self.face_of_char[usize::from(bold)].insert(c, face);
        face
    }

    fn shape_anew(&mut self, word: &str, style: StyleId, right_to_left: bool) -> Shaped {
        let runs = self.runs(word, style.style().bold);
        self.shape_runs(&runs, style, right_to_left)
    }

    fn shape_runs(&mut self, runs: &[Run<'_>], style: StyleId, right_to_left: bool) -> Shaped {
        let mut draft = Draft {
            right_to_left,
            ..Draft::default()
        };
        for run in runs {
            self.shape_run(run, style, right_to_left, &mut draft);
        }
        Shaped {
            width: draft.width.abs() * style.style().size / 1000.0,
            body: draft.body.into_boxed_slice(),
            unsupported: draft.unsupported,
        }
    }

    /// Cuts a word where face or script change, and where a letter's marks become too many; marks
    /// and joiners stay with what they follow.
    fn runs<'t>(&mut self, word: &'t str, bold: bool) -> Vec<Run<'t>> {
        let mut runs = Vec::with_capacity(1);
        let mut start = 0;
        let mut chars = 0;
        let mut marks = MarksOnBase::default();
        let mut current: Option<(Option<FaceId>, Script, bool)> = None;
        for (at, c) in word.char_indices() {
            let script = script_of(c);
            let surplus = marks.surplus(c);
            let (face, run_script) = match current {
                Some((_, run_script, _)) if surplus => (None, run_script),
                None => (self.face_for(c, bold), script),
                Some((face, run_script, _)) => {
                    let stays = clings(c) && self.face_has(face, c);
                    let next_face = if stays { face } else { self.face_for(c, bold) };
                    let next_script = match (neutral(script), neutral(run_script)) {
                        (true, _) => run_script,
                        (false, _) => script,
                    };
                    (next_face, next_script)
                }
            };
            if let Some((old_face, old_script, old_surplus)) = current {
                let cut = old_face != face
                    || old_surplus != surplus
                    || (old_script != run_script && !neutral(old_script))
                    || (chars >= SHAPED_CHARS_MAX && !clings(c));
                if cut {
                    runs.push(Run {
                        text: &word[start..at],
                        face: old_face,
                        script: old_script,
                        instead: old_surplus.then_some(REPLACEMENT),
                    });
                    start = at;
                    chars = 0;
                }
            }
            chars += 1;
            current = Some((face, run_script, surplus));
        }
        if let Some((face, script, surplus)) = current {
            runs.push(Run {
                text: &word[start..],
                face,
                script,
                instead: surplus.then_some(REPLACEMENT),
            });
        }
        runs
    }

    fn face_has(&self, face: Option<FaceId>, c: char) -> bool {
        ignorable(c)
            || face.is_some_and(|face| {
                self.shapers[usize::from(face)]
                    .nominal_glyph(u32::from(c))
                    .is_some()
            })
    }

    fn shape_run(&mut self, run: &Run<'_>, style: StyleId, right_to_left: bool, draft: &mut Draft) {
        let first_face = style.first_face();
        let face = run.face.unwrap_or(first_face);
        let script = if neutral(run.script) {
            Script::LATIN
        } else {
            run.script
        };
        let direction = if right_to_left {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        };
        let face_data = &self.fonts.faces()[usize::from(face)];
        let plan = self
            .plans
            .entry((face, script, right_to_left))
            .or_insert_with(|| ShapePlan::new(&face_data.font, direction, Some(script), None, &[]));
        self.buffer.clear();
        match (run.instead, run.face) {
            (Some(shown), _) => self.buffer.push(u32::from(shown), 0),
            (None, Some(_)) => self.buffer.push_str(run.text),
            // A box of the fonts' own (glyph 0) may not be shown (ISO 14289-1, 7.21.8).
            (None, None) => {
                for (at, _) in run.text.char_indices() {
                    self.buffer.push(u32::from(REPLACEMENT), at as u32);
                }
            }
        }
        self.buffer.set_direction(direction);
        self.buffer.set_script(Some(script));
        self.buffer
            .set_invisible_glyph(face_data.invisible.map(Into::into));
        let options = ShapeOptions::new().plan(Some(plan));
        let shaper = &self.shapers[usize::from(face)];
        let shaped = harfrust::shape(shaper, &mut self.buffer, options);
        debug_assert!(shaped.is_ok(), "the plan was made for this buffer");

        let size = style.style().size;
        if face != first_face {
            draft.select_face(face, size);
        }
        let per_mille = 1000.0 / face_data.units_per_em;
        let clusters = clusters(
            &self.buffer,
            run.text,
            right_to_left,
            draft.width,
            per_mille,
        );
        let width: f32 = clusters.iter().map(|cluster| cluster.advance).sum();
        draft.width += if right_to_left { -width } else { width };
        let mut typesetter = Typesetter {
            shaper,
            buffer: &self.buffer,
            uses: &mut self.uses[usize::from(face)],
            missing: run.face.is_none(),
            right_to_left,
            invisible: face_data.invisible,
            per_mille,
            size,
            draft,
        };
        for cluster in &clusters {
            typesetter.cluster(cluster);
        }
        draft.go_to(draft.width);
        if face != first_face {
            draft.select_face(first_face, size);
        }
    }
}

/// Groups a shaped buffer's glyphs by the text they come from, in the order of reading. The text
/// begins at `start`, at its right end if it is written from right to left.
fn clusters<'t>(
    buffer: &Buffer,
    text: &'t str,
    right_to_left: bool,
    start: f32,
    per_mille: f32,
) -> Vec<Cluster<'t>> {
    let infos = buffer.glyph_infos();
    let positions = buffer.glyph_positions();
    let mut clusters = Vec::with_capacity(infos.len());
    let mut x = start;
    let mut at = 0;
    let mut text_end = text.len();
    while at < infos.len() {
        let cluster = infos[at].cluster;
        let same = infos[at..]
            .iter()
            .take_while(|info| info.cluster == cluster);
        let end = at + same.count();
        let text_start = cluster as usize;
        if !right_to_left {
            text_end = infos.get(end).map_or(text.len(), |i| i.cluster as usize);
        }
        let advance: i32 = positions[at..end].iter().map(|p| p.x_advance).sum();
        let advance = advance as f32 * per_mille;
        clusters.push(Cluster {
            glyphs: at..end,
            text: text.get(text_start..text_end).unwrap_or_default(),
            x,
            advance,
        });
        text_end = text_start;
        x += advance;
        at = end;
    }
    if right_to_left {
        // The buffer is filled from left to right.
        for cluster in &mut clusters {
            cluster.x += start - x;
        }
        clusters.reverse();
    }
    clusters
}

/// Thousandths of the font size by which something without width is moved to the left of what it
/// follows in right-to-left text, so that it has a place of its own among the letters.
pub(super) const BESIDE: f32 = 10.0;

/// Shows clusters of one shaped buffer.
struct Typesetter<'s, 'f> {
    shaper: &'s ShaperFont<'f, 'static>,
    buffer: &'s Buffer,
    uses: &'s mut GlyphUse,
    /// Whether the glyphs only stand for characters that cannot be shown.
    missing: bool,
    right_to_left: bool,
    /// A glyph without width or outline.
    invisible: Option<u32>,
    per_mille: f32,
    size: f32,
    draft: &'s mut Draft,
}

impl Typesetter<'_, '_> {
    fn cluster(&mut self, cluster: &Cluster<'_>) {
        let text = cluster.text;
        if self.missing {
            let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            self.draft.unsupported += characters;
        }
        if self.right_to_left && self.ligature(cluster) {
            return;
        }
        self.saying(cluster, text);
    }

    /// Shows glyphs that stand for several right-to-left characters. Readers that sort a page by
    /// places take a glyph's characters to stand from left to right. So the glyphs say the last one
    /// only, and each of the others gets a glyph without width, beside one another from the right.
    fn ligature(&mut self, cluster: &Cluster<'_>) -> bool {
        let Some(empty) = self.invisible else {
            return false;
        };
        let Some((last, _)) = cluster.text.char_indices().next_back() else {
            return false;
        };
        if last == 0 || cluster.glyphs.len() > 1 || cluster.text.chars().any(is_combining_mark) {
            return false;
        }
        let mut x = cluster.x + cluster.advance;
        for (at, c) in cluster.text[..last].char_indices() {
            let Some(code) = self
                .uses
                .code(empty, &cluster.text[at..at + c.len_utf8()], 0.0)
            else {
                return false;
            };
            x -= BESIDE;
            self.glyph(code, empty, x, 0.0);
        }
        self.saying(cluster, &cluster.text[last..]);
        true
    }

    /// Shows a cluster's glyphs so that they say `text`.
    fn saying(&mut self, cluster: &Cluster<'_>, text: &str) {
        let first = cluster.glyphs.start;
        let glyph = self.buffer.glyph_infos()[first].glyph_id;
        let width = self.natural_width(glyph);
        if cluster.glyphs.len() == 1
            && let Some(code) = self.uses.code(glyph, text, width)
        {
            let position = &self.buffer.glyph_positions()[first];
            let x = cluster.x + position.x_offset as f32 * self.per_mille;
            let rise = position.y_offset as f32 * self.per_mille * self.size / 1000.0;
            self.glyph(code, glyph, x, rise);
            self.draft.set_rise(0.0);
            return;
        }
        if !self.one_by_one(cluster, text) {
            self.spanned(cluster, text);
        }
    }

    /// Shows several glyphs that stand for as many characters or more, such as two marks: each says
    /// one, the last one the rest.
    fn one_by_one(&mut self, cluster: &Cluster<'_>, text: &str) -> bool {
        let glyphs = cluster.glyphs.len();
        if glyphs < 2 || text.chars().count() < glyphs {
            return false;
        }
        let mut starts: Vec<usize> = text.char_indices().map(|(at, _)| at).take(glyphs).collect();
        starts.push(text.len());
        let mut shown = Vec::with_capacity(glyphs);
        let mut x = cluster.x;
        for at in cluster.glyphs.clone() {
            let position = self.buffer.glyph_positions()[at];
            let rise = position.y_offset as f32 * self.per_mille * self.size / 1000.0;
            let left = x + position.x_offset as f32 * self.per_mille;
            shown.push((self.buffer.glyph_infos()[at].glyph_id, left, rise));
            x += position.x_advance as f32 * self.per_mille;
        }
        if self.right_to_left {
            shown.reverse();
        }
        let codes: Option<Vec<u16>> = shown
            .iter()
            .zip(starts.windows(2))
            .map(|((glyph, ..), part)| {
                let width = self.natural_width(*glyph);
                self.uses.code(*glyph, &text[part[0]..part[1]], width)
            })
            .collect();
        let Some(codes) = codes else {
            return false;
        };
        for ((glyph, x, rise), code) in shown.into_iter().zip(codes) {
            self.glyph(code, glyph, x, rise);
        }
        self.draft.set_rise(0.0);
        true
    }

    fn spanned(&mut self, cluster: &Cluster<'_>, text: &str) {
        let first = &self.buffer.glyph_positions()[cluster.glyphs.start];
        let offset = first.x_offset as f32 * self.per_mille;
        self.draft.go_to(cluster.x + offset);
        self.draft.open_span(text);
        self.glyphs(cluster);
        self.draft.close_span();
    }

    fn glyphs(&mut self, cluster: &Cluster<'_>) {
        let mut x = cluster.x;
        for at in cluster.glyphs.clone() {
            let position = self.buffer.glyph_positions()[at];
            let offset = position.x_offset as f32 * self.per_mille;
            let rise = position.y_offset as f32 * self.per_mille * self.size / 1000.0;
            let glyph = self.buffer.glyph_infos()[at].glyph_id;
            let number = self.uses.number(glyph, self.natural_width(glyph));
            self.glyph(number, glyph, x + offset, rise);
            x += position.x_advance as f32 * self.per_mille;
        }
        self.draft.set_rise(0.0);
    }

    fn glyph(&mut self, code: u16, glyph: u32, x: f32, rise: f32) {
        self.draft.set_rise(rise);
        self.draft.go_to(x);
        self.draft.show(code, self.natural_width(glyph));
    }

    fn natural_width(&self, glyph: u32) -> f32 {
        self.shaper.glyph_h_advance(glyph.into()) as f32 * self.per_mille
    }
}

impl Draft {
    fn select_face(&mut self, face: FaceId, size: f32) {
        self.body.extend_from_slice(b")]TJ/F");
        push_number(&mut self.body, f32::from(face));
        self.body.push(b' ');
        push_number(&mut self.body, size);
        self.body.extend_from_slice(b" Tf[(");
    }

    fn open_span(&mut self, text: &str) {
        self.body.extend_from_slice(b")]TJ/Span<</ActualText");
        push_text(&mut self.body, text);
        self.body.extend_from_slice(b">>BDC[(");
    }

    fn close_span(&mut self) {
        self.body.extend_from_slice(b")]TJ EMC[(");
    }

    fn set_rise(&mut self, rise: f32) {
        if (rise - self.rise).abs() < 0.005 {
            return;
        }
        self.rise = rise;
        self.body.extend_from_slice(b")]TJ ");
        push_number(&mut self.body, rise);
        self.body.extend_from_slice(b" Ts[(");
    }

    fn show(&mut self, glyph: u16, width: f32) {
        self.pen += width;
        for byte in glyph.to_be_bytes() {
            match byte {
                b'(' | b')' | b'\\' => self.body.extend_from_slice(&[b'\\', byte]),
                b'\r' => self.body.extend_from_slice(b"\\r"),
                _ => self.body.push(byte),
            }
        }
    }

    /// Moves to where the next glyph is to be shown.
    fn go_to(&mut self, x: f32) {
        let shift = (x - self.pen).round();
        if shift != 0.0 {
            push_move(&mut self.body, shift, self.right_to_left);
            self.pen += shift;
        }
    }
}

/// Moves by thousandths of the font size; a move in right-to-left text begins a piece of its own.
pub(super) fn push_move(body: &mut Vec<u8>, shift: f32, right_to_left: bool) {
    body.push(b')');
    if right_to_left {
        body.extend_from_slice(b"]TJ[");
    }
    push_number(body, -shift);
    body.push(b'(');
}

/// Whether a character belongs to what it follows.
pub(crate) fn clings(c: char) -> bool {
    c > '\u{2ff}' && (is_combining_mark(c) || matches!(c, '\u{200c}' | '\u{200d}') || selector(c))
}

fn selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character is shown by nothing in any font.
fn ignorable(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}') || selector(c)
}

fn script_of(c: char) -> Script {
    if c.is_ascii_alphabetic() {
        return Script::LATIN;
    }
    harfrust::unicode::script(u32::from(c))
}

fn neutral(script: Script) -> bool {
    matches!(script, Script::COMMON | Script::INHERITED | Script::UNKNOWN)
}

use crate::ReportError;
use crate::pdf::push_number;
use crate::text::{Line, StyleId};

/// The measures of a page in points; y grows downwards from the top.
pub(crate) mod paper {
    /// A4 (ISO 216).
    pub const WIDTH: f32 = 595.28;
    pub const HEIGHT: f32 = 841.89;
    pub const LEFT: f32 = 54.0;
    pub const RIGHT: f32 = WIDTH - 54.0;
    pub const TEXT_WIDTH: f32 = RIGHT - LEFT;
    pub const HEADER: f32 = 34.0;
    pub const TOP: f32 = 92.0;
    pub const BOTTOM: f32 = HEIGHT - 70.0;
    pub const FOOTER: f32 = HEIGHT - 46.0;
}

/// The colours of text and rules, as operators (text #0b0c0c, secondary #505a5f, rules #b1b4b6).
const INK: &[u8] = b".043 .047 .047 rg\n";
const FAINT_INK: &[u8] = b".314 .353 .373 rg\n";
const RULE_INK: &[u8] = b".694 .706 .714 rg\n";

/// Takes pages as they fill.
pub(crate) trait PageSink {
    /// Takes the next page.
    fn page(&mut self, canvas: &Canvas) -> Result<(), ReportError>;
}

/// The page that is being filled.
///
/// Text and rules are kept apart because rules may not stand inside a text object (ISO 32000-1,
/// 9.4.1); the seam for marked content is [`Canvas::show`], through which all text goes.
#[derive(Default, Clone)]
pub(crate) struct Canvas {
    text: Vec<u8>,
    rules: Vec<u8>,
    links: Vec<Link>,
    style: Option<StyleId>,
    /// Characters on the page that no font has.
    pub unsupported: u64,
}

/// A rectangle that leads to a section.
#[derive(Clone)]
pub(crate) struct Link {
    /// Left, bottom, right, top in PDF coordinates.
    pub area: [f32; 4],
    pub section: usize,
}

impl Canvas {
    pub fn clear(&mut self) {
        self.text.clear();
        self.rules.clear();
        self.links.clear();
        self.style = None;
        self.unsupported = 0;
    }

    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Shows a line with its baseline at `y`.
    pub fn show(&mut self, style: StyleId, x: f32, y: f32, line: &Line, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.style != Some(style) {
            let faint = style == StyleId::Small;
            let was_faint = self.style.map(|style| style == StyleId::Small);
            if was_faint != Some(faint) {
                let ink = if faint { FAINT_INK } else { INK };
                self.text.extend_from_slice(ink);
            }
            self.text.extend_from_slice(b"/F");
            push_number(&mut self.text, f32::from(style.first_face()));
            self.text.push(b' ');
            push_number(&mut self.text, style.style().size);
            self.text.extend_from_slice(b" Tf\n");
            self.style = Some(style);
        }
        self.text.extend_from_slice(b"1 0 0 1 ");
        push_number(&mut self.text, x);
        self.text.push(b' ');
        push_number(&mut self.text, paper::HEIGHT - y);
        self.text.extend_from_slice(b" Tm[(");
        self.text.extend_from_slice(bytes);
        self.text.extend_from_slice(b")]TJ\n");
        self.unsupported += u64::from(line.unsupported);
    }

    /// Draws a thin rectangle: a rule.
    pub fn rule(&mut self, x: f32, y: f32, width: f32, height: f32) {
        for number in [x, paper::HEIGHT - y - height, width, height] {
            push_number(&mut self.rules, number);
            self.rules.push(b' ');
        }
        self.rules.extend_from_slice(b"re\n");
    }

    /// Makes a rectangle lead to a section.
    pub fn link(&mut self, x: f32, y: f32, width: f32, height: f32, section: usize) {
        let bottom = paper::HEIGHT - y - height;
        self.links.push(Link {
            area: [x, bottom, x + width, bottom + height],
            section,
        });
    }

    /// The content stream.
    pub fn content(&self, form: Option<&str>) -> Vec<u8> {
        let mut content = Vec::with_capacity(self.text.len() + self.rules.len() + 64);
        if let Some(form) = form {
            content.extend_from_slice(form.as_bytes());
        }
        if !self.text.is_empty() {
            content.extend_from_slice(b"BT\n");
            content.extend_from_slice(&self.text);
            content.extend_from_slice(b"ET\n");
        }
        if !self.rules.is_empty() {
            content.extend_from_slice(RULE_INK);
            content.extend_from_slice(&self.rules);
            content.extend_from_slice(b"f\n");
        }
        content
    }
}

use crate::ReportError;
use crate::look::{Colour, Colours};
use crate::pdf::{
    Element, LinkPlace, ObjectId, PdfFile, Role, hundredths, push_hundredths, push_integer,
    push_number,
};
use crate::text::{Line, Spans, StyleId};

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

/// The colours of text, as operators (text #0b0c0c, secondary #505a5f).
const INK: &[u8] = b".043 .047 .047 rg\n";
const FAINT_INK: &[u8] = b".314 .353 .373 rg\n";

/// Which colour a text has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ink {
    Text,
    Faint,
    Heading,
}

impl Ink {
    fn of(style: StyleId) -> Self {
        match style {
            StyleId::Small => Self::Faint,
            StyleId::Title
            | StyleId::Heading2
            | StyleId::Heading3
            | StyleId::Heading4
            | StyleId::Heading5 => Self::Heading,
            _ => Self::Text,
        }
    }
}

/// Begins an artifact of pagination (14.8.2.2.2).
const PAGINATION: &[u8] = b"/Artifact<</Type/Pagination>>BDC\n";

/// Takes pages as they fill, and what their content means.
pub(crate) trait Paper {
    /// Takes the page that is full.
    fn page(&mut self, canvas: &Canvas) -> Result<(), ReportError>;

    /// Opens a structure element as the next one of its parent.
    fn open(&mut self, parent: Element, role: Role) -> Result<Element, ReportError>;

    /// Opens a structure element before all that its parent has so far.
    fn open_first(&mut self, parent: Element, role: Role) -> Result<Element, ReportError>;
    /// Opens a cell of a table as the next one of its row, as wide as `columns` columns.
    fn open_cell(
        &mut self,
        row: Element,
        role: Role,
        columns: usize,
    ) -> Result<Element, ReportError>;

    /// Closes an element for good.
    fn close(&mut self, element: Element) -> Result<(), ReportError>;

    /// Gives the next piece of the page that is being filled to an element; returns its number.
    fn mark(&mut self, element: Element) -> Result<u32, ReportError>;

    /// Opens the element of something that is drawn: `alternative` says in words what it is, `area`
    /// (left, bottom, right, top, in PDF coordinates) where.
    fn open_figure(
        &mut self,
        parent: Element,
        alternative: &str,
        area: [f32; 4],
    ) -> Result<Element, ReportError>;

    /// The files that the page that is being filled goes to: what it draws is written there first.
    /// Until that page is full, they stay the same.
    fn files(&mut self) -> Result<Vec<&mut PdfFile>, ReportError>;

    /// Which volume the page belongs to, from 0: objects of another one cannot be drawn on it.
    fn volume(&self) -> usize;

    /// The number of the page that is being filled, from 1. Where the volume is full, the next one
    /// begins.
    fn page_number(&mut self) -> Result<u32, ReportError>;

    /// Gives a link on the page that is being filled to an element.
    fn link(&mut self, element: Element) -> Result<LinkPlace, ReportError>;
}

/// The page that is being filled.
///
/// Text and rules are kept apart because rules may not stand inside a text object (ISO 32000-1,
/// 9.4.1). All text is shown between [`Canvas::begin`] or [`Canvas::begin_artifact`] and
/// [`Canvas::end`], so that everything on a page is either content of a structure element or an
/// artifact (14.8.2.2).
#[derive(Default, Clone)]
pub(crate) struct Canvas {
    colours: Colours,
    text: Vec<u8>,
    rules: Vec<u8>,
    bars: Vec<u8>,
    links: Vec<Link>,
    drawings: Vec<Drawing>,
    style: Option<StyleId>,
    /// Where the last line began, in hundredths of a point (9.4.2).
    line_start: [i32; 2],
    /// Characters on the page that cannot be shown.
    pub unsupported: u64,
}

/// A rectangle that leads to a section.
#[derive(Clone)]
pub(crate) struct Link {
    /// Left, bottom, right, top in PDF coordinates.
    pub area: [f32; 4],
    pub section: usize,
    pub place: LinkPlace,
    /// What the link is, in words.
    pub description: String,
}

/// An image or an imported page, an object of each file that the page goes to.
#[derive(Clone)]
pub(crate) struct Drawing {
    /// By file, in the order of [`Paper::files`].
    pub objects: Vec<ObjectId>,
    /// From the object's own coordinates to the page's, in PDF coordinates (8.3.3).
    pub matrix: [f32; 6],
    /// The number of its piece of the page, which belongs to a figure.
    pub mark: u32,
}

impl Canvas {
    /// An empty page.
    pub fn new(colours: Colours) -> Self {
        Self {
            colours,
            ..Self::default()
        }
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.rules.clear();
        self.bars.clear();
        self.links.clear();
        self.drawings.clear();
        self.style = None;
        self.line_start = [0, 0];
        self.unsupported = 0;
    }

    pub fn links(&self) -> &[Link] {
        &self.links
    }

    pub fn drawings(&self) -> &[Drawing] {
        &self.drawings
    }

    /// Draws an image or an imported page.
    pub fn draw(&mut self, drawing: Drawing) {
        self.drawings.push(drawing);
    }

    /// Begins content of a structure element, under its number.
    pub fn begin(&mut self, role: Role, number: u32) {
        begin(&mut self.text, role, number);
    }

    /// Begins what belongs to the page and not to the document, such as its number.
    pub fn begin_artifact(&mut self) {
        self.text.extend_from_slice(PAGINATION);
    }

    /// Ends what was begun.
    pub fn end(&mut self) {
        self.text.extend_from_slice(b"EMC\n");
    }

    /// Shows a line of an artifact with its baseline at `y`.
    pub fn show(&mut self, style: StyleId, x: f32, y: f32, line: &Line, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.begin_line(style, x, y, line);
        self.text.extend_from_slice(bytes);
        self.end_line();
    }

    /// Shows a line of an element's content, with the numbers of its pieces that `ActualText` speaks
    /// for.
    pub fn show_content(
        &mut self,
        (role, spans, numbers): (Role, &Spans, &[u32]),
        style: StyleId,
        [x, y]: [f32; 2],
        (line, bytes): (&Line, &[u8]),
    ) {
        self.begin_line(style, x, y, line);
        spans.write(bytes, numbers, &mut self.text, |text, number| {
            begin(text, role, number);
        });
        self.end_line();
    }

    fn begin_line(&mut self, style: StyleId, x: f32, y: f32, line: &Line) {
        if self.style != Some(style) {
            let ink = Ink::of(style);
            if self.style.map(Ink::of) != Some(ink) {
                match ink {
                    Ink::Text => self.text.extend_from_slice(INK),
                    Ink::Faint => self.text.extend_from_slice(FAINT_INK),
                    Ink::Heading => self.colours.headings.fill(&mut self.text),
                }
            }
            self.text.extend_from_slice(b"/F");
            push_number(&mut self.text, f32::from(style.first_face()));
            self.text.push(b' ');
            push_number(&mut self.text, style.style().size);
            self.text.extend_from_slice(b" Tf\n");
            self.style = Some(style);
        }
        // Relative to the last line: the steps between columns are the same in every row.
        let [x, y] = [x, paper::HEIGHT - y].map(hundredths);
        push_hundredths(&mut self.text, x - self.line_start[0]);
        self.text.push(b' ');
        push_hundredths(&mut self.text, y - self.line_start[1]);
        self.line_start = [x, y];
        self.text.extend_from_slice(b" Td[(");
        self.unsupported += u64::from(line.unsupported);
    }

    fn end_line(&mut self) {
        self.text.extend_from_slice(b")]TJ\n");
    }

    /// Draws a thin rectangle: a rule.
    pub fn rule(&mut self, x: f32, y: f32, width: f32, height: f32) {
        for number in [x, paper::HEIGHT - y - height, width, height] {
            push_number(&mut self.rules, number);
            self.rules.push(b' ');
        }
        self.rules.extend_from_slice(b"re\n");
    }

    /// Draws a bar (left, top, width, height) in a colour.
    pub fn bar(&mut self, [x, y, width, height]: [f32; 4], colour: Colour) {
        colour.fill(&mut self.bars);
        for number in [x, paper::HEIGHT - y - height, width, height] {
            push_number(&mut self.bars, number);
            self.bars.push(b' ');
        }
        self.bars.extend_from_slice(b"re f\n");
    }

    /// Makes a rectangle (left, top, width, height) lead to a section.
    pub fn link(
        &mut self,
        [x, y, width, height]: [f32; 4],
        section: usize,
        place: LinkPlace,
        description: String,
    ) {
        let bottom = paper::HEIGHT - y - height;
        self.links.push(Link {
            area: [x, bottom, x + width, bottom + height],
            section,
            place,
            description,
        });
    }

    /// Adds the page's content to a content stream.
    pub fn write_content(&self, content: &mut Vec<u8>) {
        content.reserve(self.text.len() + self.rules.len() + 64);
        for (nth, drawing) in self.drawings.iter().enumerate() {
            let [a, b, c, d, e, f] = drawing.matrix;
            let (role, mark) = (Role::Figure.tag(), drawing.mark);
            let shown = format!(
                "/{role}<</MCID {mark}>>BDC q {a:.5} {b:.5} {c:.5} {d:.5} {e:.3} {f:.3} cm/X{nth} \
                 Do Q EMC\n"
            );
            content.extend_from_slice(shown.as_bytes());
        }
        if !self.text.is_empty() {
            content.extend_from_slice(b"BT\n");
            content.extend_from_slice(&self.text);
            content.extend_from_slice(b"ET\n");
        }
        if !self.bars.is_empty() {
            content.extend_from_slice(b"/Artifact BMC\n");
            content.extend_from_slice(&self.bars);
            content.extend_from_slice(b"EMC\n");
        }
        if !self.rules.is_empty() {
            content.extend_from_slice(b"/Artifact BMC\n");
            self.colours.rules.fill(content);
            content.extend_from_slice(&self.rules);
            content.extend_from_slice(b"f\nEMC\n");
        }
    }
}

/// Begins content of a structure element, under its number.
fn begin(text: &mut Vec<u8>, role: Role, number: u32) {
    text.push(b'/');
    text.extend_from_slice(role.tag().as_bytes());
    text.extend_from_slice(b"<</MCID ");
    push_integer(text, number);
    text.extend_from_slice(b">>BDC\n");
}

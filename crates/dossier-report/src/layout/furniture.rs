use super::canvas::{Canvas, paper};
use crate::limits::HEADER_NAME_LINES_MAX;
use crate::text::{Lines, Shaper, StyleId, TextFlow};

/// What every page of a section shows around its content.
pub(crate) struct Furniture {
    header: Lines,
    footer: Lines,
    digits: [Lines; 10],
}

impl Furniture {
    /// The subject at the top right, the classification at the foot.
    pub fn new(shaper: &mut Shaper<'_>, name: &str, identifier: &str, footer: &str) -> Self {
        let width = paper::TEXT_WIDTH;
        let mut header = TextFlow::all(shaper, name, StyleId::Small, width);
        header.truncate(HEADER_NAME_LINES_MAX);
        let mut identifier = TextFlow::all(shaper, identifier, StyleId::Small, width);
        identifier.truncate(1);
        header.append(&identifier);
        let mut footer = TextFlow::all(shaper, footer, StyleId::Small, width * 0.8);
        footer.truncate(1);
        let digit = |digit: usize| TextFlow::all(shaper, &digit.to_string(), StyleId::Small, width);
        Self {
            header,
            footer,
            digits: std::array::from_fn(digit),
        }
    }

    /// A page's number, as an artifact.
    pub fn page_number(&self, number: u32) -> Canvas {
        let text = number.to_string();
        let lines = text.bytes().filter_map(|digit| {
            let lines = self.digits.get(usize::from(digit.wrapping_sub(b'0')))?;
            lines.iter().next()
        });
        let width: f32 = lines.clone().map(|(line, _)| line.width).sum();
        let mut canvas = Canvas::default();
        let y = paper::FOOTER + StyleId::Small.baseline();
        let mut x = paper::RIGHT - width;
        canvas.begin_artifact();
        for (line, bytes) in lines {
            canvas.show(StyleId::Small, x, y, line, bytes);
            x += line.width;
        }
        canvas.end();
        canvas
    }

    /// Everything but the page number, which is the same on every page. Whoever shows it says that
    /// it is an artifact.
    pub fn canvas(&self) -> Canvas {
        let mut canvas = Canvas::default();
        let leading = StyleId::Small.style().leading;
        let mut y = paper::HEADER + StyleId::Small.baseline();
        for (line, bytes) in self.header.iter() {
            canvas.show(StyleId::Small, paper::RIGHT - line.width, y, line, bytes);
            y += leading;
        }
        for (line, bytes) in self.footer.iter() {
            let y = paper::FOOTER + StyleId::Small.baseline();
            canvas.show(StyleId::Small, paper::LEFT, y, line, bytes);
        }
        canvas
    }
}

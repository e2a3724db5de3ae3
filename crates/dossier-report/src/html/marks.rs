use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName};

use crate::attachment::PIXEL;

/// What an element's attributes mean for its place on a page.
#[derive(Default)]
pub(super) struct Marks(Option<Box<Meant>>);

#[derive(Default)]
struct Meant {
    title: bool,
    table: Option<TableClass>,
    break_before: bool,
    break_after: bool,
    percent: Option<u8>,
    columns: Option<usize>,
    rows: Option<usize>,
    start: Option<i64>,
    width: Option<f32>,
    height: Option<f32>,
    source: StrTendril,
    words: StrTendril,
}

/// What a table's class says that it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TableClass {
    /// Names and values.
    Summary,
    /// A header row and rows of data.
    Data,
}

/// Columns and rows that a cell may span (HTML, 4.9.11).
const SPAN_MAX: usize = 1_000;
/// Points of an image's side that are taken at its word.
const SIDE_MAX: f32 = 10_000.0;

impl Marks {
    pub fn new(element: &LocalName, attributes: Vec<Attribute>) -> Self {
        if attributes.is_empty() {
            return Self(None);
        }
        let mut meant = Meant::default();
        for attribute in attributes {
            let value = attribute.value;
            match &*attribute.name.local {
                "class" => meant.read_classes(&value),
                "style" => meant.read_style(&value),
                "colspan" => meant.columns = span(&value),
                "rowspan" => meant.rows = span(&value),
                "start" => meant.start = value.trim().parse().ok(),
                "width" => meant.width = side(&value),
                "height" => meant.height = side(&value),
                "src" if &**element == "img" => meant.source = value,
                "href" if &**element == "a" => meant.source = value,
                "alt" if &**element == "img" => meant.words = value,
                "value" if &**element == "input" => meant.words = value,
                _ => {}
            }
        }
        Self(Some(Box::new(meant)))
    }

    fn get<T>(&self, what: impl FnOnce(&Meant) -> T) -> Option<T> {
        self.0.as_deref().map(what)
    }

    /// Bytes that its longest parts take.
    pub fn bytes(&self) -> usize {
        self.get(|meant| meant.source.len() + meant.words.len())
            .unwrap_or(0)
    }

    /// Whether it is the section's title.
    pub fn is_title(&self) -> bool {
        self.get(|meant| meant.title).unwrap_or(false)
    }

    pub fn table(&self) -> Option<TableClass> {
        self.get(|meant| meant.table).flatten()
    }

    /// Whether it starts on a new page.
    pub fn breaks_before(&self) -> bool {
        self.get(|meant| meant.break_before).unwrap_or(false)
    }

    /// Whether what follows it starts on a new page.
    pub fn breaks_after(&self) -> bool {
        self.get(|meant| meant.break_after).unwrap_or(false)
    }

    /// The part of the table's width that the cell's column takes, from 1 to 100.
    pub fn percent(&self) -> Option<u8> {
        self.get(|meant| meant.percent).flatten()
    }

    /// How many columns a cell is wide.
    pub fn columns(&self) -> usize {
        self.get(|meant| meant.columns).flatten().unwrap_or(1)
    }

    /// How many rows a cell is high.
    pub fn rows(&self) -> usize {
        self.get(|meant| meant.rows).flatten().unwrap_or(1)
    }

    /// The number of a list's first item.
    pub fn start(&self) -> i64 {
        self.get(|meant| meant.start).flatten().unwrap_or(1)
    }

    /// Width and height of an image in points, as far as they are given.
    pub fn size(&self) -> [Option<f32>; 2] {
        self.get(|meant| [meant.width, meant.height])
            .unwrap_or_default()
    }

    /// Where an image is.
    pub fn source(&self) -> &str {
        self.0.as_deref().map_or("", |meant| &meant.source)
    }

    /// What stands for an image in words, or in a field.
    pub fn words(&self) -> &str {
        self.0.as_deref().map_or("", |meant| meant.words.trim())
    }
}

impl Meant {
    fn read_classes(&mut self, classes: &str) {
        for class in classes.split_ascii_whitespace() {
            match class {
                "title" => self.title = true,
                "summary-list" => self.table = Some(TableClass::Summary),
                "data-table" => self.table = Some(TableClass::Data),
                "page-break" => self.break_before = true,
                class => {
                    let percent = class.strip_prefix("data-column-").and_then(percent);
                    self.percent = percent.or(self.percent);
                }
            }
        }
    }

    fn read_style(&mut self, style: &str) {
        for declaration in style.split(';') {
            let Some((property, value)) = declaration.split_once(':') else {
                continue;
            };
            let value = value.trim().to_ascii_lowercase();
            let breaks = value.split_ascii_whitespace().next().is_some_and(|value| {
                matches!(
                    value,
                    "always" | "page" | "left" | "right" | "recto" | "verso"
                )
            });
            match &property.trim().to_ascii_lowercase()[..] {
                "page-break-before" | "break-before" => self.break_before = breaks,
                "page-break-after" | "break-after" => self.break_after = breaks,
                _ => {}
            }
        }
    }
}

fn percent(digits: &str) -> Option<u8> {
    let percent = digits.parse().ok()?;
    (1..=100).contains(&percent).then_some(percent)
}

fn span(value: &str) -> Option<usize> {
    let span: usize = value.trim().parse().ok()?;
    Some(span.clamp(1, SPAN_MAX))
}

/// A length in pixels, in points; a part of the width, or no number, is no length.
fn side(value: &str) -> Option<f32> {
    let digits = value.trim();
    let digits = digits.strip_suffix("px").unwrap_or(digits).trim_end();
    let pixels: f32 = digits.parse().ok()?;
    let points = pixels * PIXEL;
    (points > 0.0 && points <= SIDE_MAX).then_some(points)
}

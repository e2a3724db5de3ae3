//! Drawing measurements as SVG: axes, lines with marks, texts, numbers.

use std::fmt::Write;

pub const TEXT: &str = "#1f2933";
pub const FAINT_TEXT: &str = "#52606d";
pub const GRID: &str = "#e4e7eb";
pub const FRAME: &str = "#9aa5b1";

/// Half the size of a mark, in pixels.
const MARKER: f64 = 4.5;

/// The shape of the marks of a line: it tells lines apart without colour.
#[derive(Clone, Copy)]
pub enum Mark {
    Circle,
    Square,
    TriangleUp,
    Diamond,
    TriangleDown,
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub struct Look {
    /// Of its points.
    pub mark: Mark,
    /// Of line and marks: of Okabe and Ito's palette, made to be told apart by people who are
    /// colour-blind.
    pub colour: &'static str,
    /// In pixels.
    pub width: f64,
}

/// Begins a picture of this size in pixels, with a title and a description for those who do not see
/// it.
pub fn begin(
    svg: &mut String,
    size: (f64, f64),
    title: &str,
    description: &str,
) -> std::fmt::Result {
    let (width, height) = size;
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" \
         font-family=\"'Noto Sans', 'Helvetica Neue', Arial, sans-serif\" font-size=\"13\" \
         fill=\"{TEXT}\">"
    )?;
    writeln!(svg, "<title>{title}</title>")?;
    writeln!(svg, "<desc>{description}</desc>")?;
    writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>")
}

/// A line through the points and a mark on each.
pub fn draw_series(svg: &mut String, look: Look, points: &[(f64, f64)]) -> std::fmt::Result {
    let (colour, width) = (look.colour, look.width);
    path(svg, points, colour, &format!("stroke-width=\"{width}\""))?;
    for at in points {
        let shape = shape(look.mark, *at);
        writeln!(svg, "{shape} fill=\"{colour}\" stroke=\"white\"/>")?;
    }
    Ok(())
}

/// A dashed line through the points and an empty mark on each.
pub fn draw_dashed(svg: &mut String, look: Look, points: &[(f64, f64)]) -> std::fmt::Result {
    let colour = look.colour;
    path(
        svg,
        points,
        colour,
        "stroke-dasharray=\"5 4\" stroke-width=\"1.6\"",
    )?;
    for at in points {
        let shape = shape(look.mark, *at);
        writeln!(
            svg,
            "{shape} fill=\"white\" stroke=\"{colour}\" stroke-width=\"1.6\"/>"
        )?;
    }
    Ok(())
}

/// A thin line from one height to another, with a bar at its end.
pub fn whisker(svg: &mut String, x: f64, from: f64, to: f64, colour: &str) -> std::fmt::Result {
    const BAR: f64 = 3.0;
    line(svg, (x, from), (x, to), colour)?;
    line(svg, (x - BAR, to), (x + BAR, to), colour)
}

fn path(
    svg: &mut String,
    points: &[(f64, f64)],
    colour: &str,
    attributes: &str,
) -> std::fmt::Result {
    let path: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    writeln!(
        svg,
        "<path d=\"M{}\" stroke=\"{colour}\" {attributes} fill=\"none\"/>",
        path.join("L")
    )
}

/// The beginning of a mark's element.
fn shape(mark: Mark, (x, y): (f64, f64)) -> String {
    let r = MARKER;
    match mark {
        Mark::Circle => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\""),
        Mark::Square => polygon(x, y, &[(-r, -r), (r, -r), (r, r), (-r, r)]),
        Mark::TriangleUp => polygon(x, y, &[(0.0, -r - 1.0), (r + 1.0, r), (-r - 1.0, r)]),
        Mark::Diamond => {
            let r = r + 1.5;
            polygon(x, y, &[(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)])
        }
        Mark::TriangleDown => polygon(x, y, &[(-r - 1.0, -r), (r + 1.0, -r), (0.0, r + 1.0)]),
    }
}

fn polygon(x: f64, y: f64, corners: &[(f64, f64)]) -> String {
    let corners: Vec<String> = corners
        .iter()
        .map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy))
        .collect();
    format!("<polygon points=\"{}\"", corners.join(" "))
}

/// A logarithmic axis with a tick at each whole power of ten.
pub struct Axis {
    /// Powers of ten, not whole ones: the axis's ends.
    first: f64,
    last: f64,
    pixels: (f64, f64),
}

impl Axis {
    /// The axis that shows all of the values, with some room around them and at least one tick.
    pub fn around(values: impl Iterator<Item = f64>, pixels: (f64, f64)) -> Self {
        const ROOM: f64 = 0.15;
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for power in values.filter(|value| *value > 0.0).map(f64::log10) {
            least = least.min(power);
            most = most.max(power);
        }
        if least > most {
            (least, most) = (0.0, 1.0);
        }
        Self {
            first: least.min(most.floor()) - ROOM,
            last: most + ROOM,
            pixels,
        }
    }

    /// The same axis up to the next ticks, so that it has two or more.
    pub fn up_to_whole_powers(self) -> Self {
        Self {
            first: self.first.floor(),
            last: self.last.ceil(),
            ..self
        }
    }

    /// Its ticks.
    pub fn powers(&self) -> std::ops::RangeInclusive<i32> {
        self.first.ceil() as i32..=self.last.floor() as i32
    }

    /// The value at its start.
    pub fn lowest(&self) -> f64 {
        10_f64.powf(self.first)
    }

    /// Where a value is, in pixels.
    pub fn at(&self, value: f64) -> f64 {
        let (start, end) = self.pixels;
        let part = (value.log10() - self.first) / (self.last - self.first);
        start + part * (end - start)
    }
}

/// A line between two points.
pub fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) -> std::fmt::Result {
    writeln!(
        svg,
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{colour}\"/>",
        from.0, from.1, to.0, to.1
    )
}

/// A text at a point; `attributes` are SVG's.
pub fn text(svg: &mut String, x: f64, y: f64, attributes: &str, text: &str) -> std::fmt::Result {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>"
    )
}

/// A time with its unit.
pub fn seconds(value: f64) -> String {
    match value {
        ..1.0 => format!("{} ms", rounded(value * 1e3)),
        _ => format!("{} s", rounded(value)),
    }
}

/// A size with its unit.
pub fn bytes(value: f64) -> String {
    match value {
        ..1e3 => format!("{} B", rounded(value)),
        ..1e6 => format!("{} kB", rounded(value / 1e3)),
        ..1e9 => format!("{} MB", rounded(value / 1e6)),
        _ => format!("{} GB", rounded(value / 1e9)),
    }
}

/// Three digits are enough for a reader.
pub fn rounded(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        ..99.95 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        _ => thousands(value),
    }
}

/// A whole number, its thousands set apart.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

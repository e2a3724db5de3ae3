//! The measurements as a picture: seconds, memory and size over pages, both axes logarithmic, so
//! that what is linear has the slope of the dashed line and what is flat is level.

use std::fmt::Write;

use super::Measurement;
use super::makers::Maker;

/// Pixels.
const WIDTH: f64 = 1140.0;
const HEIGHT: f64 = 490.0;
const PANEL_WIDTH: f64 = 290.0;
const PANEL_TOP: f64 = 110.0;
const PANEL_HEIGHT: f64 = 290.0;
const FIRST_PANEL: f64 = 70.0;
const PANEL_STEP: f64 = 370.0;
const MARKER: f64 = 4.5;

const TEXT: &str = "#1f2933";
const FAINT_TEXT: &str = "#52606d";
const GRID: &str = "#e4e7eb";
const FRAME: &str = "#9aa5b1";

const CAPTION: &str = "All axes are logarithmic. What grows in step with Dossier's pages lies on \
    the dashed line marked linear; what does not grow, on the one marked flat.";

/// One quantity over pages.
struct Panel {
    title: &'static str,
    value: fn(&Measurement) -> f64,
    tick: fn(f64) -> String,
    guide: Guide,
}

/// What a quantity would do if it were exactly as it is promised to be.
enum Guide {
    Linear,
    Flat,
}

const PANELS: [Panel; 3] = [
    Panel {
        title: "Time",
        value: |m| m.seconds_median,
        tick: seconds,
        guide: Guide::Linear,
    },
    Panel {
        title: "Peak memory",
        value: |m| m.peak_bytes as f64,
        tick: bytes,
        guide: Guide::Flat,
    },
    Panel {
        title: "File size a page",
        value: |m| m.bytes_a_page as f64,
        tick: bytes,
        guide: Guide::Flat,
    },
];

/// Draws an SVG.
pub fn draw(measurements: &[Measurement]) -> String {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = draw_into(&mut svg, measurements);
    svg
}

fn draw_into(svg: &mut String, measurements: &[Measurement]) -> std::fmt::Result {
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" \
         font-family=\"'Noto Sans', 'Helvetica Neue', Arial, sans-serif\" font-size=\"13\" \
         fill=\"{TEXT}\">"
    )?;
    writeln!(svg, "<title>Reports, from answer to PDF</title>")?;
    writeln!(svg, "<desc>{}</desc>", description(measurements))?;
    writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>")?;
    text(
        svg,
        24.0,
        34.0,
        "font-size=\"18\" font-weight=\"600\"",
        "From a service's answer to a PDF",
    )?;
    legend(svg, measurements)?;
    let pages = Axis::around(
        measurements.iter().map(|m| m.pages as f64),
        (0.0, PANEL_WIDTH),
    );
    for (place, panel) in PANELS.iter().enumerate() {
        let left = FIRST_PANEL + PANEL_STEP * place as f64;
        writeln!(svg, "<g transform=\"translate({left} {PANEL_TOP})\">")?;
        panel.draw(svg, &pages, measurements)?;
        writeln!(svg, "</g>")?;
    }
    let faint = format!("fill=\"{FAINT_TEXT}\"");
    text(svg, 24.0, HEIGHT - 16.0, &faint, CAPTION)?;
    writeln!(svg, "</svg>")
}

impl Panel {
    fn draw(
        &self,
        svg: &mut String,
        pages: &Axis,
        measurements: &[Measurement],
    ) -> std::fmt::Result {
        let values = Axis::around(measurements.iter().map(self.value), (PANEL_HEIGHT, 0.0))
            .up_to_whole_powers();
        text(svg, 0.0, -14.0, "font-weight=\"600\"", self.title)?;
        for power in pages.powers() {
            let x = pages.at(10_f64.powi(power));
            line(svg, (x, 0.0), (x, PANEL_HEIGHT), GRID)?;
            let label = thousands(10_f64.powi(power));
            text(
                svg,
                x,
                PANEL_HEIGHT + 19.0,
                "text-anchor=\"middle\"",
                &label,
            )?;
        }
        for power in values.powers() {
            let y = values.at(10_f64.powi(power));
            line(svg, (0.0, y), (PANEL_WIDTH, y), GRID)?;
            let label = (self.tick)(10_f64.powi(power));
            text(svg, -8.0, y + 4.5, "text-anchor=\"end\"", &label)?;
        }
        writeln!(
            svg,
            "<rect width=\"{PANEL_WIDTH}\" height=\"{PANEL_HEIGHT}\" fill=\"none\" stroke=\"{FRAME}\"/>"
        )?;
        let middle = format!("text-anchor=\"middle\" fill=\"{FAINT_TEXT}\"");
        text(
            svg,
            PANEL_WIDTH / 2.0,
            PANEL_HEIGHT + 40.0,
            &middle,
            "pages",
        )?;
        self.draw_guide(svg, pages, &values, measurements)?;
        // This program last, so that it lies on top.
        for maker in makers(measurements).into_iter().rev() {
            let points: Vec<(f64, f64)> = measurements
                .iter()
                .filter(|m| m.maker == maker)
                .map(|m| (pages.at(m.pages as f64), values.at((self.value)(m))))
                .collect();
            draw_series(svg, maker, &points)?;
        }
        Ok(())
    }

    /// The promise, from Dossier's largest report to smaller ones.
    fn draw_guide(
        &self,
        svg: &mut String,
        pages: &Axis,
        values: &Axis,
        measurements: &[Measurement],
    ) -> std::fmt::Result {
        let dossier = measurements.iter().filter(|m| m.maker == Maker::Dossier);
        let Some(largest) = dossier.max_by_key(|m| m.pages) else {
            return Ok(());
        };
        let (most_pages, most) = (largest.pages as f64, (self.value)(largest));
        let (first, last, name) = match self.guide {
            Guide::Flat => {
                let level = values.at(most);
                ((0.0, level), (PANEL_WIDTH, level), "flat")
            }
            Guide::Linear => {
                let end = pages.at(most_pages);
                // A power of ten is as long on both axes only by chance: go by values, not pixels.
                let fewest = most_pages * (values.lowest() / most).max(pages.lowest() / most_pages);
                let start = (pages.at(fewest), values.at(most * fewest / most_pages));
                (start, (end, values.at(most)), "linear")
            }
        };
        writeln!(
            svg,
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{FAINT_TEXT}\" stroke-width=\"1.2\" \
             stroke-dasharray=\"5 4\" fill=\"none\"/>",
            first.0, first.1, last.0, last.1
        )?;
        let (x, y, anchor) = match self.guide {
            Guide::Flat => (PANEL_WIDTH - 6.0, first.1 + 16.0, "end"),
            Guide::Linear => (
                (first.0 + last.0) / 2.0 + 8.0,
                (first.1 + last.1) / 2.0 + 16.0,
                "start",
            ),
        };
        let style = format!("text-anchor=\"{anchor}\" font-style=\"italic\" fill=\"{FAINT_TEXT}\"");
        text(svg, x, y, &style, name)
    }
}

fn legend(svg: &mut String, measurements: &[Measurement]) -> std::fmt::Result {
    let mut x = 32.0;
    for maker in makers(measurements) {
        let version = measurements
            .iter()
            .find(|m| m.maker == maker)
            .map_or("", |m| m.version.as_str());
        draw_series(svg, maker, &[(x, 61.0)])?;
        let label = format!("{} {version}", maker.label());
        text(svg, x + 11.0, 65.5, "", &label)?;
        x += 40.0 + 7.2 * label.chars().count() as f64;
    }
    Ok(())
}

/// A line through the points and a mark on each: its shape tells makers apart without colour.
fn draw_series(svg: &mut String, maker: Maker, points: &[(f64, f64)]) -> std::fmt::Result {
    let colour = colour(maker);
    let width = if maker == Maker::Dossier { 2.6 } else { 1.6 };
    let path: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    writeln!(
        svg,
        "<path d=\"M{}\" stroke=\"{colour}\" stroke-width=\"{width}\" fill=\"none\"/>",
        path.join("L")
    )?;
    for (x, y) in points {
        let r = MARKER;
        let shape = match maker {
            Maker::Dossier => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\""),
            Maker::Typst => polygon(*x, *y, &[(-r, -r), (r, -r), (r, r), (-r, r)]),
            Maker::Chromium => polygon(*x, *y, &[(0.0, -r - 1.0), (r + 1.0, r), (-r - 1.0, r)]),
            Maker::ReportLab => {
                let r = r + 1.5;
                polygon(*x, *y, &[(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)])
            }
            Maker::WeasyPrint => polygon(*x, *y, &[(-r - 1.0, -r), (r + 1.0, -r), (0.0, r + 1.0)]),
        };
        writeln!(svg, "{shape} fill=\"{colour}\" stroke=\"white\"/>")?;
    }
    Ok(())
}

fn polygon(x: f64, y: f64, corners: &[(f64, f64)]) -> String {
    let corners: Vec<String> = corners
        .iter()
        .map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy))
        .collect();
    format!("<polygon points=\"{}\"", corners.join(" "))
}

/// Okabe and Ito's palette, made to be told apart by people who are colour-blind.
fn colour(maker: Maker) -> &'static str {
    match maker {
        Maker::Dossier => "#0072b2",
        Maker::Typst => "#d55e00",
        Maker::Chromium => "#009e73",
        Maker::ReportLab => "#cc79a7",
        Maker::WeasyPrint => "#e69f00",
    }
}

/// Those that measured anything, Dossier first.
fn makers(measurements: &[Measurement]) -> Vec<Maker> {
    std::iter::once(Maker::Dossier)
        .chain(Maker::PEERS)
        .filter(|maker| measurements.iter().any(|m| m.maker == *maker))
        .collect()
}

fn description(measurements: &[Measurement]) -> String {
    let parts: Vec<String> = measurements
        .iter()
        .map(|m| {
            format!(
                "{}: {} pages, {}, {}, {} a page.",
                m.maker.label(),
                m.pages,
                seconds(m.seconds_median),
                bytes(m.peak_bytes as f64),
                bytes(m.bytes_a_page as f64)
            )
        })
        .collect();
    parts.join(" ")
}

/// A logarithmic axis with a tick at each whole power of ten.
struct Axis {
    /// Powers of ten, not whole ones: the axis's ends.
    first: f64,
    last: f64,
    pixels: (f64, f64),
}

impl Axis {
    /// The axis that shows all of the values, with some room around them and at least one tick.
    fn around(values: impl Iterator<Item = f64>, pixels: (f64, f64)) -> Self {
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
    fn up_to_whole_powers(self) -> Self {
        Self {
            first: self.first.floor(),
            last: self.last.ceil(),
            ..self
        }
    }

    fn powers(&self) -> std::ops::RangeInclusive<i32> {
        self.first.ceil() as i32..=self.last.floor() as i32
    }

    fn lowest(&self) -> f64 {
        10_f64.powf(self.first)
    }

    fn at(&self, value: f64) -> f64 {
        let (start, end) = self.pixels;
        let part = (value.log10() - self.first) / (self.last - self.first);
        start + part * (end - start)
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) -> std::fmt::Result {
    writeln!(
        svg,
        "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{colour}\"/>",
        from.0, from.1, to.0, to.1
    )
}

fn text(svg: &mut String, x: f64, y: f64, attributes: &str, text: &str) -> std::fmt::Result {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>"
    )
}

fn seconds(value: f64) -> String {
    match value {
        ..1.0 => format!("{} ms", rounded(value * 1e3)),
        _ => format!("{} s", rounded(value)),
    }
}

fn bytes(value: f64) -> String {
    match value {
        ..1e3 => format!("{} B", rounded(value)),
        ..1e6 => format!("{} kB", rounded(value / 1e3)),
        ..1e9 => format!("{} MB", rounded(value / 1e6)),
        _ => format!("{} GB", rounded(value / 1e9)),
    }
}

/// Three digits are enough for a reader.
fn rounded(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        ..99.95 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        _ => thousands(value),
    }
}

fn thousands(value: f64) -> String {
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

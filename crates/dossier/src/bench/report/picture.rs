//! The measurements as a picture: seconds, memory and size over pages, both axes logarithmic, so
//! that what is linear has the slope of the dashed line and what is flat is level.

use std::fmt::Write;

use super::Measurement;
use super::makers::Maker;
use crate::bench::chart::{
    Axis, FAINT_TEXT, FRAME, GRID, Look, Mark, begin, bytes, draw_series, line, seconds, text,
    thousands,
};

/// Pixels.
const WIDTH: f64 = 1140.0;
const HEIGHT: f64 = 490.0;
const PANEL_WIDTH: f64 = 290.0;
const PANEL_TOP: f64 = 110.0;
const PANEL_HEIGHT: f64 = 290.0;
const FIRST_PANEL: f64 = 70.0;
const PANEL_STEP: f64 = 370.0;

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
    begin(
        svg,
        (WIDTH, HEIGHT),
        "Reports, from answer to PDF",
        &description(measurements),
    )?;
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
            draw_series(svg, look(maker), &points)?;
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
        draw_series(svg, look(maker), &[(x, 61.0)])?;
        let label = format!("{} {version}", maker.label());
        text(svg, x + 11.0, 65.5, "", &label)?;
        x += 40.0 + 7.2 * label.chars().count() as f64;
    }
    Ok(())
}

/// How a maker's line is drawn.
fn look(maker: Maker) -> Look {
    let (mark, colour) = match maker {
        Maker::Dossier => (Mark::Circle, "#0072b2"),
        Maker::Typst => (Mark::Square, "#d55e00"),
        Maker::Chromium => (Mark::TriangleUp, "#009e73"),
        Maker::ReportLab => (Mark::Diamond, "#cc79a7"),
        Maker::WeasyPrint => (Mark::TriangleDown, "#e69f00"),
    };
    Look {
        mark,
        colour,
        width: if maker == Maker::Dossier { 2.6 } else { 1.6 },
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

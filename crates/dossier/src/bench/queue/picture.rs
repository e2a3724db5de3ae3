//! The measurements as a picture: requests a second over workers, how long calls take over requests
//! in the table, and the queues side by side.

use std::fmt::Write;

use super::measured::{Layer, Measured};
use super::waits::Call;
use crate::bench::chart::{
    Axis, FAINT_TEXT, FRAME, GRID, Look, Mark, begin, draw_series, line, seconds, text, thousands,
};
use crate::cli::BenchDatabase;

/// Pixels.
const WIDTH: f64 = 1240.0;
const HEIGHT: f64 = 520.0;
const PANEL_WIDTH: f64 = 300.0;
const PANEL_TOP: f64 = 80.0;
const PANEL_HEIGHT: f64 = 290.0;
const PANELS: [f64; 3] = [70.0, 470.0, 910.0];
const KEY_TOP: f64 = 66.0;
const KEY_STEP: f64 = 18.0;
const BAR_HEIGHT: f64 = 15.0;

const CAPTION: &str = "The axes of the lines are logarithmic. Filled marks in blue and green are \
    PostgreSQL, in orange and pink SQLite. Bars are medians; the darker bar of a pair is the \
    queue's fastest settings, the lighter one its defaults.";

const OWN_BARS: (&str, &str) = ("#9ecae1", "#0072b2");
const PEER_BARS: (&str, &str) = ("#d9d9d9", "#7f7f7f");

/// Calls whose times are drawn.
const CALLS: [Call; 3] = [Call::Claim, Call::FirstPage, Call::SearchReference];

/// A line of a panel.
struct Series {
    label: String,
    look: Look,
    points: Vec<(f64, f64)>,
}

/// Draws an SVG.
pub fn draw(measured: &Measured) -> String {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = draw_into(&mut svg, measured);
    svg
}

fn draw_into(svg: &mut String, measured: &Measured) -> std::fmt::Result {
    begin(
        svg,
        (WIDTH, HEIGHT),
        "Requests a second, and what a call takes",
        &description(measured),
    )?;
    let heading = "font-size=\"18\" font-weight=\"600\"";
    text(svg, 24.0, 34.0, heading, "What growth costs")?;
    let [rates, waits, queues] = PANELS;
    group(svg, rates, |svg| {
        let title = "Requests a second, by workers, in the largest table";
        lines(svg, title, &rate_series(measured), thousands, "workers")
    })?;
    group(svg, waits, |svg| {
        let title = "Median time of a call, by requests in the table";
        let shown = |milliseconds: f64| seconds(milliseconds / 1e3);
        lines(
            svg,
            title,
            &wait_series(measured),
            shown,
            "finished requests",
        )
    })?;
    if !measured.peers.is_empty() {
        group(svg, queues, |svg| bars(svg, measured))?;
    }
    let faint = format!("fill=\"{FAINT_TEXT}\" font-size=\"12\"");
    text(svg, 24.0, HEIGHT - 14.0, &faint, CAPTION)?;
    writeln!(svg, "</svg>")
}

fn group(
    svg: &mut String,
    left: f64,
    inside: impl FnOnce(&mut String) -> std::fmt::Result,
) -> std::fmt::Result {
    writeln!(svg, "<g transform=\"translate({left} {PANEL_TOP})\">")?;
    inside(svg)?;
    writeln!(svg, "</g>")
}

fn rate_series(measured: &Measured) -> Vec<Series> {
    let largest = measured.rates.iter().map(|rate| rate.requests).max();
    let mut all = Vec::new();
    for database in BenchDatabase::ALL {
        for layer in Layer::ALL {
            let points = measured.rates.iter().filter(|rate| {
                rate.database == database && rate.layer == layer && Some(rate.requests) == largest
            });
            let mark = match layer {
                Layer::Store => Mark::Circle,
                Layer::Http => Mark::Square,
            };
            all.push(Series {
                label: format!("{}, {}", database.label(), layer.label()),
                look: look(database, mark, layer == Layer::Store),
                points: points
                    .map(|rate| (f64::from(rate.workers), rate.requests_a_second_median))
                    .collect(),
            });
        }
    }
    all.retain(|series| !series.points.is_empty());
    all
}

fn wait_series(measured: &Measured) -> Vec<Series> {
    let mut all = Vec::new();
    for database in BenchDatabase::ALL {
        for (call, mark) in CALLS
            .iter()
            .zip([Mark::Circle, Mark::TriangleUp, Mark::Diamond])
        {
            let waits = measured
                .waits
                .iter()
                .filter(|wait| wait.database == database && wait.call == *call);
            all.push(Series {
                label: format!("{}, {}", database.label(), call.label()),
                look: look(database, mark, *call == Call::Claim),
                points: waits
                    .map(|wait| (wait.requests as f64, wait.p50_milliseconds))
                    .collect(),
            });
        }
    }
    all.retain(|series| !series.points.is_empty());
    all
}

fn look(database: BenchDatabase, mark: Mark, is_main: bool) -> Look {
    let colour = match (database, is_main) {
        (BenchDatabase::Postgres, true) => "#0072b2",
        (BenchDatabase::Postgres, false) => "#009e73",
        (BenchDatabase::Sqlite, true) => "#d55e00",
        (BenchDatabase::Sqlite, false) => "#cc79a7",
    };
    Look {
        mark,
        colour,
        width: if is_main { 2.6 } else { 1.6 },
    }
}

fn lines(
    svg: &mut String,
    title: &str,
    all: &[Series],
    shown: impl Fn(f64) -> String,
    unit: &str,
) -> std::fmt::Result {
    let points = || all.iter().flat_map(|series| series.points.iter().copied());
    let across = Axis::around(points().map(|(x, _)| x), (0.0, PANEL_WIDTH));
    let up = Axis::around(points().map(|(_, y)| y), (PANEL_HEIGHT, 0.0)).up_to_whole_powers();
    text(svg, 0.0, -14.0, "font-weight=\"600\"", title)?;
    let mut ticks: Vec<f64> = points().map(|(x, _)| x).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    for tick in ticks {
        let x = across.at(tick);
        line(svg, (x, 0.0), (x, PANEL_HEIGHT), GRID)?;
        let label = thousands(tick);
        text(
            svg,
            x,
            PANEL_HEIGHT + 19.0,
            "text-anchor=\"middle\"",
            &label,
        )?;
    }
    for power in up.powers() {
        let y = up.at(10_f64.powi(power));
        line(svg, (0.0, y), (PANEL_WIDTH, y), GRID)?;
        let label = shown(10_f64.powi(power));
        text(svg, -8.0, y + 4.5, "text-anchor=\"end\"", &label)?;
    }
    writeln!(
        svg,
        "<rect width=\"{PANEL_WIDTH}\" height=\"{PANEL_HEIGHT}\" fill=\"none\" stroke=\"{FRAME}\"/>"
    )?;
    let middle = format!("text-anchor=\"middle\" fill=\"{FAINT_TEXT}\"");
    text(svg, PANEL_WIDTH / 2.0, PANEL_HEIGHT + 38.0, &middle, unit)?;
    for series in all {
        let points: Vec<(f64, f64)> = series
            .points
            .iter()
            .map(|(x, y)| (across.at(*x), up.at(*y)))
            .collect();
        draw_series(svg, series.look, &points)?;
    }
    key(svg, all)
}

/// What the lines are, two columns below the panel.
fn key(svg: &mut String, all: &[Series]) -> std::fmt::Result {
    let rows = all.len().div_ceil(2).max(1);
    for (place, series) in all.iter().enumerate() {
        let x = -20.0 + (place / rows) as f64 * (PANEL_WIDTH / 2.0 + 40.0);
        let y = PANEL_HEIGHT + KEY_TOP + (place % rows) as f64 * KEY_STEP;
        draw_series(svg, series.look, &[(x, y - 4.0)])?;
        text(svg, x + 11.0, y, "font-size=\"11\"", &series.label)?;
    }
    Ok(())
}

/// A pair of bars a queue, the fastest queue first.
fn bars(svg: &mut String, measured: &Measured) -> std::fmt::Result {
    text(
        svg,
        -90.0,
        -14.0,
        "font-weight=\"600\"",
        "Jobs of 1 ms a second, on the same server",
    )?;
    let most = |peer: &str| {
        measured
            .peers
            .iter()
            .filter(|rate| rate.peer == peer)
            .map(|rate| rate.jobs_a_second_median)
            .fold(0.0, f64::max)
    };
    let mut names: Vec<&str> = measured
        .peers
        .iter()
        .map(|rate| rate.peer.as_str())
        .collect();
    names.dedup();
    names.sort_by(|a, b| most(b).total_cmp(&most(a)));
    let longest = names.first().map_or(1.0, |name| most(name)).max(1.0);
    let mut y = 8.0;
    for name in names {
        text(svg, -8.0, y + BAR_HEIGHT, "text-anchor=\"end\"", name)?;
        for rate in measured.peers.iter().filter(|rate| rate.peer == name) {
            let (lighter, darker) = if rate.is_own() { OWN_BARS } else { PEER_BARS };
            let fill = match rate.mode {
                super::peers::Mode::Defaults => lighter,
                super::peers::Mode::Fastest => darker,
            };
            let width = rate.jobs_a_second_median / longest * (PANEL_WIDTH - 60.0);
            writeln!(
                svg,
                "<rect y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR_HEIGHT}\" fill=\"{fill}\"/>"
            )?;
            let label = thousands(rate.jobs_a_second_median);
            text(svg, width + 6.0, y + 12.0, "font-size=\"12\"", &label)?;
            y += BAR_HEIGHT + 2.0;
        }
        y += 14.0;
    }
    Ok(())
}

fn description(measured: &Measured) -> String {
    let rates = rate_series(measured).into_iter().flat_map(|series| {
        let label = series.label;
        series.points.into_iter().map(move |(workers, rate)| {
            format!(
                "{label}, {workers} workers: {} requests a second.",
                thousands(rate)
            )
        })
    });
    let waits = wait_series(measured).into_iter().flat_map(|series| {
        let label = series.label;
        series
            .points
            .into_iter()
            .map(move |(requests, milliseconds)| {
                let time = seconds(milliseconds / 1e3);
                format!("{label}, {} requests: {time}.", thousands(requests))
            })
    });
    let peers = measured.peers.iter().map(|rate| {
        let jobs = thousands(rate.jobs_a_second_median);
        format!("{}, {}: {jobs} jobs a second.", rate.peer, rate.mode.word())
    });
    let all: Vec<String> = rates.chain(waits).chain(peers).collect();
    all.join(" ")
}

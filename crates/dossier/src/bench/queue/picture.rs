//! The measurements as a picture: rates and waits over requests in the table, requests a second over
//! workers, how long lists take, and the queues side by side; beside every median the worst.

use std::fmt::Write;

use super::measured::{Layer, Measured, Rate, Wait};
use super::waits::Call;
use crate::bench::chart::{
    Axis, FAINT_TEXT, FRAME, GRID, Look, Mark, TEXT, begin, draw_dashed, draw_series, line,
    seconds, text, thousands, whisker,
};
use crate::cli::BenchDatabase;

/// Pixels.
const WIDTH: f64 = 1240.0;
const HEIGHT: f64 = 900.0;
const PANEL_WIDTH: f64 = 300.0;
const PANEL_HEIGHT: f64 = 230.0;
const COLUMNS: [f64; 3] = [70.0, 490.0, 910.0];
const ROWS: [f64; 2] = [104.0, 494.0];
/// Where the bars of queues begin, to the right of their names.
const BARS_LEFT: f64 = 970.0;
const BAR_LENGTH_MAX: f64 = 180.0;
const BAR_HEIGHT: f64 = 14.0;
const KEY_TOP: f64 = 62.0;
const KEY_STEP: f64 = 18.0;
/// What is drawn of several lines at one size stands apart by so much.
const APART: f64 = 5.0;

const CAPTION: [&str; 2] = [
    "All axes of lines are logarithmic: a level line is one that growth does not change. Filled marks are \
     medians. Empty marks, and the ends of thin lines, are p99 of times and the slowest run of rates.",
    "Of a pair of bars the darker one is the queue's fastest settings, the lighter one its defaults; the \
     black line in a bar is its slowest run.",
];

const OWN_BARS: (&str, &str) = ("#9ecae1", "#0072b2");
const PEER_BARS: (&str, &str) = ("#d9d9d9", "#7f7f7f");

/// Calls whose times are drawn with those of lists.
const LISTS: [Call; 3] = [Call::FirstPage, Call::SearchReference, Call::AdminFirstPage];

/// A line of a panel.
struct Series {
    label: String,
    look: Look,
    points: Vec<Point>,
}

struct Point {
    at: f64,
    median: f64,
    /// The 99th percentile of times, the slowest run of rates.
    worst: f64,
}

impl Point {
    fn of_rate(at: f64, rate: &Rate) -> Self {
        Self {
            at,
            median: rate.requests_a_second_median,
            worst: rate.requests_a_second_least,
        }
    }

    fn of_wait(wait: &Wait) -> Self {
        Self {
            at: wait.requests as f64,
            median: wait.p50_milliseconds,
            worst: wait.p99_milliseconds,
        }
    }
}

/// How the worst is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worst {
    /// As a line of its own.
    Dashed,
    /// As the end of a thin line from the median.
    Whisker,
}

/// A panel with lines.
struct Panel {
    title: String,
    series: Vec<Series>,
    shown: fn(f64) -> String,
    unit: &'static str,
    worst: Worst,
    /// Said beneath the title.
    note: String,
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
    let places = ROWS.iter().flat_map(|row| COLUMNS.map(|left| (left, *row)));
    for ((left, top), panel) in places.zip(panels(measured)) {
        if !panel.series.is_empty() {
            group(svg, (left, top), |svg| lines(svg, &panel))?;
        }
    }
    if !measured.peers.is_empty() {
        group(svg, (BARS_LEFT, ROWS[1]), |svg| bars(svg, measured))?;
    }
    let faint = format!("fill=\"{FAINT_TEXT}\" font-size=\"12\"");
    for (place, sentence) in CAPTION.iter().rev().enumerate() {
        let y = HEIGHT - 14.0 - place as f64 * 18.0;
        text(svg, 24.0, y, &faint, sentence)?;
    }
    writeln!(svg, "</svg>")
}

fn group(
    svg: &mut String,
    (left, top): (f64, f64),
    inside: impl FnOnce(&mut String) -> std::fmt::Result,
) -> std::fmt::Result {
    writeln!(svg, "<g transform=\"translate({left} {top})\">")?;
    inside(svg)?;
    writeln!(svg, "</g>")
}

/// All panels with lines: what depends on the table in the first row, the rest in the second.
fn panels(measured: &Measured) -> [Panel; 5] {
    let milliseconds: fn(f64) -> String = |milliseconds| seconds(milliseconds / 1e3);
    let most = measured.rates.iter().map(|rate| rate.workers).max();
    let largest = measured.rates.iter().map(|rate| rate.requests).max();
    let slowdowns: Vec<String> = measured
        .claim_slowdowns
        .iter()
        .map(|slowdown| format!("{} {:+.0} %", slowdown.database.label(), slowdown.percent))
        .collect();
    let note = match measured.claim_slowdowns.first() {
        Some(first) => {
            let (from, to) = (thousands(first.from as f64), thousands(first.to as f64));
            format!("from {from} to {to}: {}", slowdowns.join(", "))
        }
        None => String::new(),
    };
    let by_size = |title: &str, calls: &[(Call, Mark)], worst, note| Panel {
        title: title.to_owned(),
        series: wait_series(measured, calls),
        shown: milliseconds,
        unit: "finished requests in the table",
        worst,
        note,
    };
    let marks = [Mark::Circle, Mark::TriangleUp, Mark::Diamond];
    let lists: Vec<(Call, Mark)> = LISTS.into_iter().zip(marks).collect();
    let claim = [(Call::Claim, Mark::Circle)];
    let pick_up = [(Call::PickUp, Mark::Square)];
    [
        Panel {
            title: match most {
                Some(most) => format!("Requests a second, {most} workers"),
                None => String::new(),
            },
            series: rate_series(measured, |rate| {
                (Some(rate.workers) == most).then_some(rate.requests as f64)
            }),
            shown: thousands,
            unit: "finished requests in the table",
            worst: Worst::Whisker,
            note: "claimed, renewed and completed".to_owned(),
        },
        by_size("To claim a request", &claim, Worst::Dashed, note),
        by_size(
            "From POST to claimed, over HTTP",
            &pick_up,
            Worst::Dashed,
            "by a worker that waits".to_owned(),
        ),
        Panel {
            title: "Requests a second, by workers".to_owned(),
            series: rate_series(measured, |rate| {
                (Some(rate.requests) == largest).then_some(f64::from(rate.workers))
            }),
            shown: thousands,
            unit: "workers",
            worst: Worst::Whisker,
            note: "in the largest table".to_owned(),
        },
        by_size(
            "Lists and searches",
            &lists,
            Worst::Whisker,
            "first pages; the admin list is over HTTP, with counts of all".to_owned(),
        ),
    ]
}

/// A line a database and layer, through the rates that `at` gives a place.
fn rate_series(measured: &Measured, at: impl Fn(&Rate) -> Option<f64>) -> Vec<Series> {
    let mut all = Vec::new();
    for database in BenchDatabase::ALL {
        for layer in Layer::ALL {
            let own = |rate: &&Rate| rate.database == database && rate.layer == layer;
            let points = measured.rates.iter().filter(own);
            let points = points.filter_map(|rate| Some(Point::of_rate(at(rate)?, rate)));
            let mark = match layer {
                Layer::Store => Mark::Circle,
                Layer::Http => Mark::Square,
            };
            all.push(Series {
                label: format!("{}, {}", database.label(), layer.label()),
                look: look(database, mark, layer == Layer::Store),
                points: points.collect(),
            });
        }
    }
    all.retain(|series| !series.points.is_empty());
    all
}

fn wait_series(measured: &Measured, calls: &[(Call, Mark)]) -> Vec<Series> {
    let mut all = Vec::new();
    for database in BenchDatabase::ALL {
        for (call, mark) in calls {
            let own = |wait: &&Wait| wait.database == database && wait.call == *call;
            let label = match calls.len() {
                1 => database.label().to_owned(),
                _ => format!("{}, {}", database.label(), short(*call)),
            };
            all.push(Series {
                label,
                look: look(database, *mark, calls.len() == 1),
                points: measured
                    .waits
                    .iter()
                    .filter(own)
                    .map(Point::of_wait)
                    .collect(),
            });
        }
    }
    all.retain(|series| !series.points.is_empty());
    all
}

/// What a call is called in a key.
fn short(call: Call) -> &'static str {
    match call {
        Call::FirstPage => "list",
        Call::SearchReference => "search",
        Call::AdminFirstPage => "admin",
        other => other.label(),
    }
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

fn lines(svg: &mut String, panel: &Panel) -> std::fmt::Result {
    let points = || panel.series.iter().flat_map(|series| &series.points);
    let across = Axis::around(points().map(|point| point.at), (0.0, PANEL_WIDTH));
    let heights = points().flat_map(|point| [point.median, point.worst]);
    let up = Axis::around(heights, (PANEL_HEIGHT, 0.0)).up_to_whole_powers();
    text(svg, 0.0, -28.0, "font-weight=\"600\"", &panel.title)?;
    let faint = format!("fill=\"{FAINT_TEXT}\" font-size=\"12\"");
    text(svg, 0.0, -10.0, &faint, &panel.note)?;
    let mut ticks: Vec<f64> = points().map(|point| point.at).collect();
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
        let label = (panel.shown)(10_f64.powi(power));
        text(svg, -8.0, y + 4.5, "text-anchor=\"end\"", &label)?;
    }
    writeln!(
        svg,
        "<rect width=\"{PANEL_WIDTH}\" height=\"{PANEL_HEIGHT}\" fill=\"none\" stroke=\"{FRAME}\"/>"
    )?;
    let middle = format!("text-anchor=\"middle\" fill=\"{FAINT_TEXT}\"");
    let below = PANEL_HEIGHT + 37.0;
    text(svg, PANEL_WIDTH / 2.0, below, &middle, panel.unit)?;
    let centre = (panel.series.len() as f64 - 1.0) / 2.0;
    for (place, series) in panel.series.iter().enumerate() {
        let aside = match panel.worst {
            Worst::Dashed => 0.0,
            Worst::Whisker => (place as f64 - centre) * APART,
        };
        let drawn = |value: fn(&Point) -> f64| -> Vec<(f64, f64)> {
            let points = series.points.iter();
            points
                .map(|point| (across.at(point.at) + aside, up.at(value(point))))
                .collect()
        };
        let (medians, worst) = (drawn(|point| point.median), drawn(|point| point.worst));
        match panel.worst {
            Worst::Dashed => draw_dashed(svg, series.look, &worst)?,
            Worst::Whisker => {
                for ((x, from), (_, to)) in medians.iter().zip(&worst) {
                    whisker(svg, *x, *from, *to, series.look.colour)?;
                }
            }
        }
        draw_series(svg, series.look, &medians)?;
    }
    key(svg, panel)
}

/// What the lines are, two columns below the panel.
fn key(svg: &mut String, panel: &Panel) -> std::fmt::Result {
    /// Pixels between the two marks of a piece of a line.
    const LINE: f64 = 20.0;
    type Draw = fn(&mut String, Look, &[(f64, f64)]) -> std::fmt::Result;
    let mut entries: Vec<(String, Look, Draw)> = Vec::new();
    for series in &panel.series {
        match panel.worst {
            Worst::Dashed => {
                entries.push((format!("{}, p50", series.label), series.look, draw_series));
                entries.push((format!("{}, p99", series.label), series.look, draw_dashed));
            }
            Worst::Whisker => entries.push((series.label.clone(), series.look, draw_series)),
        }
    }
    let rows = entries.len().div_ceil(2).max(1);
    for (place, (label, look, draw)) in entries.into_iter().enumerate() {
        let x = (place / rows) as f64 * (PANEL_WIDTH / 2.0 + 10.0);
        let y = PANEL_HEIGHT + KEY_TOP + (place % rows) as f64 * KEY_STEP;
        let ends = [(x - LINE, y - 4.0), (x, y - 4.0)];
        draw(svg, look, &ends)?;
        text(svg, x + 10.0, y, "font-size=\"11\"", &label)?;
    }
    Ok(())
}

/// A pair of bars a queue, the fastest queue first.
fn bars(svg: &mut String, measured: &Measured) -> std::fmt::Result {
    let title = "Jobs of 1 ms a second";
    text(svg, -60.0, -28.0, "font-weight=\"600\"", title)?;
    let faint = format!("fill=\"{FAINT_TEXT}\" font-size=\"12\"");
    text(svg, -60.0, -10.0, &faint, "on the same server")?;
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
            let length = |rate: f64| rate / longest * BAR_LENGTH_MAX;
            let width = length(rate.jobs_a_second_median);
            writeln!(
                svg,
                "<rect y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR_HEIGHT}\" fill=\"{fill}\"/>"
            )?;
            let least = length(rate.jobs_a_second_least);
            line(svg, (least, y + 2.0), (least, y + BAR_HEIGHT - 2.0), TEXT)?;
            let label = thousands(rate.jobs_a_second_median);
            text(svg, width + 6.0, y + 12.0, "font-size=\"12\"", &label)?;
            y += BAR_HEIGHT + 2.0;
        }
        y += 8.0;
    }
    Ok(())
}

fn description(measured: &Measured) -> String {
    let lines = panels(measured).into_iter().flat_map(|panel| {
        let Panel {
            title,
            series,
            shown,
            unit,
            worst: _,
            note: _,
        } = panel;
        series.into_iter().flat_map(move |series| {
            let (title, label) = (title.clone(), series.label);
            series.points.into_iter().map(move |point| {
                format!(
                    "{title}, {label}, {} {unit}: {}, at worst {}.",
                    thousands(point.at),
                    shown(point.median),
                    shown(point.worst)
                )
            })
        })
    });
    let peers = measured.peers.iter().map(|rate| {
        let jobs = thousands(rate.jobs_a_second_median);
        let least = thousands(rate.jobs_a_second_least);
        let mode = rate.mode.word();
        format!(
            "{}, {mode}: {jobs} jobs a second, at worst {least}.",
            rate.peer
        )
    });
    lines.chain(peers).collect::<Vec<String>>().join(" ")
}

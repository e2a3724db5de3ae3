//! Time and memory of a large template with a large answer.

use std::fmt::Write;
use std::io;
use std::time::Instant;

use dossier_template::{Content, NoInlineImages, NoReferenceData, Template};
use serde::Serialize;

use super::report::write_content;
use super::{median, process_memory, within};
use crate::cli::BenchTemplate;
use crate::exit::Failure;
use crate::output::Output;

const MEGABYTE: u64 = 1_000_000;

/// About how many bytes one record of the answer has.
const RECORD_BYTES: u64 = 7_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    answer_bytes: u64,
    template_lines: usize,
    template_bytes: usize,
    parse_seconds: f64,
    runs: usize,
    /// From the answer on disk to the last byte of HTML.
    seconds_median: f64,
    html_bytes: u64,
    steps: u64,
    peak_before_bytes: u64,
    peak_bytes: u64,
}

/// Compiles a template, then reads an answer from disk and renders it as often as wanted.
pub fn run(options: &BenchTemplate, output: Output) -> Result<(), Failure> {
    let failed = || Failure::file("writing the answer to be measured");
    let folder = tempfile::Builder::new()
        .prefix("dossier-bench-")
        .tempdir()
        .map_err(Failure::file("making a folder for the benchmark"))?;
    let body = folder.path().join("body.json");
    let records = (options.megabytes * MEGABYTE / RECORD_BYTES).max(1);
    let first_bytes = write_content(&body, records).map_err(failed())?;
    // Records vary in size: once their mean is known, the size is right.
    let records = (records * options.megabytes * MEGABYTE).div_ceil(first_bytes);
    let answer_bytes = write_content(&body, records).map_err(failed())?;
    let source = template(options.lines);
    let peak_before_bytes = process_memory(std::process::id(), "VmHWM")?;
    let started = Instant::now();
    let template = Template::parse(&source)
        .map_err(|error| Failure::Other(format!("the template to be measured: {error}")))?;
    let parse_seconds = started.elapsed().as_secs_f64();
    let mut seconds = Vec::new();
    let mut rendered = None;
    for _ in 0..options.runs {
        let started = Instant::now();
        let content = Content::open(&body)
            .map_err(|error| Failure::Other(format!("the answer to be measured: {error}")))?;
        let out = &mut io::sink();
        let done = template
            .render(&content, &NoReferenceData, &NoInlineImages, out)
            .map_err(|error| Failure::Other(format!("rendering: {error}")))?;
        seconds.push(started.elapsed().as_secs_f64());
        rendered = Some(done);
    }
    let measured = Measured {
        answer_bytes,
        template_lines: source.lines().count(),
        template_bytes: source.len(),
        parse_seconds,
        runs: seconds.len(),
        seconds_median: median(&seconds),
        html_bytes: rendered.map_or(0, |rendered| rendered.bytes),
        steps: rendered.map_or(0, |rendered| rendered.steps),
        peak_before_bytes,
        peak_bytes: process_memory(std::process::id(), "VmHWM")?,
    };
    output.print(&measured, Measured::text);
    let most = options.median_max_seconds;
    within("the median in seconds", measured.seconds_median, most)
}

impl Measured {
    fn text(&self) -> String {
        let megabytes = |bytes: u64| bytes as f64 / MEGABYTE as f64;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        format!(
            "an answer of {:.1} MB through a template of {} lines, read, rendered and thrown away\n\
             compiling the template  {:.4} s\n\
             median of {:<3} runs      {:.3} s\n\
             HTML                    {:.1} MB, {} steps\n\
             peak memory before      {:.1} MiB\n\
             peak memory             {:.1} MiB",
            megabytes(self.answer_bytes),
            self.template_lines,
            self.parse_seconds,
            self.runs,
            self.seconds_median,
            megabytes(self.html_bytes),
            self.steps,
            mib(self.peak_before_bytes),
            mib(self.peak_bytes),
        )
    }
}

/// A template of so many lines that shows each record several times over: tables of names and
/// values, lists, conditions, dates.
fn template(lines: u32) -> String {
    let mut source = String::from("<h1 class=\"title\">Case management</h1>\n{{#each this}}\n");
    // Texts are short here: what is measured is the template, not how fast notes are copied.
    let rows = [
        "<tr><td>Booking</td><td>{{optionalValue bookingNumber}}</td></tr>",
        "<tr><td>Start</td><td>{{optionalValue (formatDate startDate)}}</td></tr>",
        "<tr><td>Active</td><td>{{convertBoolean active}}</td></tr>",
        "<tr><td>Address</td><td>{{#if address}}{{address}}{{else}}No address{{/if}}</td></tr>",
        "<tr><td>Letter</td><td>{{letter.language}}, {{formatDate letter.received}}</td></tr>",
        "<tr><td>Prison</td><td>{{getPrisonName establishment}}</td></tr>",
        "<tr><td>Moves</td><td>{{movements.length}}</td></tr>",
        "<tr><td>First</td><td>{{movements.[0].from}} {{#if (eq active true)}}x{{/if}}</td></tr>",
        "<tr><td>Absent</td><td>{{optionalValue legalHold \"None\"}}</td></tr>",
    ];
    for line in 0..lines.saturating_sub(5) {
        let row = rows[line as usize % rows.len()];
        // Writing to a text cannot fail.
        let _ = writeln!(source, "{row}");
    }
    source.push_str(
        "{{#each movements}}<p>{{@index}} {{formatDate date}} {{from}} {{to}} {{reason}}</p>{{/each}}\n\
         {{#caseNotes}}<p>{{author}}: {{text}}</p>{{/caseNotes}}\n{{/each}}\n",
    );
    source
}

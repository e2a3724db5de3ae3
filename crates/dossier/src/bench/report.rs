//! From an answer on disk to a PDF: time, memory and size, next to other makers of PDFs.

mod content;
mod makers;
mod measured;
mod picture;

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use serde::Serialize;
use tempfile::TempDir;

pub(super) use self::content::write as write_content;
use self::makers::Maker;
use self::measured::Stopped;
use super::{load, median, within};
use crate::cli::{BenchReport, WriteReport};
use crate::exit::Failure;
use crate::output::{Output, table};

/// Records of the two small reports from which the size of a record is taken.
const TRIAL_RECORDS: [u64; 2] = [10, 60];

/// All that was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    cores: usize,
    /// Processes that ran or waited to run, averaged over the minute before the first measurement.
    load_before: Option<f64>,
    /// The same, over the last minute of the last measurement.
    load_after: Option<f64>,
    reports: Vec<Measurement>,
    skipped: Vec<Skipped>,
    against_typst: Option<Comparison>,
}

/// One maker at one size.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measurement {
    #[serde(serialize_with = "as_label")]
    maker: Maker,
    version: String,
    pages_asked: u64,
    input_bytes: u64,
    runs: usize,
    pages: u64,
    seconds_median: f64,
    pages_a_second: f64,
    peak_bytes: u64,
    bytes_a_page: u64,
}

/// A maker that was not measured at a size.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Skipped {
    #[serde(serialize_with = "as_label")]
    maker: Maker,
    pages_asked: u64,
    why: String,
}

/// Dossier and Typst at the largest size that both did.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Comparison {
    pages_asked: u64,
    pages_a_second_ratio: f64,
    seconds_ratio: f64,
    peak_bytes_ratio: f64,
}

/// Measures every size with every maker and prints a table; draws a picture if one is wanted.
pub async fn run(options: &BenchReport, output: Output) -> Result<(), Failure> {
    let bench = ReportBench::new(options, output)?;
    let measured = tokio::select! {
        measured = bench.measure() => measured?,
        // Ending here, not at the signal, takes the running maker and the folder away.
        _ = tokio::signal::ctrl_c() => return Err(Failure::Other("interrupted".to_owned())),
    };
    if let Some(file) = &options.svg {
        std::fs::write(file, picture::draw(&measured.reports))
            .map_err(Failure::file(format!("writing {}", file.display())))?;
    }
    output.print(&measured, Measured::text);
    measured.within_limits(options)
}

/// Makes one report in this process, which is looked at from outside.
pub fn write_one(options: &WriteReport) -> Result<(), Failure> {
    makers::report_and_say(options.body.clone(), &options.output)
}

struct ReportBench<'o> {
    options: &'o BenchReport,
    peers: Option<PathBuf>,
    folder: TempDir,
    progress: ProgressBar,
}

impl<'o> ReportBench<'o> {
    fn new(options: &'o BenchReport, output: Output) -> Result<Self, Failure> {
        let peers = match options.peers.as_path() {
            none if none == Path::new("none") => None,
            folder if folder.join("run").is_file() => Some(folder.to_owned()),
            folder => {
                let folder = folder.display();
                return Err(Failure::Other(format!(
                    "{folder} is no folder of peers: it has no script named `run`"
                )));
            }
        };
        let progress = ProgressBar::new_spinner();
        if output == Output::Json {
            progress.set_draw_target(ProgressDrawTarget::hidden());
        }
        progress.enable_steady_tick(Duration::from_millis(100));
        let folder = tempfile::Builder::new()
            .prefix("dossier-bench-")
            .tempdir()
            .map_err(Failure::file("making a folder for the benchmark"))?;
        Ok(Self {
            options,
            peers,
            folder,
            progress,
        })
    }

    async fn measure(&self) -> Result<Measured, Failure> {
        let load_before = load();
        let size = self.size_of_records()?;
        let mut reports = Vec::new();
        let mut skipped = Vec::new();
        for pages_asked in &self.options.pages {
            let body = self.folder.path().join("body.json");
            let input_bytes = content::write(&body, size.records(*pages_asked))
                .map_err(Failure::file("writing the answer to be measured"))?;
            let content = Content {
                body,
                pages_asked: *pages_asked,
                input_bytes,
            };
            reports.push(
                self.maker(Maker::Dossier, &content)
                    .await
                    .map_err(|Stopped(why)| Failure::Other(format!("Dossier {why}")))?,
            );
            for maker in Maker::PEERS.iter().filter(|_| self.peers.is_some()) {
                let result = match self.reason_to_skip(*maker, *pages_asked, &reports, &skipped) {
                    Some(why) => Err(Stopped(why)),
                    None => self.maker(*maker, &content).await,
                };
                match result {
                    Ok(measurement) => reports.push(measurement),
                    Err(Stopped(why)) => skipped.push(Skipped {
                        maker: *maker,
                        pages_asked: *pages_asked,
                        why,
                    }),
                }
            }
        }
        self.progress.finish_and_clear();
        Ok(Measured {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_before,
            load_after: load(),
            against_typst: Comparison::of(&reports),
            reports,
            skipped,
        })
    }

    /// Why a peer is not asked for a size, going by the sizes that it did.
    fn reason_to_skip(
        &self,
        maker: Maker,
        pages_asked: u64,
        reports: &[Measurement],
        skipped: &[Skipped],
    ) -> Option<String> {
        let (pages_max, limit) = (self.options.peer_pages_max, self.options.time_limit);
        if pages_asked > pages_max {
            return Some(format!("peers are asked for at most {pages_max} pages"));
        }
        let failed = skipped
            .iter()
            .find(|s| s.maker == maker && s.pages_asked <= pages_asked);
        if let Some(failed) = failed {
            return Some(format!("{} pages: {}", failed.pages_asked, failed.why));
        }
        let largest = reports
            .iter()
            .filter(|m| m.maker == maker && m.pages_asked <= pages_asked)
            .max_by_key(|m| m.pages_asked)?;
        let expected =
            largest.seconds_median * pages_asked as f64 / largest.pages_asked.max(1) as f64;
        (expected > limit as f64).then(|| {
            format!(
                "at the speed of {} pages it takes {expected:.0} s, longer than {limit} s",
                largest.pages_asked
            )
        })
    }

    /// Times the runs of one maker at one size. No further one begins when the ones before it took
    /// the time limit together.
    async fn maker(&self, maker: Maker, content: &Content) -> Result<Measurement, Stopped> {
        let out = self.folder.path().join("report.pdf");
        let limit = Duration::from_secs(self.options.time_limit);
        let mut runs = Vec::new();
        let mut taken = 0.0;
        while runs.len() < self.options.runs as usize && taken < limit.as_secs_f64() {
            self.progress.set_message(format!(
                "{}, {} pages, run {} of {}",
                maker.label(),
                content.pages_asked,
                runs.len() + 1,
                self.options.runs
            ));
            let run = maker
                .make(self.peers.as_deref(), &content.body, &out, limit)
                .await?;
            taken += run.seconds;
            runs.push(run);
        }
        let seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
        let peak_bytes = runs.iter().map(|run| run.peak_bytes).max().unwrap_or(0);
        let Some(last) = runs.pop() else {
            return Err(Stopped("was not run".to_owned()));
        };
        let pages = match (last.said.pages, &self.peers) {
            (Some(pages), _) => pages,
            (None, Some(peers)) => makers::count_pages(peers, &out).await?,
            (None, None) => return Err(Stopped("did not say how many pages".to_owned())),
        };
        let bytes = std::fs::metadata(&out)
            .map_err(|error| Stopped(format!("left no file: {error}")))?
            .len();
        let seconds_median = median(&seconds);
        Ok(Measurement {
            maker,
            version: last.said.version,
            pages_asked: content.pages_asked,
            input_bytes: content.input_bytes,
            runs: seconds.len(),
            pages,
            seconds_median,
            pages_a_second: pages as f64 / seconds_median,
            peak_bytes,
            bytes_a_page: bytes / pages.max(1),
        })
    }

    /// Makes two small reports and compares them.
    fn size_of_records(&self) -> Result<RecordSize, Failure> {
        let mut pages = [0; 2];
        for (pages, records) in pages.iter_mut().zip(TRIAL_RECORDS) {
            let body = self.folder.path().join("trial.json");
            content::write(&body, records)
                .map_err(Failure::file("writing the answer to be measured"))?;
            let out = self.folder.path().join("trial.pdf");
            *pages = u64::from(makers::report(body, &out)?.pages);
        }
        let [few, many] = TRIAL_RECORDS;
        let pages_a_record = pages[1].saturating_sub(pages[0]) as f64 / (many - few) as f64;
        Ok(RecordSize {
            pages_a_record,
            pages_around: pages[0] as f64 - pages_a_record * few as f64,
        })
    }
}

/// An answer on disk.
struct Content {
    body: PathBuf,
    pages_asked: u64,
    input_bytes: u64,
}

/// How many pages records come to in Dossier's layout.
struct RecordSize {
    pages_a_record: f64,
    /// Covers, contents and the like.
    pages_around: f64,
}

impl RecordSize {
    fn records(&self, pages: u64) -> u64 {
        let records = (pages as f64 - self.pages_around) / self.pages_a_record;
        records.round().max(1.0) as u64
    }
}

impl Comparison {
    fn of(reports: &[Measurement]) -> Option<Self> {
        let typst = reports
            .iter()
            .filter(|m| m.maker == Maker::Typst)
            .max_by_key(|m| m.pages_asked)?;
        let dossier = reports
            .iter()
            .find(|m| m.maker == Maker::Dossier && m.pages_asked == typst.pages_asked)?;
        Some(Self {
            pages_asked: typst.pages_asked,
            pages_a_second_ratio: dossier.pages_a_second / typst.pages_a_second,
            seconds_ratio: typst.seconds_median / dossier.seconds_median,
            peak_bytes_ratio: typst.peak_bytes as f64 / dossier.peak_bytes as f64,
        })
    }
}

impl Measured {
    /// Fails at the first limit that is passed.
    fn within_limits(&self, options: &BenchReport) -> Result<(), Failure> {
        let own = || self.reports.iter().filter(|m| m.maker == Maker::Dossier);
        for report in own() {
            let pages = report.pages;
            let megabytes = report.peak_bytes as f64 / 1e6;
            within(
                &format!("memory in MB for {pages} pages"),
                megabytes,
                options.memory_max_mb,
            )?;
            within(
                &format!("bytes a page of {pages} pages"),
                report.bytes_a_page as f64,
                options.bytes_per_page_max,
            )?;
        }
        if let Some(smallest) = own().min_by_key(|m| m.pages_asked) {
            for report in own() {
                for (what, ratio) in report.growth_from(smallest) {
                    let (pages, few) = (report.pages, smallest.pages);
                    within(
                        &format!("{what} of {pages} pages to those of {few}"),
                        ratio,
                        options.growth_max,
                    )?;
                }
            }
        }
        let Some(min) = options.typst_ratio_min else {
            return Ok(());
        };
        match &self.against_typst {
            Some(c) if c.pages_a_second_ratio >= min => Ok(()),
            Some(c) => Err(Failure::Other(format!(
                "{:.1} times Typst's pages/s, and at least {min} was wanted",
                c.pages_a_second_ratio
            ))),
            None => Err(Failure::Other(
                "nothing was measured with both Dossier and Typst".to_owned(),
            )),
        }
    }

    fn text(&self) -> String {
        let rows: Vec<[String; 8]> = self.reports.iter().map(Measurement::row).collect();
        let header = [
            "maker",
            "pages",
            "seconds",
            "pages/s",
            "peak MB",
            "bytes/page",
            "input MB",
            "runs",
        ];
        let mut lines = vec![table(header, &rows)];
        if !self.skipped.is_empty() {
            lines.push(String::new());
        }
        let same = |a: &Skipped, b: &Skipped| a.pages_asked == b.pages_asked && a.why == b.why;
        for group in self.skipped.chunk_by(same) {
            let makers: Vec<&str> = group.iter().map(|s| s.maker.label()).collect();
            let Skipped {
                pages_asked, why, ..
            } = &group[0];
            let makers = makers.join(", ");
            lines.push(format!(
                "not measured: {makers}, {pages_asked} pages: {why}"
            ));
        }
        let shown = |load: Option<f64>| load.map_or("unknown".to_owned(), |l| format!("{l:.2}"));
        lines.push(format!(
            "\nmedian of the runs' seconds, highest of their memory; {} cores, load {} at the start, \
             {} at the end",
            self.cores,
            shown(self.load_before),
            shown(self.load_after)
        ));
        if let Some(c) = &self.against_typst {
            lines.push(format!(
                "on the content of {} pages, {:.1} times Typst's pages/s; Typst takes {:.1} times \
                 the time and {:.1} times the memory",
                c.pages_asked, c.pages_a_second_ratio, c.seconds_ratio, c.peak_bytes_ratio
            ));
        }
        lines.join("\n")
    }
}

impl Measurement {
    /// How many times what a smaller report takes this one takes, where it should be once.
    fn growth_from(&self, smaller: &Self) -> [(&'static str, f64); 3] {
        [
            ("time a page", smaller.pages_a_second / self.pages_a_second),
            (
                "bytes a page",
                self.bytes_a_page as f64 / smaller.bytes_a_page as f64,
            ),
            ("memory", self.peak_bytes as f64 / smaller.peak_bytes as f64),
        ]
    }

    fn row(&self) -> [String; 8] {
        let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
        [
            format!("{} {}", self.maker.label(), self.version),
            self.pages.to_string(),
            format!("{:.3}", self.seconds_median),
            format!("{:.0}", self.pages_a_second),
            megabytes(self.peak_bytes),
            self.bytes_a_page.to_string(),
            format!("{:.2}", self.input_bytes as f64 / 1e6),
            self.runs.to_string(),
        ]
    }
}

fn as_label<S: serde::Serializer>(maker: &Maker, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(maker.label())
}

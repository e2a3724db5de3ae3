//! What was measured, as rows.

use serde::Serialize;

use super::idle_workers::IdleWorkers;
use super::peers::{NotMeasured, QueueRate};
use super::waits::{Call, Times, percentile};
use crate::bench::median;
use crate::cli::BenchDatabase;
use crate::output::table;

/// Where requests are taken and completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    Store,
    Http,
}

impl Layer {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Store, Self::Http];

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Http => "HTTP",
        }
    }
}

/// All that was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    pub cores: usize,
    /// Processes that ran or waited to run, averaged over the minute before the first measurement.
    pub load_before: Option<f64>,
    /// The same, over the last minute.
    pub load_after: Option<f64>,
    /// The server's version, if there was one.
    pub postgres: Option<String>,
    pub runs: u32,
    pub rates: Vec<Rate>,
    pub waits: Vec<Wait>,
    pub claim_slowdowns: Vec<Slowdown>,
    /// Where statements are not counted.
    pub not_counted: Vec<NotCounted>,
    pub idle: Vec<IdleWorkers>,
    /// Why waiting workers were not measured, if that failed.
    pub idle_failed: Option<String>,
    pub peers: Vec<QueueRate>,
    pub not_measured: Vec<NotMeasured>,
}

/// Requests a second, each claimed, renewed and completed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    pub database: BenchDatabase,
    pub layer: Layer,
    /// Finished ones in the table.
    pub requests: u64,
    pub workers: u32,
    /// Of the runs.
    pub requests_a_second_median: f64,
    /// The slowest run's.
    pub requests_a_second_least: f64,
}

/// A kind of database whose statements are not counted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotCounted {
    pub database: BenchDatabase,
    pub why: String,
}

/// How long a call takes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    pub database: BenchDatabase,
    pub call: Call,
    /// Finished ones in the table.
    pub requests: u64,
    /// The middle of the runs' medians.
    pub p50_milliseconds: f64,
    /// Of all calls of all runs.
    pub p99_milliseconds: f64,
    pub calls: usize,
    /// Statements that a call sends, the beginning and the end of its transaction among them, as
    /// the server counts them: each a round trip, but two where it is planned for its values anew
    /// (lists and searches).
    pub statements: Option<f64>,
}

/// How much longer a claim takes in the largest table than in the smallest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slowdown {
    pub database: BenchDatabase,
    pub from: u64,
    pub to: u64,
    /// The median of what each claim takes next to the one that was made beside it in the other
    /// table, so that what else the machine does meanwhile counts for both.
    pub percent: f64,
}

/// Rates of several runs.
#[derive(Default)]
pub struct Rates(Vec<(Rate, Vec<f64>)>);

impl Rates {
    /// Adds a run's.
    pub fn add(
        &mut self,
        database: BenchDatabase,
        layer: Layer,
        requests: u64,
        workers: u32,
        a_second: f64,
    ) {
        let same = |rate: &Rate| {
            (rate.database, rate.layer, rate.requests, rate.workers)
                == (database, layer, requests, workers)
        };
        if let Some((_, runs)) = self.0.iter_mut().find(|(rate, _)| same(rate)) {
            runs.push(a_second);
            return;
        }
        let rate = Rate {
            database,
            layer,
            requests,
            workers,
            requests_a_second_median: f64::NAN,
            requests_a_second_least: f64::NAN,
        };
        self.0.push((rate, vec![a_second]));
    }

    /// The medians, of the one layer and then of the other.
    pub fn medians(self) -> Vec<Rate> {
        let rates = self.0.into_iter().map(|(rate, runs)| Rate {
            requests_a_second_median: median(&runs),
            requests_a_second_least: runs.iter().copied().fold(f64::NAN, f64::min),
            ..rate
        });
        let mut rates: Vec<Rate> = rates.collect();
        rates.sort_by_key(|rate| (rate.database, rate.layer == Layer::Http));
        rates
    }
}

/// Times of several runs.
#[derive(Default)]
pub struct Samples(Vec<Sample>);

struct Sample {
    database: BenchDatabase,
    requests: u64,
    times: Times,
}

impl Samples {
    /// Adds a run's.
    pub fn add(&mut self, database: BenchDatabase, requests: u64, times: Vec<Times>) {
        self.0.extend(times.into_iter().map(|times| Sample {
            database,
            requests,
            times,
        }));
    }

    /// A row a call, size and database, in the order in which they first came.
    pub fn summary(&self) -> Vec<Wait> {
        let mut waits: Vec<Wait> = Vec::new();
        for sample in &self.0 {
            let key = (sample.database, sample.times.call, sample.requests);
            if waits.iter().any(|wait| wait.key() == key) {
                continue;
            }
            let runs: Vec<&Times> = self
                .0
                .iter()
                .filter(|other| (other.database, other.times.call, other.requests) == key)
                .map(|other| &other.times)
                .collect();
            let medians: Vec<f64> = runs
                .iter()
                .map(|times| percentile(&times.milliseconds, 50.0))
                .collect();
            let all: Vec<f64> = runs.iter().flat_map(|t| t.milliseconds.clone()).collect();
            let statements: Vec<f64> = runs.iter().filter_map(|times| times.statements).collect();
            waits.push(Wait {
                database: sample.database,
                call: sample.times.call,
                requests: sample.requests,
                p50_milliseconds: median(&medians),
                p99_milliseconds: percentile(&all, 99.0),
                calls: all.len(),
                statements: (!statements.is_empty()).then(|| median(&statements)),
            });
        }
        waits
    }

    /// A claim in the largest table against one in the smallest, of each database.
    pub fn claim_slowdowns(&self) -> Vec<Slowdown> {
        let slowdown = |database| {
            let claims = || {
                self.0.iter().filter(move |sample| {
                    sample.database == database && sample.times.call == Call::Claim
                })
            };
            let from = claims().map(|sample| sample.requests).min()?;
            let to = claims().map(|sample| sample.requests).max()?;
            // The runs, and in each the claims, are in the same order.
            let of = |requests| {
                claims()
                    .filter(move |sample| sample.requests == requests)
                    .flat_map(|sample| &sample.times.milliseconds)
            };
            let ratios: Vec<f64> = of(to).zip(of(from)).map(|(to, from)| to / from).collect();
            (from < to).then(|| Slowdown {
                database,
                from,
                to,
                percent: (median(&ratios) - 1.0) * 100.0,
            })
        };
        BenchDatabase::ALL
            .into_iter()
            .filter_map(slowdown)
            .collect()
    }
}

impl Wait {
    fn key(&self) -> (BenchDatabase, Call, u64) {
        (self.database, self.call, self.requests)
    }
}

impl Measured {
    /// How long new requests wait for a worker that waits for one.
    pub fn pick_ups(&self) -> impl Iterator<Item = &Wait> {
        self.waits.iter().filter(|wait| wait.call == Call::PickUp)
    }

    /// How many round trips to each database a whole request makes, where they are counted: in the
    /// largest table, and as many in any other.
    fn round_trips(&self) -> impl Iterator<Item = (BenchDatabase, f64)> {
        BenchDatabase::ALL.into_iter().filter_map(|database| {
            let whole = self
                .waits
                .iter()
                .filter(|wait| wait.database == database && wait.call == Call::WholeRequest);
            let largest = whole.max_by_key(|wait| wait.requests)?;
            Some((database, largest.statements?))
        })
    }

    /// Dossier's fastest rate as a part of the fastest peer's.
    pub fn against_peers(&self) -> Option<f64> {
        let fastest = |own: bool| {
            self.peers
                .iter()
                .filter(|rate| rate.is_own() == own)
                .map(|rate| rate.jobs_a_second_median)
                .max_by(f64::total_cmp)
        };
        Some(fastest(true)? / fastest(false)?)
    }

    /// The tables, for people.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if !self.rates.is_empty() {
            parts.push(self.rates_text());
        }
        parts.push(self.waits_text());
        if !self.idle.is_empty() {
            parts.push(self.idle_text());
        }
        if !self.peers.is_empty() {
            parts.push(self.peers_text());
        }
        parts.push(self.notes());
        parts.join("\n\n")
    }

    fn rates_text(&self) -> String {
        let rows: Vec<[String; 6]> = self
            .rates
            .iter()
            .map(|rate| {
                [
                    rate.database.label().to_owned(),
                    rate.layer.label().to_owned(),
                    rate.requests.to_string(),
                    rate.workers.to_string(),
                    format!("{:.0}", rate.requests_a_second_median),
                    format!("{:.0}", rate.requests_a_second_least),
                ]
            })
            .collect();
        table(
            [
                "database",
                "through",
                "in the table",
                "workers",
                "requests/s",
                "slowest run",
            ],
            &rows,
        )
    }

    fn waits_text(&self) -> String {
        let rows: Vec<[String; 6]> = self
            .waits
            .iter()
            .map(|wait| {
                [
                    wait.database.label().to_owned(),
                    wait.call.label().to_owned(),
                    wait.requests.to_string(),
                    format!("{:.2}", wait.p50_milliseconds),
                    format!("{:.2}", wait.p99_milliseconds),
                    wait.statements
                        .map_or("-".to_owned(), |s| format!("{s:.1}")),
                ]
            })
            .collect();
        table(
            [
                "database",
                "call",
                "in the table",
                "p50 ms",
                "p99 ms",
                "statements",
            ],
            &rows,
        )
    }

    fn idle_text(&self) -> String {
        let rows: Vec<[String; 5]> = self
            .idle
            .iter()
            .map(|idle| {
                [
                    idle.database.label().to_owned(),
                    idle.workers.to_string(),
                    format!("{:.0}", idle.seconds),
                    format!("{:.1}", idle.core_percent),
                    format!("{:.1}", idle.resident_bytes as f64 / 1e6),
                ]
            })
            .collect();
        table(
            [
                "database",
                "waiting workers",
                "seconds",
                "% of a core",
                "API's MB",
            ],
            &rows,
        )
    }

    fn peers_text(&self) -> String {
        let rows: Vec<[String; 6]> = self
            .peers
            .iter()
            .map(|rate| {
                [
                    format!("{} {}", rate.peer, rate.version),
                    rate.mode.word().to_owned(),
                    format!("{:.0}", rate.jobs_a_second_median),
                    format!("{:.0}", rate.jobs_a_second_least),
                    rate.jobs.to_string(),
                    rate.runs.to_string(),
                ]
            })
            .collect();
        let mut lines = vec![table(
            [
                "queue, jobs of 1 ms",
                "settings",
                "jobs/s",
                "slowest run",
                "jobs",
                "runs",
            ],
            &rows,
        )];
        for not_measured in &self.not_measured {
            let (peer, mode) = (&not_measured.peer, not_measured.mode.word());
            lines.push(format!(
                "not measured: {peer}, {mode}: {}",
                not_measured.why
            ));
        }
        lines.join("\n")
    }

    fn notes(&self) -> String {
        let shown = |load: Option<f64>| load.map_or("unknown".to_owned(), |l| format!("{l:.2}"));
        let mut lines = Vec::new();
        for slowdown in &self.claim_slowdowns {
            lines.push(format!(
                "{}: a claim takes {:+.0} % from {} to {} finished requests",
                slowdown.database.label(),
                slowdown.percent,
                slowdown.from,
                slowdown.to
            ));
        }
        for (database, round_trips) in self.round_trips() {
            lines.push(format!(
                "{}: from POST to complete, a request of one section makes {round_trips:.0} round \
                 trips to the database",
                database.label()
            ));
        }
        for not_counted in &self.not_counted {
            lines.push(format!(
                "{}: round trips to the database are not counted: {}",
                not_counted.database.label(),
                not_counted.why
            ));
        }
        if let Some(ratio) = self.against_peers() {
            lines.push(format!(
                "Dossier does {ratio:.2} times the fastest peer's jobs/s"
            ));
        }
        let server = self
            .postgres
            .as_ref()
            .map_or(String::new(), |version| format!("PostgreSQL {version}, "));
        lines.push(format!(
            "medians of {} runs; {server}{} cores, load {} at the start, {} at the end",
            self.runs,
            self.cores,
            shown(self.load_before),
            shown(self.load_after)
        ));
        lines.join("\n")
    }
}

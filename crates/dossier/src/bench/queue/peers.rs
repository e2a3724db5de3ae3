//! Other queues on the same server, with an equal job, in the same run.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use dossier_core::lease::LeaseRules;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::database::{Cluster, Filled, Place};
use super::lifecycle::{Crew, Through};
use crate::bench::median;
use crate::exit::Failure;

/// How long the job takes.
const WORK: Duration = Duration::from_millis(1);
/// Beyond the time that a run may take, a peer gets so long to prepare and to stop.
const GRACE: Duration = Duration::from_secs(120);
/// Connections of Dossier's pool when it is set to be fast, as the peers' pools then have.
const FAST_CONNECTIONS: u32 = 20;
/// Connections of Dossier's pool by default, leases of a worker at once by default.
const DEFAULT_CONNECTIONS: u32 = 10;
const DEFAULT_LEASES: u32 = 4;
/// Holders of leases, and leases of each at once, where Dossier is set to be fast.
const FAST_HOLDERS: u32 = 4;
const FAST_LEASES: u32 = 250;

/// As it comes, or as its documentation says that it is fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Defaults,
    Fastest,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Defaults, Self::Fastest];

    /// As the scripts are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Defaults => "defaults",
            Self::Fastest => "fastest",
        }
    }
}

/// What one queue does in one mode.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueRate {
    pub peer: String,
    pub version: String,
    pub mode: Mode,
    pub runs: usize,
    /// Most jobs that a run did.
    pub jobs: u64,
    /// Of the runs.
    pub jobs_a_second_median: f64,
    /// The slowest run's.
    pub jobs_a_second_least: f64,
}

impl QueueRate {
    /// Whether it is this program.
    pub fn is_own(&self) -> bool {
        self.peer == OWN
    }
}

/// A queue that was not measured in a mode.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotMeasured {
    pub peer: String,
    pub mode: Mode,
    pub why: String,
}

/// What this program is called in the table.
pub const OWN: &str = "dossier";

/// What a peer prints.
#[derive(Deserialize)]
struct Said {
    version: String,
    jobs: u64,
    jobs_per_second: f64,
}

/// What all are asked for.
pub struct Race<'a> {
    /// The folder of the peers' scripts.
    pub folder: &'a Path,
    /// Where the databases are made.
    pub cluster: &'a Cluster,
    /// Jobs of a run.
    pub jobs: u32,
    /// Jobs at once, where it is not the default that counts.
    pub workers: u32,
    /// Most seconds of a run.
    pub seconds: u64,
    /// Runs of each.
    pub runs: u32,
}

impl Race<'_> {
    /// All queues in both modes, each run in an empty database, the runs in turn.
    pub async fn run(
        &self,
        tell: impl Fn(String),
    ) -> Result<(Vec<QueueRate>, Vec<NotMeasured>), Failure> {
        let mut names = vec![OWN.to_owned()];
        names.extend(self.names().await?);
        let mut entries: Vec<Entry> = names
            .iter()
            .flat_map(|name| Mode::ALL.map(|mode| Entry::new(name, mode)))
            .collect();
        for run in 1..=self.runs {
            for entry in entries.iter_mut().filter(|entry| entry.failed.is_none()) {
                let (name, mode) = (&entry.peer, entry.mode.word());
                tell(format!("{name}, {mode}, run {run} of {}", self.runs));
                let ran = match entry.peer == OWN {
                    true => Ok(self.own(entry.mode).await?),
                    false => self.peer(&entry.peer, entry.mode).await?,
                };
                match ran {
                    Ok(said) => entry.said.push(said),
                    Err(why) => entry.failed = Some(why),
                }
            }
        }
        let mut rates = Vec::new();
        let mut not_measured = Vec::new();
        for entry in entries {
            match entry.failed {
                Some(why) => not_measured.push(NotMeasured {
                    peer: entry.peer,
                    mode: entry.mode,
                    why,
                }),
                None => rates.push(entry.rate()),
            }
        }
        Ok((rates, not_measured))
    }

    async fn names(&self) -> Result<Vec<String>, Failure> {
        let listed = Command::new(self.script()).arg("list").output().await;
        let listed = listed.map_err(Failure::file("asking for the peers"))?;
        let names = String::from_utf8_lossy(&listed.stdout);
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        match names.is_empty() {
            true => Err(Failure::Other(format!(
                "{} list: it names no peer",
                self.script().display()
            ))),
            false => Ok(names),
        }
    }

    fn script(&self) -> PathBuf {
        self.folder.join("run")
    }

    async fn own(&self, mode: Mode) -> Result<Said, Failure> {
        let (connections, workers, batch) = match mode {
            Mode::Defaults => (DEFAULT_CONNECTIONS, 1, DEFAULT_LEASES),
            Mode::Fastest => (FAST_CONNECTIONS, FAST_HOLDERS, FAST_LEASES),
        };
        let place = Place::Postgres(self.cluster);
        let database = Filled::make(&place, 0, connections).await?;
        let jobs = self.jobs;
        database.tables.add_pending(jobs, database.service).await?;
        let through = Through::Store {
            store: database.store.clone(),
            rules: LeaseRules::default(),
        };
        let crew = Crew {
            workers,
            batch,
            together: mode == Mode::Fastest,
            work: WORK,
            time_max: Duration::from_secs(self.seconds),
        };
        let done = crew.work_through(&through).await?;
        drop(through);
        database.remove().await?;
        Ok(Said {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            jobs: done.requests as u64,
            jobs_per_second: done.rate(),
        })
    }

    /// Runs a peer's script; why it came to nothing is for the reader of the table.
    async fn peer(&self, name: &str, mode: Mode) -> Result<Result<Said, String>, Failure> {
        let database = self.cluster.create("peer").await?;
        let running = Command::new(self.script())
            .arg(name)
            .env("DATABASE_URL", self.cluster.url_of(&database))
            .env("JOBS", self.jobs.to_string())
            .env("WORKERS", self.workers.to_string())
            .env("SECONDS", self.seconds.to_string())
            .env("MODE", mode.word())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let time_max = Duration::from_secs(self.seconds) + GRACE;
        let ran = tokio::time::timeout(time_max, running).await;
        self.cluster.remove(&database).await?;
        let output = match ran {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Ok(Err(format!("cannot be started: {error}"))),
            Err(_) => return Ok(Err(format!("took longer than {} s", time_max.as_secs()))),
        };
        let complaints = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let last = complaints.trim().lines().last().unwrap_or_default();
            return Ok(Err(format!("{}: {last}", output.status)));
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        let last = printed.trim().lines().last().unwrap_or_default();
        Ok(serde_json::from_str(last).map_err(|error| format!("did not say what it did: {error}")))
    }
}

/// The runs of one queue in one mode.
struct Entry {
    peer: String,
    mode: Mode,
    said: Vec<Said>,
    failed: Option<String>,
}

impl Entry {
    fn new(peer: &str, mode: Mode) -> Self {
        Self {
            peer: peer.to_owned(),
            mode,
            said: Vec::new(),
            failed: None,
        }
    }

    fn rate(self) -> QueueRate {
        let rates: Vec<f64> = self.said.iter().map(|said| said.jobs_per_second).collect();
        QueueRate {
            runs: rates.len(),
            jobs: self.said.iter().map(|said| said.jobs).max().unwrap_or(0),
            version: self
                .said
                .first()
                .map_or_else(String::new, |said| said.version.clone()),
            jobs_a_second_median: median(&rates),
            jobs_a_second_least: rates.iter().copied().fold(f64::NAN, f64::min),
            peer: self.peer,
            mode: self.mode,
        }
    }
}

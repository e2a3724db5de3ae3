//! What growth costs: requests a second, how long calls take, and what waiting workers take, with
//! few and with many finished requests in the table; and other queues' speed on the same server.

mod database;
mod fill;
mod idle_workers;
mod lifecycle;
mod measured;
mod peers;
mod picture;
mod server;
mod waits;

use std::path::Path;
use std::time::Duration;

use dossier_core::Private;
use dossier_core::lease::LeaseRules;
use dossier_worker::ApiClient;
use indicatif::{ProgressBar, ProgressDrawTarget};

use self::database::{Cluster, Filled, Place};
use self::idle_workers::IdleWorkers;
use self::lifecycle::{Crew, Through};
use self::measured::{Layer, Measured, NotCounted, Rates, Samples};
use self::peers::Race;
use super::{beyond, load};
use crate::cli::{BenchDatabase, BenchQueue};
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{self, RunningApi};
use crate::token;

/// Connections of the store while rates and times are taken: a process's default.
const CONNECTIONS: u32 = 10;
/// Requests whose leases' steps are timed in a run.
const LEASES: u32 = 200;
/// Requests that are picked up, and then others that are worked on to their end, in a run.
const ONE_BY_ONE: u32 = 25;

/// Measures and prints a table; draws a picture if one is wanted.
pub async fn run(options: &BenchQueue, output: Output) -> Result<(), Failure> {
    let bench = QueueBench::new(options, output)?;
    let measured = bench.measure().await?;
    if let Some(file) = &options.svg {
        std::fs::write(file, picture::draw(&measured))
            .map_err(Failure::file(format!("writing {}", file.display())))?;
    }
    output.print(&measured, Measured::text);
    within_limits(&measured, options)
}

struct QueueBench<'o> {
    options: &'o BenchQueue,
    peers: Option<&'o Path>,
    progress: ProgressBar,
}

impl<'o> QueueBench<'o> {
    fn new(options: &'o BenchQueue, output: Output) -> Result<Self, Failure> {
        let peers = match options.peers.as_path() {
            none if none == Path::new("none") => None,
            folder if folder.join("run").is_file() => Some(folder),
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
        Ok(Self {
            options,
            peers,
            progress,
        })
    }

    async fn measure(&self) -> Result<Measured, Failure> {
        let load_before = load();
        let wants_server =
            self.peers.is_some() || self.options.databases.contains(&BenchDatabase::Postgres);
        let cluster = match wants_server {
            true => Some(Cluster::open(self.options.database.as_ref()).await?),
            false => None,
        };
        let measured = tokio::select! {
            measured = self.measure_in(cluster.as_ref(), load_before) => measured,
            () = run::told_to_stop() => Err(Failure::Other("interrupted".to_owned())),
        };
        // A server that was named outlives what was made in it, however that ended.
        let removed = match &cluster {
            Some(cluster) => cluster.remove_all().await,
            None => Ok(()),
        };
        self.progress.finish_and_clear();
        let measured = measured?;
        removed?;
        Ok(measured)
    }

    async fn measure_in(
        &self,
        cluster: Option<&Cluster>,
        load_before: Option<f64>,
    ) -> Result<Measured, Failure> {
        let mut rates = Rates::default();
        let mut samples = Samples::default();
        let mut largest = Vec::new();
        for kind in &self.options.databases {
            let place = match (kind, cluster) {
                (BenchDatabase::Postgres, Some(cluster)) => Place::Postgres(cluster),
                _ => Place::Sqlite,
            };
            largest.extend(self.growth(&place, &mut rates, &mut samples).await?);
        }
        // Where workers cannot even wait, what was measured before says why.
        let (idle, idle_failed) = match self.idle(&largest).await {
            Ok(idle) => (idle, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        for database in largest {
            database.remove().await?;
        }
        let (peers, not_measured) = match (self.peers, cluster) {
            (Some(folder), Some(cluster)) => self.race(folder, cluster).await?,
            _ => (Vec::new(), Vec::new()),
        };
        Ok(Measured {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_before,
            load_after: load(),
            postgres: cluster.map(|cluster| cluster.version().to_owned()),
            runs: self.options.runs,
            rates: rates.medians(),
            waits: samples.summary(),
            claim_slowdowns: samples.claim_slowdowns(),
            not_counted: self.not_counted(cluster),
            idle,
            idle_failed,
            peers,
            not_measured,
        })
    }

    /// Of which databases no statements are counted, and why.
    fn not_counted(&self, cluster: Option<&Cluster>) -> Vec<NotCounted> {
        let databases = self.options.databases.iter();
        let not_counted = databases.filter_map(|database| {
            let why = match database {
                BenchDatabase::Sqlite => "it is in the process, and makes none",
                BenchDatabase::Postgres => cluster?.why_not_counted()?,
            };
            Some(NotCounted {
                database: *database,
                why: why.to_owned(),
            })
        });
        not_counted.collect()
    }

    /// All that is measured of one kind of database: one a size, so that the runs can take turns and
    /// a busy moment of the machine meets them all. Answers the last one, the others are removed.
    async fn growth<'c>(
        &self,
        place: &Place<'c>,
        rates: &mut Rates,
        samples: &mut Samples,
    ) -> Result<Option<Filled<'c>>, Failure> {
        let kind = place.kind();
        let mut databases = Vec::new();
        for requests in &self.options.requests {
            self.tell(format!("{}: {requests} requests are added", kind.label()));
            databases.push(Filled::make(place, *requests, CONNECTIONS).await?);
        }
        for run in 1..=self.options.runs {
            self.tell(format!("{}, leases, run {run}", kind.label()));
            let steps = waits::steps(&databases, LEASES).await?;
            for (database, times) in databases.iter().zip(steps) {
                samples.add(kind, database.requests, times);
            }
            for database in &databases {
                let size = database.requests;
                self.tell(format!("{}, {size} requests, run {run}", kind.label()));
                if !self.options.only_limits {
                    samples.add(kind, size, waits::on_store(database).await?);
                    self.crews(database, kind, rates).await?;
                }
                let (api, client) = start_api(database).await?;
                let picked = waits::pick_up(database, &client, ONE_BY_ONE).await?;
                samples.add(kind, size, vec![picked]);
                if !self.options.only_limits {
                    let through = Through::http(client.clone(), &database.config).await?;
                    let whole = waits::whole_requests(database, &client, &through, ONE_BY_ONE);
                    samples.add(kind, size, vec![whole.await?]);
                    samples.add(kind, size, waits::admin_lists(database, &client).await?);
                    self.crews_over_http(database, kind, &through, rates)
                        .await?;
                }
                api.stop().await?;
            }
        }
        let last = databases.pop();
        for database in databases {
            database.remove().await?;
        }
        Ok(last)
    }

    /// What waiting workers take on each database, all at the same time.
    async fn idle(&self, databases: &[Filled<'_>]) -> Result<Vec<IdleWorkers>, Failure> {
        if self.options.idle_workers == 0 {
            return Ok(Vec::new());
        }
        self.tell("idle workers wait".to_owned());
        let (workers, seconds) = (self.options.idle_workers, self.options.idle_seconds);
        idle_workers::look_at_all(databases, workers, seconds).await
    }

    async fn crews(
        &self,
        database: &Filled<'_>,
        kind: BenchDatabase,
        rates: &mut Rates,
    ) -> Result<(), Failure> {
        let through = Through::Store {
            store: database.store.clone(),
            rules: LeaseRules::default(),
        };
        for workers in &self.options.workers {
            let rate = self.crew(database, *workers, &through).await?;
            rates.add(kind, Layer::Store, database.requests, *workers, rate);
        }
        Ok(())
    }

    async fn crews_over_http(
        &self,
        database: &Filled<'_>,
        kind: BenchDatabase,
        through: &Through,
        rates: &mut Rates,
    ) -> Result<(), Failure> {
        for workers in &self.options.workers {
            let rate = self.crew(database, *workers, through).await?;
            rates.add(kind, Layer::Http, database.requests, *workers, rate);
        }
        Ok(())
    }

    async fn crew(
        &self,
        database: &Filled<'_>,
        workers: u32,
        through: &Through,
    ) -> Result<f64, Failure> {
        let jobs = self.options.jobs;
        database.tables.add_pending(jobs, database.service).await?;
        let crew = Crew {
            workers,
            batch: 1,
            together: false,
            work: Duration::ZERO,
            time_max: Duration::from_secs(self.options.seconds),
        };
        let done = crew.work_through(through).await?;
        database.tables.remove_added().await?;
        Ok(done.rate())
    }

    async fn race(
        &self,
        folder: &Path,
        cluster: &Cluster,
    ) -> Result<(Vec<peers::QueueRate>, Vec<peers::NotMeasured>), Failure> {
        let race = Race {
            folder,
            cluster,
            jobs: self.options.peer_jobs,
            workers: self.options.workers.iter().copied().max().unwrap_or(1),
            seconds: self.options.seconds,
            runs: self.options.runs,
        };
        race.run(|what| self.tell(what)).await
    }

    fn tell(&self, what: String) {
        self.progress.set_message(what);
    }
}

/// An API on the database in this process, and a client for it.
async fn start_api(database: &Filled<'_>) -> Result<(RunningApi, ApiClient), Failure> {
    let secret = Private::new(token::random_token());
    let api = RunningApi::start(&database.config, &secret).await?;
    let client = run::client(&database.config, &api.url, &secret)?;
    Ok((api, client))
}

/// Fails if a limit is passed or could not be looked at, and names all that are.
fn within_limits(measured: &Measured, options: &BenchQueue) -> Result<(), Failure> {
    let slowdowns = measured.claim_slowdowns.iter().map(|slowdown| {
        let what = format!(
            "percent that a claim slows from {} to {} requests, {}",
            slowdown.from,
            slowdown.to,
            slowdown.database.label()
        );
        beyond(&what, slowdown.percent, options.claim_slowdown_max_percent)
    });
    let pick_ups = measured.pick_ups().map(|wait| {
        let what = format!(
            "median milliseconds to pick a request up, {} requests, {}",
            wait.requests,
            wait.database.label()
        );
        beyond(&what, wait.p50_milliseconds, options.pickup_p50_max_ms)
    });
    let idle = measured.idle.iter().map(|idle| {
        let what = format!(
            "percent of a core for {} waiting workers, {}",
            idle.workers,
            idle.database.label()
        );
        beyond(&what, idle.core_percent, options.idle_core_max_percent)
    });
    let limits = slowdowns.chain(pick_ups).chain(idle).flatten();
    let mut all: Vec<String> = limits.collect();
    if let Some(why) = &measured.idle_failed {
        all.push(format!("waiting workers were not measured: {why}"));
    }
    if let (Some(least), Some(ratio)) = (options.peer_ratio_min, measured.against_peers())
        && (ratio < least || ratio.is_nan())
    {
        all.push(format!(
            "jobs a second, as a part of the fastest peer's: {ratio:.2}, and at least {least} was \
             wanted"
        ));
    }
    match all.is_empty() {
        true => Ok(()),
        false => Err(Failure::Other(all.join("\n"))),
    }
}

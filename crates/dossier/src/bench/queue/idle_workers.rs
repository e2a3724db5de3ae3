//! What an API process takes while a crowd of workers waits for something to do.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dossier_core::Private;
use dossier_core::wire::ClaimsQuery;
use futures::future::try_join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use tokio::task::JoinSet;
use url::Url;

use super::database::Filled;
use crate::bench::idle::{Up, processor_seconds};
use crate::bench::process_memory;
use crate::cli::BenchDatabase;
use crate::exit::Failure;
use crate::run;
use crate::token;

/// How long a worker waits with one call: a worker's default.
const POLL_SECONDS: u32 = 20;
/// The workers begin to wait one after the other, within this time.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// The process is left alone for so long before it is looked at.
const SETTLE: Duration = Duration::from_secs(3);
/// Files that both processes need besides the workers' connections.
const OTHER_FILES: u64 = 200;

/// What was seen.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdleWorkers {
    pub database: BenchDatabase,
    pub workers: u32,
    pub seconds: f64,
    pub core_percent: f64,
    pub resident_bytes: u64,
}

/// Starts `dossier api` as a process of its own on each of the databases, has so many workers wait for
/// work there as workers do, and looks at the processes for so long.
pub async fn look_at_all(
    databases: &[Filled<'_>],
    workers: u32,
    seconds: u64,
) -> Result<Vec<IdleWorkers>, Failure> {
    allow_files(databases.len() as u64 * (u64::from(workers) + OTHER_FILES))?;
    let looks = databases
        .iter()
        .map(|database| look(database, workers, seconds));
    try_join_all(looks).await
}

async fn look(database: &Filled<'_>, workers: u32, seconds: u64) -> Result<IdleWorkers, Failure> {
    let secret = Private::new(token::random_token());
    let (mut api, url) = start(database, &secret, workers)?;
    let client = run::client(&database.config, &url, &secret)?;
    let mut waiting = JoinSet::new();
    for number in 0..workers {
        let client = client.clone();
        let begin_after = BEGIN_WITHIN * number / workers.max(1);
        // As if they had begun long ago: in each second as many ask again as in any other.
        let mut query = ClaimsQuery {
            max: 1,
            wait: 1 + number % POLL_SECONDS,
            worker: None,
        };
        waiting.spawn(async move {
            tokio::time::sleep(begin_after).await;
            loop {
                if let Err(error) = client.claims(&query).await {
                    return error;
                }
                query.wait = POLL_SECONDS;
            }
        });
    }
    let pid = api.0.id();
    let look = async {
        tokio::time::sleep(BEGIN_WITHIN + SETTLE).await;
        let (started, before) = (Instant::now(), processor_seconds(pid)?);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let seconds = started.elapsed().as_secs_f64();
        Ok(IdleWorkers {
            database: match database.server {
                Some(_) => BenchDatabase::Postgres,
                None => BenchDatabase::Sqlite,
            },
            workers,
            seconds,
            core_percent: (processor_seconds(pid)? - before) / seconds * 100.0,
            resident_bytes: process_memory(pid, "VmRSS")?,
        })
    };
    let seen = tokio::select! {
        seen = look => seen,
        Some(Ok(error)) = waiting.join_next() => Err(Failure::Api(error)),
    };
    waiting.shutdown().await;
    // What it holds in the database is given back before the database is removed.
    let _ = api.0.kill();
    let _ = api.0.wait();
    seen
}

fn start(
    database: &Filled<'_>,
    secret: &Private<String>,
    workers: u32,
) -> Result<(Up, Url), Failure> {
    let program = std::env::current_exe().map_err(Failure::file("finding this program"))?;
    let mut command = Command::new(program);
    command
        .args(["api", "--json"])
        .env("DOSSIER_DATA_FOLDER", &database.config.data_folder)
        .env("DOSSIER_API__TOKEN", secret.reveal())
        .env("DOSSIER_API__LISTEN", "127.0.0.1:0")
        .env(
            "DOSSIER_API__CONNECTIONS_MAX",
            (u64::from(workers) + OTHER_FILES).to_string(),
        )
        .env("DOSSIER_LOG__FILTER", "warn")
        .stdout(Stdio::piped());
    if let Some(url) = &database.config.store.url {
        command.env("DOSSIER_STORE__URL", url.reveal());
    }
    let mut api = Up(command
        .spawn()
        .map_err(Failure::file("starting `dossier api`"))?);
    let mut ready = String::new();
    if let Some(stdout) = api.0.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut ready)
            .map_err(Failure::file("waiting for it"))?;
    }
    let said: serde_json::Value = serde_json::from_str(&ready).unwrap_or_default();
    let url = said.get("url").and_then(|url| url.as_str());
    let url = url.and_then(|url| Url::parse(url).ok());
    let url = url.ok_or_else(|| Failure::Unavailable("`dossier api` did not start".to_owned()))?;
    Ok((api, url))
}

/// Lets this process, and the one that it starts, have so many files open.
fn allow_files(files: u64) -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= files);
    if enough(limit.current) {
        return Ok(());
    }
    if !enough(limit.maximum) {
        let most = limit.maximum.unwrap_or(0);
        return Err(Failure::Other(format!(
            "so many workers need {files} open files, and {most} are allowed: raise `ulimit -n`"
        )));
    }
    let raised = Rlimit {
        current: Some(files),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| Failure::Other(format!("raising the limit of open files: {error}")))
}

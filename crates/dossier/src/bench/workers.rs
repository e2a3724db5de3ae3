//! Many requests, several workers, one database.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use dossier_core::RequestId;
use serde::Serialize;

use super::Bench;
use super::upstream::{Answer, Upstream};
use crate::cli::BenchWorkers;
use crate::exit::Failure;
use crate::output::Output;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    requests: u32,
    workers: u32,
    completed: usize,
    attempts: u64,
    calls_to_the_service: u64,
    documents: usize,
    documents_of_no_request: usize,
    seconds: f64,
    requests_a_second: f64,
}

/// Makes the requests, lets the workers at them, and counts what came of it: completions, attempts,
/// calls, and the documents in the storage.
pub async fn run(options: &BenchWorkers, output: Output) -> Result<(), Failure> {
    let upstream = Upstream::start(Answer::After(Duration::from_millis(1))).await?;
    let bench = Bench::start(options.workers, |config| {
        config.housekeeping.every_seconds = 0.2;
    })
    .await?;
    bench.add_service("quick", upstream.url("quick")).await?;
    let started = Instant::now();
    let mut ids = Vec::new();
    for number in 0..options.requests {
        ids.push(bench.create(&["quick".to_owned()], number).await?);
    }
    let mut attempts = 0;
    let mut completed = HashSet::new();
    let mut made = 0;
    for id in &ids {
        let request = bench.finished(*id).await?;
        attempts += u64::from(request.claim_attempts);
        made += request.documents.len();
        if request.completed_at.is_some() {
            completed.insert(*id);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let documents = documents_after_cleaning(&bench, made).await?;
    let measured = Measured {
        requests: options.requests,
        workers: options.workers,
        completed: completed.len(),
        attempts,
        calls_to_the_service: upstream.asked(),
        documents,
        documents_of_no_request: documents.saturating_sub(made),
        seconds,
        requests_a_second: f64::from(options.requests) / seconds,
    };
    check_each_report(&bench, &completed).await?;
    output.print(&measured, |m| {
        format!(
            "{} requests, {} workers, one database: {:.1} s, {:.1} requests/s\n\
             completed                      {}\n\
             attempts                       {}\n\
             calls to the service           {}\n\
             documents kept                 {}\n\
             of them no request's           {}",
            m.requests,
            m.workers,
            m.seconds,
            m.requests_a_second,
            m.completed,
            m.attempts,
            m.calls_to_the_service,
            m.documents,
            m.documents_of_no_request
        )
    });
    bench.stop().await
}

/// Counts the stored documents once housekeeping has removed the kept sections, or after a while.
async fn documents_after_cleaning(bench: &Bench, expected: usize) -> Result<usize, Failure> {
    let folder = bench.config.documents_folder();
    let mut count = count_documents(&folder)?;
    for _ in 0..100 {
        if count <= expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        count = count_documents(&folder)?;
    }
    Ok(count)
}

fn count_documents(folder: &std::path::Path) -> Result<usize, Failure> {
    let failed = || Failure::file(format!("reading {}", folder.display()));
    let mut count = 0;
    for shelf in std::fs::read_dir(folder).map_err(failed())? {
        let shelf = shelf.map_err(failed())?;
        if shelf.file_name() == "incoming" {
            continue;
        }
        count += std::fs::read_dir(shelf.path()).map_err(failed())?.count();
    }
    Ok(count)
}

/// Every report can be downloaded and is what the API says it is.
async fn check_each_report(bench: &Bench, completed: &HashSet<RequestId>) -> Result<(), Failure> {
    let file = bench.config.data_folder.join("downloaded.pdf");
    for id in completed {
        bench.client.download(*id, &file, |_, _| {}).await?;
    }
    Ok(())
}

//! awa: fenced leases with heartbeats in PostgreSQL.
//!
//! `fastest` is what its own throughput benchmark sets: no deadline a job, which lets it claim by
//! receipts, looks 50 ms apart, as many workers as asked for, and two claimers.

use std::sync::Arc;
use std::time::Duration;

use awa::{Client, InsertOpts, JobArgs, JobResult, QueueConfig, QueueStorage, QueueStorageConfig};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;
use tally::{Asked, Tally};

const QUEUE: &str = "bench";

#[derive(Serialize, Deserialize, JobArgs)]
struct Millisecond {
    number: usize,
}

#[tokio::main]
async fn main() {
    let asked = Asked::read();
    let pool = PgPoolOptions::new()
        .max_connections(20)
        .connect(&asked.database_url)
        .await
        .expect("the database answers");
    awa::migrations::run(&pool)
        .await
        .expect("its schema can be made");
    let store = QueueStorage::new(QueueStorageConfig::default()).expect("its defaults are valid");
    for numbers in (0..asked.jobs).collect::<Vec<_>>().chunks(1_000) {
        let jobs: Vec<_> = numbers.iter().map(|number| job(*number)).collect();
        store
            .enqueue_params_copy(&pool, &jobs)
            .await
            .expect("jobs can be added");
    }
    let config = if asked.fastest {
        QueueConfig {
            max_workers: u32::try_from(asked.workers).expect("that many workers"),
            claimers: 2,
            poll_interval: Duration::from_millis(50),
            deadline_duration: Duration::ZERO,
            ..QueueConfig::default()
        }
    } else {
        QueueConfig::default()
    };
    let tally = Arc::new(Tally::new(asked.jobs));
    let working = Arc::clone(&tally);
    let client = Client::builder(pool.clone())
        .queue(QUEUE, config)
        .register::<Millisecond, _, _>(move |job: Millisecond, _| {
            let working = Arc::clone(&working);
            async move {
                working.work(job.number).await;
                Ok(JobResult::Completed)
            }
        })
        .build()
        .expect("the client can be built");
    client.start().await.expect("the client starts");
    tally.wait(&asked).await;
    let mut acknowledged = terminal(&store, &pool).await;
    for _ in 0..1_000 {
        if acknowledged >= asked.jobs || tally.total() < asked.jobs {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        acknowledged = terminal(&store, &pool).await;
    }
    tally.say("awa", env!("CARGO_PKG_VERSION"), &asked, acknowledged);
    client.shutdown(Duration::from_secs(5)).await;
}

fn job(number: usize) -> awa::InsertParams {
    let options = InsertOpts {
        queue: QUEUE.to_owned(),
        ..InsertOpts::default()
    };
    awa::model::insert::params_with(&Millisecond { number }, options).expect("a job is JSON")
}

async fn terminal(store: &QueueStorage, pool: &sqlx::PgPool) -> usize {
    let counts = store
        .queue_counts(pool, QUEUE)
        .await
        .expect("jobs can be counted");
    usize::try_from(counts.terminal).expect("a count is not negative")
}

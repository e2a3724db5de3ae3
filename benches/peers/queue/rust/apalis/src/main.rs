//! apalis with apalis-postgres.
//!
//! `fastest` is what its documentation offers: batches of 100 jobs, no lock of each single job (the
//! fetch takes them), jobs side by side on tokio's tasks up to as many as asked for, notifications.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::*;
use apalis_postgres::{Config, PgPool, PostgresStorage};
use futures::stream;
use sqlx::postgres::PgPoolOptions;
use tally::{Asked, Tally};

const QUEUE: &str = "bench";
const PUSHED_AT_ONCE: usize = 1_000;

#[tokio::main]
async fn main() {
    let asked = Asked::read();
    let pool = PgPoolOptions::new()
        .max_connections(20)
        .connect(&asked.database_url)
        .await
        .expect("the database answers");
    PostgresStorage::setup(&pool)
        .await
        .expect("its schema can be made");
    let mut config = Config::default().queue(QUEUE);
    if asked.fastest {
        config = config.batch_size(100).lock_tasks(false);
    }
    let mut storage: PostgresStorage<usize> = PostgresStorage::new(&pool).with_config(config);
    for first in (0..asked.jobs).step_by(PUSHED_AT_ONCE) {
        let numbers = first..asked.jobs.min(first + PUSHED_AT_ONCE);
        storage
            .push_stream(&mut stream::iter(numbers))
            .await
            .expect("jobs can be added");
    }
    let tally = Arc::new(Tally::new(asked.jobs));
    let builder = WorkerBuilder::new("bench");
    if asked.fastest {
        let worker = builder
            .backend(storage.with_pubsub())
            .data(Arc::clone(&tally))
            .concurrency(asked.workers)
            .parallelize(tokio::spawn)
            .build(work);
        tokio::select! {
            ended = worker.run() => ended.expect("the worker works"),
            () = watch(&tally, &asked, &pool) => {}
        }
    } else {
        let worker = builder
            .backend(storage)
            .data(Arc::clone(&tally))
            .build(work);
        tokio::select! {
            ended = worker.run() => ended.expect("the worker works"),
            () = watch(&tally, &asked, &pool) => {}
        }
    }
}

async fn watch(tally: &Tally, asked: &Asked, pool: &PgPool) {
    tally.wait(asked).await;
    let mut acknowledged = done(pool).await;
    for _ in 0..1_000 {
        if acknowledged >= asked.jobs || tally.total() < asked.jobs {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        acknowledged = done(pool).await;
    }
    tally.say(
        "apalis-postgres",
        env!("CARGO_PKG_VERSION"),
        asked,
        acknowledged,
    );
}

async fn work(number: usize, tally: Data<Arc<Tally>>) -> Result<(), BoxDynError> {
    tally.work(number).await;
    Ok(())
}

async fn done(pool: &PgPool) -> usize {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM apalis.jobs WHERE status = 'Done'")
        .fetch_one(pool)
        .await
        .expect("jobs can be counted");
    usize::try_from(count).expect("a count is not negative")
}

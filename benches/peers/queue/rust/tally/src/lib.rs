//! What every peer in Rust does the same: read what is asked, count the jobs, say how it went.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What is asked for, from the environment.
pub struct Asked {
    pub database_url: String,
    pub jobs: usize,
    pub workers: usize,
    pub fastest: bool,
    pub time: Duration,
}

impl Asked {
    pub fn read() -> Self {
        let text = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("set {name}"));
        let number = |name: &str| {
            text(name)
                .parse()
                .unwrap_or_else(|_| panic!("{name}: a number"))
        };
        let mode = text("MODE");
        assert!(
            ["defaults", "fastest"].contains(&mode.as_str()),
            "MODE: defaults or fastest"
        );
        Self {
            database_url: text("DATABASE_URL"),
            jobs: number("JOBS"),
            workers: number("WORKERS"),
            fastest: mode == "fastest",
            time: Duration::from_secs(number("SECONDS") as u64),
        }
    }
}

/// How often each job was done.
pub struct Tally {
    done: Vec<AtomicU32>,
    total: AtomicUsize,
    began: Mutex<Option<Instant>>,
}

impl Tally {
    pub fn new(jobs: usize) -> Self {
        Self {
            done: (0..jobs).map(|_| AtomicU32::new(0)).collect(),
            total: AtomicUsize::new(0),
            began: Mutex::new(None),
        }
    }

    /// The job: a millisecond in which nothing is done.
    pub async fn work(&self, number: usize) {
        if self.total.load(Ordering::Relaxed) == 0 {
            self.began
                .lock()
                .expect("nobody panics with it")
                .get_or_insert_with(Instant::now);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.done[number].fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    pub fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// Waits until so many are done, or for the time that a run may take.
    pub async fn wait(&self, asked: &Asked) {
        let started = Instant::now();
        while self.total() < asked.jobs && started.elapsed() < asked.time {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Prints how it went, given how many the database says are acknowledged by now.
    pub fn say(&self, peer: &str, version: &str, asked: &Asked, acknowledged: usize) {
        let began = self
            .began
            .lock()
            .expect("nobody panics with it")
            .expect("no job was started");
        let seconds = began.elapsed().as_secs_f64();
        let twice = self
            .done
            .iter()
            .filter(|done| done.load(Ordering::Relaxed) > 1)
            .count();
        assert_eq!(twice, 0, "jobs were done twice");
        assert!(
            acknowledged <= self.total(),
            "more were acknowledged than done"
        );
        let said = serde_json::json!({
            "peer": peer,
            "version": version,
            "mode": if asked.fastest { "fastest" } else { "defaults" },
            "jobs": acknowledged,
            "seconds": seconds,
            "jobs_per_second": acknowledged as f64 / seconds,
        });
        println!("{said}");
    }
}

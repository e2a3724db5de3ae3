//! What can be measured of a worker (`docs/metrics.md`).
//!
//! Services are named as the catalogue names them; no label holds anything of a request.

use std::time::Duration;

use dossier_core::ServiceName;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of durations in seconds: from a service that answers at once to one at its limit.
const SECONDS: [f64; 12] = [
    0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

const BUSY: State = State { state: "busy" };
const FREE: State = State { state: "free" };

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    ending: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    service: String,
    kind: &'static str,
    outcome: &'static str,
}

/// What is measured of a worker.
#[derive(Debug)]
pub struct WorkerMetrics {
    slots: Family<State, Gauge>,
    attempts: Family<Ended, Counter>,
    calls: Family<Called, Histogram, fn() -> Histogram>,
}

fn durations() -> Histogram {
    Histogram::new(SECONDS)
}

impl WorkerMetrics {
    pub(crate) fn new(slots: usize) -> Self {
        let metrics = Self {
            slots: Family::default(),
            attempts: Family::default(),
            calls: Family::new_with_constructor(durations),
        };
        let free = i64::try_from(slots).unwrap_or(i64::MAX);
        metrics.slots.get_or_create(&FREE).set(free);
        metrics.slots.get_or_create(&BUSY).set(0);
        metrics
    }

    /// Has the registry show them. Their names begin with its prefix.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "worker_slots",
            "Requests that the worker works on, or could",
            self.slots.clone(),
        );
        registry.register(
            "worker_attempts",
            "Attempts that ended, by how they did",
            self.attempts.clone(),
        );
        registry.register_with_unit(
            "worker_upstream_call_duration",
            "Time of one call to a service, to the end of its answer",
            Unit::Seconds,
            self.calls.clone(),
        );
    }

    pub(crate) fn slot_taken(&self) {
        self.slots.get_or_create(&FREE).dec();
        self.slots.get_or_create(&BUSY).inc();
    }

    pub(crate) fn slot_freed(&self) {
        self.slots.get_or_create(&BUSY).dec();
        self.slots.get_or_create(&FREE).inc();
    }

    pub(crate) fn attempt_ended(&self, ending: &'static str) {
        self.attempts.get_or_create(&Ended { ending }).inc();
    }

    pub(crate) fn called(
        &self,
        service: &ServiceName,
        kind: &'static str,
        outcome: &'static str,
        duration: Duration,
    ) {
        let of = Called {
            service: service.to_string(),
            kind,
            outcome,
        };
        let seconds = duration.as_secs_f64();
        self.calls.get_or_create(&of).observe(seconds);
    }
}

//! The conditions that several statements share, and values on their way into one.

use std::time::Duration;

use dossier_core::lease::LeaseRules;
use uuid::Uuid;

/// The database's clock in milliseconds since the epoch: one value for a whole statement
/// (<https://www.sqlite.org/lang_datefunc.html>, section 2).
macro_rules! now {
    () => {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    };
}

/// Whether the request waits: only suspended services are left to collect. The same rule as
/// `dossier_core::lease::waits_for_suspended`.
macro_rules! waits {
    () => {
        "(EXISTS (SELECT 1 FROM sections INDEXED BY sections_suspended WHERE sections.request_id = requests.id \
                  AND sections.status = 'SUSPENDED') \
          AND NOT EXISTS (SELECT 1 FROM sections WHERE sections.request_id = requests.id \
                          AND sections.status IN ('PENDING', 'ERRORED')))"
    };
}

/// Whether nobody holds a live lease.
macro_rules! free {
    () => {
        concat!(
            "(requests.lease_expires_at IS NULL OR requests.lease_expires_at <= ",
            $crate::sqlite::sql::now!(),
            ")"
        )
    };
}

/// Whether a worker may claim the request now, given `?1` (most attempts) and `?2` (greatest age in
/// milliseconds). The same rule as `dossier_core::lease::check_claim`.
macro_rules! claimable {
    () => {
        concat!(
            "(requests.status = 'Pending' AND requests.due_at <= ",
            $crate::sqlite::sql::now!(),
            " AND ",
            $crate::sqlite::sql::free!(),
            " AND requests.attempts < ?1 AND ",
            $crate::sqlite::sql::now!(),
            " - requests.clock_started_at <= ?2 AND NOT ",
            $crate::sqlite::sql::waits!(),
            ")"
        )
    };
}

/// Where a request stands among those to be claimed: as if it had come in four hours earlier for each
/// step of its priority ([`dossier_core::request::PRIORITY_HOURS`]). Those of a low priority are never
/// starved: what comes in eight hours later stands behind them.
macro_rules! place {
    () => {
        "(requests.requested_at - requests.priority * 14400000)"
    };
}

/// In which order requests are claimed: the one place that says so. `requests_by_place` has it.
macro_rules! claim_order {
    () => {
        concat!($crate::sqlite::sql::place!(), ", requests.id")
    };
}

pub(super) use {claim_order, claimable, free, now, place, waits};

/// A UUID as the database keeps it.
pub(super) fn blob(uuid: Uuid) -> Vec<u8> {
    uuid.as_bytes().to_vec()
}

/// UUIDs as one parameter: a JSON array that `unhex` reads.
pub(super) fn blobs(uuids: impl IntoIterator<Item = Uuid>) -> String {
    let hex: Vec<String> = uuids
        .into_iter()
        .map(|uuid| uuid.simple().to_string())
        .collect();
    serde_json::Value::from(hex).to_string()
}

/// A duration in milliseconds; one that is too long for the database is as good as for ever.
///
/// The limit leaves room to be added to a time without overflow.
pub(super) fn millis(duration: Duration) -> i64 {
    const FOR_EVER: i64 = i64::MAX / 4;
    i64::try_from(duration.as_millis()).map_or(FOR_EVER, |ms| ms.min(FOR_EVER))
}

/// What [`claimable`] calls `?1` and `?2`.
pub(super) fn limits(rules: &LeaseRules) -> (i64, i64) {
    (i64::from(rules.attempts_max), millis(rules.age_max))
}

/// A text as the search compares it.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase()
}

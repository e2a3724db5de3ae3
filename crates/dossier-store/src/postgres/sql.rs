//! The conditions that several statements share, and values on their way into one.

use std::time::Duration;

use dossier_core::lease::LeaseRules;

/// The database's clock in milliseconds since the epoch: one value for a whole statement, that of
/// its start. Indexes can be searched with it. Where a statement waits for another's row lock it is
/// behind, which errs on the safe side for a claim: what was free then is free now. A query of its
/// own, so that it is reckoned once and not for each row.
macro_rules! now {
    () => {
        "(SELECT floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)"
    };
}

/// The database's clock at this very moment, after any wait: what a lease's end is compared to and
/// reckoned from.
macro_rules! this_moment {
    () => {
        "(floor(date_part('epoch', clock_timestamp()) * 1000)::bigint)"
    };
}

/// Whether the request waits: only suspended services are left to collect. The same rule as
/// `dossier_core::lease::waits_for_suspended`. The offsets keep the planner from reading all
/// sections of all requests beforehand.
macro_rules! waits {
    () => {
        "(EXISTS (SELECT 1 FROM sections WHERE sections.request_id = requests.id \
                  AND sections.status = 'SUSPENDED' OFFSET 0) \
          AND NOT EXISTS (SELECT 1 FROM sections WHERE sections.request_id = requests.id \
                          AND sections.status IN ('PENDING', 'ERRORED') OFFSET 0))"
    };
}

/// Whether nobody holds a live lease.
macro_rules! free {
    () => {
        concat!(
            "(requests.lease_expires_at IS NULL OR requests.lease_expires_at <= ",
            $crate::postgres::sql::now!(),
            ")"
        )
    };
}

/// Whether a worker may claim the request now, given `$1` (most attempts) and `$2` (greatest age in
/// milliseconds). The same rule as `dossier_core::lease::check_claim`.
macro_rules! claimable {
    () => {
        concat!(
            "(requests.status = 'Pending' AND requests.due_at <= ",
            $crate::postgres::sql::now!(),
            " AND ",
            $crate::postgres::sql::free!(),
            " AND requests.attempts < $1 AND ",
            $crate::postgres::sql::now!(),
            " - requests.clock_started_at <= $2 AND NOT ",
            $crate::postgres::sql::waits!(),
            ")"
        )
    };
}

/// The same of many requests: those that only wait are not even looked at, by the index
/// `requests_to_claim`.
macro_rules! to_claim {
    () => {
        concat!(
            "(NOT requests.waits AND ",
            $crate::postgres::sql::claimable!(),
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

/// In which order requests are claimed: the one place that says so. `requests_to_claim` has it.
macro_rules! claim_order {
    () => {
        concat!($crate::postgres::sql::place!(), ", requests.id")
    };
}

pub(super) use {claim_order, claimable, free, now, place, this_moment, to_claim, waits};

/// A duration in milliseconds; one that is too long for the database is as good as for ever.
///
/// The limit leaves room to be added to a time without overflow.
pub(super) fn millis(duration: Duration) -> i64 {
    const FOR_EVER: i64 = i64::MAX / 4;
    i64::try_from(duration.as_millis()).map_or(FOR_EVER, |ms| ms.min(FOR_EVER))
}

/// What [`claimable`] calls `$1` and `$2`.
pub(super) fn limits(rules: &LeaseRules) -> (i64, i64) {
    (i64::from(rules.attempts_max), millis(rules.age_max))
}

/// A text as the search compares it.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// A text as PostgreSQL can keep it: it has no place for the character of code 0.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

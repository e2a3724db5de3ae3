//! How long single calls take: medians, and the slowest of a hundred.

mod leases;
mod lists;
mod over_http;

use std::future::Future;
use std::time::Instant;

use serde::Serialize;

pub use self::leases::steps;
pub use self::lists::admin_lists;
pub use self::over_http::{pick_up, whole_requests};
use super::database::Filled;
use crate::exit::Failure;

/// A call that is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    Claim,
    ClaimPastWaiting,
    Renew,
    Complete,
    FirstPage,
    LastPage,
    NextPage,
    SearchReference,
    SearchIdentifier,
    SearchTwoCharacters,
    AdminFirstPage,
    AdminLastPage,
    AdminSearchFirstPage,
    AdminSearchLastPage,
    PickUp,
    WholeRequest,
}

impl Call {
    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Claim => "claim one",
            Self::ClaimPastWaiting => "claim one, past 10,000 suspended",
            Self::Renew => "renew",
            Self::Complete => "complete",
            Self::FirstPage => "list, first page",
            Self::LastPage => "list, last page by its number",
            Self::NextPage => "list, next page in the middle",
            Self::SearchReference => "search, part of a reference",
            Self::SearchIdentifier => "search, part of an identifier",
            Self::SearchTwoCharacters => "search, two characters",
            Self::AdminFirstPage => "admin list, first page, over HTTP",
            Self::AdminLastPage => "admin list, last page, over HTTP",
            Self::AdminSearchFirstPage => "admin search, first page, over HTTP",
            Self::AdminSearchLastPage => "admin search, last page, over HTTP",
            Self::PickUp => "from POST to claimed, over HTTP",
            Self::WholeRequest => "from POST to complete, over HTTP",
        }
    }
}

/// The times of one call in one run, in milliseconds.
pub struct Times {
    /// Which call.
    pub call: Call,
    /// One each.
    pub milliseconds: Vec<f64>,
    /// Statements that one took, if the server counts them.
    pub statements: Option<f64>,
}

/// Times what is only timed on the store, beside the steps of a lease: claims past requests that wait,
/// lists and searches.
pub async fn on_store(database: &Filled<'_>) -> Result<Vec<Times>, Failure> {
    let mut times = vec![leases::past_waiting(database).await?];
    times.extend(lists::lists(database).await?);
    Ok(times)
}

/// Times calls, and counts their statements.
struct Timer<'a> {
    database: &'a Filled<'a>,
    call: Call,
    statements_before: Option<i64>,
    milliseconds: Vec<f64>,
}

impl<'a> Timer<'a> {
    async fn start(database: &'a Filled<'_>, call: Call) -> Result<Self, Failure> {
        Ok(Self {
            database,
            call,
            statements_before: database.statements().await?,
            milliseconds: Vec::new(),
        })
    }

    async fn time<T>(
        &mut self,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        let done = call.await?;
        self.milliseconds.push(began.elapsed().as_secs_f64() * 1e3);
        Ok(done)
    }

    async fn end(self) -> Result<Times, Failure> {
        let statements = match (self.statements_before, self.database.statements().await?) {
            (Some(before), Some(after)) => {
                Some((after - before) as f64 / self.milliseconds.len().max(1) as f64)
            }
            _ => None,
        };
        Ok(Times {
            call: self.call,
            milliseconds: self.milliseconds,
            statements,
        })
    }
}

/// The value below which so many of a hundred lie.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted
        .get(place.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

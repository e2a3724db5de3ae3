//! How long single calls take: medians, and the slowest of a hundred.

use std::future::Future;
use std::time::{Duration, Instant};

use dossier_core::lease::LeaseRules;
use dossier_core::wire::{ClaimsQuery, CreateRequest};
use dossier_store::{Page, RequestFilter, Store};
use dossier_worker::ApiClient;
use serde::Serialize;

use super::database::{Filled, SERVICE, of_store};
use super::lifecycle::Through;
use crate::exit::Failure;

/// Rows of a page of a list.
const PAGE_ROWS: u32 = 50;
/// A call is repeated so often in a run, or for so long.
const CALLS: u32 = 40;
const CALLS_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a worker that waits for a request waits.
const POLL_SECONDS: u32 = 20;
/// A worker is given so long to begin to wait.
const BEGIN_TO_WAIT: Duration = Duration::from_millis(15);

/// A call that is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    Claim,
    Renew,
    Complete,
    FirstPage,
    LastPage,
    SearchReference,
    SearchIdentifier,
    PickUp,
}

impl Call {
    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Claim => "claim one",
            Self::Renew => "renew",
            Self::Complete => "complete",
            Self::FirstPage => "list, first page",
            Self::LastPage => "list, last page",
            Self::SearchReference => "search, part of a reference",
            Self::SearchIdentifier => "search, part of an identifier",
            Self::PickUp => "from POST to claimed, over HTTP",
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

/// Times the steps of a lease, one after the other, on requests that are due.
pub async fn lease(database: &Filled<'_>, requests: u32) -> Result<Vec<Times>, Failure> {
    let through = Through::Store {
        store: database.store.clone(),
        rules: LeaseRules::default(),
    };
    database
        .tables
        .add_pending(requests, database.service)
        .await?;
    // Connections are made and statements prepared before it counts.
    let mut held = through.claim(2, "bench").await?;
    for held in held.drain(..) {
        through.renew(held).await?;
        through.complete(held).await?;
    }
    let due = requests.saturating_sub(2);
    let mut claims = Timer::start(database, Call::Claim).await?;
    for _ in 0..due {
        held.extend(claims.time(through.claim(1, "bench")).await?);
    }
    let claims = claims.end().await?;
    let mut renewals = Timer::start(database, Call::Renew).await?;
    for held in &held {
        renewals.time(through.renew(*held)).await?;
    }
    let renewals = renewals.end().await?;
    let mut completions = Timer::start(database, Call::Complete).await?;
    for held in &held {
        completions.time(through.complete(*held)).await?;
    }
    let completions = completions.end().await?;
    database.tables.remove_added().await?;
    Ok(vec![claims, renewals, completions])
}

/// Times lists and searches.
pub async fn lists(database: &Filled<'_>) -> Result<Vec<Times>, Failure> {
    let last = u32::try_from(database.requests.saturating_sub(1) / u64::from(PAGE_ROWS));
    let last = last.unwrap_or(u32::MAX);
    // A reference without its first characters, and the middle of an identifier.
    let number = format!("{:06}", database.requests / 2);
    let third = database.requests / 3;
    let letter = char::from(b'A' + u8::try_from(third / 10_000 % 26).unwrap_or(0));
    let identifier = format!("{:04}{letter}", third * 7919 % 10_000);
    let mut times = Vec::new();
    for (call, search, page) in [
        (Call::FirstPage, None, 0),
        (Call::LastPage, None, last),
        (Call::SearchReference, Some(number), 0),
        (Call::SearchIdentifier, Some(identifier), 0),
    ] {
        let filter = RequestFilter {
            search: search.map(Into::into),
            ..RequestFilter::default()
        };
        if list(&*database.store, &filter, page).await? == 0 {
            let what = call.label();
            return Err(Failure::Other(format!("the {what} found nothing")));
        }
        let mut timer = Timer::start(database, call).await?;
        let began = Instant::now();
        for _ in 0..CALLS {
            timer.time(list(&*database.store, &filter, page)).await?;
            if began.elapsed() > CALLS_TIME_MAX {
                break;
            }
        }
        times.push(timer.end().await?);
    }
    Ok(times)
}

/// How many requests a page has.
async fn list(store: &dyn Store, filter: &RequestFilter, number: u32) -> Result<usize, Failure> {
    let page = Page::number(number, PAGE_ROWS);
    let found = store.requests(filter, &LeaseRules::default(), page).await;
    Ok(found.map_err(of_store)?.len())
}

/// Times how long a new request waits until a worker that waits for one has it: from the beginning
/// of the POST to the end of the claim's answer.
pub async fn pick_up(
    database: &Filled<'_>,
    client: &ApiClient,
    requests: u32,
) -> Result<Times, Failure> {
    let query = ClaimsQuery {
        max: 1,
        wait: POLL_SECONDS,
        worker: None,
    };
    let mut milliseconds = Vec::new();
    for number in 0..=requests {
        let waiting = {
            let (client, query) = (client.clone(), query.clone());
            tokio::spawn(async move { (client.claims(&query).await, Instant::now()) })
        };
        tokio::time::sleep(BEGIN_TO_WAIT).await;
        let body = CreateRequest {
            sar_case_reference_number: Some(format!("PICK-{number}").into()),
            services: vec![SERVICE.to_owned()],
            nomis_id: Some("A1234AA".to_owned().into()),
            ..CreateRequest::default()
        };
        let began = Instant::now();
        client.create(&body, None).await?;
        let (claims, claimed_at) = waiting
            .await
            .map_err(|_| Failure::Other("a worker panicked".to_owned()))?;
        if claims?.len() != 1 {
            return Err(Failure::Other("a new request was not claimed".to_owned()));
        }
        // The first makes the connections.
        if number > 0 {
            milliseconds.push((claimed_at - began).as_secs_f64() * 1e3);
        }
    }
    database.tables.remove_added().await?;
    Ok(Times {
        call: Call::PickUp,
        milliseconds,
        statements: None,
    })
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

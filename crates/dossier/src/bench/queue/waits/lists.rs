//! Lists and searches.

use std::time::{Duration, Instant};

use dossier_core::Private;
use dossier_core::lease::LeaseRules;
use dossier_store::{Page, RequestFilter, Store};
use dossier_worker::ApiClient;
use dossier_worker::api::AdminQuery;

use super::{Call, Timer, Times};
use crate::bench::queue::database::{Filled, of_store};
use crate::exit::Failure;

/// Rows of a page of a list.
const PAGE_ROWS: u32 = 50;
/// A call is repeated so often in a run, or for so long.
const CALLS: u32 = 40;
const CALLS_TIME_MAX: Duration = Duration::from_secs(2);

/// Times lists and searches on the store.
pub async fn lists(database: &Filled<'_>) -> Result<Vec<Times>, Failure> {
    // A reference without its first characters, and the middle and the beginning of an identifier.
    let number = format!("{:06}", database.requests / 2);
    let third = database.requests / 3;
    let letter = char::from(b'A' + u8::try_from(third / 10_000 % 26).unwrap_or(0));
    let digits = format!("{:04}", third * 7919 % 10_000);
    let identifier = format!("{digits}{letter}");
    let beginning = format!("A{}", &digits[..1]);
    let last = last_page(database.requests);
    let mut times = Vec::new();
    for (call, search, page) in [
        (Call::FirstPage, None, 0),
        (Call::LastPage, None, last),
        (Call::SearchReference, Some(number), 0),
        (Call::SearchIdentifier, Some(identifier), 0),
        (Call::SearchTwoCharacters, Some(beginning), 0),
    ] {
        let filter = RequestFilter {
            search: search.map(Into::into),
            ..RequestFilter::default()
        };
        let list = || list(&*database.store, &filter, page);
        times.push(repeated(database, call, list).await?);
    }
    Ok(times)
}

/// How many requests a page has.
async fn list(store: &dyn Store, filter: &RequestFilter, number: u32) -> Result<usize, Failure> {
    let page = Page {
        number,
        size: PAGE_ROWS,
    };
    let found = store.requests(filter, &LeaseRules::default(), page).await;
    Ok(found.map_err(of_store)?.len())
}

/// Times the list for administrators, which counts all requests by their status, over HTTP.
pub async fn admin_lists(database: &Filled<'_>, client: &ApiClient) -> Result<Vec<Times>, Failure> {
    // One in some hundred references has it, and one in a thousand identifiers.
    let digits: Private<String> = format!("{:03}", database.requests / 2 % 1000).into();
    let mut times = Vec::new();
    for (first, last, search) in [
        (Call::AdminFirstPage, Call::AdminLastPage, None),
        (
            Call::AdminSearchFirstPage,
            Call::AdminSearchLastPage,
            Some(digits),
        ),
    ] {
        let query = |page| AdminQuery {
            search: search.clone(),
            page_number: Some(page),
            page_size: Some(PAGE_ROWS),
            ..AdminQuery::default()
        };
        let found = client.admin_list(&query(0)).await?.filter_count;
        for (call, page) in [(first, 0), (last, last_page(found))] {
            let query = query(page);
            let list = || async { Ok(client.admin_list(&query).await?.requests.len()) };
            times.push(repeated(database, call, list).await?);
        }
    }
    Ok(times)
}

/// The number of the last page of so many rows.
fn last_page(rows: u64) -> u32 {
    u32::try_from(rows.saturating_sub(1) / u64::from(PAGE_ROWS)).unwrap_or(u32::MAX)
}

/// Times a list that must find something; the first time does not count.
async fn repeated<F: Future<Output = Result<usize, Failure>>>(
    database: &Filled<'_>,
    call: Call,
    list: impl Fn() -> F,
) -> Result<Times, Failure> {
    if list().await? == 0 {
        let what = call.label();
        return Err(Failure::Other(format!("the {what} found nothing")));
    }
    let mut timer = Timer::start(database, call).await?;
    let began = Instant::now();
    for _ in 0..CALLS {
        timer.time(list()).await?;
        if began.elapsed() > CALLS_TIME_MAX {
            break;
        }
    }
    timer.end().await
}

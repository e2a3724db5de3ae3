//! Lists and searches.

use std::time::{Duration, Instant};

use dossier_core::Private;
use dossier_core::lease::LeaseRules;
use dossier_store::{Page, PageKey, RequestFilter, Store};
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
    let first = Page::number(0, PAGE_ROWS);
    for (call, search, page) in [
        (Call::FirstPage, None, first),
        (Call::LastPage, None, Page::number(last, PAGE_ROWS)),
        (Call::NextPage, None, behind_half(database).await?),
        (Call::SearchReference, Some(number), first),
        (Call::SearchIdentifier, Some(identifier), first),
        (Call::SearchTwoCharacters, Some(beginning), first),
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

/// The page behind the row in the middle of the list.
async fn behind_half(database: &Filled<'_>) -> Result<Page, Failure> {
    let half = u32::try_from(database.requests / 2).unwrap_or(u32::MAX);
    let (filter, rules) = (RequestFilter::default(), LeaseRules::default());
    let row = database
        .store
        .requests(&filter, &rules, Page::number(half, 1))
        .await;
    let row = row.map_err(of_store)?;
    let key = row.first().map(PageKey::of);
    let page = key.map(|key| Page::after(key, PAGE_ROWS));
    page.ok_or_else(|| Failure::Other("the list has no middle".to_owned()))
}

/// How many requests a page has.
async fn list(store: &dyn Store, filter: &RequestFilter, page: Page) -> Result<usize, Failure> {
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

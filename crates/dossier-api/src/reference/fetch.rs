//! One call to one source, and what can go wrong with it.

use std::error::Error;
use std::io;
use std::time::Duration;

use dossier_core::reference::{ReferenceCode, ReferenceName};
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION};
use url::Url;

use super::source::{Asking, Shape, Source};
use crate::api::BearerProvider;

/// Items asked for in one page of a list.
const PAGE_SIZE: u64 = 2_000;
/// Most pages of one list.
const PAGES_MAX: u64 = 1_000;
/// Most names of one list.
const ENTRIES_MAX: usize = 1_000_000;

/// What went wrong with a source. Never holds anything that it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SourceError {
    /// It cannot be reached.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("no answer in time")]
    TooSlow,
    /// It answered something else than yes.
    #[error("it answered with status {}", .0.as_u16())]
    Status(StatusCode),
    /// Its answer is larger than `bytes_max`.
    #[error("its answer has more than {0} bytes")]
    TooLarge(usize),
    /// Its answer is not JSON.
    #[error("its answer is not JSON")]
    NotJson,
    /// Its answer has no list where one should be.
    #[error("its answer has no list where one should be")]
    NoList,
    /// It answered another page than was asked for.
    #[error("it answered another page than was asked for")]
    OtherPage,
    /// It has more pages or names than can be taken.
    #[error("its list is longer than 1,000 pages or 1,000,000 names")]
    TooMany,
    /// Its list holds nothing that can be used.
    #[error("its list holds no name with a code")]
    Empty,
    /// Its list has less than half of the names that it had.
    #[error(
        "its list has {now} names where it had {before}: what it gave before stays; if the new list \
         is right, remove what the source gave, and refresh it"
    )]
    Shrunken {
        /// Names that it gave before.
        before: u64,
        /// Names that it gives now.
        now: u64,
    },
    /// There is no token to send.
    #[error("{0}")]
    Token(String),
}

/// Calls sources.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) http: reqwest::Client,
    pub(crate) bearer: Option<BearerProvider>,
}

/// A whole list.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) entries: Vec<(ReferenceCode, ReferenceName)>,
    /// Items without a code or a name that can be used.
    pub(super) skipped: usize,
}

impl Caller {
    /// All that a list holds.
    pub(super) async fn list(&self, source: &Source) -> Result<Loaded, SourceError> {
        let Asking::List {
            url,
            shape,
            in_pages,
        } = &source.asking
        else {
            return Err(SourceError::NoList);
        };
        let loaded = if *in_pages {
            self.pages(source, url, shape).await?
        } else {
            let body = self.get(source, url.clone(), source.bytes_max).await?;
            let part = shape.whole(&body)?;
            Loaded {
                entries: part.entries,
                skipped: part.skipped,
            }
        };
        match loaded.entries.len() {
            0 => Err(SourceError::Empty),
            ENTRIES_MAX.. => Err(SourceError::TooMany),
            _ => Ok(loaded),
        }
    }

    async fn pages(
        &self,
        source: &Source,
        url: &Url,
        shape: &Shape,
    ) -> Result<Loaded, SourceError> {
        let mut loaded = Loaded {
            entries: Vec::new(),
            skipped: 0,
        };
        let mut bytes_left = source.bytes_max;
        for number in 0..PAGES_MAX {
            let mut page_url = url.clone();
            page_url
                .query_pairs_mut()
                .append_pair("page", &number.to_string())
                .append_pair("size", &PAGE_SIZE.to_string());
            let body = self.get(source, page_url, bytes_left).await;
            let body = body.map_err(|error| match error {
                SourceError::TooLarge(_) => SourceError::TooLarge(source.bytes_max),
                error => error,
            })?;
            bytes_left -= body.len();
            let part = shape.page(&body, number)?;
            loaded.entries.extend(part.entries);
            loaded.skipped += part.skipped;
            if !part.more {
                return Ok(loaded);
            }
            if loaded.entries.len() > ENTRIES_MAX {
                break;
            }
        }
        Err(SourceError::TooMany)
    }

    /// What a source answers: never more than `bytes_max` bytes, never later than the source's own
    /// limit.
    pub(super) async fn get(
        &self,
        source: &Source,
        url: Url,
        bytes_max: usize,
    ) -> Result<Vec<u8>, SourceError> {
        let mut call = self.http.get(url).header(ACCEPT, "application/json");
        if source.send_token
            && let Some(provider) = &self.bearer
            && let Some(bearer) = provider().await.map_err(SourceError::Token)?
        {
            // It stays with the source: its URL is the configured one, and no redirect is followed.
            call = call.header(AUTHORIZATION, bearer);
        }
        let answer = read(call, bytes_max);
        let answer = tokio::time::timeout(source.answer_max, answer).await;
        answer.unwrap_or(Err(SourceError::TooSlow))
    }
}

async fn read(call: reqwest::RequestBuilder, bytes_max: usize) -> Result<Vec<u8>, SourceError> {
    let mut response = call.send().await.map_err(unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(SourceError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(SourceError::TooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why there was no answer, without the URL: it may hold a code.
fn unreachable(error: reqwest::Error) -> SourceError {
    if error.is_timeout() {
        return SourceError::TooSlow;
    }
    let mut root: &dyn Error = &error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    SourceError::Unreachable(match root.downcast_ref::<io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ if error.is_connect() => "the connection could not be made".to_owned(),
        _ => "the connection broke".to_owned(),
    })
}

/// The pause before the next try after so many failures before this one.
pub(super) fn retry_pause(failures: u32, first: Duration, longest: Duration) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.min(30)));
    doubled.min(longest)
}

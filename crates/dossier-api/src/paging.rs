//! Pages of lists, and where the next one is.

use axum::response::AppendHeaders;
use dossier_core::request::Request;
use dossier_core::wire::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use dossier_store::{Page, PageKey};
use http::header::LINK;
use http::{HeaderName, HeaderValue};
use url::form_urlencoded;

use crate::problem::{ApiError, Kind};

/// The header that names the next page, if there may be one.
pub(crate) type NextPage = AppendHeaders<Option<(HeaderName, HeaderValue)>>;

/// One page of a list, from the parameters that all lists have.
pub(crate) fn page(
    number: Option<u32>,
    after: Option<PageKey>,
    size: Option<u32>,
) -> Result<Page, ApiError> {
    let size = size.unwrap_or(PAGE_SIZE_DEFAULT);
    if !(1..=PAGE_SIZE_MAX).contains(&size) {
        let message = format!("pageSize must be from 1 to {PAGE_SIZE_MAX}");
        return Err(refused("pageSize", message));
    }
    match (number, after) {
        (Some(_), Some(_)) => {
            let message = "a page is named by pageNumber or by after, not by both";
            Err(refused("after", message))
        }
        (_, Some(key)) => Ok(Page::after(key, size)),
        (number, None) => Ok(Page::number(number.unwrap_or(0), size)),
    }
}

fn refused(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::of_field(Kind::InvalidParameter, field, message)
}

/// Names the page behind the last row of a full one, with all else that the query asks for
/// (RFC 8288; the reference is relative to the URL that was asked for).
pub(crate) fn next_page<'r>(
    query: Option<&str>,
    page: Page,
    rows: impl IntoIterator<Item = &'r Request>,
) -> NextPage {
    let last_of_full = rows.into_iter().nth(page.size as usize - 1);
    let link = last_of_full.map(PageKey::of).and_then(|key| {
        let asked = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let others = asked.filter(|(name, _)| !matches!(&**name, "pageNumber" | "after"));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("after", &key.to_string())
            .finish();
        HeaderValue::from_str(&format!("<?{query}>; rel=\"next\"")).ok()
    });
    AppendHeaders(link.map(|link| (LINK, link)))
}

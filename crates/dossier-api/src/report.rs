//! Handing out a finished request's documents, a piece at a time.
//!
//! A download is recorded when a document's last byte is handed to the connection: by an answer
//! with the whole document, or by one that goes on to its end from where an earlier one stopped
//! (`Range: bytes=N-`). Other ranges are a viewer's looking around, and do not count.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body as Content;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dossier_core::request::Request;
use dossier_core::wire::Problem;
use dossier_core::{DocumentKind, FinishedDocument, KeptDocument, RequestId};
use dossier_documents::{ByteRange, DocumentError, DocumentRead};
use futures::Stream;
use futures::stream::BoxStream;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Caller, Requester};
use crate::input::Params;
use crate::problem::{ApiError, Kind};
use crate::requests::find;

/// Longest part of a file name that is made of a case reference, in characters.
const FILE_NAME_CHARS_MAX: usize = 100;

/// Which document is wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportParams {
    /// The request.
    id: uuid::Uuid,
    /// What is wanted: the report, the subject's copy or the package.
    #[serde(default)]
    #[param(inline, default = "REPORT")]
    kind: DocumentKind,
    /// Which volume of it, from 1.
    #[serde(default = "first")]
    #[param(default = 1, minimum = 1)]
    volume: u32,
}

fn first() -> u32 {
    1
}

/// Download a report, or another document of a completed request.
///
/// A PDF file, or a zip file if it is the package, whole or in a single range. The request says which
/// documents there are. The time is recorded with the request once the document's last byte is handed
/// over, by a whole download or by one resumed with `bytes=N-`.
#[utoipa::path(
    get,
    path = "/api/report",
    tag = "requests",
    params(
        ReportParams,
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "The ETag that the range goes with"),
    ),
    responses(
        (status = 200, description = "The document",
            content((Vec<u8> = "application/pdf"), (Vec<u8> = "application/zip")),
            headers(
                ("Content-Disposition" = String, description = "A file name"),
                ("ETag" = String, description = "The SHA-256"),
                ("Accept-Ranges" = String, description = "`bytes`"))),
        (status = 206, description = "The range",
            content((Vec<u8> = "application/pdf"), (Vec<u8> = "application/zip")),
            headers(("Content-Range" = String, description = "Which bytes, of how many"))),
        (status = 404, description = "There is no such request, or it has no such document",
            body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The range lies outside the document",
            headers(("Content-Range" = String, description = "`bytes */` and the size")),
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn download(
    _: Caller<Requester>,
    State(api): State<Api>,
    method: Method,
    headers: HeaderMap,
    Params(params): Params<ReportParams>,
) -> Result<Response, ApiError> {
    let request = find(&api, params.id.into()).await?;
    let mut documents = request.documents();
    let wanted = documents.find(|d| (d.kind, d.volume) == (params.kind, params.volume));
    let Some(wanted) = wanted else {
        return Err(not_there(params.kind));
    };
    if method == Method::HEAD {
        return head(&api, &request, &wanted).await;
    }
    let document = &wanted.kept;
    let range = range(&headers, document);
    if range.is_some_and(|range| range.within(document.bytes).is_none()) {
        return Err(outside(document));
    }
    let read = match api.documents.read(document.id, range).await {
        Ok(read) => read,
        Err(DocumentError::NotFound(_)) => return Err(not_there(params.kind)),
        Err(error) => return Err(error.into()),
    };
    if read.document != *document {
        return Err(DocumentError::Damaged(document.id).into());
    }
    Ok(answer(api, &request, &wanted, range, read))
}

fn not_there(kind: DocumentKind) -> ApiError {
    ApiError::new(Kind::NotFound).detail(match kind {
        DocumentKind::Report => "the request has no report, or not that volume",
        DocumentKind::Copy => "the request has no copy for the subject, or not that volume",
        DocumentKind::Package => "the request has no package",
    })
}

fn outside(document: &KeptDocument) -> ApiError {
    let size = document.bytes;
    let error =
        ApiError::new(Kind::RangeNotSatisfiable).detail(format!("the document has {size} bytes"));
    match HeaderValue::from_str(&format!("bytes */{size}")) {
        Ok(value) => error.header(CONTENT_RANGE, value),
        Err(_) => error,
    }
}

async fn head(
    api: &Api,
    request: &Request,
    document: &FinishedDocument,
) -> Result<Response, ApiError> {
    match api.documents.stat(document.kept.id).await {
        Ok(_) => {
            let mut response = ().into_response();
            let length = document.kept.bytes;
            describe(response.headers_mut(), request, document, length);
            Ok(response)
        }
        Err(DocumentError::NotFound(_)) => Err(not_there(document.kind)),
        Err(error) => Err(error.into()),
    }
}

fn answer(
    api: Api,
    request: &Request,
    document: &FinishedDocument,
    range: Option<ByteRange>,
    read: DocumentRead,
) -> Response {
    let counts = matches!(range, None | Some(ByteRange::From(_)));
    let download = Download {
        body: read.body,
        held_back: None,
        left: read.length,
        to_record: counts.then_some((api, request.id)),
    };
    let mut response = Content::from_stream(download).into_response();
    describe(response.headers_mut(), request, document, read.length);
    if range.is_some() {
        let (first, size) = (read.start, read.document.bytes);
        let last = first + read.length - 1;
        insert(
            response.headers_mut(),
            CONTENT_RANGE,
            &format!("bytes {first}-{last}/{size}"),
        );
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

fn describe(headers: &mut HeaderMap, request: &Request, document: &FinishedDocument, length: u64) {
    let case = request.case_reference.reveal();
    let ending = document.kind.file_name_ending(document.volume);
    let disposition = content_disposition(case, &ending);
    insert(headers, CONTENT_DISPOSITION, &disposition);
    insert(headers, ETAG, &etag(&document.kept));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    for (name, value) in [
        (CONTENT_TYPE, document.kind.media_type()),
        (ACCEPT_RANGES, "bytes"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Adds a header whose value is made of visible ASCII.
fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn etag(document: &KeptDocument) -> String {
    format!("\"{}\"", document.sha256)
}

/// A file name for everybody (`filename`) and, where it says more, the exact one (`filename*`,
/// RFC 6266 and RFC 8187).
fn content_disposition(case: &str, ending: &str) -> String {
    let case: String = case.chars().take(FILE_NAME_CHARS_MAX).collect();
    let plain: String = case
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    let exact: String = case
        .chars()
        .map(|c| {
            if matches!(c, '/' | '\\' | ':') {
                '-'
            } else {
                c
            }
        })
        .collect();
    let mut value = format!("attachment; filename=\"subject-access-request-{plain}{ending}\"");
    if exact != plain {
        value.push_str("; filename*=UTF-8''subject-access-request-");
        for byte in exact.bytes() {
            if is_plain(char::from(byte)) {
                value.push(char::from(byte));
            } else {
                value.push_str(&format!("%{byte:02X}"));
            }
        }
        value.push_str(ending);
    }
    value
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// The single range that is asked for. Anything else is answered whole (RFC 9110, section 14.2), and
/// so is a range that goes with another document (section 13.1.5).
fn range(headers: &HeaderMap, document: &KeptDocument) -> Option<ByteRange> {
    if let Some(condition) = headers.get(IF_RANGE)
        && condition.as_bytes() != etag(document).as_bytes()
    {
        return None;
    }
    parse_range(headers.get(RANGE)?.to_str().ok()?)
}

fn parse_range(text: &str) -> Option<ByteRange> {
    let (unit, ranges) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    match (number(first)?, number(last)?) {
        (Some(first), Some(last)) if first <= last => Some(ByteRange::FromTo(first, last)),
        (Some(first), None) => Some(ByteRange::From(first)),
        (None, Some(count)) => Some(ByteRange::Last(count)),
        _ => None,
    }
}

/// Digits, or nothing; a number too large to be one is as large as can be.
fn number(text: &str) -> Option<Option<u64>> {
    match text {
        "" => Some(None),
        _ if text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(Some(text.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

/// A document on its way to the caller.
///
/// Each piece is held back until the next has come: the last goes out only after the document store
/// has said that all was well, so that a damaged document never looks like a whole one.
struct Download {
    body: BoxStream<'static, Result<Bytes, std::io::Error>>,
    held_back: Option<Bytes>,
    left: u64,
    to_record: Option<(Api, RequestId)>,
}

impl Stream for Download {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let next = match ready!(self.body.as_mut().poll_next(cx)) {
                Some(Ok(piece)) => match self.held_back.replace(piece) {
                    Some(before) => before,
                    None => continue,
                },
                Some(Err(error)) => {
                    tracing::error!(%error, "a document could not be read to its end");
                    return Poll::Ready(Some(Err(error)));
                }
                None => match self.held_back.take() {
                    Some(last) => last,
                    None => return Poll::Ready(None),
                },
            };
            self.left = self.left.saturating_sub(next.len() as u64);
            if self.left == 0 {
                self.record();
            }
            return Poll::Ready(Some(Ok(next)));
        }
    }
}

impl Download {
    fn record(&mut self) {
        let Some((api, id)) = self.to_record.take() else {
            return;
        };
        let afterwards = api.afterwards.clone();
        afterwards.spawn(async move {
            if let Err(error) = api.store.record_download(id).await {
                tracing::warn!(request = %id, %error, "a download was not recorded");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_safe_and_says_the_case() {
        assert_eq!(
            content_disposition("SAR-42", ".pdf"),
            "attachment; filename=\"subject-access-request-SAR-42.pdf\""
        );
        assert_eq!(
            content_disposition("a\"b/é", "-copy-volume-2.pdf"),
            "attachment; filename=\"subject-access-request-a-b---copy-volume-2.pdf\"; \
             filename*=UTF-8''subject-access-request-a%22b-%C3%A9-copy-volume-2.pdf"
        );
    }

    #[test]
    fn one_range_is_understood_and_everything_else_is_ignored() {
        assert_eq!(parse_range("bytes=0-4"), Some(ByteRange::FromTo(0, 4)));
        assert_eq!(parse_range("bytes=7-"), Some(ByteRange::From(7)));
        assert_eq!(parse_range("bytes=-7"), Some(ByteRange::Last(7)));
        for ignored in [
            "bytes=4-0",
            "bytes=-",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=+1-2",
            "",
        ] {
            assert_eq!(parse_range(ignored), None, "{ignored}");
        }
    }
}

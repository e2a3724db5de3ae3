//! Downloading a report with the API's client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dossier_core::{RequestId, Sha256Hex};
use dossier_worker::{ApiClient, ApiError};
use sha2::{Digest, Sha256};

const REPORT: &[u8] = b"%PDF-2.0 a report of some length";

fn digest() -> String {
    Sha256Hex::from_digest(&Sha256::digest(REPORT).into()).to_string()
}

/// An API whose report breaks off after 10 bytes, `breaks` times.
async fn api(breaks: u32, digest: String) -> ApiClient {
    let calls = Arc::new(AtomicU32::new(0));
    let report = move |headers: HeaderMap| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        let digest = digest.clone();
        async move { answer(&headers, call < breaks, &digest) }
    };
    let url = crate::harness::serve(Router::new().route("/base/api/report", get(report))).await;
    ApiClient::new(url.join("base/").unwrap(), &"t".to_owned().into(), None).unwrap()
}

fn answer(headers: &HeaderMap, breaks: bool, digest: &str) -> Response {
    let start: usize = headers.get("range").map_or(0, |range| {
        assert_eq!(headers["if-range"], format!("\"{digest}\"").as_str());
        range
            .to_str()
            .unwrap()
            .trim_start_matches("bytes=")
            .trim_end_matches('-')
            .parse()
            .unwrap()
    });
    let rest = &REPORT[start..];
    let mut pieces = vec![Ok(rest[..10.min(rest.len())].to_vec())];
    pieces.push(if breaks {
        Err(std::io::Error::other("broken"))
    } else {
        Ok(rest[10.min(rest.len())..].to_vec())
    });
    let mut response = Body::from_stream(futures::stream::iter(pieces)).into_response();
    let set = response.headers_mut();
    set.insert("etag", format!("\"{digest}\"").parse().unwrap());
    if start > 0 {
        let range = format!("bytes {start}-{}/{}", REPORT.len() - 1, REPORT.len());
        set.insert("content-range", range.parse().unwrap());
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

#[tokio::test]
async fn a_download_that_breaks_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.pdf");
    let api = api(2, digest()).await;
    let mut seen = 0;
    let downloaded = api
        .download(RequestId::generate(), &file, |bytes, _| seen = bytes)
        .await
        .unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), REPORT);
    assert_eq!(
        (downloaded.bytes, downloaded.verified),
        (REPORT.len() as u64, true)
    );
    assert_eq!(seen, downloaded.bytes);
}

#[tokio::test]
async fn a_damaged_download_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.pdf");
    let api = api(0, "ab".repeat(32)).await;
    let error = api
        .download(RequestId::generate(), &file, |_, _| {})
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::Damaged));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_refusal_says_what_the_problem_is() {
    let problem = r#"{"type":"urn:x","title":"Not found","status":404,"detail":"no report"}"#;
    let refuse = move || async move { (StatusCode::NOT_FOUND, problem) };
    let router = Router::new().fallback(refuse);
    let url = crate::harness::serve(router).await;
    let api = ApiClient::new(url, &"t".to_owned().into(), None).unwrap();
    let error = api.show(RequestId::generate()).await.unwrap_err();
    assert_eq!(error.to_string(), "Not found: no report");
    assert!(!error.is_passing());
}

//! Downloading a report.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Dossier, request_body};

const REPORT: &[u8] = b"%PDF-1.7 a report of forty-one bytes, ha!";

async fn download(dossier: &Dossier, id: &str, range: Option<&str>) -> Answer {
    let user = dossier.user();
    let call = user.call(Method::GET, &format!("/api/report?id={id}"));
    match range {
        Some(range) => user.send(call.header("range", range)).await,
        None => user.send(call).await,
    }
}

async fn downloaded_at(dossier: &Dossier, id: &str) -> Value {
    dossier.shown(id).await["lastDownloaded"].clone()
}

/// Whether a download is recorded soon.
async fn is_recorded(dossier: &Dossier, id: &str) -> bool {
    for _ in 0..100 {
        if downloaded_at(dossier, id).await != Value::Null {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn a_report_comes_whole_with_its_length_and_name() {
    let dossier = Dossier::start_with_services().await;
    let mut body = request_body();
    body["sarCaseReferenceNumber"] = json!("Fäll/7");
    let id = dossier.completed_of(&body, REPORT).await;
    let answer = download(&dossier, &id, None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text.as_bytes(), REPORT);
    for (name, value) in [
        ("content-type", "application/pdf"),
        ("content-length", "41"),
        ("accept-ranges", "bytes"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        (
            "content-disposition",
            "attachment; filename=\"subject-access-request-F-ll-7.pdf\"; \
             filename*=UTF-8''subject-access-request-F%C3%A4ll-7.pdf",
        ),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let digest = dossier
        .store
        .request(id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let etag = format!("\"{}\"", digest.document.unwrap().sha256);
    assert_eq!(answer.header("etag"), etag);
    assert!(is_recorded(&dossier, &id).await);
}

#[tokio::test]
async fn a_single_range_is_answered() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(REPORT).await;
    for (range, expected, content_range) in [
        ("bytes=0-3", &REPORT[..4], "bytes 0-3/41"),
        ("bytes=38-", &REPORT[38..], "bytes 38-40/41"),
        ("bytes=-3", &REPORT[38..], "bytes 38-40/41"),
        ("bytes=38-99", &REPORT[38..], "bytes 38-40/41"),
    ] {
        let answer = download(&dossier, &id, Some(range)).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.text.as_bytes(), expected, "{range}");
        assert_eq!(answer.header("content-range"), content_range);
        assert_eq!(answer.header("content-length"), expected.len().to_string());
    }
    for ignored in ["bytes=0-1,3-4", "lines=1-2", "bytes=9-3"] {
        let answer = download(&dossier, &id, Some(ignored)).await;
        assert_eq!(
            (answer.status, answer.text.as_bytes()),
            (StatusCode::OK, REPORT)
        );
    }
}

#[tokio::test]
async fn a_range_outside_is_refused_with_the_size() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(REPORT).await;
    for range in ["bytes=41-", "bytes=-0", "bytes=99999999999999999999-"] {
        let answer = download(&dossier, &id, Some(range)).await;
        answer.is_problem(416, "range-not-satisfiable");
        assert_eq!(answer.header("content-range"), "bytes */41");
    }
}

#[tokio::test]
async fn a_range_goes_with_the_document_it_was_meant_for() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(REPORT).await;
    let etag = download(&dossier, &id, None)
        .await
        .header("etag")
        .to_owned();
    let user = dossier.user();
    for (condition, expected) in [
        (etag.as_str(), StatusCode::PARTIAL_CONTENT),
        ("\"other\"", StatusCode::OK),
    ] {
        let call = user
            .call(Method::GET, &format!("/api/report?id={id}"))
            .header("range", "bytes=0-3")
            .header("if-range", condition);
        assert_eq!(user.send(call).await.status, expected);
    }
}

#[tokio::test]
async fn head_tells_all_but_the_report_and_is_no_download() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(REPORT).await;
    let user = dossier.user();
    let call = user.call(Method::HEAD, &format!("/api/report?id={id}"));
    let answer = user.send(call).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-length"), "41");
    assert_eq!(answer.header("content-type"), "application/pdf");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(downloaded_at(&dossier, &id).await, Value::Null);
}

#[tokio::test]
async fn looking_around_is_no_download_and_resuming_to_the_end_is() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.completed(REPORT).await;
    for range in ["bytes=0-3", "bytes=-3", "bytes=0-40"] {
        download(&dossier, &id, Some(range)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(downloaded_at(&dossier, &id).await, Value::Null);
    download(&dossier, &id, Some("bytes=4-")).await;
    assert!(is_recorded(&dossier, &id).await);
}

#[tokio::test]
async fn a_download_that_breaks_off_is_not_recorded() {
    let dossier = Dossier::start_with_services().await;
    // More than the buffers between server and client hold.
    let id = dossier.completed(&vec![b'x'; 48 * 1024 * 1024]).await;
    let user = dossier.user();
    let call = user.call(Method::GET, &format!("/api/report?id={id}"));
    let mut response = call.send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(downloaded_at(&dossier, &id).await, Value::Null);
}

#[tokio::test]
async fn without_a_report_there_is_nothing_to_download() {
    let dossier = Dossier::start_with_services().await;
    let id = dossier.request().await;
    download(&dossier, &id, None)
        .await
        .is_problem(404, "not-found");
    let unknown = uuid::Uuid::now_v7().to_string();
    download(&dossier, &unknown, None)
        .await
        .is_problem(404, "not-found");
    let ill_formed = download(&dossier, "secret", None).await;
    ill_formed.is_problem(400, "invalid-parameter");
    assert_eq!(ill_formed.fields(), ["id"]);
    let missing = dossier.user().get("/api/report").await;
    missing.is_problem(400, "invalid-parameter");
    assert_eq!(missing.fields(), ["id"]);
}

//! The files that an answer lists: fetched as the contract says, whatever the list says.

use std::io::{Cursor, Read};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::response::Response;
use dossier_core::section::{Held, SectionStatus};
use dossier_core::wire::{DocumentView, SectionTask};
use dossier_core::{DocumentId, Private};
use dossier_documents::DocumentStore;
use dossier_worker::config::UpstreamAuth;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::harness::api::kept;
use crate::harness::{Upstream, World, reply, view};

/// An entry of an answer's list.
fn entry(number: u32, url: &str) -> Value {
    json!({
        "attachmentNumber": number, "name": "A statement", "contentType": "text/plain",
        "url": url, "filename": "statement.txt",
    })
}

fn answer(entries: &[Value]) -> String {
    json!({ "content": { "note": "kept for you" }, "attachments": entries }).to_string()
}

/// A service `s` whose answer lists these.
async fn listing(entries: impl FnOnce(&World) -> Vec<Value>) -> World {
    let world = World::new().await;
    let answer = answer(&entries(&world));
    world.upstream.answer("s", 200, &answer);
    world
}

/// A service whose answer lists one attachment at its own origin, below `files`.
async fn listing_one() -> World {
    listing(|world| vec![entry(7, &world.upstream.url_of("files/a-secret"))]).await
}

/// A body without a length.
fn chunked(text: &'static str) -> Response {
    let pieces = futures::stream::iter([Ok::<_, std::io::Error>(text)]);
    reply(200, Body::from_stream(pieces))
}

/// A body with this length, whatever it has.
fn announced(text: &'static str, length: usize) -> Response {
    let mut response = chunked(text);
    let length = length.to_string().parse().unwrap();
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// Names and contents of a zip file's entries.
pub fn entries(zip: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.name().unwrap().into_owned(), content)
        })
        .collect()
}

#[tokio::test]
async fn an_attachment_is_fetched_with_its_content_type_and_the_listed_headers() {
    let world = listing(|world| {
        let mut one = entry(1, &world.upstream.url_of("files/1?signature=a%2Fb"));
        one["headers"] = json!([
            {"name": "X-Tenant", "value": "north"}, {"name": "Host", "value": "evil.example"},
            {"name": "Content-Length", "value": "99"},
        ]);
        vec![one, entry(2, &world.upstream.url_of("files/2"))]
    })
    .await;
    world.upstream.script("files", |n, _| {
        Box::pin(async move { reply(200, format!("file {n}")) })
    });
    world.request(&["s"]);
    world.completes().await;
    let calls = world.upstream.calls("files");
    assert_eq!(calls.len(), 2);
    let first = calls.iter().find(|call| call.path.ends_with('1')).unwrap();
    assert_eq!(first.query, "signature=a%2Fb");
    assert_eq!(first.header("content-type"), Some("text/plain"));
    assert_eq!(first.header("x-tenant"), Some("north"));
    assert_eq!(first.header("content-length"), None);
    let own = world.upstream.url.authority().to_owned();
    assert_eq!(first.header("host"), Some(&own[..]));
}

#[tokio::test]
async fn a_kept_section_holds_its_answer_and_its_attachments() {
    let world = listing(|world| {
        let url = |n| world.upstream.url_of(&format!("file-{n}/x"));
        vec![entry(1, &url(1)), entry(1, &url(2))]
    })
    .await;
    world.upstream.answer("file-1", 200, "the first");
    world.upstream.answer("file-2", 200, "the second");
    world.request(&["s"]);
    world.completes().await;
    let kept = kept(world.api.inner().requests[0].section("s"));
    let content = world.documents.content(kept.document_id.into()).await;
    assert_eq!(content.len() as u64, kept.bytes);
    let entries = entries(content);
    let names: Vec<_> = entries.iter().map(|(name, _)| &name[..]).collect();
    let expected = ["response.json", "attachments/0001", "attachments/0002"];
    assert_eq!(names, expected);
    assert_eq!(entries[1].1, b"the first");
    assert_eq!(entries[2].1, b"the second");
}

#[tokio::test]
async fn a_later_attempt_fetches_neither_the_answer_nor_its_attachments_again() {
    let mut world = listing_one().await;
    world.config.attempt_pause_seconds = 0.05;
    world.config.tries_max = 1;
    world.upstream.answer("files", 200, "the file");
    world.upstream.answers(
        "bad",
        vec![
            Box::new(|| reply(500, "")),
            Box::new(|| reply(200, crate::harness::DATA)),
        ],
    );
    world.request(&["s", "bad"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("bad").len(), 2);
    assert_eq!(world.upstream.calls("s").len(), 1);
    assert_eq!(world.upstream.calls("files").len(), 1);
    let package = world.api.inner().requests[0].completed[0].others[0].clone();
    let package = world.documents.content(package.document.document_id.into());
    let attachment = entries(package.await).swap_remove(2);
    assert_eq!(attachment.0, "attachments/01-s/0001-statement.txt");
    assert_eq!(attachment.1, b"the file", "it comes from the kept document");
}

/// A section that an earlier attempt collected as these bytes.
async fn kept_as(world: &World, content: &[u8]) -> SectionTask {
    let file = world.folder.path().join("kept-before");
    std::fs::write(&file, content).unwrap();
    let document = world
        .documents
        .put(DocumentId::generate(), &file)
        .await
        .unwrap();
    let mut section = world.section("s");
    section.render_status = SectionStatus::Complete;
    section.held = Some(Held::Data);
    section.kept = Some(DocumentView::from(&document));
    section
}

#[tokio::test]
async fn a_kept_section_that_lacks_an_attachment_is_fetched_again() {
    for content in [None, Some(&b"PK\x03\x04 this is no archive"[..])] {
        let world = listing_one().await;
        world.upstream.answer("files", 200, "the file");
        // An answer that was kept before attachments were fetched.
        let bare = answer(&[entry(7, &world.upstream.url_of("files/a-secret"))]);
        let section = kept_as(&world, content.unwrap_or(bare.as_bytes())).await;
        world.api.add(view(), vec![section]);
        world.completes().await;
        assert_eq!(world.upstream.calls("s").len(), 1);
        assert_eq!(world.upstream.calls("files").len(), 1);
        assert!(world.api.inner().requests[0].reports.is_empty());
    }
}

#[tokio::test]
async fn without_a_content_length_the_list_says_how_long_it_is() {
    let world = listing(|world| {
        let mut one = entry(1, &world.upstream.url_of("files/1"));
        one["filesize"] = json!(8);
        vec![one]
    })
    .await;
    world
        .upstream
        .script("files", |_, _| Box::pin(async { chunked("8 bytes.") }));
    world.request(&["s"]);
    world.completes().await;
}

#[tokio::test]
async fn a_content_length_says_more_than_the_list() {
    let world = listing(|world| {
        let mut one = entry(1, &world.upstream.url_of("files/1"));
        one["filesize"] = json!(1_000_000);
        vec![one]
    })
    .await;
    world.upstream.answer("files", 200, "8 bytes.");
    world.request(&["s"]);
    world.completes().await;
}

#[tokio::test]
async fn another_length_than_the_announced_is_tried_again_and_then_given_up() {
    for filesize in [7, 9] {
        let mut world = listing(|world| {
            let mut one = entry(7, &world.upstream.url_of("files/a-secret"));
            one["filesize"] = json!(filesize);
            vec![one]
        })
        .await;
        world.config.tries_max = 3;
        world
            .upstream
            .script("files", |_, _| Box::pin(async { chunked("8 bytes.") }));
        let error = world.section_fails("s").await;
        let start = "attachment 7: its length is not the announced one: ";
        assert!(error.starts_with(start), "{error}");
        let end = format!("instead of {filesize} bytes after 3 tries");
        assert!(error.ends_with(&end), "{error}");
        assert_eq!(world.upstream.calls("files").len(), 3);
        assert_eq!(world.upstream.calls("s").len(), 1);
        assert_eq!(world.documents.count().await, 0);
    }
}

#[tokio::test]
async fn an_attachment_that_breaks_off_is_tried_again() {
    let world = listing_one().await;
    world.upstream.answers(
        "files",
        vec![
            Box::new(|| announced("half", 8)),
            Box::new(|| reply(503, "")),
            Box::new(|| reply(200, "the file")),
        ],
    );
    world.request(&["s"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("files").len(), 3);
}

#[tokio::test]
async fn an_attachment_of_unknown_length_fails_the_section() {
    let world = listing_one().await;
    world
        .upstream
        .script("files", |_, _| Box::pin(async { chunked("the file") }));
    let error = world.section_fails("s").await;
    assert_eq!(
        error,
        "attachment 7: neither its answer nor its entry says how long it is"
    );
    assert_eq!(world.upstream.calls("files").len(), 1);
}

#[tokio::test]
async fn a_refusal_fails_the_section_at_once() {
    for status in [403, 404, 204, 206] {
        let world = listing_one().await;
        world.upstream.answer("files", status, "");
        let error = world.section_fails("s").await;
        assert!(
            error.starts_with(&format!("attachment 7: status {status}")),
            "{error}"
        );
        assert_eq!(world.upstream.calls("files").len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::start().await;
    elsewhere.answer("files", 200, "evil");
    for target in [elsewhere.url_of("files/x"), "/files-too/x".to_owned()] {
        let world = listing_one().await;
        world.upstream.answer("files-too", 200, "x");
        world.upstream.script("files", move |_, _| {
            let mut redirect = reply(302, "");
            let headers = redirect.headers_mut();
            headers.insert(LOCATION, target.parse().unwrap());
            Box::pin(async move { redirect })
        });
        let error = world.section_fails("s").await;
        assert!(error.starts_with("attachment 7: status 302"), "{error}");
        assert!(world.upstream.calls("files-too").is_empty());
    }
    assert!(elsewhere.calls("files").is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_not_called_and_named_without_a_path() {
    let elsewhere = Upstream::start().await;
    let url = elsewhere.url_of("files/a-secret");
    let world =
        listing(|world| vec![entry(1, &world.upstream.url_of("files/1")), entry(2, &url)]).await;
    let error = world.section_fails("s").await;
    assert_eq!(
        error,
        "attachment 2: it is at 127.0.0.1, which worker.attachment_hosts does not allow"
    );
    assert!(elsewhere.calls("files").is_empty());
    assert!(
        world.upstream.calls("files").is_empty(),
        "nothing is fetched before all is known to be allowed"
    );
}

fn with_token(world: &mut World) {
    let path = world.folder.path().join("token");
    std::fs::write(&path, "the-token").unwrap();
    world.config.upstream_auth = UpstreamAuth::File { path };
}

#[tokio::test]
async fn the_token_goes_to_the_services_own_origin_only() {
    let elsewhere = Upstream::start().await;
    elsewhere.answer("files", 200, "x");
    let url = elsewhere.url_of("files/1");
    let mut world = listing(|world| {
        let mut own = entry(2, &world.upstream.url_of("files/2"));
        own["headers"] = json!([{"name": "Authorization", "value": "Bearer of-the-list"}]);
        vec![entry(1, &url), own]
    })
    .await;
    with_token(&mut world);
    world.config.attachment_hosts = vec!["127.0.0.1".to_owned()];
    world.upstream.answer("files", 200, "x");
    world.request(&["s"]);
    world.completes().await;
    let call = &elsewhere.calls("files")[0];
    assert_eq!(call.header("authorization"), None);
    let call = &world.upstream.calls("files")[0];
    assert_eq!(call.header("authorization"), Some("Bearer the-token"));
}

#[tokio::test]
async fn credentials_of_the_list_do_not_go_elsewhere() {
    let elsewhere = Upstream::start().await;
    let mut stolen = entry(1, &elsewhere.url_of("files/1"));
    stolen["headers"] = json!([{"name": "aUTHORIZATION", "value": "Bearer a-secret"}]);
    let mut world = listing(|_| vec![stolen]).await;
    world.config.attachment_hosts = vec!["127.0.0.1".to_owned()];
    let error = world.section_fails("s").await;
    assert_eq!(
        error,
        "attachment 1: it lists the header authorization, which must not go to another origin"
    );
    assert!(elsewhere.calls("files").is_empty());
}

#[tokio::test]
async fn a_refused_token_is_replaced_for_an_attachment_too() {
    let mut world = listing_one().await;
    world.config.upstream_auth = UpstreamAuth::ClientCredentials {
        token_url: world.upstream.url_of("oauth/token").parse().unwrap(),
        client_id: "dossier".to_owned(),
        client_secret: Some(Private::new("secret".to_owned())),
        client_secret_file: None,
        scope: None,
    };
    world.upstream.script("oauth", |n, _| {
        let body = format!(r#"{{"access_token":"token-{n}","expires_in":3600}}"#);
        Box::pin(async move { reply(200, body) })
    });
    world.upstream.script("files", |_, headers| {
        let good = headers["authorization"] == "Bearer token-2";
        Box::pin(async move {
            if good {
                reply(200, "x")
            } else {
                reply(401, "")
            }
        })
    });
    world.request(&["s"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("files").len(), 2);
}

#[tokio::test]
async fn ten_thousand_attachments_are_refused_and_none_is_fetched() {
    let world = listing(|world| {
        (1..=10_000)
            .map(|n| entry(n, &world.upstream.url_of("files/x")))
            .collect()
    })
    .await;
    let error = world.section_fails("s").await;
    assert_eq!(
        error,
        "the answer lists 10000 attachments; at most 1000 are fetched"
    );
    assert!(world.upstream.calls("files").is_empty());
}

#[tokio::test]
async fn attachments_have_limits_alone_and_together() {
    let mut world = listing_one().await;
    world.config.attachment_bytes_max = 3;
    world.upstream.answer("files", 200, "four");
    let error = world.section_fails("s").await;
    assert_eq!(error, "attachment 7: it has more than 3 bytes");

    let mut world = listing(|world| {
        let url = world.upstream.url_of("files/x");
        (1..=3).map(|n| entry(n, &url)).collect()
    })
    .await;
    world.config.attachments_bytes_max = 11;
    world.upstream.answer("files", 200, "four");
    let error = world.section_fails("s").await;
    let expected = "the section's attachments have more than 11 bytes";
    assert!(error.ends_with(expected), "{error}");
    assert_eq!(world.documents.count().await, 0);

    let mut world = listing(|world| {
        let url = world.upstream.url_of("files/x");
        (1..=3).map(|n| entry(n, &url)).collect()
    })
    .await;
    world.config.attachments_bytes_max = 12;
    world.upstream.answer("files", 200, "four");
    world.request(&["s"]);
    world.completes().await;
}

#[tokio::test]
async fn attachments_are_fetched_side_by_side_within_the_limits() {
    for (per_service, in_all, peak) in [(3, 64, 3), (9, 2, 2)] {
        let mut world = listing(|world| {
            (1..=8)
                .map(|n| entry(n, &world.upstream.url_of("files/x")))
                .collect()
        })
        .await;
        world.config.calls_per_service_at_once = per_service;
        world.config.calls_at_once = in_all;
        world.upstream.slow("files", Duration::from_millis(100));
        world.request(&["s"]);
        world.completes().await;
        assert_eq!(world.upstream.peak_of("files"), peak);
        assert_eq!(world.upstream.calls("files").len(), 8);
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_fetched_fails_the_section_and_is_not_quoted() {
    for (entry, expected) in [
        (json!({"name": "a-secret"}), "cannot be fetched"),
        (entry(1, "a-secret"), "its URL is not an absolute one"),
        (
            entry(1, "file:///a-secret"),
            "its URL is neither http nor https",
        ),
        (
            entry(1, "http://ada:a-secret@127.0.0.1/"),
            "its URL holds a user name or a password",
        ),
    ] {
        let world = listing(|_| vec![entry]).await;
        let error = world.section_fails("s").await;
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("a-secret"), "{error}");
    }
}

#[tokio::test]
async fn attachments_of_an_answer_without_content_are_fetched_and_kept() {
    let world = World::new().await;
    let url = world.upstream.url_of("files/x");
    let answer = json!({ "content": null, "attachments": [entry(1, &url)] });
    world.upstream.answer("s", 200, &answer.to_string());
    world.upstream.script("files", |_, _| {
        Box::pin(async { announced("a statement", 11) })
    });
    world.request(&["s"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("files").len(), 1);
    let inner = world.api.inner();
    let section = inner.requests[0].section("s");
    assert_eq!(section.held, Some(Held::Data));
    assert!(section.kept.is_some());
}

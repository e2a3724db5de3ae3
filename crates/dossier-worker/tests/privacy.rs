//! Nothing about a data subject is ever logged. A program of its own, because whether an event is
//! wanted is remembered for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "most of it serves the other tests")]
#[path = "worker/harness/mod.rs"]
mod harness;

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use harness::{API_TOKEN, CASE, DATA, SUBJECT, World, broken_body, reply};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_personal_data_and_no_secret_is_in_the_log_at_any_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _capture = tracing::subscriber::set_default(subscriber);

    let mut world = World::new().await;
    world.config.tries_max = 2;
    world.config.attempt_pause_seconds = 0.05;
    world.config.name_lookup.prison_api_url = Some(world.upstream.url_of("names").parse().unwrap());
    world.upstream.answer("names", 500, "Lovelace");
    world.upstream.answers(
        "good",
        vec![
            Box::new(|| reply(503, SUBJECT)),
            Box::new(|| reply(200, DATA)),
        ],
    );
    world.upstream.answers(
        "bad",
        vec![
            Box::new(broken_body),
            Box::new(broken_body),
            Box::new(|| reply(200, "{\"content\": kept for you}")),
            Box::new(|| reply(302, SUBJECT)),
            Box::new(|| reply(200, DATA)),
        ],
    );
    let attachment = serde_json::json!({
        "attachmentNumber": 1, "name": "Ada's statement", "contentType": "text/plain",
        "url": world.upstream.url_of("files/of-ada?signature=of-the-url"),
        "filename": "of-ada.txt",
        "headers": [{"name": "X-Key", "value": "of-the-header"}],
    });
    let answer = serde_json::json!({ "content": 1, "attachments": [attachment] }).to_string();
    world.upstream.answer("with-file", 200, &answer);
    world.upstream.answers(
        "files",
        vec![
            Box::new(|| reply(503, SUBJECT)),
            Box::new(|| reply(404, SUBJECT)),
            Box::new(|| reply(200, "the file of Lovelace")),
        ],
    );
    let mut view = harness::view();
    view.subject_name = None;
    let refused = "http://127.0.0.1:9/";
    let mut unreachable = world.section("unreachable");
    unreachable.service_url = refused.to_owned();
    let sections = ["good", "bad", "with-file"].map(|name| world.section(name));
    world.api.add(view, sections.into());
    world.request(&["bad"]);
    world.api.add(harness::view(), vec![unreachable]);
    let worker = world.start_worker();
    world
        .api
        .until("all is tried", |api| {
            api.requests[..2].iter().all(|r| r.view.is_finished())
                && !api.requests[2].releases.is_empty()
        })
        .await;
    worker.stop().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "completed the request",
        "could not be collected",
        "name look-up failed",
    ] {
        assert!(
            log.contains(expected),
            "{expected} is not in the log:\n{log}"
        );
    }
    for private in [
        SUBJECT,
        CASE,
        "Lovelace",
        "LOVELACE",
        "kept for you",
        "of-ada",
        "of-the-url",
        "of-the-header",
        API_TOKEN,
    ] {
        let line = log.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "{private} is in the log");
    }
    for request in &world.api.inner().requests {
        for token in &request.tokens {
            assert!(
                !log.contains(&token.as_uuid().to_string()),
                "a lease's token is in the log"
            );
        }
    }
}

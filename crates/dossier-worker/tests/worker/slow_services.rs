//! Time limits for the head of an answer, for silence within it, and for the whole of it.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures::StreamExt;

use crate::harness::{World, reply};

/// A body of pieces with pauses between them.
fn dripping(pieces: usize, pause: Duration) -> Response {
    let stream = futures::stream::iter(0..pieces).then(move |_| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::io::Error>(" ")
    });
    reply(200, Body::from_stream(stream))
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up_on() {
    let mut world = World::new().await;
    world.config.first_byte_seconds_max = 0.1;
    world.config.tries_max = 2;
    world.upstream.slow("s", Duration::from_secs(60));
    assert_eq!(
        world.section_fails("s").await,
        "no answer within 0.1 s after 2 tries"
    );
    assert_eq!(world.upstream.calls("s").len(), 2);
}

#[tokio::test]
async fn an_answer_that_stands_still_is_given_up_on() {
    let mut world = World::new().await;
    world.config.idle_seconds_max = 0.1;
    world.config.tries_max = 2;
    world.upstream.script("s", |_, _| {
        Box::pin(async { dripping(2, Duration::from_secs(60)) })
    });
    let error = world.section_fails("s").await;
    assert_eq!(error, "the answer stood still within 0.1 s after 2 tries");
}

#[tokio::test]
async fn an_answer_that_takes_for_ever_is_given_up_on() {
    let mut world = World::new().await;
    world.config.answer_seconds_max = 0.2;
    world.config.tries_max = 1;
    world.upstream.script("s", |_, _| {
        Box::pin(async { dripping(10_000, Duration::from_millis(10)) })
    });
    assert_eq!(
        world.section_fails("s").await,
        "no whole answer within 0.2 s"
    );
}

#[tokio::test]
async fn progress_is_reported_while_an_answer_arrives() {
    let world = World::new().await;
    world.upstream.script("s", |_, _| {
        Box::pin(async {
            let start = futures::stream::iter([Ok::<_, std::io::Error>(r#"{"content":"#)]);
            let rest = futures::stream::once(async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(r#""x"}"#)
            });
            reply(200, Body::from_stream(start.chain(rest)))
        })
    });
    world.request(&["s"]);
    world.completes().await;
    let inner = world.api.inner();
    let reports = &inner.requests[0].reports;
    assert!(
        reports.len() >= 2 && reports.len() <= 4,
        "{}",
        reports.len()
    );
    let (_, first) = &reports[0];
    assert_eq!(
        first.render_status,
        dossier_core::section::SectionStatus::Pending
    );
    assert_eq!((first.bytes, first.tries), (11, 1));
}

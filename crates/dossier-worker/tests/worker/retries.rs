//! Tries, pauses and `Retry-After`.

use std::time::Duration;

use axum::response::Response;

use crate::harness::{DATA, World, reply};

fn busy(retry_after: &str) -> Response {
    let mut response = reply(503, "");
    response
        .headers_mut()
        .insert("retry-after", retry_after.parse().unwrap());
    response
}

fn pause_between(world: &World) -> Duration {
    let calls = world.upstream.calls("s");
    calls[1].at - calls[0].at
}

#[tokio::test]
async fn a_service_that_fails_twice_is_asked_a_third_time() {
    let world = World::new().await;
    let fault = || reply(500, "");
    world.upstream.answers(
        "s",
        vec![
            Box::new(fault),
            Box::new(fault),
            Box::new(|| reply(200, DATA)),
        ],
    );
    world.request(&["s"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("s").len(), 3);
    let inner = world.api.inner();
    assert_eq!(inner.requests[0].reports.last().unwrap().1.tries, 3);
}

#[tokio::test]
async fn tries_are_bounded() {
    let world = World::new().await;
    world.upstream.answer("s", 503, "");
    assert_eq!(world.section_fails("s").await, "status 503 after 4 tries");
    assert_eq!(world.upstream.calls("s").len(), 4);
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_tried_again() {
    let world = World::new().await;
    let mut section = world.section("s");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    section.service_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    world.api.add(crate::harness::view(), vec![section]);
    assert_eq!(world.fails().await, "s: connection refused after 4 tries");
}

#[tokio::test]
async fn the_time_for_a_section_is_bounded() {
    let mut world = World::new().await;
    world.config.tries_max = 1000;
    world.config.section_seconds_max = 0.3;
    world.config.try_pause_seconds = 0.1;
    world.config.try_pause_seconds_max = 0.1;
    world.upstream.answer("s", 500, "");
    world.section_fails("s").await;
    assert!(world.upstream.calls("s").len() < 200);
}

#[tokio::test]
async fn a_service_may_ask_for_a_pause_in_seconds() {
    let world = World::new().await;
    world.upstream.answers(
        "s",
        vec![Box::new(|| busy("1")), Box::new(|| reply(204, ""))],
    );
    world.request(&["s"]);
    world.completes().await;
    assert!(pause_between(&world) >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_service_may_ask_for_a_pause_until_a_date() {
    let world = World::new().await;
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(600);
    let later = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&later)
        .unwrap();
    world.upstream.answers(
        "s",
        vec![Box::new(move || busy(&later)), Box::new(|| reply(204, ""))],
    );
    world.request(&["s"]);
    world.completes().await;
    assert!(
        pause_between(&world) >= Duration::from_secs(2),
        "as long as a pause may be"
    );
}

#[tokio::test]
async fn a_pause_that_is_too_long_is_cut() {
    let mut world = World::new().await;
    world.config.retry_after_seconds_max = 0.2;
    world.upstream.answers(
        "s",
        vec![Box::new(|| busy("86400")), Box::new(|| reply(204, ""))],
    );
    world.request(&["s"]);
    world.completes().await;
    assert!(pause_between(&world) >= Duration::from_millis(200));
}

//! The sections of one request are collected side by side.

use std::time::{Duration, Instant};

use crate::harness::World;

#[tokio::test]
async fn twenty_seven_slow_services_are_asked_at_the_same_time() {
    let world = World::new().await;
    let names: Vec<String> = (0..27).map(|n| format!("service-{n}")).collect();
    for name in &names {
        world.upstream.slow(name, Duration::from_millis(500));
    }
    world.request(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let worker = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    let claimed = Instant::now();
    world
        .api
        .until("it is completed", |api| api.requests[0].view.is_finished())
        .await;
    println!(
        "27 services × 500 ms, from claim to complete: {:?}",
        claimed.elapsed()
    );
    worker.stop().await;
    assert_eq!(world.upstream.peak(), 27);
}

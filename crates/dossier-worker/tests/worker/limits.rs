//! Limits on what goes on at the same time.

use std::time::Duration;

use crate::harness::World;

const PAUSE: Duration = Duration::from_millis(60);

async fn run(world: &World, requests: usize, services: &[&str]) {
    for name in services {
        world.upstream.slow(name, PAUSE);
    }
    for _ in 0..requests {
        world.request(services);
    }
    let worker = world.start_worker();
    world
        .api
        .until("all are completed", |api| {
            api.requests.iter().all(|r| r.view.is_finished())
        })
        .await;
    worker.stop().await;
}

#[tokio::test]
async fn sections_of_one_request_at_the_same_time_are_limited() {
    let mut world = World::new().await;
    world.config.sections_at_once = 2;
    run(&world, 1, &["a", "b", "c", "d", "e"]).await;
    assert_eq!(world.upstream.peak(), 2);
}

#[tokio::test]
async fn calls_to_one_service_at_the_same_time_are_limited_over_all_requests() {
    let mut world = World::new().await;
    world.config.calls_per_service_at_once = 2;
    world.config.requests_at_once = 6;
    run(&world, 6, &["a", "b"]).await;
    assert_eq!(world.upstream.peak_of("a"), 2);
    assert_eq!(world.upstream.peak_of("b"), 2);
}

#[tokio::test]
async fn calls_of_the_worker_at_the_same_time_are_limited() {
    let mut world = World::new().await;
    world.config.calls_at_once = 3;
    run(&world, 3, &["a", "b", "c"]).await;
    assert_eq!(world.upstream.peak(), 3);
}

#[tokio::test]
async fn requests_at_the_same_time_are_limited() {
    let mut world = World::new().await;
    world.config.requests_at_once = 2;
    run(&world, 5, &["a"]).await;
    assert_eq!(world.upstream.peak(), 2);
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    let mut config = dossier_worker::WorkerConfig {
        tries_max: 0,
        ..Default::default()
    };
    assert_eq!(config.check().unwrap_err().key, "tries_max");
    config.tries_max = 1;
    config.idle_seconds_max = f64::NAN;
    assert_eq!(config.check().unwrap_err().key, "idle_seconds_max");
    config.idle_seconds_max = 1.0;
    config.poll_wait_seconds = 61;
    assert_eq!(config.check().unwrap_err().key, "poll_wait_seconds");
    config.poll_wait_seconds = 60;
    config.attachments_max = 10_000;
    assert_eq!(config.check().unwrap_err().key, "attachments_max");
    config.attachments_max = 9_999;
    config.attachment_hosts = vec!["https://files.example".to_owned()];
    assert_eq!(config.check().unwrap_err().key, "attachment_hosts");
    let unknown = serde_json::json!({"trys_max": 3});
    let error = serde_json::from_value::<dossier_worker::WorkerConfig>(unknown).unwrap_err();
    assert!(error.to_string().contains("trys_max"));
}

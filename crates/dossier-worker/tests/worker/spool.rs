//! The private folder for answers on their way.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::harness::{World, files_below};

#[tokio::test]
async fn only_the_owner_can_read_an_answer_on_its_way() {
    let world = World::new().await;
    world.upstream.script("s", |_, _| {
        Box::pin(async {
            use futures::StreamExt;
            let start = futures::stream::iter([Ok::<_, std::io::Error>("{")]);
            let rest = futures::stream::once(async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Ok("}")
            });
            crate::harness::reply(200, axum::body::Body::from_stream(start.chain(rest)))
        })
    });
    world.request(&["s"]);
    let worker = world.start_worker();
    let root = world.folder.path().join("spool");
    let file = loop {
        if let Some(file) = files_below(&root).pop() {
            break file;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    assert_eq!(mode(file.parent().unwrap().parent().unwrap()), 0o700);
    worker.stop().await;
    assert!(world.spool_is_empty());
}

#[tokio::test]
async fn what_a_dead_worker_left_is_removed_and_what_a_live_one_has_stays() {
    let world = World::new().await;
    let root = world.folder.path().join("spool");
    let dead = root.join("worker-dead/attempt-1");
    std::fs::create_dir_all(&dead).unwrap();
    std::fs::write(dead.join("section-0.json"), "left behind").unwrap();
    std::fs::write(root.join("worker-dead.lock"), "").unwrap();
    world.upstream.slow("s", Duration::from_millis(600));
    world.request(&["s"]);
    let first = world.start_worker();
    world
        .api
        .until("it is claimed", |api| !api.requests[0].tokens.is_empty())
        .await;
    assert!(!dead.exists());
    let second = world.start_worker();
    world
        .api
        .until("it is completed", |api| {
            !api.requests[0].completed.is_empty()
        })
        .await;
    assert_eq!(world.api.inner().requests[0].tokens.len(), 1);
    first.stop().await;
    second.stop().await;
    let left: Vec<_> = std::fs::read_dir(&root)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["spool.lock"]);
}

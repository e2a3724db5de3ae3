//! The way that calls to services take.

use crate::harness::{DATA, World, view};

#[tokio::test]
async fn a_configured_proxy_is_asked_for_services_elsewhere() {
    let mut world = World::new().await;
    // A proxy is asked with the whole URL; this one answers by itself.
    world.upstream.answer("s", 200, DATA);
    world.config.proxy = Some(world.upstream.url_of("").parse().unwrap());
    let mut section = world.section("s");
    section.service_url = "http://service.test/s".to_owned();
    world.api.add(view(), vec![section]);
    world.completes().await;
    assert_eq!(world.upstream.calls("s").len(), 1);
}

#[tokio::test]
async fn services_on_this_machine_are_called_without_the_proxy() {
    let mut world = World::new().await;
    world.upstream.answer("s", 200, DATA);
    world.config.proxy = Some("http://127.0.0.1:9".parse().unwrap());
    world.request(&["s"]);
    world.completes().await;
}

#[tokio::test]
async fn a_proxy_is_an_http_url_without_a_password() {
    let mut world = World::new().await;
    for url in ["socks5://proxy.test", "http://user:secret@proxy.test"] {
        world.config.proxy = Some(url.parse().unwrap());
        let error = world.worker().await.err().unwrap().to_string();
        assert!(error.starts_with("worker.proxy must be"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

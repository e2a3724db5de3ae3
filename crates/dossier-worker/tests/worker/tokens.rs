//! The bearer token for upstream services.

use axum::http::HeaderMap;
use dossier_core::Private;
use dossier_worker::config::UpstreamAuth;

use crate::harness::{DATA, Upstream, World, reply};

async fn with_credentials() -> World {
    let mut world = World::new().await;
    world.config.upstream_auth = UpstreamAuth::ClientCredentials {
        token_url: world.upstream.url_of("oauth/token").parse().unwrap(),
        client_id: "dossier".to_owned(),
        client_secret: Some(Private::new("s3cret:%".to_owned())),
        client_secret_file: None,
        scope: None,
    };
    world.upstream.script("oauth", |n, _| {
        let body =
            format!(r#"{{"access_token":"token-{n}","token_type":"bearer","expires_in":3600}}"#);
        Box::pin(async move { reply(200, body) })
    });
    world
}

fn accept_only(world: &World, service: &str, token: &'static str) {
    world
        .upstream
        .script(service, move |_, headers: HeaderMap| {
            let accepted = headers
                .get("authorization")
                .is_some_and(|value| value == token);
            Box::pin(async move {
                if accepted {
                    reply(200, DATA)
                } else {
                    reply(401, "")
                }
            })
        });
}

#[tokio::test]
async fn one_token_is_fetched_for_all_sections() {
    let world = with_credentials().await;
    for name in ["a", "b", "c", "d"] {
        accept_only(&world, name, "Bearer token-1");
    }
    world.request(&["a", "b", "c", "d"]);
    world.completes().await;
    let calls = world.upstream.calls("oauth");
    assert_eq!(calls.len(), 1);
    // dossier:s3cret%3A%25, in base64 (RFC 6749, section 2.3.1)
    assert_eq!(
        calls[0].header("authorization"),
        Some("Basic ZG9zc2llcjpzM2NyZXQlM0ElMjU=")
    );
    assert_eq!(
        calls[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let world = with_credentials().await;
    accept_only(&world, "a", "Bearer token-2");
    accept_only(&world, "b", "Bearer token-2");
    world.request(&["a", "b"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("oauth").len(), 2);
}

#[tokio::test]
async fn a_service_that_refuses_every_token_fails() {
    let world = with_credentials().await;
    accept_only(&world, "s", "never");
    assert_eq!(world.section_fails("s").await, "status 401 after 2 tries");
    assert_eq!(world.upstream.calls("s").len(), 2);
}

#[tokio::test]
async fn a_401_without_a_token_fails_at_once() {
    let world = World::new().await;
    world.upstream.answer("s", 401, "");
    assert_eq!(world.section_fails("s").await, "status 401");
    assert_eq!(world.upstream.calls("s").len(), 1);
}

#[tokio::test]
async fn a_token_service_that_refuses_the_client_fails_the_section() {
    let world = with_credentials().await;
    world
        .upstream
        .answer("oauth", 401, r#"{"error":"invalid_client"}"#);
    let error = world.section_fails("s").await;
    assert_eq!(
        error,
        "no token: the token service answered with status 401"
    );
    assert!(world.upstream.calls("s").is_empty());
}

#[tokio::test]
async fn the_token_does_not_go_to_another_origin() {
    let world = with_credentials().await;
    let elsewhere = Upstream::start().await;
    elsewhere.answer("s", 200, DATA);
    let location = elsewhere.url_of("s");
    world.upstream.script("s", move |_, _| {
        let mut response = reply(307, "");
        response
            .headers_mut()
            .insert("location", location.parse().unwrap());
        Box::pin(async move { response })
    });
    world.section_fails("s").await;
    assert!(elsewhere.calls("s").is_empty());
}

#[tokio::test]
async fn a_token_file_may_change() {
    let mut world = World::new().await;
    let file = world.folder.path().join("token");
    std::fs::write(&file, "old\n").unwrap();
    world.config.upstream_auth = UpstreamAuth::File { path: file.clone() };
    world.upstream.script("s", move |_, headers: HeaderMap| {
        std::fs::write(&file, "new\n").unwrap();
        let accepted = headers["authorization"] == "Bearer new";
        Box::pin(async move {
            if accepted {
                reply(200, DATA)
            } else {
                reply(401, "")
            }
        })
    });
    world.request(&["s"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("s").len(), 2);
}

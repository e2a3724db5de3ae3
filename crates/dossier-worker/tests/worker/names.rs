//! The look-up of the data subject's name, which never fails a report.

use std::time::Duration;

use dossier_documents::DocumentStore;
use dossier_worker::config::{NameLookup, NameSource, UpstreamAuth};
use futures::StreamExt;

use crate::harness::{World, reply, view};

/// Makes a report without a given name, and answers how often the look-up was asked.
async fn look_up(world: &World) -> Vec<crate::harness::upstream::Call> {
    world.upstream.answer("s", 204, "");
    let mut view = view();
    view.subject_name = None;
    world.api.add(view, vec![world.section("s")]);
    world.completes().await;
    world.upstream.calls("names")
}

async fn world() -> World {
    let mut world = World::new().await;
    let url = world.upstream.url_of("names").parse().unwrap();
    world.config.name_lookup = NameLookup {
        prison_api_url: Some(url),
        ..NameLookup::default()
    };
    world
}

#[tokio::test]
async fn a_nomis_identifier_is_looked_up_at_the_prison_api() {
    let mut world = world().await;
    let token = world.folder.path().join("token");
    std::fs::write(&token, "the-token").unwrap();
    world.config.upstream_auth = UpstreamAuth::File { path: token };
    world
        .upstream
        .answer("names", 200, r#"{"firstName":"Ada","lastName":"Lovelace"}"#);
    let calls = look_up(&world).await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].path, "/names/api/offenders/A1234AA");
    assert_eq!(calls[0].header("authorization"), Some("Bearer the-token"));
}

#[tokio::test]
async fn an_ndelius_identifier_is_looked_up_at_the_probation_api() {
    let mut world = World::new().await;
    world.config.name_lookup.probation_api_url =
        Some(world.upstream.url_of("names").parse().unwrap());
    world.upstream.answer(
        "names",
        200,
        r#"{"name":{"forename":"Ada","surname":"Lovelace"}}"#,
    );
    world.upstream.answer("s", 204, "");
    let mut view = view();
    view.subject_name = None;
    view.nomis_id = None;
    view.ndelius_case_reference_id = Some("X123456".to_owned().into());
    world.api.add(view, vec![world.section("s")]);
    world.completes().await;
    assert_eq!(
        world.upstream.calls("names")[0].path,
        "/names/probation-case/X123456"
    );
}

#[tokio::test]
async fn any_other_api_can_be_asked() {
    let mut world = World::new().await;
    world.config.name_lookup.nomis = Some(NameSource {
        url: format!("{}?who={{id}}", world.upstream.url_of("names")),
        forename: Some("/person/0/given".to_owned()),
        surname: None,
        send_token: false,
    });
    world
        .upstream
        .answer("names", 200, r#"{"person":[{"given":"Ada"}]}"#);
    let calls = look_up(&world).await;
    assert_eq!(calls[0].query, "who=A1234AA");
}

#[tokio::test]
async fn a_name_in_the_request_is_not_looked_up() {
    let world = world().await;
    world.upstream.answer("s", 204, "");
    world.request(&["s"]);
    world.completes().await;
    assert!(world.upstream.calls("names").is_empty());
}

#[tokio::test]
async fn whatever_goes_wrong_the_report_is_made() {
    for (status, body, calls) in [
        (404, "", 1),
        (500, "", 2),
        (403, "", 1),
        (302, "", 1),
        (200, "not json", 1),
        (200, "{}", 1),
        (200, r#"{"lastName":7}"#, 1),
    ] {
        let world = world().await;
        world.upstream.answer("names", status, body);
        assert_eq!(look_up(&world).await.len(), calls, "{status} {body}");
    }
}

#[tokio::test]
async fn a_slow_look_up_does_not_hold_the_report_up() {
    let mut world = world().await;
    world.config.name_lookup.seconds_max = 0.1;
    world.upstream.script("names", |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            reply(200, "{}")
        })
    });
    assert_eq!(look_up(&world).await.len(), 1);
    let document = world.api.inner().requests[0].completed[0]
        .document
        .document_id;
    let mut read = world.documents.read(document.into(), None).await.unwrap();
    let start = read.body.next().await.unwrap().unwrap();
    assert!(start.starts_with(b"%PDF"));
}

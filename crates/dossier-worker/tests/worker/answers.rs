//! What the worker makes of every answer that the upstream contract knows, and of those it does not.

use dossier_core::section::{Held, SectionStatus};

use crate::harness::{DATA, World, broken_body, reply};

async fn held_after(status: u16, body: &str) -> (Held, bool) {
    let world = World::new().await;
    world.upstream.answer("s", status, body);
    world.request(&["s"]);
    world.completes().await;
    let inner = world.api.inner();
    let section = inner.requests[0].section("s");
    assert_eq!(section.render_status, SectionStatus::Complete);
    assert_eq!(section.template_version.as_deref(), Some("generic"));
    (section.held.unwrap(), section.kept.is_some())
}

#[tokio::test]
async fn status_200_with_content_is_data() {
    assert_eq!(held_after(200, DATA).await, (Held::Data, true));
    assert_eq!(
        held_after(200, r#"{"content":[]}"#).await,
        (Held::Data, true)
    );
    assert_eq!(
        held_after(200, r#"{"content":{}}"#).await,
        (Held::Data, true)
    );
}

#[tokio::test]
async fn status_200_without_content_is_no_data() {
    assert_eq!(
        held_after(200, r#"{"content":null}"#).await,
        (Held::NoData, false)
    );
    assert_eq!(held_after(200, "{}").await, (Held::NoData, false));
}

#[tokio::test]
async fn an_empty_list_of_attachments_is_no_data() {
    let none = r#"{"content":null,"attachments":[]}"#;
    assert_eq!(held_after(200, none).await, (Held::NoData, false));
}

#[tokio::test]
async fn status_204_is_no_data() {
    assert_eq!(held_after(204, "").await, (Held::NoData, false));
}

#[tokio::test]
async fn status_209_is_not_supported_whatever_its_body() {
    assert_eq!(held_after(209, "[]").await, (Held::NotSupported, false));
    assert_eq!(
        held_after(209, "sorry, not json").await,
        (Held::NotSupported, false)
    );
}

#[tokio::test]
async fn the_question_names_the_subject_and_the_dates() {
    let world = World::new().await;
    world.upstream.answer("s", 204, "");
    world.request(&["s"]);
    world.completes().await;
    let call = &world.upstream.calls("s")[0];
    assert_eq!(call.path, "/s/subject-access-request");
    assert_eq!(
        call.query,
        "prn=A1234AA&fromDate=2022-01-01&toDate=2024-01-01"
    );
    assert_eq!(call.header("accept-encoding"), Some("identity"));
    assert_eq!(call.header("authorization"), None);
}

#[tokio::test]
async fn what_is_not_known_is_not_asked() {
    let world = World::new().await;
    world.upstream.answer("s", 204, "");
    let mut view = crate::harness::view();
    view.nomis_id = None;
    view.ndelius_case_reference_id = Some("X123456".to_owned().into());
    view.date_from = None;
    world.api.add(view, vec![world.section("s")]);
    world.completes().await;
    assert_eq!(
        world.upstream.calls("s")[0].query,
        "crn=X123456&toDate=2024-01-01"
    );
}

#[tokio::test]
async fn another_4xx_fails_the_section_at_once() {
    for status in [400, 403, 404, 408, 429] {
        let world = World::new().await;
        world
            .upstream
            .answer("s", status, "a secret of the subject");
        assert_eq!(world.section_fails("s").await, format!("status {status}"));
        assert_eq!(world.upstream.calls("s").len(), 1);
    }
}

#[tokio::test]
async fn an_unknown_2xx_breaks_the_contract() {
    for status in [201, 202, 206, 299] {
        let world = World::new().await;
        world.upstream.answer("s", status, DATA);
        let error = world.section_fails("s").await;
        assert_eq!(
            error,
            format!("status {status}, which the contract does not know")
        );
        assert_eq!(world.upstream.calls("s").len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        let world = World::new().await;
        world.upstream.answer("elsewhere", 200, DATA);
        let location = world.upstream.url_of("elsewhere");
        world.upstream.script("s", move |_, _| {
            let mut response = reply(status, "");
            response
                .headers_mut()
                .insert("location", location.parse().unwrap());
            Box::pin(async move { response })
        });
        let error = world.section_fails("s").await;
        assert_eq!(
            error,
            format!("status {status}, which the contract does not know")
        );
        assert!(world.upstream.calls("elsewhere").is_empty());
    }
}

#[tokio::test]
async fn an_answer_that_is_not_json_fails_the_section_and_is_not_quoted() {
    for body in [
        "",
        "secret",
        r#"{"content":"secret"#,
        r#"["secret"]"#,
        r#"{"content":secret}"#,
    ] {
        let world = World::new().await;
        world.upstream.answer("s", 200, body);
        let error = world.section_fails("s").await;
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(world.upstream.calls("s").len(), 1);
    }
}

#[tokio::test]
async fn a_compressed_answer_breaks_the_contract() {
    let world = World::new().await;
    world.upstream.script("s", |_, _| {
        let mut response = reply(200, DATA);
        response
            .headers_mut()
            .insert("content-encoding", "gzip".parse().unwrap());
        Box::pin(async move { response })
    });
    let error = world.section_fails("s").await;
    assert_eq!(error, "a compressed answer, which was not asked for");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let world = World::new().await;
    world.upstream.answers(
        "s",
        vec![Box::new(broken_body), Box::new(|| reply(200, DATA))],
    );
    world.request(&["s"]);
    world.completes().await;
    assert_eq!(world.upstream.calls("s").len(), 2);
}

#[tokio::test]
async fn an_answer_without_an_end_of_its_own_is_asked_for_again_when_it_is_cut() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        for body in [&DATA[..20], DATA] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await.unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let mut section = world.section("s");
    section.service_url = url;
    world.api.add(crate::harness::view(), vec![section]);
    world.completes().await;
    assert_eq!(
        world.api.inner().requests[0]
            .section("s")
            .kept
            .as_ref()
            .unwrap()
            .bytes,
        DATA.len() as u64
    );
}

#[tokio::test]
async fn an_answer_over_the_size_limit_fails_the_section() {
    let mut world = World::new().await;
    world.config.answer_bytes_max = 1000;
    let body = "x".repeat(1001);
    world.upstream.answer("announced", 200, &body);
    world.upstream.script("streamed", move |_, _| {
        let pieces = body.clone().into_bytes();
        let pieces = pieces
            .chunks(100)
            .map(|p| Ok::<_, std::io::Error>(p.to_vec()));
        let stream = futures::stream::iter(pieces.collect::<Vec<_>>());
        let response = reply(200, axum::body::Body::from_stream(stream));
        Box::pin(async move { response })
    });
    world.request(&["announced", "streamed"]);
    let detail = world.fails().await;
    let text = "the answer has more than 1000 bytes";
    assert_eq!(detail, format!("announced: {text}; streamed: {text}"));
    assert_eq!(world.upstream.calls("streamed").len(), 1);
}

#[tokio::test]
async fn one_failed_section_does_not_stop_the_others() {
    let world = World::new().await;
    world.upstream.answer("bad", 404, "");
    world.upstream.answer("good", 200, DATA);
    world.request(&["bad", "good"]);
    assert_eq!(world.fails().await, "bad: status 404");
    let kept = {
        let inner = world.api.inner();
        let request = &inner.requests[0];
        assert_eq!(request.section("bad").render_status, SectionStatus::Errored);
        assert_eq!(
            request.section("good").render_status,
            SectionStatus::Complete
        );
        let (_, _, pause) = request.releases[0];
        assert!((1500.0..=3000.0).contains(&pause), "{pause}");
        crate::harness::api::kept(request.section("good"))
    };
    assert!(world.documents.has(kept.document_id.into()).await);
}

#[tokio::test]
async fn a_request_that_waits_for_a_suspended_service_is_given_back() {
    let world = World::new().await;
    world.upstream.answer("good", 200, DATA);
    let mut suspended = world.section("suspended");
    suspended.render_status = SectionStatus::Suspended;
    world.api.add(
        crate::harness::view(),
        vec![suspended, world.section("good")],
    );
    let worker = world.start_worker();
    world
        .api
        .until("it is given back", |api| {
            !api.requests[0].releases.is_empty()
        })
        .await;
    worker.stop().await;
    let inner = world.api.inner();
    assert_eq!(
        inner.requests[0].releases[0].0,
        dossier_core::wire::ReleaseKind::Suspended
    );
    assert_eq!(
        inner.requests[0].section("good").render_status,
        SectionStatus::Complete
    );
    assert!(world.upstream.calls("suspended").is_empty());
}

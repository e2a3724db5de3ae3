//! `dossier service test`: a service that keeps the contract, and for each breach one that has it.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use futures::stream;
use serde_json::{Value, json};

use crate::harness::process::{dossier, peak_kib, words};
use crate::harness::service::{Call, Service, attachment, body_of, data, json_body, status};

/// How a test of a service ended.
struct Tested {
    code: i32,
    told: Value,
    stderr: String,
}

impl Tested {
    fn case(&self, id: &str) -> &Value {
        let cases = self.told["cases"].as_array().unwrap();
        cases.iter().find(|case| case["id"] == id).unwrap()
    }

    fn with_verdict(&self, verdict: &str) -> Vec<&str> {
        let cases = self.told["cases"].as_array().unwrap().iter();
        cases
            .filter(|case| case["verdict"] == verdict)
            .map(|case| case["id"].as_str().unwrap())
            .collect()
    }

    fn failed(&self) -> Vec<&str> {
        self.with_verdict("failed")
    }

    fn warned(&self) -> Vec<&str> {
        self.with_verdict("warning")
    }

    fn seen(&self, id: &str) -> &str {
        self.case(id)["seen"].as_str().unwrap()
    }

    fn places(&self, id: &str) -> Vec<&str> {
        let places = self.case(id)["places"].as_array().unwrap();
        places.iter().map(|place| place.as_str().unwrap()).collect()
    }
}

/// Tests a service with `--json` and further options. Nothing of the answers is ever printed, nor
/// whom was asked for.
fn tested(service: &Service, options: &str) -> Tested {
    tested_with(service, options, &[])
}

fn tested_with(service: &Service, options: &str, variables: &[(&str, &str)]) -> Tested {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "service test {} --prn A1234AA --json {options}",
        service.url
    );
    let output = dossier(folder.path())
        .args(words(&line))
        .env("TMPDIR", folder.path())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let printed = format!("{stdout}{stderr}");
    for personal in ["Secret", "A1234AA", "X123456"] {
        assert!(!printed.contains(personal), "{personal} is in {printed}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(
        left, 0,
        "nothing is left, neither here nor among temporary files"
    );
    Tested {
        code: output.status.code().unwrap(),
        told: serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{printed}")),
        stderr,
    }
}

#[track_caller]
fn assert_breaks(tested: &Tested, failed: &[&str]) {
    assert_eq!(tested.failed(), failed, "{:#}", tested.told);
    assert_eq!(tested.code, 11, "{}", tested.stderr);
    assert_eq!(tested.told["kept"], false);
}

#[track_caller]
fn assert_warns(tested: &Tested, warned: &[&str]) {
    assert_eq!(tested.warned(), warned, "{:#}", tested.told);
    assert_eq!(tested.failed(), [""; 0]);
    assert_eq!(tested.code, 0, "{}", tested.stderr);
}

fn with_attachment(
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> impl Fn(&Call) -> Response {
    move |call| {
        let mut entry = attachment(&call.origin);
        change(&mut entry);
        json_body(data(json!([entry])).to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_keeps_the_contract_passes() {
    let service = Service::perfect().await;
    let tested = tested(&service, "--strict");
    assert_eq!(tested.code, 0, "{:#}", tested.told);
    assert_eq!(
        tested.with_verdict("skipped"),
        ["data.other-identifier", "data.token"]
    );
    assert_eq!(tested.warned(), [""; 0]);
    assert_eq!(tested.told["asked"], "prn given");
    assert_eq!(tested.told["counts"]["passed"], 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_identifier_goes_into_a_call_with_the_days_that_were_given() {
    let service = Service::perfect().await;
    let options = "--crn X123456 --from 2022-01-01 --to 2023-12-31";
    let tested = tested(&service, options);
    assert_eq!(tested.seen("data.other-identifier"), "status 209");
    assert_eq!(tested.told["asked"], "prn and crn given");
    let queries: Vec<String> = service
        .calls()
        .into_iter()
        .filter(Call::asks_for_data)
        .map(|call| call.query)
        .collect();
    let days = "fromDate=2022-01-01&toDate=2023-12-31";
    assert_eq!(
        queries,
        [
            format!("prn=A1234AA&{days}"),
            format!("prn=A1234AA&{days}"),
            format!("prn=Z9999ZZ&{days}"),
            format!("crn=X123456&{days}"),
            "prn=A1234AA&fromDate=1900-01-01&toDate=1900-01-01".to_owned(),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_the_contract_does_not_welcome_is_a_breach() {
    for wrong in [201, 206, 301, 400, 401, 403, 404, 500, 503] {
        let service = Service::with_data(move |_| status(wrong)).await;
        let tested = tested(&service, "");
        assert_breaks(&tested, &["data.status"]);
        assert_eq!(tested.seen("data.status"), format!("status {wrong}"));
    }
    for right in [204, 209] {
        let service = Service::with_data(move |_| status(right)).await;
        let tested = tested(&service, "");
        assert_eq!(tested.code, 0, "{:#}", tested.told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_object_is_a_breach() {
    for (body, says) in [
        (&b"[1]"[..], "not a JSON object"),
        (b"<html>Secret</html>", "not valid JSON"),
        (b"{\"content\":\"\xff\xfe\"}", "not UTF-8"),
        (b"{\"content\":[", "ends too early"),
        (b"", "ends too early"),
    ] {
        let tested = tested(&Service::with_body(body).await, "");
        assert_breaks(&tested, &["data.json"]);
        assert!(tested.seen("data.json").contains(says), "{:#}", tested.told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_in_a_body_is_a_warning() {
    for (body, warned) in [
        (r#"{"data":[1]}"#, "data.content"),
        (r#"{"content":[{"a":1,"a":2}]}"#, "data.repeated-names"),
    ] {
        assert_warns(&tested(&Service::with_body(body).await, ""), &[warned]);
    }
    let body = r#"{"content":[{"A1234AA":{"note":1,"note":2}}]}"#;
    let tested = tested(&Service::with_body(body).await, "");
    assert_eq!(tested.places("data.repeated-names"), ["/content/0/*/note"]);
    for declared in ["text/html", "application/json; charset=iso-8859-1"] {
        let service = Service::with_data(|_| body_of(declared, r#"{"content":[1]}"#)).await;
        assert_warns(&self::tested(&service, ""), &["data.content-type"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_is_a_failure_when_the_test_is_strict() {
    let service = Service::with_body(r#"{"data":[1]}"#).await;
    let tested = tested(&service, "--strict");
    assert_eq!((tested.code, &tested.told["kept"]), (11, &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inline_attachment_that_is_no_image_is_a_breach() {
    let body = json!({ "content": { "letter": {
        "contentType": "application/pdf", "url": "http://x.example/Secret", "filesize": 1 } } });
    let tested = tested(&Service::with_body(body.to_string()).await, "");
    assert_breaks(&tested, &["data.inline"]);
    assert_eq!(tested.places("data.inline"), ["/content/letter"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_an_attachment_of_another_type_is_a_breach() {
    let wrong = with_attachment(|entry| entry["filesize"] = json!("5"));
    let tested = tested(&Service::with_data(wrong).await, "");
    assert_breaks(&tested, &["data.attachments"]);
    assert_eq!(
        tested.places("data.attachments"),
        ["/attachments/0/filesize: a text instead of a whole number or null"]
    );
    let wrong = with_attachment(|entry| entry["url"] = json!(null));
    let tested = self::tested(&Service::with_data(wrong).await, "");
    assert_breaks(&tested, &["data.attachments", "data.attachment-files"]);
    let service = Service::with_body(r#"{"content":[1],"attachments":{"a":1}}"#).await;
    assert_breaks(
        &self::tested(&service, ""),
        &["data.attachments", "data.attachment-files"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_in_an_attachments_entry_is_a_warning() {
    let absent = with_attachment(|entry| {
        entry.as_object_mut().unwrap().remove("name");
    });
    let service = Service::with_data(absent).await;
    assert_warns(&tested(&service, ""), &["data.attachments"]);
    let unclean = with_attachment(|entry| entry["name"] = json!("Secret &amp; more"));
    let service = Service::with_data(unclean).await;
    assert_warns(&tested(&service, ""), &["data.attachment-names"]);
    let no_type = with_attachment(|entry| entry["contentType"] = json!("text"));
    let service = Service::with_data(no_type).await;
    assert_warns(&tested(&service, ""), &["data.attachment-types"]);
    let other_type = with_attachment(|entry| entry["contentType"] = json!("application/pdf"));
    let service = Service::with_data(other_type).await;
    let tested = tested(&service, "");
    assert_warns(&tested, &["data.attachment-bytes"]);
    assert_eq!(
        tested.places("data.attachment-bytes"),
        ["/attachments/0: its first bytes say: text"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_at_a_host_that_is_not_allowed_is_a_breach() {
    let elsewhere = |call: &Call| {
        let mut entry = attachment(&call.origin.replace("127.0.0.1", "localhost"));
        entry["filesize"] = json!(5);
        json_body(data(json!([entry])).to_string())
    };
    let service = Service::with_data(elsewhere).await;
    let refused = tested(&service, "");
    assert_breaks(&refused, &["data.attachment-origins"]);
    assert!(refused.places("data.attachment-origins")[0].contains("localhost"));
    let named = with_attachment(|entry| entry["url"] = json!("https://a1234aa.example/Secret"));
    let masked = tested(&Service::with_data(named).await, "");
    assert!(masked.places("data.attachment-origins")[0].contains("[private].example"));
    let allowed = tested(&service, "--allow-host localhost");
    assert_eq!(allowed.code, 0, "{:#}", allowed.told);
    assert_eq!(allowed.seen("data.attachment-files"), "1 fetched");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_that_cannot_be_had_is_a_breach() {
    let is_file = |call: &Call| call.path.starts_with("/files/");
    let gone = Service::start(move |call| is_file(call).then(|| status(404))).await;
    let tested_gone = tested(&gone, "");
    assert_breaks(&tested_gone, &["data.attachment-files"]);
    assert_eq!(
        tested_gone.places("data.attachment-files"),
        ["/attachments/0: status 404"]
    );
    // Without a Content-Length the entry's size counts, which is 5.
    let streamed = |text: &'static str| {
        let pieces = stream::iter([Ok::<_, std::convert::Infallible>(text)]);
        body_of("text/plain", Body::from_stream(pieces))
    };
    let longer = Service::start(move |call| is_file(call).then(|| streamed("longer"))).await;
    let tested_longer = tested(&longer, "");
    assert_breaks(&tested_longer, &["data.attachment-files"]);
    assert!(tested_longer.places("data.attachment-files")[0].contains("instead of 5 bytes"));
    let headers = Service::with_data(with_attachment(|entry| entry["headers"] = json!(null))).await;
    assert_breaks(&tested(&headers, ""), &["data.attachment-files"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_another_one_the_second_time_is_a_breach() {
    let calls = std::sync::atomic::AtomicU32::new(0);
    let service = Service::with_data(move |_| {
        match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => json_body(r#"{"content":[1]}"#),
            _ => json_body(r#"{"content":{"a":1}}"#),
        }
    })
    .await;
    let tested = tested(&service, "");
    assert_breaks(&tested, &["data.again"]);
    assert_eq!(
        tested.seen("data.again"),
        "first status 200 with a list as content, then status 200 with an object as content"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_nobody_knows_has_no_data_and_is_no_error() {
    let is_unknown = |call: &Call| call.query.contains("Z9999ZZ");
    for wrong in [400, 404, 500] {
        let service = Service::start(move |call| is_unknown(call).then(|| status(wrong))).await;
        let tested = tested(&service, "");
        assert_breaks(&tested, &["data.unknown-subject"]);
    }
    for (body, verdict) in [
        (r#"{"content":null}"#, "passed"),
        (r#"{}"#, "passed"),
        (r#"{"content":[]}"#, "warning"),
        (r#"{"content":[1]}"#, "failed"),
        (r#"[]"#, "failed"),
    ] {
        let service = Service::start(move |call| is_unknown(call).then(|| json_body(body))).await;
        let tested = tested(&service, "");
        assert_eq!(
            tested.case("data.unknown-subject")["verdict"],
            verdict,
            "{body}"
        );
    }
    let service = Service::start(|call| call.query.contains("B0000BB").then(|| status(404))).await;
    assert_breaks(
        &tested(&service, "--unknown-prn B0000BB"),
        &["data.unknown-subject"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_identifier_may_be_unsupported_but_not_an_error() {
    let service = Service::start(|call| call.query.contains("crn=").then(|| status(400))).await;
    assert_breaks(
        &tested(&service, "--crn X123456"),
        &["data.other-identifier"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn days_without_data_are_answered_as_the_contract_says() {
    let service = Service::start(|call| call.asks_long_ago().then(|| status(400))).await;
    assert_breaks(&tested(&service, ""), &["data.dates"]);
    let ignored = Service::start(|call| {
        call.asks_for_data()
            .then(|| json_body(r#"{"content":[1]}"#))
    });
    let tested = tested(&ignored.await, "");
    assert_eq!(tested.warned(), ["data.dates"]);
    assert_eq!(tested.failed(), ["data.unknown-subject"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_asks_for_no_token_is_a_warning_when_there_is_one() {
    let open = Service::perfect().await;
    let with_token = [("DOSSIER_SERVICE_TOKEN", "Secret-token")];
    let tested_open = tested_with(&open, "", &with_token);
    assert_warns(&tested_open, &["data.token"]);
    assert!(tested_open.seen("data.token").contains("to anybody"));

    let closed =
        Service::start(|call| (call.asks_for_data() && !call.has_token).then(|| status(401))).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "Secret-token\n").unwrap();
    let options = format!("--token-file {}", file.display());
    let tested_closed = tested(&closed, &options);
    assert_warns(&tested_closed, &[]);
    assert_eq!(tested_closed.seen("data.token"), "status 401");
    let health = closed
        .calls()
        .into_iter()
        .find(|c| c.path.ends_with("/health/ping"));
    assert!(
        !health.unwrap().has_token,
        "health is asked for without the token"
    );
    assert_breaks(&tested(&closed, ""), &["data.status"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_text_that_stays_the_same() {
    let is_template = |call: &Call| call.path.ends_with("/template");
    let none = Service::start(move |call| is_template(call).then(|| status(404))).await;
    let tested_none = tested(&none, "");
    assert_eq!(tested_none.code, 0);
    assert!(tested_none.seen("template.status").contains("generically"));
    for wrong in [204, 301, 403, 500] {
        let service = Service::start(move |call| is_template(call).then(|| status(wrong))).await;
        assert_breaks(&tested(&service, ""), &["template.status"]);
    }
    for body in [b"caf\xe9".to_vec(), vec![b'a'; 2 * 1024 * 1024 + 1]] {
        let service = Service::start(move |call| {
            is_template(call).then(|| body_of("text/plain", body.clone()))
        });
        assert_breaks(&tested(&service.await, ""), &["template.text"]);
    }
    let not_text = served(b"a\nb\n\xff").await;
    let place = "line 3, column 1: this is not UTF-8";
    assert_eq!(tested(&not_text, "").places("template.text"), [place]);
    let calls = std::sync::atomic::AtomicU32::new(0);
    let changing = Service::start(move |call| {
        let number = || calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let text = || format!("{{{{this}}}}{}", number());
        is_template(call).then(|| body_of("text/plain", text()))
    });
    assert_breaks(&tested(&changing.await, ""), &["template.again"]);
}

/// A service that serves these bytes as its template.
async fn served(template: &'static [u8]) -> Service {
    Service::start(move |call| {
        let is_asked_for = call.path.ends_with("/template");
        is_asked_for.then(|| body_of("text/plain", template))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_cannot_be_registered_breaks_the_contract() {
    for (template, place) in [
        (
            b"".as_slice(),
            "line 1, column 1: the template is empty: it makes nothing of any answer",
        ),
        (
            b" \n",
            "line 1, column 1: the template is empty: it makes nothing of any answer",
        ),
        (
            b"{{x}}\n{{foo x}}",
            "line 2, column 3: no helper is named `foo`",
        ),
        (b"{{x", "line 1, column 1: "),
        (b"{{x}}{{> p}}", "line 1, column 6: "),
    ] {
        let tested = tested(&served(template).await, "");
        assert_breaks(&tested, &["template.parses"]);
        let places = tested.places("template.parses");
        assert!(places[0].starts_with(place), "{places:?}");
        // Registration says the same.
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.hbs"), template).unwrap();
        let line = "template check a.hbs --json";
        let output = dossier(folder.path()).args(words(line)).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = told["findings"][0]["text"].as_str().unwrap();
        assert!(places[0].ends_with(text), "{places:?} {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_something_else_in_the_place_of_a_template_is_a_warning() {
    let tested = tested(&served(b"<html>login page</html>").await, "");
    assert_warns(&tested, &["template.shows"]);
    let places = tested.places("template.shows");
    assert!(
        places[0].contains("shows nothing of an answer"),
        "{places:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rendered_has_its_place_once() {
    let endless = served(b"{{#*inline \"p\"}}{{> p}}{{/inline}}{{> p}}").await;
    let tested = tested(&endless, "");
    assert_breaks(&tested, &["template.renders"]);
    let places = tested.places("template.renders");
    assert!(
        places[0].starts_with("line 1, column 17: the template needs"),
        "{places:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_at_one_of_two_paths() {
    let old = Service::start(|call| match call.path.as_str() {
        "/health/ping" => Some(status(404)),
        "/health" => Some(status(200)),
        _ => None,
    });
    let tested_old = tested(&old.await, "");
    assert_eq!(tested_old.seen("health.up"), "/health: status 200");
    let down = Service::start(|call| call.path.starts_with("/health").then(|| status(503)));
    assert_breaks(&tested(&down.await, ""), &["health.up"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_unreachable_and_not_broken() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut service = Service::perfect().await;
    service.url = url;
    let tested = tested(&service, "");
    assert_eq!(tested.code, 4);
    assert_eq!(tested.told["reached"], false);
    assert!(tested.seen("data.reachable").contains("refused"));
    assert!(tested.stderr.contains("could not be reached"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_slowly_is_named_in_time() {
    let began = Instant::now();
    let late = Service::with_data(|_| {
        std::thread::sleep(Duration::from_millis(200));
        json_body(r#"{"content":[1]}"#)
    });
    assert_warns(&tested(&late.await, "--slow 0.1"), &["data.time"]);

    let silent = Service::with_data(|_| json_body(Body::from_stream(stream::pending::<Piece>())));
    let tested_silent = tested_with(
        &silent.await,
        "--timeout 20",
        &[("DOSSIER_WORKER__IDLE_SECONDS_MAX", "0.5")],
    );
    assert_breaks(&tested_silent, &["data.whole"]);
    assert_eq!(
        tested_silent.seen("data.whole"),
        "the answer stood still within 0.5 s"
    );

    let trickle = Service::with_data(|_| {
        let pieces = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Piece::Ok(" "), ()))
        });
        json_body(Body::from_stream(pieces))
    });
    let tested_trickle = tested(&trickle.await, "--timeout 1");
    assert_breaks(&tested_trickle, &["data.whole"]);
    assert_eq!(
        tested_trickle.seen("data.whole"),
        "no whole answer within 1 s"
    );
    assert!(began.elapsed() < Duration::from_secs(60));
}

type Piece = Result<&'static str, std::convert::Infallible>;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_or_too_large_is_named() {
    let piece = "x".repeat(64 * 1024);
    let endless = Service::with_data(move |_| {
        let piece = piece.clone();
        let pieces = stream::repeat_with(move || Ok::<_, std::convert::Infallible>(piece.clone()));
        json_body(Body::from_stream(pieces))
    })
    .await;
    let tested = tested_with(
        &endless,
        "",
        &[("DOSSIER_WORKER__ANSWER_BYTES_MAX", "5000000")],
    );
    assert_breaks(&tested, &["data.whole"]);
    assert_eq!(
        tested.seen("data.whole"),
        "the answer has more than 5000000 bytes"
    );
    let calls = endless.calls().into_iter().filter(Call::asks_for_the_known);
    assert_eq!(calls.count(), 1, "it is not asked again and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_without_bottom_is_walked_or_named() {
    let nested =
        |depth: usize| format!("{{\"content\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let walked = tested(&Service::with_body(nested(90_000)).await, "");
    assert_eq!(walked.code, 0, "{:#}", walked.told);
    let refused = tested(&Service::with_body(nested(200_000)).await, "");
    assert_breaks(&refused, &["data.json"]);
    assert!(refused.seen("data.json").contains("deeper nesting"));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_what_is_wrong_where_it_is_and_what_to_do() {
    let service = Service::with_data(with_attachment(|entry| entry["filesize"] = json!("5"))).await;
    let folder = tempfile::tempdir().unwrap();
    let line = format!("service test {} --prn A1234AA", service.url);
    let output = dossier(folder.path()).args(words(&line)).output().unwrap();
    assert_eq!(output.status.code(), Some(11));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.is_ascii(), "{text}");
    for line in [
        "data",
        "  ok   status               status 200",
        "  FAIL attachments          a member of an attachment is absent or of another type",
        "       at   /attachments/0/filesize: a text instead of a whole number or null",
        "       do   write each member as the contract says",
        "  skip token                no token was given",
        "health",
        "27 checks: 24 passed, 0 warnings, 1 failed, 2 skipped",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
    }
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        error,
        "dossier: the service breaks the contract: 1 check failed\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_wrongly_is_said_without_repeating_an_identifier() {
    let folder = tempfile::tempdir().unwrap();
    for (options, says) in [
        ("http://localhost:1 --prn Secret", "--prn must be"),
        ("http://localhost:1 --crn Secret", "--crn must be"),
        ("http://localhost:1 --prn Z9999ZZ", "another than --prn"),
        ("http://localhost:1", "--prn"),
        ("ftp://localhost --prn A1234AA", "http or https"),
        (
            "http://a:Secret@localhost:1 --prn A1234AA",
            "without user name",
        ),
        (
            "http://localhost:1 --prn A1234AA --allow-host http://a",
            "--allow-host must be",
        ),
        ("http://localhost:1 --prn A1234AA --slow 0", "--slow"),
        (
            "http://localhost:1 --prn A1234AA --from 2023-01-01 --to 2022-01-01",
            "--from must not be after --to",
        ),
        (
            "http://localhost:1 --prn A1234AA --from 9999-01-01",
            "today",
        ),
    ] {
        let line = format!("service test {options}");
        let output = dossier(folder.path()).args(words(&line)).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {error}");
        assert!(
            error.contains(says) && !error.contains("Secret"),
            "{line}: {error}"
        );
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_takes_disk_and_not_memory() {
    let body = format!("{{\"content\":\"{}\"}}", "Secret ".repeat(20 << 20));
    let bytes = body.len() as u64;
    let service = Service::with_body(body).await;
    let folder = tempfile::tempdir().unwrap();
    let line = format!("service test {} --prn A1234AA --json", service.url);
    let mut child = dossier(folder.path())
        .args(words(&line))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (status, peak_kib) = peak_kib(&mut child);
    assert!(status.success());
    assert!(
        peak_kib > 0 && peak_kib * 1024 < bytes * 2 / 3,
        "{peak_kib} KiB for {bytes} bytes"
    );
}

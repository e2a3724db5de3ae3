//! A service's JSON Schema, from the command line to the words of a report.

use serde_json::{Value, json};

use crate::harness::process::{self, Running};
use crate::harness::upstream::Answer;
use crate::harness::{Dossier, pdf};

const SCHEMA: &str = r##"{"properties": {
    "dob": {"title": "Day of birth"},
    "state": {"oneOf": [{"const": "A", "title": "Active"}]},
    "visits": {"items": {"title": "Visit", "properties": {"notes": {"title": "What was said"}}}}}}"##;

fn content() -> Value {
    json!({"dob": "1980-02-29", "state": "A", "visits": [{"notes": ["hello"]}], "other": 7})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_has_the_titles_of_the_schema_that_its_service_has() {
    let dossier = Dossier::start().await;
    let service = dossier.service("svc", [Answer::Content(content())]).await;
    let id = service.id.into();
    let set = dossier.client.set_schema(id, SCHEMA.into()).await.unwrap();
    assert_eq!(set.bytes, SCHEMA.len() as u64);
    let with = dossier.request(&["svc"]).await;
    let request = dossier.finished(with).await;
    let version = request.services[0].template_version.as_deref();
    assert_eq!(version, Some("generic"));
    let text = dossier.report_text(with).await;
    for shown in [
        "Day of birth",
        "Active (A)",
        "Visit 1",
        "What was said",
        "Other",
    ] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    assert!(text.contains("generic"), "the contents say so: {text}");

    dossier.client.remove_schema(id).await.unwrap();
    let without = dossier.request(&["svc"]).await;
    dossier.finished(without).await;
    let text = dossier.report_text(without).await;
    for shown in ["Dob", "Visits 1", "Notes"] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    assert!(!text.contains("Active"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_set_shown_and_removed_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    std::fs::write(
        path.join("dossier.toml"),
        format!("[api]\nlisten = \"{free}\"\n"),
    )
    .unwrap();
    std::fs::write(path.join("good.json"), SCHEMA).unwrap();
    std::fs::write(path.join("bad.json"), r#"{"properties": {"a": 7}}"#).unwrap();
    let _up = Running::start(path, "up", "up");
    process::json(path, "service add svc --label S --url http://127.0.0.1:9");
    let set = process::json(path, "service schema set svc good.json");
    assert_eq!(set["bytes"], SCHEMA.len());
    assert_eq!(process::succeed(path, "service schema show svc"), SCHEMA);
    let shown = process::json(path, "service schema show svc");
    assert_eq!(shown, json!({"service": "svc", "text": SCHEMA}));
    let removed = process::json(path, "service schema remove svc");
    assert_eq!(removed, json!({"service": "svc"}));
    for (line, code, says) in [
        ("service schema set nobody good.json", 6, "nobody"),
        ("service schema set svc missing.json", 1, "missing.json"),
        ("service schema set svc bad.json", 5, "/properties/a"),
        ("service schema show svc", 6, "schema"),
        ("service schema remove svc", 6, "schema"),
    ] {
        let output = process::run(path, line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(says), "{line}: {said}");
    }
}

#[test]
fn a_section_is_rendered_with_a_schema_and_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let answer = json!({ "content": content() }).to_string();
    for (name, text) in [
        ("d.json", answer.as_str()),
        ("s.json", SCHEMA),
        ("t.hbs", "<p>"),
        ("bad.json", r#"{"items": {"title": 7}}"#),
    ] {
        std::fs::write(path.join(name), text).unwrap();
    }
    process::succeed(path, "render --schema s.json --data d.json -o out.pdf");
    let text = pdf::text(&path.join("out.pdf"));
    for shown in ["Day of birth", "Active (A)", "Visit 1", "generic"] {
        assert!(text.contains(shown), "{shown} is not in {text}");
    }
    for (line, code, says) in [
        ("--schema bad.json", 1, "/items/title"),
        ("--schema missing.json", 1, "missing.json"),
        ("--schema s.json --template t.hbs", 2, "--template"),
    ] {
        let output = process::run(path, &format!("render {line} --data d.json -o no.pdf"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(says), "{line}: {said}");
    }
    assert!(!path.join("no.pdf").exists());
}

//! `dossier render --watch`: the page that follows the files.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::process::{Running, dossier, words};

/// A preview that runs.
struct Preview {
    _process: Running,
    url: String,
}

impl Preview {
    fn start(folder: &Path) -> Self {
        let line = "render --watch --template a.hbs --data a.json --listen 127.0.0.1:0";
        let process = Running::start(folder, line, "preview");
        let url = process.ready["url"].as_str().unwrap().to_owned();
        Self {
            _process: process,
            url,
        }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.url)).await.unwrap()
    }

    async fn state(&self) -> Value {
        let text = self.get("state").await.text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The first state for which this holds.
    async fn until(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let state = self.state().await;
            if holds(&state) {
                return state;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{state}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let answer = json!({ "content": { "name": "Ada", "left": "out" } });
    std::fs::write(folder.path().join("a.json"), answer.to_string()).unwrap();
    let template = "<h1>Notes</h1><p>{{name}}</p><script>alert(1)</script>";
    std::fs::write(folder.path().join("a.hbs"), template).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_follows_the_files_and_says_what_is_wrong() {
    dossier_worker::install_tls_provider();
    let folder = sample();
    let preview = Preview::start(folder.path());
    let state = preview.until(|state| state["number"] == 1).await;
    assert_eq!(state["hasPdf"], true, "{state}");
    let texts = state["problems"].to_string();
    assert!(
        texts.contains("left") && texts.contains("script"),
        "{texts}"
    );
    assert!(!texts.contains("Ada"), "{texts}");

    let html = preview.get("section.html").await;
    let policy = html.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("sandbox"), "{policy}");
    assert!(html.text().await.unwrap().contains("<p>Ada</p>"));
    let pdf = preview.get("section.pdf").await.bytes().await.unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    for part in ["", "page.css", "page.js", "section.css"] {
        assert!(preview.get(part).await.status().is_success(), "{part}");
    }

    std::fs::write(folder.path().join("a.hbs"), "<p>\n{{#if name}}").unwrap();
    let broken = preview.until(|state| state["hasPdf"] == false).await;
    let problem = &broken["problems"][0];
    assert_eq!(
        (&problem["severity"], &problem["line"]),
        (&json!("error"), &json!(2))
    );

    let wrong = "<p>{{foo name}} {{bar left}} {{{name}}}</p>";
    std::fs::write(folder.path().join("a.hbs"), wrong).unwrap();
    let wrong = preview
        .until(|state| state["problems"][0]["line"] == 1)
        .await;
    let columns: Vec<_> = wrong["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["column"].clone())
        .collect();
    assert_eq!(columns, [6, 19, 30], "{wrong}");

    std::fs::write(folder.path().join("a.hbs"), "<p>{{name}} {{left}}</p>").unwrap();
    let mended = preview.until(|state| state["hasPdf"] == true).await;
    assert_eq!(mended["problems"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_to_the_page_at_once() {
    dossier_worker::install_tls_provider();
    let folder = sample();
    let preview = Preview::start(folder.path());
    let first = preview.until(|state| state["number"] == 1).await;
    let mut events = preview.get("events").await;
    std::fs::write(folder.path().join("a.hbs"), "<p>Another</p>").unwrap();
    let mut told = String::new();
    while !told.contains("data: 2") {
        let piece = events.chunk().await.unwrap().unwrap();
        told.push_str(&String::from_utf8_lossy(&piece));
    }
    assert_eq!(first["number"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_for_this_machine_only() {
    dossier_worker::install_tls_provider();
    let folder = sample();
    let preview = Preview::start(folder.path());
    preview.until(|state| state["number"] == 1).await;
    let http = reqwest::Client::new();
    for (host, status) in [("evil.example", 421), ("localhost:1", 200), ("[::1]", 200)] {
        let call = http.get(format!("{}section.pdf", preview.url));
        let answer = call.header("host", host).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{host}");
    }
    let line = "render --watch --template a.hbs --data a.json --listen 0.0.0.0:0";
    let output = dossier(folder.path()).args(words(line)).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("on this machine only"), "{error}");
}

/// Puts a pipe in a file's place: whoever reads it waits until it is written to and closed.
fn pipe(folder: &Path, file: &str) {
    let made = Command::new("mkfifo").arg(folder.join("new")).status();
    assert!(made.unwrap().success());
    std::fs::rename(folder.join("new"), folder.join(file)).unwrap();
}

fn save(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join("new"), text).unwrap();
    std::fs::rename(folder.join("new"), folder.join(file)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_is_given_up_when_its_files_change() {
    dossier_worker::install_tls_provider();
    let folder = sample();
    let folder = folder.path();
    let preview = Preview::start(folder);
    let first = preview.until(|state| state["number"] == 1).await;
    assert!(first["madeAt"].is_i64(), "{first}");
    assert_eq!(first["makingSince"], Value::Null);

    pipe(folder, "a.json");
    let making = preview.until(|state| state["makingSince"].is_i64()).await;
    assert_eq!(
        (&making["number"], &making["madeAt"]),
        (&json!(1), &first["madeAt"])
    );
    assert!(
        making["makingSince"].as_i64() >= first["madeAt"].as_i64(),
        "{making}"
    );

    // The first rendering still waits for its pipe.
    save(folder, "a.json", r#"{"content": {"name": "Bea"}}"#);
    let second = preview.until(|state| state["number"] == 2).await;
    assert_eq!(
        (&second["makingSince"], &second["hasPdf"]),
        (&Value::Null, &json!(true))
    );
    let html = preview.get("section.html").await.text().await.unwrap();
    assert!(html.contains("<p>Bea</p>"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_previews_that_cannot_be_stopped_one_goes_on_at_a_time() {
    dossier_worker::install_tls_provider();
    let folder = sample();
    let folder = folder.path();
    let preview = Preview::start(folder);
    preview.until(|state| state["number"] == 1).await;
    let mut since = None;
    let pipes = [folder.join("first"), folder.join("second")];
    for kept in &pipes {
        pipe(folder, "a.json");
        std::fs::hard_link(folder.join("a.json"), kept).unwrap();
        let is_begun =
            |state: &Value| state["makingSince"].is_i64() && state["makingSince"].as_i64() != since;
        since = preview.until(is_begun).await["makingSince"].as_i64();
        // Until it reads.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    save(folder, "a.json", r#"{"content": {"name": "Cleo"}}"#);
    let begun = |state: &Value| state["makingSince"].as_i64() > since;
    preview.until(begun).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let waiting = preview.state().await;
    assert_eq!(
        waiting["number"], 1,
        "two are being made already: {waiting}"
    );

    // Any of the two that comes to its end makes room.
    std::fs::write(&pipes[0], "").unwrap();
    let second = preview.until(|state| state["number"] == 2).await;
    assert_eq!(second["makingSince"], Value::Null, "{second}");
    let html = preview.get("section.html").await.text().await.unwrap();
    assert!(html.contains("<p>Cleo</p>"), "{html}");
}

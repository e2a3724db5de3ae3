//! `dossier render --watch`: the page that follows the files.

use std::path::Path;
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

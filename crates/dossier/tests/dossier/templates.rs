//! Versions of services' templates, from the command line and through the client.

use std::path::Path;
use std::time::{Duration, Instant};

use dossier_core::Sha256Hex;
use dossier_core::template::TemplateStatus;
use dossier_core::wire::ClaimView;
use serde_json::{Value, json};

use crate::harness::process::{self, Running};
use crate::harness::upstream::{Answer, Upstream};
use crate::harness::{Dossier, PATIENCE};

const TEMPLATE: &str = "<h1>{{title}}</h1>\r\n\u{20ac}";

/// Where `dossier up` runs, with a service that serves its own template.
struct Site {
    folder: tempfile::TempDir,
    upstream: Upstream,
}

impl Site {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn json(&self, line: &str) -> Value {
        process::json(self.path(), line)
    }

    fn up(&self, name: &str) -> Running {
        Running::start(self.path(), "up", name)
    }

    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let configuration = format!(
            "[api]\nlisten = \"{free}\"\n\
             [templates]\ncheck_every_seconds = 0.1\nalert_after_seconds = 0.5\n"
        );
        std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
        std::fs::write(folder.path().join("good.hbs"), TEMPLATE).unwrap();
        std::fs::write(folder.path().join("bad.hbs"), [0xff]).unwrap();
        std::fs::write(folder.path().join("odd.hbs"), "{{foo a}}{{bar b}}").unwrap();
        Self {
            folder,
            upstream: Upstream::start().await,
        }
    }

    fn add_service(&self) {
        let url = self.upstream.url("svc");
        self.json(&format!("service add svc --label S --url {url} --template"));
    }

    /// Waits until the service's template is so; answers all that is shown of it.
    fn until(&self, status: &str) -> Value {
        let begun = Instant::now();
        loop {
            let shown = self.json("template health");
            if shown[0]["status"] == status {
                return shown[0].clone();
            }
            assert!(begun.elapsed() < PATIENCE, "not {status}: {shown}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_registered_listed_and_shown_from_the_command_line() {
    let site = Site::new().await;
    let _up = site.up("up");
    site.add_service();
    assert_eq!(site.json("template list svc"), json!([]));
    let registered = site.json("template register svc good.hbs");
    assert_eq!(
        (&registered["version"], &registered["status"]),
        (&json!(1), &json!("PENDING"))
    );
    assert_eq!(site.json("template register svc good.hbs"), registered);
    assert_eq!(site.json("template list svc"), json!([registered]));
    for version in ["1", "v1"] {
        let line = format!("template show svc {version}");
        assert_eq!(process::succeed(site.path(), &line), TEMPLATE);
    }
    let shown = site.json("template show svc 1");
    assert_eq!(shown, json!({"version": 1, "text": TEMPLATE}));
    let listed = process::succeed(site.path(), "template list svc");
    let digest = registered["fileHash"].as_str().unwrap();
    assert!(listed.contains("v1") && listed.contains(digest), "{listed}");

    for (line, code, says) in [
        ("template register nobody good.hbs", 6, "nobody"),
        ("template register svc missing.hbs", 1, "missing.hbs"),
        ("template register svc bad.hbs", 5, "line 1, column 1"),
        ("template register svc odd.hbs", 5, "line 1, column 3"),
        ("template register svc odd.hbs", 5, "line 1, column 12"),
        ("template list nobody", 6, "nobody"),
        ("template show svc 2", 6, "template version"),
        ("template show svc v0", 2, "from 1"),
    ] {
        let output = process::run(site.path(), line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(says), "{line}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_logged_once_and_outlives_a_restart() {
    let site = Site::new().await;
    let first = site.up("first");
    site.upstream.template("svc", TEMPLATE);
    site.add_service();
    site.until("NOT_REGISTERED");
    let alert = site.until("ALERT");
    assert_eq!(alert["version"], Value::Null);
    let served = alert["servedSha256"].as_str().unwrap();
    let text = process::succeed(site.path(), "template health");
    assert!(text.contains("svc") && text.contains("alert"), "{text}");
    let raised = |log: &str| {
        let errors = log.lines().filter(|line| line.contains("ERROR"));
        errors.map(str::to_owned).collect::<Vec<_>>()
    };
    let log = raised(&first.log());
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].contains("svc") && log[0].contains(served), "{log:?}");
    drop(first);

    let second = site.up("second");
    let begun = Instant::now();
    while site.until("ALERT")["checkedAt"] == alert["checkedAt"] {
        assert!(begun.elapsed() < PATIENCE, "nobody asks any more");
    }
    assert_eq!(site.until("ALERT")["since"], alert["since"]);
    site.json("template register svc good.hbs");
    assert_eq!(site.until("UP_TO_DATE")["version"], 1);
    let log = second.log();
    assert_eq!(raised(&log), [""; 0]);
    let ended = log.lines().filter(|line| line.contains("no longer serves"));
    assert_eq!(ended.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_finds_out_which_version_a_service_serves() {
    let mut dossier = Dossier::start().await;
    dossier.stop_workers().await;
    let service = dossier.service("svc", [Answer::Status(204)]).await;
    let client = &dossier.client;
    let content = TEMPLATE.as_bytes().to_vec();
    let checked = client.validate_template(content.clone()).await.unwrap();
    let registered = client.register_template(service.id.into(), content);
    let registered = registered.await.unwrap();
    assert_eq!(registered.file_hash, checked.file_hash);
    let id = dossier.request(&["svc"]).await;
    let ClaimView { lease_token, .. } = client.claim(id, None).await.unwrap();
    let name = "svc".parse().unwrap();
    let unknown = Sha256Hex::from_digest(&[7; 32]);
    let refused = client
        .resolve_template(id, &name, lease_token, &unknown)
        .await;
    let refused = refused.unwrap_err();
    assert!(refused.is_template_unregistered(), "{refused}");
    assert!(!refused.is_conflict(), "the lease is not lost by it");
    for digest in [unknown.as_str(), &registered.file_hash] {
        assert!(refused.to_string().contains(digest), "{refused}");
    }
    let served = registered.file_hash.parse().unwrap();
    let resolved = client
        .resolve_template(id, &name, lease_token, &served)
        .await;
    let resolved = resolved.unwrap();
    assert_eq!(
        (resolved.version, resolved.status),
        (1, TemplateStatus::Published)
    );
    let versions = client.template_versions(service.id.into()).await.unwrap();
    assert_eq!(versions[0].status, TemplateStatus::Published);
    let stale = dossier_core::LeaseToken::generate();
    let refused = client.resolve_template(id, &name, stale, &served).await;
    assert!(refused.unwrap_err().is_lease_lost());
}

//! The program as an operator and a script use it.

use crate::harness;

use std::path::Path;

use crate::harness::process::{self, Running};
use crate::harness::upstream::{Answer, Upstream};
use serde_json::json;

/// A folder in which `dossier up` runs, with one service in the catalogue.
struct Site {
    folder: tempfile::TempDir,
    up: Running,
    upstream: Upstream,
}

impl Site {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let configuration = format!(
            "[api]\nlisten = \"{free}\"\n[worker]\nattempt_pause_seconds = 0.1\n\
             [lease]\nattempts_max = 1\n[log]\nfilter = \"trace\"\n"
        );
        std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
        let up = Running::start(folder.path(), "up", "up");
        let upstream = Upstream::start().await;
        upstream.answer(
            "good",
            [Answer::Content(json!([{ "note": "Secret-of-a-lifetime" }]))],
        );
        upstream.answer("bad", [Answer::Status(404)]);
        let site = Self {
            folder,
            up,
            upstream,
        };
        for name in ["good", "bad"] {
            let url = site.upstream.url(name);
            site.json(&format!(
                "service add {name} --label \"A {name} one\" --url {url}"
            ));
        }
        site
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn json(&self, line: &str) -> serde_json::Value {
        process::json(self.path(), line)
    }

    fn exit_code(&self, line: &str) -> (Option<i32>, String) {
        let output = process::run(self.path(), line);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

const PERSONAL: [&str; 4] = [
    "A1234AA",
    "CASE-SECRET-9",
    "LOVELACE",
    "Secret-of-a-lifetime",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_made_watched_and_downloaded_from_the_command_line() {
    let mut site = Site::start().await;
    let line = "request create --case CASE-SECRET-9 --nomis-id A1234AA --name \"LOVELACE, Ada\" \
                --service good";
    let id = site.json(line)["id"].as_str().unwrap().to_owned();
    let watched = site.json(&format!("request watch {id}"));
    assert_eq!(watched["status"], "Completed");
    assert_eq!(
        site.json(&format!("request show {id}"))["services"][0]["renderStatus"],
        "COMPLETE"
    );
    let downloaded = site.json(&format!("request download {id} -o r.pdf"));
    assert_eq!(downloaded["bytes"], watched["bytes"]);
    assert!(harness::pdf::text(&site.path().join("r.pdf")).contains("Secret-of-a-lifetime"));
    let package = site.json(&format!("request download {id} --package"));
    let path = format!("report-{id}-package.zip");
    assert_eq!(package["path"], path);
    assert!(site.path().join(path).is_file());
    let all = site.json(&format!("request download {id} --all -o all"));
    let kinds: Vec<_> = all.as_array().unwrap().iter().map(|d| &d["kind"]).collect();
    assert_eq!(kinds, ["REPORT", "COPY", "PACKAGE"]);
    for document in all.as_array().unwrap() {
        let path = site.path().join(document["path"].as_str().unwrap());
        assert_eq!(path.metadata().unwrap().len(), document["bytes"]);
    }
    let listed = site.json("request list --search case-secret");
    assert_eq!(listed["requests"][0]["id"], json!(id));
    assert!(!listed["requests"][0]["lastDownloaded"].is_null());
    let text = process::succeed(site.path(), &format!("request show {id}"));
    assert!(
        ["Completed", "A good one", "\nReport  ", "\nPackage  "]
            .iter()
            .all(|shown| text.contains(shown)),
        "{text}"
    );

    // Nothing about the person is in the most talkative log there is.
    site.up.signal("TERM");
    assert_eq!(site.up.wait(), Some(0));
    let log = site.up.log();
    assert!(log.contains(&id), "the log names the request: {log}");
    for personal in PERSONAL {
        assert!(!log.contains(personal), "the log holds personal data");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_are_the_documented_ones() {
    let site = Site::start().await;
    let unknown = "00000000-0000-7000-8000-000000000000";
    let create = "request create --case C-1 --nomis-id A1234AA";
    for (line, code, says) in [
        ("request", 2, "Usage"),
        (&format!("request show {unknown}"), 6, "request"),
        (&format!("request download {unknown}"), 6, ""),
        (&format!("request download {unknown} --all"), 6, ""),
        (
            &format!("request download {unknown} --copy --package"),
            2,
            "",
        ),
        (&format!("request watch {unknown} --every=-1"), 2, "--every"),
        (
            &format!("request watch {unknown} --timeout nan"),
            2,
            "--timeout",
        ),
        (
            &format!("reference lookup prisons {}", "X ".repeat(10_001)),
            2,
            "10000",
        ),
        ("service suspend nobody", 6, "nobody"),
        (&format!("{create} --service nobody"), 5, "nobody"),
        (&format!("{create} --service bad --watch"), 7, "404"),
        ("service add good --label x --url http://x", 5, "good"),
        ("service change nobody --label x", 6, "nobody"),
        ("service change good --url nowhere", 5, "url"),
        ("service change good", 2, "--label"),
        (
            "service change good --template --no-template",
            2,
            "cannot be used with",
        ),
        (
            "service change good --enabled --disabled",
            2,
            "cannot be used with",
        ),
        (
            "request create --case C-1",
            2,
            "<--nomis-id <ID>|--ndelius-id <ID>>",
        ),
        (&format!("{create} --ndelius-id X123456"), 2, "--ndelius-id"),
        ("service test http://x", 2, "<--prn <ID>|--crn <ID>>"),
        ("--config missing.toml request list", 3, "missing.toml"),
    ] {
        let (got, stderr) = site.exit_code(line);
        assert_eq!(got, Some(code), "{line}: {stderr}");
        assert!(stderr.contains(says), "{line}: {stderr}");
        assert!(!stderr.contains("A1234AA"), "{line}: {stderr}");
    }
    let output = process::dossier(site.path())
        .env("DOSSIER_API__URL", "http://127.0.0.1:1")
        .args(["service", "add", "x", "--label", "x", "--url", "http://x"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "an API that is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_changed_in_what_is_given_and_nothing_else() {
    let site = Site::start().await;
    let line =
        "service add visits --label Visits --url http://localhost:1 --category prison --rank 3";
    let mut expected = site.json(line);
    let shown = || {
        let services = site.json("service list");
        let services = services.as_array().unwrap().clone();
        services
            .into_iter()
            .find(|service| service["name"] == "visits")
    };
    for (changes, members) in [
        (
            "--label \"Visits to prison\"",
            json!({ "label": "Visits to prison" }),
        ),
        (
            "--url http://localhost:2/ --category probation",
            json!({ "url": "http://localhost:2/", "category": "PROBATION" }),
        ),
        ("--template", json!({ "templateMigrated": true })),
        ("--rank 9", json!({ "rank": 9 })),
        ("--disabled", json!({ "enabled": false })),
        ("--label Visits", json!({ "label": "Visits" })),
        (
            "--enabled --no-template --no-rank",
            json!({ "enabled": true, "templateMigrated": false, "rank": null }),
        ),
    ] {
        for (name, value) in members.as_object().unwrap() {
            expected[name] = value.clone();
        }
        let changed = site.json(&format!("service change visits {changes}"));
        assert_eq!(changed, expected, "{changes}");
        assert_eq!(shown(), Some(changed), "{changes}");
    }
    site.json("service suspend visits");
    let changed = site.json("service change visits --category Other");
    assert_eq!(changed["suspended"], true, "{changed}");
    let said = process::succeed(site.path(), "service change visits --label Visits");
    assert_eq!(said.trim_end(), "changed visits");
}

#[test]
fn what_is_printed_for_programs_is_json_but_for_scripts_and_html() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.hbs"), "<p>{{a}}</p>").unwrap();
    std::fs::write(folder.path().join("d.json"), r#"{"content": {"a": 1}}"#).unwrap();
    let rendering = "--json render --template t.hbs --data d.json";
    let html = process::succeed(folder.path(), &format!("{rendering} -o -"));
    assert_eq!(html, "<p>1</p>");
    let script = process::succeed(folder.path(), "--json completions bash");
    assert!(script.starts_with("_dossier()"), "{script}");
    for (line, code) in [
        (&format!("{rendering} -o out.txt")[..], 2),
        ("--json render --data nowhere.json -o out.pdf", 1),
        ("--json request list", 1),
        ("--json request show", 2),
    ] {
        let output = process::run(folder.path(), line);
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(output.stdout.is_empty(), "{line}");
        assert!(!output.stderr.is_empty(), "{line}");
    }
}

#[test]
fn unknown_keys_are_refused_by_name_wherever_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("dossier.toml"),
        "[worker]\nrequest_at_once = 3\n",
    )
    .unwrap();
    let output = process::run(folder.path(), "config check");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("request_at_once") && stderr.contains("worker"),
        "{stderr}"
    );

    std::fs::remove_file(folder.path().join("dossier.toml")).unwrap();
    let output = process::dossier(folder.path())
        .env("DOSSIER_LEASE__LOCK_PERIOD_SECOND", "3")
        .args(["config", "check"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("lock_period_second"), "{stderr}");
}

#[test]
fn variables_stand_above_the_file_and_secrets_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file =
        "time_zone = \"Europe/Paris\"\n[api]\ntoken = \"opensesame\"\n[lease]\nattempts_max = 3\n";
    std::fs::write(folder.path().join("dossier.toml"), file).unwrap();
    let output = process::dossier(folder.path())
        .env("DOSSIER_LEASE__ATTEMPTS_MAX", "7")
        .args(["config", "show", "--json"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown["lease"]["attempts_max"], 7);
    assert_eq!(shown["time_zone"], "Europe/Paris");
    assert!(!text.contains("opensesame"), "{text}");
}

#[test]
fn every_contradiction_is_listed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = "time_zone = \"Mars/Olympus\"\n[lease]\nlock_period_seconds = 0.0\n[worker]\ntries_max = 0\n";
    std::fs::write(folder.path().join("dossier.toml"), file).unwrap();
    let output = process::run(folder.path(), "config check");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    for key in ["time_zone", "lease.lock_period_seconds", "worker.tries_max"] {
        assert!(stderr.contains(key), "{key}: {stderr}");
    }
}

#[test]
fn legacy_templates_with_which_no_worker_starts_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    let check = || {
        let output = process::run(folder.path(), "config check");
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let configuration = "[worker]\nlegacy_templates_folder = \"legacy\"\n";
    write("dossier.toml", configuration.as_bytes());
    let (code, stderr) = check();
    assert_eq!(code, Some(3), "{stderr}");
    let says = "worker.legacy_templates_folder: the legacy templates' legacy cannot be read";
    assert!(stderr.contains(says), "{stderr}");

    std::fs::create_dir(folder.path().join("legacy")).unwrap();
    write("legacy/good.mustache", b"{{x}}");
    write("legacy/README", b"{{");
    assert_eq!(check(), (Some(0), String::new()));

    write("legacy/a.mustache", b"a\n{{foo x}}");
    write("legacy/template_b.hbs", b"a\nb\n\xff");
    write("legacy/template_c.hbs", b"a{{> nowhere}}");
    let (code, stderr) = check();
    assert_eq!(code, Some(3), "{stderr}");
    for says in [
        "legacy/a.mustache:2:3: no helper is named `foo`",
        "legacy/template_b.hbs:3:1: this is not UTF-8",
        "legacy/template_c.hbs:1:",
    ] {
        assert!(stderr.contains(says), "{says}: {stderr}");
    }
    let up = process::run(folder.path(), "up");
    let refused = String::from_utf8(up.stderr).unwrap();
    assert!(!up.status.success(), "{refused}");
    assert!(refused.contains("legacy/a.mustache:2:3"), "{refused}");
}

#[test]
fn the_first_start_makes_a_token_that_only_the_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("dossier.toml"),
        "[api]\nlisten = \"127.0.0.1:0\"\n",
    )
    .unwrap();
    let first = Running::start(folder.path(), "up", "first");
    let token = first.ready["newToken"].as_str().unwrap().to_owned();
    let file = folder.path().join("dossier-data/token");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), token);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o077,
        0
    );
    drop(first);
    let second = Running::start(folder.path(), "up", "second");
    assert!(second.ready["newToken"].is_null());
}

#[test]
fn man_pages_and_completions_come_from_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    process::succeed(folder.path(), "man pages");
    let page =
        std::fs::read_to_string(folder.path().join("pages/dossier-request-create.1")).unwrap();
    assert!(page.contains("nomis"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            process::succeed(folder.path(), &format!("completions {shell}")).contains("dossier")
        );
    }
    let version = process::succeed(folder.path(), "--version");
    assert_eq!(
        version.trim(),
        format!("dossier {}", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_taken_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("DOSSIER_API__LISTEN", "127.0.0.1:0"),
        ("DOSSIER_API__TOKEN", "000123"),
        ("DOSSIER_API__REQUEST_BODY_BYTES_MAX", "2048"),
        ("DOSSIER_LEASE__LOCK_PERIOD_SECONDS", "1.5"),
        ("DOSSIER_WORKER__NAME", "1e3"),
        ("DOSSIER_REPORT__WORDING__TITLE", "true"),
    ];
    let up = Running::start_with(folder.path(), "api", "api", &variables[..4]);
    let url: url::Url = up.ready["url"].as_str().unwrap().parse().unwrap();
    for (token, is_known) in [("000123", true), ("123", false)] {
        let client = dossier_worker::ApiClient::new(url.clone(), &token.to_owned().into(), None);
        assert_eq!(
            client.unwrap().services().await.is_ok(),
            is_known,
            "{token}"
        );
    }
    let shown = process::dossier(folder.path())
        .args(["config", "show", "--json"])
        .envs(variables)
        .env("DOSSIER_REPORT__FALLBACK_FONTS", "a.ttf, b.otf")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["worker"]["name"], "1e3");
    assert_eq!(shown["report"]["wording"]["title"], "true");
    assert_eq!(shown["report"]["fallback_fonts"], json!(["a.ttf", "b.otf"]));
    assert_eq!(shown["api"]["request_body_bytes_max"], 2048);
    assert_eq!(shown["lease"]["lock_period_seconds"], 1.5);
}

#[test]
fn two_workers_may_share_a_data_folder_and_need_no_folder_for_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let occupied = folder.path().join("occupied");
    std::fs::write(&occupied, "another user's").unwrap();
    let variables = [
        ("DOSSIER_API__LISTEN", "127.0.0.1:0"),
        ("TMPDIR", occupied.to_str().unwrap()),
    ];
    let up = Running::start_with(folder.path(), "up", "up", &variables);
    let url = up.ready["url"].as_str().unwrap();
    let variables = [variables[1], ("DOSSIER_API__URL", url)];
    let _second = Running::start_with(folder.path(), "worker", "second", &variables);
    let spool = std::fs::read_dir(folder.path().join("dossier-data/spool")).unwrap();
    let own = spool.filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(own.count(), 2);
}

#[test]
fn up_says_that_it_listens_only_if_its_worker_can_start() {
    let folder = tempfile::tempdir().unwrap();
    let output = process::dossier(folder.path())
        .arg("up")
        .env("DOSSIER_API__LISTEN", "127.0.0.1:0")
        .env("DOSSIER_REPORT__FALLBACK_FONTS", "missing.ttf")
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{log}");
    assert!(log.contains("missing.ttf"), "{log}");
    assert!(!log.contains("listening"), "{log}");
}

#[test]
fn a_log_that_goes_to_a_file_has_no_colours() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("DOSSIER_API__LISTEN", "127.0.0.1:0")];
    let mut up = Running::start_with(folder.path(), "up", "up", &variables);
    up.signal("TERM");
    assert_eq!(up.wait(), Some(0));
    assert!(up.log().contains("the API is listening"), "{}", up.log());
    assert!(!up.log().contains('\x1b'), "{}", up.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_how_many_characters_no_font_has_and_not_which() {
    let site = Site::start().await;
    let content = json!({"one": "\u{6f22}\u{5b57}"});
    site.upstream.answer("good", [Answer::Content(content)]);
    site.json("request create --case C-1 --nomis-id A1234AA --service good --watch");
    let log = site.up.log();
    assert!(log.contains("unsupported_characters=2"), "{log}");
    assert!(!log.contains('\u{6f22}'), "{log}");
}

#[test]
fn a_measurement_that_passes_its_limit_fails_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for (line, limit) in [
        (
            "bench collect --services 1 --answer-ms 50 --runs 1",
            "--median-max-seconds 0.01",
        ),
        ("bench fetch --megabytes 1", "--rise-max-mib -1"),
        ("bench idle --seconds 1", "--memory-max-mb 1"),
        ("bench idle --seconds 1", "--core-max-percent -1"),
        ("bench report --pages 10 --runs 1", "--memory-max-mb 1"),
        (
            "bench report --pages 10 --runs 1",
            "--bytes-per-page-max 100",
        ),
    ] {
        let limit = limit.replace(' ', "=");
        let output = process::run(folder.path(), &format!("{line} {limit}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains("at most"), "{line}: {said}");
        assert!(!output.stdout.is_empty(), "{line} prints what it measured");
    }
}

#[test]
fn silent_connections_keep_nobody_out_for_longer_than_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("DOSSIER_API__LISTEN", "127.0.0.1:0"),
        ("DOSSIER_API__CONNECTIONS_MAX", "1"),
        ("DOSSIER_API__CONNECTION_IDLE_SECONDS_MAX", "1"),
    ];
    let api = Running::start_with(folder.path(), "api", "api", &variables);
    let url = api.ready["url"].as_str().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let _silent = [(); 2].map(|()| std::net::TcpStream::connect(address).unwrap());
    let began = std::time::Instant::now();
    let listed = process::dossier(folder.path())
        .args(["service", "list"])
        .env("DOSSIER_API__URL", url)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let waited = began.elapsed().as_secs();
    assert!((1..5).contains(&waited), "two silent ones were waited for");
}

#[test]
fn lists_can_come_from_variables() {
    let folder = tempfile::tempdir().unwrap();
    let output = process::dossier(folder.path())
        .env("DOSSIER_WORKER__ATTACHMENT_HOSTS", "a.example,b.example")
        .env("DOSSIER_REPORT__PACKAGE", "unprinted")
        .args(["config", "show", "--json"])
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let hosts = &shown["worker"]["attachment_hosts"];
    assert_eq!(*hosts, json!(["a.example", "b.example"]));
    assert_eq!(shown["report"]["package"], "unprinted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nothing() {
    dossier_worker::install_tls_provider();
    let folder = tempfile::tempdir().unwrap();
    let mut up = process::dossier(folder.path())
        .args(["up", "--json"])
        .env("DOSSIER_API__LISTEN", "127.0.0.1:0")
        .env("DOSSIER_LOG__FILTER", "debug")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let stdout = up.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    drop(up.stderr.take());
    let health = format!("{}health/liveness", ready["url"].as_str().unwrap());
    for _ in 0..20 {
        assert!(reqwest::get(&health).await.unwrap().status().is_success());
    }
    assert!(up.try_wait().unwrap().is_none(), "it has stopped");
    up.kill().unwrap();
    up.wait().unwrap();
}

#[test]
fn a_token_that_no_header_can_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for token in ["", " ", "a b", "\u{e9}"] {
        let output = process::dossier(folder.path())
            .args(["config", "show"])
            .env("DOSSIER_API__TOKEN", token)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{token:?}");
        assert!(said.contains("api.token"), "{said}");
    }
}

#[test]
fn a_converter_does_not_outlive_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let script = format!(
        "#!/bin/sh\nsleep 300 & echo $! > {0}.new; mv {0}.new {0}; wait\n",
        path("child").display()
    );
    std::fs::write(path("converter"), script).unwrap();
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path("converter"), all).unwrap();
    std::fs::write(path("note.rtf"), r"{\rtf1 A note}").unwrap();
    let answer = r#"{"content": 1, "attachments": [{"url": "http://x", "filename": "note.rtf"}]}"#;
    std::fs::write(path("answer.json"), answer).unwrap();
    let mut program = process::dossier(folder.path())
        .args(process::words(
            "render --data answer.json --attachments . -o answer.pdf",
        ))
        .env("DOSSIER_REPORT__OFFICE__PROGRAM", path("converter"))
        .spawn()
        .unwrap();
    let start = std::time::Instant::now();
    while !path("child").exists() {
        assert!(start.elapsed().as_secs() < 60, "nothing is converted");
        assert!(program.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let child = std::fs::read_to_string(path("child")).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(runs());
    program.kill().unwrap();
    program.wait().unwrap();
    let start = std::time::Instant::now();
    while runs() {
        assert!(start.elapsed().as_secs() < 10, "the converter goes on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_database_that_is_away_is_told_from_a_configuration_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let check = |ca_file: Option<&Path>| {
        let mut command = process::dossier(folder.path());
        command
            .env(
                "DOSSIER_STORE__URL",
                "postgres://dossier:hunter2@127.0.0.1:1/dossier",
            )
            .args(["config", "check"]);
        if let Some(file) = ca_file {
            command.env("DOSSIER_STORE__CA_FILE", file);
        }
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("hunter2"), "{stderr}");
        (output.status.code(), stderr)
    };
    let (code, stderr) = check(None);
    assert_eq!(code, Some(4), "{stderr}");
    assert!(stderr.contains("nobody listens there"), "{stderr}");

    let (code, stderr) = check(Some(&ca_file));
    assert_eq!(code, Some(3), "{stderr}");
    let named = format!("store.ca_file: {}", ca_file.display());
    assert_eq!(stderr.matches(&named).count(), 1, "{stderr}");

    std::fs::write(&ca_file, "no certificate").unwrap();
    let (code, stderr) = check(Some(&ca_file));
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains(&named), "{stderr}");
    assert!(stderr.contains("no certificates in PEM form"), "{stderr}");
    // A command that only uses the database says so, too.
    let migrate = process::dossier(folder.path())
        .env(
            "DOSSIER_STORE__URL",
            "postgres://dossier:hunter2@127.0.0.1:1/dossier",
        )
        .env("DOSSIER_STORE__CA_FILE", &ca_file)
        .args(["migrate", "--check"])
        .output()
        .unwrap();
    assert_eq!(migrate.status.code(), Some(3));
}

//! Reference data as an operator looks after it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::harness::process::{self, Running};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

/// A service that knows a prison and a user, and notes the tokens that it sees.
async fn service() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&tokens);
    let answer = move |request: Request| async move {
        let token = request.headers().get(header::AUTHORIZATION);
        let token = token.map_or("", |value| value.to_str().unwrap());
        seen.lock().unwrap().push(token.to_owned());
        match request.uri().path() {
            "/prisons/names" => {
                axum::Json(json!([{"prisonId": "QQQ", "prisonName": "Secret-Prison"}]))
                    .into_response()
            }
            "/users/SECRET_USER" => {
                axum::Json(json!({"lastName": "Secret-Lovelace"})).into_response()
            }
            "/broken/SECRET_USER" => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Secret-Fault").into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    };
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, tokens)
}

fn free_address() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

fn start(folder: &Path, sources: &str) -> Running {
    let listen = free_address();
    let configuration = format!(
        "[api]\nlisten = \"{listen}\"\n[log]\nfilter = \"trace\"\n\
         [worker.upstream_auth]\nkind = \"file\"\npath = \"service-token\"\n{sources}"
    );
    std::fs::write(folder.join("service-token"), "token-of-services\n").unwrap();
    std::fs::write(folder.join("dossier.toml"), configuration).unwrap();
    Running::start(folder, "up", "up")
}

fn write(folder: &Path, file: &str, content: &str) {
    std::fs::write(folder.join(file), content).unwrap();
}

#[test]
fn names_are_imported_looked_up_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let _up = start(folder, "");
    assert!(process::succeed(folder, "reference list").contains("no names yet"));
    write(
        folder,
        "prisons.csv",
        "name,code\nMoorland,MDI\nLeeds,LEI\n",
    );
    let imported = process::json(folder, "reference import prisons prisons.csv");
    assert_eq!(imported, json!([{"kind": "prisons", "entries": 2}]));
    let text = process::succeed(folder, "reference lookup prisons MDI XXX");
    assert!(
        text.contains("MDI   Moorland") && text.contains("XXX   -"),
        "{text}"
    );
    // Neither ending nor case of the kind matters, nor a byte order mark.
    write(
        folder,
        "names",
        "\u{feff} [{\"code\": 7, \"name\": \"Gym\"}]",
    );
    process::succeed(folder, "reference import LOCATIONSBYNOMISID names");
    assert_eq!(
        process::json(folder, "reference lookup locations-by-nomis-id 7 8"),
        json!({"7": "Gym"})
    );

    let preview = json!({
        "prisons": {"MDI": "Moor", "*": "A prison"}, "users": {"ADA_GEN": "Lovelace"},
        "locationsByDpsId": {"*": "A place"},
    });
    write(folder, "preview.json", &preview.to_string());
    let imported = process::json(folder, "reference import preview.json");
    let expected = json!([{"kind": "prisons", "entries": 1}, {"kind": "users", "entries": 1}]);
    assert_eq!(imported, expected);
    let found = process::json(folder, "reference lookup prisons MDI LEI");
    assert_eq!(found, json!({"MDI": "Moor"}));

    // Windows' editors put a byte order mark before a text.
    write(folder, "preview.json", &format!("\u{feff}{preview}"));
    let text = process::succeed(folder, "reference import preview.json");
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        "1 name of prisons is now imported",
        "1 name of users is now imported",
    ];
    assert_eq!(lines, expected);

    let listed = process::json(folder, "reference list");
    let kinds: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["kind"])
        .collect();
    assert_eq!(kinds, ["prisons", "users", "locationsByNomisId"]);
    let removed = process::json(folder, "reference remove prisons");
    assert_eq!(removed, json!({"source": "import", "kind": "prisons"}));
    assert_eq!(
        process::json(folder, "reference lookup prisons MDI"),
        json!({})
    );
}

#[test]
fn what_cannot_be_done_is_said_with_the_documented_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let _up = start(folder, "");
    write(folder, "bad.csv", "code,name\nSecret-1\n");
    write(folder, "bad.json", "{\"MDI\":\n[\"Secret-2\"]}");
    write(folder, "kinds.json", "{\"castles\": {\"a\": \"Secret-3\"}}");
    write(folder, "deep.json", "{\"users\": [\"Secret-4\"]}");
    write(folder, "star.json", "{\"users\": {\"*\": \"Secret-5\"}}");
    write(
        folder,
        "twice.json",
        "{\"users\": {\"a\": \"Secret-6\",\n\"a\": \"Secret-7\"}}",
    );
    write(
        folder,
        "kind-twice.json",
        "{\"users\": {\"a\": \"Secret-8\"},\n\"users\": {}}",
    );
    write(folder, "broken.json", "{\"users\": {\"a\": \"Secret-9}");
    write(
        folder,
        "open.csv",
        "code,name,note\nA,x,\"oops\nB,Secret-10,\nC,z,\n",
    );
    for (line, code, says) in [
        ("import twice.json", 1, "line 2, column"),
        ("import twice.json", 1, "this code of users came before"),
        ("import kind-twice.json", 1, "users came before"),
        ("import broken.json", 1, "not well-formed"),
        ("import prisons open.csv", 5, "line 2, column 3: "),
        ("import prisons bad.csv", 5, "line 2"),
        ("import prisons bad.json", 5, "line 2, column"),
        ("import castles bad.csv", 2, "locationsByDpsId"),
        ("import kinds.json", 1, "line 1, column"),
        ("import deep.json", 1, "users must be an object"),
        ("import star.json", 1, "no names"),
        ("import prisons missing.csv", 1, "missing.csv"),
        ("import", 2, "KIND"),
        ("lookup castles MDI", 2, "prisons"),
        ("lookup prisons", 2, "CODES"),
        ("remove prisons", 6, "prisons"),
        ("remove prisons --source No/Body", 6, "No/Body"),
        ("refresh nobody", 6, "source"),
    ] {
        let output = process::run(folder, &format!("reference {line}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(says), "{line}: {said}");
        assert!(!said.contains("Secret"), "{line}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_sources_give_names_and_no_log_line_holds_a_code_or_a_name() {
    let (url, tokens) = service().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sources = format!(
        "[reference.sources.register]\nkind = \"prison-register\"\nurl = \"{url}\"\n\
         [reference.sources.users]\nkind = \"each\"\nof = \"users\"\n\
         url = \"{url}/users/{{code}}\"\nname = \"/lastName\"\n\
         [reference.sources.broken]\nkind = \"each\"\nof = \"locationsByDpsId\"\n\
         url = \"{url}/broken/{{code}}\"\nname = \"/name\"\n"
    );
    let mut up = start(folder, &sources);
    let began = Instant::now();
    let found = loop {
        let found = process::json(folder, "reference lookup prisons QQQ");
        if found != json!({}) {
            break found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{}", up.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(found, json!({"QQQ": "Secret-Prison"}));
    let found = process::json(folder, "reference lookup users SECRET_USER SECRET_OTHER");
    assert_eq!(found, json!({"SECRET_USER": "Secret-Lovelace"}));
    let found = process::json(folder, "reference lookup locationsByDpsId SECRET_USER");
    assert_eq!(found, json!({}));
    let due = process::json(folder, "reference refresh register");
    assert_eq!(due, json!({"source": "register"}));
    let refused = process::run(folder, "reference refresh users");
    assert_eq!(refused.status.code(), Some(5));
    write(
        folder,
        "users.csv",
        "code,name\nSECRET_IMPORT,Secret-Import\nSECRET_BAD,\n",
    );
    process::run(folder, "reference import users users.csv");
    write(
        folder,
        "users.csv",
        "code,name\nSECRET_IMPORT,Secret-Import\n",
    );
    process::succeed(folder, "reference import users users.csv");

    let listed = process::json(folder, "reference list");
    let of = |name: &str| -> Value {
        let mut views = listed.as_array().unwrap().iter();
        views.find(|view| view["source"] == name).unwrap().clone()
    };
    assert_eq!(of("register")["entries"], 1);
    assert_eq!(
        (&of("users")["entries"], &of("users")["onDemand"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(of("broken")["error"], "it answered with status 500");
    let text = process::succeed(folder, "reference list");
    assert!(
        text.contains("status 500") && text.contains("on demand"),
        "{text}"
    );
    let tokens = tokens.lock().unwrap().clone();
    assert_eq!(
        tokens[0], "Bearer token-of-services",
        "the register's kind wants it"
    );
    assert!(
        tokens.iter().any(String::is_empty),
        "the others were not said to want it"
    );

    up.signal("TERM");
    assert_eq!(up.wait(), Some(0));
    let log = up.log();
    for expected in [
        "source=register",
        "source=broken",
        "reference data imported",
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
    for private in ["Secret-", "SECRET_", "QQQ", "token-of-services"] {
        let line = log.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "{private} is in the log");
    }
}

/// A register that never answers its first call.
async fn register_that_hangs_at_first() -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let is_first = Arc::new(AtomicBool::new(true));
    let answer = move || {
        let is_first = Arc::clone(&is_first);
        async move {
            if is_first.swap(false, Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            axum::Json(json!([{"prisonId": "MDI", "prisonName": "Moorland"}]))
        }
    };
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn list_says(folder: &Path, text: &str) {
    let began = Instant::now();
    loop {
        let list = process::succeed(folder, "reference list");
        if list.contains(text) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{list}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_being_loaded_at_a_restart_is_loaded_after_it() {
    let url = register_that_hangs_at_first().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sources = format!(
        "[reference.sources.register]\nkind = \"prison-register\"\nurl = \"{url}\"\n\
         seconds_max = 600\n"
    );
    let mut up = start(folder, &sources);
    list_says(folder, "loading").await;
    up.signal("TERM");
    assert_eq!(up.wait(), Some(0));
    let _up = start(folder, &sources);
    list_says(folder, "good").await;
    let found = process::json(folder, "reference lookup prisons MDI");
    assert_eq!(found, json!({"MDI": "Moorland"}));
}

#[test]
fn a_source_that_cannot_be_right_stops_the_start_with_all_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = "[reference.sources.Users]\nkind = \"each\"\nurl = \"x\"\n\
         [reference.sources.list]\nkind = \"list\"\nurl = \"http://x\"\nof = \"users\"\n";
    write(folder.path(), "dossier.toml", configuration);
    let output = process::run(folder.path(), "config check");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    for key in [
        "Users: ",
        "Users.of",
        "Users.url",
        "Users.name",
        "list.code",
        "list.name",
    ] {
        assert!(
            said.contains(&format!("reference.sources.{key}")),
            "{key}: {said}"
        );
    }
    for (table, says) in [
        ("kind = \"lists\"", "kind: must be prison-register"),
        (
            "kind = \"list\"\nof = \"user\"",
            "of: must be one of prisons",
        ),
        ("kind = \"list\"\nurls = \"x\"", "urls"),
        ("kind = \"list\"", "url"),
    ] {
        let configuration = format!("[reference.sources.a]\n{table}\n");
        write(folder.path(), "dossier.toml", &configuration);
        let output = process::run(folder.path(), "config check");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains("reference.sources.a") && said.contains(says),
            "{said}"
        );
    }
}

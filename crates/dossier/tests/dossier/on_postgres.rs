//! Several API and worker processes on one PostgreSQL database, and what happens when they are
//! killed.

use std::collections::HashSet;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use dossier_core::{Private, RequestId};
use dossier_worker::ApiClient;
use serde_json::json;
use sqlx::Connection;

use crate::harness;
use crate::harness::postgres::{PASSWORD, Server};
use crate::harness::process::{Running, dossier, run, succeed, words};
use crate::harness::upstream::{Answer, Upstream};
use crate::harness::{request_body, service_body, until};

/// Documents that a completed request has: the report, the subject's copy and the package.
pub const MADE: usize = 3;

const CONFIGURATION: &str = r#"
data_folder = "DATA"
[api]
listen = "127.0.0.1:0"
token = "the-test-token"
[store]
url_file = "database-url"
[lease]
lock_period_seconds = 3.0
attempts_max = 50
[housekeeping]
every_seconds = 0.2
abandoned_after_seconds = 0.5
[worker]
requests_at_once = 4
poll_wait_seconds = 5
poll_pause_seconds_max = 0.5
attempt_pause_seconds = 0.1
shutdown_grace_seconds = 0.5
[log]
format = "json"
"#;

pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// A folder configured for a database of its own.
pub struct Site {
    pub folder: tempfile::TempDir,
    pub database: String,
}

impl Site {
    fn new() -> Self {
        Self::new_with("")
    }

    /// One with tables of the configuration that are appended.
    pub fn new_with(tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = server().database();
        std::fs::write(
            folder.path().join("database-url"),
            format!("{}\n", server().network_url(&database)),
        )
        .unwrap();
        let data = folder.path().join("data");
        let configuration = CONFIGURATION.replace("DATA", &data.display().to_string()) + tables;
        std::fs::write(folder.path().join("dossier.toml"), configuration).unwrap();
        Self { folder, database }
    }

    /// Starts two API processes at once: one of them makes the schema.
    pub fn two_apis(&self) -> [Running; 2] {
        std::thread::scope(|scope| {
            ["api-0", "api-1"]
                .map(|name| scope.spawn(|| self.api(name)))
                .map(|started| started.join().unwrap())
        })
    }

    /// Has the database write down each completion: a witness of the tests' own.
    pub fn watch_completions(&self) {
        server().sql(
            &self.database,
            "CREATE TABLE completions (request_id uuid, token uuid);
             GRANT INSERT ON completions TO PUBLIC;
             CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO completions VALUES (NEW.id, NEW.completed_by); RETURN NULL; END';
             CREATE TRIGGER witness AFTER UPDATE ON requests FOR EACH ROW
                 WHEN (NEW.completed_by IS NOT NULL) EXECUTE FUNCTION witness()",
        );
    }

    /// Fails unless so many requests were completed, and each by one attempt.
    pub fn each_was_completed_once(&self, count: usize) {
        let completions = server().sql(
            &self.database,
            "SELECT count(DISTINCT (request_id, token)), count(DISTINCT request_id)
             FROM completions",
        );
        assert_eq!(completions, format!("{count}|{count}"));
    }

    /// Starts an API process.
    pub fn api(&self, name: &str) -> Running {
        Running::start(self.folder.path(), "api", name)
    }

    /// Starts a worker process for an API.
    pub fn worker(&self, name: &str, api: &Running) -> Running {
        let url = api.ready["url"].as_str().unwrap();
        Running::start_with(
            self.folder.path(),
            "worker",
            name,
            &[("DOSSIER_API__URL", url)],
        )
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        server().drop_database(&self.database);
    }
}

pub fn client(api: &Running) -> ApiClient {
    let url = api.ready["url"].as_str().unwrap().parse().unwrap();
    let token = Private::new("the-test-token".to_owned());
    ApiClient::new(url, &token, None).unwrap()
}

fn documents(folder: &Path) -> HashSet<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|shelf| shelf.unwrap())
        .filter(|shelf| shelf.file_name() != "incoming")
        .flat_map(|shelf| std::fs::read_dir(shelf.path()).unwrap())
        .map(|document| document.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_apis_and_workers_lose_nothing_and_leave_nothing() {
    dossier_worker::install_tls_provider();
    let site = Site::new();
    let upstream = Upstream::start().await;
    let [mut dying, lasting] = site.two_apis();
    site.watch_completions();
    let slowly = Answer::Content(json!({ "a": "answer" })).after(Duration::from_millis(150));
    upstream.answer("slow", [slowly]);
    upstream.answer("quick", [Answer::Content(json!({ "b": "answer" }))]);
    for name in ["slow", "quick"] {
        let body = service_body(name, upstream.url(name));
        client(&dying).add_service(&body).await.unwrap();
    }
    let mut ids: Vec<RequestId> = Vec::new();
    let count = 40;
    for place in 0..count {
        let api = if place % 2 == 0 { &dying } else { &lasting };
        let body = request_body(&["slow", "quick"]);
        ids.push(client(api).create(&body, None).await.unwrap());
    }
    let mut workers = [
        site.worker("worker-0", &dying),
        site.worker("worker-1", &lasting),
        site.worker("worker-2", &lasting),
    ];
    tokio::time::sleep(Duration::from_millis(600)).await;
    workers[1].signal("KILL");
    workers[1].wait();
    tokio::time::sleep(Duration::from_millis(300)).await;
    dying.signal("KILL");
    dying.wait();
    // Its worker goes on with another API, as behind a balancer; here it is another worker.
    let _another = site.worker("worker-3", &lasting);

    let client = client(&lasting);
    for id in &ids {
        let request = until(&client, *id, |request| request.is_finished()).await;
        assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
        let file = site.folder.path().join("report.pdf");
        client.download(*id, &file, |_, _| {}).await.unwrap();
        harness::pdf::check(&file);
    }
    site.each_was_completed_once(count);
    let folder = site.folder.path().join("data/documents");
    let begin = Instant::now();
    while documents(&folder).len() > MADE * count {
        assert!(
            begin.elapsed() < harness::PATIENCE,
            "something is left over"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(documents(&folder).len(), MADE * count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_in_the_middle_loses_nothing() {
    dossier_worker::install_tls_provider();
    let restarted = Server::start();
    let site = Site::new();
    let database = restarted.database();
    let url = restarted.network_url(&database);
    std::fs::write(site.folder.path().join("database-url"), url).unwrap();
    let upstream = Upstream::start().await;
    let slowly = Answer::Content(json!({ "a": "answer" })).after(Duration::from_millis(200));
    upstream.answer("slow", [slowly]);
    let api = site.api("api");
    let client = client(&api);
    let body = service_body("slow", upstream.url("slow"));
    client.add_service(&body).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(client.create(&request_body(&["slow"]), None).await.unwrap());
    }
    let _worker = site.worker("worker", &api);
    tokio::time::sleep(Duration::from_millis(500)).await;
    restarted.stop("fast");
    tokio::time::sleep(Duration::from_millis(500)).await;
    restarted.start_again();
    let begin = Instant::now();
    while client.show(ids[0]).await.is_err() {
        assert!(begin.elapsed() < harness::PATIENCE, "it does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for id in ids {
        let request = until(&client, id, |request| request.is_finished()).await;
        assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    }
    let log = api.log();
    assert!(!log.contains(PASSWORD), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_one_process_runs_on_postgresql_too() {
    dossier_worker::install_tls_provider();
    let site = Site::new();
    let upstream = Upstream::start().await;
    upstream.answer("quick", [Answer::Content(json!({ "b": "answer" }))]);
    let up = Running::start(site.folder.path(), "up", "up");
    let client = client(&up);
    let body = service_body("quick", upstream.url("quick"));
    client.add_service(&body).await.unwrap();
    let id = client
        .create(&request_body(&["quick"]), None)
        .await
        .unwrap();
    let request = until(&client, id, |request| request.is_finished()).await;
    assert_eq!(request.status, "Completed", "{:?}", request.error_detail);
    assert!(!site.folder.path().join("data/dossier.db").exists());
}

#[test]
fn the_schema_is_migrated_and_checked_from_the_command_line() {
    let site = Site::new();
    let folder = site.folder.path();
    let before = run(folder, "migrate --check");
    assert_eq!(before.status.code(), Some(9));
    let refused = dossier(folder)
        .args(words("api"))
        .env("DOSSIER_STORE__MIGRATE", "false")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(4));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("run `dossier migrate`"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");

    let done = succeed(folder, "migrate");
    assert!(done.contains("now has schema"), "{done}");
    assert!(succeed(folder, "migrate").contains("already"));
    assert!(succeed(folder, "migrate --check").contains("current"));
    let shown = succeed(folder, "config check");
    assert!(shown.contains(&site.database), "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");

    server().sql(&site.database, "UPDATE dossier_schema SET version = 99");
    assert!(succeed(folder, "migrate --check").contains("newer-compatible"));
    let incompatible = "UPDATE dossier_schema SET compatible_from = 99";
    server().sql(&site.database, incompatible);
    assert_eq!(run(folder, "migrate --check").status.code(), Some(10));
    assert_eq!(run(folder, "migrate").status.code(), Some(4));
}

#[test]
fn a_url_in_the_configuration_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |url: &str| {
        let output = dossier(folder.path())
            .args(words("config show"))
            .env("DOSSIER_STORE__URL", url)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        (output.status.code(), text)
    };
    let (code, text) = shown("postgres://dossier:hunter2@db.example/dossier");
    assert_eq!(code, Some(0));
    assert!(text.contains("[hidden]"), "{text}");
    let (code, text) = shown("postgres://dossier:hunter2@db.example/dossier?speed=high");
    assert_eq!(code, Some(3));
    assert!(text.contains("unknown parameter (speed)"), "{text}");
}

fn free_address() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_served_in_time_while_the_database_does_not_answer() {
    dossier_worker::install_tls_provider();
    let site = Site::new();
    let address = free_address();
    let listen = address.to_string();
    let variables = [("DOSSIER_METRICS__LISTEN", &*listen)];
    let _api = Running::start_with(site.folder.path(), "api", "api", &variables);
    let read = async || {
        let asked = Instant::now();
        let answer = reqwest::get(format!("http://{address}/metrics")).await;
        (answer.unwrap().text().await.unwrap(), asked.elapsed())
    };
    let (page, _) = read().await;
    assert!(page.contains("dossier_requests_due 0"), "{page}");
    assert!(
        page.contains("dossier_queue_refresh_failures_total 0"),
        "{page}"
    );

    let url = server().network_url(&site.database);
    let mut other = sqlx::PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE requests IN ACCESS EXCLUSIVE MODE")
        .execute(&mut other)
        .await
        .unwrap();
    // What was read is shown for some time.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let later = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        read().await
    };
    for (page, took) in <[_; 2]>::from(tokio::join!(read(), later)) {
        assert!(took < Duration::from_secs(4), "{took:?}");
        assert!(
            page.contains("dossier_queue_refresh_failures_total 1"),
            "{page}"
        );
        assert!(!page.contains("dossier_requests_due"), "{page}");
        for still in ["dossier_store_connections{", "dossier_store_errors_total"] {
            assert!(page.contains(still), "{page}");
        }
    }
    other.close().await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    let (page, _) = read().await;
    assert!(page.contains("dossier_requests_due 0"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_becomes_read_only_makes_the_api_unready_and_its_texts_are_not_logged() {
    dossier_worker::install_tls_provider();
    let site = Site::new();
    // Everything is logged, and nobody else uses the connections.
    let variables = [
        ("DOSSIER_LOG__FILTER", "debug"),
        ("DOSSIER_HOUSEKEEPING__EVERY_SECONDS", "3600"),
    ];
    let api = Running::start_with(site.folder.path(), "api", "api", &variables);
    let url = format!("{}health/readiness", api.ready["url"].as_str().unwrap());
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    // A connection that has rested is asked whether it lives, and the server tells why it does not.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let database = &site.database;
    server().sql(
        "postgres",
        &format!(
            "ALTER DATABASE {database} SET default_transaction_read_only = on;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        ),
    );
    for _ in 0..2 {
        let answer = reqwest::get(&url).await.unwrap();
        assert_eq!(answer.status(), 503);
    }
    let log = api.log();
    assert!(log.contains("DEBUG"), "{log}");
    assert!(!log.contains("terminating connection"), "{log}");
    let checked = run(site.folder.path(), "config check");
    let said = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(3), "{said}");
    assert!(said.contains("read-only"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_says_of_a_call_that_nobody_waits_for_is_not_logged() {
    dossier_worker::install_tls_provider();
    let site = Site::new();
    let variables = [("DOSSIER_LOG__FILTER", "debug")];
    let api = Running::start_with(site.folder.path(), "api", "api", &variables);
    server().sql(
        &site.database,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_sleep(1.5); RAISE EXCEPTION 'a row of A1234AA'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON services FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    let url = format!("{}api/services", api.ready["url"].as_str().unwrap());
    let body = json!({
        "name": "a", "label": "A", "url": "http://localhost:9", "category": "PRISON",
    });
    let call = |wait| {
        let call = reqwest::Client::new()
            .post(&url)
            .bearer_auth("the-test-token");
        call.json(&body).timeout(Duration::from_millis(wait)).send()
    };
    assert!(call(500).await.unwrap_err().is_timeout());
    tokio::time::sleep(Duration::from_secs(2)).await;
    // One that is waited for comes so far, too.
    assert_eq!(call(30_000).await.unwrap().status(), 503);
    let log = api.log();
    assert!(log.contains("DEBUG"), "{log}");
    assert!(!log.contains("A1234AA"), "{log}");
}

//! Behind PgBouncer in transaction mode: the whole suite again, on a handful of shared connections.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dossier_core::RequestId;
use dossier_store::postgres::{Options, migrate};
use dossier_store::{PostgresStore, SearchKind, Store};
use futures::future::join_all;
use sqlx::{Connection, Executor, PgConnection};

use crate::conformance::Database;
use crate::server::{PASSWORD, as_its_user, give_away};
use crate::{scratch, server, template};

/// A pooler in front of a server; it ends with its server's guard, and with this process.
struct Pooler {
    port: u16,
    _process: Child,
}

fn pooler() -> &'static Pooler {
    static POOLER: OnceLock<Pooler> = OnceLock::new();
    POOLER.get_or_init(|| {
        let server = server();
        let databases = format!("* = {}", is_at(server.folder(), server.port()));
        start(&databases, "default_pool_size = 3\nmax_client_conn = 500")
    })
}

/// Where a pooler finds a server.
fn is_at(folder: &Path, port: u16) -> String {
    format!("host={} port={port}", folder.display())
}

/// Starts a pooler for these databases with these settings. It trusts the user unless they say
/// otherwise.
fn start(databases: &str, settings: &str) -> Pooler {
    static POOLERS: AtomicU32 = AtomicU32::new(0);
    let number = POOLERS.fetch_add(1, Ordering::Relaxed);
    let folder = server().folder().join(format!("pooler-{number}"));
    fs::create_dir(&folder).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let file = folder.join("pgbouncer.ini");
    let users = folder.join("users");
    fs::write(&users, format!("\"dossier\" \"{PASSWORD}\"\n")).unwrap();
    fs::write(
        &file,
        format!(
            "[databases]\n{databases}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {users}\npool_mode = transaction\n\
             server_idle_timeout = 5\n{settings}\n",
            users = users.display(),
        ),
    )
    .unwrap();
    give_away(&folder);
    // It also ends when this process does, however that comes about.
    let user = as_its_user("postgres");
    let mut command = Command::new("bash");
    command
        .arg("-c")
        .arg(
            "command -v pgbouncer >/dev/null || \
             { echo 'pgbouncer is missing: apt-get install pgbouncer, or run scripts/test' >&2; exit 1; }; \
             \"${@:2}\" pgbouncer -q \"$1\" & \
             while kill -0 $PPID 2>/dev/null && kill -0 $! 2>/dev/null; do sleep 1; done; kill $!",
        )
        .arg("pooler")
        .arg(&file)
        .args(&user[..user.len() - 1]);
    let process = command.spawn().unwrap();
    let begin = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20), "no pooler");
        std::thread::sleep(Duration::from_millis(20));
    }
    Pooler {
        port,
        _process: process,
    }
}

struct Pooled {
    name: String,
}

impl Pooled {
    fn options(&self) -> Options {
        let (port, name) = (pooler().port, &self.name);
        let url = format!("postgres://dossier@127.0.0.1:{port}/{name}");
        Options {
            connections_max: 4,
            pooler: true,
            ..Options::new(url.parse().unwrap())
        }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        server().drop_database(&self.name);
    }
}

#[async_trait]
impl Database for Pooled {
    async fn store(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(self.options()).await.unwrap())
    }

    async fn age(&self, id: RequestId, seconds: i64) {
        server().sql(
            &self.name,
            &format!(
                "UPDATE requests SET requested_at = requested_at - {seconds} * 1000,
             clock_started_at = clock_started_at - {seconds} * 1000 WHERE id = '{id}'"
            ),
        );
    }
}

async fn pooled() -> Pooled {
    let template = template().await;
    Pooled {
        name: server().copy(template),
    }
}

conformance!(super::pooled);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_for_any_part_is_made_through_the_pooler_or_past_it() {
    for past in [false, true] {
        let pooled = pooled().await;
        let index = |sql: &str| server().sql(&pooled.name, sql);
        index("DROP INDEX requests_by_trigrams, archived_requests_by_trigrams");
        let direct = || server().url(&pooled.name).parse().unwrap();
        let options = Options {
            listen_url: past.then(direct),
            ..pooled.options()
        };
        let migrating = [migrate(&options), migrate(&options)];
        for migrated in join_all(migrating).await {
            migrated.unwrap();
        }
        let store = PostgresStore::open(options.clone()).await.unwrap();
        assert_eq!(store.search_kind(), SearchKind::Anywhere);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listening_connection_past_the_pooler_is_told_of_requests() {
    let pooled = pooled().await;
    let options = Options {
        listen_url: Some(server().url(&pooled.name).parse().unwrap()),
        look_every: Duration::from_secs(3600),
        ..pooled.options()
    };
    let here = Arc::new(PostgresStore::open(options).await.unwrap());
    while !here.is_listening() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let waiting = tokio::spawn({
        let here = Arc::clone(&here);
        async move {
            let begin = Instant::now();
            here.wait_for_work(Duration::from_secs(30)).await;
            begin.elapsed()
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!waiting.is_finished());
    let there = pooled.store().await;
    crate::conformance::given::pending_of_a(&*there).await;
    assert!(waiting.await.unwrap() < Duration::from_secs(30));
}

/// Why a store cannot be opened.
async fn refusal(options: Options) -> String {
    let refused = PostgresStore::open(options).await.unwrap_err();
    let refused = format!("{refused} {refused:?}");
    assert!(!refused.contains(PASSWORD), "{refused}");
    refused
}

fn through(pooler: &Pooler, user: &str, database: &str) -> Options {
    let url = format!("postgres://{user}@127.0.0.1:{}/{database}", pooler.port);
    Options {
        pooler: true,
        connect_max: Duration::from_secs(20),
        ..Options::new(url.parse().unwrap())
    }
}

/// Another program that uses a pooler.
async fn client(pooler: &Pooler, database: &str) -> PgConnection {
    let url = format!("postgres://dossier@127.0.0.1:{}/{database}", pooler.port);
    PgConnection::connect(&url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_pooler_refuses_is_named() {
    let scratch = scratch().await;
    let name = &scratch.name;
    let known = format!("{name} = {}", is_at(server().folder(), server().port()));
    let strict = start(&known, "auth_type = scram-sha-256");
    let plain = start(&known, "");
    let away = format!("{name} = {}", is_at(server().folder(), 1));
    let away = start(&away, "query_wait_timeout = 2");
    let unaware = Options {
        pooler: false,
        ..through(&plain, "dossier", name)
    };
    for (options, said) in [
        (through(&strict, "dossier:hunter2", name), "the user"),
        (through(&strict, "somebody:else", name), "the user"),
        (through(&plain, "dossier", "nowhere"), "none of that name"),
        (through(&away, "dossier", name), "the server behind it"),
        (unaware, "set store.pooler"),
    ] {
        let is_aware = options.pooler;
        let refused = refusal(options).await;
        assert!(refused.contains(said), "{refused}");
        assert_eq!(refused.contains("set store.pooler"), !is_aware, "{refused}");
        for secret in ["hunter2", "somebody"] {
            assert!(!refused.contains(secret), "{refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pooler_is_named() {
    let scratch = scratch().await;
    let name = &scratch.name;
    let known = format!("{name} = {}", is_at(server().folder(), server().port()));
    let any_client = "ignore_startup_parameters = extra_float_digits";
    let one = format!("default_pool_size = 1\nquery_wait_timeout = 1\n{any_client}");
    let full = start(&known, &one);
    let store = PostgresStore::open(through(&full, "dossier", name));
    let store = store.await.unwrap();
    let mut other = client(&full, name).await;
    other.execute("BEGIN").await.unwrap();
    let refused = store.ping().await.unwrap_err().to_string();
    assert!(refused.contains("its pool is full"), "{refused}");

    let full = start(&known, &format!("max_client_conn = 1\n{any_client}"));
    let _only = client(&full, name).await;
    let refused = refusal(through(&full, "dossier", name)).await;
    assert!(refused.contains("too many clients"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_a_pooler_does_not_keep_are_named() {
    let scratch = scratch().await;
    let name = &scratch.name;
    let known = format!("{name} = {}", is_at(server().folder(), server().port()));
    let settings = "default_pool_size = 1\n\
                    ignore_startup_parameters = options,extra_float_digits";
    let pooler = start(&known, settings);
    let unaware = Options {
        pooler: false,
        listen_url: Some(server().url(name).parse().unwrap()),
        ..through(&pooler, "dossier", name)
    };
    // Opening may go well: whether one store is in another's way depends on who comes first.
    let opened = join_all((0..4).map(|_| PostgresStore::open(unaware.clone()))).await;
    let mut refusals = Vec::new();
    for opened in opened {
        match opened {
            Ok(store) => {
                let calls = join_all((0..20).map(|_| store.services())).await;
                refusals.extend(
                    calls
                        .into_iter()
                        .filter_map(Result::err)
                        .map(|e| e.to_string()),
                );
            }
            Err(error) => refusals.push(error.to_string()),
        }
    }
    assert!(!refusals.is_empty());
    for refused in refusals {
        assert!(refused.contains("set store.pooler"), "{refused}");
    }
}

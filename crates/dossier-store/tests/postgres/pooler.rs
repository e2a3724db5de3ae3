//! Behind PgBouncer in transaction mode: the whole suite again, on a handful of shared connections.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dossier_core::RequestId;
use dossier_store::postgres::{Options, migrate};
use dossier_store::{PostgresStore, SearchKind, Store};
use futures::future::join_all;

use crate::conformance::Database;
use crate::server::{Server, as_its_user, give_away};
use crate::{server, template};

/// A pooler in front of a server; it ends with its server's guard, and with this process.
struct Pooler {
    port: u16,
    _process: Child,
}

fn pooler() -> &'static Pooler {
    static POOLER: OnceLock<Pooler> = OnceLock::new();
    POOLER.get_or_init(|| start(server()))
}

fn start(server: &Server) -> Pooler {
    let folder = server.folder().join("pooler");
    fs::create_dir(&folder).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let settings = folder.join("pgbouncer.ini");
    fs::write(folder.join("users"), "\"dossier\" \"\"\n").unwrap();
    fs::write(
        &settings,
        format!(
            "[databases]\n* = host={socket} port={server}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {users}\npool_mode = transaction\n\
             default_pool_size = 3\nmax_client_conn = 500\nserver_idle_timeout = 5\n",
            socket = server.folder().display(),
            server = server.port(),
            users = folder.join("users").display(),
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
        .arg(&settings)
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

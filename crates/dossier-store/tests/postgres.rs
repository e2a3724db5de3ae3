//! PostgreSQL: the conformance suite, against a real server, directly and behind a pooler, and what
//! is particular to a server.

#![expect(
    clippy::unwrap_used,
    reason = "the behaviours are test bodies, which clippy cannot see"
)]

#[macro_use]
mod conformance;
#[path = "postgres/encryption.rs"]
mod encryption;
#[path = "postgres/failures.rs"]
mod failures;
#[path = "postgres/older.rs"]
mod older;
#[path = "postgres/plans.rs"]
mod plans;
#[path = "postgres/pooler.rs"]
mod pooler;
#[path = "postgres/rules.rs"]
mod rules;
#[path = "postgres/schemas.rs"]
mod schemas;
mod server;
#[path = "postgres/waking.rs"]
mod waking;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use dossier_core::RequestId;
use dossier_store::postgres::{self, Options};
use dossier_store::{PostgresStore, Store};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::sync::OnceCell;

use conformance::Database;
use server::Server;

/// One server for all tests of this file.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

struct Scratch {
    name: String,
}

impl Scratch {
    fn options(&self) -> Options {
        Options {
            connections_max: 4,
            ..Options::new(server().url(&self.name).parse().unwrap())
        }
    }
}

impl Scratch {
    /// Runs SQL as the superuser; answers what it printed.
    fn sql(&self, sql: &str) -> String {
        server().sql(&self.name, sql)
    }

    /// A connection that may do what no store would.
    async fn raw(&self) -> PgConnection {
        raw(server(), &self.name).await
    }
}

/// A connection of the superuser.
async fn raw(server: &Server, database: &str) -> PgConnection {
    PgConnectOptions::new_without_pgpass()
        .socket(server.folder())
        .port(server.port())
        .username("postgres")
        .database(database)
        .connect()
        .await
        .unwrap()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        server().drop_database(&self.name);
    }
}

#[async_trait]
impl Database for Scratch {
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

/// A migrated database to copy.
async fn template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = server().database();
            let options = Options::new(server().url(&name).parse().unwrap());
            postgres::migrate(&options).await.unwrap();
            name
        })
        .await
}

async fn scratch() -> Scratch {
    Scratch {
        name: server().copy(template().await),
    }
}

conformance!(crate::scratch);

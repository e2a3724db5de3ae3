//! The databases that a measurement makes for itself, one a size, and removes again.

use std::sync::Arc;

use dossier_core::service::{Category, ServiceDetails};
use dossier_core::{Private, ServiceId};
use dossier_store::Store;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Row};
use tempfile::TempDir;
use url::Url;

use super::fill::{Tables, failed};
use super::server::Server;
use crate::cli::BenchDatabase;
use crate::config::Config;
use crate::exit::Failure;

/// The service that every request of a measurement asks.
pub const SERVICE: &str = "bench";

/// A PostgreSQL server in which databases can be made.
pub struct Cluster {
    url: Url,
    admin: PgPool,
    counts_statements: bool,
    /// Tells this measurement's databases from another's.
    prefix: String,
    version: String,
    /// Stopped with the measurement, if it was started for it.
    _server: Option<Server>,
}

impl Cluster {
    /// Connects to the server of this URL, or starts one.
    ///
    /// # Errors
    /// If there is none, or it does not let databases be made.
    pub async fn open(url: Option<&Private<String>>) -> Result<Self, Failure> {
        let (url, server) = match url {
            Some(url) => (url.reveal().clone(), None),
            None => {
                let server = Server::start()?;
                (server.url(), Some(server))
            }
        };
        let url = Url::parse(&url)
            .map_err(|error| Failure::Unavailable(format!("the URL of the database: {error}")))?;
        let admin = PgPoolOptions::new()
            .max_connections(1)
            .connect(url.as_str())
            .await
            .map_err(failed)?;
        let version = sqlx::query("SHOW server_version").fetch_one(&admin).await;
        let version: String = version.and_then(|row| row.try_get(0)).map_err(failed)?;
        let extension = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements";
        let mut cluster = Self {
            url,
            counts_statements: sqlx::raw_sql(extension).execute(&admin).await.is_ok(),
            admin,
            prefix: format!("dossier_bench_{}", std::process::id()),
            version: version.split_whitespace().next().unwrap_or("").to_owned(),
            _server: server,
        };
        cluster.counts_statements &= cluster.statements("postgres").await?.is_some();
        Ok(cluster)
    }

    /// The server's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Makes an empty database and answers its name; one that is there already is removed first.
    pub async fn create(&self, name: &str) -> Result<String, Failure> {
        let name = format!("{}_{name}", self.prefix);
        self.remove(&name).await?;
        self.run(format!("CREATE DATABASE {name}")).await?;
        Ok(name)
    }

    /// Removes a database, whoever is connected to it.
    pub async fn remove(&self, name: &str) -> Result<(), Failure> {
        self.run(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await
    }

    /// Removes all that was made.
    pub async fn remove_all(&self) -> Result<(), Failure> {
        let made = "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)";
        let made = sqlx::query(made)
            .bind(format!("{}_", self.prefix))
            .fetch_all(&self.admin)
            .await
            .map_err(failed)?;
        for row in made {
            let name: String = row.try_get(0).map_err(failed)?;
            self.remove(&name).await?;
        }
        Ok(())
    }

    /// The URL of one of its databases.
    pub fn url_of(&self, name: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(name);
        url.into()
    }

    /// How many statements were sent to a database so far, its transactions' beginnings and ends
    /// among them; none if the server does not count them.
    pub async fn statements(&self, name: &str) -> Result<Option<i64>, Failure> {
        const CALLS: &str = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements \
             JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1";
        if !self.counts_statements {
            return Ok(None);
        }
        let counted = sqlx::query(CALLS).bind(name).fetch_one(&self.admin).await;
        match counted.and_then(|row| row.try_get::<i64, _>(0)) {
            Ok(calls) => Ok(Some(calls)),
            // Installed, but not loaded by the server.
            Err(sqlx::Error::Database(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn run(&self, statement: String) -> Result<(), Failure> {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement));
        statement.execute(&self.admin).await.map_err(failed)?;
        Ok(())
    }
}

/// Where databases are made.
pub enum Place<'c> {
    /// A file each.
    Sqlite,
    /// In a server.
    Postgres(&'c Cluster),
}

impl Place<'_> {
    /// Which kind of database it is.
    pub fn kind(&self) -> BenchDatabase {
        match self {
            Self::Sqlite => BenchDatabase::Sqlite,
            Self::Postgres(_) => BenchDatabase::Postgres,
        }
    }
}

/// A database with so many finished requests, and nothing to do.
pub struct Filled<'c> {
    /// How many.
    pub requests: u64,
    /// The configuration of an API on it, listening on a free port.
    pub config: Config,
    /// The store, as the API would open it.
    pub store: Arc<dyn Store>,
    /// The same tables, past the store.
    pub tables: Tables,
    /// Which service its requests ask.
    pub service: ServiceId,
    /// The server and the database's name in it, if it is in one.
    pub server: Option<(&'c Cluster, String)>,
    _folder: TempDir,
}

impl<'c> Filled<'c> {
    /// Makes one, with as many connections for the store as given.
    pub async fn make(place: &Place<'c>, requests: u64, connections: u32) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("dossier-bench-")
            .tempdir()
            .map_err(Failure::file("making a folder for the benchmark"))?;
        let mut config = Config {
            data_folder: folder.path().to_owned(),
            ..Config::default()
        };
        config.api.listen = ([127, 0, 0, 1], 0).into();
        config.store.connections_max = connections;
        let server = match place {
            Place::Sqlite => None,
            Place::Postgres(cluster) => {
                let name = cluster.create(&format!("{requests}_{connections}")).await?;
                config.store.url = Some(cluster.url_of(&name).into());
                Some((*cluster, name))
            }
        };
        let store = crate::database::open(&config).await?;
        let tables = match &config.store.url {
            None => {
                let file = SqliteConnectOptions::new().filename(config.sqlite_file());
                let pool = SqlitePoolOptions::new().max_connections(1);
                Tables::Sqlite(pool.connect_with(file).await.map_err(failed)?)
            }
            Some(url) => {
                let pool = PgPoolOptions::new().max_connections(1);
                Tables::Postgres(pool.connect(url.reveal()).await.map_err(failed)?)
            }
        };
        let service = add_service(&*store).await?;
        tables.fill(requests, service).await?;
        Ok(Self {
            requests,
            config,
            store,
            tables,
            service,
            server,
            _folder: folder,
        })
    }

    /// How many statements were sent to it so far, if it is in a server that counts them.
    pub async fn statements(&self) -> Result<Option<i64>, Failure> {
        match &self.server {
            Some((cluster, name)) => cluster.statements(name).await,
            None => Ok(None),
        }
    }

    /// Removes it.
    pub async fn remove(self) -> Result<(), Failure> {
        match &self.server {
            Some((cluster, name)) => cluster.remove(name).await,
            None => Ok(()),
        }
    }
}

async fn add_service(store: &dyn Store) -> Result<ServiceId, Failure> {
    let invalid = |what: &str| Failure::Other(format!("the benchmark's own {what} is invalid"));
    let details = ServiceDetails {
        name: SERVICE.parse().map_err(|_| invalid("service name"))?,
        label: SERVICE.to_owned(),
        url: Url::parse("http://127.0.0.1:9/").map_err(|_| invalid("service URL"))?,
        enabled: true,
        template_migrated: false,
        category: Category::Other,
        rank: None,
    };
    let service = store.add_service(details).await;
    Ok(service.map_err(of_store)?.id)
}

/// The failure of a call of the store.
pub fn of_store(error: dossier_store::StoreError) -> Failure {
    Failure::Unavailable(error.to_string())
}

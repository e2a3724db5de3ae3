//! The databases that a measurement makes for itself, one a size, and removes again.

use std::sync::{Arc, OnceLock};

use dossier_core::service::{Category, ServiceDetails};
use dossier_core::{Private, ServiceId, ServiceName};
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
/// A service that is suspended.
const SUSPENDED: &str = "bench-suspended";

/// A PostgreSQL server in which databases can be made.
pub struct Cluster {
    url: Url,
    admin: PgPool,
    /// Why statements are not counted, if they are not.
    not_counted: OnceLock<String>,
    /// Whether the extension that counts statements was made for this measurement.
    made_extension: bool,
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
        let mut cluster = Self {
            url,
            admin,
            not_counted: OnceLock::new(),
            made_extension: false,
            prefix: format!("dossier_bench_{}", std::process::id()),
            version: version.split_whitespace().next().unwrap_or("").to_owned(),
            _server: server,
        };
        if let Err(error) = cluster.begin_to_count().await {
            let _ = cluster.remove_all().await;
            return Err(error);
        }
        Ok(cluster)
    }

    /// Finds out whether the server can count the statements that it is sent.
    async fn begin_to_count(&mut self) -> Result<(), Failure> {
        const THERE: &str = "SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'";
        let there = sqlx::query(THERE).fetch_optional(&self.admin).await;
        if there.map_err(failed)?.is_none() {
            let make = sqlx::raw_sql("CREATE EXTENSION pg_stat_statements");
            match make.execute(&self.admin).await {
                Ok(_) => self.made_extension = true,
                Err(error) => return self.cannot_count(error),
            }
        }
        for (setting, needed) in [("track", ["top", "all"]), ("track_utility", ["on", "on"])] {
            let show = format!("SHOW pg_stat_statements.{setting}");
            let set = sqlx::query(AssertSqlSafe(show)).fetch_one(&self.admin);
            match set.await.and_then(|row| row.try_get::<String, _>(0)) {
                Ok(set) if needed.contains(&set.as_str()) => {}
                Ok(set) => {
                    let _ = self
                        .not_counted
                        .set(format!("pg_stat_statements.{setting} is {set}"));
                }
                // The setting is not known before the extension is loaded, which counting says.
                Err(sqlx::Error::Database(_)) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        self.statements("postgres").await?;
        Ok(())
    }

    /// Keeps what the server says of it; any other error is one of the measurement.
    fn cannot_count(&self, error: sqlx::Error) -> Result<(), Failure> {
        match error {
            sqlx::Error::Database(error) => {
                let _ = self.not_counted.set(error.message().to_owned());
                Ok(())
            }
            error => Err(failed(error)),
        }
    }

    /// Why statements are not counted, if they are not.
    pub fn why_not_counted(&self) -> Option<&str> {
        self.not_counted.get().map(String::as_str)
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
        if self.made_extension {
            let extension = "DROP EXTENSION IF EXISTS pg_stat_statements";
            self.run(extension.to_owned()).await?;
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
             JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1 AND toplevel";
        if self.not_counted.get().is_some() {
            return Ok(None);
        }
        let counted = sqlx::query(CALLS).bind(name).fetch_one(&self.admin).await;
        match counted.and_then(|row| row.try_get::<i64, _>(0)) {
            Ok(calls) => Ok(Some(calls)),
            // Installed, but not loaded by the server.
            Err(error) => self.cannot_count(error).map(|()| None),
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
    /// A service that is suspended.
    pub suspended_service: ServiceId,
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
        let service = add_service(&*store, SERVICE).await?;
        let suspended_service = add_service(&*store, SUSPENDED).await?;
        let suspended = store.suspend_service(suspended_service, true).await;
        suspended.map_err(of_store)?;
        tables.fill(requests, service).await?;
        Ok(Self {
            requests,
            config,
            store,
            tables,
            service,
            suspended_service,
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

async fn add_service(store: &dyn Store, name: &str) -> Result<ServiceId, Failure> {
    let url = Url::parse("http://127.0.0.1:9/");
    let details = ServiceDetails {
        name: service_name(name)?,
        label: name.to_owned(),
        url: url.map_err(|_| Failure::Other("the benchmark's own URL is invalid".to_owned()))?,
        enabled: true,
        template_migrated: false,
        category: Category::Other,
        rank: None,
    };
    let service = store.add_service(details).await;
    Ok(service.map_err(of_store)?.id)
}

/// The name of a service of the measurement's own.
pub fn service_name(name: &str) -> Result<ServiceName, Failure> {
    let name = name.parse();
    name.map_err(|_| Failure::Other("the benchmark's own service name is invalid".to_owned()))
}

/// The failure of a call of the store.
pub fn of_store(error: dossier_store::StoreError) -> Failure {
    Failure::Unavailable(error.to_string())
}

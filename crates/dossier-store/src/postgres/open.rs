//! Opening a database, and the limits of its use.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::failure::describe;
use super::pool::Pool;
use super::schema::{self, SchemaError};
use super::trigrams;
use super::work::{Work, listen_for_all, look_for_all};
use super::{DatabaseUrl, PostgresStore};
use crate::{Migrated, SchemaAge, SchemaState, SearchKind, Unavailable};

/// How a PostgreSQL database is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub url: DatabaseUrl,
    /// Where to listen for new requests: the server itself, if `url` is a pooler's; none means
    /// `url`, or with `pooler` not to listen.
    pub listen_url: Option<DatabaseUrl>,
    /// Certificates to trust besides the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Most connections of this process, from 1, besides the one that listens.
    pub connections_max: u32,
    /// How long a call waits to be connected, or for a free connection.
    pub connect_max: Duration,
    /// How long a statement may take, and twice that a whole call.
    pub statement_max: Duration,
    /// How long a statement waits for another's lock.
    pub lock_max: Duration,
    /// Whether a pooler lies between that gives a connection away after each transaction, such as
    /// PgBouncer in transaction mode. Nothing is then kept on a connection: no prepared
    /// statements, and no time limits, which the server must set.
    pub pooler: bool,
    /// How often to look for work while somebody waits for it.
    pub look_every: Duration,
    /// Whether opening brings an older schema up to date, or refuses it.
    pub migrate: bool,
}

impl Options {
    /// The usual limits: 10 connections, 10 s to connect, 30 s a statement, 5 s for a lock, a look
    /// a second.
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            listen_url: None,
            ca_file: None,
            connections_max: 10,
            connect_max: Duration::from_secs(10),
            statement_max: Duration::from_secs(30),
            lock_max: Duration::from_secs(5),
            pooler: false,
            look_every: Duration::from_secs(1),
            migrate: true,
        }
    }

    pub(super) fn connect(&self) -> Connect {
        let options = self.plain(&self.url);
        let options = if self.pooler {
            // What a pooler cannot give to the next server is not asked for.
            options.statement_cache_capacity(0).extra_float_digits(None)
        } else {
            options.options(self.server_settings())
        };
        Connect { options }
    }

    /// To the server itself, if there is a way past the pooler.
    pub(super) fn unpooled(&self) -> Option<Connect> {
        let url = match (&self.listen_url, self.pooler) {
            (Some(url), _) => url,
            (None, false) => &self.url,
            (None, true) => return None,
        };
        let options = self.plain(url).options(self.server_settings());
        Some(Connect { options })
    }

    fn plain(&self, url: &DatabaseUrl) -> PgConnectOptions {
        url.options(self.ca_file.as_deref())
            .application_name("dossier")
            .disable_statement_logging()
    }

    /// What the server holds a connection to. It also notices that way when this process's machine
    /// is gone, and frees what it held.
    fn server_settings(&self) -> [(&'static str, String); 6] {
        let millis = |limit: Duration| limit.as_millis().max(1).to_string();
        [
            ("statement_timeout", millis(self.statement_max)),
            ("lock_timeout", millis(self.lock_max)),
            (
                "idle_in_transaction_session_timeout",
                millis(self.statement_max),
            ),
            ("tcp_keepalives_idle", "30".to_owned()),
            ("tcp_keepalives_interval", "10".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
        ]
    }
}

/// How a connection is made.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    pub(super) options: PgConnectOptions,
}

/// Why a PostgreSQL database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached, or refuses the connection; the text says which.
    #[error("{server}: {cause}")]
    Unavailable {
        /// Where it is.
        server: DatabaseUrl,
        /// What it says.
        cause: Unavailable,
    },
    /// Another program's tables are in it; take another database.
    #[error("{0} is not a Dossier database, and not empty")]
    NotADatabase(DatabaseUrl),
    /// A newer version of Dossier changed it so that this one cannot work with it; run that one.
    #[error(
        "{server} was changed by a newer version of Dossier (schema {found}, this one knows {known})"
    )]
    Newer {
        /// Where it is.
        server: DatabaseUrl,
        /// The schema found.
        found: u32,
        /// The newest schema that this version knows.
        known: u32,
    },
    /// It has an older schema, or none, and was not to be migrated; run `dossier migrate`.
    #[error("{server} has schema {found}, and this version needs {known}: run `dossier migrate`")]
    Older {
        /// Where it is.
        server: DatabaseUrl,
        /// The schema found; 0 if there is none.
        found: u32,
        /// The schema needed.
        known: u32,
    },
}

impl OpenError {
    pub(super) fn unavailable(options: &Options, cause: String) -> Self {
        Self::Unavailable {
            server: options.url.clone(),
            cause: Unavailable(cause),
        }
    }

    fn of(server: &DatabaseUrl, error: SchemaError) -> Self {
        let server = server.clone();
        match error {
            SchemaError::Failed(cause) => Self::Unavailable { server, cause },
            SchemaError::Foreign => Self::NotADatabase(server),
            SchemaError::Newer { found, known } => Self::Newer {
                server,
                found,
                known,
            },
        }
    }
}

impl PostgresStore {
    /// Opens a database: brings its schema up to date (or refuses an older one, as the options say)
    /// and begins to listen for new requests. Several processes may do so at once.
    ///
    /// # Errors
    /// [`OpenError`] says what to do about it.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        if options.migrate {
            migrate_schema(&options).await?;
        } else {
            let state = schema_state(&options).await?;
            let (server, found, known) = (options.url.clone(), state.found, state.known);
            match state.age() {
                SchemaAge::Older => {
                    return Err(OpenError::Older {
                        server,
                        found,
                        known,
                    });
                }
                SchemaAge::Newer => {
                    return Err(OpenError::Newer {
                        server,
                        found,
                        known,
                    });
                }
                SchemaAge::Current | SchemaAge::NewerCompatible => {}
            }
        }
        let connect = options.connect();
        let mut first = connection(&options, &connect).await?;
        let state = read(&mut first).await;
        let state = state.map_err(|error| unavailable(&options, &error))?;
        let search = trigrams::search_kind(&mut first).await;
        let search = search.map_err(|error| unavailable(&options, &error))?;
        // It has told all that it was made for.
        let _ = first.close().await;
        let pool = Pool::new(&options);
        let work = Work::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(look_for_all(
            work.clone(),
            pool.clone(),
            !options.pooler,
            options.look_every,
        ));
        let any_part = Arc::new(AtomicBool::new(search == SearchKind::Anywhere));
        if search == SearchKind::Beginning {
            // An index may take long, and nobody has to wait for it.
            let may_make = options.migrate && state.age() == SchemaAge::Current;
            tasks.spawn(trigrams::make_or_look(
                options.clone(),
                pool.clone(),
                Arc::clone(&any_part),
                may_make,
            ));
        }
        match options.unpooled() {
            Some(listen) => {
                tasks.spawn(listen_for_all(work.clone(), listen));
            }
            None => tracing::info!(
                "store.pooler without store.listen_url: new requests are looked for, not listened for"
            ),
        }
        Ok(Self {
            pool,
            work,
            any_part,
            pooler: options.pooler,
            call_max: options.connect_max + options.statement_max * 2,
            _tasks: tasks,
        })
    }

    /// Finishes what is under way and closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Brings the schema up to date, with whatever the database lets be made for the search; answers
/// from which to which. Only one process at a time does so, others wait for it.
///
/// # Errors
/// See [`OpenError`]; then no step was taken, or all were and only an index is missing.
pub async fn migrate(options: &Options) -> Result<Migrated, OpenError> {
    let migrated = migrate_schema(options).await?;
    if migrated.to == schema::KNOWN {
        trigrams::make_or_wait(options).await?;
    }
    Ok(migrated)
}

async fn migrate_schema(options: &Options) -> Result<Migrated, OpenError> {
    let mut connection = connection(options, &options.connect()).await?;
    let migrated = schema::migrate(&mut connection).await;
    let _ = connection.close().await;
    migrated.map_err(|error| OpenError::of(&options.url, error))
}

/// Which schema the database has. Changes nothing.
///
/// # Errors
/// [`OpenError::Unavailable`].
pub async fn schema_state(options: &Options) -> Result<SchemaState, OpenError> {
    let mut connection = connection(options, &options.connect()).await?;
    let state = read(&mut connection).await;
    let _ = connection.close().await;
    state.map_err(|error| unavailable(options, &error))
}

async fn read(connection: &mut PgConnection) -> Result<SchemaState, sqlx::Error> {
    let mut tx = connection.begin().await?;
    let state = schema::read(&mut tx).await?;
    tx.commit().await?;
    Ok(state)
}

pub(super) async fn connection(
    options: &Options,
    connect: &Connect,
) -> Result<PgConnection, OpenError> {
    let connected = timeout(options.connect_max, connect.options.connect()).await;
    match connected {
        Ok(connected) => connected.map_err(|error| unavailable(options, &error)),
        Err(_) => Err(OpenError::unavailable(
            options,
            "it did not answer in time".to_owned(),
        )),
    }
}

fn unavailable(options: &Options, error: &sqlx::Error) -> OpenError {
    OpenError::unavailable(options, describe(error))
}

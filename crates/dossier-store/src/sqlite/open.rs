//! The file, its folder, its permissions and its schema.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::failure::{Kind, describe};
use super::work::Work;
use super::{SqliteStore, StoreError};
use crate::{Migrated, SchemaAge, SchemaState, Unavailable};

/// The schema's steps; a file's `user_version` is how many it has taken. Steps are only ever added.
const MIGRATIONS: [&str; 7] = [
    include_str!("../../migrations/sqlite/0001_truth.sql"),
    include_str!("../../migrations/sqlite/0002_documents.sql"),
    include_str!("../../migrations/sqlite/0003_templates.sql"),
    include_str!("../../migrations/sqlite/0004_reference.sql"),
    include_str!("../../migrations/sqlite/0005_schemas.sql"),
    include_str!("../../migrations/sqlite/0006_priorities.sql"),
    include_str!("../../migrations/sqlite/0007_reference_loads.sql"),
];

/// `DOSS`, as the file's `application_id` (<https://www.sqlite.org/pragma.html#pragma_application_id>):
/// another program's database is never touched.
const APPLICATION_ID: i64 = 0x444F_5353;

/// How a SQLite file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most reads side by side, from 1.
    pub readers_max: u32,
    /// How long a statement waits for another process's write, and a call for a free connection.
    pub patience: Duration,
    /// Whether opening makes the file and brings an older schema up to date, or refuses both.
    pub migrate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers_max: 4,
            patience: Duration::from_secs(10),
            migrate: true,
        }
    }
}

/// Why a SQLite file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or file could not be made; correct the path or the permissions.
    #[error("cannot make {}: {}", path.display(), cause.kind())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The file is something else; correct the path.
    #[error("{} is not a Dossier database", .0.display())]
    NotADatabase(PathBuf),
    /// A newer version of Dossier wrote it; run that one, or restore a backup from before.
    #[error(
        "{} was written by a newer version of Dossier (schema {found}, this one knows {known})",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema found.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// It has an older schema, or is not there, and was not to be migrated; run `dossier migrate`.
    #[error(
        "{} has schema {found}, and this version needs {known}: run `dossier migrate`",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The schema found; 0 if there is none.
        found: u32,
        /// The schema needed.
        known: u32,
    },
    /// The file or its folder may not be written; correct the permissions.
    #[error("{} is read-only; Dossier must be able to write to it and to its folder", .0.display())]
    ReadOnly(PathBuf),
    /// The disk is full; make room.
    #[error("there is no room on the disk for {}", .0.display())]
    Full(PathBuf),
    /// Another process holds it; end that process, or try again.
    #[error("{} is locked by another process", .0.display())]
    Locked(PathBuf),
    /// Anything else.
    #[error("cannot open {}: {cause}", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// The database's account.
        cause: Unavailable,
    },
}

impl SqliteStore {
    /// Opens a file with the default options. See [`SqliteStore::open_with`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, Options::default()).await
    }

    /// Opens a file, making it and its folder where they are missing (for the owner's eyes only:
    /// modes 0600 and 0700), and brings its schema up to date. Several processes may do so at once.
    ///
    /// A committed write is on the disk: write-ahead log, `synchronous = FULL`.
    pub async fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        if !options.migrate {
            let state = schema_state(path).await?;
            if state.age() == SchemaAge::Older {
                return Err(OpenError::Older {
                    path: path.to_owned(),
                    found: state.found,
                    known: state.known,
                });
            }
        }
        make_file(path)?;
        // Turning the log on wants the file alone, and SQLite refuses it at once, without the
        // patience of its other locks, where two would wait for each other
        // (<https://www.sqlite.org/c3ref/busy_handler.html>).
        let started = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            match Self::try_open(path, options).await {
                Err(OpenError::Locked(_)) if started.elapsed() < options.patience => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                opened => return opened,
            }
        }
    }

    async fn try_open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let failed = |error| open_error(path, error);
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.patience)
            .disable_statement_logging();
        let mut first = connect.connect().await.map_err(failed)?;
        let migrated = migrate(&mut first, path).await;
        first.close().await.map_err(failed)?;
        migrated?;

        let pool = |connections_max: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections_max)
                .acquire_timeout(options.patience)
                // A connection to a file does not go stale.
                .test_before_acquire(false)
                .max_lifetime(None)
        };
        let writer = pool(1)
            .connect_with(connect.clone())
            .await
            .map_err(failed)?;
        let readers = pool(options.readers_max.max(1))
            .connect_with(connect.pragma("query_only", "ON"))
            .await
            .map_err(failed)?;
        Ok(Self {
            writer,
            readers,
            work: Work::default(),
        })
    }

    /// Waits for what is under way, then closes every connection. Dropping the store is safe too.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(super) async fn check_schema(&self) -> Result<(), StoreError> {
        let mut connection = self.readers.acquire().await?;
        if pragma(&mut connection, "PRAGMA user_version").await? == schema_known() {
            Ok(())
        } else {
            Err(StoreError::Corrupt("schema version"))
        }
    }
}

fn schema_known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(sql).fetch_one(connection).await?.try_get(0)
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let failed = |error| open_error(path, error);
    let known = schema_known();
    let found = pragma(connection, "PRAGMA user_version")
        .await
        .map_err(failed)?;
    let owner = pragma(connection, "PRAGMA application_id")
        .await
        .map_err(failed)?;
    if owner == APPLICATION_ID && found == known {
        return Ok(());
    }
    // Another process may be doing the same: whoever comes second finds it done.
    let mut tx = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(failed)?;
    let found = pragma(&mut tx, "PRAGMA user_version")
        .await
        .map_err(failed)?;
    let owner = pragma(&mut tx, "PRAGMA application_id")
        .await
        .map_err(failed)?;
    let tables = pragma(&mut tx, "SELECT count(*) FROM sqlite_schema")
        .await
        .map_err(failed)?;
    let fresh = owner == 0 && found == 0 && tables == 0;
    if !fresh && owner != APPLICATION_ID {
        return Err(OpenError::NotADatabase(path.to_owned()));
    }
    if found > known {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    let taken = usize::try_from(found).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(taken) {
        sqlx::raw_sql(*step)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
    }
    let stamp = format!("PRAGMA user_version = {known}; PRAGMA application_id = {APPLICATION_ID}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(stamp))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    tx.commit().await.map_err(failed)
}

/// Makes the file where it is missing and brings its schema up to date; answers from which to
/// which.
///
/// # Errors
/// See [`OpenError`]; then nothing is changed.
pub async fn migrate_file(path: impl AsRef<Path>) -> Result<Migrated, OpenError> {
    let path = path.as_ref();
    let before = schema_state(path).await?;
    let store = SqliteStore::open(path).await?;
    store.close().await;
    Ok(Migrated {
        from: before.found,
        to: before.known,
    })
}

/// Which schema the file has. Makes and changes nothing.
///
/// # Errors
/// See [`OpenError`].
pub async fn schema_state(path: impl AsRef<Path>) -> Result<SchemaState, OpenError> {
    let path = path.as_ref();
    let found = if path.exists() {
        found_schema(path).await?
    } else {
        0
    };
    Ok(SchemaState {
        found,
        known: u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX),
        compatible_from: found,
    })
}

async fn found_schema(path: &Path) -> Result<u32, OpenError> {
    let failed = |error| open_error(path, error);
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Options::default().patience)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(failed)?;
    let owner = pragma(&mut connection, "PRAGMA application_id").await;
    let found = pragma(&mut connection, "PRAGMA user_version").await;
    connection.close().await.map_err(failed)?;
    if owner.map_err(failed)? != APPLICATION_ID {
        return Ok(0);
    }
    Ok(u32::try_from(found.map_err(failed)?).unwrap_or(0))
}

fn open_error(path: &Path, error: sqlx::Error) -> OpenError {
    let path = path.to_owned();
    match Kind::of(&error) {
        Kind::NotADatabase => OpenError::NotADatabase(path),
        Kind::ReadOnly => OpenError::ReadOnly(path),
        Kind::Full => OpenError::Full(path),
        Kind::Locked => OpenError::Locked(path),
        Kind::Damaged | Kind::CannotOpen | Kind::Other => OpenError::Unavailable {
            path,
            cause: Unavailable(describe(&error)),
        },
    }
}

/// Makes the file before SQLite would, so that it is private from its first byte. SQLite gives its
/// log and index files the same mode.
fn make_file(path: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path, cause| OpenError::Folder {
        path: path.to_owned(),
        cause,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .map_err(|cause| failed(folder, cause))?;
    }
    let mut file = fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(failed(path, cause)),
    }
}

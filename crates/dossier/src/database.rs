//! The configured database, whichever it is: opened, looked at, brought up to date.

use std::sync::Arc;

use dossier_store::{
    Migrated, PostgresStore, SchemaState, SearchKind, SqliteStore, Store, postgres, sqlite,
};

use crate::config::{Config, ConfigError};
use crate::exit::Failure;

/// Where the database is, without any secret.
pub fn place(config: &Config) -> Result<String, ConfigError> {
    Ok(match config.store.postgres()? {
        Some(options) => options.url.to_string(),
        None => config.sqlite_file().display().to_string(),
    })
}

/// Opens the database.
///
/// # Errors
/// [`Failure::Unavailable`] says where it is and what is wrong with it.
pub async fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let Some(options) = config.store.postgres()? else {
        let options = sqlite::Options {
            migrate: config.store.migrate,
            ..sqlite::Options::default()
        };
        let store = SqliteStore::open_with(config.sqlite_file(), options).await;
        return Ok(Arc::new(store.map_err(unavailable)?));
    };
    let place = options.url.to_string();
    let store = PostgresStore::open(options).await.map_err(unavailable)?;
    let search = match store.search_kind() {
        SearchKind::Anywhere => "any part of a case reference or identifier",
        SearchKind::Beginning => {
            "the beginning of a case reference or identifier, until there is an index by trigrams"
        }
    };
    tracing::info!(database = %place, "opened the database; a search finds {search}");
    Ok(Arc::new(store))
}

/// Brings the schema up to date; answers from which to which.
///
/// # Errors
/// See [`open`].
pub async fn migrate(config: &Config) -> Result<Migrated, Failure> {
    match config.store.postgres()? {
        Some(options) => postgres::migrate(&options).await.map_err(unavailable),
        None => sqlite::migrate_file(config.sqlite_file())
            .await
            .map_err(unavailable),
    }
}

/// Which schema the database has. Changes nothing.
///
/// # Errors
/// See [`open`].
pub async fn schema_state(config: &Config) -> Result<SchemaState, Failure> {
    match config.store.postgres()? {
        Some(options) => postgres::schema_state(&options).await.map_err(unavailable),
        None => sqlite::schema_state(config.sqlite_file())
            .await
            .map_err(unavailable),
    }
}

fn unavailable(error: impl std::fmt::Display) -> Failure {
    Failure::Unavailable(format!("the database {error}"))
}

//! Where the database is, and its limits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dossier_core::Private;
use dossier_store::postgres::{DatabaseUrl, Options};
use serde::{Deserialize, Serialize};

use super::{ConfigError, hidden};

/// The database: a SQLite file, or with `url` PostgreSQL.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreTable {
    /// The SQLite file; none means `<data_folder>/dossier.db`.
    pub sqlite_file: Option<PathBuf>,
    /// A PostgreSQL database, instead of the file.
    #[serde(serialize_with = "hidden")]
    pub url: Option<Private<String>>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// Where to listen for new requests, if `url` is a pooler's.
    #[serde(serialize_with = "hidden")]
    pub listen_url: Option<Private<String>>,
    /// A file that holds that URL.
    pub listen_url_file: Option<PathBuf>,
    /// A PEM file of certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Most connections of one process, besides the one that listens.
    pub connections_max: u32,
    /// How long to wait for a connection, in seconds.
    pub connect_seconds_max: f64,
    /// How long one statement may take, in seconds.
    pub statement_seconds_max: f64,
    /// How long a statement may wait for another's lock, in seconds.
    pub lock_seconds_max: f64,
    /// Whether a pooler in transaction mode lies between.
    pub pooler: bool,
    /// Whether starting brings an older database up to date, or refuses it.
    pub migrate: bool,
}

impl Default for StoreTable {
    fn default() -> Self {
        Self {
            sqlite_file: None,
            url: None,
            url_file: None,
            listen_url: None,
            listen_url_file: None,
            ca_file: None,
            connections_max: 10,
            connect_seconds_max: 10.0,
            statement_seconds_max: 30.0,
            lock_seconds_max: 5.0,
            pooler: false,
            migrate: true,
        }
    }
}

impl StoreTable {
    /// Values that cannot be right whatever is around them, a line each.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut must = |holds: bool, text: &str| {
            if !holds {
                problems.push(text.to_owned());
            }
        };
        let named = [
            self.sqlite_file.is_some(),
            self.url.is_some(),
            self.url_file.is_some(),
        ];
        must(
            named.iter().filter(|is_set| **is_set).count() <= 1,
            "store.sqlite_file, store.url and store.url_file: set one of them only",
        );
        must(
            self.listen_url.is_none() || self.listen_url_file.is_none(),
            "store.listen_url and store.listen_url_file: set one of them only",
        );
        must(
            (1..=1000).contains(&self.connections_max),
            "store.connections_max must be between 1 and 1000",
        );
        for (key, seconds) in [
            ("connect_seconds_max", self.connect_seconds_max),
            ("statement_seconds_max", self.statement_seconds_max),
            ("lock_seconds_max", self.lock_seconds_max),
        ] {
            must(
                (0.1..=3600.0).contains(&seconds),
                &format!("store.{key} must be between 0.1 and 3600"),
            );
        }
        for (key, url) in [("url", &self.url), ("listen_url", &self.listen_url)] {
            if let Some(Err(error)) = url.as_ref().map(|url| parsed(key, url)) {
                must(false, &error.to_string());
            }
        }
        problems
    }

    /// How PostgreSQL is used, if it is.
    ///
    /// # Errors
    /// [`ConfigError`] if a file of a URL cannot be read or holds none.
    pub fn postgres(&self) -> Result<Option<Options>, ConfigError> {
        let Some(url) = url_of("url", &self.url, self.url_file.as_deref())? else {
            return Ok(None);
        };
        if let Some(file) = &self.ca_file {
            check_certificates("store.ca_file", file)?;
        }
        let listen_url = url_of(
            "listen_url",
            &self.listen_url,
            self.listen_url_file.as_deref(),
        )?;
        Ok(Some(Options {
            listen_url,
            ca_file: self.ca_file.clone(),
            connections_max: self.connections_max,
            connect_max: Duration::from_secs_f64(self.connect_seconds_max),
            statement_max: Duration::from_secs_f64(self.statement_seconds_max),
            lock_max: Duration::from_secs_f64(self.lock_seconds_max),
            pooler: self.pooler,
            migrate: self.migrate,
            ..Options::new(url)
        }))
    }
}

/// Whether the file can be read and holds certificates; the database would only be said to be no
/// file, or not to be trusted.
fn check_certificates(key: &str, file: &Path) -> Result<(), ConfigError> {
    let problem = match std::fs::read(file) {
        Ok(text) if holds(&text, b"-----BEGIN CERTIFICATE-----") => return Ok(()),
        Ok(_) => "it holds no certificates in PEM form".to_owned(),
        Err(error) => error.to_string(),
    };
    let file = file.display();
    Err(ConfigError::Invalid(format!("{key}: {file}: {problem}")))
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn url_of(
    key: &str,
    url: &Option<Private<String>>,
    file: Option<&Path>,
) -> Result<Option<DatabaseUrl>, ConfigError> {
    if let Some(url) = url {
        return parsed(key, url).map(Some);
    }
    let Some(file) = file else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|error| {
        ConfigError::Invalid(format!("store.{key}_file: {}: {error}", file.display()))
    })?;
    parsed(&format!("{key}_file"), &text.into()).map(Some)
}

fn parsed(key: &str, url: &Private<String>) -> Result<DatabaseUrl, ConfigError> {
    url.reveal()
        .parse()
        .map_err(|error| ConfigError::Invalid(format!("store.{key}: {error}")))
}

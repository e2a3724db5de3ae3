//! Exit codes, and the error that ends a command.

use std::process::ExitCode;

use dossier_worker::ApiError;

/// What `--help` says of exit codes; `docs/commands.md` says the same.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  something went wrong that no other code names
  2  the command line is wrong
  3  the configuration is wrong
  4  the API, the database, the document storage or the tested service cannot be reached, or a process is not live
  5  the API refused (the text says why)
  6  there is no such request, service, schema, template version, source or report
  7  the request ended Errored
  8  time ran out
  9  the database's schema is older than this version's
  10  the database's schema is newer than this version can work with
  11  the tested service breaks the contract";

/// Why a command ended without doing what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is wrong; correct it.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The API could not be reached or refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Options do not go together, or one has another form.
    #[error("{0}")]
    Usage(String),
    /// The database, the document storage, a port or the tested service could not be had.
    #[error("{0}")]
    Unavailable(String),
    /// There is no service of that name.
    #[error("there is no service named {0}; see `dossier service list`")]
    NoSuchService(String),
    /// There is no source of reference data of that name.
    #[error("there is no source named {0}; see `dossier reference list`")]
    NoSuchSource(String),
    /// The request that was watched ended Errored.
    #[error("the request ended Errored: {0}")]
    Errored(String),
    /// Time ran out.
    #[error("the request was not finished in time")]
    TimedOut,
    /// Checks of the tested service failed: so many.
    #[error("the service breaks the contract: {0} failed")]
    ContractBroken(String),
    /// The database must be migrated first.
    #[error("the database's schema is older than this version's; run `dossier migrate`")]
    OlderSchema,
    /// A newer version changed the database so that this one cannot work with it.
    #[error("the database's schema is newer than this version can work with; run a newer version")]
    NewerSchema,
    /// A file could not be written or read.
    #[error("{doing}: {source}")]
    File {
        /// What was tried.
        doing: String,
        /// The system's account of it.
        source: std::io::Error,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The failure of a file operation.
    pub fn file(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::File { doing, source }
    }

    /// The exit code that stands for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Other(_) | Self::File { .. } => 1,
            Self::Usage(_) => 2,
            Self::Config(_) => 3,
            Self::Unavailable(_) => 4,
            Self::Api(ApiError::File { .. }) => 1,
            Self::Api(error) => match error.status().map(|status| status.as_u16()) {
                None => 4,
                Some(404) => 6,
                Some(status) if status >= 500 => 4,
                Some(_) => 5,
            },
            Self::NoSuchService(_) | Self::NoSuchSource(_) => 6,
            Self::Errored(_) => 7,
            Self::TimedOut => 8,
            Self::OlderSchema => 9,
            Self::NewerSchema => 10,
            Self::ContractBroken(_) => 11,
        }
    }
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        failure.exit_code().into()
    }
}

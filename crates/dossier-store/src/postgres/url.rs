//! Where the database is: a URL whose every part is known.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use dossier_core::Private;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// Where a PostgreSQL database is and who uses it:
/// `postgres://user:password@host:port/database?sslmode=verify-full`.
///
/// A secret: `Debug` and `Display` show where the server is, and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Private<Url>,
    host: Host,
    tls: Tls,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Name(String),
    /// The folder of a Unix socket.
    Socket(String),
}

/// How the connection is protected: `sslmode` in the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    /// Not at all: what a socket or the loopback address has unless said otherwise.
    Disable,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted, to a server with a certificate that is trusted.
    VerifyCa,
    /// And that is for the host's name: what every other address has unless said otherwise.
    VerifyFull,
}

const SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// What is wrong with a database's URL. Never says the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL, or another kind.
    #[error("it must begin with postgres://")]
    Scheme,
    /// Something in it has another meaning than was meant; write it as `%` and its code.
    #[error(
        "it cannot be read: in user name and password, characters with a meaning in URLs are written \
         as % and their code (/ is %2F, # is %23, ? is %3F, @ is %40, : is %3A, % is %25), and a port \
         is a number up to 65535"
    )]
    Unreadable,
    /// There is no user name in it.
    #[error("it must name the user: postgres://USER:PASSWORD@HOST/DATABASE")]
    User,
    /// There is no host in it.
    #[error("it must name the host, or the socket's folder with ?host=/run/postgresql")]
    Host,
    /// There is no database's name in it.
    #[error("it must name the database: postgres://USER:PASSWORD@HOST/DATABASE")]
    Database,
    /// A parameter has a value that it cannot have.
    #[error("{0} cannot have that value; {1}")]
    Value(&'static str, &'static str),
    /// A parameter is not known; remove it.
    #[error("it has an unknown parameter{}; known are host, sslmode, sslcert and sslkey", named(.0))]
    Parameter(String),
}

/// A parameter's name is shown if it can be nothing but a name.
fn named(parameter: &str) -> String {
    let is_name = !parameter.is_empty()
        && parameter.len() <= 40
        && parameter
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-');
    if is_name {
        format!(" ({parameter})")
    } else {
        String::new()
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        if !SCHEMES
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            return Err(UrlError::Scheme);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Unreadable)?;
        if url.fragment().is_some() {
            return Err(UrlError::Unreadable);
        }
        if url.username().is_empty() {
            // What looks like host and port may be the user and the beginning of the password.
            let user = rest.split_once('@').map_or("", |(user, _)| user);
            return Err(match user.split(':').next() {
                None | Some("") => UrlError::User,
                Some(_) => UrlError::Unreadable,
            });
        }
        if url.path().trim_matches('/').is_empty() {
            return Err(UrlError::Database);
        }
        let mut host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .map(|host| Host::Name(host.to_owned()));
        let mut tls = None;
        for (name, value) in url.query_pairs() {
            match &*name {
                "host" if value.starts_with('/') => host = Some(Host::Socket(value.into_owned())),
                "host" => return Err(UrlError::Value("host", "it is a socket's folder")),
                "sslmode" => tls = Some(Tls::parse(&value)?),
                "sslcert" | "sslkey" => {}
                _ => return Err(UrlError::Parameter(name.into_owned())),
            }
        }
        let host = host.ok_or(UrlError::Host)?;
        let tls = tls.unwrap_or(host.usual_tls());
        Ok(Self {
            url: url.into(),
            host,
            tls,
        })
    }
}

impl Tls {
    fn parse(text: &str) -> Result<Self, UrlError> {
        match text {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            // `allow` and `prefer` send everything in the clear if somebody in between wants it so.
            _ => Err(UrlError::Value(
                "sslmode",
                "it is disable, require, verify-ca or verify-full",
            )),
        }
    }

    fn mode(self) -> PgSslMode {
        match self {
            Self::Disable => PgSslMode::Disable,
            Self::Require => PgSslMode::Require,
            Self::VerifyCa => PgSslMode::VerifyCa,
            Self::VerifyFull => PgSslMode::VerifyFull,
        }
    }
}

impl Host {
    fn usual_tls(&self) -> Tls {
        match self {
            Self::Socket(_) => Tls::Disable,
            Self::Name(name) if is_this_machine(name) => Tls::Disable,
            Self::Name(_) => Tls::VerifyFull,
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

impl DatabaseUrl {
    /// How sqlx connects there, trusting the certificates in `ca_file` besides the system's.
    pub(super) fn options(&self, ca_file: Option<&Path>) -> PgConnectOptions {
        let url = self.url.reveal();
        let decoded = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(url.port().unwrap_or(5432))
            .username(&decoded(url.username()))
            .database(&decoded(url.path().trim_matches('/')))
            .ssl_mode(self.tls.mode());
        options = match &self.host {
            Host::Name(name) => options.host(name.trim_matches(['[', ']'])),
            Host::Socket(folder) => options.socket(folder),
        };
        if let Some(password) = url.password() {
            options = options.password(&decoded(password));
        }
        for (name, value) in url.query_pairs() {
            options = match &*name {
                "sslcert" => options.ssl_client_cert(&*value),
                "sslkey" => options.ssl_client_key(&*value),
                _ => options,
            };
        }
        match ca_file {
            Some(file) => options.ssl_root_cert(file),
            None => options,
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.reveal();
        let port = url.port().unwrap_or(5432);
        let database = url.path().trim_matches('/');
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{port}/{database}"),
            Host::Socket(folder) => write!(f, "{folder}:{port}/{database}"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

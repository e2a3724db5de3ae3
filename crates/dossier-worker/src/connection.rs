//! HTTP clients, and what can go wrong with a connection, in words without personal data.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy};
use url::Url;

use crate::config::WorkerConfig;

/// Hosts that are reached without a proxy whatever is configured: this machine.
const OWN_HOSTS: &str = "localhost,127.0.0.0/8,::1";

/// Why an HTTP client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file with certificates cannot be read; look at its path and rights.
    #[error("the certificates in {} cannot be read: {source}", path.display())]
    CaFile {
        /// The configured file.
        path: PathBuf,
        /// The system's account of it.
        source: io::Error,
    },
    /// The file with certificates is not PEM, or one of them is damaged; configure another.
    #[error("{} holds no certificates in PEM form, or a damaged one", path.display())]
    CaFormat {
        /// The configured file.
        path: PathBuf,
    },
    /// The URL cannot be used: it must be absolute, `http` or `https`.
    #[error("the API's URL must be an absolute http or https URL")]
    Url,
    /// The token holds characters that cannot stand in a header.
    #[error("the API's token holds characters that a token cannot have")]
    Token,
    /// The proxy cannot be used; configure another.
    #[error("worker.proxy cannot be used: {0}")]
    Proxy(String),
    /// TLS could not be set up.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

/// Makes ring the process's provider of cryptography for TLS, unless one is installed already.
/// Clients of this crate call it themselves.
pub fn install_tls_provider() {
    // An error means that another provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for upstream services as the worker is configured: with its authorities, through its
/// proxy, and without following redirects. What else it is to be like is in `settings`.
///
/// # Errors
/// If the configured certificates or the proxy cannot be used.
pub fn upstream_client(
    config: &WorkerConfig,
    settings: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, ClientError> {
    let proxy = config.proxy.as_ref().map(proxy).transpose()?;
    let settings = |builder: ClientBuilder| {
        let builder = settings(builder.redirect(reqwest::redirect::Policy::none()));
        match &proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        }
    };
    http_client(settings, config.ca_file.as_deref())
}

fn proxy(url: &Url) -> Result<Proxy, ClientError> {
    let proxy = Proxy::all(url.as_str()).map_err(|error| ClientError::Proxy(fault(&error)))?;
    Ok(proxy.no_proxy(NoProxy::from_string(OWN_HOSTS)))
}

/// Builds a client that trusts the system's authorities and those in `ca_file`, and uses no proxy
/// but one that `settings` name: the environment's would see personal data that nobody meant it to.
///
/// A machine without any authorities can still use plain HTTP.
///
/// # Errors
/// If the certificates in `ca_file` cannot be used.
pub fn http_client(
    settings: impl Fn(ClientBuilder) -> ClientBuilder,
    ca_file: Option<&Path>,
) -> Result<Client, ClientError> {
    install_tls_provider();
    let authorities = ca_file.map(read_authorities).transpose()?;
    // HTTP/1.1, as the limits of calls side by side mean it: a call, a connection.
    let settings = |builder: ClientBuilder| settings(builder.no_proxy().http1_only());
    let builder = settings(Client::builder());
    match authorities {
        Some(authorities) => builder.tls_certs_merge(authorities).build(),
        None => builder.build().or_else(|_| {
            tracing::warn!("the system has no certificates of authorities: https will not work");
            settings(Client::builder()).tls_certs_only([]).build()
        }),
    }
    .map_err(|error| ClientError::Tls(fault(&error)))
}

fn read_authorities(path: &Path) -> Result<Vec<Certificate>, ClientError> {
    let pem = std::fs::read(path).map_err(|source| ClientError::CaFile {
        path: path.to_owned(),
        source,
    })?;
    // They are looked at only when a client is built.
    let can_be_trusted = |authorities: &Vec<Certificate>| {
        let trusting = Client::builder().tls_certs_only(authorities.clone());
        !authorities.is_empty() && trusting.build().is_ok()
    };
    Certificate::from_pem_bundle(&pem)
        .ok()
        .filter(can_be_trusted)
        .ok_or_else(|| ClientError::CaFormat {
            path: path.to_owned(),
        })
}

/// Why there was no answer, or not a whole one. Never names the URL, whose query is personal data.
pub(crate) fn fault(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    match root.downcast_ref::<io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ if root.is::<reqwest::Error>() => "the call failed".to_owned(),
        _ => root.to_string(),
    }
}

/// What went wrong with a file, for people.
pub(crate) fn file_fault(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the worker's disk is full".to_owned()
        }
        kind => format!("the worker's disk failed: {kind}"),
    }
}

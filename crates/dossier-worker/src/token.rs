//! The bearer token for upstream services.

use std::path::PathBuf;
use std::time::Duration;

use dossier_core::Private;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use reqwest::Client;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::config::{UpstreamAuth, WorkerConfig};
use crate::connection::{self, ClientError};

/// Longest time for the token service to answer.
const TOKEN_ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a token counts that came without its time to live.
const TOKEN_LIFE_DEFAULT: Duration = Duration::from_secs(300);
/// How long before its end a token is replaced, but at most a fifth of its life.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);
/// Largest answer of the token service.
const TOKEN_ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why there is no token. Never holds one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Worth another try.
    #[error("no token: {0}")]
    Passing(String),
    /// Wrong until somebody changes something.
    #[error("no token: {0}")]
    Lasting(String),
}

/// The bearer tokens for services, for parts of the program that call one themselves.
pub struct UpstreamTokens(TokenSource);

impl UpstreamTokens {
    /// Tokens as `worker.upstream_auth` says, over a connection of their own.
    ///
    /// # Errors
    /// If the configured certificates or the proxy cannot be used.
    pub fn new(config: &WorkerConfig) -> Result<Self, ClientError> {
        let http = connection::upstream_client(config, |builder| builder)?;
        Ok(Self(TokenSource::new(&config.upstream_auth, http)))
    }

    /// The `Authorization` header to call with; none if there is to be none. After a call that
    /// `refused` was not good for, another one; none if there is no other.
    ///
    /// # Errors
    /// Says why there is no token.
    pub async fn bearer(
        &self,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, TokenError> {
        match refused {
            Some(refused) => self.0.bearer_after(refused).await,
            None => self.0.bearer().await,
        }
    }
}

/// Where the token comes from.
pub enum TokenSource {
    /// There is none.
    None,
    /// Somebody gave it.
    Given(Private<String>),
    /// A file that holds it.
    File(PathBuf),
    /// A token service (OAuth 2.0).
    ClientCredentials(Box<ClientCredentials>),
}

/// A client of a token service, and the token that it holds.
pub struct ClientCredentials {
    http: Client,
    token_url: Url,
    client_id: String,
    client_secret: Option<Private<String>>,
    client_secret_file: Option<PathBuf>,
    scope: Option<String>,
    /// Held while a token is fetched, so that all who need one wait for the same.
    held: Mutex<Option<HeldToken>>,
}

struct HeldToken {
    bearer: HeaderValue,
    until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<f64>,
}

impl TokenSource {
    /// As configured; `http` is used to call the token service.
    pub fn new(auth: &UpstreamAuth, http: Client) -> Self {
        match auth.clone() {
            UpstreamAuth::None => Self::None,
            UpstreamAuth::File { path } => Self::File(path),
            UpstreamAuth::ClientCredentials {
                token_url,
                client_id,
                client_secret,
                client_secret_file,
                scope,
            } => Self::ClientCredentials(Box::new(ClientCredentials {
                http,
                token_url,
                client_id,
                client_secret,
                client_secret_file,
                scope,
                held: Mutex::new(None),
            })),
        }
    }

    /// The `Authorization` header for a call to a service's own origin, if there is to be one.
    ///
    /// # Errors
    /// If there should be a token and it cannot be had.
    pub async fn bearer(&self) -> Result<Option<HeaderValue>, TokenError> {
        match self {
            Self::None => Ok(None),
            Self::Given(token) => bearer(token).map(Some),
            Self::File(path) => bearer(&read_secret(path).await?).map(Some),
            Self::ClientCredentials(client) => client.bearer(None).await.map(Some),
        }
    }

    /// The header to use after a service refused `refused`; none if there is no other.
    pub(crate) async fn bearer_after(
        &self,
        refused: &HeaderValue,
    ) -> Result<Option<HeaderValue>, TokenError> {
        let other = match self {
            Self::ClientCredentials(client) => Some(client.bearer(Some(refused)).await?),
            Self::None | Self::Given(_) | Self::File(_) => self.bearer().await?,
        };
        Ok(other.filter(|bearer| bearer != refused))
    }
}

impl ClientCredentials {
    async fn bearer(&self, refused: Option<&HeaderValue>) -> Result<HeaderValue, TokenError> {
        let mut held = self.held.lock().await;
        if let Some(token) = &*held
            && Instant::now() < token.until
            && Some(&token.bearer) != refused
        {
            return Ok(token.bearer.clone());
        }
        let token = self.fetch().await?;
        let bearer = token.bearer.clone();
        *held = Some(token);
        Ok(bearer)
    }

    /// RFC 6749, section 4.4.2.
    fn form(&self) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        form.finish()
    }

    async fn fetch(&self) -> Result<HeldToken, TokenError> {
        let secret = match (&self.client_secret, &self.client_secret_file) {
            (Some(secret), _) => secret.clone(),
            (None, Some(file)) => read_secret(file).await?,
            (None, None) => String::new().into(),
        };
        let asked_at = Instant::now();
        let mut response = self
            .http
            .post(self.token_url.clone())
            .basic_auth(encoded(&self.client_id), Some(encoded(secret.reveal())))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .timeout(TOKEN_ANSWER_MAX)
            .body(self.form())
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            let text = format!("the token service answered with status {}", status.as_u16());
            let passing = status.is_server_error();
            return Err(if passing {
                TokenError::Passing(text)
            } else {
                TokenError::Lasting(text)
            });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > TOKEN_ANSWER_BYTES_MAX {
                return Err(not_an_answer());
            }
            body.extend_from_slice(&chunk);
        }
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| not_an_answer())?;
        let life = answer
            .expires_in
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or(TOKEN_LIFE_DEFAULT)
            .min(Duration::from_secs(24 * 3600));
        Ok(HeldToken {
            bearer: bearer(&answer.access_token.into())?,
            until: asked_at + life - TOKEN_MARGIN.min(life / 5),
        })
    }
}

/// RFC 6749, section 2.3.1: name and secret are form-encoded before they are put together.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn read_secret(path: &PathBuf) -> Result<Private<String>, TokenError> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(text.trim().to_owned().into()),
        Err(error) => Err(TokenError::Lasting(format!(
            "{} cannot be read: {}",
            path.display(),
            error.kind()
        ))),
    }
}

fn bearer(token: &Private<String>) -> Result<HeaderValue, TokenError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).map_err(|_| {
        TokenError::Lasting("it holds characters that a token cannot have".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn unreachable(error: reqwest::Error) -> TokenError {
    TokenError::Passing(format!("the token service: {}", connection::fault(&error)))
}

fn not_an_answer() -> TokenError {
    TokenError::Lasting("the token service's answer is not one of OAuth 2.0".to_owned())
}

//! Single calls to a service, as a worker makes them, for those who test the service.
//!
//! A call goes where a worker's would go and carries what a worker's would carry, within the same
//! limits; unlike a worker's it is never repeated, and the answer's status is told and not judged.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dossier_core::subject::SubjectIdentifier;
use dossier_core::{Private, Sha256Hex};
use dossier_report::Attachment;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use jiff::civil::Date;
use reqwest::Client;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::attachment::{self, AllowedHosts, Counts, SectionTotal, Share, Target};
use crate::config::{InvalidConfig, Limits, WorkerConfig};
use crate::connection::{ClientError, upstream_client};
use crate::fetch::{Fault, Question, Spooling, send, spool, too_slow};
use crate::token::TokenSource;

/// Largest template, in bytes.
pub const TEMPLATE_BYTES_MAX: u64 = dossier_template::limits::TEMPLATE_BYTES_MAX as u64;

/// Calls one service.
pub struct Probe {
    http: Client,
    tokens: TokenSource,
    hosts: AllowedHosts,
    limits: Limits,
    service: Url,
    /// What the attachments that were fetched have together.
    attachments: SectionTotal,
}

/// Why a probe cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Whether a call carries the token for services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// It does, if there is one.
    Token,
    /// It does not.
    Nothing,
}

/// What a service answered to a call.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The `Content-Type` header, if it is text.
    pub content_type: Option<String>,
    /// From sending the call to the head of the answer.
    pub first_byte: Duration,
    /// From sending the call to the end of what was read.
    pub whole: Duration,
    /// The body of a status 200, now in the file; or why it did not come whole, in words without
    /// personal data. Other bodies are not read.
    pub body: Option<Result<ReplyBody, String>>,
}

/// A body that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyBody {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Hex,
}

/// Why there is no answer, in words without personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoReply(String);

impl From<Fault> for NoReply {
    fn from(fault: Fault) -> Self {
        Self(fault.text)
    }
}

impl Probe {
    /// A probe of the service at a base URL, within the limits of a worker's configuration and with
    /// its token, or with `token` instead.
    ///
    /// # Errors
    /// If a setting, the configured certificates or the proxy cannot be used.
    pub fn new(
        config: &WorkerConfig,
        service: Url,
        token: Option<Private<String>>,
    ) -> Result<Self, ProbeError> {
        config.check()?;
        let limits = config.limits()?;
        let connect_max = limits.connect_max;
        let http = upstream_client(config, |builder| builder.connect_timeout(connect_max))?;
        let tokens = match token {
            Some(token) => TokenSource::Given(token),
            None => TokenSource::new(&config.upstream_auth, http.clone()),
        };
        Ok(Self {
            http,
            tokens,
            hosts: config.allowed_hosts()?,
            limits,
            service,
            attachments: SectionTotal::default(),
        })
    }

    /// Whether there is a token for services; it is fetched if need be.
    ///
    /// # Errors
    /// Why a token that should be there cannot be had, in words that do not hold it.
    pub async fn has_token(&self) -> Result<bool, NoReply> {
        let bearer = self.tokens.bearer().await;
        bearer
            .map(|bearer| bearer.is_some())
            .map_err(|error| NoReply(error.to_string()))
    }

    /// Asks for a person's data; a body goes to `file`.
    ///
    /// # Errors
    /// If there is no answer within the limits.
    pub async fn data(
        &self,
        subject: &SubjectIdentifier,
        date_from: Option<Date>,
        date_to: Date,
        credential: Credential,
        file: &Path,
    ) -> Result<Reply, NoReply> {
        let question = Question {
            subject: subject.clone(),
            date_from,
            date_to,
        };
        let spooling = Spooling {
            path: file,
            bytes_max: self.limits.answer_bytes_max,
            too_large: |max| Fault::lasting(format!("the answer has more than {max} bytes")),
            idle_max: self.limits.idle_max,
        };
        let url = question.url(&self.service);
        self.call(url, credential, "application/json", spooling)
            .await
    }

    /// Asks for the service's template; a body goes to `file`.
    ///
    /// # Errors
    /// If there is no answer within the limits.
    pub async fn template(&self, file: &Path) -> Result<Reply, NoReply> {
        let spooling = Spooling {
            path: file,
            bytes_max: TEMPLATE_BYTES_MAX,
            too_large: |max| Fault::lasting(format!("the template has more than {max} bytes")),
            idle_max: self.limits.idle_max,
        };
        let url = self.below(&["subject-access-request", "template"]);
        self.call(url, Credential::Token, "*/*", spooling).await
    }

    /// Asks for the service's health at a path below its URL, such as `["health", "ping"]`, without
    /// the token, and answers the status.
    ///
    /// # Errors
    /// If there is no answer within the limits.
    pub async fn health(&self, path: &[&str]) -> Result<u16, NoReply> {
        let limits = &self.limits;
        let call = self.http.get(self.below(path).into_revealed());
        let deadline = Instant::now() + limits.answer_max;
        let response = send(call, deadline, limits.answer_max, limits).await?;
        Ok(response.status().as_u16())
    }

    /// Whether a worker may fetch an attachment from where it is, with the headers that it lists.
    ///
    /// # Errors
    /// Why it may not: names a host or a header, never a path or a value.
    pub fn may_fetch(&self, attachment: &Attachment) -> Result<(), String> {
        Target::new(attachment, &self.service, &self.hosts).map(drop)
    }

    /// Fetches an attachment into `file`.
    ///
    /// # Errors
    /// Why a worker could not have it, in words without personal data.
    pub async fn attachment(&self, attachment: &Attachment, file: &Path) -> Result<(), String> {
        let target = Target::new(attachment, &self.service, &self.hosts)?;
        let bearer = match target.is_own_origin {
            true => self.tokens.bearer().await.map_err(|e| e.to_string())?,
            false => None,
        };
        let counts = Counts {
            section: &self.attachments,
            received: &AtomicU64::new(0),
        };
        let (limits, time_left) = (&self.limits, self.limits.answer_max);
        let bearer = bearer.as_ref();
        attachment::fetch(&self.http, &target, bearer, file, counts, limits, time_left)
            .await
            .map_err(|fault| fault.text)
    }

    fn below(&self, path: &[&str]) -> Private<Url> {
        let mut url = self.service.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.into()
    }

    async fn call(
        &self,
        url: Private<Url>,
        credential: Credential,
        accept: &'static str,
        spooling: Spooling<'_>,
    ) -> Result<Reply, NoReply> {
        let limits = &self.limits;
        let bearer = match credential {
            Credential::Nothing => None,
            Credential::Token => {
                let bearer = self.tokens.bearer().await;
                bearer.map_err(|error| NoReply(error.to_string()))?
            }
        };
        let mut call = self
            .http
            .get(url.into_revealed())
            .header(ACCEPT, accept)
            .header(ACCEPT_ENCODING, "identity");
        if let Some(bearer) = bearer {
            call = call.header(AUTHORIZATION, bearer);
        }
        let began = Instant::now();
        let deadline = began + limits.answer_max;
        let response = send(call, deadline, limits.answer_max, limits).await?;
        let first_byte = began.elapsed();
        let status = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok().map(str::to_owned));
        let body = match status {
            200 => {
                let received = AtomicU64::new(0);
                let mut received = Share::new(&received);
                let spooled = timeout_at(deadline, spool(response, spooling, &mut received)).await;
                Some(
                    spooled.unwrap_or_else(|_| Err(too_slow("no whole answer", limits.answer_max))),
                )
            }
            _ => None,
        };
        Ok(Reply {
            status,
            content_type,
            first_byte,
            whole: began.elapsed(),
            body: body.map(|body| match body {
                Ok(body) => Ok(ReplyBody {
                    bytes: body.bytes,
                    sha256: body.sha256,
                }),
                Err(fault) => Err(fault.text),
            }),
        })
    }
}

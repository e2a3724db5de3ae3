//! One try to get a service's answer, as the upstream contract says (`docs/connect-a-service.md`).

use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use dossier_core::subject::SubjectIdentifier;
use dossier_core::{Private, Sha256Hex};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::{Client, RequestBuilder, Response};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::attachment::Share;
use crate::config::Limits;
use crate::connection::{fault, file_fault};
use crate::retry::retry_after;

/// Bytes gathered before they go to the disk.
const WRITE_BYTES: usize = 64 * 1024;

/// What is asked of every service: whom the data is about, and from when.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub subject: SubjectIdentifier,
    pub date_from: Option<Date>,
    pub date_to: Date,
}

impl Question {
    /// The URL to call; its query is personal data.
    pub fn url(&self, service: &Url) -> Private<Url> {
        let mut url = service.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("subject-access-request");
        }
        let kind = match self.subject {
            SubjectIdentifier::Nomis(_) => "prn",
            SubjectIdentifier::Ndelius(_) => "crn",
        };
        let mut query = url.query_pairs_mut();
        query.append_pair(kind, self.subject.reveal());
        if let Some(from) = self.date_from {
            query.append_pair("fromDate", &from.to_string());
        }
        query.append_pair("toDate", &self.date_to.to_string());
        drop(query);
        url.into()
    }
}

/// How far a section has come, for those who watch.
#[derive(Default)]
pub(crate) struct Progress {
    pub bytes: AtomicU64,
    pub tries: AtomicU32,
}

/// What a service said.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A body, now in the file.
    Body(Body),
    /// Status 204.
    NoData,
    /// Status 209.
    NotSupported,
}

/// A body in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub bytes: u64,
    pub sha256: Sha256Hex,
    /// Whether HTTP itself says where the body ends. If not, a broken connection looks like its end.
    pub end_is_known: bool,
}

/// Why a try failed, in words without personal data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub text: String,
    pub remedy: Remedy,
}

/// What may help after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Another try, not before the pause that the service asked for.
    Retry(Option<Duration>),
    /// Another token, if there is one.
    OtherToken,
    /// Nothing in this attempt.
    None,
}

impl Fault {
    pub fn passing(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            remedy: Remedy::Retry(None),
        }
    }

    pub fn lasting(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            remedy: Remedy::None,
        }
    }
}

/// Calls the service once; a body goes to `file` as it arrives.
pub(crate) async fn fetch(
    http: &Client,
    url: &Private<Url>,
    bearer: Option<&HeaderValue>,
    file: &Path,
    progress: &Progress,
    limits: &Limits,
    time_left: Duration,
) -> Result<Answer, Fault> {
    let time_max = limits.answer_max.min(time_left);
    let deadline = Instant::now() + time_max;
    let mut call = http
        .get(url.reveal().clone())
        .header(ACCEPT, "application/json")
        .header(ACCEPT_ENCODING, "identity");
    if let Some(bearer) = bearer {
        call = call.header(AUTHORIZATION, bearer);
    }
    let response = send(call, deadline, time_max, limits).await?;
    match response.status().as_u16() {
        200 => {
            let spooling = Spooling {
                path: file,
                bytes_max: limits.answer_bytes_max,
                too_large,
                idle_max: limits.idle_max,
            };
            let mut received = Share::new(&progress.bytes);
            let body = timeout_at(deadline, spool(response, spooling, &mut received))
                .await
                .unwrap_or_else(|_| Err(too_slow("no whole answer", time_max)))?;
            received.keep();
            Ok(Answer::Body(body))
        }
        204 => Ok(Answer::NoData),
        209 => Ok(Answer::NotSupported),
        _ => Err(refused(response.status(), response.headers())),
    }
}

/// Sends a call and waits for the head of its answer.
pub(crate) async fn send(
    call: RequestBuilder,
    deadline: Instant,
    time_max: Duration,
    limits: &Limits,
) -> Result<Response, Fault> {
    match timeout_at(deadline, timeout(limits.first_byte_max, call.send())).await {
        Ok(Ok(response)) => response.map_err(|error| Fault::passing(fault(&error))),
        Ok(Err(_)) => Err(too_slow("no answer", limits.first_byte_max)),
        Err(_) => Err(too_slow("no whole answer", time_max)),
    }
}

/// What an answer means that the contract does not welcome.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap) -> Fault {
    let number = status.as_u16();
    if status.is_server_error() {
        return Fault {
            text: format!("status {number}"),
            remedy: Remedy::Retry(retry_after(headers, Timestamp::now())),
        };
    }
    match number {
        401 => Fault {
            text: "status 401".to_owned(),
            remedy: Remedy::OtherToken,
        },
        400..500 => Fault::lasting(format!("status {number}")),
        _ => Fault::lasting(format!("status {number}, which the contract does not know")),
    }
}

/// How a body goes to a file.
pub(crate) struct Spooling<'a> {
    pub path: &'a Path,
    pub bytes_max: u64,
    /// What it means to be larger than that.
    pub too_large: fn(u64) -> Fault,
    pub idle_max: Duration,
}

/// Writes a body to its file as it comes, and counts it in `received`.
pub(crate) async fn spool(
    mut response: Response,
    spooling: Spooling<'_>,
    received: &mut Share<'_>,
) -> Result<Body, Fault> {
    let headers = response.headers();
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity")
    {
        return Err(Fault::lasting(
            "a compressed answer, which was not asked for",
        ));
    }
    let end_is_known =
        headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let Spooling {
        path,
        bytes_max,
        too_large,
        idle_max,
    } = spooling;
    if response
        .content_length()
        .is_some_and(|length| length > bytes_max)
    {
        return Err(too_large(bytes_max));
    }
    let mut file = create_private(path)
        .await
        .map_err(|e| Fault::lasting(file_fault(&e)))?;
    let mut digest = Sha256::new();
    let mut bytes = 0;
    loop {
        let chunk = match timeout(idle_max, response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| Fault::passing(broken(&error)))?,
            Err(_) => return Err(too_slow("the answer stood still", idle_max)),
        };
        let Some(chunk) = chunk else { break };
        bytes += chunk.len() as u64;
        if bytes > bytes_max {
            return Err(too_large(bytes_max));
        }
        digest.update(&chunk);
        file.write_all(&chunk)
            .await
            .map_err(|e| Fault::lasting(file_fault(&e)))?;
        received.add(chunk.len() as u64);
    }
    file.flush()
        .await
        .map_err(|e| Fault::lasting(file_fault(&e)))?;
    Ok(Body {
        bytes,
        sha256: Sha256Hex::from_digest(&digest.finalize().into()),
        end_is_known,
    })
}

/// A folder that only its owner can enter.
pub(crate) async fn create_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = tokio::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path).await
}

/// An empty file that only its owner can read.
pub(crate) async fn create_private(path: &Path) -> std::io::Result<BufWriter<File>> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    file.set_max_buf_size(WRITE_BYTES);
    Ok(BufWriter::with_capacity(WRITE_BYTES, file))
}

fn broken(error: &reqwest::Error) -> String {
    format!("the answer broke off: {}", fault(error))
}

pub(crate) fn too_slow(what: &str, limit: Duration) -> Fault {
    Fault::passing(format!("{what} within {:.1} s", limit.as_secs_f64()).replace(".0 s", " s"))
}

fn too_large(bytes_max: u64) -> Fault {
    Fault::lasting(format!("the answer has more than {bytes_max} bytes"))
}

//! Documents in an existing document API, as HMPPS services use it.
//!
//! | call | what for |
//! | --- | --- |
//! | `POST /documents/{type}/{uuid}` | stores the parts `file` and `metadata` (multipart, RFC 7578) |
//! | `GET /documents/{uuid}` | what is recorded of a document |
//! | `GET /documents/{uuid}/file` | the file, always as a whole |
//! | `DELETE /documents/{uuid}` | deletes it; its identifier stays taken for ever |
//!
//! The API is told nothing about a person: the file is named after its identifier, and the metadata
//! are its SHA-256, which the API's own answers do not have (its `fileHash` is an MD5). What arrived
//! is verified by size and by whichever digest the API tells. An identifier that is taken although
//! this upload is the first to use it is an earlier try of the same upload whose answer was lost, if
//! size and digest say so.

mod call;
mod config;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use backon::BackoffBuilder;
use bytes::Bytes;
use dossier_core::{DocumentId, KeptDocument, Sha256Hex};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use http::{HeaderValue, StatusCode};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, RequestBuilder, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio_util::io::ReaderStream;
use url::Url;
use uuid::Uuid;

pub use self::call::Bearer;
use self::call::{CallFault, Caller};
pub use self::config::DocumentApiConfig;
use crate::checked::checked;
use crate::content::Content;
use crate::fault::{connection_fault, unavailable, unreadable};
use crate::store::{ByteRange, DocumentError, DocumentRead, DocumentStore};

/// Bytes of a file that are read at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Largest answer that is not a file.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(10);
const BYTES_A_MEGABYTE: u64 = 1_000_000;

/// A document API.
pub struct DocumentApiStore {
    http: Client,
    caller: Caller,
    base: Url,
    document_type: String,
    file_bytes_max: u64,
    idle_max: Duration,
    tries_max: u32,
    try_pause: Duration,
}

/// What the API says of a document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    document_uuid: Uuid,
    file_size: u64,
    file_hash: Option<String>,
    metadata: Option<serde_json::Value>,
}

impl Described {
    /// The digest that this store gave it, or that the API computed.
    fn sha256(&self) -> Option<Sha256Hex> {
        let given = self.metadata.as_ref().and_then(|all| all.get("sha256"));
        let given = given.and_then(serde_json::Value::as_str);
        let of_api = self.file_hash.as_deref();
        [given, of_api]
            .into_iter()
            .flatten()
            .find_map(|digest| digest.parse().ok())
    }

    /// Whether the digest that the API computed is that content's; none if it tells no known one.
    fn has_digest_of(&self, content: &Content) -> Option<bool> {
        let digest = self.file_hash.as_deref()?;
        match digest.len() {
            32 => Some(digest.eq_ignore_ascii_case(&content.md5)),
            64 => Some(digest.eq_ignore_ascii_case(content.document.sha256.as_str())),
            _ => None,
        }
    }
}

impl DocumentApiStore {
    /// A store that calls the API with this client, which is to be made with
    /// [`DocumentApiConfig::client_settings`], and with tokens of `bearer`.
    ///
    /// # Errors
    /// [`DocumentError::Unavailable`] if a setting cannot be used.
    pub fn new(
        config: &DocumentApiConfig,
        http: Client,
        bearer: Option<Bearer>,
    ) -> Result<Self, DocumentError> {
        let unusable = |error: String| unavailable("setting the document API up", error);
        config
            .check()
            .map_err(|error| unusable(error.to_string()))?;
        let base = config.url.clone();
        let service_name = HeaderValue::try_from(&config.service_name);
        Ok(Self {
            http,
            caller: Caller {
                bearer,
                service_name: service_name.map_err(|error| unusable(error.to_string()))?,
                answer_max: Duration::from_secs_f64(config.answer_seconds_max),
            },
            base: base.ok_or_else(|| unusable("it has no url".to_owned()))?,
            document_type: config.document_type.clone(),
            file_bytes_max: u64::from(config.file_megabytes_max) * BYTES_A_MEGABYTE,
            idle_max: Duration::from_secs_f64(config.idle_seconds_max),
            tries_max: config.tries_max,
            try_pause: Duration::from_secs_f64(config.try_pause_seconds),
        })
    }

    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        // It has segments: `check` lets only http and https pass.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("documents").extend(parts);
        }
        url
    }

    fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        backon::ExponentialBuilder::default()
            .with_min_delay(self.try_pause)
            .with_max_delay(PAUSE_MAX.max(self.try_pause))
            .with_max_times(self.tries_max.saturating_sub(1) as usize)
            .with_jitter()
            .build()
    }

    /// Calls as often as it takes, and is allowed.
    async fn call(
        &self,
        request: impl Fn() -> RequestBuilder + Send + Sync,
    ) -> Result<Response, CallFault> {
        let mut pauses = self.pauses();
        loop {
            let answer = self.caller.call(0, || std::future::ready(Ok(request())));
            match answer.await {
                Err(fault) if fault.may_pass() => match pauses.next() {
                    Some(pause) => wait(&fault, pause).await,
                    None => return Err(fault),
                },
                answer => return answer,
            }
        }
    }

    /// What the API says of a document; none if there is none.
    async fn describe(&self, id: DocumentId) -> Result<Option<Described>, CallFault> {
        let url = self.url(&[&id.to_string()]);
        match self.call(|| self.http.get(url.clone())).await {
            Ok(answer) => read(answer).await.map(Some),
            Err(CallFault::Status(StatusCode::NOT_FOUND)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn file(&self, id: DocumentId) -> Result<Option<Response>, CallFault> {
        let url = self.url(&[&id.to_string(), "file"]);
        match self.call(|| self.http.get(url.clone())).await {
            Ok(answer) => Ok(Some(answer)),
            Err(CallFault::Status(StatusCode::NOT_FOUND)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Sends a file once.
    async fn send(&self, content: &Content) -> Result<Described, CallFault> {
        let document = &content.document;
        let url = self.url(&[&self.document_type, &document.id.to_string()]);
        let request = || async {
            let file = tokio::fs::File::open(&content.path).await?;
            let pieces = ReaderStream::with_capacity(file, PIECE_BYTES);
            let name = format!("{}.{}", document.id, content.kind.extension());
            let file = Part::stream_with_length(Body::wrap_stream(pieces), document.bytes)
                .file_name(name)
                .mime_str(content.kind.media_type())
                .map_err(std::io::Error::other)?;
            let metadata = serde_json::json!({ "sha256": document.sha256.as_str() });
            let metadata = Part::text(metadata.to_string())
                .mime_str("application/json")
                .map_err(std::io::Error::other)?;
            let form = Form::new().part("file", file).part("metadata", metadata);
            Ok(self.http.post(url.clone()).multipart(form))
        };
        read(self.caller.call(document.bytes, request).await?).await
    }

    /// Whether the API has what was sent: by size, and by its own digest or else by reading it.
    async fn has(&self, content: &Content, stored: &Described) -> Result<bool, DocumentError> {
        let KeptDocument { id, bytes, sha256 } = &content.document;
        if (stored.document_uuid, stored.file_size) != (id.as_uuid(), *bytes) {
            return Ok(false);
        }
        match stored.has_digest_of(content) {
            Some(is_same) => Ok(is_same),
            None => Ok(self.digest(*id, *bytes).await? == *sha256),
        }
    }

    /// The digest of a document of which the API tells none.
    async fn digest(&self, id: DocumentId, bytes: u64) -> Result<Sha256Hex, DocumentError> {
        let doing = "reading a document for its digest";
        let file = self.file(id).await;
        let file = file.map_err(|fault| unavailable(doing, fault.in_words()))?;
        let file = file.ok_or(DocumentError::NotFound(id))?;
        let mut body = checked(self.pieces(file), bytes, None);
        let mut digest = Sha256::new();
        while let Some(piece) = body
            .try_next()
            .await
            .map_err(|source| DocumentError::Unavailable { doing, source })?
        {
            digest.update(&piece);
        }
        Ok(Sha256Hex::from_digest(&digest.finalize().into()))
    }

    /// The bytes of an answer, which must not be silent for too long.
    fn pieces(&self, answer: Response) -> BoxStream<'static, std::io::Result<Bytes>> {
        let idle_max = self.idle_max;
        stream::try_unfold(answer.bytes_stream(), move |mut body| async move {
            match tokio::time::timeout(idle_max, body.try_next()).await {
                Ok(Ok(piece)) => Ok(piece.map(|piece| (piece, body))),
                Ok(Err(error)) => Err(std::io::Error::other(connection_fault(&error))),
                Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
            }
        })
        .boxed()
    }
}

#[async_trait]
impl DocumentStore for DocumentApiStore {
    async fn put(&self, id: DocumentId, file: &Path) -> Result<KeptDocument, DocumentError> {
        let doing = "storing a document";
        let content = Content::measure(id, file).await.map_err(unreadable)?;
        let bytes = content.document.bytes;
        let too_large = DocumentError::TooLarge {
            bytes,
            bytes_max: self.file_bytes_max,
        };
        if bytes > self.file_bytes_max {
            return Err(too_large);
        }
        let mut pauses = self.pauses();
        let mut may_be_there = false;
        let stored = loop {
            match self.send(&content).await {
                Ok(stored) => break stored,
                Err(CallFault::Status(StatusCode::CONFLICT)) if may_be_there => {
                    let found = self.describe(id).await;
                    let found = found.map_err(|fault| unavailable(doing, fault.in_words()))?;
                    return match found {
                        Some(found) if self.has(&content, &found).await? => Ok(content.document),
                        _ => Err(DocumentError::AlreadyExists(id)),
                    };
                }
                Err(CallFault::Status(StatusCode::CONFLICT)) => {
                    return Err(DocumentError::AlreadyExists(id));
                }
                Err(CallFault::Status(StatusCode::PAYLOAD_TOO_LARGE)) => return Err(too_large),
                Err(CallFault::File(error)) => return Err(unreadable(error)),
                Err(fault) => match pauses.next().filter(|_| fault.may_pass()) {
                    Some(pause) => wait(&fault, pause).await,
                    None => return Err(unavailable(doing, fault.in_words())),
                },
            }
            may_be_there = true;
        };
        if self.has(&content, &stored).await? {
            return Ok(content.document);
        }
        if let Err(error) = self.delete(id).await {
            tracing::warn!(%error, "a document that changed on its way stays behind");
        }
        Err(unavailable(doing, "it changed on its way"))
    }

    /// Where neither the metadata nor the API's own digest is a SHA-256, the file is read.
    async fn stat(&self, id: DocumentId) -> Result<KeptDocument, DocumentError> {
        let found = self.describe(id).await;
        let found =
            found.map_err(|fault| unavailable("looking a document up", fault.in_words()))?;
        let found = found.ok_or(DocumentError::NotFound(id))?;
        let bytes = found.file_size;
        let sha256 = match found.sha256() {
            Some(sha256) => sha256,
            None => self.digest(id, bytes).await?,
        };
        Ok(KeptDocument { id, bytes, sha256 })
    }

    /// The API gives files as a whole only: what stands before a part is read and dropped.
    async fn read(
        &self,
        id: DocumentId,
        range: Option<ByteRange>,
    ) -> Result<DocumentRead, DocumentError> {
        let document = self.stat(id).await?;
        let (start, length) = ByteRange::part_of(range, document.bytes)?;
        let file = self.file(id).await;
        let file = file.map_err(|fault| unavailable("opening a document", fault.in_words()))?;
        let file = file.ok_or(DocumentError::NotFound(id))?;
        if file.content_length().is_some_and(|l| l != document.bytes) {
            return Err(DocumentError::Damaged(id));
        }
        let expected = (length == document.bytes).then(|| document.sha256.clone());
        let part = part(self.pieces(file), start, length);
        Ok(DocumentRead {
            document,
            start,
            length,
            body: checked(part, length, expected),
        })
    }

    /// A delete says the same whether there was a document or not, so it is looked for first.
    async fn delete(&self, id: DocumentId) -> Result<bool, DocumentError> {
        let failed = |fault: CallFault| unavailable("deleting a document", fault.in_words());
        if self.describe(id).await.map_err(failed)?.is_none() {
            return Ok(false);
        }
        let url = self.url(&[&id.to_string()]);
        match self.call(|| self.http.delete(url.clone())).await {
            Ok(_) | Err(CallFault::Status(StatusCode::NOT_FOUND)) => Ok(true),
            Err(fault) => Err(failed(fault)),
        }
    }

    /// Looks for a document that cannot be there. Writing is not tried out: it would use up an
    /// identifier each time.
    async fn ping(&self) -> Result<(), DocumentError> {
        let url = self.url(&[&Uuid::new_v4().to_string()]);
        let request = || std::future::ready(Ok(self.http.get(url.clone())));
        let doing = "asking the document API";
        match self.caller.call(0, request).await {
            Err(CallFault::Status(StatusCode::NOT_FOUND)) => Ok(()),
            Ok(_) => {
                let why = "it has a document that cannot be there: is its URL the document API's?";
                Err(unavailable(doing, why.to_owned()))
            }
            Err(fault) => Err(unavailable(doing, fault.in_words())),
        }
    }
}

async fn wait(fault: &CallFault, pause: Duration) {
    let error = fault.in_words();
    tracing::info!(error, "the document API is asked again");
    tokio::time::sleep(pause).await;
}

async fn read(mut answer: Response) -> Result<Described, CallFault> {
    let not_one = || CallFault::Nothing("its answer is not one about a document".to_owned());
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() <= ANSWER_BYTES_MAX => {
                body.extend_from_slice(&piece);
            }
            Ok(Some(_)) => return Err(not_one()),
            Ok(None) => break,
            Err(error) => return Err(CallFault::Nothing(connection_fault(&error))),
        }
    }
    serde_json::from_slice(&body).map_err(|_| not_one())
}

/// The `length` bytes from `start`.
fn part(
    body: BoxStream<'static, std::io::Result<Bytes>>,
    start: u64,
    length: u64,
) -> BoxStream<'static, std::io::Result<Bytes>> {
    stream::try_unfold(
        (body, start, length),
        |(mut body, mut skip, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            while let Some(mut piece) = body.try_next().await? {
                let dropped = skip.min(piece.len() as u64);
                skip -= dropped;
                // Both are at most the piece's own length.
                let mut piece = piece.split_off(dropped as usize);
                piece.truncate(left.min(piece.len() as u64) as usize);
                if !piece.is_empty() {
                    let left = left - piece.len() as u64;
                    return Ok(Some((piece, (body, skip, left))));
                }
            }
            Ok(None)
        },
    )
    .boxed()
}

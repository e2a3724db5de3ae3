//! Downloading a document: streamed, resumed when the connection breaks, verified at the end.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use dossier_core::{DocumentKind, RequestId, Sha256Hex};
use http::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, Method, StatusCode};
use reqwest::Response;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{ApiClient, ApiError, refusal, unreachable};

/// Longest silence while a document is downloaded.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Times that a broken download goes on where it stopped, without a byte in between.
const RESUMES_MAX: u32 = 5;
/// Pause before a broken download goes on.
const RESUME_PAUSE: Duration = Duration::from_millis(500);

/// A downloaded document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Hex,
    /// Whether the API named the digest, and this is it.
    pub verified: bool,
}

impl ApiClient {
    /// Downloads the first volume of a request's report: see
    /// [`download_document`](Self::download_document).
    pub async fn download(
        &self,
        id: RequestId,
        file: &Path,
        progress: impl FnMut(u64, Option<u64>),
    ) -> Result<Downloaded, ApiError> {
        self.download_document(id, DocumentKind::Report, 1, file, progress)
            .await
    }

    /// Downloads one of a request's documents to a file, which appears only when it is whole and
    /// verified against the digest in the answer's `ETag`, and which only its owner can read.
    /// `progress` is told the bytes received so far and, if known, the bytes to come in all.
    pub async fn download_document(
        &self,
        id: RequestId,
        kind: DocumentKind,
        volume: u32,
        file: &Path,
        mut progress: impl FnMut(u64, Option<u64>),
    ) -> Result<Downloaded, ApiError> {
        let query = [
            ("id", id.to_string()),
            ("kind", kind.as_str().to_owned()),
            ("volume", volume.to_string()),
        ];
        let file_error = |source| ApiError::File {
            path: file.to_owned(),
            source,
        };
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty());
        let mut part =
            NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(file_error)?;
        let mut received = Received::new();
        let mut breaks = 0;
        loop {
            let before = received.bytes;
            match self
                .download_rest(&query, &mut part, &mut received, &mut progress)
                .await
            {
                Ok(()) => break,
                Err(Break::Final(error)) => return Err(error),
                Err(Break::File(source)) => return Err(file_error(source)),
                Err(Break::Passing(error)) => {
                    breaks = if received.bytes > before {
                        1
                    } else {
                        breaks + 1
                    };
                    if breaks > RESUMES_MAX {
                        return Err(error);
                    }
                    tokio::time::sleep(RESUME_PAUSE).await;
                }
            }
        }
        let downloaded = received.finish()?;
        part.as_file().sync_all().map_err(file_error)?;
        part.persist(file)
            .map_err(|error| file_error(error.error))?;
        Ok(downloaded)
    }

    async fn download_rest(
        &self,
        query: &[(&str, String)],
        part: &mut NamedTempFile,
        received: &mut Received,
        progress: &mut impl FnMut(u64, Option<u64>),
    ) -> Result<(), Break> {
        let mut call = self.call(Method::GET, &["api", "report"]).query(query);
        if let Some(tag) = received.tag.as_ref().filter(|_| received.bytes > 0) {
            call = call
                .header(RANGE, format!("bytes={}-", received.bytes))
                .header(IF_RANGE, tag);
        }
        let answer = tokio::time::timeout(IDLE_MAX, call.send()).await;
        let mut response = answer.map_err(|_| silence())?.map_err(broken)?;
        match response.status() {
            StatusCode::OK => {
                received.start_over();
                restart(part).map_err(Break::File)?;
            }
            StatusCode::PARTIAL_CONTENT if starts_at(&response) == Some(received.bytes) => {}
            StatusCode::PARTIAL_CONTENT => return Err(Break::Final(ApiError::Incomprehensible)),
            _ => return Err(refused(response).await),
        }
        received.note_head(response.headers(), response.content_length());
        loop {
            let chunk = tokio::time::timeout(IDLE_MAX, response.chunk()).await;
            let Some(chunk) = chunk.map_err(|_| silence())?.map_err(broken)? else {
                return Ok(());
            };
            part.write_all(&chunk).map_err(Break::File)?;
            received.add(&chunk);
            progress(received.bytes, received.expected);
        }
    }
}

/// Why a download stopped before its end.
enum Break {
    Passing(ApiError),
    Final(ApiError),
    File(std::io::Error),
}

/// What has arrived so far.
struct Received {
    bytes: u64,
    digest: Sha256,
    tag: Option<http::HeaderValue>,
    expected: Option<u64>,
}

impl Received {
    fn new() -> Self {
        Self {
            bytes: 0,
            digest: Sha256::new(),
            tag: None,
            expected: None,
        }
    }

    fn start_over(&mut self) {
        *self = Self::new();
    }

    fn note_head(&mut self, headers: &HeaderMap, length: Option<u64>) {
        self.expected = length.map(|rest| self.bytes + rest);
        if let Some(tag) = headers.get(ETAG) {
            self.tag = Some(tag.clone());
        }
    }

    fn add(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.digest.update(chunk);
    }

    fn finish(self) -> Result<Downloaded, ApiError> {
        let sha256 = Sha256Hex::from_digest(&self.digest.finalize().into());
        let announced: Option<Sha256Hex> = self
            .tag
            .as_ref()
            .and_then(|tag| tag.to_str().ok())
            .and_then(|tag| tag.trim_start_matches("W/").trim_matches('"').parse().ok());
        let whole = self.expected.is_none_or(|expected| expected == self.bytes);
        if !whole
            || announced
                .as_ref()
                .is_some_and(|announced| *announced != sha256)
        {
            return Err(ApiError::Damaged);
        }
        Ok(Downloaded {
            bytes: self.bytes,
            sha256,
            verified: announced.is_some(),
        })
    }
}

fn restart(part: &mut NamedTempFile) -> std::io::Result<()> {
    use std::io::Seek;
    part.as_file().set_len(0)?;
    part.rewind()
}

fn starts_at(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

async fn refused(response: Response) -> Break {
    let error = refusal(response).await;
    if error.is_passing() {
        Break::Passing(error)
    } else {
        Break::Final(error)
    }
}

fn broken(error: reqwest::Error) -> Break {
    Break::Passing(unreachable(error))
}

fn silence() -> Break {
    Break::Passing(ApiError::Unreachable("timed out".to_owned()))
}

//! A document API that keeps the rules of the real one: an identifier can never be used twice, also
//! not after a delete; files are given as a whole; deleting what is not there is no fault.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The token that it lets in.
pub const TOKEN: &str = "Bearer the-good-one";

/// Which digest it tells of its files.
#[derive(Clone, Copy, PartialEq)]
pub enum Hash {
    Md5,
    Sha256,
    None,
}

/// How it behaves.
#[derive(Clone, Copy)]
pub struct Manners {
    pub hash: Hash,
    pub tells_metadata: bool,
    pub bytes_max: usize,
    /// Files lose their last byte, or a byte of them changes, on their way in.
    pub cuts: bool,
    pub alters: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            hash: Hash::Md5,
            tells_metadata: true,
            bytes_max: 50_000_000,
            cuts: false,
            alters: false,
        }
    }
}

/// A document as it is stored.
#[derive(Clone)]
pub struct Stored {
    pub document_type: String,
    pub file_name: String,
    pub media_type: String,
    pub metadata: Value,
    pub service: String,
    pub file: Bytes,
}

#[derive(Clone, Default)]
pub struct DocumentApi {
    documents: Arc<Mutex<HashMap<Uuid, Option<Stored>>>>,
    manners: Arc<Mutex<Manners>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl DocumentApi {
    /// Starts it; it ends with the test.
    pub async fn start() -> (Self, SocketAddr) {
        let api = Self::default();
        let app = Router::new()
            .route("/documents/{first}/{second}", post(store).get(file))
            .route("/documents/{uuid}", get(describe).delete(delete))
            .layer(middleware::from_fn_with_state(api.clone(), let_in))
            .layer(DefaultBodyLimit::disable())
            .with_state(api.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        (api, address)
    }

    pub fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
    }

    fn manners(&self) -> Manners {
        *self.manners.lock().unwrap()
    }

    /// What is stored under an identifier.
    pub fn stored(&self, id: Uuid) -> Option<Stored> {
        self.documents.lock().unwrap().get(&id).cloned().flatten()
    }

    /// All that is stored.
    pub fn all(&self) -> Vec<Stored> {
        let documents = self.documents.lock().unwrap();
        documents.values().flatten().cloned().collect()
    }

    /// Replaces what is stored, as a fault of a disk would.
    pub fn replace(&self, id: Uuid, file: &'static [u8]) {
        let mut documents = self.documents.lock().unwrap();
        let stored = documents.get_mut(&id).unwrap().as_mut().unwrap();
        stored.file = Bytes::from_static(file);
    }

    /// Methods and paths of the calls so far.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn described(&self, id: Uuid, stored: &Stored) -> Value {
        let manners = self.manners();
        let hash = match manners.hash {
            Hash::Md5 => Some(hex(&md5::Md5::digest(&stored.file))),
            Hash::Sha256 => Some(hex(&Sha256::digest(&stored.file))),
            Hash::None => None,
        };
        json!({
            "documentUuid": id,
            "documentType": stored.document_type,
            "documentFilename": stored.file_name,
            "fileSize": stored.file.len(),
            "fileHash": hash,
            "mimeType": stored.media_type,
            "metadata": manners.tells_metadata.then_some(&stored.metadata),
            "createdByServiceName": stored.service,
        })
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn refused(status: StatusCode) -> Response {
    (status, Json(json!({ "status": status.as_u16() }))).into_response()
}

async fn let_in(State(api): State<DocumentApi>, request: Request, next: Next) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path());
    api.calls.lock().unwrap().push(call);
    match refusal(request.headers()) {
        Some(status) => refused(status),
        None => next.run(request).await,
    }
}

fn refusal(headers: &HeaderMap) -> Option<StatusCode> {
    if headers.get("authorization").is_none_or(|v| v != TOKEN) {
        return Some(StatusCode::UNAUTHORIZED);
    }
    (!headers.contains_key("service-name")).then_some(StatusCode::BAD_REQUEST)
}

async fn store(
    State(api): State<DocumentApi>,
    Path((document_type, id)): Path<(String, Uuid)>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    let manners = api.manners();
    let (mut file, mut metadata) = (None, None);
    while let Ok(Some(field)) = form.next_field().await {
        match field.name().unwrap_or_default() {
            "file" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let kind = field.content_type().unwrap_or_default().to_owned();
                file = field.bytes().await.ok().map(|bytes| (name, kind, bytes));
            }
            "metadata" => {
                let is_json = field.content_type() == Some("application/json");
                let text = field.text().await.unwrap_or_default();
                metadata = serde_json::from_str(&text).ok().filter(|_| is_json);
            }
            _ => return refused(StatusCode::BAD_REQUEST),
        }
    }
    let (Some((file_name, media_type, mut file)), Some(metadata)) = (file, metadata) else {
        return refused(StatusCode::BAD_REQUEST);
    };
    if file.len() > manners.bytes_max {
        return refused(StatusCode::PAYLOAD_TOO_LARGE);
    }
    if manners.cuts {
        file.truncate(file.len() - 1);
    }
    if manners.alters {
        let mut altered = file.to_vec();
        altered[0] ^= 1;
        file = altered.into();
    }
    let mut documents = api.documents.lock().unwrap();
    if documents.contains_key(&id) {
        return refused(StatusCode::CONFLICT);
    }
    let stored = Stored {
        document_type,
        file_name,
        media_type,
        metadata,
        service: headers["service-name"].to_str().unwrap().to_owned(),
        file,
    };
    documents.insert(id, Some(stored.clone()));
    drop(documents);
    (StatusCode::CREATED, Json(api.described(id, &stored))).into_response()
}

async fn describe(State(api): State<DocumentApi>, Path(id): Path<Uuid>) -> Response {
    match api.stored(id) {
        Some(stored) => Json(api.described(id, &stored)).into_response(),
        None => refused(StatusCode::NOT_FOUND),
    }
}

async fn file(State(api): State<DocumentApi>, Path((id, what)): Path<(Uuid, String)>) -> Response {
    match api.stored(id) {
        Some(stored) if what == "file" => {
            ([("content-type", stored.media_type)], stored.file).into_response()
        }
        _ => refused(StatusCode::NOT_FOUND),
    }
}

async fn delete(State(api): State<DocumentApi>, Path(id): Path<Uuid>) -> StatusCode {
    if let Some(stored) = api.documents.lock().unwrap().get_mut(&id) {
        *stored = None;
    }
    StatusCode::NO_CONTENT
}

//! Fake upstream services over real HTTP.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

/// One black pixel as PNG.
const DOT: &[u8] = b"\
    \x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\
    \x00\x00\x00\x01\x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\x00\x00\x00\x0a\x49\x44\x41\
    \x54\x78\x9c\x63\x60\x00\x00\x00\x02\x00\x01\x48\xaf\xa4\x71\x00\x00\x00\x00\x49\
    \x45\x4e\x44\xae\x42\x60\x82";

/// What a service answers to one call.
#[derive(Clone)]
pub enum Answer {
    /// 200 with this as `content`.
    Content(Value),
    /// 200 with these bytes.
    Body(Vec<u8>),
    /// This status, with a text that nobody should read.
    Status(u16),
    /// The other answer, after a while.
    After(Duration, Box<Answer>),
    /// Nothing, until the caller gives up.
    Never,
}

impl Answer {
    /// This answer, after a while.
    pub fn after(self, pause: Duration) -> Self {
        Self::After(pause, Box::new(self))
    }
}

/// One call, as it came.
#[derive(Clone, Debug)]
pub struct Call {
    pub service: String,
    pub query: String,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    templates: Mutex<HashMap<String, String>>,
    calls: Mutex<Vec<Call>>,
}

/// As many services as wanted, on one port; a service is a path.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/{service}/subject-access-request", get(respond))
            .route("/{service}/subject-access-request/template", get(template))
            .route("/{service}/files/{bytes}", get(file))
            .route("/{service}/images/dot.png", get(dot))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// The base URL of a service.
    pub fn url(&self, service: &str) -> String {
        format!("http://{}/{service}", self.address)
    }

    /// Where a file of so many bytes is, counted as a call to `name`.
    pub fn file_url(&self, name: &str, bytes: u64) -> String {
        format!("{}/files/{bytes}", self.url(name))
    }

    /// An answer with one attachment of so many bytes.
    pub fn file(&self, name: &str, bytes: u64) -> Vec<u8> {
        let attachment = serde_json::json!({
            "attachmentNumber": 1, "name": "A recording", "contentType": "video/mp4",
            "url": self.file_url(name, bytes), "filename": "recording.mp4",
        });
        let content = serde_json::json!([{ "note": "see the recording" }]);
        let answer = serde_json::json!({ "content": content, "attachments": [attachment] });
        answer.to_string().into_bytes()
    }

    /// Sets what a service answers: each once, the last one for ever.
    pub fn answer(&self, service: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers = answers.into_iter().collect();
        self.shared
            .answers
            .lock()
            .unwrap()
            .insert(service.to_owned(), answers);
    }

    /// Sets the template that a service serves; without it, it has none.
    pub fn template(&self, service: &str, text: &str) {
        let mut templates = self.shared.templates.lock().unwrap();
        templates.insert(service.to_owned(), text.to_owned());
    }

    /// The template that a service serves is gone.
    pub fn no_template(&self, service: &str) {
        self.shared.templates.lock().unwrap().remove(service);
    }

    /// The calls to a service so far.
    pub fn calls(&self, service: &str) -> Vec<Call> {
        let calls = self.shared.calls.lock().unwrap();
        calls
            .iter()
            .filter(|call| call.service == service)
            .cloned()
            .collect()
    }
}

async fn respond(
    State(shared): State<Arc<Shared>>,
    Path(service): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    shared.calls.lock().unwrap().push(Call {
        service: service.clone(),
        query: query.unwrap_or_default(),
    });
    let answer = {
        let mut answers = shared.answers.lock().unwrap();
        let queue = answers.get_mut(&service).unwrap();
        if queue.len() > 1 {
            queue.pop_front()
        } else {
            queue.front().cloned()
        }
    };
    give(answer.unwrap()).await
}

async fn template(State(shared): State<Arc<Shared>>, Path(service): Path<String>) -> Response {
    shared.calls.lock().unwrap().push(Call {
        service: format!("{service}/template"),
        query: String::new(),
    });
    let templates = shared.templates.lock().unwrap();
    match templates.get(&service) {
        Some(text) => text.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A black dot.
async fn dot(State(shared): State<Arc<Shared>>, Path(service): Path<String>) -> Response {
    shared.calls.lock().unwrap().push(Call {
        service: format!("{service}/images"),
        query: String::new(),
    });
    ([(header::CONTENT_TYPE, "image/png")], DOT).into_response()
}

async fn file(
    State(shared): State<Arc<Shared>>,
    Path((service, bytes)): Path<(String, u64)>,
) -> Response {
    shared.calls.lock().unwrap().push(Call {
        service,
        query: String::new(),
    });
    const PIECE: usize = 64 * 1024;
    let pieces = (0..bytes.div_ceil(PIECE as u64)).map(move |place| {
        let left = bytes - place * PIECE as u64;
        let length = PIECE.min(usize::try_from(left).unwrap_or(PIECE));
        Ok::<_, std::convert::Infallible>(vec![0; length])
    });
    let body = axum::body::Body::from_stream(futures::stream::iter(pieces));
    ([(header::CONTENT_LENGTH, bytes.to_string())], body).into_response()
}

async fn give(answer: Answer) -> Response {
    match answer {
        Answer::Content(content) => {
            axum::Json(serde_json::json!({ "content": content })).into_response()
        }
        Answer::Body(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Answer::Status(status) => (
            StatusCode::from_u16(status).unwrap(),
            "this must not be read",
        )
            .into_response(),
        Answer::After(pause, answer) => {
            tokio::time::sleep(pause).await;
            Box::pin(give(*answer)).await
        }
        Answer::Never => std::future::pending().await,
    }
}

//! A service that answers as slowly, or as much, as a measurement needs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;

use crate::exit::Failure;

/// Bytes of a piece of a huge answer.
const PIECE_BYTES: usize = 64 * 1024;

/// What the service answers.
#[derive(Clone, Copy)]
pub enum Answer {
    /// A few lines, after a while.
    After(Duration),
    /// JSON of about so many bytes, at once.
    Bytes(u64),
    /// A line, and an attachment of so many bytes.
    Attachment(u64),
}

struct Shared {
    address: SocketAddr,
    answer: Answer,
    asked: AtomicU64,
}

/// The service, running until the process ends.
pub struct Upstream {
    shared: Arc<Shared>,
}

impl Upstream {
    /// Starts it on a free port of this machine.
    pub async fn start(answer: Answer) -> Result<Self, Failure> {
        let unavailable = |error| Failure::Unavailable(format!("starting a service: {error}"));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let shared = Arc::new(Shared {
            address,
            answer,
            asked: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/{service}/subject-access-request", get(respond))
            .route("/file", get(file))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { shared })
    }

    /// The base URL of one of as many services as wanted.
    pub fn url(&self, service: &str) -> String {
        format!("http://{}/{service}", self.shared.address)
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }
}

async fn respond(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.fetch_add(1, Ordering::Relaxed);
    match shared.answer {
        Answer::After(pause) => {
            tokio::time::sleep(pause).await;
            let body = r#"{"content":[{"date":"2024-05-01","note":"A measured note"}]}"#;
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Answer::Bytes(bytes) => huge(bytes),
        Answer::Attachment(_) => {
            let attachment = serde_json::json!({
                "attachmentNumber": 1, "name": "A measured file", "contentType": "video/mp4",
                "url": format!("http://{}/file", shared.address), "filename": "measured.mp4",
            });
            let content = serde_json::json!([{ "note": "A measured note" }]);
            let answer = serde_json::json!({ "content": content, "attachments": [attachment] });
            axum::Json(answer).into_response()
        }
    }
}

/// The attachment: zeros.
async fn file(State(shared): State<Arc<Shared>>) -> Response {
    let Answer::Attachment(bytes) = shared.answer else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    let piece = Bytes::from(vec![0; PIECE_BYTES]);
    let pieces = (0..bytes.div_ceil(PIECE_BYTES as u64)).map(move |place| {
        let left = bytes - place * PIECE_BYTES as u64;
        let length = usize::try_from(left)
            .unwrap_or(PIECE_BYTES)
            .min(PIECE_BYTES);
        Ok::<_, std::convert::Infallible>(piece.slice(..length))
    });
    let body = Body::from_stream(stream::iter(pieces));
    ([(header::CONTENT_LENGTH, bytes.to_string())], body).into_response()
}

/// `{"content":["xxx…","xxx…",…]}` with texts of one piece each.
fn huge(bytes: u64) -> Response {
    let text = format!("\"{}\",", "x".repeat(PIECE_BYTES - 3));
    let text = Bytes::from(text);
    let pieces = bytes / PIECE_BYTES as u64;
    let middle = (0..pieces).map(move |_| text.clone());
    let all = std::iter::once(Bytes::from_static(b"{\"content\":["))
        .chain(middle)
        .chain(std::iter::once(Bytes::from_static(b"\"end\"]}")));
    let body = Body::from_stream(stream::iter(all.map(Ok::<_, std::convert::Infallible>)));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

//! Sources of reference data over real HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use reqwest::StatusCode;
use serde_json::Value;

/// What is answered to one path.
#[derive(Clone)]
pub enum Reply {
    Json(Value),
    Text(u16, &'static str),
    /// Nothing, until the caller gives up.
    Never,
    /// Bytes without an end.
    Endless,
    Redirect(String),
}

/// One call, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub path: String,
    pub authorization: Option<String>,
}

#[derive(Default)]
struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    calls: Mutex<Vec<Call>>,
}

/// A source: what has no reply is 404.
pub struct Upstream {
    pub url: String,
    shared: Arc<Shared>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Sets what is answered to a path with its query.
    pub fn reply(&self, path: &str, reply: Reply) {
        let mut replies = self.shared.replies.lock().unwrap();
        replies.insert(path.to_owned(), reply);
    }

    pub fn json(&self, path: &str, value: Value) {
        self.reply(path, Reply::Json(value));
    }

    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// The paths that were called.
    pub fn paths(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.path).collect()
    }
}

async fn respond(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path_and_query().unwrap().to_string();
    let authorization = request.headers().get("authorization");
    let call = Call {
        path: path.clone(),
        authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
    };
    shared.calls.lock().unwrap().push(call);
    let reply = shared.replies.lock().unwrap().get(&path).cloned();
    match reply {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Reply::Json(value)) => axum::Json(value).into_response(),
        Some(Reply::Text(status, text)) => {
            (StatusCode::from_u16(status).unwrap(), text).into_response()
        }
        Some(Reply::Never) => std::future::pending().await,
        Some(Reply::Endless) => {
            let chunks = futures::stream::repeat_with(|| {
                Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b' '; 4096]))
            });
            Body::from_stream(chunks).into_response()
        }
        Some(Reply::Redirect(to)) => (StatusCode::FOUND, [("location", to)]).into_response(),
    }
}

/// Long enough for a test's time limits, too long to wait for.
pub const BRIEF: Duration = Duration::from_millis(300);

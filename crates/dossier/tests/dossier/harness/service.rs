//! One upstream service that keeps the contract in all that it answers, unless it is told otherwise.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::response::Response;
use serde_json::{Value, json};

/// A call, as it came.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub query: String,
    pub has_token: bool,
    /// The header `X-Tenant`, which the attachment's entry lists.
    pub tenant: Option<String>,
    /// Where the service is.
    pub origin: String,
}

/// What is answered instead; none for what the contract says.
type Otherwise = dyn Fn(&Call) -> Option<Response> + Send + Sync;

/// A running service.
pub struct Service {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

#[derive(Clone)]
struct Shared {
    otherwise: Arc<Otherwise>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Service {
    /// A service that keeps the contract.
    pub async fn perfect() -> Self {
        Self::start(|_| None).await
    }

    /// One that answers some calls otherwise.
    pub async fn start(
        otherwise: impl Fn(&Call) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared {
            otherwise: Arc::new(otherwise),
            calls: calls.clone(),
        };
        let router = Router::new().fallback(respond).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls }
    }

    /// One that answers the known subject's questions otherwise.
    pub async fn with_data(answer: impl Fn(&Call) -> Response + Send + Sync + 'static) -> Self {
        Self::start(move |call| call.asks_for_the_known().then(|| answer(call))).await
    }

    /// One whose answer for the known subject has these bytes.
    pub async fn with_body(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::with_data(move |_| json_body(body.clone())).await
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

impl Call {
    pub fn asks_for_data(&self) -> bool {
        self.path.ends_with("/subject-access-request")
    }

    /// Whether it asks for data of the subject that is known, in days that have some.
    pub fn asks_for_the_known(&self) -> bool {
        self.asks_for_data() && self.query.contains("prn=A1234AA") && !self.asks_long_ago()
    }

    pub fn asks_long_ago(&self) -> bool {
        self.query.contains("toDate=1900-01-01")
    }
}

/// What is told of the known subject, with these attachments.
pub fn data(attachments: Value) -> Value {
    let photo = json!({ "contentType": "image/png", "url": "http://x.example/1", "filesize": 9 });
    json!({
        "content": [{ "note": "Secret-of-a-lifetime", "photo": photo }],
        "attachments": attachments,
    })
}

/// The entry of the file that the service has.
pub fn attachment(origin: &str) -> Value {
    json!({
        "attachmentNumber": 1, "name": "Secret-of-a-lifetime", "contentType": "text/plain",
        "url": format!("{origin}/files/words.txt"), "filename": "words.txt", "filesize": 5,
        "headers": [{ "name": "X-Tenant", "value": "a" }],
    })
}

/// 200 with these bytes, declared as JSON.
pub fn json_body(body: impl Into<Body>) -> Response {
    body_of("application/json", body)
}

/// 200 with these bytes, declared as something.
pub fn body_of(content_type: &str, body: impl Into<Body>) -> Response {
    let response = Response::builder().header(CONTENT_TYPE, content_type);
    response.body(body.into()).unwrap()
}

/// A status with a text that nobody should read.
pub fn status(status: u16) -> Response {
    let response = Response::builder().status(status);
    response.body("Secret-of-a-lifetime".into()).unwrap()
}

async fn respond(State(shared): State<Shared>, request: Request) -> Response {
    let header = |name| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
    let call = Call {
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        has_token: request.headers().contains_key(AUTHORIZATION),
        tenant: header("x-tenant"),
        origin: format!("http://{}", header(HOST.as_str()).unwrap()),
    };
    shared.calls.lock().unwrap().push(call.clone());
    (shared.otherwise)(&call).unwrap_or_else(|| as_the_contract_says(&call))
}

fn as_the_contract_says(call: &Call) -> Response {
    if call.asks_for_the_known() {
        return json_body(data(json!([attachment(&call.origin)])).to_string());
    }
    match call.path.as_str() {
        path if path.ends_with("/subject-access-request") => match call.query.contains("crn=") {
            true => status(209),
            false => status(204),
        },
        path if path.ends_with("/template") => body_of(
            "text/plain",
            "<h1>Notes</h1>{{#each this}}<p>{{note}}</p>{{/each}}",
        ),
        path if path.ends_with("/health/ping") => status(200),
        "/files/words.txt" if call.tenant.is_some() => body_of("text/plain", "words"),
        _ => status(404),
    }
}

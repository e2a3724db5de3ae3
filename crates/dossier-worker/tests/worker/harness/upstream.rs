//! Upstream services over real HTTP, each with a script of its answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;

/// Answers the n-th call, from 1.
pub type Script = Arc<dyn Fn(u32, HeaderMap) -> BoxFuture<'static, Response> + Send + Sync>;

#[derive(Clone)]
pub struct Upstream {
    state: Arc<Mutex<UpstreamState>>,
    pub url: url::Url,
}

#[derive(Default)]
struct UpstreamState {
    scripts: HashMap<String, Script>,
    calls: Vec<Call>,
    in_flight: HashMap<String, u32>,
    peaks: HashMap<String, u32>,
    peak: u32,
}

/// A call that arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub service: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub at: std::time::Instant,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Upstream {
    pub async fn start() -> Self {
        let state = Arc::<Mutex<UpstreamState>>::default();
        let router = Router::new().fallback(answer).with_state(state.clone());
        let url = super::serve(router).await;
        Self { state, url }
    }

    pub fn script(
        &self,
        service: &str,
        script: impl Fn(u32, HeaderMap) -> BoxFuture<'static, Response> + Send + Sync + 'static,
    ) {
        self.state
            .lock()
            .unwrap()
            .scripts
            .insert(service.to_owned(), Arc::new(script));
    }

    /// Answers every call alike.
    pub fn answer(&self, service: &str, status: u16, body: &str) {
        let body = body.to_owned();
        self.script(service, move |_, _| {
            let response = reply(status, body.clone());
            Box::pin(async move { response })
        });
    }

    /// Answers with these in turn, the last one for ever.
    pub fn answers(&self, service: &str, answers: Vec<Box<dyn Fn() -> Response + Send + Sync>>) {
        self.script(service, move |n, _| {
            let last = answers.len() - 1;
            let response = answers[(n as usize - 1).min(last)]();
            Box::pin(async move { response })
        });
    }

    /// Answers with data after a while.
    pub fn slow(&self, service: &str, pause: Duration) {
        self.script(service, move |_, _| {
            Box::pin(async move {
                tokio::time::sleep(pause).await;
                reply(200, DATA)
            })
        });
    }

    pub fn calls(&self, service: &str) -> Vec<Call> {
        let state = self.state.lock().unwrap();
        state
            .calls
            .iter()
            .filter(|call| call.service == service)
            .cloned()
            .collect()
    }

    pub fn peak(&self) -> u32 {
        self.state.lock().unwrap().peak
    }

    pub fn peak_of(&self, service: &str) -> u32 {
        self.state
            .lock()
            .unwrap()
            .peaks
            .get(service)
            .copied()
            .unwrap_or(0)
    }

    pub fn url_of(&self, service: &str) -> String {
        format!("{}{service}", self.url)
    }
}

/// An answer with data.
pub const DATA: &str = r#"{"content":{"note":"kept for you"},"more":1}"#;

pub fn reply(status: u16, body: impl Into<Body>) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.into()).into_response()
}

/// Counts down when the answer is ready or the caller has gone.
struct InFlight(Arc<Mutex<UpstreamState>>, String);

impl Drop for InFlight {
    fn drop(&mut self) {
        *self.0.lock().unwrap().in_flight.get_mut(&self.1).unwrap() -= 1;
    }
}

async fn answer(State(state): State<Arc<Mutex<UpstreamState>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let service = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let (script, n) = {
        let mut state = state.lock().unwrap();
        state.calls.push(Call {
            service: service.clone(),
            path,
            query: request.uri().query().unwrap_or("").to_owned(),
            headers: request.headers().clone(),
            at: std::time::Instant::now(),
        });
        let current = state.in_flight.entry(service.clone()).or_default();
        *current += 1;
        let current = *current;
        let all = state.in_flight.values().sum();
        state.peak = state.peak.max(all);
        let peak = state.peaks.entry(service.clone()).or_default();
        *peak = (*peak).max(current);
        let n = state
            .calls
            .iter()
            .filter(|call| call.service == service)
            .count();
        (state.scripts.get(&service).cloned(), n as u32)
    };
    let _in_flight = InFlight(state, service);
    match script {
        Some(script) => script(n, request.headers().clone()).await,
        None => reply(404, "no such service"),
    }
}

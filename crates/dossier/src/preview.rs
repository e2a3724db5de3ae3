//! The page that `dossier render --watch` serves on this machine: a section as HTML and as PDF, side
//! by side, with what is wrong with it, made anew whenever a file changes.
//!
//! It shows personal data if the sample holds any, so that it answers this machine only, and only to
//! who names it by an address of this machine: another site's page cannot read it by a name of its
//! own that leads here. What the template wrote is shown in a frame in which nothing runs and from
//! which nothing is fetched.

mod changes;
mod maker;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dossier_template::Severity;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::exit::Failure;
use crate::run::told_to_stop;
use changes::Changes;
use maker::keep_making;

pub use maker::GivenUp;

const PAGE: &str = include_str!("preview/page.html");
const PAGE_STYLE: &str = include_str!("preview/page.css");
const PAGE_SCRIPT: &str = include_str!("preview/page.js");
/// Roughly the report's own look, for what a template wrote.
const SECTION_STYLE: &str = include_str!("preview/section.css");
/// What stands before what a template wrote, so that a browser shows it as the report does.
const SECTION_HEAD: &str = "<!doctype html><meta charset=\"utf-8\"><title>Section</title>\
     <link rel=\"stylesheet\" href=\"/section.css\">";

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
/// Nothing runs and nothing is fetched from elsewhere, whatever the template wrote.
const SECTION_POLICY: &str = "default-src 'none'; img-src data:; style-src 'self' 'unsafe-inline'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin";
const PDF_POLICY: &str = "default-src 'none'; object-src 'self'; plugin-types application/pdf; \
     style-src 'unsafe-inline'; frame-ancestors 'self'";

/// Something that is wrong, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether there is a section all the same.
    pub severity: Severity,
    /// The line of the template, from 1, if it is about one.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// What it is, and what to do.
    pub text: String,
}

/// A section as it was made from the files.
#[derive(Debug, Default)]
pub struct Preview {
    /// What the template wrote; none if it did not come to its end.
    pub html: Option<Vec<u8>>,
    /// The same as a PDF.
    pub pdf: Option<Vec<u8>>,
    /// On which of its pages the section starts, from 1, and how many pages there are.
    pub pages: Option<(u32, u32)>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Preview {
    /// Whether something is wrong that leaves no section.
    pub fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }
}

/// What is shown: a preview, which one it is, and whether another is being made.
#[derive(Clone, Default)]
struct Shown {
    /// How many were made; 0 if none was yet.
    number: u64,
    preview: Arc<Preview>,
    made_at: Option<Timestamp>,
    making_since: Option<Timestamp>,
}

impl Shown {
    fn take(&mut self, preview: Preview) {
        *self = Self {
            number: self.number + 1,
            preview: Arc::new(preview),
            made_at: Some(Timestamp::now()),
            making_since: None,
        };
    }
}

type Latest = watch::Receiver<Shown>;

/// Serves previews that `make` makes, anew whenever one of the `files` changes, until the process is
/// told to stop. A folder counts as changed when one of its files is. What `make` is given says
/// whether the files have changed since: then it may return whatever it has.
///
/// # Errors
/// If the address cannot be had, or is not one of this machine alone.
pub async fn serve(
    listen: SocketAddr,
    files: Vec<PathBuf>,
    make: impl Fn(&GivenUp) -> Preview + Send + Sync + 'static,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Failure> {
    if !listen.ip().is_loopback() {
        return Err(Failure::Usage(
            "a preview is served on this machine only: choose 127.0.0.1 or [::1]".to_owned(),
        ));
    }
    let unavailable =
        |error: std::io::Error| Failure::Unavailable(format!("listening on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(unavailable)?;
    let address = listener.local_addr().map_err(unavailable)?;
    let changes = Changes::of(files);
    let (show, latest) = watch::channel(Shown {
        making_since: Some(Timestamp::now()),
        ..Shown::default()
    });
    let maker = std::thread::spawn(move || keep_making(changes, make, &show));
    let told_to_stop = told_to_stop();
    ready(address);
    let serving = axum::serve(listener, router(latest));
    let ended = tokio::select! {
        ended = serving.into_future() => ended.map_err(unavailable),
        () = told_to_stop => Ok(()),
    };
    // It ends by itself when nobody listens any more; a rendering that hangs is no reason to wait.
    drop(maker);
    ended
}

fn router(latest: Latest) -> Router {
    let text = |kind: &'static str, text: &'static str, policy: &'static str| {
        get(move || async move { answer(kind, policy, text) })
    };
    Router::new()
        .route("/", text("text/html; charset=utf-8", PAGE, PAGE_POLICY))
        .route("/page.css", text("text/css", PAGE_STYLE, PAGE_POLICY))
        .route(
            "/page.js",
            text("text/javascript", PAGE_SCRIPT, PAGE_POLICY),
        )
        .route("/section.css", get(section_style))
        .route("/section.html", get(section))
        .route("/section.pdf", get(pdf))
        .route("/state", get(state))
        .route("/events", get(events))
        .layer(middleware::from_fn(this_machine_only))
        .with_state(latest)
}

/// Refuses callers that name this machine by anything but an address of its own.
async fn this_machine_only(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok());
    if host.is_some_and(is_this_machine) {
        next.run(request).await
    } else {
        (
            StatusCode::MISDIRECTED_REQUEST,
            "open the preview by the address that dossier printed\n",
        )
            .into_response()
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn answer(kind: &'static str, policy: &'static str, body: impl IntoResponse) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    let mut response = body.into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The style sheet, with the widths of columns in percent that classes may give.
async fn section_style() -> Response {
    use std::fmt::Write;
    let mut style = SECTION_STYLE.to_owned();
    for percent in 1..=100 {
        // A String takes all that is written.
        let _ = writeln!(style, ".data-column-{percent} {{ width: {percent}%; }}");
    }
    answer("text/css", PAGE_POLICY, style)
}

async fn section(State(latest): State<Latest>) -> Response {
    let shown = latest.borrow().clone();
    match &shown.preview.html {
        Some(html) => {
            let body = [SECTION_HEAD.as_bytes(), html].concat();
            answer("text/html; charset=utf-8", SECTION_POLICY, body)
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn pdf(State(latest): State<Latest>) -> Response {
    let shown = latest.borrow().clone();
    match &shown.preview.pdf {
        Some(pdf) => answer("application/pdf", PDF_POLICY, pdf.clone()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What the page shows besides the section itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageState<'p> {
    number: u64,
    has_html: bool,
    has_pdf: bool,
    pages: Option<(u32, u32)>,
    problems: &'p [Problem],
    /// When it was made, in milliseconds since 1970.
    made_at: Option<i64>,
    /// Since when another is being made, which will take its place.
    making_since: Option<i64>,
}

async fn state(State(latest): State<Latest>) -> Response {
    let shown = latest.borrow().clone();
    let state = PageState {
        number: shown.number,
        has_html: shown.preview.html.is_some(),
        has_pdf: shown.preview.pdf.is_some(),
        pages: shown.preview.pages,
        problems: &shown.preview.problems,
        made_at: shown.made_at.map(Timestamp::as_millisecond),
        making_since: shown.making_since.map(Timestamp::as_millisecond),
    };
    answer("application/json", PAGE_POLICY, axum::Json(state))
}

/// An event with the number of the preview that there is, and another whenever one is made or begun.
async fn events(
    State(latest): State<Latest>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let numbers = futures::stream::unfold((latest, true), |(mut latest, first)| async move {
        if !first {
            latest.changed().await.ok()?;
        }
        let number = latest.borrow_and_update().number;
        Some((number, (latest, false)))
    });
    let events = numbers.map(|number| Ok(Event::default().data(number.to_string())));
    Sse::new(events).keep_alive(KeepAlive::default())
}

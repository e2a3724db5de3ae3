//! The routes of reference data.

use std::collections::HashSet;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use dossier_core::Private;
use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceSource};
use dossier_core::wire::{
    Problem, REFERENCE_LOOKUP_CODES_MAX, ReferenceImported, ReferenceLookup, ReferenceNames,
    ReferenceSourceView,
};
use dossier_store::{ReferenceState, StoreError};
use futures::StreamExt;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use serde::Deserialize;
use tokio::time::Instant;

use super::Sources;
use super::import::{self, Format};
use super::lookup::Lookup;
use crate::api::Api;
use crate::auth::{Anybody, Caller, Cataloguer, Worker};
use crate::input::{Params, is_json, media_type, parse_json, path_part};
use crate::problem::{ApiError, Kind};

/// Largest body of a look-up, in bytes: room for all the codes that it may have.
const LOOKUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// List sources of reference data.
///
/// By name: what was imported, the configured sources, and those that gave names and are no longer
/// configured.
#[utoipa::path(
    get,
    path = "/api/reference",
    tag = "reference",
    responses((status = 200, description = "All sources", body = [ReferenceSourceView]))
)]
pub(crate) async fn list(
    _: Caller<Anybody>,
    State(api): State<Api>,
) -> Result<Json<Vec<ReferenceSourceView>>, ApiError> {
    let known = api.store.reference_sources().await?;
    let sources = &api.reference;
    let new = sources.all.iter().filter(|source| {
        let is_it = |state: &ReferenceState| state.source == source.name && state.kind == source.of;
        !known.iter().any(is_it)
    });
    let new = new.map(|source| ReferenceState {
        source: source.name.clone(),
        kind: source.of,
        entries: 0,
        refreshed_at: None,
        tried_at: None,
        due_at: None,
        error: None,
        loading: false,
    });
    let mut views: Vec<_> = new
        .chain(known.iter().cloned())
        .map(|state| view(state, sources))
        .collect();
    views.sort_by(|a, b| (&a.source, a.kind).cmp(&(&b.source, b.kind)));
    Ok(Json(views))
}

fn view(state: ReferenceState, sources: &Sources) -> ReferenceSourceView {
    let configured = sources.find(&state.source);
    let configured = configured.filter(|source| source.of == state.kind);
    ReferenceSourceView {
        source: state.source.to_string(),
        kind: state.kind,
        in_use: state.source.is_import() || configured.is_some(),
        on_demand: configured.is_some_and(super::Source::is_on_demand),
        entries: state.entries,
        refreshed_at: state.refreshed_at,
        tried_at: state.tried_at,
        loading: state.loading,
        error: state.error,
        next: state.due_at.filter(|_| configured.is_some()),
    }
}

/// Import names.
///
/// Replaces all that was imported of the kind: with a JSON object of names by code, a JSON list of
/// `{code, name}`, or CSV in UTF-8 with a header row that has the columns `code` and `name`. At most
/// 64 MiB. Imported names count before those of sources.
#[utoipa::path(
    put,
    path = "/api/reference/{kind}",
    tag = "reference",
    params(("kind" = ReferenceKind, Path, description = "What the names are of")),
    request_body(content((BTreeMap<String, String> = "application/json"), (String = "text/csv"))),
    responses(
        (status = 200, description = "How many there are now", body = ReferenceImported),
        (status = 404, description = "There is no such kind",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn import(
    _: Caller<Cataloguer>,
    State(api): State<Api>,
    OfKind(kind): OfKind,
    Import { body, format }: Import,
) -> Result<Json<ReferenceImported>, ApiError> {
    // A large file would keep others waiting.
    let parsed = tokio::task::spawn_blocking(move || import::parse(&body, format));
    let entries = parsed
        .await
        .map_err(|_| ApiError::new(Kind::Internal).cause("reading an import panicked"))?
        .map_err(|problem| ApiError::of_field(Kind::InvalidBody, "body", problem.to_string()))?;
    let entries = api.store.import_references(kind, &entries).await?;
    tracing::info!(%kind, entries, "reference data imported");
    Ok(Json(ReferenceImported { kind, entries }))
}

/// Whose names are to be removed.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveParams {
    /// A source's name; `import` if absent.
    source: Option<String>,
}

/// Remove names.
///
/// Those of the kind that were imported, or that another source gave. A source that is still
/// configured begins anew: a list is loaded again soon, however long it is.
#[utoipa::path(
    delete,
    path = "/api/reference/{kind}",
    tag = "reference",
    params(
        ("kind" = ReferenceKind, Path, description = "What the names are of"),
        RemoveParams,
    ),
    responses(
        (status = 204, description = "They are gone"),
        (status = 404, description = "There are none",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    _: Caller<Cataloguer>,
    State(api): State<Api>,
    OfKind(kind): OfKind,
    Params(params): Params<RemoveParams>,
) -> Result<StatusCode, ApiError> {
    let source = params
        .source
        .as_deref()
        .unwrap_or(ReferenceSource::IMPORT)
        .parse()
        .map_err(|_| ApiError::not_found("source"))?;
    let removed = api.store.remove_references(&source, kind).await;
    removed.map_err(|error| match error {
        StoreError::NotFound => {
            ApiError::new(Kind::NotFound).detail(format!("the source has given no names of {kind}"))
        }
        error => error.into(),
    })?;
    api.reference.due.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

/// Refresh a source.
///
/// Makes it due now. It is loaded within seconds; the list of sources says how that went.
#[utoipa::path(
    post,
    path = "/api/reference/{source}/refresh",
    tag = "reference",
    params(("source" = String, Path, description = "The source's name")),
    responses(
        (status = 202, description = "It is due"),
        (status = 404, description = "There is no such source in the configuration",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The source is asked on demand",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn refresh(
    _: Caller<Cataloguer>,
    State(api): State<Api>,
    OfSource(name): OfSource,
) -> Result<StatusCode, ApiError> {
    let source = api.reference.find(&name);
    let source = source.ok_or_else(|| ApiError::not_found("source in the configuration"))?;
    if source.is_on_demand() {
        return Err(ApiError::new(Kind::NotScheduled).detail(
            "the source is asked for single codes on demand; remove what it gave to have it asked \
             anew",
        ));
    }
    match api.store.make_reference_due(&name).await {
        // One that is not known yet is due anyway.
        Ok(()) | Err(StoreError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    api.reference.due.notify_one();
    Ok(StatusCode::ACCEPTED)
}

/// Look codes up.
///
/// At most 10,000 codes over all kinds. Codes without a known name are absent from the answer.
/// Sources that are asked on demand have 5 seconds, unless configured otherwise; then the answer is
/// what is known.
#[utoipa::path(
    post,
    path = "/api/reference/lookup",
    tag = "reference",
    request_body = ReferenceLookup,
    responses((status = 200, description = "The names that are known", body = ReferenceNames))
)]
pub(crate) async fn look_up(
    _: Caller<Worker>,
    State(api): State<Api>,
    Wanted(wanted): Wanted,
) -> Result<Json<ReferenceNames>, ApiError> {
    let lookup = Lookup {
        sources: &api.reference,
        store: &api.store,
        caller: &api.caller,
        deadline: Instant::now() + api.reference.rules.lookup_max,
    };
    let kinds = ReferenceKind::ALL.map(|kind| lookup.names(kind, codes(wanted.of(kind))));
    let mut names = ReferenceNames::default();
    let found = futures::future::join_all(kinds).await;
    for (kind, found) in ReferenceKind::ALL.into_iter().zip(found) {
        let shown = found?.into_iter().map(|(code, name)| {
            let [code, name] = [code.reveal(), name.reveal()].map(|text| text.to_owned().into());
            (code, name)
        });
        *names.of_mut(kind) = shown.collect();
    }
    Ok(Json(names))
}

/// Each once. What cannot be a code has no name.
fn codes(texts: &[Private<String>]) -> Vec<ReferenceCode> {
    let texts: HashSet<&str> = texts.iter().map(|text| text.reveal().as_str()).collect();
    texts
        .into_iter()
        .filter_map(|text| {
            let code = ReferenceCode::parse(text).ok()?;
            (code.reveal() == text).then_some(code)
        })
        .collect()
}

/// The kind in the path: its part `{kind}`.
pub(crate) struct OfKind(ReferenceKind);

impl FromRequestParts<Api> for OfKind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let text = path_part(parts, api, "kind").await?;
        let words = ReferenceKind::ALL.map(ReferenceKind::as_str).join(", ");
        ReferenceKind::parse(&text).map(Self).ok_or_else(|| {
            ApiError::new(Kind::NotFound).detail(format!("the kind must be one of {words}"))
        })
    }
}

/// The source in the path: its part `{source}`.
pub(crate) struct OfSource(ReferenceSource);

impl FromRequestParts<Api> for OfSource {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let text = path_part(parts, api, "source").await?;
        let source = text.parse().map_err(|_| ApiError::not_found("source"))?;
        Ok(Self(source))
    }
}

/// A file to be imported.
pub(crate) struct Import {
    body: Vec<u8>,
    format: Format,
}

impl FromRequest<Api> for Import {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let format = if is_json(request.headers()) {
            Format::Json
        } else if media_type(request.headers()) == "text/csv" {
            Format::Csv
        } else {
            return Err(ApiError::new(Kind::UnsupportedMediaType)
                .detail("the body must be application/json or text/csv"));
        };
        let rules = &api.reference.rules;
        let body = read(request, rules.import_bytes_max, rules.import_read_max).await?;
        Ok(Self { body, format })
    }
}

/// The codes that are to be looked up.
pub(crate) struct Wanted(ReferenceLookup);

impl FromRequest<Api> for Wanted {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let read_max = api.config.limits.body_read_max;
        let body = read(request, LOOKUP_BYTES_MAX, read_max).await?;
        let wanted: ReferenceLookup = parse_json(&body, is_json)?;
        let codes: usize = ReferenceKind::ALL
            .iter()
            .map(|kind| wanted.of(*kind).len())
            .sum();
        if codes > REFERENCE_LOOKUP_CODES_MAX {
            return Err(ApiError::of_field(
                Kind::ValidationFailed,
                "body",
                format!("at most {REFERENCE_LOOKUP_CODES_MAX} codes can be looked up at once"),
            ));
        }
        Ok(Self(wanted))
    }
}

/// A whole body that has a limit of its own.
async fn read(request: Request, bytes_max: usize, read_max: Duration) -> Result<Vec<u8>, ApiError> {
    let too_large = || {
        ApiError::new(Kind::BodyTooLarge)
            .detail(format!("this body may have at most {bytes_max} bytes"))
    };
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let reading = async {
        let mut body = Vec::with_capacity(announced.unwrap_or_default());
        let mut chunks = request.into_body().into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| {
                ApiError::of_field(Kind::InvalidBody, "body", "the body did not arrive whole")
            })?;
            if body.len() + chunk.len() > bytes_max {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    match tokio::time::timeout(read_max, reading).await {
        Ok(body) => body,
        Err(_elapsed) => Err(ApiError::new(Kind::BodyTimeout).detail(format!(
            "the whole body must arrive within {} seconds",
            read_max.as_secs()
        ))),
    }
}

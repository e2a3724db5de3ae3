//! What callers send, read so that whatever is wrong with it is named and never repeated.

use axum::extract::rejection::BytesRejection;
use axum::extract::{
    DefaultBodyLimit, FromRequest, FromRequestParts, Query, RawPathParams, Request,
};
use axum::response::IntoResponse;
use bytes::Bytes;
use dossier_core::ServiceName;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::api::Api;
use crate::problem::{ApiError, Kind};

/// Longest unknown field whose name is repeated to the caller.
const FIELD_NAME_CHARS_MAX: usize = 50;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let json = is_json(request.headers());
        let bytes = read_body(request, api, api.config.limits.body_bytes_max).await?;
        if bytes.is_empty() {
            return Err(ApiError::of_field(
                Kind::InvalidBody,
                "body",
                "this needs a JSON body",
            ));
        }
        parse_json(&bytes, json).map(Self)
    }
}

/// A JSON body that may be left out.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<Api> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let json = is_json(request.headers());
        let bytes = read_body(request, api, api.config.limits.body_bytes_max).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        parse_json(&bytes, json).map(Self)
    }
}

/// Reads a whole body of at most `bytes_max` bytes, within the time for it.
pub(crate) async fn read_body(
    mut request: Request,
    api: &Api,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    let limits = &api.config.limits;
    DefaultBodyLimit::max(bytes_max).apply(&mut request);
    let reading = Bytes::from_request(request, api);
    match tokio::time::timeout(limits.body_read_max, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) => Err(body_problem(rejection, bytes_max)),
        Err(_elapsed) => Err(ApiError::new(Kind::BodyTimeout).detail(format!(
            "the whole body must arrive within {} seconds",
            limits.body_read_max.as_secs()
        ))),
    }
}

fn body_problem(rejection: BytesRejection, bytes_max: usize) -> ApiError {
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::new(Kind::BodyTooLarge)
            .detail(format!("a body may have at most {bytes_max} bytes"))
    } else {
        ApiError::of_field(Kind::InvalidBody, "body", "the body did not arrive whole")
    }
}

/// The media type of a body, in lower case and without parameters; empty if there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let essence = value.and_then(|v| v.split(';').next()).unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let essence = media_type(headers);
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8], is_json: bool) -> Result<T, ApiError> {
    if !is_json {
        return Err(ApiError::new(Kind::UnsupportedMediaType)
            .detail("the body must be JSON, with Content-Type: application/json"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_path_to_error::deserialize(&mut json).map_err(|error| json_problem(&error))?;
    json.end().map_err(|_| malformed())?;
    Ok(value)
}

fn malformed() -> ApiError {
    ApiError::of_field(
        Kind::InvalidBody,
        "body",
        "the body is not well-formed JSON",
    )
}

/// Names the field. Of the parser's message only what cannot repeat a value is used: the name of a
/// missing field, and that of an unknown one if it looks like a name.
fn json_problem(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    if error.inner().is_syntax() || error.inner().is_eof() {
        return malformed();
    }
    let path = error.path().to_string();
    let message = error.inner().to_string();
    let named = |prefix| {
        let rest = message.strip_prefix(prefix)?;
        rest.split('`').next()
    };
    if let Some(field) = named("unknown field `") {
        return unknown_field(field);
    }
    match named("missing field `") {
        Some(field) if path == "." => {
            ApiError::of_field(Kind::InvalidBody, field, format!("{field} is missing"))
        }
        Some(field) => {
            let field = format!("{path}.{field}");
            let message = format!("{field} is missing");
            ApiError::of_field(Kind::InvalidBody, &field, message)
        }
        None if path == "." => ApiError::of_field(
            Kind::InvalidBody,
            "body",
            "the body, or a field of it, is of the wrong type or form",
        ),
        None => {
            let message = format!("{path} is of the wrong type or form");
            ApiError::of_field(Kind::InvalidBody, &path, message)
        }
    }
}

fn unknown_field(field: &str) -> ApiError {
    let is_name = (1..=FIELD_NAME_CHARS_MAX).contains(&field.len())
        && field.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    match is_name {
        true => ApiError::of_field(
            Kind::InvalidBody,
            field,
            format!("there is no field {field}; names are written as the API's description does"),
        ),
        false => ApiError::of_field(
            Kind::InvalidBody,
            "body",
            "the body has a field that is not known",
        ),
    }
}

/// The parameters of the query.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(query_problem(&rejection.body_text())),
        }
    }
}

/// axum's text is `…: <field>: <message>`, the field one of ours, the message perhaps with a value;
/// or, where a field is missing, names it in the message.
fn query_problem(text: &str) -> ApiError {
    let account = text.split_once(": ").map_or("", |(_, rest)| rest);
    let missing = account
        .split_once("missing field `")
        .and_then(|(_, rest)| rest.split('`').next());
    if let Some(field) = missing {
        return ApiError::of_field(
            Kind::InvalidParameter,
            field,
            format!("the parameter {field} is missing"),
        );
    }
    let field = account.split(':').next().unwrap_or_default();
    let is_name = !field.is_empty() && field.chars().all(|c| c.is_ascii_alphabetic());
    if is_name && account.contains(':') {
        let message = format!("the parameter {field} is of the wrong form");
        ApiError::of_field(Kind::InvalidParameter, field, message)
    } else {
        ApiError::of_field(
            Kind::InvalidParameter,
            "query",
            "a parameter is of the wrong form or given twice",
        )
    }
}

/// Reads an optional parameter; one without a value counts as absent.
pub(crate) fn blank_is_absent<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
{
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| serde::de::Error::custom("wrong form"))
}

/// The identifier in the path: its part `{id}`.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: From<Uuid>> FromRequestParts<Api> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let text = path_part(parts, api, "id").await?;
        let uuid = text.parse::<Uuid>().map_err(|_| {
            ApiError::of_field(Kind::InvalidParameter, "id", "the id must be a UUID")
        })?;
        Ok(Self(uuid.into()))
    }
}

/// The service's name in the path: its part `{name}`. What is no service name names no service.
pub(crate) struct Named(pub(crate) ServiceName);

impl FromRequestParts<Api> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let text = path_part(parts, api, "name").await?;
        let name = text.parse().map_err(|_| ApiError::not_found("service"))?;
        Ok(Self(name))
    }
}

/// A part of the path, decoded.
pub(crate) async fn path_part(
    parts: &mut Parts,
    api: &Api,
    name: &str,
) -> Result<String, ApiError> {
    let unreadable =
        || ApiError::of_field(Kind::InvalidParameter, name, "the path cannot be decoded");
    let all = RawPathParams::from_request_parts(parts, api)
        .await
        .map_err(|_| unreadable())?;
    let found = all.iter().find(|(key, _)| *key == name);
    found
        .map(|(_, value)| value.to_owned())
        .ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use dossier_core::wire::CreateRequest;

    use super::*;

    #[test]
    fn what_is_wrong_in_a_body_is_named_and_not_repeated() {
        for (body, field) in [
            (r#"{"services": ["a", 7]}"#, "services[1]"),
            (r#"{"dateTo": "Secret"}"#, "dateTo"),
            (r#"{"nomisId": {"Secret": 1}}"#, "nomisId"),
            (r#""Secret""#, "body"),
            (r#"{"nomisId": "Secret"#, "body"),
            (r#"{} Secret"#, "body"),
            (r#"{"datefrom": "Secret"}"#, "datefrom"),
            (r#"{"Secret of A1234AA": 1}"#, "body"),
        ] {
            let result = parse_json::<CreateRequest>(body.as_bytes(), true);
            let shown = format!("{:?}", result.unwrap_err());
            assert!(shown.contains(&format!("field: \"{field}\"")), "{shown}");
            assert!(!shown.contains("Secret"), "{shown}");
        }
    }
}

//! A template that a caller sends: a form with the part `file`, and whether it can be used.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use bytes::Bytes;
use dossier_core::Sha256Hex;
use dossier_template::template_text;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sha2::{Digest, Sha256};

use crate::api::Api;
use crate::input::read_body;
use crate::problem::{ApiError, Kind, template_problems};

/// The part of the form that is the template.
const PART: &str = "file";

/// Room for what surrounds a template in a form, and for other parts, in bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// A form as the API's description shows it.
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "it is only described; the form is read part by part"
)]
pub(crate) struct TemplateForm {
    /// The template, in UTF-8.
    #[schema(value_type = String, format = Binary, content_media_type = "text/plain")]
    file: Vec<u8>,
}

/// A template as it was received. It need not be usable.
pub(crate) struct TemplateFile(Bytes);

impl TemplateFile {
    /// Its bytes, if it can be used.
    pub(crate) fn checked(self, api: &Api) -> Result<Bytes, ApiError> {
        let checked = match template_text(&self.0) {
            Ok(text) => (api.config.template_validator)(text),
            Err(not_text) => Err(vec![not_text.into()]),
        };
        match checked {
            Ok(()) => Ok(self.0),
            Err(problems) => Err(template_problems(&problems)),
        }
    }
}

/// The digest of a template's bytes.
pub(crate) fn digest(bytes: &[u8]) -> Sha256Hex {
    Sha256Hex::from_digest(&Sha256::digest(bytes).into())
}

impl FromRequest<Api> for TemplateFile {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        if !is_form(request.headers()) {
            return Err(ApiError::new(Kind::UnsupportedMediaType).detail(
                "the body must be a form with the part `file`, \
                 with Content-Type: multipart/form-data",
            ));
        }
        let bytes_max = api.config.limits.template_bytes_max;
        let content_type = request.headers().get(CONTENT_TYPE).cloned();
        let body = read_body(request, api, bytes_max.saturating_add(FORM_BYTES_MAX)).await?;
        let mut form = Request::new(Body::from(body));
        form.headers_mut()
            .extend(content_type.map(|value| (CONTENT_TYPE, value)));
        let file = file_of(form).await?;
        if file.len() > bytes_max {
            return Err(ApiError::new(Kind::BodyTooLarge)
                .detail(format!("a template may have at most {bytes_max} bytes")));
        }
        Ok(Self(file))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let essence = value.and_then(|v| v.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// The only part that is called so; others are passed over.
async fn file_of(mut form: Request) -> Result<Bytes, ApiError> {
    // It has arrived, and was not too large.
    DefaultBodyLimit::disable().apply(&mut form);
    let mut form = Multipart::from_request(form, &())
        .await
        .map_err(|_| malformed())?;
    let mut file = None;
    while let Some(part) = form.next_field().await.map_err(|_| malformed())? {
        let is_file = part.name() == Some(PART);
        let content = part.bytes().await.map_err(|_| malformed())?;
        if is_file && file.replace(content).is_some() {
            return Err(wrong_part("the form has more than one part `file`"));
        }
    }
    file.ok_or_else(|| wrong_part("the form has no part `file`"))
}

fn wrong_part(message: &str) -> ApiError {
    ApiError::of_field(Kind::InvalidBody, PART, message)
}

fn malformed() -> ApiError {
    ApiError::of_field(
        Kind::InvalidBody,
        "body",
        "the body is not a well-formed form",
    )
}

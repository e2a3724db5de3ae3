//! What the holder of a lease does: renew it, give it back, report sections, complete.
//!
//! Every call needs the token of the current lease; with any other it changes nothing.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use dossier_core::document::{
    DocumentKind, FinishedDocument, VOLUMES_MAX, finished_document_id, report_document_id,
    section_document_id,
};
use dossier_core::lease::ReleaseReason;
use dossier_core::request::Request;
use dossier_core::section::{Held, SectionOutcome, SectionStatus, TemplateVersion};
use dossier_core::wire::{
    CompleteRequest, DETAIL_CHARS_MAX, DocumentView, LeaseView, Problem, ReleaseKind, ReleaseLease,
    RenewLease, RequestView, SectionReport, StoredView,
};
use dossier_core::{DocumentId, KeptDocument, LeaseToken, RequestId, ServiceName};
use dossier_documents::DocumentError;
use http::StatusCode;

use crate::api::Api;
use crate::auth::{Caller, Worker};
use crate::input::{Body, Id, Named};
use crate::problem::{ApiError, Kind};
use crate::requests::find;

/// Longest time for which a released request is put off, in seconds: a week.
const RETRY_AFTER_SECONDS_MAX: f64 = 604_800.0;

/// Renew a lease.
///
/// The lease then holds for one lock period from now.
#[utoipa::path(
    patch,
    path = "/api/subjectAccessRequests/{id}/lease",
    tag = "work",
    params(("id" = uuid::Uuid, Path, description = "The request")),
    request_body = RenewLease,
    responses(
        (status = 200, description = "The lease holds on", body = LeaseView),
        (status = 409, description = "The lease is lost, or the request finished: stop working",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn renew(
    _: Caller<Worker>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
    Body(body): Body<RenewLease>,
) -> Result<Json<LeaseView>, ApiError> {
    let rules = api.lease_rules();
    let lease_expires_at = api.store.renew(id, body.lease_token, rules).await?;
    Ok(Json(LeaseView {
        lease_expires_at,
        lock_period_seconds: rules.lock_period.as_secs_f64(),
    }))
}

/// Give a lease back.
///
/// The request is due again after `retryAfterSeconds`. A `FAILED` attempt counts; if it was the last
/// one allowed, the request becomes Errored.
#[utoipa::path(
    patch,
    path = "/api/subjectAccessRequests/{id}/release",
    tag = "work",
    params(("id" = uuid::Uuid, Path, description = "The request")),
    request_body = ReleaseLease,
    responses(
        (status = 200, description = "The request as it now is", body = RequestView),
        (status = 409, description = "The lease is lost, or the request finished",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn release(
    _: Caller<Worker>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
    Body(body): Body<ReleaseLease>,
) -> Result<Json<RequestView>, ApiError> {
    if !(0.0..=RETRY_AFTER_SECONDS_MAX).contains(&body.retry_after_seconds) {
        return Err(ApiError::of_field(
            Kind::ValidationFailed,
            "retryAfterSeconds",
            format!("retryAfterSeconds must be from 0 to {RETRY_AFTER_SECONDS_MAX}"),
        ));
    }
    let reason = match body.reason {
        ReleaseKind::Failed => ReleaseReason::Failed(failure(body.detail, "detail")?),
        ReleaseKind::Shutdown => ReleaseReason::ShuttingDown,
        ReleaseKind::Suspended => ReleaseReason::WaitingForSuspended,
    };
    let retry_after = Duration::from_secs_f64(body.retry_after_seconds);
    let request = api
        .store
        .release(
            id,
            body.lease_token,
            &reason,
            retry_after,
            api.lease_rules(),
        )
        .await?;
    Ok(Json(RequestView::from(&request)))
}

/// What failed, in words, cut to the limit.
fn failure(text: Option<String>, field: &str) -> Result<String, ApiError> {
    let text = text.unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return Err(ApiError::of_field(
            Kind::ValidationFailed,
            field,
            format!("{field} must say what failed"),
        ));
    }
    Ok(text.chars().take(DETAIL_CHARS_MAX).collect())
}

/// Report a section.
///
/// `PENDING` is progress, `COMPLETE` is for good, `ERRORED` is for this attempt. A kept answer must
/// be stored already, under the identifier that follows from the lease token and the service.
#[utoipa::path(
    patch,
    path = "/api/subjectAccessRequests/{id}/services/{name}",
    tag = "work",
    params(
        ("id" = uuid::Uuid, Path, description = "The request"),
        ("name" = String, Path, description = "The service"),
    ),
    request_body = SectionReport,
    responses(
        (status = 204, description = "Recorded"),
        (status = 409, description = "The lease is lost, or the request finished: stop working",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The kept answer is not what was said",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn record_section(
    _: Caller<Worker>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
    Named(service): Named,
    Body(body): Body<SectionReport>,
) -> Result<StatusCode, ApiError> {
    let token = body.lease_token;
    let outcome = match section_outcome(&api, &service, body).await {
        Ok(outcome) => outcome,
        Err(error) => return Err(lease_first(&api, id, token, error).await),
    };
    api.store
        .record_section(id, token, &service, &outcome)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn section_outcome(
    api: &Api,
    service: &ServiceName,
    body: SectionReport,
) -> Result<SectionOutcome, ApiError> {
    let invalid =
        |field, message: &str| Err(ApiError::of_field(Kind::ValidationFailed, field, message));
    let tries = body.tries;
    match body.render_status {
        SectionStatus::Pending => Ok(SectionOutcome::Progress {
            bytes: body.bytes,
            tries,
        }),
        SectionStatus::Errored => Ok(SectionOutcome::Errored {
            detail: failure(body.error, "error")?,
            tries,
        }),
        SectionStatus::Suspended => invalid(
            "renderStatus",
            "renderStatus must be PENDING, COMPLETE or ERRORED; services are suspended elsewhere",
        ),
        SectionStatus::Complete => {
            let template_version = template_version(body.template_version.as_deref())?;
            let own = section_document_id(body.lease_token, service);
            let (held, kept) = match (body.held, body.kept) {
                (None, _) => return invalid("held", "held must come with COMPLETE"),
                (Some(Held::Data), None) => return invalid("kept", "kept must come with DATA"),
                (Some(Held::Data), Some(view)) => {
                    let kept = stored_document(api, &view, own, "kept.").await?;
                    (Held::Data, Some(kept))
                }
                (Some(_), Some(_)) => return invalid("kept", "kept must come with DATA only"),
                (Some(held), None) => (held, None),
            };
            Ok(SectionOutcome::Complete {
                held,
                kept,
                template_version,
                tries,
            })
        }
    }
}

fn template_version(text: Option<&str>) -> Result<TemplateVersion, ApiError> {
    let Some(text) = text else {
        return Ok(TemplateVersion::Generic);
    };
    text.parse()
        .map_err(|error: dossier_core::section::InvalidTemplateVersion| {
            let message = error.to_string();
            ApiError::of_field(Kind::ValidationFailed, "templateVersion", message)
        })
}

/// Complete a request.
///
/// The report and all other documents must be stored already, under the identifiers that follow from
/// the lease token; their sizes and SHA-256 are compared with what the document store has. Every
/// section must be complete. A repeat of the call that completed the request succeeds.
#[utoipa::path(
    patch,
    path = "/api/subjectAccessRequests/{id}/complete",
    tag = "work",
    params(("id" = uuid::Uuid, Path, description = "The request")),
    request_body = CompleteRequest,
    responses(
        (status = 200, description = "The request is completed", body = RequestView),
        (status = 409, description = "The lease is lost, or the request finished: stop working; \
            the report is deleted later",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A stored document is not what was said, or a section is not \
            complete",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn complete(
    _: Caller<Worker>,
    State(api): State<Api>,
    Id(id): Id<RequestId>,
    Body(body): Body<CompleteRequest>,
) -> Result<Json<RequestView>, ApiError> {
    let token = body.lease_token;
    if let Some(request) = completed_before(&api, id, &body).await? {
        return Ok(Json(RequestView::from(&request)));
    }
    let (report, others) = match finished_documents(&api, &body).await {
        Ok(documents) => documents,
        Err(error) => return Err(lease_first(&api, id, token, error).await),
    };
    api.store
        .complete(id, token, &report, body.pages, &others)
        .await?;
    Ok(Json(RequestView::from(&find(&api, id).await?)))
}

/// The request, if it is completed with just these documents. No two leases name the same report,
/// so it was this one that completed it; and since the database alone knows, a document store that does
/// not answer cannot keep the worker from learning it.
pub(crate) async fn completed_before(
    api: &Api,
    id: RequestId,
    body: &CompleteRequest,
) -> Result<Option<Request>, ApiError> {
    let own = report_document_id(body.lease_token);
    let Ok(said) = KeptDocument::try_from(&body.document) else {
        return Ok(None);
    };
    let Some(request) = api.store.request(id).await? else {
        return Ok(None);
    };
    let others = body.others.iter().map(|other| {
        let kept = KeptDocument::try_from(&other.document).ok()?;
        Some(FinishedDocument {
            kind: other.kind,
            volume: other.volume,
            kept,
            pages: other.pages,
        })
    });
    let mut others: Vec<FinishedDocument> = others.flatten().collect();
    let mut known = request.others.clone();
    for documents in [&mut others, &mut known] {
        documents.sort_by_key(|document| (document.kind, document.volume));
    }
    let same_report = said.id == own && request.document.as_ref() == Some(&said);
    let same_pages = request.pages == Some(body.pages);
    let same = same_report && same_pages && others == known && others.len() == body.others.len();
    Ok(same.then_some(request))
}

/// The report's first volume, and what was made besides.
pub(crate) async fn finished_documents(
    api: &Api,
    body: &CompleteRequest,
) -> Result<(KeptDocument, Vec<FinishedDocument>), ApiError> {
    check_volumes(&body.others)?;
    let report = finished_report(api, body).await?;
    let mut others = Vec::with_capacity(body.others.len());
    for (place, other) in body.others.iter().enumerate() {
        let own = finished_document_id(body.lease_token, other.kind, other.volume);
        let within = format!("others[{place}].");
        others.push(FinishedDocument {
            kind: other.kind,
            volume: other.volume,
            kept: stored_document(api, &other.document, own, &within).await?,
            pages: other.pages,
        });
    }
    Ok((report, others))
}

/// The volumes of each kind are numbered from 1 without a gap, so that whoever deletes them can stop
/// at the first that is missing.
fn check_volumes(others: &[StoredView]) -> Result<(), ApiError> {
    let invalid = |field: &str, message: String| {
        Err(ApiError::of_field(Kind::ValidationFailed, field, message))
    };
    for (place, other) in others.iter().enumerate() {
        let has_pages = other.pages.is_some_and(|pages| pages > 0);
        if has_pages == (other.kind == DocumentKind::Package)
            || (!has_pages && other.pages.is_some())
        {
            return invalid(
                &format!("others[{place}].pages"),
                "pages must be at least 1, and none for a package".to_owned(),
            );
        }
    }
    for kind in DocumentKind::ALL {
        let own = others.iter().filter(|other| other.kind == kind);
        let mut volumes: Vec<u32> = own.map(|other| other.volume).collect();
        volumes.sort_unstable();
        let first = match kind {
            DocumentKind::Report => 2,
            DocumentKind::Copy | DocumentKind::Package => 1,
        };
        let last = match kind {
            DocumentKind::Report | DocumentKind::Copy => VOLUMES_MAX,
            DocumentKind::Package => 1,
        };
        if !volumes
            .iter()
            .copied()
            .eq((first..=last).take(volumes.len()))
        {
            return invalid(
                "others",
                format!(
                    "the volumes of {} must be numbered from {first} without a gap, to {last} at most",
                    kind.as_str()
                ),
            );
        }
    }
    Ok(())
}

async fn finished_report(api: &Api, body: &CompleteRequest) -> Result<KeptDocument, ApiError> {
    if body.pages == 0 {
        return Err(ApiError::of_field(
            Kind::ValidationFailed,
            "pages",
            "pages must be at least 1",
        ));
    }
    let own = report_document_id(body.lease_token);
    stored_document(api, &body.document, own, "").await
}

/// The document that the worker says it stored, if it is the attempt's own and the document store
/// has it, whole.
async fn stored_document(
    api: &Api,
    view: &DocumentView,
    own: DocumentId,
    within: &str,
) -> Result<KeptDocument, ApiError> {
    let said = KeptDocument::try_from(view).map_err(|error| {
        let field = format!("{within}sha256");
        ApiError::of_field(Kind::ValidationFailed, &field, error.to_string())
    })?;
    if said.id != own {
        return Err(ApiError::of_field(
            Kind::ValidationFailed,
            &format!("{within}documentId"),
            "the document identifier is not the one of this attempt",
        ));
    }
    let mismatch = |detail| Err(ApiError::new(Kind::DocumentMismatch).detail(detail));
    match api.documents.stat(own).await {
        Ok(stored) if stored == said => Ok(said),
        Ok(_) => mismatch("the stored document has another size or SHA-256; make the report again"),
        Err(DocumentError::NotFound(_)) => {
            mismatch("the document store does not have the document; store it first")
        }
        Err(error) => Err(error.into()),
    }
}

/// Whoever does not hold the lease learns just that, whatever else is wrong with the call: it is to
/// stop, not to correct anything. A live lease is renewed by this, which does no harm.
///
/// A component's fault is answered as such: nothing was decided, and the caller asks again.
pub(crate) async fn lease_first(
    api: &Api,
    id: RequestId,
    token: LeaseToken,
    error: ApiError,
) -> ApiError {
    if error.status().is_server_error() {
        return error;
    }
    match api.store.renew(id, token, api.lease_rules()).await {
        Ok(_) => error,
        Err(refused) => refused.into(),
    }
}

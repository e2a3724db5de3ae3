//! A small API with the rules of the lock, and faults on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use axum::{Json, Router};
use dossier_core::section::{Held, SectionStatus};
use dossier_core::wire::{
    ClaimView, ClaimsQuery, ClaimsView, CompleteRequest, DocumentView, LEASE_LOST, LeaseView,
    Problem, REQUEST_FINISHED, ReleaseKind, ReleaseLease, RenewLease, RenewLeases, RenewalOutcome,
    RenewalsView, RequestView, SectionReport, SectionTask,
};
use dossier_core::{LeaseToken, RequestId};
use jiff::Timestamp;
use tokio::sync::Notify;

/// What goes wrong with one call to complete.
#[derive(Clone, Copy, Debug)]
pub enum CompleteFault {
    /// It takes no effect and answers 500.
    Before,
    /// It takes effect and answers 500.
    After,
    /// It takes effect and the connection breaks.
    Broken,
    /// It takes no effect and answers that the request is finished.
    Finished,
}

#[derive(Clone)]
pub struct FakeApi {
    state: Arc<ApiState>,
    pub url: url::Url,
}

struct ApiState {
    inner: Mutex<Inner>,
    work: Notify,
    lock_period: Duration,
}

#[derive(Default)]
pub struct Inner {
    pub requests: Vec<FakeRequest>,
    pub complete_faults: VecDeque<CompleteFault>,
    /// Every call of the lock is answered with 503.
    pub down: bool,
    pub complete_calls: u32,
    pub claim_calls: u32,
    pub renewals: u32,
    /// How many leases each call that renews several named.
    pub batches: Vec<usize>,
    /// It does not know the call that renews several.
    pub is_old: bool,
    /// Writes that were refused because their token was not the current one.
    pub stale_writes: Vec<&'static str>,
}

pub struct FakeRequest {
    pub view: RequestView,
    pub sections: Vec<SectionTask>,
    pub lease: Option<(LeaseToken, Instant)>,
    pub tokens: Vec<LeaseToken>,
    pub due_at: Instant,
    pub releases: Vec<(ReleaseKind, Option<String>, f64)>,
    pub reports: Vec<(String, SectionReport)>,
    pub completed: Vec<CompleteRequest>,
}

impl FakeRequest {
    pub fn section(&self, service: &str) -> &SectionTask {
        self.sections
            .iter()
            .find(|s| s.service_name == service)
            .unwrap()
    }

    pub fn errors_of(&self, service: &str) -> Vec<String> {
        let of = self.reports.iter().filter(|(name, _)| name == service);
        of.filter_map(|(_, report)| report.error.clone()).collect()
    }
}

impl FakeApi {
    pub async fn start(lock_period: Duration) -> Self {
        let state = Arc::new(ApiState {
            inner: Mutex::default(),
            work: Notify::new(),
            lock_period,
        });
        let one = "/api/subjectAccessRequests/{id}";
        let router = Router::new()
            .route("/api/claims", post(claims))
            .route("/api/renewals", post(renew_several))
            .route(&format!("{one}/lease"), patch(renew))
            .route(&format!("{one}/release"), patch(release))
            .route(&format!("{one}/complete"), patch(complete))
            .route(&format!("{one}/services/{{name}}"), patch(section))
            .with_state(state.clone());
        let url = super::serve(router).await;
        Self { state, url }
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.state.inner.lock().unwrap()
    }

    pub fn add(&self, view: RequestView, sections: Vec<SectionTask>) -> RequestId {
        let id = view.id.into();
        self.inner().requests.push(FakeRequest {
            view,
            sections,
            lease: None,
            tokens: Vec::new(),
            due_at: Instant::now(),
            releases: Vec::new(),
            reports: Vec::new(),
            completed: Vec::new(),
        });
        self.state.work.notify_waiters();
        id
    }

    /// Another worker takes the lease of the first request.
    pub fn steal_lease(&self) {
        let token = LeaseToken::generate();
        self.inner().requests[0].lease = Some((token, Instant::now() + Duration::from_secs(3600)));
    }

    /// Waits until this holds.
    pub async fn until(&self, what: &str, holds: impl Fn(&Inner) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !holds(&self.inner()) {
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

type Shared = State<Arc<ApiState>>;

fn problem(status: StatusCode, title: &str) -> Response {
    problem_of("urn:test", status, title)
}

fn finished() -> Response {
    problem_of(
        REQUEST_FINISHED,
        StatusCode::CONFLICT,
        "the request is finished",
    )
}

fn problem_of(kind: &str, status: StatusCode, title: &str) -> Response {
    let problem = Problem {
        kind: kind.to_owned(),
        title: title.to_owned(),
        status: status.as_u16(),
        detail: None,
        request_id: None,
        errors: Vec::new(),
        template: None,
    };
    (status, Json(problem)).into_response()
}

async fn claims(State(api): Shared, Json(query): Json<ClaimsQuery>) -> Response {
    assert!((1..=100).contains(&query.max) && query.wait <= 60);
    let deadline = Instant::now() + Duration::from_secs(u64::from(query.wait));
    api.inner.lock().unwrap().claim_calls += 1;
    loop {
        if api.inner.lock().unwrap().down {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "down");
        }
        let claims = api.claim(query.max as usize);
        if !claims.is_empty() || Instant::now() >= deadline {
            return Json(ClaimsView { claims }).into_response();
        }
        // Leases also end and requests become due without a notice.
        let _ = tokio::time::timeout(Duration::from_millis(20), api.work.notified()).await;
    }
}

impl ApiState {
    fn claim(&self, max: usize) -> Vec<ClaimView> {
        let now = Instant::now();
        let mut inner = self.inner.lock().unwrap();
        let due = inner.requests.iter_mut().filter(|request| {
            let left = |status| request.sections.iter().any(|s| s.render_status == status);
            let waits = left(SectionStatus::Suspended)
                && !left(SectionStatus::Pending)
                && !left(SectionStatus::Errored);
            !request.view.is_finished()
                && request.lease.is_none_or(|(_, ends)| ends <= now)
                && request.due_at <= now
                && !waits
        });
        due.take(max)
            .map(|request| {
                let token = LeaseToken::generate();
                request.lease = Some((token, now + self.lock_period));
                request.tokens.push(token);
                request.view.claim_attempts += 1;
                ClaimView {
                    lease_token: token,
                    attempt: request.view.claim_attempts,
                    lease_expires_at: Timestamp::now(),
                    lock_period_seconds: self.lock_period.as_secs_f64(),
                    request: request.view.clone(),
                    sections: request.sections.clone(),
                }
            })
            .collect()
    }

    /// Renews a lease, or says why not.
    fn renew(&self, id: uuid::Uuid, token: LeaseToken) -> Option<Response> {
        self.inner.lock().unwrap().renewals += 1;
        let ends_at = Instant::now() + self.lock_period;
        let response = self.with_lease("renew", id, token, |request| {
            request.lease = Some((token, ends_at));
            StatusCode::NO_CONTENT.into_response()
        });
        (!response.status().is_success()).then_some(response)
    }

    /// Does this with the request if the token is that of its current lease.
    fn with_lease(
        &self,
        what: &'static str,
        id: uuid::Uuid,
        token: LeaseToken,
        write: impl FnOnce(&mut FakeRequest) -> Response,
    ) -> Response {
        let mut inner = self.inner.lock().unwrap();
        if inner.down {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "down");
        }
        let Some(request) = inner.requests.iter_mut().find(|r| r.view.id == id) else {
            return problem(StatusCode::NOT_FOUND, "no such request");
        };
        let holds = request
            .lease
            .is_some_and(|(current, ends)| current == token && ends > Instant::now());
        let is_finished = request.view.is_finished();
        if !holds || is_finished {
            inner.stale_writes.push(what);
            return match is_finished {
                true => finished(),
                false => problem_of(LEASE_LOST, StatusCode::CONFLICT, "the lease is lost"),
            };
        }
        write(request)
    }
}

async fn renew(
    State(api): Shared,
    Path(id): Path<uuid::Uuid>,
    Json(body): Json<RenewLease>,
) -> Response {
    let period = api.lock_period;
    let renewed = api.renew(id, body.lease_token);
    renewed.unwrap_or_else(|| {
        let view = LeaseView {
            lease_expires_at: Timestamp::now(),
            lock_period_seconds: period.as_secs_f64(),
        };
        Json(view).into_response()
    })
}

async fn renew_several(State(api): Shared, Json(body): Json<RenewLeases>) -> Response {
    {
        let mut inner = api.inner.lock().unwrap();
        if inner.is_old {
            return problem(StatusCode::NOT_FOUND, "nothing under this path");
        }
        if inner.down {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "down");
        }
        inner.batches.push(body.leases.len());
    }
    let mut outcomes = Vec::new();
    for lease in body.leases {
        let refused = api.renew(lease.request_id, lease.lease_token);
        let problem = match refused {
            None => None,
            Some(refused) => {
                let body = axum::body::to_bytes(refused.into_body(), 10_000).await;
                Some(serde_json::from_slice(&body.unwrap()).unwrap())
            }
        };
        outcomes.push(RenewalOutcome {
            request_id: lease.request_id,
            lease_expires_at: problem.is_none().then(Timestamp::now),
            problem,
        });
    }
    let view = RenewalsView {
        lock_period_seconds: api.lock_period.as_secs_f64(),
        outcomes,
    };
    Json(view).into_response()
}

async fn release(
    State(api): Shared,
    Path(id): Path<uuid::Uuid>,
    Json(body): Json<ReleaseLease>,
) -> Response {
    let response = api.with_lease("release", id, body.lease_token, |request| {
        request.lease = None;
        request.due_at = Instant::now() + Duration::from_secs_f64(body.retry_after_seconds);
        request
            .releases
            .push((body.reason, body.detail, body.retry_after_seconds));
        StatusCode::NO_CONTENT.into_response()
    });
    api.work.notify_waiters();
    response
}

async fn complete(
    State(api): Shared,
    Path(id): Path<uuid::Uuid>,
    Json(body): Json<CompleteRequest>,
) -> Response {
    let fault = {
        let mut inner = api.inner.lock().unwrap();
        inner.complete_calls += 1;
        inner.complete_faults.pop_front()
    };
    match fault {
        Some(CompleteFault::Before) => {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "fault");
        }
        Some(CompleteFault::Finished) => return finished(),
        _ => {}
    }
    let repeated = {
        let inner = api.inner.lock().unwrap();
        let request = inner.requests.iter().find(|r| r.view.id == id);
        request.is_some_and(|r| {
            r.completed
                .iter()
                .any(|c| c.document == body.document && c.others == body.others)
        })
    };
    let response = if repeated {
        StatusCode::NO_CONTENT.into_response()
    } else {
        api.with_lease("complete", id, body.lease_token, |request| {
            request.view.status = "Completed".to_owned();
            request.completed.push(body);
            StatusCode::NO_CONTENT.into_response()
        })
    };
    match fault {
        Some(CompleteFault::After) => problem(StatusCode::INTERNAL_SERVER_ERROR, "fault"),
        Some(CompleteFault::Broken) => super::broken_body(),
        _ => response,
    }
}

async fn section(
    State(api): Shared,
    Path((id, name)): Path<(uuid::Uuid, String)>,
    Json(body): Json<SectionReport>,
) -> Response {
    api.with_lease("section", id, body.lease_token, |request| {
        let Some(section) = request.sections.iter_mut().find(|s| s.service_name == name) else {
            return problem(StatusCode::NOT_FOUND, "no such section");
        };
        let collected = body.render_status == SectionStatus::Complete;
        assert_eq!(body.held.is_some(), collected);
        assert_eq!(body.kept.is_some(), body.held == Some(Held::Data));
        assert_eq!(
            body.error.is_some(),
            body.render_status == SectionStatus::Errored
        );
        if section.render_status != SectionStatus::Complete {
            section.render_status = body.render_status;
            section.held = body.held;
            section.kept.clone_from(&body.kept);
            section.template_version.clone_from(&body.template_version);
        }
        request.reports.push((name, body));
        StatusCode::NO_CONTENT.into_response()
    })
}

/// The document that a section keeps.
pub fn kept(task: &SectionTask) -> DocumentView {
    task.kept.clone().unwrap()
}

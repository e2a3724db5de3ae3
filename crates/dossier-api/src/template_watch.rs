//! Whether services serve the templates that are registered.
//!
//! A [`TemplateWatch`] asks every enabled service that serves its own template for it, now and then,
//! and compares the digest with the registered versions. Many processes may watch one database: a
//! service is asked by one of them at a time, and an alert is raised, and ended, by one of them.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::ServiceName;
use dossier_core::service::Service;
use dossier_core::template::{RegisteredTemplate, TEMPLATE_BYTES_MAX};
use dossier_core::template_health::{
    AlertChange, ServedTemplate, TemplateChecked, TemplateQuestion,
};
use dossier_store::{Store, StoreError};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use http::StatusCode;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use reqwest::Response;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::api::BearerProvider;

/// Most services that are asked at a time.
const QUESTIONS_AT_A_TIME_MAX: usize = 32;

/// When services are asked, and when somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateWatchRules {
    /// Time between two questions to one service, over all processes: 1 minute unless set.
    pub every: Duration,
    /// A service may serve what is not registered for this long before it is an alert: 10 minutes
    /// unless set.
    pub alert_after: Duration,
    /// Longest time for a whole answer: 10 s unless set.
    pub answer_max: Duration,
    /// Largest template, in bytes; a larger one counts as not registered: 2 MiB unless set.
    pub bytes_max: usize,
}

impl Default for TemplateWatchRules {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(60),
            alert_after: Duration::from_secs(600),
            answer_max: Duration::from_secs(10),
            bytes_max: TEMPLATE_BYTES_MAX,
        }
    }
}

/// What one look did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateLook {
    /// Services that were asked.
    pub asked: u64,
    /// Alerts that began or ended, as this process logged them.
    pub alerts: Vec<(ServiceName, AlertChange)>,
    /// Answers that the database did not take; the services are asked again.
    pub failed: u64,
}

/// Asks services for their templates now and then.
pub struct TemplateWatch {
    store: Arc<dyn Store>,
    http: reqwest::Client,
    bearer: Option<BearerProvider>,
    rules: TemplateWatchRules,
}

impl TemplateWatch {
    /// Watches the services of this store's catalogue. `http` must not follow redirects.
    pub fn new(store: Arc<dyn Store>, http: reqwest::Client, rules: TemplateWatchRules) -> Self {
        Self {
            store,
            http,
            bearer: None,
            rules,
        }
    }

    /// The same, with a token for services.
    pub fn with_bearer(self, bearer: BearerProvider) -> Self {
        Self {
            bearer: Some(bearer),
            ..self
        }
    }

    /// Looks at once and then at every interval, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let watching = async {
            loop {
                self.look().await;
                tokio::time::sleep(self.rules.every).await;
            }
        };
        // A question that is left without an answer is asked again, by whoever comes next.
        shutdown.run_until_cancelled(watching).await;
    }

    /// Asks all services that are due, and records what they say.
    pub async fn look(&self) -> TemplateLook {
        let mut look = TemplateLook::default();
        let round = match self.store.take_template_questions(self.rules.every).await {
            Ok(round) => round,
            Err(error) => {
                tracing::warn!(%error, "services could not be asked for their templates");
                look.failed += 1;
                return look;
            }
        };
        for service in round.alerts_ended {
            tracing::info!(%service, "the service is no longer asked for its template");
            look.alerts.push((service, AlertChange::Ended));
        }
        // The futures are boxed because those of closures over references cannot be shown to be
        // `Send`.
        let asking = round
            .questions
            .into_iter()
            .map(|question| self.boxed(question));
        let mut answers = stream::iter(asking).buffer_unordered(QUESTIONS_AT_A_TIME_MAX);
        while let Some((service, recorded)) = answers.next().await {
            look.asked += 1;
            match recorded {
                Ok(Some(checked)) => {
                    if let Some(change) = checked.alert {
                        tell(&checked, change);
                        look.alerts.push((service, change));
                    }
                }
                // Somebody else has asked since.
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, %service, "a template's health could not be recorded");
                    look.failed += 1;
                }
            }
        }
        look
    }

    fn boxed(&self, question: TemplateQuestion) -> BoxFuture<'_, Recorded> {
        Box::pin(self.ask(question))
    }

    async fn ask(&self, question: TemplateQuestion) -> Recorded {
        let served = self.served(&question.service).await;
        let alert_after = self.rules.alert_after;
        let recorded = self
            .store
            .record_served_template(&question, &served, alert_after)
            .await;
        (question.service.details.name, recorded)
    }

    async fn served(&self, service: &Service) -> ServedTemplate {
        let answer = self.answer(&service.details.url);
        match tokio::time::timeout(self.rules.answer_max, answer).await {
            Ok(Ok(served)) => served,
            Ok(Err(_)) | Err(_) => ServedTemplate::Unreachable,
        }
    }

    async fn answer(&self, base: &Url) -> Result<ServedTemplate, reqwest::Error> {
        let call = self.http.get(template_url(base));
        let mut call = call.header(ACCEPT_ENCODING, "identity");
        if let Some(provider) = &self.bearer {
            match provider().await {
                Ok(Some(bearer)) => call = call.header(AUTHORIZATION, bearer),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error, "services cannot be asked for their templates");
                    return Ok(ServedTemplate::Unreachable);
                }
            }
        }
        let response = call.send().await?;
        match response.status() {
            StatusCode::OK => self.text(response).await,
            StatusCode::NOT_FOUND => Ok(ServedTemplate::None),
            _ => Ok(ServedTemplate::Unreachable),
        }
    }

    async fn text(&self, mut response: Response) -> Result<ServedTemplate, reqwest::Error> {
        let mut digest = Sha256::new();
        let mut left = self.rules.bytes_max;
        while let Some(chunk) = response.chunk().await? {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => return Ok(ServedTemplate::TooLarge),
            }
            digest.update(&chunk);
        }
        let digest = digest.finalize().into();
        Ok(ServedTemplate::Text(dossier_core::Sha256Hex::from_digest(
            &digest,
        )))
    }
}

/// A service, and what became of its answer.
type Recorded = (ServiceName, Result<Option<TemplateChecked>, StoreError>);

fn template_url(base: &Url) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty()
            .extend(["subject-access-request", "template"]);
    }
    url
}

fn tell(checked: &TemplateChecked, change: AlertChange) {
    let digest = |template: &Option<RegisteredTemplate>| {
        let template = template.as_ref();
        template.map_or_else(|| "none".to_owned(), |known| known.sha256.to_string())
    };
    let health = &checked.health;
    let served = health.served_sha256.as_ref();
    let served_sha256 = served.map_or_else(|| "none".to_owned(), ToString::to_string);
    let (service, state) = (&health.service_name, health.state.as_str());
    let published_sha256 = digest(&checked.current.published);
    let pending_sha256 = digest(&checked.current.pending);
    match change {
        AlertChange::Began => tracing::error!(
            %service, state, served_sha256, published_sha256, pending_sha256,
            "the service serves a template that is not registered: its sections fail until it is"
        ),
        AlertChange::Ended => tracing::info!(
            %service, state, served_sha256, published_sha256, pending_sha256,
            "the service no longer serves a template that is not registered"
        ),
    }
}

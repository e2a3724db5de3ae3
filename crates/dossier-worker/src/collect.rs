//! One section: tries, pauses and limits until the service has answered, and all that its answer
//! lists has come, or is given up on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dossier_core::section::Held;
use dossier_core::{Private, ServiceName};
use dossier_report::Attachment;
use dossier_template::InlineImage;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use http::HeaderValue;
use reqwest::Client;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::Url;

use crate::attachment::{self, AllowedHosts, Counts, SectionTotal, Target};
use crate::config::Limits;
use crate::connection::file_fault;
use crate::fetch::{Answer, Body, Fault, Progress, Remedy, create_private_folder, fetch};
use crate::metrics::WorkerMetrics;
use crate::rendering;
use crate::retry::Backoff;
use crate::template::{self, Served};
use crate::token::{TokenError, TokenSource};

/// Collects sections, within the limits for a service and for the worker.
pub(crate) struct Collector {
    http: Client,
    tokens: Arc<TokenSource>,
    attachment_hosts: AllowedHosts,
    limits: Limits,
    metrics: Arc<WorkerMetrics>,
    calls: Semaphore,
    calls_per_service: Mutex<HashMap<ServiceName, Arc<Semaphore>>>,
}

/// A collected section.
#[derive(Debug)]
pub(crate) struct Collected {
    pub held: Held,
    /// The body in its file, if data is held.
    pub body: Option<Body>,
    /// The files of its attachments, in the order of the answer's list.
    pub attachments: Vec<PathBuf>,
    pub tries: u32,
}

/// Where a section's answer and its attachments go.
pub(crate) struct Files<'a> {
    pub answer: &'a Path,
    /// A folder, made when there are attachments.
    pub attachments: &'a Path,
}

/// Why a section could not be collected.
#[derive(Debug)]
pub(crate) struct NotCollected {
    /// In words, without personal data.
    pub detail: String,
    pub tries: u32,
}

/// Something that is asked for until it has come, or is given up on.
trait Call: Sync {
    type Answer: Send;

    /// What is asked for, in a word.
    const KIND: &'static str;

    /// Whether the token for services goes along.
    fn takes_token(&self) -> bool;

    /// Notes that a try begins.
    fn begins(&self, tries: u32);

    /// One try.
    fn once(
        &self,
        bearer: Option<&HeaderValue>,
        time_left: Duration,
    ) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;
}

/// The call for a section's answer.
struct AnswerCall<'a> {
    collector: &'a Collector,
    url: &'a Private<Url>,
    file: &'a Path,
    progress: &'a Progress,
}

impl Call for AnswerCall<'_> {
    type Answer = (Held, Option<Body>);
    const KIND: &'static str = "answer";

    fn takes_token(&self) -> bool {
        true
    }

    fn begins(&self, tries: u32) {
        self.progress.tries.store(tries, Ordering::Relaxed);
    }

    async fn once(
        &self,
        bearer: Option<&HeaderValue>,
        time_left: Duration,
    ) -> Result<Self::Answer, Fault> {
        let Collector { http, limits, .. } = self.collector;
        let (url, file) = (self.url, self.file);
        match fetch(http, url, bearer, file, self.progress, limits, time_left).await? {
            Answer::NoData => Ok((Held::NoData, None)),
            Answer::NotSupported => Ok((Held::NotSupported, None)),
            Answer::Body(body) => inspect(file, body).await,
        }
    }
}

/// The call for an attachment.
struct AttachmentCall<'a> {
    collector: &'a Collector,
    target: &'a Target,
    file: &'a Path,
    total: &'a SectionTotal,
    progress: &'a Progress,
}

impl Call for AttachmentCall<'_> {
    type Answer = ();
    const KIND: &'static str = "attachment";

    fn takes_token(&self) -> bool {
        self.target.is_own_origin
    }

    fn begins(&self, _: u32) {}

    async fn once(&self, bearer: Option<&HeaderValue>, time_left: Duration) -> Result<(), Fault> {
        let Collector { http, limits, .. } = self.collector;
        let counts = Counts {
            section: self.total,
            received: &self.progress.bytes,
        };
        attachment::fetch(
            http,
            self.target,
            bearer,
            self.file,
            counts,
            limits,
            time_left,
        )
        .await
    }
}

/// The call for a service's template.
struct TemplateCall<'a> {
    collector: &'a Collector,
    service: &'a Url,
}

impl Call for TemplateCall<'_> {
    type Answer = Option<Served>;
    const KIND: &'static str = "template";

    fn takes_token(&self) -> bool {
        true
    }

    fn begins(&self, _: u32) {}

    async fn once(
        &self,
        bearer: Option<&HeaderValue>,
        time_left: Duration,
    ) -> Result<Self::Answer, Fault> {
        let Collector { http, limits, .. } = self.collector;
        template::fetch(http, self.service, bearer, limits, time_left).await
    }
}

/// What became of a try, in a word.
fn outcome_name(fault: Option<&Fault>) -> &'static str {
    match fault.map(|fault| fault.remedy) {
        None => "answered",
        Some(Remedy::Retry(_)) => "passing_fault",
        Some(Remedy::OtherToken) => "unauthorized",
        Some(Remedy::None) => "lasting_fault",
    }
}

impl Collector {
    pub fn new(
        http: Client,
        tokens: Arc<TokenSource>,
        attachment_hosts: AllowedHosts,
        limits: Limits,
        metrics: Arc<WorkerMetrics>,
    ) -> Self {
        Self {
            metrics,
            http,
            tokens,
            attachment_hosts,
            calls: Semaphore::new(limits.calls_at_once),
            limits,
            calls_per_service: Mutex::default(),
        }
    }

    /// Asks the service until it has answered, and for the attachments that its answer lists; all
    /// are then in `files`.
    pub async fn collect(
        &self,
        service: &ServiceName,
        url: &Private<Url>,
        files: &Files<'_>,
        progress: &Progress,
    ) -> Result<Collected, NotCollected> {
        let call = AnswerCall {
            collector: self,
            url,
            file: files.answer,
            progress,
        };
        let ((held, body), tries) = self.ask(service, &call).await?;
        let attachments = match &body {
            Some(_) => self.attachments(service, url, files, progress).await,
            None => Ok(Vec::new()),
        };
        Ok(Collected {
            held,
            body,
            attachments: attachments.map_err(|detail| NotCollected { detail, tries })?,
            tries,
        })
    }

    /// Asks the service at this base URL for its template; none if it has none.
    pub async fn template(
        &self,
        service: &ServiceName,
        url: &Url,
    ) -> Result<Option<Served>, NotCollected> {
        let call = TemplateCall {
            collector: self,
            service: url,
        };
        self.ask(service, &call).await.map(|(served, _)| served)
    }

    /// Fetches the images that a section's template shows within its text; answers the files in
    /// their order.
    pub async fn inline_images(
        &self,
        service: &ServiceName,
        url: &Url,
        images: &[InlineImage],
        folder: &Path,
        progress: &Progress,
    ) -> Result<Vec<PathBuf>, String> {
        self.limit_attachments(images.len())?;
        let attachment = |(number, image): (i64, &InlineImage)| Attachment {
            number,
            name: String::new(),
            content_type: image.content_type.clone(),
            url: image.url.clone(),
            filesize: image.filesize,
            filename: String::new(),
            headers: Vec::new(),
        };
        let list: Vec<Attachment> = (1..).zip(images).map(attachment).collect();
        let fetched = self.fetch_all(service, url, &list, folder, progress).await;
        fetched.map_err(|text| format!("inline {text}"))
    }

    /// Fetches what a section's answer lists, side by side; answers the files in the list's order.
    async fn attachments(
        &self,
        service: &ServiceName,
        url: &Private<Url>,
        files: &Files<'_>,
        progress: &Progress,
    ) -> Result<Vec<PathBuf>, String> {
        let list = self.list_attachments(files.answer).await?;
        self.fetch_all(service, url.reveal(), &list, files.attachments, progress)
            .await
    }

    /// Fetches attachments side by side into a folder; answers the files in their order.
    async fn fetch_all(
        &self,
        service: &ServiceName,
        url: &Url,
        list: &[Attachment],
        folder: &Path,
        progress: &Progress,
    ) -> Result<Vec<PathBuf>, String> {
        if list.is_empty() {
            return Ok(Vec::new());
        }
        let targets = list
            .iter()
            .map(|attachment| {
                Target::new(attachment, url, &self.attachment_hosts)
                    .map_err(|text| of_attachment(attachment.number, &text))
            })
            .collect::<Result<Vec<_>, _>>()?;
        create_private_folder(folder)
            .await
            .map_err(|error| file_fault(&error))?;
        let fetched: Vec<PathBuf> = (0..list.len())
            .map(|place| folder.join(attachment_file_name(place)))
            .collect();
        let total = SectionTotal::default();
        let calls = list.iter().zip(&targets).zip(&fetched);
        let calls = calls.map(|((attachment, target), file)| {
            let call = AttachmentCall {
                collector: self,
                target,
                file,
                total: &total,
                progress,
            };
            async move {
                let asked = self.ask(service, &call).await;
                asked
                    .map(drop)
                    .map_err(|failure| of_attachment(attachment.number, &failure.detail))
            }
            .boxed()
        });
        let calls: Vec<BoxFuture<'_, Result<(), String>>> = calls.collect();
        stream::iter(calls)
            .buffer_unordered(self.limits.calls_per_service_at_once)
            .try_collect::<()>()
            .await?;
        tracing::info!(
            attachments = fetched.len(),
            "fetched a section's attachments"
        );
        Ok(fetched)
    }

    async fn list_attachments(&self, answer: &Path) -> Result<Vec<Attachment>, String> {
        let path = answer.to_owned();
        let listed = tokio::task::spawn_blocking(move || rendering::list_attachments(&path)).await;
        let list = listed.unwrap_or_else(|_| Err("its attachments could not be listed".into()))?;
        self.limit_attachments(list.len())?;
        Ok(list)
    }

    fn limit_attachments(&self, found: usize) -> Result<(), String> {
        let max = self.limits.attachments_max;
        if found > max {
            return Err(format!(
                "the answer lists {found} attachments; at most {max} are fetched"
            ));
        }
        Ok(())
    }

    /// Tries until there is an answer, with the pauses between; answers how many tries it took.
    async fn ask<C: Call>(
        &self,
        service: &ServiceName,
        call: &C,
    ) -> Result<(C::Answer, u32), NotCollected> {
        let mut spent = Duration::ZERO;
        let mut tries = 0;
        let mut refused_token = None;
        loop {
            let permits = self.call_permits(service).await;
            tries += 1;
            call.begins(tries);
            let began = Instant::now();
            let time_left = self.limits.section_max.saturating_sub(spent);
            let outcome = self.try_once(call, time_left, &mut refused_token).await;
            spent += began.elapsed();
            drop(permits);
            let named = outcome_name(outcome.as_ref().err());
            let metrics = &self.metrics;
            metrics.called(service, C::KIND, named, began.elapsed());
            let fault = match outcome {
                Ok(answer) => return Ok((answer, tries)),
                Err(fault) => fault,
            };
            let (pause, tries_max) = match fault.remedy {
                Remedy::Retry(asked) => (self.pause(tries, asked), self.limits.tries_max),
                Remedy::OtherToken => (Duration::ZERO, u32::MAX),
                Remedy::None => return Err(given_up(fault, tries)),
            };
            if tries >= tries_max || spent + pause >= self.limits.section_max {
                return Err(given_up(fault, tries));
            }
            tracing::info!(
                error = fault.text,
                tries,
                pause_ms = pause.as_millis() as u64,
                "a try failed; another follows"
            );
            tokio::time::sleep(pause).await;
            spent += pause;
        }
    }

    /// One try; `refused_token` is the token that a 401 has ruled out, and a second 401 is final.
    async fn try_once<C: Call>(
        &self,
        call: &C,
        time_left: Duration,
        refused_token: &mut Option<HeaderValue>,
    ) -> Result<C::Answer, Fault> {
        let bearer = match refused_token.as_ref() {
            _ if !call.takes_token() => None,
            None => self.tokens.bearer().await?,
            Some(refused) => match self.tokens.bearer_after(refused).await? {
                Some(other) => Some(other),
                None => return Err(Fault::lasting("status 401, and there is no other token")),
            },
        };
        match call.once(bearer.as_ref(), time_left).await {
            Err(fault) if fault.remedy == Remedy::OtherToken => {
                if refused_token.is_some() || bearer.is_none() {
                    return Err(Fault::lasting(fault.text));
                }
                *refused_token = bearer;
                Err(fault)
            }
            outcome => outcome,
        }
    }

    fn pause(&self, tries: u32, asked: Option<Duration>) -> Duration {
        let backoff = Backoff {
            first: self.limits.try_pause,
            most: self.limits.try_pause_max,
        };
        let asked = asked.unwrap_or_default().min(self.limits.retry_after_max);
        backoff.full_jitter(tries).max(asked)
    }

    /// A place among the calls to this service, and then one among all calls: whoever waits for a
    /// busy service takes no place from others.
    async fn call_permits(
        &self,
        service: &ServiceName,
    ) -> (Option<OwnedSemaphorePermit>, Option<SemaphorePermit<'_>>) {
        let of_service = {
            let mut services = self
                .calls_per_service
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let places = self.limits.calls_per_service_at_once;
            let of_service = services
                .entry(service.clone())
                .or_insert_with(|| Arc::new(Semaphore::new(places)));
            Arc::clone(of_service)
        };
        // These semaphores are never closed.
        (
            of_service.acquire_owned().await.ok(),
            self.calls.acquire().await.ok(),
        )
    }
}

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Passing(_) => Self::passing(error.to_string()),
            TokenError::Lasting(_) => Self::lasting(error.to_string()),
        }
    }
}

/// Looks whether the body is what the contract says, and whether it holds data.
async fn inspect(file: &Path, body: Body) -> Result<(Held, Option<Body>), Fault> {
    let path: PathBuf = file.to_owned();
    let inspected = tokio::task::spawn_blocking(move || rendering::holds_data(&path)).await;
    match inspected {
        Ok(Ok(true)) => Ok((Held::Data, Some(body))),
        Ok(Ok(false)) => Ok((Held::NoData, None)),
        // The body may be the beginning of a good one.
        Ok(Err(text)) if !body.end_is_known => Err(Fault::passing(text)),
        Ok(Err(text)) => Err(Fault::lasting(text)),
        Err(_) => Err(Fault::lasting("the answer could not be looked at")),
    }
}

fn given_up(fault: Fault, tries: u32) -> NotCollected {
    let detail = match tries {
        1 => fault.text,
        _ => format!("{} after {tries} tries", fault.text),
    };
    NotCollected { detail, tries }
}

/// The name of an attachment's file, by its place in the answer's list, from 0.
pub(crate) fn attachment_file_name(place: usize) -> String {
    format!("{:04}", place + 1)
}

fn of_attachment(number: i64, text: &str) -> String {
    format!("attachment {number}: {text}")
}

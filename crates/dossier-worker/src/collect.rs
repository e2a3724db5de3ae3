//! One section: tries, pauses and limits until the service has answered or is given up on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dossier_core::section::Held;
use dossier_core::{Private, ServiceName};
use http::HeaderValue;
use reqwest::Client;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::Url;

use crate::config::Limits;
use crate::fetch::{Answer, Body, Fault, Progress, Remedy, fetch};
use crate::rendering;
use crate::retry::Backoff;
use crate::token::{TokenError, TokenSource};

/// Collects sections, within the limits for a service and for the worker.
pub(crate) struct Collector {
    http: Client,
    tokens: Arc<TokenSource>,
    limits: Limits,
    calls: Semaphore,
    calls_per_service: Mutex<HashMap<ServiceName, Arc<Semaphore>>>,
}

/// A collected section.
#[derive(Debug)]
pub(crate) struct Collected {
    pub held: Held,
    /// The body in its file, if data is held.
    pub body: Option<Body>,
    pub tries: u32,
}

/// Why a section could not be collected.
#[derive(Debug)]
pub(crate) struct NotCollected {
    /// In words, without personal data.
    pub detail: String,
    pub tries: u32,
}

impl Collector {
    pub fn new(http: Client, tokens: Arc<TokenSource>, limits: Limits) -> Self {
        Self {
            http,
            tokens,
            calls: Semaphore::new(limits.calls_at_once),
            limits,
            calls_per_service: Mutex::default(),
        }
    }

    /// Asks the service until it has answered; its body is then in `file`.
    pub async fn collect(
        &self,
        service: &ServiceName,
        url: &Private<Url>,
        file: &Path,
        progress: &Progress,
    ) -> Result<Collected, NotCollected> {
        let mut spent = Duration::ZERO;
        let mut tries = 0;
        let mut refused_token = None;
        loop {
            let permits = self.call_permits(service).await;
            tries += 1;
            progress.tries.store(tries, Ordering::Relaxed);
            let began = Instant::now();
            let time_left = self.limits.section_max.saturating_sub(spent);
            let outcome = self
                .try_once(url, file, progress, time_left, &mut refused_token)
                .await;
            spent += began.elapsed();
            drop(permits);
            let fault = match outcome {
                Ok((held, body)) => return Ok(Collected { held, body, tries }),
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
    async fn try_once(
        &self,
        url: &Private<Url>,
        file: &Path,
        progress: &Progress,
        time_left: Duration,
        refused_token: &mut Option<HeaderValue>,
    ) -> Result<(Held, Option<Body>), Fault> {
        let bearer = match refused_token.as_ref() {
            None => self.tokens.bearer().await?,
            Some(refused) => match self.tokens.bearer_after(refused).await? {
                Some(other) => Some(other),
                None => return Err(Fault::lasting("status 401, and there is no other token")),
            },
        };
        let (http, limits) = (&self.http, &self.limits);
        let answer = fetch(
            http,
            url,
            bearer.as_ref(),
            file,
            progress,
            limits,
            time_left,
        )
        .await;
        match answer {
            Ok(Answer::NoData) => Ok((Held::NoData, None)),
            Ok(Answer::NotSupported) => Ok((Held::NotSupported, None)),
            Ok(Answer::Body(body)) => inspect(file, body).await,
            Err(fault) if fault.remedy == Remedy::OtherToken => {
                if refused_token.is_some() || bearer.is_none() {
                    return Err(Fault::lasting(fault.text));
                }
                *refused_token = bearer;
                Err(fault)
            }
            Err(fault) => Err(fault),
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

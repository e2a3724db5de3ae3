//! Requests from claim to complete, by as many workers as wanted, on the store or over HTTP.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dossier_core::document::report_document_id;
use dossier_core::lease::LeaseRules;
use dossier_core::wire::{ClaimsQuery, CompleteRequest, DocumentView};
use dossier_core::{KeptDocument, LeaseToken, RequestId, Sha256Hex};
use dossier_documents::{DocumentStore, FolderStore};
use dossier_store::Store;
use dossier_worker::ApiClient;
use futures::future::try_join_all;
use tokio::task::JoinSet;

use super::database::of_store;
use crate::exit::Failure;

/// Bytes of the document that a request over HTTP is completed with.
const DOCUMENT: &[u8] = b"a report";

/// Holders of a lease do as a worker does, one way or the other.
#[derive(Clone)]
pub enum Through {
    /// Straight on the store.
    Store {
        store: Arc<dyn Store>,
        rules: LeaseRules,
    },
    /// Through the API, with a small document in its storage for each.
    Http {
        client: ApiClient,
        documents: Arc<FolderStore>,
        document: PathBuf,
    },
}

/// A lease, as much of it as a holder needs.
#[derive(Clone, Copy)]
pub struct Held {
    /// Of which request.
    pub id: RequestId,
    token: LeaseToken,
}

impl Through {
    /// Through the API: a document is put beside the API's own, as workers do.
    pub async fn http(client: ApiClient, config: &crate::config::Config) -> Result<Self, Failure> {
        let document = config.data_folder.join("document");
        std::fs::write(&document, DOCUMENT).map_err(Failure::file("writing a document"))?;
        let documents = FolderStore::open(config.documents_folder())
            .await
            .map_err(|error| Failure::Unavailable(error.to_string()))?;
        Ok(Self::Http {
            client,
            documents: Arc::new(documents),
            document,
        })
    }

    /// Takes up to `max` leases.
    pub async fn claim(&self, max: u32, worker: &str) -> Result<Vec<Held>, Failure> {
        match self {
            Self::Store { store, rules } => {
                let claims = store.claim_oldest(max, worker, rules).await;
                let held = claims.map_err(of_store)?.into_iter().map(|claim| Held {
                    id: claim.request.id,
                    token: claim.token,
                });
                Ok(held.collect())
            }
            Self::Http { client, .. } => {
                let query = ClaimsQuery {
                    max,
                    wait: 0,
                    worker: Some(worker.to_owned()),
                };
                let held = client.claims(&query).await?.into_iter().map(|claim| Held {
                    id: claim.request.id.into(),
                    token: claim.lease_token,
                });
                Ok(held.collect())
            }
        }
    }

    /// Makes a lease hold for another period.
    pub async fn renew(&self, held: Held) -> Result<(), Failure> {
        match self {
            Self::Store { store, rules } => {
                let renewed = store.renew(held.id, held.token, rules).await;
                renewed.map_err(of_store)?;
            }
            Self::Http { client, .. } => {
                client.renew(held.id, held.token).await?;
            }
        }
        Ok(())
    }

    /// Completes the request with a report.
    pub async fn complete(&self, held: Held) -> Result<(), Failure> {
        let id = report_document_id(held.token);
        match self {
            Self::Store { store, .. } => {
                let document = KeptDocument {
                    id,
                    bytes: DOCUMENT.len() as u64,
                    sha256: Sha256Hex::from_digest(&[0xab; 32]),
                };
                let completed = store.complete(held.id, held.token, &document, 1, &[]).await;
                completed.map_err(of_store)
            }
            Self::Http {
                client,
                documents,
                document,
            } => {
                let kept = documents.put(id, document).await;
                let kept = kept.map_err(|error| Failure::Unavailable(error.to_string()))?;
                let complete = CompleteRequest {
                    lease_token: held.token,
                    document: DocumentView::from(&kept),
                    pages: 1,
                    others: Vec::new(),
                };
                Ok(client.complete(held.id, &complete).await?)
            }
        }
    }
}

/// How requests are worked on.
#[derive(Clone, Copy)]
pub struct Crew {
    /// So many at a time take leases.
    pub workers: u32,
    /// So many leases at once, whose requests are then worked on side by side.
    pub batch: u32,
    /// How long the work on one request takes.
    pub work: Duration,
    /// No lease is taken after this.
    pub time_max: Duration,
}

/// What a crew did.
#[derive(Clone, Copy)]
pub struct Done {
    /// Requests, each completed once.
    pub requests: usize,
    /// From the first claim to the last completion.
    pub seconds: f64,
}

impl Done {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

impl Crew {
    /// Works until nothing is left to do, or time is up.
    pub async fn work_through(self, through: &Through) -> Result<Done, Failure> {
        let started = Instant::now();
        let mut workers = JoinSet::new();
        for number in 0..self.workers {
            let (through, name) = (through.clone(), format!("bench-{number}"));
            workers.spawn(async move { self.one_worker(&through, &name, started).await });
        }
        let mut completed = Vec::new();
        while let Some(ended) = workers.join_next().await {
            let ended = ended.map_err(|_| Failure::Other("a worker panicked".to_owned()))?;
            completed.extend(ended?);
        }
        let seconds = started.elapsed().as_secs_f64();
        let once: HashSet<RequestId> = completed.iter().copied().collect();
        if once.len() != completed.len() || once.is_empty() {
            return Err(Failure::Other(format!(
                "{} completions of {} requests",
                completed.len(),
                once.len()
            )));
        }
        Ok(Done {
            requests: once.len(),
            seconds,
        })
    }

    async fn one_worker(
        self,
        through: &Through,
        name: &str,
        started: Instant,
    ) -> Result<Vec<RequestId>, Failure> {
        let mut completed = Vec::new();
        while started.elapsed() < self.time_max {
            let held = through.claim(self.batch, name).await?;
            if held.is_empty() {
                break;
            }
            let attempts = held.iter().map(|held| self.attempt(through, *held));
            try_join_all(attempts).await?;
            completed.extend(held.iter().map(|held| held.id));
        }
        Ok(completed)
    }

    async fn attempt(self, through: &Through, held: Held) -> Result<(), Failure> {
        through.renew(held).await?;
        if !self.work.is_zero() {
            tokio::time::sleep(self.work).await;
        }
        through.complete(held).await
    }
}

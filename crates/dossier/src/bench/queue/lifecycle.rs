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
use dossier_store::{Completion, Store};
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
    /// What proves it.
    pub token: LeaseToken,
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

    /// The same for many in one call; none may be refused.
    async fn renew_all(&self, held: &[Held]) -> Result<(), Failure> {
        let leases: Vec<_> = held.iter().map(|held| (held.id, held.token)).collect();
        match self {
            Self::Store { store, rules } => {
                for outcome in store.renew_all(&leases, rules).await.map_err(of_store)? {
                    outcome.map_err(|refusal| of_store(refusal.into()))?;
                }
            }
            Self::Http { client, .. } => {
                for outcome in client.renew_all(&leases).await? {
                    outcome?;
                }
            }
        }
        Ok(())
    }

    /// Completes the request with a report.
    pub async fn complete(&self, held: Held) -> Result<(), Failure> {
        match self {
            Self::Store { store, .. } => {
                let document = document_of(held);
                let completed = store.complete(held.id, held.token, &document, 1, &[]).await;
                completed.map_err(of_store)
            }
            Self::Http { client, .. } => {
                let complete = self.put_document(held).await?;
                Ok(client.complete(held.id, &complete).await?)
            }
        }
    }

    /// The same for many in one call; none may be refused.
    async fn complete_all(&self, held: &[Held]) -> Result<(), Failure> {
        match self {
            Self::Store { store, .. } => {
                let completions: Vec<Completion> = held
                    .iter()
                    .map(|held| Completion {
                        id: held.id,
                        token: held.token,
                        document: document_of(*held),
                        pages: 1,
                        others: Vec::new(),
                    })
                    .collect();
                for outcome in store.complete_all(&completions).await.map_err(of_store)? {
                    outcome.map_err(of_store)?;
                }
            }
            Self::Http { client, .. } => {
                let mut completions = Vec::with_capacity(held.len());
                for held in held {
                    completions.push((held.id, self.put_document(*held).await?));
                }
                for outcome in client.complete_all(&completions).await? {
                    outcome?;
                }
            }
        }
        Ok(())
    }

    /// Puts a report into the API's storage, as workers do; returns what the API is told of it.
    async fn put_document(&self, held: Held) -> Result<CompleteRequest, Failure> {
        let document = match self {
            Self::Store { .. } => document_of(held),
            Self::Http {
                documents,
                document,
                ..
            } => {
                let kept = documents.put(report_document_id(held.token), document);
                kept.await
                    .map_err(|error| Failure::Unavailable(error.to_string()))?
            }
        };
        Ok(CompleteRequest {
            lease_token: held.token,
            document: DocumentView::from(&document),
            pages: 1,
            others: Vec::new(),
        })
    }
}

/// A report that is in no storage: the store does not look.
fn document_of(held: Held) -> KeptDocument {
    KeptDocument {
        id: report_document_id(held.token),
        bytes: DOCUMENT.len() as u64,
        sha256: Sha256Hex::from_digest(&[0xab; 32]),
    }
}

/// How requests are worked on.
#[derive(Clone, Copy)]
pub struct Crew {
    /// So many at a time take leases.
    pub workers: u32,
    /// So many leases at once, whose requests are then worked on side by side. All are renewed in
    /// one call, as a worker does.
    pub batch: u32,
    /// Whether they are completed in one call too, instead of each when it is done.
    pub together: bool,
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
            match &held[..] {
                [one] => through.renew(*one).await?,
                several => through.renew_all(several).await?,
            }
            if self.together {
                self.job().await;
                through.complete_all(&held).await?;
            } else {
                let attempts = held.iter().map(|held| async {
                    self.job().await;
                    through.complete(*held).await
                });
                try_join_all(attempts).await?;
            }
            completed.extend(held.iter().map(|held| held.id));
        }
        Ok(completed)
    }

    async fn job(self) {
        if !self.work.is_zero() {
            tokio::time::sleep(self.work).await;
        }
    }
}

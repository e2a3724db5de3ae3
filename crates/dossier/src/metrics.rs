//! The page of measurements of a process: those of its API, of its worker, or of both.

use std::net::SocketAddr;

use dossier_api::Api;
use dossier_worker::WorkerMetrics;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// What all names begin with.
const PREFIX: &str = "dossier";

/// The page, being served, if it is to be.
pub(crate) struct RunningMetrics(Option<(CancellationToken, JoinHandle<std::io::Result<()>>)>);

impl RunningMetrics {
    /// Serves the page where the configuration says so.
    pub(crate) async fn start(
        listen: Option<SocketAddr>,
        api: Option<Api>,
        worker: Option<&WorkerMetrics>,
    ) -> Result<Self, Failure> {
        let Some(listen) = listen else {
            return Ok(Self(None));
        };
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            Failure::Unavailable(format!("metrics.listen: listening on {listen}: {error}"))
        })?;
        let mut registry = Registry::with_prefix(PREFIX);
        if let Some(api) = &api {
            api.metrics().register(&mut registry);
        }
        if let Some(worker) = worker {
            worker.register(&mut registry);
        }
        let stopping = CancellationToken::new();
        let serving = dossier_api::serve_metrics(listener, registry, api, stopping.clone());
        Ok(Self(Some((stopping, tokio::spawn(serving)))))
    }

    /// Stops serving it: last of all, so that an end can be watched.
    pub(crate) async fn stop(self) {
        if let Self(Some((stopping, serving))) = self {
            stopping.cancel();
            let _ = serving.await;
        }
    }
}

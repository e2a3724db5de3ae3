//! The page of measurements of a process: those of its API, of its worker, or of both; and whether it
//! is live.

use std::net::SocketAddr;
use std::sync::Arc;

use dossier_api::Api;
use dossier_worker::Worker;
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
        worker: Option<&Worker>,
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
            worker.metrics().register(&mut registry);
        }
        let liveness = worker.map(Worker::liveness);
        // An API that answers here is live.
        let is_live = move || match &liveness {
            Some(liveness) => liveness.check().map_err(|reason| reason.to_string()),
            None => Ok(()),
        };
        let stopping = CancellationToken::new();
        let serving = dossier_api::serve_metrics(
            listener,
            registry,
            api,
            Arc::new(is_live),
            stopping.clone(),
        );
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

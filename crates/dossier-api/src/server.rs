//! Connections, and how they end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Limits};
use crate::router::router;

/// How long to leave alone a system that has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the API until `shutdown`, then answers what has been asked, waiting claims at once, and
/// returns after [`Limits::drain_max`] at the latest.
///
/// # Errors
/// If the listener is of no use.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    shutdown: CancellationToken,
) -> Result<(), io::Error> {
    tracing::info!(address = %listener.local_addr()?, "the API is listening");
    let limits = api.config.limits;
    let app = router(api.clone());
    let open = accept(listener, app, &limits, &shutdown).await;
    close(api, open, limits.drain_max).await;
    Ok(())
}

/// Serves pages that wait for nobody, until `shutdown`.
pub(crate) async fn serve_router(
    listener: TcpListener,
    app: Router,
    shutdown: CancellationToken,
) -> Result<(), io::Error> {
    let limits = Limits::default();
    let open = accept(listener, app, &limits, &shutdown).await;
    // What is not answered in time is not missed.
    let _ = tokio::time::timeout(limits.drain_max, open.shutdown()).await;
    Ok(())
}

/// Accepts connections until `shutdown`; answers with those that are open.
async fn accept(
    listener: TcpListener,
    app: Router,
    limits: &Limits,
    shutdown: &CancellationToken,
) -> GracefulShutdown {
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            let (stream, _) = listener.accept().await?;
            Ok::<_, io::Error>((place, stream))
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = next => accepted,
        };
        let (place, stream) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = open.watch(connection(stream, app.clone(), limits));
        tokio::spawn(async move {
            // A caller that goes away in the middle is its own business.
            let _ = connection.await;
            drop(place);
        });
    }
    open
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, app: Router, limits: &Limits) -> Connection {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_max)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
}

async fn close(api: Api, open: GracefulShutdown, drain_max: Duration) {
    api.closing.cancel();
    api.afterwards.close();
    let drained = async {
        open.shutdown().await;
        api.afterwards.wait().await;
    };
    if tokio::time::timeout(drain_max, drained).await.is_err() {
        tracing::warn!("some answers were not finished before the API stopped");
    }
}

//! `up`, `api` and `worker`: the parts, put together and taken apart in the right order.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dossier_api::{
    Api, Authenticator, BearerProvider, Housekeeper, ReferenceKeeper, StaticToken, TemplateWatch,
};
use dossier_core::Private;
use dossier_documents::DocumentStore;
use dossier_report::Fonts;
use dossier_worker::{ApiClient, ReportSettings, TokenSource, Worker, WorkerConfig};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{Config, ConfigError};
use crate::database;
use crate::documents;
use crate::exit::Failure;
use crate::metrics::RunningMetrics;
use crate::output::Output;
use crate::token::{self, Token};
use crate::watchdog::Watchdog;

/// Who the static token's holder is called in what they ask for.
const TOKEN_HOLDER: &str = "dossier";

/// An API that has all that it needs, and does not answer yet.
struct PreparedApi {
    url: Url,
    listener: TcpListener,
    api: Api,
    housekeeper: Housekeeper,
    template_watch: TemplateWatch,
    reference_keeper: ReferenceKeeper,
}

impl PreparedApi {
    /// Opens the database and the documents, and takes the address.
    async fn new(config: &Config, token: &Private<String>) -> Result<Self, Failure> {
        let documents = open_documents(config).await?;
        let store = database::open(config).await?;
        let listen = config.api.listen;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| Failure::Unavailable(format!("listening on {listen}: {error}")))?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::Unavailable(format!("listening on {listen}: {error}")))?;
        let url = match &config.api.url {
            Some(url) => url.clone(),
            None => Config::url_of(address)?,
        };
        let http = dossier_worker::upstream_client(&config.worker, |builder| builder)
            .map_err(|error| Failure::Other(error.to_string()))?;
        let authenticator = Authenticator::of_static_tokens([StaticToken::with_all_roles(
            TOKEN_HOLDER,
            token.reveal(),
        )]);
        let bearer = bearer_for_services(&config.worker, http.clone());
        let rules = config.template_watch_rules();
        let template_watch =
            TemplateWatch::new(store.clone(), http.clone(), rules).with_bearer(Arc::clone(&bearer));
        let sources = config.reference.sources().map_err(ConfigError::Problems)?;
        let api = Api::new(
            store.clone(),
            documents.clone(),
            authenticator,
            http,
            config.api_config()?,
        )
        .with_bearer(bearer)
        .with_reference(sources, config.reference.rules());
        let reference_keeper = api.reference_keeper();
        let housekeeper = Housekeeper::new(
            store,
            documents,
            config.lease_rules(),
            config.housekeeping_rules(),
        );
        Ok(Self {
            url,
            listener,
            api,
            housekeeper,
            template_watch,
            reference_keeper,
        })
    }

    fn serve(self) -> RunningApi {
        let stopping = CancellationToken::new();
        let serving = dossier_api::serve(self.listener, self.api, stopping.clone());
        RunningApi {
            url: self.url,
            serving: tokio::spawn(serving),
            housekeeping: tokio::spawn(self.housekeeper.run(stopping.clone())),
            watching: tokio::spawn(self.template_watch.run(stopping.clone())),
            reference_keeping: tokio::spawn(self.reference_keeper.run(stopping.clone())),
            stopping,
        }
    }
}

/// The token that the worker calls services with, for the API's own calls to them.
fn bearer_for_services(config: &WorkerConfig, http: reqwest::Client) -> BearerProvider {
    let tokens = Arc::new(TokenSource::new(&config.upstream_auth, http));
    Arc::new(move || {
        let tokens = Arc::clone(&tokens);
        Box::pin(async move { tokens.bearer().await.map_err(|error| error.to_string()) })
    })
}

/// The API and its housekeeping, running in this process.
pub struct RunningApi {
    /// Where it is reached.
    pub url: Url,
    stopping: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    housekeeping: JoinHandle<()>,
    watching: JoinHandle<()>,
    reference_keeping: JoinHandle<()>,
}

impl RunningApi {
    /// Opens the database and the documents, and listens.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] says which of them could not be had, and why.
    pub async fn start(config: &Config, token: &Private<String>) -> Result<Self, Failure> {
        Ok(PreparedApi::new(config, token).await?.serve())
    }

    /// Answers what is being asked, and stops.
    pub async fn stop(self) -> Result<(), Failure> {
        self.stopping.cancel();
        // All only end early by a panic, which is logged where it happens.
        let _ = self.housekeeping.await;
        let _ = self.watching.await;
        let _ = self.reference_keeping.await;
        match self.serving.await {
            Ok(Err(error)) => Err(Failure::Unavailable(format!("serving the API: {error}"))),
            _ => Ok(()),
        }
    }

    /// Returns when serving ends although nobody stopped it.
    async fn ended(&mut self) {
        let _ = (&mut self.serving).await;
    }
}

/// A worker, running in this process.
pub struct RunningWorker {
    /// Characters of its reports so far that no font had.
    pub unsupported_characters: Arc<AtomicU64>,
    stopping: CancellationToken,
    working: JoinHandle<()>,
}

impl RunningWorker {
    /// Starts a worker for the API at `url`.
    ///
    /// # Errors
    /// If documents, fonts or the spool folder cannot be had.
    pub async fn start(
        config: &Config,
        url: &Url,
        token: &Private<String>,
    ) -> Result<Self, Failure> {
        Ok(Self::run(prepared_worker(config, url, token).await?))
    }

    fn run(worker: Worker) -> Self {
        let stopping = CancellationToken::new();
        Self {
            unsupported_characters: worker.unsupported_characters(),
            working: tokio::spawn(worker.run(stopping.clone())),
            stopping,
        }
    }

    /// Finishes or gives back what is being worked on, and stops.
    pub async fn stop(self) {
        self.stopping.cancel();
        let _ = self.working.await;
    }

    /// Returns when the worker ends although nobody stopped it; what was wrong is logged.
    async fn ended(&mut self) {
        let _ = (&mut self.working).await;
    }
}

/// A worker that has all that it needs, and does nothing yet.
async fn prepared_worker(
    config: &Config,
    url: &Url,
    token: &Private<String>,
) -> Result<Worker, Failure> {
    let documents = open_documents(config).await?;
    let fonts = Fonts::with_fallbacks(&config.report.fallback_fonts)
        .map_err(|error| Failure::Unavailable(error.to_string()))?;
    let client = client(config, url, token)?;
    let settings = ReportSettings {
        fonts: Arc::new(fonts),
        wording: config.report.wording.clone(),
        look: config
            .look()
            .map_err(|error| Failure::Unavailable(error.to_string()))?,
        time_zone: config.time_zone()?,
        package: config.report.package,
        copy: config.report.copy,
        volumes: config.volume_limits(),
        office: config.office_converter(),
    };
    let worker = WorkerConfig {
        spool_folder: Some(config.spool_folder()),
        ..config.worker.clone()
    };
    Worker::new(worker, client, documents, settings)
        .await
        .map_err(|error| Failure::Unavailable(error.to_string()))
}

/// A client for the API at `url`.
pub fn client(config: &Config, url: &Url, token: &Private<String>) -> Result<ApiClient, Failure> {
    ApiClient::new(url.clone(), token, config.api.ca_file.as_deref())
        .map_err(|error| Failure::Other(error.to_string()))
}

/// A client for the configured API, with the configured token.
pub fn configured_client(config: &Config) -> Result<ApiClient, Failure> {
    client(config, &config.api_url()?, &known_token(config)?)
}

fn known_token(config: &Config) -> Result<Private<String>, Failure> {
    token::find(config)?.ok_or_else(|| {
        Failure::Other(format!(
            "there is no token: set api.token or api.token_file, or start `dossier up` here first \
             (it makes {})",
            config.token_file().display()
        ))
    })
}

async fn open_documents(config: &Config) -> Result<Arc<dyn DocumentStore>, Failure> {
    documents::open(config)
        .await
        .map_err(|error| Failure::Unavailable(format!("{}: {error}", documents::place(config))))
}

/// What `up` and `api` print when they are ready.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    url: Url,
    api_page: String,
    token_file: String,
    /// Only at the first start, when nobody can know it yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_token: Option<Private<String>>,
}

impl Ready {
    fn new(config: &Config, url: &Url, token: &Token) -> Self {
        Self {
            url: url.clone(),
            api_page: format!("{}/swagger-ui/", url.as_str().trim_end_matches('/')),
            token_file: config.token_file().display().to_string(),
            new_token: token.is_new.then(|| token.secret.clone()),
        }
    }

    fn text(&self) -> String {
        let mut lines = vec![
            format!("dossier is ready at {}", self.url),
            format!("  API page   {}", self.api_page),
        ];
        if let Some(token) = &self.new_token {
            lines.push(format!(
                "  token      {} (made now, kept in {})",
                token.reveal(),
                self.token_file
            ));
        }
        lines.push("  stop with  Ctrl-C".to_owned());
        lines.join("\n")
    }
}

/// Everything in one process.
pub async fn up(config: Config, output: Output) -> Result<(), Failure> {
    let watchdog = Watchdog::feed();
    let token = token::find_or_make(&config)?;
    // Nothing says that it runs before everything can.
    let api = PreparedApi::new(&config, &token.secret).await?;
    let url = local_url(&config, &api.url)?;
    let worker = prepared_worker(&config, &url, &token.secret).await?;
    let metrics =
        RunningMetrics::start(config.metrics.listen, Some(api.api.clone()), Some(&worker)).await?;
    // Whoever reads that it is ready may stop it at once.
    let told_to_stop = told_to_stop();
    let mut api = api.serve();
    watchdog.follow(&worker);
    let mut worker = RunningWorker::run(worker);
    output.print(&Ready::new(&config, &api.url, &token), Ready::text);
    tokio::select! {
        () = told_to_stop => {}
        () = api.ended() => return Err(Failure::Unavailable("the API stopped by itself".into())),
        () = worker.ended() => return Err(worker_ended()),
    }
    stop_by_second_signal(async {
        // The worker first: it still needs the API to give its leases back.
        worker.stop().await;
        let stopped = api.stop().await;
        metrics.stop().await;
        stopped
    })
    .await
}

/// The worker of `up` reaches the API on this machine, whatever name the world knows it by.
fn local_url(config: &Config, url: &Url) -> Result<Url, Failure> {
    match config.api.listen.port() {
        0 => Ok(url.clone()),
        _ => Ok(Config::url_of(config.api.listen)?),
    }
}

/// The API alone.
pub async fn api(config: Config, output: Output) -> Result<(), Failure> {
    let token = token::find_or_make(&config)?;
    let api = PreparedApi::new(&config, &token.secret).await?;
    let listen = config.metrics.listen;
    let metrics = RunningMetrics::start(listen, Some(api.api.clone()), None).await?;
    let told_to_stop = told_to_stop();
    let mut api = api.serve();
    output.print(&Ready::new(&config, &api.url, &token), Ready::text);
    tokio::select! {
        () = told_to_stop => {}
        () = api.ended() => return Err(Failure::Unavailable("the API stopped by itself".into())),
    }
    stop_by_second_signal(async {
        let stopped = api.stop().await;
        metrics.stop().await;
        stopped
    })
    .await
}

/// A worker alone.
pub async fn worker(config: Config, output: Output) -> Result<(), Failure> {
    let watchdog = Watchdog::feed();
    let url = config.api_url()?;
    let worker = prepared_worker(&config, &url, &known_token(&config)?).await?;
    let listen = config.metrics.listen;
    let metrics = RunningMetrics::start(listen, None, Some(&worker)).await?;
    watchdog.follow(&worker);
    let told_to_stop = told_to_stop();
    let mut worker = RunningWorker::run(worker);
    output.print(&serde_json::json!({ "api": url }), |_| {
        format!("the worker polls {url}; stop with Ctrl-C")
    });
    tokio::select! {
        () = told_to_stop => {}
        () = worker.ended() => return Err(worker_ended()),
    }
    stop_by_second_signal(async {
        worker.stop().await;
        metrics.stop().await;
        Ok(())
    })
    .await
}

/// Whoever started the process is to start it again.
fn worker_ended() -> Failure {
    Failure::Other("the worker stopped by itself".into())
}

/// Ends when the process gets SIGTERM or SIGINT: from the call on, not only once it is awaited.
pub fn told_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        match signals {
            (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            },
            // Without signal handling the system's default ends the process.
            _ => std::future::pending().await,
        }
    }
}

/// Stops in order, unless a second signal asks to stop at once: leases then expire by themselves.
async fn stop_by_second_signal(
    stopping: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tracing::info!("stopping");
    tokio::select! {
        result = stopping => result,
        () = told_to_stop() => Err(Failure::Other("stopped at once by a second signal".into())),
    }
}

/// How long the demo and the benchmarks let a worker wait between looks: they start and stop often.
pub const SHORT_GRACE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_panics_has_ended() {
        let mut worker = RunningWorker {
            unsupported_characters: Arc::default(),
            stopping: CancellationToken::new(),
            working: tokio::spawn(async { panic!("as in a test") }),
        };
        worker.ended().await;
    }
}

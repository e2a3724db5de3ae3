//! `dossier health`: whether a process of this configuration is live. For containers' health checks:
//! an image without a shell has no other program to ask with.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigError};
use crate::exit::Failure;
use crate::output::Output;

/// Longest time for the whole answer.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// What the process says of itself.
#[derive(Deserialize, Serialize)]
struct Answer {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Runs the command.
pub async fn run(config: &Config, output: Output) -> Result<(), Failure> {
    let listen = config.metrics.listen.ok_or_else(|| {
        let missing = "metrics.listen must be set: a process says there whether it is live";
        ConfigError::Invalid(missing.to_owned())
    })?;
    let (status, answer) = ask(listen).await.map_err(|fault| {
        Failure::Unavailable(format!("no process answers at {listen} in time: {fault}"))
    })?;
    match status {
        StatusCode::OK => {
            output.print(&answer, |_| "live".to_owned());
            Ok(())
        }
        _ => Err(Failure::Unavailable(format!(
            "not live: {}",
            answer.reason.as_deref().unwrap_or("it does not say why")
        ))),
    }
}

async fn ask(listen: SocketAddr) -> Result<(StatusCode, Answer), String> {
    let url = Config::url_of(listen)
        .ok()
        .and_then(|url| url.join("health/liveness").ok())
        .ok_or("the address is no URL")?;
    let client = dossier_worker::http_client(|builder| builder.timeout(ANSWER_MAX), None)
        .map_err(|error| error.to_string())?;
    let said = |error: reqwest::Error| match error.is_timeout() {
        true => "timed out".to_owned(),
        false if error.is_connect() => "the connection was refused".to_owned(),
        false => "it is no process of Dossier".to_owned(),
    };
    let response = client.get(url).send().await.map_err(said)?;
    let status = response.status();
    Ok((status, response.json().await.map_err(said)?))
}

//! The dossier program: one binary, grown by configuration.
//!
//! This crate puts the parts together and gives them a command line. It decides nothing about
//! requests: that is the API's and the store's work, which even `dossier up` reaches over HTTP.
//!
//! - [`cli`]: what can be typed
//! - [`config`]: what can be configured
//! - [`exit`]: how a command ends
//! - [`run`]: `up`, `api` and `worker`
//! - [`demo`]: the sample services and the sample request
//! - [`service_test`]: whether a service keeps the upstream contract
//! - [`mod@bench`]: what can be measured
//!
//! The other modules are a command each.

pub mod bench;
pub mod cli;
pub mod config;
mod config_command;
mod database;
pub mod demo;
mod documents;
pub mod exit;
mod health_command;
mod manual;
mod metrics;
mod migrate_command;
pub mod output;
mod preview;
mod preview_names;
mod reference_command;
mod render_command;
mod request_command;
pub mod run;
mod schema_command;
mod service_command;
pub mod service_test;
mod template_check;
mod template_command;
mod token;
mod watch;
mod watchdog;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::cli::{Cli, Command, TemplateCommand};
use crate::config::{Config, LogFormat, LogTable};
use crate::exit::Failure;
use crate::output::Output;

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = if cli.json { Output::Json } else { Output::Text };
    dossier_worker::hide_panic_messages();
    match start(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The exit code says it too, should nobody read this.
            let _ = writeln!(std::io::stderr(), "dossier: {failure}");
            failure.into()
        }
    }
}

fn start(cli: Cli, output: Output) -> Result<(), Failure> {
    match cli.command {
        Command::Completions { shell } => {
            manual::print_completions(shell);
            return Ok(());
        }
        Command::Man { folder } => return manual::write_man_pages(&folder, output),
        Command::Template(TemplateCommand::Check(options)) => {
            return template_check::run(&options, output);
        }
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::file("starting threads"))?;
    let result = runtime.block_on(dispatch(cli, output));
    // A report that is being printed when its worker was told to stop is printed in vain.
    runtime.shutdown_background();
    result
}

async fn dispatch(cli: Cli, output: Output) -> Result<(), Failure> {
    let file = cli.config.as_deref();
    if let Command::Config(command) = &cli.command {
        return config_command::run(command, file, output).await;
    }
    let config = Config::load(file)?;
    dossier_worker::install_tls_provider();
    match cli.command {
        Command::Up => {
            log_to_stderr(&config.log)?;
            run::up(config, output).await
        }
        Command::Api => {
            log_to_stderr(&config.log)?;
            run::api(config, output).await
        }
        Command::Worker => {
            log_to_stderr(&config.log)?;
            run::worker(config, output).await
        }
        Command::Health => health_command::run(&config, output).await,
        Command::Migrate { check } => migrate_command::run(check, &config, output).await,
        Command::Demo(options) => demo::run(&options, &config.log, output).await,
        Command::Request(command) => request_command::run(command, &config, output).await,
        Command::Service(command) => service_command::run(command, &config, output).await,
        Command::Template(command) => template_command::run(command, &config, output).await,
        Command::Reference(command) => reference_command::run(command, &config, output).await,
        Command::Render(options) => render_command::run(options, &config, output).await,
        Command::Bench(command) => bench::run(command, output).await,
        // Handled before.
        Command::Config(_) | Command::Completions { .. } | Command::Man { .. } => Ok(()),
    }
}

/// Where sqlx logs what the database's server says in its own words, which may quote data.
const SERVER_TEXTS: [&str; 2] = ["sqlx_core::pool", "sqlx::postgres::notice"];

/// The filter as configured, and without the server's texts unless they are asked for by name.
fn log_filter(directives: &str) -> Result<EnvFilter, config::ConfigError> {
    let invalid = |error: &dyn std::fmt::Display| {
        config::ConfigError::Invalid(format!("log.filter: {error}"))
    };
    let mut filter = EnvFilter::try_new(directives).map_err(|error| invalid(&error))?;
    for target in SERVER_TEXTS {
        if !directives.contains(target) {
            let off = format!("{target}=off").parse();
            filter = filter.add_directive(off.map_err(|error| invalid(&error))?);
        }
    }
    Ok(filter)
}

/// Logs to standard error as configured; standard output is for answers.
fn log_to_stderr(log: &LogTable) -> Result<(), Failure> {
    let filter = log_filter(&log.filter)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(std::io::stderr().is_terminal())
        // Nobody is left to be told that the log cannot be written; it is no reason to stop.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}

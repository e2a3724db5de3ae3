//! `dossier service …`: the catalogue, and the test of a service.

use dossier_core::wire::{ServiceBody, ServiceView};
use dossier_worker::ApiClient;

use crate::cli::{AddService, ServiceChanges, ServiceCommand};
use crate::config::Config;
use crate::exit::Failure;
use crate::output::{Output, table};
use crate::run;
use crate::schema_command;
use crate::service_test;

/// Runs one of the commands.
pub async fn run(command: ServiceCommand, config: &Config, output: Output) -> Result<(), Failure> {
    let command = match command {
        ServiceCommand::Test(options) => {
            return service_test::run(*options, config, output).await;
        }
        ServiceCommand::Schema(command) => {
            return schema_command::run(command, config, output).await;
        }
        other => other,
    };
    let client = run::configured_client(config)?;
    match command {
        ServiceCommand::Add(service) => {
            let added = client.add_service(&body(service)).await?;
            output.print(&added, |added| {
                format!("added {} ({})", added.name, added.id)
            });
        }
        ServiceCommand::Change { name, changes } => {
            let service = find(&client, &name).await?;
            let id = service.id.into();
            let changed = client
                .update_service(id, &changed(service, changes))
                .await?;
            output.print(&changed, |changed| format!("changed {}", changed.name));
        }
        ServiceCommand::List => output.print(&client.services().await?, |services| list(services)),
        ServiceCommand::Suspend { name } => suspend(&client, &name, true, output).await?,
        ServiceCommand::Resume { name } => suspend(&client, &name, false, output).await?,
        // Handled before.
        ServiceCommand::Schema(_) | ServiceCommand::Test(_) => {}
    }
    Ok(())
}

/// The service of that name.
pub(crate) async fn find(client: &ApiClient, name: &str) -> Result<ServiceView, Failure> {
    let services = client.services().await?;
    services
        .into_iter()
        .find(|service| service.name == name)
        .ok_or_else(|| Failure::NoSuchService(name.to_owned()))
}

async fn suspend(
    client: &ApiClient,
    name: &str,
    suspended: bool,
    output: Output,
) -> Result<(), Failure> {
    let service = find(client, name).await?;
    let changed = client.suspend_service(service.id.into(), suspended).await?;
    output.print(&changed, |service| match service.suspended {
        true => format!("{} is suspended; requests wait for it", service.name),
        false => format!("{} is no longer suspended", service.name),
    });
    Ok(())
}

fn body(service: AddService) -> ServiceBody {
    ServiceBody {
        name: service.name,
        label: service.label,
        url: service.url,
        enabled: !service.disabled,
        template_migrated: service.template,
        category: service.category.into(),
        rank: service.rank,
    }
}

/// A service's details with the changes.
fn changed(service: ServiceView, changes: ServiceChanges) -> ServiceBody {
    ServiceBody {
        name: service.name,
        label: changes.label.unwrap_or(service.label),
        url: changes.url.unwrap_or(service.url),
        enabled: changes.enabled || (service.enabled && !changes.disabled),
        template_migrated: changes.template || (service.template_migrated && !changes.no_template),
        category: changes.category.map_or(service.category, Into::into),
        rank: changes.rank.or(service.rank.filter(|_| !changes.no_rank)),
    }
}

fn list(services: &[ServiceView]) -> String {
    if services.is_empty() {
        return "no services yet; add one with `dossier service add`".to_owned();
    }
    let rows: Vec<[String; 5]> = services
        .iter()
        .map(|service| {
            let state = match (service.enabled, service.suspended) {
                (false, _) => "disabled",
                (true, true) => "suspended",
                (true, false) => "in use",
            };
            [
                service.name.clone(),
                service.label.clone(),
                service.category.as_str().to_lowercase(),
                state.to_owned(),
                service.url.clone(),
            ]
        })
        .collect();
    table(["NAME", "LABEL", "CATEGORY", "STATE", "URL"], &rows)
}

//! `dossier service schema …`: the JSON Schema of a service's answers.

use std::io::Write;

use serde_json::json;

use crate::cli::SchemaCommand;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::Output;
use crate::run;
use crate::service_command::find;

/// Runs one of the commands.
pub async fn run(command: SchemaCommand, config: &Config, output: Output) -> Result<(), Failure> {
    let client = run::configured_client(config)?;
    match command {
        SchemaCommand::Set { service, file } => {
            let failed = Failure::file(format!("reading {}", file.display()));
            let schema = std::fs::read(&file).map_err(failed)?;
            let service = find(&client, &service).await?;
            let set = client.set_schema(service.id.into(), schema.into()).await?;
            output.print(&set, |set| {
                format!("{} has this schema ({} bytes)", service.name, set.bytes)
            });
        }
        SchemaCommand::Show { service } => {
            let service = find(&client, &service).await?;
            let schema = client.schema(service.id.into()).await?;
            match output {
                // Byte for byte: what goes into a file has the digest of the schema.
                Output::Text => {
                    // Whoever has stopped reading is not an error.
                    let _ = std::io::stdout().write_all(&schema);
                }
                Output::Json => {
                    let text = String::from_utf8_lossy(&schema);
                    let shown = json!({ "service": service.name, "text": text });
                    output.print(&shown, |_| String::new());
                }
            }
        }
        SchemaCommand::Remove { service } => {
            let service = find(&client, &service).await?;
            client.remove_schema(service.id.into()).await?;
            let removed = json!({ "service": service.name });
            output.print(&removed, |_| format!("{} has no schema", service.name));
        }
    }
    Ok(())
}

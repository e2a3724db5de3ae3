//! `dossier migrate`: the database's schema.

use dossier_store::SchemaAge;
use serde::Serialize;

use crate::config::Config;
use crate::database;
use crate::exit::Failure;
use crate::output::Output;

/// What was done.
#[derive(Serialize)]
struct Done {
    database: String,
    from: u32,
    to: u32,
}

/// What was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    database: String,
    state: &'static str,
    found: u32,
    known: u32,
    compatible_from: u32,
}

/// Brings the schema up to date, or only looks.
pub async fn run(check: bool, config: &Config, output: Output) -> Result<(), Failure> {
    if check {
        return look(config, output).await;
    }
    let database = database::place(config)?;
    let migrated = database::migrate(config).await?;
    let done = Done {
        database,
        from: migrated.from,
        to: migrated.to,
    };
    output.print(&done, |done| {
        let Done { database, from, to } = done;
        if from == to {
            format!("{database} has schema {to} already")
        } else {
            format!("{database} now has schema {to} (before: {from})")
        }
    });
    Ok(())
}

async fn look(config: &Config, output: Output) -> Result<(), Failure> {
    let database = database::place(config)?;
    let schema = database::schema_state(config).await?;
    let (state, result) = match schema.age() {
        SchemaAge::Current => ("current", Ok(())),
        SchemaAge::NewerCompatible => ("newer-compatible", Ok(())),
        SchemaAge::Older => ("older", Err(Failure::OlderSchema)),
        SchemaAge::Newer => ("newer", Err(Failure::NewerSchema)),
    };
    let found = Found {
        database,
        state,
        found: schema.found,
        known: schema.known,
        compatible_from: schema.compatible_from,
    };
    output.print(&found, |found| {
        format!(
            "{} has schema {}, this version knows {}: {}",
            found.database, found.found, found.known, found.state
        )
    });
    result
}

//! Shell completions and man pages, made from the same definitions as `--help`.

use std::path::Path;

use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Failure;
use crate::output::Output;

/// Prints a completion script.
pub fn print_completions(shell: clap_complete::Shell) {
    clap_complete::generate(
        shell,
        &mut Cli::command(),
        "dossier",
        &mut std::io::stdout(),
    );
}

/// Writes `dossier.1`, `dossier-up.1`, … into a folder.
pub fn write_man_pages(folder: &Path, output: Output) -> Result<(), Failure> {
    let failed = |source| Failure::File {
        doing: format!("writing man pages to {}", folder.display()),
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    output.print(&folder, |folder| {
        format!("man pages written to {}", folder.display())
    });
    Ok(())
}

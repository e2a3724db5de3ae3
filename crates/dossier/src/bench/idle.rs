//! What `dossier up` takes while there is nothing to do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{process_memory, within};
use crate::cli::BenchIdle;
use crate::exit::Failure;
use crate::output::Output;

/// Ticks a second of the processor times in `/proc/<pid>/stat`: fixed at 100 on Linux (`USER_HZ`).
const TICKS_A_SECOND: f64 = 100.0;
/// The process is left alone for so long before it is looked at.
const SETTLE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    seconds: f64,
    resident_bytes: u64,
    peak_resident_bytes: u64,
    core_percent: f64,
}

/// Starts this program's `up` as a process of its own and looks at it from outside.
pub async fn run(options: &BenchIdle, output: Output) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(Failure::file("making a folder"))?;
    let program = std::env::current_exe().map_err(Failure::file("finding this program"))?;
    let mut up = Up(Command::new(program)
        .args(["up", "--json"])
        .env("DOSSIER_DATA_FOLDER", folder.path())
        .env("DOSSIER_API__LISTEN", "127.0.0.1:0")
        .env("DOSSIER_LOG__FILTER", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::file("starting `dossier up`"))?);
    let mut ready = String::new();
    if let Some(stdout) = up.0.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut ready)
            .map_err(Failure::file("waiting for it"))?;
    }
    tokio::time::sleep(SETTLE).await;
    let pid = up.0.id();
    let (started, before) = (Instant::now(), processor_seconds(pid)?);
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let seconds = started.elapsed().as_secs_f64();
    let measured = Measured {
        seconds,
        resident_bytes: process_memory(pid, "VmRSS")?,
        peak_resident_bytes: process_memory(pid, "VmHWM")?,
        core_percent: (processor_seconds(pid)? - before) / seconds * 100.0,
    };
    output.print(&measured, |m| {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        format!(
            "an idle `dossier up`, looked at for {:.0} s:\n\
             memory       {:.1} MB, {:.1} MB at its highest\n\
             processor    {:.2} % of a core",
            m.seconds,
            megabytes(m.resident_bytes),
            megabytes(m.peak_resident_bytes),
            m.core_percent
        )
    });
    let megabytes = measured.peak_resident_bytes as f64 / 1e6;
    within("memory in MB", megabytes, options.memory_max_mb)?;
    let percent = measured.core_percent;
    within("percent of a core", percent, options.core_max_percent)
}

/// The process, killed when the measurement ends.
pub(super) struct Up(pub(super) Child);

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processor time that a process has taken, user and system together (proc(5): fields 14 and 15 of
/// `stat`, counted behind the name in parentheses).
pub(super) fn processor_seconds(pid: u32) -> Result<f64, Failure> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).map_err(Failure::file(format!("reading {path}")))?;
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok((user + system) / TICKS_A_SECOND),
        _ => Err(Failure::Other(format!("{path} is not as expected"))),
    }
}

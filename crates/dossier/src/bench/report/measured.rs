//! One run of one maker: time and memory of a process and of all that it starts.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::process::Command;

use crate::bench::process_memory;

/// The least time between two looks at memory.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Looking takes at most this part of the time, so that it does not slow down what it looks at.
const LOOKING_SHARE: u32 = 20;

/// A run that came to its end.
pub struct Run {
    /// From the start of the process to its end.
    pub seconds: f64,
    /// The most memory at a time: see [`Tree::bytes`].
    pub peak_bytes: u64,
    /// What the process said of itself.
    pub said: Said,
}

/// What every maker prints as one line of JSON before it ends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// Its version.
    pub version: String,
    /// Its own highest resident memory; memory taken after the last look is in it.
    pub peak_bytes: u64,
    /// Pages of the file, if the maker knows.
    pub pages: Option<u64>,
}

/// Why a run came to nothing, for the reader of the table.
pub struct Stopped(pub String);

/// Runs a maker to its end or to the limit, at which it is killed with all that it started.
pub async fn run(mut command: Command, limit: Duration) -> Result<Run, Stopped> {
    let started = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Stopped(format!("cannot be started: {error}")))?;
    let root = child.id();
    let ended = child.wait_with_output();
    tokio::pin!(ended);
    // Behind `ended`, so that it is dropped first: a dead parent's children cannot be found.
    let mut tree = Tree::of(root);
    let mut pause = LOOK_EVERY;
    let output = loop {
        tokio::select! {
            output = &mut ended => break output,
            () = tokio::time::sleep(pause) => {}
        }
        if started.elapsed() > limit {
            return Err(Stopped(format!("took longer than {} s", limit.as_secs())));
        }
        let looking = Instant::now();
        tree.look();
        pause = LOOK_EVERY.max(looking.elapsed() * LOOKING_SHARE);
    };
    let seconds = started.elapsed().as_secs_f64();
    let output = output.map_err(|error| Stopped(format!("cannot be waited for: {error}")))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last = complaints.trim().lines().last().unwrap_or_default();
        return Err(Stopped(format!("{}: {last}", output.status)));
    }
    let said: Said = serde_json::from_str(printed.trim())
        .map_err(|error| Stopped(format!("did not say what it did: {error}")))?;
    Ok(Run {
        seconds,
        peak_bytes: tree.peak_bytes.max(said.peak_bytes),
        said,
    })
}

/// A process and its descendants; what is left of them is killed when it is dropped.
struct Tree {
    root: Option<u32>,
    alive: Vec<u32>,
    peak_bytes: u64,
}

impl Tree {
    fn of(root: Option<u32>) -> Self {
        Self {
            root,
            alive: Vec::new(),
            peak_bytes: 0,
        }
    }

    fn look(&mut self) {
        let Some(root) = self.root else { return };
        self.alive = with_descendants(root);
        self.peak_bytes = self.peak_bytes.max(self.bytes());
    }

    /// One process: its resident memory. Several share pages: each page is then counted in parts,
    /// by how many processes have it (`Pss` of proc(5)). A process that has just ended counts 0.
    fn bytes(&self) -> u64 {
        match &self.alive[..] {
            [only] => process_memory(*only, "VmRSS").unwrap_or(0),
            several => several.iter().map(|pid| proportional_bytes(*pid)).sum(),
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let Some(root) = self.root else { return };
        for pid in with_descendants(root) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have ended in the meantime.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// The process, if it still is a child of this one, and everything below it.
fn with_descendants(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some(pid) = pid
            && let Some(parent) = parent(pid)
        {
            children.entry(parent).or_default().push(pid);
        }
    }
    let ours = children.get(&std::process::id());
    if !ours.is_some_and(|ours| ours.contains(&root)) {
        return Vec::new();
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(
            children
                .get(pid)
                .into_iter()
                .flatten()
                .copied()
                .collect::<Vec<_>>(),
        );
        next += 1;
    }
    found
}

/// Field 4 of `/proc/<pid>/stat`, counted behind the name in parentheses.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(1)?.parse().ok()
}

fn proportional_bytes(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let kilobytes: Option<u64> = rollup.lines().find_map(|line| {
        let number = line.strip_prefix("Pss:")?.trim().strip_suffix("kB")?;
        number.trim().parse().ok()
    });
    kilobytes.unwrap_or(0) * 1024
}

//! The program as its users run it: processes, their output and their exit codes.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The `dossier` command in a folder, without any variable of this process's own.
pub fn dossier(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dossier"));
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DOSSIER_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command line such as `service list` and waits for its end.
pub fn run(folder: &Path, line: &str) -> Output {
    dossier(folder).args(words(line)).output().unwrap()
}

/// Runs a command line that must succeed and answers its standard output.
pub fn succeed(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    assert!(
        output.status.success(),
        "dossier {line}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command line with `--json` and answers what it printed.
pub fn json(folder: &Path, line: &str) -> Value {
    serde_json::from_str(&succeed(folder, &format!("{line} --json"))).unwrap()
}

/// Splits a command line at spaces, double quotes kept together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Waits for a process's end; answers how it ended and its peak memory in KiB.
#[cfg(target_os = "linux")]
pub fn peak_kib(child: &mut Child) -> (ExitStatus, u64) {
    let peak_of = |pid: u32| -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    let mut peak = 0;
    loop {
        peak = peak_of(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            return (status, peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A long-running `dossier` process that has said that it is ready; killed when dropped.
pub struct Running {
    child: Child,
    /// What it printed when it was ready.
    pub ready: Value,
    stderr: PathBuf,
}

impl Running {
    /// Starts a command line such as `up` in a folder and waits until it is ready.
    pub fn start(folder: &Path, line: &str, name: &str) -> Self {
        Self::spawn(dossier(folder), folder, line, name)
    }

    /// The same with variables.
    pub fn start_with(folder: &Path, line: &str, name: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = dossier(folder);
        command.envs(variables.iter().copied());
        Self::spawn(command, folder, line, name)
    }

    /// The same for a process that cannot write a file of more than `kib` KiB, as on a full disk.
    pub fn start_cramped(folder: &Path, line: &str, name: &str, kib: u32) -> Self {
        let program = dossier(folder);
        let mut shell = Command::new("bash");
        shell
            .current_dir(folder)
            .arg("-c")
            .arg(format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\""))
            .arg(program.get_program());
        for (variable, _) in program.get_envs() {
            shell.env_remove(variable);
        }
        Self::spawn(shell, folder, line, name)
    }

    fn spawn(mut command: Command, folder: &Path, line: &str, name: &str) -> Self {
        let stderr = folder.join(format!("{name}.log"));
        let mut child = command
            .args(words(line))
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        let ready = serde_json::from_str(&first).unwrap_or_else(|_| {
            child.wait().unwrap();
            panic!(
                "{name} did not start: {}",
                std::fs::read_to_string(&stderr).unwrap()
            )
        });
        Self {
            child,
            ready,
            stderr,
        }
    }

    /// Sends a signal by name, such as `TERM` or `KILL`.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end; answers its exit code, if it was not killed.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let mut log = String::new();
        std::fs::File::open(&self.stderr)
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

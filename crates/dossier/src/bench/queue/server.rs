//! A PostgreSQL server that lives as long as the measurement, with the durability that it has by
//! default.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::exit::Failure;

/// Where Debian and its kin keep each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Waits for this program's end (its standard input's), then stops the server and removes the
/// folder: also when this program is killed.
const GUARD: &str = "trap '' INT TERM HUP; cat >/dev/null; \
     if [ -e \"$1/data/postmaster.pid\" ]; then \
         \"${@:2}\" -D \"$1/data\" -m immediate -w stop >/dev/null 2>&1; \
     fi; rm -rf \"$1\"";

/// Another may take the port in between; then there is another one.
const STARTS_MAX: u32 = 5;

/// Connections of this program and of a peer together, and some more.
const SETTINGS: &str = "-c max_connections=300 -c shared_preload_libraries=pg_stat_statements \
     -c shared_buffers=256MB -c max_wal_size=4GB";

/// A running server, stopped when it is dropped.
pub struct Server {
    folder: PathBuf,
    port: u16,
    guard: Child,
}

impl Server {
    /// Starts one in a folder of its own.
    ///
    /// # Errors
    /// If PostgreSQL's programs are not there or do not start.
    pub fn start() -> Result<Self, Failure> {
        let control = as_its_user("pg_ctl")?;
        let folder = tempfile::Builder::new()
            .prefix("dossier-bench-postgres-")
            .tempdir()
            .map_err(Failure::file("making a folder for PostgreSQL"))?
            .keep();
        let guard = Command::new("bash")
            .args(["-c", GUARD, "guard"])
            .arg(&folder)
            .args(&control)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(Failure::file("starting the guard of PostgreSQL"))?;
        let mut server = Self {
            folder,
            port: 0,
            guard,
        };
        server.make()?;
        for _ in 0..STARTS_MAX {
            server.port = free_port()?;
            if server.begin(&control)? {
                return Ok(server);
            }
        }
        let log = std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        let last = log.trim().lines().last().unwrap_or("it says nothing");
        Err(Failure::Unavailable(format!(
            "PostgreSQL did not start: {last}"
        )))
    }

    /// The URL of its database for administration, as the one who may do everything.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn make(&self) -> Result<(), Failure> {
        if is_root() {
            succeed(Command::new("chown").arg("postgres:").arg(&self.folder))?;
        }
        let data = self.folder.join("data");
        let mut make = command(&as_its_user("initdb")?);
        make.arg("-D").arg(&data);
        succeed(make.args(["-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust"]))
    }

    fn begin(&self, control: &[String]) -> Result<bool, Failure> {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -p {} {SETTINGS}",
            self.port
        );
        let mut start = command(control);
        start.arg("-D").arg(self.folder.join("data"));
        start.arg("-l").arg(self.folder.join("log"));
        let started = start
            .args(["-w", "-o", &options, "start"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(Failure::file("starting PostgreSQL"))?;
        Ok(started.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // It stops the server whether or not it is waited for.
        let _ = self.guard.wait();
    }
}

/// One of PostgreSQL's programs, as a user that it agrees to run as: not root.
fn as_its_user(name: &str) -> Result<Vec<String>, Failure> {
    let program = program(name).ok_or_else(|| {
        Failure::Unavailable(format!(
            "PostgreSQL's {name} is missing: install its server, or name one with --database"
        ))
    })?;
    let mut words = Vec::new();
    if is_root() {
        let other = [
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
        ];
        words.extend(other.map(str::to_owned));
    }
    words.push(program.display().to_string());
    Ok(words)
}

/// The newest version's, or what the path has.
fn program(name: &str) -> Option<PathBuf> {
    let version = |folder: &Path| -> Option<u32> { folder.file_name()?.to_str()?.parse().ok() };
    let mut versions: Vec<PathBuf> = std::fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| version(folder).is_some())
        .collect();
    versions.sort_by_key(|folder| version(folder));
    let newest = versions.pop().map(|folder| folder.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn free_port() -> Result<u16, Failure> {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(free
        .map_err(Failure::file("finding a port for PostgreSQL"))?
        .port())
}

fn command(words: &[String]) -> Command {
    let (program, arguments) = words
        .split_first()
        .map_or(("", words), |(program, rest)| (program.as_str(), rest));
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(Failure::file("preparing PostgreSQL"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim().lines().last().unwrap_or("it says nothing");
    Err(Failure::Unavailable(format!(
        "preparing PostgreSQL: {last}"
    )))
}

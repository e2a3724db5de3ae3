//! A real PostgreSQL server, started by the tests that need one, in a folder and on a port of its
//! own. A guard process stops it and removes the folder however the tests end.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The password of every role.
pub const PASSWORD: &str = "the-test-password";

/// Waits for the tests' end (its standard input's), then stops the server and removes the folder.
const GUARD: &str = "trap '' INT TERM HUP; cat >/dev/null; \
     if [ -e \"$1/data/postmaster.pid\" ]; then \
         \"${@:2}\" -D \"$1/data\" -m immediate -w stop >/dev/null 2>&1; \
     fi; rm -rf \"$1\"";

/// A running server.
pub struct Server {
    folder: PathBuf,
    port: u16,
    arguments: String,
    databases: AtomicU32,
    /// Dropped with the process, at the latest.
    guard: Child,
}

impl Server {
    /// Starts one; what is committed is not forced to the disk, which only a crash of the machine
    /// would tell.
    pub fn start() -> Self {
        // Nor is anything vacuumed but by a test: what is read follows from what was.
        let arguments = "-c fsync=off -c full_page_writes=off -c autovacuum=off";
        Self::start_with(arguments, |_| {})
    }

    /// Starts one with these arguments, once `prepare` has put what it needs into the data folder.
    pub fn start_with(arguments: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dossier-postgres-")
            .tempdir()
            .unwrap()
            .keep();
        let mut guard = Command::new("bash");
        guard
            .args(["-c", GUARD, "guard"])
            .arg(&folder)
            .args(as_its_user("pg_ctl"));
        let guard = guard
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        give_away(&folder);
        let data = folder.join("data");
        let mut initdb = words(&as_its_user("initdb"));
        initdb
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-E", "UTF8", "--locale=C", "-N", "-A"])
            .arg("trust");
        succeed(&mut initdb);
        let hba = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        prepare(&data);
        let mut server = Self {
            folder,
            port: 0,
            arguments: arguments.to_owned(),
            databases: AtomicU32::new(0),
            guard,
        };
        // Somebody else may take the port in between; then there is another one.
        let started = (0..5).any(|_| {
            let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            server.port = free.local_addr().unwrap().port();
            drop(free);
            server.try_start()
        });
        assert!(started, "PostgreSQL did not start: {}", server.log());
        server.sql(
            "postgres",
            &format!("CREATE ROLE dossier LOGIN PASSWORD '{PASSWORD}'"),
        );
        server
    }

    fn try_start(&self) -> bool {
        let folder = self.folder.display();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -p {} \
             -c max_connections=400 -c shared_buffers=64MB {}",
            self.port, self.arguments
        );
        let mut start = words(&as_its_user("pg_ctl"));
        start
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-l")
            .arg(self.folder.join("log"))
            .args(["-w", "-o", &options, "start"]);
        start.stdout(Stdio::null()).status().unwrap().success()
    }

    /// Starts it again where it was.
    pub fn start_again(&self) {
        assert!(self.try_start(), "{}", self.log());
    }

    /// Stops it as a crash of its machine would, or `fast`, as an operator does.
    pub fn stop(&self, how: &str) {
        let mut stop = words(&as_its_user("pg_ctl"));
        stop.arg("-D").arg(self.folder.join("data"));
        succeed(stop.args(["-m", how, "-w", "stop"]));
    }

    /// Has it accept no connection and say nothing of that, until what this answers is dropped.
    /// Connections that there are go on.
    pub fn freeze(&self) -> Frozen {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let process = file.lines().next().unwrap().to_owned();
        succeed(Command::new("kill").args(["-STOP", &process]));
        Frozen { process }
    }

    /// Makes an empty database that the user `dossier` owns; answers its name.
    pub fn database(&self) -> String {
        let name = self.unused_name();
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER dossier"));
        name
    }

    /// Makes a copy of a database; answers its name.
    pub fn copy(&self, template: &str) -> String {
        let name = self.unused_name();
        let copy = format!("CREATE DATABASE {name} TEMPLATE {template} OWNER dossier");
        self.sql("postgres", &copy);
        name
    }

    fn unused_name(&self) -> String {
        format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed))
    }

    /// Removes a database, whoever is connected to it.
    pub fn drop_database(&self, name: &str) {
        self.sql(
            "postgres",
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
    }

    /// Runs SQL as the superuser; answers what it printed.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(binary("psql"));
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-d", database, "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        psql.stdin
            .take()
            .unwrap()
            .write_all(sql.as_bytes())
            .unwrap();
        let output = psql.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The URL of a database through the Unix socket.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://dossier@/{database}?host={}",
            self.folder.display()
        )
        .replacen("@/", &format!("@socket:{}/", self.port), 1)
    }

    /// The URL of a database through the network.
    pub fn network_url(&self, database: &str) -> String {
        format!(
            "postgres://dossier:{PASSWORD}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, which the user that it runs as may write to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A server that accepts no connection for now.
pub struct Frozen {
    process: String,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-CONT", &self.process]).status();
    }
}

/// The command line of one of PostgreSQL's programs, as a user that it agrees to run as: not root.
pub fn as_its_user(program: &str) -> Vec<String> {
    let program = binary(program).display().to_string();
    if is_root() {
        let run = [
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
        ];
        let mut words: Vec<String> = run.map(str::to_owned).into();
        words.push(program);
        words
    } else {
        vec![program]
    }
}

/// A command of these words.
pub fn words(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// Lets the user that PostgreSQL runs as write to a folder.
pub fn give_away(path: &Path) {
    if is_root() {
        succeed(Command::new("chown").arg("-R").arg("postgres:").arg(path));
    }
}

fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// One of PostgreSQL's programs: the newest version's, or what the path has.
fn binary(program: &str) -> PathBuf {
    let version = |folder: &Path| -> Option<u32> { folder.file_name()?.to_str()?.parse().ok() };
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| version(folder).is_some())
        .collect();
    versions.sort_by_key(|folder| version(folder));
    let newest = versions.pop().map(|folder| folder.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = newest
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("PostgreSQL's {program} is missing: apt-get install postgresql, or run scripts/test")
    })
}

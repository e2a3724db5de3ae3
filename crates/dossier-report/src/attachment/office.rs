use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::failure::{Failure, unreadable};
use crate::limits::PDF_BYTES_MAX;
use crate::report::OfficeConverter;

/// How often it is looked whether the program is done.
const POLL: Duration = Duration::from_millis(20);

/// Sets the limits that a process passes on to its children, and becomes the program. A document
/// that makes the program write without end fills no disk.
///
/// The standard input ends with Dossier, however that ends: then the whole group is killed by what
/// waits for it.
const LIMITED: &str = "ulimit -v \"$1\" && ulimit -f \"$2\" && ulimit -c 0 && shift 2 && \
    exec 3<&0 </dev/null && { { read -r _ <&3; kill -9 0; } & } && exec 3<&- && exec \"$@\"";

/// Settings of a fresh profile: nothing in a document is run, and nothing outside of it is fetched.
const PROFILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Calc/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>2</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"#;

/// A PDF file that was made of an office document; it is gone when this is.
pub(super) struct Converted {
    folder: TempDir,
}

impl Converted {
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("out").join("document.pdf")
    }
}

/// Converts a document, whose format has this extension.
pub(super) fn convert(
    office: &OfficeConverter,
    path: &Path,
    extension: &str,
) -> Result<Converted, Failure> {
    let prepared = prepare(path, extension);
    let folder = prepared.map_err(|_| unreadable("there was no room to convert the document"))?;
    let input = folder
        .path()
        .join("in")
        .join(format!("document.{extension}"));
    let mut run = Run::start(office, folder.path(), &input).map_err(|_| not_there())?;
    let status = run.wait(office.time_max);
    drop(run);
    match status {
        Err(_) => return Err(unreadable("the program that converts documents failed")),
        Ok(None) => {
            return Err(unreadable(format!(
                "converting the document took longer than {} seconds",
                office.time_max.as_secs()
            )));
        }
        // What the shell says when it cannot start a program (POSIX, 2.8.2).
        Ok(Some(status)) if matches!(status.code(), Some(126 | 127)) => return Err(not_there()),
        Ok(Some(_)) => {}
    }
    let converted = Converted { folder };
    // The program says that all went well even where it made nothing.
    match fs::metadata(converted.path()) {
        Ok(metadata) if metadata.len() > 0 => Ok(converted),
        _ => Err(unreadable(
            "the document could not be converted: it is damaged, protected or too large",
        )),
    }
}

fn not_there() -> Failure {
    unreadable("the program that converts documents could not be started")
}

/// A folder with all that a run needs.
fn prepare(path: &Path, extension: &str) -> io::Result<TempDir> {
    let folder = working_folder(path)?;
    for part in ["in", "out", "tmp", "profile/user"] {
        fs::create_dir_all(folder.path().join(part))?;
    }
    let profile = folder.path().join("profile/user/registrymodifications.xcu");
    fs::write(profile, PROFILE)?;
    let copy = folder
        .path()
        .join("in")
        .join(format!("document.{extension}"));
    fs::copy(path, copy)?;
    Ok(folder)
}

/// A folder beside the document, where personal data is expected and cleaned up; where that folder
/// is not the report's to write to, one in the system's for temporary files.
fn working_folder(path: &Path) -> io::Result<TempDir> {
    let mut named = tempfile::Builder::new();
    named.prefix("office-");
    named
        .tempdir_in(path.parent().unwrap_or(Path::new(".")))
        .or_else(|_| named.tempdir())
}

/// The program at work. However this ends, no process of its group is left.
struct Run {
    /// Its standard input is open until it has ended.
    child: Child,
}

impl Run {
    fn start(office: &OfficeConverter, folder: &Path, input: &Path) -> io::Result<Self> {
        let folder = fs::canonicalize(folder)?;
        let mut profile = std::ffi::OsString::from("-env:UserInstallation=file://");
        profile.push(folder.join("profile"));
        let kilobytes = (office.memory_bytes_max / 1_024).to_string();
        // POSIX counts in 512 bytes, some shells in 1,024: either way it is bounded.
        let blocks = (PDF_BYTES_MAX / 512).to_string();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", LIMITED, "sh", &kilobytes, &blocks])
            .arg(&office.program)
            .args(["--headless", "--norestore", "--nolockcheck", "--nodefault"])
            .args(["--nofirststartwizard", "--nologo"])
            .arg(profile)
            .args(["--convert-to", "pdf", "--outdir"])
            .arg(folder.join("out"))
            .arg(
                folder
                    .join("in")
                    .join(input.file_name().unwrap_or_default()),
            )
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &folder)
            .env("TMPDIR", folder.join("tmp"))
            .env("LC_ALL", "C.UTF-8")
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        Ok(Self {
            child: command.spawn()?,
        })
    }

    /// `None` if it is not done in time.
    fn wait(&mut self, time_max: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() >= time_max {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // Children outlive the program when it crashes; that none is left is no error.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

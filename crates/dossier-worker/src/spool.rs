//! The private folder for answers on their way to the report.
//!
//! Every worker has a folder of its own inside the spool folder, and every attempt one inside that;
//! only their owner can enter them. A worker holds a lock on the file beside its folder for as long
//! as it lives, so that the next worker to start can tell which folders a dead one left behind.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::package::PackageSpool;

const WORKER_PREFIX: &str = "worker-";
const LOCK_EXTENSION: &str = "lock";

/// A worker's folder; removed when dropped.
pub(crate) struct Spool {
    folder: TempDir,
    lock_path: PathBuf,
    /// Locked as long as the worker lives.
    _lock: File,
}

impl Spool {
    /// Makes the worker's folder inside `root`, and removes what dead workers left there.
    pub fn open(root: &Path) -> io::Result<Self> {
        make_private_folder(root)?;
        // Nobody makes a folder while another looks for stale ones.
        let entrance = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join("spool.lock"))?;
        entrance.lock()?;
        sweep(root)?;
        let folder = private_folder(WORKER_PREFIX, root)?;
        let lock_path = folder.path().with_added_extension(LOCK_EXTENSION);
        let lock = File::create_new(&lock_path)?;
        lock.lock()?;
        Ok(Self {
            folder,
            lock_path,
            _lock: lock,
        })
    }

    /// A folder for one attempt.
    pub fn attempt(&self) -> io::Result<AttemptSpool> {
        private_folder("attempt-", self.folder.path()).map(AttemptSpool)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // If it fails, the next worker sweeps it.
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

/// An attempt's folder; removed when dropped.
pub(crate) struct AttemptSpool(TempDir);

impl AttemptSpool {
    /// Where what belongs to the section at this place goes.
    pub fn section(&self, place: usize) -> SectionSpool {
        let path = |ending: &str| self.0.path().join(format!("section-{place}{ending}"));
        SectionSpool {
            answer: path(".json"),
            worded: path(".html"),
            attachments: path("-attachments"),
            images: path("-images"),
            kept: path(".kept"),
        }
    }

    /// Where the report and what goes with it are made.
    pub fn made(&self) -> MadeSpool {
        MadeSpool {
            report: self.0.path().join("report.pdf"),
            package: PackageSpool {
                package: self.0.path().join("package.zip"),
                manifest: self.0.path().join("manifest.json"),
            },
        }
    }

    /// Removes the folder on a thread where that may take its time.
    pub async fn remove(self) {
        let removed = tokio::task::spawn_blocking(move || self.0.close()).await;
        if !matches!(removed, Ok(Ok(()))) {
            tracing::warn!(
                "an attempt's spool folder could not be removed; the next start sweeps it"
            );
        }
    }
}

/// Where what a request is completed with is made.
pub(crate) struct MadeSpool {
    pub report: PathBuf,
    pub package: PackageSpool,
}

/// Where a section's parts go.
#[derive(Clone)]
pub(crate) struct SectionSpool {
    /// The service's answer.
    pub answer: PathBuf,
    /// What a template made of the answer, where there is one.
    pub worded: PathBuf,
    /// The folder of its attachments, where there are any.
    pub attachments: PathBuf,
    /// The folder of the images that its template shows within the text, where there are any.
    pub images: PathBuf,
    /// All of it as one document, on its way from or to the document store.
    pub kept: PathBuf,
}

fn sweep(root: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        let is_worker = |path: &Path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(WORKER_PREFIX))
        };
        if !is_worker(&path) || path.extension().is_some() || is_alive(&path) {
            continue;
        }
        let removed = std::fs::remove_dir_all(&path).and_then(|()| {
            match std::fs::remove_file(lock_of(&path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        });
        match removed {
            Ok(()) => tracing::info!("removed a spool folder that a dead worker left behind"),
            Err(error) => {
                let error = error.kind().to_string();
                tracing::warn!(
                    error,
                    "a spool folder that a dead worker left could not be removed"
                );
            }
        }
    }
    Ok(())
}

fn lock_of(folder: &Path) -> PathBuf {
    folder.with_added_extension(LOCK_EXTENSION)
}

fn is_alive(folder: &Path) -> bool {
    match File::open(lock_of(folder)) {
        Ok(lock) => matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_folder(prefix: &str, parent: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(parent)
}

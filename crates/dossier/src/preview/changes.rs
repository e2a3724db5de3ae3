//! Noticing that files change.
//!
//! Looking at a handful of files a few times a second costs next to nothing, works on every file
//! system, and sees what editors do that write a new file and give it the old one's name.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often to look.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Files of a folder that are looked at.
const FOLDER_FILES_MAX: usize = 1_000;

/// What tells one state of a file from another; none if it cannot be seen.
type Mark = Option<(SystemTime, u64)>;

/// Files, and what was last noted of them.
pub(super) struct Changes {
    files: Vec<PathBuf>,
    seen: Vec<(PathBuf, Mark)>,
}

impl Changes {
    pub fn of(files: Vec<PathBuf>) -> Self {
        Self {
            files,
            seen: Vec::new(),
        }
    }

    /// Notes how the files are now.
    pub fn note(&mut self) {
        self.seen = self.now();
    }

    /// Whether a file is not as it was when it was last noted.
    pub fn there_are(&self) -> bool {
        self.now() != self.seen
    }

    fn now(&self) -> Vec<(PathBuf, Mark)> {
        let mut marks = Vec::new();
        for file in &self.files {
            marks.push((file.clone(), mark(file)));
            let Ok(entries) = std::fs::read_dir(file) else {
                continue;
            };
            let mut inside: Vec<PathBuf> = entries
                .take(FOLDER_FILES_MAX)
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect();
            inside.sort();
            marks.extend(inside.into_iter().map(|path| {
                let mark = mark(&path);
                (path, mark)
            }));
        }
        marks
    }
}

fn mark(path: &Path) -> Mark {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

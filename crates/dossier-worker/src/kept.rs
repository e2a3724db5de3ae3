//! A collected section as one document, for later attempts: its answer as it came, or, where more
//! belongs to it, an archive of `response.json`, what a template made of it as `section.html`, and
//! `attachments/0001`, `0002`, …
//!
//! An archive begins with bytes that no JSON object begins with, so a document tells by itself which
//! of the two it is.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::archive::{Archive, Packing};
use crate::collect::attachment_file_name;

const ANSWER: &str = "response.json";
const WORDED: &str = "section.html";
/// How a zip archive that is not empty begins (APPNOTE 6.3.10, section 4.3.7).
const ARCHIVE_START: [u8; 4] = *b"PK\x03\x04";

/// Where a section's parts are.
pub(crate) struct Parts<'a> {
    /// The answer.
    pub answer: &'a Path,
    /// What a template made of it.
    pub worded: &'a Path,
    /// The folder of its attachments, which is there.
    pub attachments: &'a Path,
}

/// What a kept document held besides the answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// Whether a template had made something of the answer.
    pub worded: bool,
    /// The files of its attachments, in the order of the answer's list.
    pub attachments: Vec<PathBuf>,
}

/// Packs an answer, what a template made of it, and its attachments' files into a new file.
pub(crate) fn pack(
    answer: &Path,
    worded: Option<&Path>,
    attachments: &[PathBuf],
    to: &Path,
) -> io::Result<()> {
    let mut archive = Archive::create(to)?;
    archive.add_file(ANSWER, answer, Packing::Stored)?;
    if let Some(worded) = worded {
        archive.add_file(WORDED, worded, Packing::Stored)?;
    }
    for (place, file) in attachments.iter().enumerate() {
        archive.add_file(&attachment_name(place), file, Packing::Stored)?;
    }
    archive.finish()
}

fn attachment_name(place: usize) -> String {
    format!("attachments/{}", attachment_file_name(place))
}

/// Gets a section's parts out of a kept document. None if it is neither an answer nor an archive that
/// [`pack`] writes: names are compared and never used as paths, and nothing grows beyond the
/// document's own size.
pub(crate) fn unpack(
    kept: &Path,
    parts: &Parts<'_>,
    attachments_max: usize,
) -> io::Result<Option<Unpacked>> {
    if !is_archive(kept)? {
        std::fs::rename(kept, parts.answer)?;
        return Ok(Some(Unpacked {
            worded: false,
            attachments: Vec::new(),
        }));
    }
    let file = File::open(kept)?;
    let bytes_max = file.metadata()?.len();
    let unpacked = ZipArchive::new(BufReader::new(file))
        .map_err(Fault::from)
        .and_then(|archive| unpack_all(archive, parts, attachments_max, bytes_max));
    match unpacked {
        Ok(unpacked) => Ok(Some(unpacked)),
        Err(Fault::Damaged) => Ok(None),
        Err(Fault::Disk(error)) => Err(error),
    }
}

fn is_archive(kept: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(kept)?
        .take(ARCHIVE_START.len() as u64)
        .read_to_end(&mut start)?;
    Ok(start == ARCHIVE_START)
}

/// Why an archive could not be unpacked.
enum Fault {
    Damaged,
    Disk(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // Whatever the system does not say itself is said by the archive's reader of its content.
        match error.raw_os_error() {
            Some(_) => Self::Disk(error),
            None => Self::Damaged,
        }
    }
}

impl From<ZipError> for Fault {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error) => error.into(),
            _ => Self::Damaged,
        }
    }
}

fn unpack_all(
    mut archive: ZipArchive<BufReader<File>>,
    parts: &Parts<'_>,
    attachments_max: usize,
    bytes_max: u64,
) -> Result<Unpacked, Fault> {
    let worded = archive.index_for_name(WORDED) == Some(1);
    let before = 1 + usize::from(worded);
    if archive.len() < before || archive.len() > attachments_max.saturating_add(before) {
        return Err(Fault::Damaged);
    }
    let mut bytes_left = bytes_max;
    let mut attachments = Vec::with_capacity(archive.len() - before);
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        let (name, path) = match index.checked_sub(before) {
            None if index == 0 => (ANSWER.to_owned(), parts.answer.to_owned()),
            None => (WORDED.to_owned(), parts.worded.to_owned()),
            Some(place) => {
                let path = parts.attachments.join(attachment_file_name(place));
                attachments.push(path.clone());
                (attachment_name(place), path)
            }
        };
        let size = entry.size();
        if entry.name()? != name
            || entry.compression() != CompressionMethod::Stored
            || size > bytes_left
        {
            return Err(Fault::Damaged);
        }
        bytes_left -= size;
        let mut out = create(&path)?;
        // Reading to the end compares the checksum too.
        if io::copy(&mut entry.take(size.saturating_add(1)), &mut out)? != size {
            return Err(Fault::Damaged);
        }
    }
    Ok(Unpacked {
        worded,
        attachments,
    })
}

/// An empty file that only its owner can read.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::TempDir;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    struct Scratch(TempDir);

    impl Scratch {
        fn new() -> Self {
            let scratch = Self(tempfile::tempdir().unwrap());
            std::fs::create_dir(scratch.path("attachments")).unwrap();
            scratch
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn file(&self, name: &str, content: &[u8]) -> PathBuf {
            std::fs::write(self.path(name), content).unwrap();
            self.path(name)
        }

        fn unpack(&self, kept: &Path) -> Option<Unpacked> {
            let parts = Parts {
                answer: &self.path("answer"),
                worded: &self.path("worded"),
                attachments: &self.path("attachments"),
            };
            unpack(kept, &parts, 9).unwrap()
        }

        /// An archive of these names, written by nobody of ours.
        fn archive(&self, entries: &[(&str, &[u8], CompressionMethod)]) -> PathBuf {
            let path = self.path("kept");
            let mut zip = ZipWriter::new(File::create(&path).unwrap());
            for (name, content, method) in entries {
                let options = SimpleFileOptions::default().compression_method(*method);
                zip.start_file(*name, options).unwrap();
                zip.write_all(content).unwrap();
            }
            zip.finish().unwrap();
            path
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_as_it_was_and_always_packed_alike() {
        let scratch = Scratch::new();
        let answer = scratch.file("response", b"{\"content\": 1}");
        let files = [
            scratch.file("a", b"PK\x03\x04 a zip itself"),
            scratch.file("b", b""),
            scratch.file("c", &[7; 200_000]),
        ];
        let bytes = |path: &Path| std::fs::read(path).unwrap();
        pack(&answer, None, &files, &scratch.path("kept")).unwrap();
        pack(&answer, None, &files, &scratch.path("again")).unwrap();
        assert_eq!(bytes(&scratch.path("kept")), bytes(&scratch.path("again")));
        let unpacked = scratch.unpack(&scratch.path("kept")).unwrap();
        assert_eq!(bytes(&scratch.path("answer")), bytes(&answer));
        assert!(!unpacked.worded);
        assert_eq!(unpacked.attachments.len(), 3);
        for (unpacked, file) in unpacked.attachments.iter().zip(&files) {
            assert_eq!(bytes(unpacked), bytes(file));
        }
    }

    #[test]
    fn what_a_template_made_is_kept_with_the_answer() {
        let scratch = Scratch::new();
        let answer = scratch.file("response", b"{\"content\": 1}");
        let worded = scratch.file("html", b"<h1>One</h1>");
        for files in [vec![], vec![scratch.file("a", b"an attachment")]] {
            let kept = scratch.path(&format!("kept-{}", files.len()));
            pack(&answer, Some(&worded), &files, &kept).unwrap();
            let unpacked = scratch.unpack(&kept).unwrap();
            assert!(unpacked.worded);
            assert_eq!(unpacked.attachments.len(), files.len());
            let read = std::fs::read(scratch.path("worded")).unwrap();
            assert_eq!(read, b"<h1>One</h1>");
        }
    }

    #[test]
    fn an_answer_alone_is_itself() {
        let scratch = Scratch::new();
        for content in [&b"{}"[..], b" ", b""] {
            let kept = scratch.file("kept", content);
            let alone = Unpacked {
                worded: false,
                attachments: Vec::new(),
            };
            assert_eq!(scratch.unpack(&kept), Some(alone));
            assert_eq!(std::fs::read(scratch.path("answer")).unwrap(), content);
        }
    }

    #[test]
    fn an_archive_that_is_not_ours_is_refused_and_writes_nowhere_else() {
        use CompressionMethod::{Deflated, Stored};
        let scratch = Scratch::new();
        let many: Vec<String> = (1..=10).map(|n| format!("attachments/{n:04}")).collect();
        let mut too_many = vec![("response.json", &b"{}"[..], Stored)];
        too_many.extend(many.iter().map(|name| (&name[..], &b"x"[..], Stored)));
        let ours = ("response.json", &b"{}"[..], Stored);
        for entries in [
            &[("../evil", &b"x"[..], Stored)][..],
            &[ours, ("../evil", b"x", Stored)],
            &[ours, ("/tmp/evil", b"x", Stored)],
            &[ours, ("attachments/../../evil", b"x", Stored)],
            &[ours, ("attachments/0002", b"x", Stored)],
            &[("attachments/0001", b"x", Stored), ours],
            &[("response.json", &[b'x'; 100_000], Deflated)],
            &[("section.html", b"x", Stored)],
            &[
                ours,
                ("attachments/0001", b"x", Stored),
                ("section.html", b"x", Stored),
            ],
            &too_many,
        ] {
            let kept = scratch.archive(entries);
            assert_eq!(scratch.unpack(&kept), None);
        }
        let parent = scratch.0.path().parent().unwrap();
        assert!(!scratch.path("evil").exists() && !parent.join("evil").exists());
    }

    #[test]
    fn no_damage_passes_for_whole_and_none_panics() {
        let scratch = Scratch::new();
        let answer = scratch.file("response", b"{\"content\": 1}");
        let file = scratch.file("a", b"an attachment's bytes");
        pack(&answer, None, &[file], &scratch.path("good")).unwrap();
        let good = std::fs::read(scratch.path("good")).unwrap();
        for cut in 4..good.len() {
            let kept = scratch.file("kept", &good[..cut]);
            assert_eq!(scratch.unpack(&kept), None, "cut at {cut}");
        }
        for place in 4..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            let kept = scratch.file("kept", &bad);
            // Not every bit of a zip means something; what is read must be what was packed.
            let unpacked = scratch.unpack(&kept);
            if let Some(file) = unpacked
                .as_ref()
                .and_then(|parts| parts.attachments.first())
            {
                let read = std::fs::read(file).unwrap();
                assert_eq!(read, b"an attachment's bytes", "byte {place}");
            }
        }
    }
}

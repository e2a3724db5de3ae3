//! Zip archives, written as they go: memory depends neither on a file's size nor on the archive's,
//! but for a few hundred bytes an entry, which the format lists at its end.
//!
//! The same files give the same bytes: entries carry no time, no owner and no permission of theirs.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use dossier_core::Sha256Hex;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// Bytes copied at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Files from this size on get the fields of Zip64 (APPNOTE 6.3.10, section 4.3.9): a compressed one
/// may end up a little larger than it was.
const ZIP64_BYTES_MIN: u64 = 1 << 31;

/// An archive being written.
pub(crate) struct Archive(ZipWriter<BufWriter<File>>);

/// What went into an archive.
pub(crate) struct Added {
    pub bytes: u64,
    pub sha256: Sha256Hex,
}

/// How an entry is written.
#[derive(Clone, Copy)]
pub(crate) enum Packing {
    /// As it is: for what is compressed already, or is soon read again.
    Stored,
    /// With Deflate: for text.
    Deflated,
}

impl Archive {
    /// Begins an archive in a new file that only its owner can read.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = BufWriter::with_capacity(PIECE_BYTES, options.open(path)?);
        Ok(Self(ZipWriter::new(file)))
    }

    /// Adds a file's content under a name.
    pub fn add_file(&mut self, name: &str, path: &Path, packing: Packing) -> io::Result<Added> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        self.add(name, file, bytes, packing)
    }

    /// Adds a short text under a name.
    pub fn add_text(&mut self, name: &str, text: &str) -> io::Result<Added> {
        let bytes = text.len() as u64;
        self.add(name, text.as_bytes(), bytes, Packing::Deflated)
    }

    fn add(
        &mut self,
        name: &str,
        mut from: impl Read,
        bytes_expected: u64,
        packing: Packing,
    ) -> io::Result<Added> {
        let method = match packing {
            Packing::Stored => CompressionMethod::Stored,
            Packing::Deflated => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(0o644)
            .system(System::Unix)
            .large_file(bytes_expected >= ZIP64_BYTES_MIN);
        self.0.start_file(name, options)?;
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut bytes = 0;
        loop {
            let read = from.read(&mut piece)?;
            if read == 0 {
                break;
            }
            digest.update(&piece[..read]);
            self.0.write_all(&piece[..read])?;
            bytes += read as u64;
        }
        Ok(Added {
            bytes,
            sha256: Sha256Hex::from_digest(&digest.finalize().into()),
        })
    }

    /// Writes the archive's end.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish()?.flush()
    }
}

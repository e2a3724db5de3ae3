use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use pdf_writer::{Chunk, Dict, Obj, Ref, Settings};

use super::output::{Job, Output, Trailer};
use super::push_integer;
use crate::ReportError;

/// The number of an indirect object.
pub(crate) type ObjectId = Ref;

/// Objects put into one object stream before it is written.
const OBJECTS_A_STREAM: usize = 200;

/// Bytes of a stream that are handed over at a time while they are made.
const PIECE_BYTES: usize = 64 * 1024;

/// A PDF file that is written from front to back.
///
/// What is handed in here is compressed and written by a thread of its own, while the next page is
/// being laid out.
pub(crate) struct PdfFile {
    output: Output,
    objects: i32,
    packed: Vec<u8>,
    packed_index: Vec<(ObjectId, Range<usize>)>,
    standards: Standards,
}

/// Which standards everything in a file keeps, as all that is laid out here does; what is taken over
/// from other files may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Standards {
    /// PDF/A-2a.
    pub pdf_a: bool,
    /// PDF/UA-1.
    pub pdf_ua: bool,
}

impl PdfFile {
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            output: Output::create(path)?,
            objects: 0,
            packed: Vec::new(),
            packed_index: Vec::new(),
            standards: Standards {
                pdf_a: true,
                pdf_ua: true,
            },
        })
    }

    /// A new object number.
    pub fn reserve(&mut self) -> Result<ObjectId, ReportError> {
        self.objects = self.objects.checked_add(1).ok_or(ReportError::TooLarge)?;
        Ok(Ref::new(self.objects))
    }

    /// Which standards what is in the file so far keeps.
    pub fn standards(&self) -> Standards {
        self.standards
    }

    /// Notes that something was taken over as it is: of PDF/A nobody knows then.
    pub fn note_foreign(&mut self) {
        self.standards.pdf_a = false;
    }

    /// Notes that pages were taken over as they are: their marks and fonts may break PDF/UA too.
    pub fn note_foreign_pages(&mut self) {
        self.note_foreign();
        self.standards.pdf_ua = false;
    }

    /// Bytes of the file so far; waits until all that was handed in is written.
    pub fn bytes(&mut self) -> Result<u64, ReportError> {
        self.output.bytes()
    }

    /// Writes an object that is not a stream, packed with others.
    pub fn object(&mut self, id: ObjectId, write: impl FnOnce(Obj<'_>)) -> Result<(), ReportError> {
        let mut chunk = Chunk::with_settings(Settings { pretty: false });
        write(chunk.indirect(id));
        let bytes = chunk.as_bytes();
        let start = bytes.iter().position(|b| *b == b'\n').map_or(0, |n| n + 1);
        let end = bytes.len().saturating_sub(b"\nendobj\n".len()).max(start);
        self.serialized(id, |packed| packed.extend_from_slice(&bytes[start..end]))
    }

    /// Writes an object that is not a stream, as the bytes that `write` adds.
    pub fn serialized(
        &mut self,
        id: ObjectId,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), ReportError> {
        let start = self.packed.len();
        write(&mut self.packed);
        self.packed.push(b' ');
        self.packed_index.push((id, start..self.packed.len()));
        if self.packed_index.len() >= OBJECTS_A_STREAM {
            self.write_packed()?;
        }
        Ok(())
    }

    /// Writes a stream, compressed; `describe` adds to its dictionary.
    pub fn stream(
        &mut self,
        id: ObjectId,
        data: Vec<u8>,
        describe: impl FnOnce(&mut Dict<'_>),
    ) -> Result<(), ReportError> {
        let entries = entries(describe);
        self.output.take(Job::Stream { id, data, entries })
    }

    /// Writes a stream, compressed, that has nothing more in its dictionary.
    pub fn bare_stream(&mut self, id: ObjectId, data: Vec<u8>) -> Result<(), ReportError> {
        let entries = Vec::new();
        self.output.take(Job::Stream { id, data, entries })
    }

    /// Writes a stream as it is, so that programs that do not read PDF find it (14.3.2).
    pub fn plain_stream(
        &mut self,
        id: ObjectId,
        data: Vec<u8>,
        describe: impl FnOnce(&mut Dict<'_>),
    ) -> Result<(), ReportError> {
        self.streamed(id, describe, |out| out.write_all(&data))
    }

    /// Writes a stream whose bytes are made while it is written; `describe` says how they are
    /// encoded. The length follows in an object of its own (7.3.8.2).
    pub fn streamed(
        &mut self,
        id: ObjectId,
        describe: impl FnOnce(&mut Dict<'_>),
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ReportError> {
        let length = self.reserve()?;
        let mut head = Vec::new();
        push_integer(&mut head, id.get().unsigned_abs());
        head.extend_from_slice(b" 0 obj\n<</Length ");
        push_integer(&mut head, length.get().unsigned_abs());
        head.extend_from_slice(b" 0 R");
        head.extend_from_slice(&entries(describe));
        head.extend_from_slice(b">>\nstream\n");
        self.output.take(Job::Begin { id, head })?;
        let mut pieces = Pieces {
            output: &mut self.output,
            piece: Vec::with_capacity(PIECE_BYTES),
            bytes: 0,
            failure: None,
        };
        let filled = fill(&mut pieces).and_then(|()| pieces.hand_over());
        let bytes = pieces.bytes;
        match (pieces.failure.take(), filled) {
            (Some(failure), _) => return Err(failure),
            (None, filled) => filled.map_err(ReportError::Write)?,
        }
        self.output
            .take(Job::Bytes(b"\nendstream\nendobj\n".to_vec()))?;
        let bytes = u32::try_from(bytes).map_err(|_| ReportError::TooLarge)?;
        self.serialized(length, |out| push_integer(out, bytes))
    }

    /// An empty buffer, if possible one that has been used for a stream before.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.output.buffer()
    }

    /// Writes the last objects, the cross-references and the trailer. Returns the file's length.
    /// The file's identifier follows from `seed` and from what was written.
    pub fn finish(
        mut self,
        catalog: ObjectId,
        info: ObjectId,
        seed: &str,
    ) -> Result<u64, ReportError> {
        self.write_packed()?;
        let id = self.reserve()?;
        self.output.finish(Trailer {
            id,
            catalog,
            info,
            seed: seed.to_owned(),
        })
    }

    fn write_packed(&mut self) -> Result<(), ReportError> {
        if self.packed_index.is_empty() {
            return Ok(());
        }
        let id = self.reserve()?;
        let fresh = self.buffer();
        self.output.take(Job::Objects {
            id,
            objects: std::mem::take(&mut self.packed_index),
            packed: std::mem::replace(&mut self.packed, fresh),
        })
    }
}

/// Entries of a stream's dictionary, without what encloses them.
fn entries(describe: impl FnOnce(&mut Dict<'_>)) -> Vec<u8> {
    let mut chunk = Chunk::with_settings(Settings { pretty: false });
    describe(&mut chunk.indirect(Ref::new(1)).dict());
    let bytes = chunk.as_bytes();
    let start = bytes.windows(2).position(|pair| pair == b"<<");
    let end = bytes.windows(2).rposition(|pair| pair == b">>");
    match (start, end) {
        (Some(start), Some(end)) if start + 2 <= end => bytes[start + 2..end].to_vec(),
        _ => Vec::new(),
    }
}

/// Hands bytes over as they come.
struct Pieces<'o> {
    output: &'o mut Output,
    piece: Vec<u8>,
    bytes: u64,
    failure: Option<ReportError>,
}

impl Pieces<'_> {
    fn hand_over(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.output.take(Job::Bytes(piece)).map_err(|failure| {
            self.failure = Some(failure);
            io::Error::other("the file cannot be written")
        })
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        if self.piece.len() >= PIECE_BYTES {
            self.hand_over()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

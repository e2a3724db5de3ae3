use std::ops::Range;
use std::path::Path;

use pdf_writer::{Chunk, Dict, Obj, Ref, Settings};

use super::output::{Job, Output, Trailer};
use crate::ReportError;

/// The number of an indirect object.
pub(crate) type ObjectId = Ref;

/// Objects put into one object stream before it is written.
const OBJECTS_A_STREAM: usize = 200;

/// A PDF file that is written from front to back.
///
/// What is handed in here is compressed and written by a thread of its own, while the next page is
/// being laid out.
pub(crate) struct PdfFile {
    output: Output,
    objects: i32,
    packed: Vec<u8>,
    packed_index: Vec<(ObjectId, Range<usize>)>,
}

impl PdfFile {
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            output: Output::create(path)?,
            objects: 0,
            packed: Vec::new(),
            packed_index: Vec::new(),
        })
    }

    /// A new object number.
    pub fn reserve(&mut self) -> Result<ObjectId, ReportError> {
        self.objects = self.objects.checked_add(1).ok_or(ReportError::TooLarge)?;
        Ok(Ref::new(self.objects))
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
        describe: impl FnOnce(&mut Dict<'_>) + Send + 'static,
    ) -> Result<(), ReportError> {
        self.output.take(Job::Stream {
            id,
            data,
            describe: Box::new(describe),
        })
    }

    /// Writes a stream as it is, so that programs that do not read PDF find it (14.3.2).
    pub fn plain_stream(
        &mut self,
        id: ObjectId,
        data: Vec<u8>,
        describe: impl FnOnce(&mut Dict<'_>) + Send + 'static,
    ) -> Result<(), ReportError> {
        self.output.take(Job::PlainStream {
            id,
            data,
            describe: Box::new(describe),
        })
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

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use pdf_writer::{Chunk, Dict, Filter, Name, Obj, Ref, Settings, Str};
use sha2::{Digest, Sha256};

use crate::ReportError;

/// The number of an indirect object.
pub(crate) type ObjectId = Ref;

/// Objects put into one object stream before it is written.
const OBJECTS_A_STREAM: usize = 200;

/// Where an object is, for the cross-reference stream (7.5.8.3).
#[derive(Clone, Copy)]
enum Place {
    Unwritten,
    Offset(u64),
    InStream { stream: u32, index: u16 },
}

/// A PDF file that is written from front to back; of each object only its place is kept.
pub(crate) struct PdfFile {
    out: BufWriter<File>,
    offset: u64,
    places: Vec<Place>,
    packed: Vec<u8>,
    packed_index: Vec<(ObjectId, usize)>,
    zlib: flate2::Compress,
    scratch: Vec<u8>,
}

impl PdfFile {
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        let file = File::create(path).map_err(ReportError::Write)?;
        let mut pdf = Self {
            out: BufWriter::with_capacity(256 * 1024, file),
            offset: 0,
            places: Vec::new(),
            packed: Vec::new(),
            packed_index: Vec::new(),
            zlib: flate2::Compress::new(Compression::fast(), true),
            scratch: Vec::new(),
        };
        // The second line tells transfer programs that the file is binary (7.5.2).
        pdf.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")?;
        Ok(pdf)
    }

    /// A new object number.
    pub fn reserve(&mut self) -> Result<ObjectId, ReportError> {
        self.places.push(Place::Unwritten);
        i32::try_from(self.places.len())
            .map(Ref::new)
            .map_err(|_| ReportError::TooLarge)
    }

    /// Bytes written so far.
    pub fn len(&self) -> u64 {
        self.offset
    }

    /// Writes an object that is not a stream, packed with others.
    pub fn object(&mut self, id: ObjectId, write: impl FnOnce(Obj<'_>)) -> Result<(), ReportError> {
        let mut chunk = Chunk::with_settings(Settings { pretty: false });
        write(chunk.indirect(id));
        let bytes = chunk.as_bytes();
        let start = bytes.iter().position(|b| *b == b'\n').map_or(0, |n| n + 1);
        let end = bytes.len().saturating_sub(b"\nendobj\n".len()).max(start);
        self.packed_index.push((id, self.packed.len()));
        self.packed.extend_from_slice(&bytes[start..end]);
        self.packed.push(b' ');
        if self.packed_index.len() >= OBJECTS_A_STREAM {
            self.write_packed()?;
        }
        Ok(())
    }

    /// Writes a stream, compressed; `describe` adds to its dictionary.
    pub fn stream(
        &mut self,
        id: ObjectId,
        data: &[u8],
        describe: impl FnOnce(&mut Dict<'_>),
    ) -> Result<(), ReportError> {
        let mut compressed = std::mem::take(&mut self.scratch);
        self.compress(data, &mut compressed)?;
        let mut chunk =
            Chunk::with_settings_and_capacity(Settings { pretty: false }, compressed.len() + 256);
        let mut stream = chunk.stream(id, &compressed[..]);
        stream.filter(Filter::FlateDecode);
        describe(&mut stream);
        drop(stream);
        self.place(id, Place::Offset(self.offset));
        self.write(chunk.as_bytes())?;
        self.scratch = compressed;
        Ok(())
    }

    /// Writes the last objects, the cross-references and the trailer. Returns the file's length.
    pub fn finish(
        mut self,
        catalog: ObjectId,
        info: ObjectId,
        seed: &[u8],
    ) -> Result<u64, ReportError> {
        self.write_packed()?;
        let id = self.reserve()?;
        let offset = self.offset;
        self.place(id, Place::Offset(offset));
        let mut table = Vec::with_capacity((self.places.len() + 1) * ENTRY_BYTES);
        table.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0xff, 0xff]);
        for place in &self.places {
            push_entry(&mut table, *place);
        }
        let identifier = Sha256::digest(seed);
        let size = i32::try_from(self.places.len() + 1).map_err(|_| ReportError::TooLarge)?;
        self.stream(id, &table, |dict| {
            dict.pair(Name(b"Type"), Name(b"XRef"));
            dict.pair(Name(b"Size"), size);
            dict.insert(Name(b"W")).array().items([1, 5, 2]);
            dict.pair(Name(b"Root"), catalog);
            dict.pair(Name(b"Info"), info);
            let identifier = Str(&identifier[..16]);
            dict.insert(Name(b"ID"))
                .array()
                .items([identifier, identifier]);
        })?;
        self.write(format!("startxref\n{offset}\n%%EOF\n").as_bytes())?;
        let file = self
            .out
            .into_inner()
            .map_err(|error| ReportError::Write(error.into_error()))?;
        file.sync_all().map_err(ReportError::Write)?;
        Ok(self.offset)
    }

    fn write_packed(&mut self) -> Result<(), ReportError> {
        if self.packed_index.is_empty() {
            return Ok(());
        }
        let id = self.reserve()?;
        let stream = id.get().unsigned_abs();
        let objects = std::mem::take(&mut self.packed_index);
        let packed = std::mem::take(&mut self.packed);
        let mut data = String::new();
        for (index, (object, offset)) in objects.iter().enumerate() {
            data.push_str(&format!("{} {offset} ", object.get()));
            let index = index as u16;
            self.place(*object, Place::InStream { stream, index });
        }
        let first = data.len() as i32;
        let mut data = data.into_bytes();
        data.extend_from_slice(&packed);
        self.stream(id, &data, |dict| {
            dict.pair(Name(b"Type"), Name(b"ObjStm"));
            dict.pair(Name(b"N"), objects.len() as i32);
            dict.pair(Name(b"First"), first);
        })?;
        self.packed = packed;
        self.packed.clear();
        self.packed_index = objects;
        self.packed_index.clear();
        Ok(())
    }

    fn place(&mut self, id: ObjectId, place: Place) {
        if let Some(slot) = self.places.get_mut(id.get() as usize - 1) {
            *slot = place;
        }
    }

    fn compress(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), ReportError> {
        self.zlib.reset();
        out.clear();
        out.reserve(data.len() / 2 + 1_024);
        let mut read = 0;
        loop {
            let before = self.zlib.total_in();
            let status = self
                .zlib
                .compress_vec(&data[read..], out, flate2::FlushCompress::Finish)
                .map_err(|error| ReportError::Write(error.into()))?;
            read += (self.zlib.total_in() - before) as usize;
            if status == flate2::Status::StreamEnd {
                return Ok(());
            }
            out.reserve(out.capacity().max(1_024));
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ReportError> {
        self.out.write_all(bytes).map_err(ReportError::Write)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

const ENTRY_BYTES: usize = 8;

fn push_entry(table: &mut Vec<u8>, place: Place) {
    let (kind, second, third) = match place {
        Place::Unwritten => (0, 0, 0xffff),
        Place::Offset(offset) => (1, offset, 0),
        Place::InStream { stream, index } => (2, u64::from(stream), index),
    };
    table.push(kind);
    table.extend_from_slice(&second.to_be_bytes()[3..]);
    table.extend_from_slice(&third.to_be_bytes());
}

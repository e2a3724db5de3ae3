use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::Predictor;
use pdf_writer::{Chunk, Filter, Name, Settings, Str};
use sha2::{Digest, Sha256};

use super::places::{ENTRY_BYTES, ENTRY_FIELDS, Place, Places};
use super::{ObjectId, push_integer};
use crate::ReportError;

/// Where the last fifth of the size would cost as much time as all of the layout.
const COMPRESSION: Compression = Compression::new(4);

/// Jobs that may wait for the thread that writes.
const JOBS_MAX: usize = 16;

/// What is to be written.
pub(super) enum Job {
    /// A stream to be compressed, and what its dictionary has besides filter and length.
    Stream {
        id: ObjectId,
        data: Vec<u8>,
        entries: Vec<u8>,
    },
    /// The head of an object that comes in pieces.
    Begin {
        id: ObjectId,
        head: Vec<u8>,
    },
    /// The next piece of it.
    Bytes(Vec<u8>),
    /// An object stream (7.5.7); of each object its place in `packed`.
    Objects {
        id: ObjectId,
        objects: Vec<(ObjectId, Range<usize>)>,
        packed: Vec<u8>,
    },
    /// Answers when everything before it is written.
    Tell(SyncSender<()>),
    End(Trailer),
}

/// What the end of the file needs.
pub(super) struct Trailer {
    /// The number of the cross-reference stream, the last one.
    pub id: ObjectId,
    pub catalog: ObjectId,
    pub info: ObjectId,
    pub seed: String,
}

/// The way to the thread that writes a file.
pub(super) struct Output {
    /// `None` once the thread has been told the end.
    jobs: Option<SyncSender<Job>>,
    used_buffers: Receiver<Vec<u8>>,
    bytes: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<(), ReportError>>>,
}

impl Output {
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        let file = File::create(path).map_err(ReportError::Write)?;
        let (jobs, to_do) = sync_channel(JOBS_MAX);
        let (give_back, used_buffers) = channel();
        let bytes = Arc::new(AtomicU64::new(0));
        let written = Written {
            out: BufWriter::with_capacity(256 * 1024, file),
            bytes: Arc::clone(&bytes),
            offset: 0,
            places: Places::new(path.parent().unwrap_or(Path::new("."))),
            zlib: flate2::Compress::new(COMPRESSION, true),
            compressed: Vec::new(),
            head: Vec::new(),
            used_buffers: give_back,
        };
        let thread = std::thread::Builder::new()
            .name("pdf".to_owned())
            .spawn(move || written.work(&to_do))
            .map_err(ReportError::Write)?;
        Ok(Self {
            jobs: Some(jobs),
            used_buffers,
            bytes,
            thread: Some(thread),
        })
    }

    /// Bytes of the file, once everything that was handed over is in it.
    pub fn bytes(&mut self) -> Result<u64, ReportError> {
        let (tell, told) = sync_channel(1);
        self.take(Job::Tell(tell))?;
        match told.recv() {
            Ok(()) => Ok(self.bytes.load(Ordering::Relaxed)),
            Err(_) => {
                self.end()?;
                Ok(0)
            }
        }
    }

    pub fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.used_buffers.try_recv().unwrap_or_default();
        buffer.clear();
        buffer
    }

    /// Hands a job over; waits while too many are.
    pub fn take(&mut self, job: Job) -> Result<(), ReportError> {
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            // The thread has ended, which before the end it does for an error only.
            Some(Err(_)) | None => self.end(),
        }
    }

    /// Waits until all is written; returns the file's length.
    pub fn finish(mut self, trailer: Trailer) -> Result<u64, ReportError> {
        self.take(Job::End(trailer))?;
        self.end()?;
        Ok(self.bytes.load(Ordering::Relaxed))
    }

    fn end(&mut self) -> Result<(), ReportError> {
        self.jobs = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(ReportError::Write(std::io::Error::other(
                "the thread that writes the file has failed",
            ))),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Nobody waits for its result any more.
            let _ = thread.join();
        }
    }
}

/// The file, within the thread that writes it.
struct Written {
    out: BufWriter<File>,
    bytes: Arc<AtomicU64>,
    offset: u64,
    places: Places,
    zlib: flate2::Compress,
    compressed: Vec<u8>,
    head: Vec<u8>,
    used_buffers: Sender<Vec<u8>>,
}

impl Written {
    fn work(mut self, to_do: &Receiver<Job>) -> Result<(), ReportError> {
        // The second line tells transfer programs that the file is binary (7.5.2).
        self.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")?;
        while let Ok(job) = to_do.recv() {
            match job {
                Job::Stream { id, data, entries } => {
                    self.stream(id, &data, &entries)?;
                    self.give_back(data);
                }
                Job::Begin { id, head } => {
                    self.place(id, Place::Offset(self.offset))?;
                    self.write(&head)?;
                }
                Job::Bytes(bytes) => self.write(&bytes)?,
                Job::Objects {
                    id,
                    objects,
                    packed,
                } => {
                    self.objects(id, objects, &packed)?;
                    self.give_back(packed);
                }
                Job::Tell(asked) => {
                    // Whoever asked may have gone.
                    let _ = asked.send(());
                }
                Job::End(trailer) => return self.finish(&trailer),
            }
        }
        // Given up before its end.
        Ok(())
    }

    fn give_back(&self, buffer: Vec<u8>) {
        // It is only for use again.
        let _ = self.used_buffers.send(buffer);
    }

    fn stream(&mut self, id: ObjectId, data: &[u8], entries: &[u8]) -> Result<(), ReportError> {
        self.compress(data)?;
        let compressed = std::mem::take(&mut self.compressed);
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        push_integer(&mut head, id.get().unsigned_abs());
        head.extend_from_slice(b" 0 obj\n<</Filter/FlateDecode/Length ");
        push_integer(&mut head, compressed.len() as u32);
        head.extend_from_slice(entries);
        head.extend_from_slice(b">>\nstream\n");
        self.place(id, Place::Offset(self.offset))?;
        self.write(&head)?;
        self.write(&compressed)?;
        self.write(b"\nendstream\nendobj\n")?;
        (self.compressed, self.head) = (compressed, head);
        Ok(())
    }

    fn objects(
        &mut self,
        id: ObjectId,
        mut objects: Vec<(ObjectId, Range<usize>)>,
        packed: &[u8],
    ) -> Result<(), ReportError> {
        let stream = id.get().unsigned_abs();
        // In the order of their numbers, neighbours compress better, here and in the table of
        // cross-references.
        objects.sort_unstable_by_key(|(object, _)| object.get());
        let mut data = Vec::with_capacity(packed.len() + objects.len() * 16);
        let mut offset = 0;
        for (index, (object, bytes)) in objects.iter().enumerate() {
            push_integer(&mut data, object.get().unsigned_abs());
            data.push(b' ');
            push_integer(&mut data, offset);
            data.push(b' ');
            offset += bytes.len() as u32;
            let index = index as u16;
            self.place(*object, Place::InStream { stream, index })?;
        }
        let first = data.len();
        for (_, bytes) in &objects {
            data.extend_from_slice(&packed[bytes.clone()]);
        }
        let entries = format!("/Type/ObjStm/N {}/First {first}", objects.len());
        self.stream(id, &data, entries.as_bytes())
    }

    fn finish(mut self, trailer: &Trailer) -> Result<(), ReportError> {
        let offset = self.offset;
        self.place(trailer.id, Place::Offset(offset))?;
        let size = trailer
            .id
            .get()
            .checked_add(1)
            .ok_or(ReportError::TooLarge)?;
        let places = std::mem::replace(&mut self.places, Places::new(Path::new(".")));
        let table = compressed_entries(places, trailer.id)?;
        let mut digest = Sha256::new();
        digest.update(trailer.seed.as_bytes());
        digest.update(offset.to_be_bytes());
        let identifier = digest.finalize();
        let identifier = Str(&identifier[..16]);
        let mut chunk = Chunk::with_settings(Settings { pretty: false });
        let mut stream = chunk.stream(trailer.id, &table);
        stream.filter(Filter::FlateDecode);
        // Entries differ little from those above them (7.4.4.4).
        stream
            .decode_parms()
            .predictor(Predictor::PngUp)
            .columns(ENTRY_BYTES as i32);
        stream.pair(Name(b"Type"), Name(b"XRef"));
        stream.pair(Name(b"Size"), size);
        stream.insert(Name(b"W")).array().items(ENTRY_FIELDS);
        stream.pair(Name(b"Root"), trailer.catalog);
        stream.pair(Name(b"Info"), trailer.info);
        stream
            .insert(Name(b"ID"))
            .array()
            .items([identifier, identifier]);
        drop(stream);
        self.write(chunk.as_bytes())?;
        self.write(format!("startxref\n{offset}\n%%EOF\n").as_bytes())?;
        let file = self
            .out
            .into_inner()
            .map_err(|error| ReportError::Write(error.into_error()))?;
        file.sync_all().map_err(ReportError::Write)
    }

    fn place(&mut self, id: ObjectId, place: Place) -> Result<(), ReportError> {
        self.places.set(id.get().unsigned_abs(), place)
    }

    fn compress(&mut self, data: &[u8]) -> Result<(), ReportError> {
        self.zlib.reset();
        let out = &mut self.compressed;
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
        self.bytes.store(self.offset, Ordering::Relaxed);
        Ok(())
    }
}

/// The data of the cross-reference stream, each entry as its difference from the one above.
fn compressed_entries(places: Places, last: ObjectId) -> Result<Vec<u8>, ReportError> {
    const UP: u8 = 2;
    let mut zlib = ZlibEncoder::new(Vec::new(), COMPRESSION);
    let mut above = [0; ENTRY_BYTES];
    let mut rows = Vec::new();
    places.entries(last.get().unsigned_abs(), |entries| {
        rows.clear();
        for entry in entries.chunks_exact(ENTRY_BYTES) {
            rows.push(UP);
            for (above, byte) in above.iter_mut().zip(entry) {
                rows.push(byte.wrapping_sub(*above));
                *above = *byte;
            }
        }
        zlib.write_all(&rows).map_err(ReportError::Write)
    })?;
    zlib.finish().map_err(ReportError::Write)
}

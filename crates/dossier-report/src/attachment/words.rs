use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::failure::{Failure, open, unreadable};
use crate::ReportError;
use crate::block::{Block, BlockSink, Value};
use crate::limits::{TEXT_BYTES_MAX, TEXT_PIECE_BYTES};

/// Bytes read at a time: at most a third of what a piece may have, because a byte becomes at most
/// three in UTF-8.
const READ_BYTES: usize = TEXT_PIECE_BYTES / 3;
/// Bytes at the beginning in which a file may name its character set.
const LABEL_BYTES: usize = 1_024;

/// A text file, decoded as it is read: UTF-8 if all of it is, else what a byte order mark or the
/// file's own words say, else Windows-1252.
pub(super) struct Words {
    file: File,
    decoder: Decoder,
    raw: Vec<u8>,
    piece: String,
    /// How much of the piece was read as bytes.
    at: usize,
    ended: bool,
}

impl Words {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::Report(ReportError::Read(error));
        let mut file = open(path)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if bytes > TEXT_BYTES_MAX {
            return Err(unreadable(format!(
                "the text has {} MB; at most {} MB are laid out",
                bytes / 1_000_000,
                TEXT_BYTES_MAX / 1_000_000
            )));
        }
        let encoding = encoding(&mut file).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(Self {
            file,
            decoder: encoding.new_decoder(),
            raw: vec![0; READ_BYTES],
            piece: String::with_capacity(TEXT_PIECE_BYTES),
            at: 0,
            ended: false,
        })
    }

    /// The next piece of the text; `None` at its end.
    pub fn next(&mut self) -> io::Result<Option<&str>> {
        self.piece.clear();
        self.at = 0;
        while self.piece.is_empty() && !self.ended {
            let read = self.file.read(&mut self.raw)?;
            self.ended = read == 0;
            // The piece has room for all that these bytes can become.
            let _ = self
                .decoder
                .decode_to_string(&self.raw[..read], &mut self.piece, self.ended);
        }
        Ok(Some(&self.piece[..]).filter(|piece| !piece.is_empty()))
    }
}

impl Read for Words {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.piece.len() && self.next()?.is_none() {
            return Ok(0);
        }
        let rest = &self.piece.as_bytes()[self.at..];
        let taken = rest.len().min(out.len());
        out[..taken].copy_from_slice(&rest[..taken]);
        self.at += taken;
        Ok(taken)
    }
}

fn encoding(file: &mut File) -> io::Result<&'static Encoding> {
    let mut start = Vec::new();
    file.take(LABEL_BYTES as u64).read_to_end(&mut start)?;
    if let Some((encoding, _)) = Encoding::for_bom(&start) {
        return Ok(encoding);
    }
    file.seek(SeekFrom::Start(0))?;
    if is_utf8(file)? {
        return Ok(UTF_8);
    }
    Ok(label(&start)
        .and_then(Encoding::for_label)
        .unwrap_or(WINDOWS_1252))
}

fn is_utf8(file: &mut File) -> io::Result<bool> {
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = 0;
    loop {
        let read = file.read(&mut buffer[kept..])?;
        let held = kept + read;
        let Err(error) = std::str::from_utf8(&buffer[..held]) else {
            if read == 0 {
                return Ok(true);
            }
            kept = 0;
            continue;
        };
        // A character may be cut by the buffer's end, but not by the file's.
        if error.error_len().is_some() || read == 0 {
            return Ok(false);
        }
        let valid = error.valid_up_to();
        buffer.copy_within(valid..held, 0);
        kept = held - valid;
    }
}

/// The character set that HTML and XML files name at their beginning.
fn label(start: &[u8]) -> Option<&[u8]> {
    let after = ["charset=", "encoding="].iter().find_map(|word| {
        let place = start
            .windows(word.len())
            .position(|window| window.eq_ignore_ascii_case(word.as_bytes()))?;
        start.get(place + word.len()..)
    })?;
    let after = after.trim_ascii_start();
    let after = after
        .strip_prefix(b"\"")
        .or(after.strip_prefix(b"'"))
        .unwrap_or(after);
    let end = after
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:".contains(byte))?;
    after.get(..end)
}

/// Shows a text file as it is, piece by piece.
pub(super) fn show_words(sink: &mut dyn BlockSink, path: &Path) -> Result<(), Failure> {
    let mut words = Words::open(path)?;
    let mut shown = Shower::new(sink, Placed::Paragraph { indent: 0 });
    loop {
        let piece = words
            .next()
            .map_err(|error| Failure::Report(ReportError::Read(error)))?;
        match piece {
            Some(piece) => shown.push(piece)?,
            None => break,
        }
    }
    if !shown.finish()? {
        super::show::paragraph(sink, "The file is empty.")?;
    }
    Ok(())
}

/// Where a long text is put.
#[derive(Clone, Copy)]
pub(super) enum Placed<'n> {
    Paragraph { indent: usize },
    Row { name: &'n str, indent: usize },
}

/// Shows a text that comes in pieces of any length.
struct Shower<'s, 'n> {
    sink: &'s mut dyn BlockSink,
    placed: Placed<'n>,
    begun: bool,
    waiting: String,
}

impl<'s, 'n> Shower<'s, 'n> {
    fn new(sink: &'s mut dyn BlockSink, placed: Placed<'n>) -> Self {
        Self {
            sink,
            placed,
            begun: false,
            waiting: String::new(),
        }
    }

    fn push(&mut self, mut text: &str) -> Result<(), ReportError> {
        while self.waiting.len() + text.len() > TEXT_PIECE_BYTES {
            let room =
                text.floor_char_boundary(TEXT_PIECE_BYTES.saturating_sub(self.waiting.len()));
            let (now, later) = text.split_at(room);
            self.waiting.push_str(now);
            let waiting = std::mem::take(&mut self.waiting);
            self.show(Value::Begun((&waiting).into()))?;
            text = later;
        }
        self.waiting.push_str(text);
        Ok(())
    }

    /// Returns whether there was any text.
    fn finish(mut self) -> Result<bool, ReportError> {
        if self.waiting.is_empty() && !self.begun {
            return Ok(false);
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.show(Value::Last((&waiting).into()))?;
        Ok(true)
    }

    fn show(&mut self, value: Value<'_>) -> Result<(), ReportError> {
        let first = !std::mem::replace(&mut self.begun, true);
        self.sink.block(match self.placed {
            _ if !first => Block::More(value),
            Placed::Paragraph { indent } => Block::Paragraph { value, indent },
            Placed::Row { name, indent } => Block::Row {
                name,
                value,
                indent,
            },
        })
    }
}

/// Shows a text that is held, whatever its length.
pub(super) fn show_text(
    sink: &mut dyn BlockSink,
    placed: Placed<'_>,
    text: &str,
) -> Result<(), ReportError> {
    let mut shown = Shower::new(sink, placed);
    shown.push(text)?;
    shown.finish().map(|_| ())
}

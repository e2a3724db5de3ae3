use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::ReportError;

/// Bytes of one entry of the cross-reference stream: kind, offset or stream, generation or index
/// (7.5.8.3).
pub(super) const ENTRY_BYTES: usize = 8;
/// Widths of an entry's fields.
pub(super) const ENTRY_FIELDS: [i32; 3] = [1, 5, 2];

/// Entries of one block.
const BLOCK_ENTRIES: usize = 4096;
const BLOCK_BYTES: usize = BLOCK_ENTRIES * ENTRY_BYTES;
/// Blocks that may be complete and still in memory: small reports need no second file.
const BLOCKS_KEPT: usize = 16;

/// Where an object is in the file.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Offset(u64),
    InStream { stream: u32, index: u16 },
}

/// Where all objects are: the entries of the cross-reference stream, in blocks. A block of which
/// every object is written moves to an unnamed file, so that memory does not grow with the report.
pub(super) struct Places {
    folder: PathBuf,
    blocks: BTreeMap<u32, Block>,
    spilled: BTreeSet<u32>,
    spill: Option<File>,
}

struct Block {
    entries: Box<[u8]>,
    unwritten: usize,
}

impl Places {
    /// Keeps what it cannot hold in memory in `folder`.
    pub fn new(folder: &Path) -> Self {
        let mut places = Self {
            folder: folder.to_owned(),
            blocks: BTreeMap::new(),
            spilled: BTreeSet::new(),
            spill: None,
        };
        // Object 0 heads the list of free objects.
        places.block(0).entries[..ENTRY_BYTES].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0xff, 0xff]);
        places.block(0).unwritten -= 1;
        places
    }

    /// Notes where an object was written.
    pub fn set(&mut self, object: u32, place: Place) -> Result<(), ReportError> {
        let number = object / BLOCK_ENTRIES as u32;
        let block = self.block(number);
        let at = object as usize % BLOCK_ENTRIES * ENTRY_BYTES;
        let entry = &mut block.entries[at..at + ENTRY_BYTES];
        if entry[0] == 0 {
            block.unwritten -= 1;
        }
        entry.copy_from_slice(&encoded(place));
        if block.unwritten == 0 && self.blocks.len() > BLOCKS_KEPT {
            self.spill(number)?;
        }
        Ok(())
    }

    /// Hands over the entries of objects up to `last`, in order.
    pub fn entries(
        mut self,
        last: u32,
        mut take: impl FnMut(&[u8]) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let mut left = (last as usize + 1) * ENTRY_BYTES;
        let mut number = 0;
        let mut read = vec![0; BLOCK_BYTES];
        while left > 0 {
            let bytes = left.min(BLOCK_BYTES);
            match (self.blocks.remove(&number), &mut self.spill) {
                (Some(block), _) => take(&block.entries[..bytes])?,
                (None, Some(file)) if self.spilled.contains(&number) => {
                    let start = u64::from(number) * BLOCK_BYTES as u64;
                    file.seek(SeekFrom::Start(start))
                        .and_then(|_| file.read_exact(&mut read))
                        .map_err(ReportError::Write)?;
                    take(&read[..bytes])?;
                }
                // Nothing of it was ever written.
                _ => take(&vec![0; bytes])?,
            }
            left -= bytes;
            number += 1;
        }
        Ok(())
    }

    fn block(&mut self, number: u32) -> &mut Block {
        self.blocks.entry(number).or_default()
    }

    fn spill(&mut self, number: u32) -> Result<(), ReportError> {
        let Some(block) = self.blocks.remove(&number) else {
            return Ok(());
        };
        let mut file = match self.spill.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(&self.folder).map_err(ReportError::Write)?,
        };
        let start = u64::from(number) * BLOCK_BYTES as u64;
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.write_all(&block.entries))
            .map_err(ReportError::Write)?;
        self.spill = Some(file);
        self.spilled.insert(number);
        Ok(())
    }
}

impl Default for Block {
    fn default() -> Self {
        Self {
            entries: vec![0; BLOCK_BYTES].into_boxed_slice(),
            unwritten: BLOCK_ENTRIES,
        }
    }
}

fn encoded(place: Place) -> [u8; ENTRY_BYTES] {
    let mut entry = [0; ENTRY_BYTES];
    match place {
        Place::Offset(offset) => {
            entry[0] = 1;
            entry[1..6].copy_from_slice(&offset.to_be_bytes()[3..]);
        }
        Place::InStream { stream, index } => {
            entry[0] = 2;
            entry[2..6].copy_from_slice(&stream.to_be_bytes());
            entry[6..].copy_from_slice(&index.to_be_bytes());
        }
    }
    entry
}

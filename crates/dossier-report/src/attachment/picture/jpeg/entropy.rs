//! Reads a JPEG file's coded data to its end without making pixels of it: what takes a decoder
//! memory for the whole image takes none here, or a bit a coefficient if the image is progressive.

use std::io::{self, Read};

use super::super::super::failure::{DAMAGED, Failure, damaged, unreadable};
use super::{next_marker, short};

/// Scans of one image. Honest encoders make about ten; each may cost work for the whole image.
const SCANS_MAX: usize = 100;

/// Fails unless all of the image is in the file (ITU-T T.81): every block of every scan can be read,
/// every component has one, and a progressive image has its end.
pub(super) fn check_whole(file: impl Read) -> Result<(), Failure> {
    let mut reader = Reader::new(file);
    let mut start = [0; 2];
    reader.file.read_exact(&mut start).map_err(damaged)?;
    let mut tables = Tables::default();
    let mut frame: Option<Frame> = None;
    for scans in 0.. {
        let marker = match reader.marker_before_scan(&mut tables, &mut frame) {
            Ok(marker) => marker,
            // Nothing is missing but the mark that says so.
            Err(_) if frame.as_ref().is_some_and(Frame::is_drawn) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        let frame = frame.as_mut().ok_or_else(broken)?;
        if marker == EOI {
            return match frame.components.iter().all(|component| component.seen) {
                true => Ok(()),
                false => Err(broken()),
            };
        }
        if scans >= SCANS_MAX {
            return Err(broken());
        }
        Scan::read(&mut reader.file, frame)?.follow(&mut reader, &tables, frame)?;
    }
    Err(broken())
}

const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;

fn broken() -> Failure {
    unreadable(DAMAGED)
}

/// What stays from one scan to the next (B.2.4).
#[derive(Default)]
struct Tables {
    /// By class (differences, coefficients) and place.
    codes: [[Option<Codes>; 4]; 2],
    /// Which tables of quantities there are.
    quantities: [bool; 4],
    restart_interval: u64,
}

struct Frame {
    progressive: bool,
    width: u64,
    height: u64,
    across_max: u64,
    down_max: u64,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    /// The place of its table of quantities.
    quantities: u8,
    /// Blocks of one unit of a scan of several components.
    across: u64,
    down: u64,
    /// Whether a scan has had it.
    seen: bool,
    /// Which coefficients of each block are not zero so far: later scans have a bit more of each.
    known: Vec<u64>,
}

impl Frame {
    /// Reads a frame's header (B.2.2).
    fn read(marker: u8, segment: &[u8]) -> Result<Self, Failure> {
        let [_, h1, h0, w1, w0, count, rest @ ..] = segment else {
            return Err(broken());
        };
        let components: Vec<Component> = rest
            .chunks_exact(3)
            .take(usize::from(*count))
            .map(|of| Component {
                id: of[0],
                across: u64::from(of[1] >> 4),
                down: u64::from(of[1] & 15),
                quantities: of[2],
                seen: false,
                known: Vec::new(),
            })
            .collect();
        let side = |pick: fn(&Component) -> u64| components.iter().map(pick);
        let [across, down] = [side(|c| c.across), side(|c| c.down)];
        let sound = across.chain(down).all(|blocks| (1..=4).contains(&blocks));
        if components.len() != usize::from(*count) || components.is_empty() || !sound {
            return Err(broken());
        }
        Ok(Self {
            progressive: marker == 0xc2,
            width: u64::from(u16::from_be_bytes([*w1, *w0])),
            height: u64::from(u16::from_be_bytes([*h1, *h0])),
            across_max: side(|c| c.across).max().unwrap_or(1),
            down_max: side(|c| c.down).max().unwrap_or(1),
            components,
        })
    }

    /// Whether nothing more has to follow.
    fn is_drawn(&self) -> bool {
        !self.progressive && self.components.iter().all(|component| component.seen)
    }

    /// Blocks of a component's rows and columns (A.2.2).
    fn blocks(&self, component: &Component) -> [u64; 2] {
        let across = (self.width * component.across).div_ceil(self.across_max);
        let down = (self.height * component.down).div_ceil(self.down_max);
        [across.div_ceil(8), down.div_ceil(8)]
    }
}

/// A scan's header (B.2.3).
struct Scan {
    /// Places of its components, with those of their tables for differences and coefficients.
    components: Vec<(usize, [usize; 2])>,
    /// The first and the last coefficient.
    first: u32,
    last: u32,
    /// Whether it adds a bit to what earlier scans had.
    refines: bool,
}

impl Scan {
    fn read(file: &mut impl Read, frame: &Frame) -> Result<Self, Failure> {
        let segment = segment(file)?;
        let (count, rest) = segment.split_first().ok_or_else(broken)?;
        let (named, rest) = rest
            .split_at_checked(2 * usize::from(*count))
            .ok_or_else(broken)?;
        let mut components = Vec::new();
        for of in named.chunks_exact(2) {
            let place = frame.components.iter().position(|c| c.id == of[0]);
            let tables = [of[1] >> 4, of[1] & 15].map(|place| usize::from(place & 3));
            components.push((place.ok_or_else(broken)?, tables));
        }
        let [first, last, bits, ..] = *rest else {
            return Err(broken());
        };
        let mut scan = Self {
            components,
            first: 0,
            last: 63,
            refines: false,
        };
        if frame.progressive {
            (scan.first, scan.last) = (u32::from(first), u32::from(last));
            scan.refines = bits >> 4 != 0;
            // G.1.1.1.1: the mean values alone, or one component's others.
            let sound = match first {
                0 => last == 0,
                _ => first <= last && last < 64 && scan.components.len() == 1,
            };
            if !sound {
                return Err(broken());
            }
        }
        match scan.components.is_empty() || scan.components.len() > 4 {
            true => Err(broken()),
            false => Ok(scan),
        }
    }

    /// Reads all blocks of the scan.
    fn follow(
        &self,
        reader: &mut Reader<impl Read>,
        tables: &Tables,
        frame: &mut Frame,
    ) -> Result<(), Failure> {
        for (place, _) in &self.components {
            let quantities = usize::from(frame.components[*place].quantities);
            if tables.quantities.get(quantities) != Some(&true) {
                return Err(broken());
            }
        }
        let single = self.components.len() == 1;
        let [across, down] = match self.components[..] {
            [(place, _)] => frame.blocks(&frame.components[place]),
            _ => [
                frame.width.div_ceil(8 * frame.across_max),
                frame.height.div_ceil(8 * frame.down_max),
            ],
        };
        reader.begin();
        let mut run = 0;
        for unit in 0..across * down {
            if unit > 0 && tables.restart_interval > 0 && unit % tables.restart_interval == 0 {
                reader.restart()?;
                run = 0;
            }
            for (place, [differences, coefficients]) in &self.components {
                let component = &mut frame.components[*place];
                let blocks = match single {
                    true => 1,
                    false => component.across * component.down,
                };
                let codes = [
                    tables.codes[0][*differences].as_ref(),
                    tables.codes[1][*coefficients].as_ref(),
                ];
                for _ in 0..blocks {
                    if !frame.progressive {
                        self.block(reader, codes)?;
                    } else if self.first == 0 {
                        self.mean(reader, codes[0])?;
                    } else {
                        let all = (across * down) as usize;
                        component.known.resize(all, 0);
                        let known = &mut component.known[unit as usize];
                        self.band(reader, codes[1].ok_or_else(broken)?, known, &mut run)?;
                    }
                }
            }
        }
        for (place, _) in &self.components {
            frame.components[*place].seen |= self.first == 0;
        }
        Ok(())
    }

    /// A block of a sequential image (F.2.2).
    fn block(
        &self,
        reader: &mut Reader<impl Read>,
        [differences, coefficients]: [Option<&Codes>; 2],
    ) -> Result<(), Failure> {
        self.mean(reader, differences)?;
        let codes = coefficients.ok_or_else(broken)?;
        let mut at = 1;
        while at < 64 {
            let code = codes.next(reader)?;
            let (zeros, bits) = (u32::from(code >> 4), u32::from(code & 15));
            if bits == 0 && zeros < 15 {
                return Ok(());
            }
            at += zeros + 1;
            reader.bits(bits)?;
        }
        match at {
            64 => Ok(()),
            _ => Err(broken()),
        }
    }

    /// A block's mean value.
    fn mean(&self, reader: &mut Reader<impl Read>, codes: Option<&Codes>) -> Result<(), Failure> {
        if self.refines {
            return reader.bits(1).map(|_| ());
        }
        let bits = u32::from(codes.ok_or_else(broken)?.next(reader)?);
        if bits > 16 {
            return Err(broken());
        }
        reader.bits(bits).map(|_| ())
    }

    /// A block's coefficients in a scan of a progressive image (G.1.2.2, G.1.2.3); `run` counts the
    /// blocks from here on that have no more.
    fn band(
        &self,
        reader: &mut Reader<impl Read>,
        codes: &Codes,
        known: &mut u64,
        run: &mut u32,
    ) -> Result<(), Failure> {
        let mut at = self.first;
        while *run == 0 && at <= self.last {
            let code = codes.next(reader)?;
            let (mut zeros, bits) = (u32::from(code >> 4), u32::from(code & 15));
            if bits == 0 && zeros < 15 {
                *run = (1 << zeros) + reader.bits(zeros)?;
                break;
            }
            if self.refines && bits > 1 {
                return Err(broken());
            }
            reader.bits(bits)?;
            while at <= self.last {
                if self.refines && *known >> at & 1 == 1 {
                    reader.bits(1)?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
            if bits > 0 {
                if at > self.last {
                    return Err(broken());
                }
                *known |= 1 << at;
            }
            at += 1;
        }
        if *run > 0 {
            *run -= 1;
            if self.refines && at < 64 {
                let below_last = u64::MAX >> (63 - self.last);
                let left = *known & below_last & (u64::MAX << at);
                for _ in 0..left.count_ones() {
                    reader.bits(1)?;
                }
            }
        }
        Ok(())
    }
}

/// A table of Huffman codes (annex C).
struct Codes {
    /// By length: the first code that is longer, and what to add for a code's place.
    lengths: [(i32, i32); 16],
    values: Vec<u8>,
}

impl Codes {
    /// Reads one table of a segment; returns what is behind it.
    fn read(data: &[u8]) -> Result<(Self, &[u8]), Failure> {
        let (counts, rest) = data.split_at_checked(16).ok_or_else(broken)?;
        let mut lengths = [(0, 0); 16];
        let (mut code, mut place) = (0_i32, 0_i32);
        for (length, count) in lengths.iter_mut().zip(counts) {
            let next = code + i32::from(*count);
            *length = (next, place - code);
            place += i32::from(*count);
            code = next << 1;
        }
        let (values, rest) = rest.split_at_checked(place as usize).ok_or_else(broken)?;
        let values = values.to_vec();
        Ok((Self { lengths, values }, rest))
    }

    /// Reads a code and returns what it stands for.
    fn next(&self, reader: &mut Reader<impl Read>) -> Result<u8, Failure> {
        let mut code = 0_i32;
        for (end, offset) in self.lengths {
            code = code << 1 | reader.bits(1)? as i32;
            if code < end {
                let value = usize::try_from(code + offset).ok();
                let value = value.and_then(|place| self.values.get(place));
                return value.copied().ok_or_else(broken);
            }
        }
        Err(broken())
    }
}

/// Reads segments, and between them bits.
struct Reader<R> {
    file: R,
    /// Bits that were read and not used, the lowest last.
    held: u64,
    held_bits: u32,
    /// The marker that ended the coded data.
    marker: Option<u8>,
}

impl<R: Read> Reader<R> {
    fn new(file: R) -> Self {
        Self {
            file,
            held: 0,
            held_bits: 0,
            marker: None,
        }
    }

    /// Reads segments up to a scan or the image's end.
    fn marker_before_scan(
        &mut self,
        tables: &mut Tables,
        frame: &mut Option<Frame>,
    ) -> Result<u8, Failure> {
        loop {
            let marker = match self.marker.take() {
                Some(marker) => marker,
                None if self.held_bits == 0 && frame.is_none() => next_marker(&mut self.file)?,
                None => self.marker_after_data()?,
            };
            match marker {
                SOS | EOI => return Ok(marker),
                0x01 | 0xd0..=0xd8 => continue,
                0xc4 => {
                    let segment = segment(&mut self.file)?;
                    let mut rest = &segment[..];
                    while let [place, after @ ..] = rest {
                        let (codes, behind) = Codes::read(after)?;
                        let class = tables.codes.get_mut(usize::from(place >> 4));
                        let class = class.ok_or_else(broken)?;
                        class[usize::from(place & 3)] = Some(codes);
                        rest = behind;
                    }
                }
                0xdb => {
                    let segment = segment(&mut self.file)?;
                    let mut rest = &segment[..];
                    while let [kind, after @ ..] = rest {
                        let bytes = 64 * (1 + usize::from(kind >> 4 & 1));
                        rest = after.get(bytes..).ok_or_else(broken)?;
                        tables.quantities[usize::from(kind & 3)] = true;
                    }
                }
                0xc0..=0xc2 if frame.is_none() => {
                    *frame = Some(Frame::read(marker, &segment(&mut self.file)?)?);
                }
                0xdd => match segment(&mut self.file)?[..] {
                    [high, low, ..] => {
                        tables.restart_interval = u64::from(u16::from_be_bytes([high, low]));
                    }
                    _ => return Err(broken()),
                },
                _ => {
                    segment(&mut self.file)?;
                }
            }
        }
    }

    /// The next marker, whatever stands before it.
    fn marker_after_data(&mut self) -> Result<u8, Failure> {
        (self.held, self.held_bits) = (0, 0);
        loop {
            if let Some(marker) = self.marker.take() {
                return Ok(marker);
            }
            self.byte()?;
        }
    }

    fn begin(&mut self) {
        (self.held, self.held_bits, self.marker) = (0, 0, None);
    }

    /// Reads the mark after which decoding starts anew (E.2.4).
    fn restart(&mut self) -> Result<(), Failure> {
        match self.marker_after_data()? {
            0xd0..=0xd7 => Ok(()),
            _ => Err(broken()),
        }
    }

    /// The next byte of coded data; a marker ends it.
    fn byte(&mut self) -> Result<u8, Failure> {
        if self.marker.is_some() {
            return Err(broken());
        }
        let mut byte = [0];
        self.file.read_exact(&mut byte).map_err(damaged)?;
        if byte[0] != 0xff {
            return Ok(byte[0]);
        }
        while byte[0] == 0xff {
            self.file.read_exact(&mut byte).map_err(damaged)?;
        }
        if byte[0] != 0 {
            self.marker = Some(byte[0]);
        }
        Ok(0xff)
    }

    /// The next bits, at most 16.
    fn bits(&mut self, count: u32) -> Result<u32, Failure> {
        while self.held_bits < count {
            let byte = self.byte()?;
            if self.marker.is_some() {
                return Err(broken());
            }
            self.held = self.held << 8 | u64::from(byte);
            self.held_bits += 8;
        }
        self.held_bits -= count;
        let mask = (1 << count) - 1;
        Ok((self.held >> self.held_bits & mask) as u32)
    }
}

/// Reads what a segment holds.
fn segment(file: &mut impl Read) -> Result<Vec<u8>, Failure> {
    let length = u64::from(short(file)?).checked_sub(2).ok_or_else(broken)?;
    let mut segment = Vec::new();
    file.take(length)
        .read_to_end(&mut segment)
        .map_err(damaged::<io::Error>)?;
    match segment.len() as u64 == length {
        true => Ok(segment),
        false => Err(broken()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::check_whole;

    #[test]
    fn images_are_whole_and_no_beginning_of_one_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
        for name in ["baseline.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg"] {
            let file = fs::read(folder.join(name)).unwrap();
            assert!(check_whole(&file[..]).is_ok(), "{name}");
            // The last two bytes only say that it is the end.
            for length in 0..file.len() - 2 {
                assert!(check_whole(&file[..length]).is_err(), "{name}: {length}");
            }
        }
    }
}

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::ReportError;
use crate::limits::{MEMBER_NAME_BYTES_MAX, NUMBER_BYTES_MAX, TEXT_PIECE_BYTES};

const BUFFER_BYTES: usize = 64 * 1024;

/// What kind of value starts at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Object,
    List,
    Text,
    Number,
    True,
    False,
    Null,
}

/// Whether a text is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Last,
    More,
}

/// A place in a JSON file from which values are read one after the other.
///
/// It reads RFC 8259 and refuses what is not; every method leaves the place just after what it
/// read. Texts come in pieces, so that memory does not depend on the file.
pub(crate) struct Cursor {
    file: File,
    buffer: Vec<u8>,
    /// Where the buffer's first byte is in the file.
    base: u64,
    at: usize,
    in_text: bool,
}

impl Cursor {
    pub fn new(file: File) -> Self {
        Self {
            file,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            base: 0,
            at: 0,
            in_text: false,
        }
    }

    /// Bytes before the place, from the file's beginning.
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    pub fn malformed(&self, problem: &'static str) -> ReportError {
        ReportError::Malformed {
            problem,
            offset: self.offset(),
        }
    }

    /// Goes to a place that [`Self::offset`] gave.
    pub fn seek(&mut self, offset: u64) -> Result<(), ReportError> {
        self.in_text = false;
        let within = offset
            .checked_sub(self.base)
            .filter(|within| *within <= self.buffer.len() as u64);
        match within {
            Some(within) => self.at = within as usize,
            None => {
                self.file
                    .seek(SeekFrom::Start(offset))
                    .map_err(ReportError::Read)?;
                self.buffer.clear();
                self.base = offset;
                self.at = 0;
            }
        }
        Ok(())
    }

    /// The unread bytes of the buffer, filled again when there are none; empty at the file's end.
    fn bytes(&mut self) -> Result<&[u8], ReportError> {
        if self.at >= self.buffer.len() {
            self.base += self.buffer.len() as u64;
            self.at = 0;
            self.buffer.clear();
            (&self.file)
                .take(BUFFER_BYTES as u64)
                .read_to_end(&mut self.buffer)
                .map_err(ReportError::Read)?;
        }
        Ok(&self.buffer[self.at..])
    }

    fn byte(&mut self) -> Result<Option<u8>, ReportError> {
        Ok(self.bytes()?.first().copied())
    }

    fn next_byte(&mut self) -> Result<Option<u8>, ReportError> {
        let byte = self.byte()?;
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Skips a UTF-8 byte order mark, which RFC 8259 (8.1) lets a reader ignore.
    pub fn skip_byte_order_mark(&mut self) -> Result<(), ReportError> {
        if self.bytes()?.starts_with(b"\xef\xbb\xbf") {
            self.at += 3;
        }
        Ok(())
    }

    /// Skips white space and looks at the byte behind it.
    pub fn peek(&mut self) -> Result<Option<u8>, ReportError> {
        loop {
            let bytes = self.bytes()?;
            let blank = bytes
                .iter()
                .position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
            match blank {
                Some(blank) => {
                    self.at += blank;
                    return self.byte();
                }
                None if bytes.is_empty() => return Ok(None),
                None => self.at = self.buffer.len(),
            }
        }
    }

    /// Reads one byte of punctuation if it is the next.
    pub fn take(&mut self, wanted: u8) -> Result<bool, ReportError> {
        let found = self.peek()? == Some(wanted);
        self.at += usize::from(found);
        Ok(found)
    }

    /// What kind of value comes next.
    pub fn kind(&mut self) -> Result<Kind, ReportError> {
        match self.peek()? {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::List),
            Some(b'"') => Ok(Kind::Text),
            Some(b't') => Ok(Kind::True),
            Some(b'f') => Ok(Kind::False),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(_) => Err(self.malformed("a value was expected")),
            None => Err(self.malformed("it ends too early")),
        }
    }

    /// Reads the start of a list or an object; returns whether it has anything in it.
    pub fn enter(&mut self, kind: Kind) -> Result<bool, ReportError> {
        let (open, close) = match kind {
            Kind::Object => (b'{', b'}'),
            _ => (b'[', b']'),
        };
        if !self.take(open)? {
            return Err(self.malformed("a value was expected"));
        }
        Ok(!self.take(close)?)
    }

    /// Reads what stands after an element; returns whether another one follows.
    pub fn another(&mut self, kind: Kind) -> Result<bool, ReportError> {
        let close = if kind == Kind::Object { b'}' } else { b']' };
        match self.peek()? {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) => Err(self.malformed("a comma or the end of a list or object was expected")),
            None => Err(self.malformed("it ends too early")),
        }
    }

    /// Reads a member's name and the colon after it.
    pub fn name(&mut self) -> Result<String, ReportError> {
        let mut name = String::new();
        self.name_into(&mut name)?;
        Ok(name)
    }

    /// Reads a member's name, without making a text for it, and the colon after it.
    pub fn name_into(&mut self, name: &mut String) -> Result<(), ReportError> {
        if self.peek()? != Some(b'"') {
            return Err(self.malformed("a member name was expected"));
        }
        let start = self.offset();
        while self.text(name)? == Piece::More {
            if name.len() as u64 > MEMBER_NAME_BYTES_MAX {
                return Err(ReportError::LimitPassed {
                    what: "a longer member name",
                    max: MEMBER_NAME_BYTES_MAX,
                    offset: start,
                });
            }
        }
        self.colon()
    }

    fn colon(&mut self) -> Result<(), ReportError> {
        match self.take(b':')? {
            true => Ok(()),
            false => Err(self.malformed("a colon was expected")),
        }
    }

    /// Reads a number as it is written.
    pub fn number(&mut self, out: &mut String) -> Result<(), ReportError> {
        let start = self.offset();
        self.optional(out, b"-")?;
        if !self.optional(out, b"0")? {
            self.digits(out, start)?;
        }
        if self.optional(out, b".")? {
            self.digits(out, start)?;
        }
        if self.optional(out, b"eE")? {
            self.optional(out, b"+-")?;
            self.digits(out, start)?;
        }
        Ok(())
    }

    fn optional(&mut self, out: &mut String, any: &[u8]) -> Result<bool, ReportError> {
        match self.byte()?.filter(|byte| any.contains(byte)) {
            Some(byte) => {
                out.push(char::from(byte));
                self.at += 1;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn digits(&mut self, out: &mut String, start: u64) -> Result<(), ReportError> {
        let mut some = false;
        while let Some(digit) = self.byte()?.filter(u8::is_ascii_digit) {
            out.push(char::from(digit));
            self.at += 1;
            some = true;
            if self.offset() - start > NUMBER_BYTES_MAX {
                return Err(ReportError::LimitPassed {
                    what: "a longer number",
                    max: NUMBER_BYTES_MAX,
                    offset: start,
                });
            }
        }
        if some {
            Ok(())
        } else {
            Err(self.malformed("a digit was expected"))
        }
    }

    /// Reads `true`, `false` or `null`.
    pub fn word(&mut self, word: &'static str) -> Result<(), ReportError> {
        for expected in word.bytes() {
            if self.byte()? != Some(expected) {
                return Err(self.malformed("a value was expected"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Reads a text, or a piece of at most some tens of kilobytes of one; call again for more.
    pub fn text(&mut self, out: &mut String) -> Result<Piece, ReportError> {
        if !self.in_text {
            self.at += 1;
            self.in_text = true;
        }
        let most = out.len() + TEXT_PIECE_BYTES;
        loop {
            if out.len() >= most {
                return Ok(Piece::More);
            }
            let bytes = self.bytes()?;
            let plain = bytes
                .iter()
                .take(TEXT_PIECE_BYTES)
                .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f))
                .unwrap_or(bytes.len().min(TEXT_PIECE_BYTES));
            if plain > 0 {
                let taken = push_utf8(out, &bytes[..plain]);
                match taken {
                    Ok(taken) => self.at += taken,
                    Err(valid) => {
                        self.at += valid;
                        self.split_character(out)?;
                    }
                }
                continue;
            }
            match self.next_byte()? {
                Some(b'"') => {
                    self.in_text = false;
                    return Ok(Piece::Last);
                }
                Some(b'\\') => self.escape(out)?,
                Some(_) => {
                    self.at -= 1;
                    return Err(self.malformed("a control character stands in a text"));
                }
                None => return Err(self.malformed("it ends too early")),
            }
        }
    }

    /// Reads one character that may lie across the buffer's end.
    fn split_character(&mut self, out: &mut String) -> Result<(), ReportError> {
        let start = self.offset();
        let mut bytes = [0; 4];
        for len in 1..=4 {
            let Some(byte) = self.next_byte()? else { break };
            bytes[len - 1] = byte;
            if let Ok(character) = std::str::from_utf8(&bytes[..len]) {
                out.push_str(character);
                return Ok(());
            }
        }
        Err(ReportError::Malformed {
            problem: "it is not UTF-8",
            offset: start,
        })
    }

    fn escape(&mut self, out: &mut String) -> Result<(), ReportError> {
        let plain = match self.next_byte()? {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(out),
            _ => return Err(self.malformed("an escape in a text is unknown")),
        };
        out.push(plain);
        Ok(())
    }

    /// Reads the digits of `\uXXXX`; half a surrogate pair becomes U+FFFD.
    fn unicode_escape(&mut self, out: &mut String) -> Result<(), ReportError> {
        let mut unit = self.hex4()?;
        while (0xd800..0xdc00).contains(&unit) {
            if self.byte()? != Some(b'\\') {
                break;
            }
            self.at += 1;
            if self.byte()? != Some(b'u') {
                out.push('\u{fffd}');
                return self.escape(out);
            }
            self.at += 1;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            } else {
                out.push('\u{fffd}');
                unit = low;
            }
        }
        out.push(char::from_u32(unit).unwrap_or('\u{fffd}'));
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, ReportError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self
                .byte()?
                .and_then(|byte| char::from(byte).to_digit(16))
                .ok_or_else(|| self.malformed("an escape in a text is unknown"))?;
            self.at += 1;
            unit = unit * 16 + digit;
        }
        Ok(unit)
    }

    /// Skips a text that is known to be well-formed.
    fn skip_text(&mut self) -> Result<(), ReportError> {
        self.peek()?;
        self.at += 1;
        loop {
            let bytes = self.bytes()?;
            if bytes.is_empty() {
                return Err(self.malformed("it ends too early"));
            }
            match bytes.iter().position(|b| matches!(b, b'"' | b'\\')) {
                Some(place) if bytes[place] == b'"' => {
                    self.at += place + 1;
                    return Ok(());
                }
                Some(place) => {
                    self.at += place + 1;
                    self.next_byte()?;
                }
                None => self.at = self.buffer.len(),
            }
        }
    }

    /// Skips a value of a file that is known to be well-formed.
    pub fn skip_value(&mut self) -> Result<(), ReportError> {
        match self.kind()? {
            Kind::Text => self.skip_text(),
            Kind::Object | Kind::List => self.skip_nested(),
            _ => loop {
                let bytes = self.bytes()?;
                let end = bytes
                    .iter()
                    .position(|b| matches!(b, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'));
                match end {
                    Some(end) => {
                        self.at += end;
                        return Ok(());
                    }
                    None if bytes.is_empty() => return Ok(()),
                    None => self.at = self.buffer.len(),
                }
            },
        }
    }

    fn skip_nested(&mut self) -> Result<(), ReportError> {
        let mut depth = 0_u64;
        loop {
            let bytes = self.bytes()?;
            if bytes.is_empty() {
                return Err(self.malformed("it ends too early"));
            }
            let place = bytes
                .iter()
                .position(|b| matches!(b, b'"' | b'{' | b'}' | b'[' | b']'));
            let Some(place) = place else {
                self.at = self.buffer.len();
                continue;
            };
            let byte = bytes[place];
            self.at += place;
            match byte {
                b'"' => {
                    self.skip_text()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth = depth.saturating_sub(1),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// Appends what is UTF-8. An error tells how much was valid before a character that is broken or
/// cut off by the buffer's end.
fn push_utf8(out: &mut String, bytes: &[u8]) -> Result<usize, usize> {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.push_str(text);
            Ok(bytes.len())
        }
        Err(error) => {
            let valid = error.valid_up_to();
            if let Ok(text) = std::str::from_utf8(&bytes[..valid]) {
                out.push_str(text);
            }
            Err(valid)
        }
    }
}

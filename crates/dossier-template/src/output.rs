use std::io::{self, Write};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

/// Which bytes HTML may take for its own.
const IS_SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        special[byte] = !entity(byte as u8).is_empty();
        byte += 1;
    }
    special
};

/// What stands for a byte that HTML may take for its own; nothing for any other.
const fn entity(byte: u8) -> &'static [u8] {
    match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        b'\'' => b"&#x27;",
        b'`' => b"&#x60;",
        b'=' => b"&#x3D;",
        _ => b"",
    }
}

/// Where a section goes, counted.
pub(crate) struct Output<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    pub written: u64,
}

impl<'w> Output<'w> {
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            written: 0,
        }
    }

    pub fn raw(&mut self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes a text so that HTML shows it as it is.
    pub fn escaped(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| IS_SPECIAL[*byte as usize]) {
            self.bytes(&rest[..at])?;
            self.bytes(entity(rest[at]))?;
            rest = &rest[at + 1..];
        }
        self.bytes(rest)
    }

    pub fn text(&mut self, text: &str, raw: bool) -> io::Result<()> {
        match raw {
            true => self.raw(text),
            false => self.escaped(text),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        self.out.flush()
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            return self.past_full(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    #[cold]
    fn past_full(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        if bytes.len() > BUFFER_BYTES {
            return self.out.write_all(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

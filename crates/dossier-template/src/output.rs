use std::io::{self, Write};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

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
        let bytes = text.as_bytes();
        let mut from = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let entity = match byte {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\'' => "&#x27;",
                b'`' => "&#x60;",
                b'=' => "&#x3D;",
                _ => continue,
            };
            self.bytes(&bytes[from..at])?;
            self.bytes(entity.as_bytes())?;
            from = at + 1;
        }
        self.bytes(&bytes[from..])
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

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        if bytes.len() > BUFFER_BYTES {
            return self.out.write_all(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

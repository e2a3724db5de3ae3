//! Pieces of a line that speak by `ActualText`.

use crate::pdf::push_integer;

/// The pieces of a line that `ActualText` speaks for.
///
/// A marked piece of a page can not lie around another one whose end does not say which it ends:
/// some readers then lose what follows. So each of these gets a number of its own, and what it lies
/// in is ended before it and resumed after it.
pub(crate) struct Spans {
    /// Where the operand of each piece's properties begins, and where each piece ends.
    borders: Vec<usize>,
}

const SPAN: &[u8] = b"/Span<<";
const SPAN_END: &[u8] = b"EMC";

impl Spans {
    /// Finds them in the bytes of a line.
    pub fn of(line: &[u8]) -> Self {
        let mut borders = Vec::new();
        if !line.windows(SPAN.len()).any(|bytes| bytes == SPAN) {
            return Self { borders };
        }
        let mut in_string = true;
        let mut at = 0;
        while at < line.len() {
            match line[at] {
                b'\\' if in_string => at += 1,
                b')' if in_string => in_string = false,
                b'(' if !in_string => in_string = true,
                _ if in_string => {}
                _ if line[at..].starts_with(SPAN) || line[at..].starts_with(SPAN_END) => {
                    borders.push(at);
                }
                _ => {}
            }
            at += 1;
        }
        Self { borders }
    }

    /// How many numbers [`write`](Self::write) needs.
    pub fn numbers(&self) -> usize {
        self.borders.len()
    }

    /// Writes the line with the pieces numbered, `begin` beginning what they lie in.
    pub fn write(
        &self,
        line: &[u8],
        numbers: &[u32],
        out: &mut Vec<u8>,
        begin: impl Fn(&mut Vec<u8>, u32),
    ) {
        let mut written = 0;
        for (border, number) in self.borders.iter().zip(numbers) {
            out.extend_from_slice(&line[written..*border]);
            if line[*border..].starts_with(SPAN) {
                out.extend_from_slice(b" EMC\n/Span<</MCID ");
                push_integer(out, *number);
                written = border + SPAN.len();
            } else {
                out.extend_from_slice(b"EMC\n");
                begin(out, *number);
                written = border + SPAN_END.len();
            }
        }
        out.extend_from_slice(&line[written..]);
    }
}

use std::borrow::Cow;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ReportError;

/// Why an attachment is not shown.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It cannot be read, or not within the limits: its page says so, the report goes on.
    Unreadable(Cow<'static, str>),
    /// The report cannot go on.
    Report(ReportError),
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::Report(error)
    }
}

/// The reason as readers see it: the end of a sentence that begins with `because`. It quotes
/// nothing from the file.
pub(crate) fn unreadable(why: impl Into<Cow<'static, str>>) -> Failure {
    Failure::Unreadable(why.into())
}

/// What a file is called whose reader gave up.
pub(crate) const DAMAGED: &str = "the file is damaged";

/// A damaged file for any error of its reader.
pub(crate) fn damaged<E>(_: E) -> Failure {
    unreadable(DAMAGED)
}

/// Runs a reader of somebody else's making: its panic is a damaged file, not the report's end.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What the reader was working on is thrown away when it panics, so nobody sees it half done.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(unreadable(DAMAGED)))
}

/// Opens a fetched file. That it is not there is the caller's fault, not the file's.
pub(crate) fn open(path: &std::path::Path) -> Result<std::fs::File, Failure> {
    std::fs::File::open(path).map_err(|error: io::Error| Failure::Report(ReportError::Read(error)))
}

#[cfg(test)]
mod tests {
    use super::{DAMAGED, Failure, guarded};

    #[test]
    fn a_readers_panic_is_a_damaged_file() {
        let nothing: [u8; 0] = [];
        let place = std::hint::black_box(3);
        let read = guarded(|| Ok(nothing[place]));
        assert!(matches!(read, Err(Failure::Unreadable(why)) if why == DAMAGED));
    }
}

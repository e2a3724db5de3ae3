//! What went wrong on the way to a storage, in words without URLs, bodies and personal data.

use std::error::Error;
use std::io;

use crate::store::DocumentError;

/// An error of the storage's.
pub(crate) fn unavailable(doing: &'static str, what: impl Into<String>) -> DocumentError {
    DocumentError::Unavailable {
        doing,
        source: io::Error::other(what.into()),
    }
}

/// An error of this machine's: a file that cannot be read.
pub(crate) fn unreadable(source: io::Error) -> DocumentError {
    DocumentError::Unavailable {
        doing: "reading the file that is to be stored",
        source,
    }
}

/// The root of an error of HTTP: what the connection died of.
pub(crate) fn connection_fault(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    loop {
        if let Some(http) = root.downcast_ref::<reqwest::Error>()
            && http.is_timeout()
        {
            return "timed out".to_owned();
        }
        match root.source() {
            Some(source) => root = source,
            None => break,
        }
    }
    match root.downcast_ref::<io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ if root.is::<reqwest::Error>() => "the call failed".to_owned(),
        _ => root.to_string(),
    }
}

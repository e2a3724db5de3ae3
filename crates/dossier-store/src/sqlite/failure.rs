//! What SQLite says when it fails, without any data.
//!
//! SQLite's own messages name tables and columns and, for some, quote values; only the kind of
//! failure and its code leave this crate.

use crate::{StoreError, Unavailable};

/// The primary result codes that a reader can act on (<https://www.sqlite.org/rescode.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Locked,
    ReadOnly,
    Full,
    NotADatabase,
    Damaged,
    CannotOpen,
    Other,
}

impl Kind {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        // The low byte of an extended code is the primary one.
        match code(error).map(|code| code & 0xff) {
            Some(5 | 6) => Self::Locked,
            Some(8) => Self::ReadOnly,
            Some(13) => Self::Full,
            Some(26) => Self::NotADatabase,
            Some(11) => Self::Damaged,
            Some(14) => Self::CannotOpen,
            _ => Self::Other,
        }
    }
}

fn code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// The failure in words and by its code.
pub(super) fn describe(error: &sqlx::Error) -> String {
    let words = match Kind::of(error) {
        Kind::Locked => "it is locked by another process",
        Kind::ReadOnly => "it is read-only",
        Kind::Full => "the disk is full",
        Kind::NotADatabase => "the file is not a database",
        Kind::Damaged => "the file is damaged; restore a backup",
        Kind::CannotOpen => "the file cannot be opened",
        Kind::Other => match error {
            sqlx::Error::Database(_) => "it refused a statement",
            sqlx::Error::PoolTimedOut => "no connection became free in time",
            sqlx::Error::PoolClosed => "the store is closed",
            sqlx::Error::Io(_) => "a file could not be read or written",
            _ => "the connection failed",
        },
    };
    match code(error) {
        Some(code) => format!("{words} (SQLite code {code})"),
        None => words.to_owned(),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt("row"),
            error => Self::Unavailable(Unavailable(describe(&error))),
        }
    }
}

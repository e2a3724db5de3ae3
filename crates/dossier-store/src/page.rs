//! Pages of lists that have the newest first.

use std::fmt;
use std::str::FromStr;

use dossier_core::RequestId;
use dossier_core::request::Request;
use jiff::Timestamp;
use uuid::Uuid;

/// One page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Where it begins.
    pub start: PageStart,
    /// Rows a page, from 1.
    pub size: u32,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug)]
pub enum PageStart {
    /// After as many pages as this. Their rows are counted off in an index.
    Number(u32),
    /// The same in a list of which is known how many rows it has: they are counted off from the end
    /// that is nearer.
    NumberOf {
        /// From 0.
        number: u32,
        /// Rows of the whole list.
        rows: u64,
    },
    /// Behind this row, which need not be there any more. Found at once, however far back.
    After(PageKey),
}

/// A row's place in a list. Its text is one word that needs no escapes in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageKey {
    requested_at_ms: i64,
    id: RequestId,
}

impl Page {
    /// The page of this number, from 0.
    pub fn number(number: u32, size: u32) -> Self {
        let start = PageStart::Number(number);
        Self { start, size }
    }

    /// The page behind a row.
    pub fn after(key: PageKey, size: u32) -> Self {
        let start = PageStart::After(key);
        Self { start, size }
    }

    /// The same page, of a list that is known to have so many rows.
    #[must_use]
    pub fn of(self, rows: u64) -> Self {
        let start = match self.start {
            PageStart::Number(number) => PageStart::NumberOf { number, rows },
            start => start,
        };
        Self { start, ..self }
    }

    pub(crate) fn slice(self) -> Slice {
        let size = u64::from(self.size);
        let before = |number: u32| size * u64::from(number);
        match self.start {
            PageStart::Number(number) => Slice::newest_first(size, before(number)),
            PageStart::NumberOf { number, rows } => {
                let (before, rest) = (before(number), rows.saturating_sub(before(number)));
                let size = size.min(rest);
                let behind = rest - size;
                if behind < before {
                    Slice {
                        oldest_first: true,
                        ..Slice::newest_first(size, behind)
                    }
                } else {
                    Slice::newest_first(size, before)
                }
            }
            PageStart::After(key) => Slice {
                after: Some(key),
                ..Slice::newest_first(size, 0)
            },
        }
    }
}

impl PageKey {
    /// The place of a request among the others, live or archived.
    pub fn of(request: &Request) -> Self {
        Self {
            requested_at_ms: request.requested_at.as_millisecond(),
            id: request.id,
        }
    }

    pub(crate) fn requested_at_ms(self) -> i64 {
        self.requested_at_ms
    }

    pub(crate) fn id(self) -> Uuid {
        self.id.as_uuid()
    }
}

impl fmt::Display for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.requested_at_ms, self.id)
    }
}

/// The text is no [`PageKey`].
#[derive(Debug, thiserror::Error)]
#[error("not a row's place in a list")]
pub struct NoPageKey;

impl FromStr for PageKey {
    type Err = NoPageKey;

    fn from_str(text: &str) -> Result<Self, NoPageKey> {
        let (time, id) = text.split_once('.').ok_or(NoPageKey)?;
        let requested_at_ms = time.parse().map_err(|_| NoPageKey)?;
        Timestamp::from_millisecond(requested_at_ms).map_err(|_| NoPageKey)?;
        let id = Uuid::try_parse(id).map_err(|_| NoPageKey)?.into();
        Ok(Self {
            requested_at_ms,
            id,
        })
    }
}

/// A page as SQL has it: parts of a statement that finds the rows' identifiers, in an index alone.
pub(crate) struct Slice {
    oldest_first: bool,
    pub(crate) after: Option<PageKey>,
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

impl Slice {
    fn newest_first(limit: u64, offset: u64) -> Self {
        let number = |rows| i64::try_from(rows).unwrap_or(i64::MAX);
        Self {
            oldest_first: false,
            after: None,
            limit: number(limit),
            offset: number(offset),
        }
    }

    /// The condition, after another one, that a row stands behind that of the key, which these two
    /// parameters hold; nothing without a key.
    pub(crate) fn behind(&self, parameters: &'static str) -> String {
        match self.after {
            Some(_) => format!(" AND (requested_at, id) < ({parameters})"),
            None => String::new(),
        }
    }

    /// What to order by. Backwards where the list's end is nearer; whoever shows the rows puts them
    /// into their own order.
    pub(crate) fn order(&self) -> &'static str {
        if self.oldest_first {
            "requested_at, id"
        } else {
            "requested_at DESC, id DESC"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(number: u32, size: u32, rows: u64) -> (bool, i64, i64) {
        let slice = Page::number(number, size).of(rows).slice();
        (slice.oldest_first, slice.limit, slice.offset)
    }

    #[test]
    fn rows_are_counted_off_from_the_nearer_end() {
        assert_eq!(slice(0, 10, 25), (false, 10, 0));
        assert_eq!(slice(1, 10, 25), (true, 10, 5));
        assert_eq!(slice(2, 10, 25), (true, 5, 0));
        assert_eq!(slice(3, 10, 25), (true, 0, 0));
        assert_eq!(slice(0, 10, 0), (false, 0, 0));
        assert_eq!(slice(0, 10, 10), (false, 10, 0));
        assert_eq!(slice(1, 500, 1_000_000), (false, 500, 500));
        let last = u32::MAX;
        assert_eq!(slice(last, last, u64::MAX).1, i64::from(last));
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = PageKey {
            requested_at_ms: 1_764_000_000_123,
            id: RequestId::generate(),
        };
        assert_eq!(key.to_string().parse::<PageKey>().unwrap(), key);
        for text in [
            "",
            ".",
            "1",
            "1.",
            "x.y",
            "1.2",
            &format!("99999999999999999.{}", key.id),
            &format!("{}.1", key.id),
        ] {
            assert!(text.parse::<PageKey>().is_err(), "{text}");
        }
    }
}

//! The wrapper that keeps personal data out of logs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Personal data: `Debug` and `Display` print `[private]`, only [`Private::reveal`] gives the value.
///
/// Serialising writes the value, because the API's answers and the database must hold it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the few places that must show or send it.
    pub fn reveal(&self) -> &T {
        &self.0
    }

    /// Unwraps the value.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Private<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

impl<T> fmt::Display for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_value_is_not_in_debug_or_display() {
        let name = Private::new("Ada Lovelace".to_owned());
        assert_eq!(format!("{name:?} {name}"), "[private] [private]");
        assert_eq!(name.reveal(), "Ada Lovelace");
    }
}

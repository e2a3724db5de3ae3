//! Identifiers that parse or fail.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The identifier as a UUID.
            pub fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

macro_rules! shown_identifier {
    ($name:ident) => {
        impl $name {
            /// A new identifier, ordered by time of creation (UUID version 7, RFC 9562).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_identifier!(
    /// Identifies a subject access request.
    RequestId
);
uuid_identifier!(
    /// Identifies a service of the catalogue.
    ServiceId
);
uuid_identifier!(
    /// Identifies a file in the document store. Never used twice.
    DocumentId
);
uuid_identifier!(
    /// Identifies a registered version of a service's template.
    TemplateId
);
uuid_identifier!(
    /// Proves who holds the current lease of a request. A secret: `Debug` hides it.
    LeaseToken
);
shown_identifier!(RequestId);
shown_identifier!(ServiceId);
shown_identifier!(DocumentId);
shown_identifier!(TemplateId);

impl LeaseToken {
    /// A new token that cannot be guessed (UUID version 4, RFC 9562: 122 random bits).
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[lease token]")
    }
}

/// The longest service name, in characters.
pub const SERVICE_NAME_CHARS_MAX: usize = 100;

/// A service's name in the catalogue, in paths and in file names: 1 to 100 of `A-Z a-z 0-9 . _ -`,
/// starting with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ServiceName(String);

/// A text that is not a service name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a service name is 1 to 100 letters, digits, dots, underscores or hyphens and starts with a \
     letter or digit"
)]
pub struct InvalidServiceName;

impl ServiceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = InvalidServiceName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts_well && text.len() <= SERVICE_NAME_CHARS_MAX && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidServiceName)
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ServiceName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_name_parses_or_fails() {
        for good in ["keyworker-api", "G1", "hmpps_x.y", "0a"] {
            assert_eq!(good.parse::<ServiceName>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "../etc", "a/b", "a b", "é", &"a".repeat(101)] {
            assert_eq!(bad.parse::<ServiceName>(), Err(InvalidServiceName), "{bad}");
        }
    }

    #[test]
    fn a_lease_token_does_not_show_itself() {
        assert_eq!(format!("{:?}", LeaseToken::generate()), "[lease token]");
    }
}

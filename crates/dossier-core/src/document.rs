//! Stored files and the identifiers an attempt may use for them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{DocumentId, LeaseToken, ServiceName};

/// A SHA-256 digest as 64 lower-case hexadecimal digits (FIPS 180-4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Sha256Hex(String);

/// A text that is not a SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 digest is 64 hexadecimal digits")]
pub struct InvalidSha256;

impl Sha256Hex {
    /// The digest of 32 bytes.
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digest's hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sha256Hex {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidSha256)
        }
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sha256Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A file in the document store, with what proves that it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDocument {
    /// Where it is.
    pub id: DocumentId,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Hex,
}

/// The identifier under which the attempt that holds `token` stores its report.
///
/// Identifiers follow from the lease token (UUID version 5, RFC 9562), so each attempt has its own,
/// and whoever cleans up after a dead worker can name everything that it may have stored.
pub fn report_document_id(token: LeaseToken) -> DocumentId {
    Uuid::new_v5(&token.as_uuid(), b"report").into()
}

/// The identifier under which the attempt that holds `token` keeps a service's answer.
pub fn section_document_id(token: LeaseToken, service: &ServiceName) -> DocumentId {
    Uuid::new_v5(&token.as_uuid(), format!("section:{service}").as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attempt_has_document_identifiers_of_its_own() {
        let (a, b) = (LeaseToken::generate(), LeaseToken::generate());
        let service: ServiceName = "keyworker-api".parse().unwrap();
        assert_eq!(report_document_id(a), report_document_id(a));
        assert_ne!(report_document_id(a), report_document_id(b));
        assert_ne!(
            section_document_id(a, &service),
            section_document_id(b, &service)
        );
        assert_ne!(report_document_id(a), section_document_id(a, &service));
    }

    #[test]
    fn a_digest_has_sixty_four_hexadecimal_digits() {
        let digest = Sha256Hex::from_digest(&[0xab; 32]);
        assert_eq!(digest.as_str(), "ab".repeat(32));
        assert_eq!("AB".repeat(32).parse::<Sha256Hex>(), Ok(digest));
        assert!("ab".parse::<Sha256Hex>().is_err());
    }
}

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

/// Most volumes of one kind that a request may be completed with.
pub const VOLUMES_MAX: u32 = 1_000;

/// What a document of a completed request is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum DocumentKind {
    /// The report, with the pages that are for the organisation only. A PDF file a volume.
    #[default]
    Report,
    /// The report as the data subject gets it. A PDF file a volume.
    Copy,
    /// What the services answered, for programs. One zip file.
    Package,
}

impl DocumentKind {
    /// Every kind, in the order in which documents are listed.
    pub const ALL: [Self; 3] = [Self::Report, Self::Copy, Self::Package];

    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "REPORT",
            Self::Copy => "COPY",
            Self::Package => "PACKAGE",
        }
    }

    /// The kind of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The media type of its files.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Report | Self::Copy => "application/pdf",
            Self::Package => "application/zip",
        }
    }

    /// How the name of a volume's file ends: `.pdf`, `-volume-2.pdf`, `-copy.pdf`, `-package.zip`.
    pub fn file_name_ending(self, volume: u32) -> String {
        let (kind, extension) = match self {
            Self::Report => ("", "pdf"),
            Self::Copy => ("-copy", "pdf"),
            Self::Package => ("-package", "zip"),
        };
        match volume {
            1 => format!("{kind}.{extension}"),
            _ => format!("{kind}-volume-{volume}.{extension}"),
        }
    }
}

/// A document of a completed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedDocument {
    /// What it is.
    pub kind: DocumentKind,
    /// Which volume of its kind, from 1.
    pub volume: u32,
    /// Where it is stored.
    pub kept: KeptDocument,
    /// Its pages; none if it has no pages, as a package.
    pub pages: Option<u32>,
}

/// The identifier under which the attempt that holds `token` stores the first volume of its report.
pub fn report_document_id(token: LeaseToken) -> DocumentId {
    finished_document_id(token, DocumentKind::Report, 1)
}

/// The identifier under which the attempt that holds `token` stores a volume of what it made.
///
/// Identifiers follow from the lease token (UUID version 5, RFC 9562), so each attempt has its own,
/// and whoever cleans up after a dead worker can name everything that it may have stored: volumes of
/// a kind are stored in ascending and deleted in descending order, so that none is behind the first
/// that is missing.
pub fn finished_document_id(token: LeaseToken, kind: DocumentKind, volume: u32) -> DocumentId {
    let name = match (kind, volume) {
        (DocumentKind::Report, 1) => "report".to_owned(),
        (DocumentKind::Report, _) => format!("report:{volume}"),
        (DocumentKind::Copy, _) => format!("copy:{volume}"),
        (DocumentKind::Package, _) => format!("package:{volume}"),
    };
    Uuid::new_v5(&token.as_uuid(), name.as_bytes()).into()
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
    fn every_volume_of_every_kind_has_an_identifier_and_a_file_name_of_its_own() {
        let token = LeaseToken::generate();
        let all = DocumentKind::ALL
            .into_iter()
            .flat_map(|kind| (1..=12).map(move |volume| (kind, volume)));
        let mut ids = std::collections::HashSet::new();
        let mut names = std::collections::HashSet::new();
        for (kind, volume) in all {
            ids.insert(finished_document_id(token, kind, volume).to_string());
            names.insert(kind.file_name_ending(volume));
        }
        assert_eq!((ids.len(), names.len()), (36, 36));
        assert_eq!(DocumentKind::Report.file_name_ending(1), ".pdf");
        assert_eq!(DocumentKind::Report.file_name_ending(2), "-volume-2.pdf");
        assert_eq!(DocumentKind::Copy.file_name_ending(1), "-copy.pdf");
        assert_eq!(DocumentKind::Package.file_name_ending(1), "-package.zip");
    }

    #[test]
    fn the_first_volume_of_the_report_keeps_the_identifier_that_it_always_had() {
        let token: LeaseToken = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap();
        let expected = Uuid::new_v5(&token.as_uuid(), b"report");
        assert_eq!(report_document_id(token).as_uuid(), expected);
    }

    #[test]
    fn a_digest_has_sixty_four_hexadecimal_digits() {
        let digest = Sha256Hex::from_digest(&[0xab; 32]);
        assert_eq!(digest.as_str(), "ab".repeat(32));
        assert_eq!("AB".repeat(32).parse::<Sha256Hex>(), Ok(digest));
        assert!("ab".parse::<Sha256Hex>().is_err());
    }
}

//! What one service contributes to a request.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::service::Category;
use crate::{KeptDocument, ServiceId, ServiceName, Sha256Hex};

/// Where a section stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum SectionStatus {
    /// Not collected so far.
    Pending,
    /// Collected; a later attempt does not fetch it again.
    Complete,
    /// The last attempt could not collect it; the next tries again.
    Errored,
    /// Its service is suspended; the request waits for it.
    Suspended,
}

impl SectionStatus {
    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Complete => "COMPLETE",
            Self::Errored => "ERRORED",
            Self::Suspended => "SUSPENDED",
        }
    }

    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Complete,
            Self::Errored,
            Self::Suspended,
        ]
        .into_iter()
        .find(|s| s.as_str() == text)
    }
}

/// What a collected service said that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Held {
    /// Data (status 200 with content).
    Data,
    /// No data for this subject (204, or 200 without content).
    NoData,
    /// The service does not know this kind of identifier (209).
    NotSupported,
}

impl Held {
    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "DATA",
            Self::NoData => "NO_DATA",
            Self::NotSupported => "NOT_SUPPORTED",
        }
    }

    /// The value of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Data, Self::NoData, Self::NotSupported]
            .into_iter()
            .find(|h| h.as_str() == text)
    }
}

/// Which template made a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateVersion {
    /// A registered version of the service's own template, from 1.
    Version(u32),
    /// A template of before versions were kept.
    Legacy,
    /// No template: the generic rendering.
    Generic,
}

impl fmt::Display for TemplateVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(number) => write!(f, "v{number}"),
            Self::Legacy => f.write_str("legacy"),
            Self::Generic => f.write_str("generic"),
        }
    }
}

impl std::str::FromStr for TemplateVersion {
    type Err = InvalidTemplateVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "legacy" => Ok(Self::Legacy),
            "generic" => Ok(Self::Generic),
            _ => {
                let number = text
                    .strip_prefix('v')
                    .and_then(|digits| digits.parse().ok());
                number
                    .filter(|n| *n > 0)
                    .map(Self::Version)
                    .ok_or(InvalidTemplateVersion)
            }
        }
    }
}

/// A text that is not a template version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a template version is v1, v2, …, legacy or generic")]
pub struct InvalidTemplateVersion;

/// What a worker reports of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionOutcome {
    /// Still being collected.
    Progress {
        /// Bytes received so far in this try.
        bytes: u64,
        /// Tries begun in this attempt, from 1.
        tries: u32,
    },
    /// Collected for good.
    Complete {
        /// What the service holds.
        held: Held,
        /// The kept answer; present exactly if data is held.
        kept: Option<KeptDocument>,
        /// Which template is to make the section.
        template_version: TemplateVersion,
        /// Tries that it took in this attempt.
        tries: u32,
    },
    /// Could not be collected in this attempt.
    Errored {
        /// Why, without personal data.
        detail: String,
        /// Tries made in this attempt.
        tries: u32,
    },
}

/// One service's part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The service.
    pub service_id: ServiceId,
    /// The service's name.
    pub service_name: ServiceName,
    /// The service's label: the section's title.
    pub service_label: String,
    /// The service's base URL.
    pub service_url: url::Url,
    /// Whether the service serves its own template.
    pub template_migrated: bool,
    /// The digest of the service's JSON Schema, if it has one now.
    pub schema_sha256: Option<Sha256Hex>,
    /// Where the service belongs.
    pub category: Category,
    /// The service's explicit place in the report.
    pub rank: Option<u32>,
    /// Where the section stands.
    pub status: SectionStatus,
    /// What the service holds, once collected.
    pub held: Option<Held>,
    /// The kept answer, once collected and as long as it is kept.
    pub kept: Option<KeptDocument>,
    /// Which template makes the section, once collected.
    pub template_version: Option<TemplateVersion>,
    /// When it was collected.
    pub rendered_at: Option<Timestamp>,
    /// Bytes received so far, while it is collected.
    pub bytes: u64,
    /// Tries begun in the latest attempt.
    pub tries: u32,
    /// Why the latest attempt failed, without personal data.
    pub error: Option<String>,
}

//! The catalogue of services that hold data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{ServiceId, ServiceName};

/// Where a service belongs; sections of the report follow this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Category {
    /// A prison service.
    Prison,
    /// A probation service.
    Probation,
    /// Any other organisation's service.
    Other,
}

impl Category {
    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prison => "PRISON",
            Self::Probation => "PROBATION",
            Self::Other => "OTHER",
        }
    }

    /// The category of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Prison, Self::Probation, Self::Other]
            .into_iter()
            .find(|c| c.as_str() == text)
    }
}

/// The longest label, in characters.
pub const SERVICE_LABEL_CHARS_MAX: usize = 200;

/// What an administrator says of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDetails {
    /// Unique in the catalogue.
    pub name: ServiceName,
    /// What people call it; the section's title. 1 to 200 characters.
    pub label: String,
    /// Base URL, without query or fragment; paths of the contract are appended to it.
    pub url: Url,
    /// A disabled service takes no part in new requests.
    pub enabled: bool,
    /// Whether the service serves its own template.
    pub template_migrated: bool,
    /// Where the service belongs.
    pub category: Category,
    /// An explicit place in the report, smallest first; ranked services come before all others.
    pub rank: Option<u32>,
}

/// Why a service's details are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidService {
    /// See [`crate::ids::InvalidServiceName`].
    #[error(transparent)]
    Name(#[from] crate::ids::InvalidServiceName),
    /// The label is blank or too long.
    #[error("label must have 1 to 200 characters and no control characters")]
    Label,
    /// The URL cannot be used.
    #[error("url must be an absolute http or https URL without user, password, query or fragment")]
    Url,
}

impl ServiceDetails {
    /// Checks a label: trimmed, 1 to 200 characters, no control characters.
    pub fn parse_label(text: &str) -> Result<String, InvalidService> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars == 0 || chars > SERVICE_LABEL_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(InvalidService::Label);
        }
        Ok(text.to_owned())
    }

    /// Checks a base URL: `http` or `https`, with a host, nothing behind the path; a slash at the
    /// end is dropped when paths are appended.
    pub fn parse_url(text: &str) -> Result<Url, InvalidService> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidService::Url)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain {
            Ok(url)
        } else {
            Err(InvalidService::Url)
        }
    }
}

/// A service of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its identifier.
    pub id: ServiceId,
    /// What an administrator said of it.
    pub details: ServiceDetails,
    /// Since when it is suspended; requests wait for it until it is resumed.
    pub suspended_at: Option<Timestamp>,
    /// The number of its latest published template.
    pub template_version: Option<u32>,
    /// The number of its pending template.
    pub pending_template_version: Option<u32>,
}

/// The key that orders sections in a report: ranked services first, by rank, then by category,
/// then by label (`report-layout`, item 4).
pub fn report_order(
    rank: Option<u32>,
    category: Category,
    label: &str,
) -> (bool, u32, Category, String) {
    (
        rank.is_none(),
        rank.unwrap_or(0),
        category,
        label.to_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_go_by_rank_then_category_then_label() {
        let mut services = [
            (None, Category::Other, "Aardvark"),
            (None, Category::Probation, "Bear"),
            (None, Category::Prison, "cat"),
            (None, Category::Prison, "Bat"),
            (Some(2), Category::Other, "Zebra"),
            (Some(1), Category::Probation, "Yak"),
        ];
        services.sort_by_key(|(rank, category, label)| report_order(*rank, *category, label));
        assert_eq!(
            services.map(|s| s.2),
            ["Yak", "Zebra", "Bat", "cat", "Bear", "Aardvark"]
        );
    }

    #[test]
    fn a_service_url_is_a_plain_http_base() {
        for good in ["http://localhost:8080", "https://x.example/sar/"] {
            assert!(ServiceDetails::parse_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "x",
            "ftp://x",
            "http://u:p@x",
            "http://x?a=1",
            "http://x#f",
            "file:///etc",
        ] {
            assert_eq!(
                ServiceDetails::parse_url(bad),
                Err(InvalidService::Url),
                "{bad}"
            );
        }
    }
}

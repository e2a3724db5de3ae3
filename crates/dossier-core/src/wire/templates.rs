//! Versions of services' templates, and how services' templates are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::LeaseToken;
use crate::template::{RegisteredTemplate, TemplateStatus, UnregisteredTemplate};
use crate::template_health::{TemplateHealth, TemplateState};

/// A registered version of a service's template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersionView {
    /// Its identifier.
    pub id: Uuid,
    /// Its service.
    pub service_id: Uuid,
    /// Its number within its service, from 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: u32,
    /// When it was registered.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_date: Timestamp,
    /// When its service was first seen serving it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub published_date: Option<Timestamp>,
    /// The SHA-256 of its bytes as they were received, as 64 hexadecimal digits.
    pub file_hash: String,
    /// Its size in bytes.
    pub size: u64,
    /// Where it stands.
    pub status: TemplateStatus,
}

impl From<&RegisteredTemplate> for TemplateVersionView {
    fn from(template: &RegisteredTemplate) -> Self {
        Self {
            id: template.id.as_uuid(),
            service_id: template.service_id.as_uuid(),
            version: template.version,
            created_date: template.created_at,
            published_date: template.published_at,
            file_hash: template.sha256.to_string(),
            size: template.bytes,
            status: template.status,
        }
    }
}

/// A template that can be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ValidTemplateView {
    /// The SHA-256 of its bytes as they were received, as 64 hexadecimal digits.
    pub file_hash: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Body of `POST …/{id}/services/{name}/template`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResolveTemplate {
    /// The token of the current lease.
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid))]
    pub lease_token: LeaseToken,
    /// The SHA-256 of what the service serves, over the bytes as received: 64 hexadecimal digits.
    pub sha256: String,
}

/// The version that a service serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResolvedTemplate {
    /// Its number, from 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: u32,
    /// Where it now stands: `PUBLISHED`.
    pub status: TemplateStatus,
}

/// What a service serves, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TemplateMismatch {
    /// The SHA-256 of what the service serves.
    pub served_sha256: String,
    /// The number of the latest published version, if there is any.
    pub published_version: Option<u32>,
    /// Its SHA-256.
    pub published_sha256: Option<String>,
    /// The number of the pending version, if there is any.
    pub pending_version: Option<u32>,
    /// Its SHA-256.
    pub pending_sha256: Option<String>,
}

impl From<&UnregisteredTemplate> for TemplateMismatch {
    fn from(refusal: &UnregisteredTemplate) -> Self {
        let (published, pending) = (refusal.published.as_ref(), refusal.pending.as_ref());
        Self {
            served_sha256: refusal.served.to_string(),
            published_version: published.map(|known| known.0),
            published_sha256: published.map(|known| known.1.to_string()),
            pending_version: pending.map(|known| known.0),
            pending_sha256: pending.map(|known| known.1.to_string()),
        }
    }
}

/// How a service's template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TemplateHealthStatus {
    /// The service serves the latest published version, or the pending one.
    UpToDate,
    /// It serves a text that is not registered, or an old version.
    NotRegistered,
    /// It has served one that is not registered for longer than is allowed, and none that is since.
    Alert,
    /// It serves none.
    None,
    /// It does not answer, or not as the contract says.
    Unreachable,
}

impl TemplateHealthStatus {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UP_TO_DATE",
            Self::NotRegistered => "NOT_REGISTERED",
            Self::Alert => "ALERT",
            Self::None => "NONE",
            Self::Unreachable => "UNREACHABLE",
        }
    }
}

/// How a service's template is, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TemplateHealthView {
    /// How it is.
    pub status: TemplateHealthStatus,
    /// The SHA-256 of what it served when it was last asked; none if that was no text, or one
    /// larger than any that can be registered.
    pub served_sha256: Option<String>,
    /// The number of the version that it serves, if that is a registered one.
    pub version: Option<u32>,
    /// Since when; of an `ALERT`, when it began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Timestamp,
    /// When it was last asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub checked_at: Timestamp,
}

impl From<&TemplateHealth> for TemplateHealthView {
    fn from(health: &TemplateHealth) -> Self {
        let (status, since) = match (health.alert_since, health.state) {
            (Some(since), _) => (TemplateHealthStatus::Alert, since),
            (None, TemplateState::UpToDate) => (TemplateHealthStatus::UpToDate, health.since),
            (None, TemplateState::NotRegistered) => {
                (TemplateHealthStatus::NotRegistered, health.since)
            }
            (None, TemplateState::None) => (TemplateHealthStatus::None, health.since),
            (None, TemplateState::Unreachable) => (TemplateHealthStatus::Unreachable, health.since),
        };
        Self {
            status,
            served_sha256: health.served_sha256.as_ref().map(ToString::to_string),
            version: health.version,
            since,
            checked_at: health.checked_at,
        }
    }
}

/// How the template of one of the services is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceTemplateView {
    /// The service.
    pub service_id: Uuid,
    /// Its name.
    pub service_name: String,
    /// How its template is.
    #[serde(flatten)]
    pub template: TemplateHealthView,
}

impl From<&TemplateHealth> for ServiceTemplateView {
    fn from(health: &TemplateHealth) -> Self {
        Self {
            service_id: health.service_id.as_uuid(),
            service_name: health.service_name.to_string(),
            template: health.into(),
        }
    }
}

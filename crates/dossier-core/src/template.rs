//! Registered versions of services' templates.
//!
//! What a service serves is used only if its SHA-256 is that of a registered version: the latest
//! `PUBLISHED` one, or the `PENDING` one registered after it, which thereby becomes `PUBLISHED`. A
//! service has at most one `PENDING` version, whose number is one more than that of its latest
//! `PUBLISHED` one. A published version never changes.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ServiceId, Sha256Hex, TemplateId};

/// The largest template that is registered, in bytes, unless configured otherwise: 2 MiB.
pub const TEMPLATE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum TemplateStatus {
    /// Registered; its service was not seen serving it so far.
    Pending,
    /// Its service was seen serving it. For good.
    Published,
}

impl TemplateStatus {
    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Published => "PUBLISHED",
        }
    }

    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Published]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A registered version of a service's template, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredTemplate {
    /// Its identifier: that of these bytes, whatever number a replacement takes.
    pub id: TemplateId,
    /// Its service.
    pub service_id: ServiceId,
    /// Its number within its service, from 1.
    pub version: u32,
    /// Where it stands.
    pub status: TemplateStatus,
    /// The digest of its bytes as they were received.
    pub sha256: Sha256Hex,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its service was first seen serving it; present exactly if it is published.
    pub published_at: Option<Timestamp>,
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The version that has these bytes.
    pub template: RegisteredTemplate,
    /// Whether it was there before.
    pub repeated: bool,
}

/// The versions of a service that it may serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentTemplates {
    /// The latest published one.
    pub published: Option<RegisteredTemplate>,
    /// The one registered after it, if there is any.
    pub pending: Option<RegisteredTemplate>,
}

impl CurrentTemplates {
    /// The version that a service may serve with this digest: the latest published one, else the
    /// pending one.
    pub fn of(&self, sha256: &Sha256Hex) -> Option<&RegisteredTemplate> {
        let both = [&self.published, &self.pending];
        both.into_iter()
            .flatten()
            .find(|template| template.sha256 == *sha256)
    }

    /// Says that `served` is none of them.
    pub fn refuse(&self, served: Sha256Hex) -> UnregisteredTemplate {
        let known = |template: &Option<RegisteredTemplate>| {
            let template = template.as_ref()?;
            Some((template.version, template.sha256.clone()))
        };
        UnregisteredTemplate {
            served,
            published: known(&self.published),
            pending: known(&self.pending),
        }
    }
}

/// A service serves a template that is not registered, or an old version. Register it, or let the
/// service serve one that is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnregisteredTemplate {
    /// The digest of what the service serves.
    pub served: Sha256Hex,
    /// Number and digest of the latest published version.
    pub published: Option<(u32, Sha256Hex)>,
    /// Number and digest of the pending version.
    pub pending: Option<(u32, Sha256Hex)>,
}

impl fmt::Display for UnregisteredTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the service serves a template with SHA-256 {}, which is not expected: ",
            self.served
        )?;
        match (&self.published, &self.pending) {
            (None, None) => f.write_str("none is registered"),
            (Some((version, sha256)), None) => {
                write!(f, "the latest published version, v{version}, has {sha256}")
            }
            (None, Some((version, sha256))) => {
                write!(f, "the pending version, v{version}, has {sha256}")
            }
            (Some((version, sha256)), Some((pending, pending_sha256))) => write!(
                f,
                "the latest published version, v{version}, has {sha256}, \
                 and the pending one, v{pending}, has {pending_sha256}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(version: u32, status: TemplateStatus, digest: u8) -> RegisteredTemplate {
        RegisteredTemplate {
            id: TemplateId::generate(),
            service_id: ServiceId::generate(),
            version,
            status,
            sha256: Sha256Hex::from_digest(&[digest; 32]),
            bytes: 1,
            created_at: Timestamp::UNIX_EPOCH,
            published_at: None,
        }
    }

    #[test]
    fn a_refusal_names_what_is_served_and_all_that_is_expected() {
        let current = CurrentTemplates {
            published: Some(template(4, TemplateStatus::Published, 0xaa)),
            pending: Some(template(5, TemplateStatus::Pending, 0xbb)),
        };
        let served = Sha256Hex::from_digest(&[0xcc; 32]);
        assert_eq!(current.of(&served), None);
        let text = current.refuse(served).to_string();
        for shown in ["cc", "aa", "bb"].map(|digits| digits.repeat(32)) {
            assert!(text.contains(&shown), "{text}");
        }
        assert!(text.contains("v4") && text.contains("v5"), "{text}");
        let nothing = CurrentTemplates::default();
        let text = nothing.refuse(Sha256Hex::from_digest(&[1; 32])).to_string();
        assert!(text.ends_with("none is registered"), "{text}");
    }
}

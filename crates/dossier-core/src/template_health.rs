//! Whether services serve the templates that are registered.

use jiff::Timestamp;

use crate::service::Service;
use crate::template::CurrentTemplates;
use crate::{ServiceId, ServiceName, Sha256Hex};

/// What a service answered when it was asked for its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServedTemplate {
    /// A text with this digest.
    Text(Sha256Hex),
    /// A text that is larger than any that can be registered.
    TooLarge,
    /// That it has none (404).
    None,
    /// Nothing, or nothing that the contract knows.
    Unreachable,
}

/// What a service's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateState {
    /// It serves the latest published version, or the pending one, which is published by this.
    UpToDate,
    /// It serves a text that is not registered, or an old version.
    NotRegistered,
    /// It serves none.
    None,
    /// It does not answer.
    Unreachable,
}

impl TemplateState {
    /// The word used in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UP_TO_DATE",
            Self::NotRegistered => "NOT_REGISTERED",
            Self::None => "NONE",
            Self::Unreachable => "UNREACHABLE",
        }
    }

    /// The state of that word.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::UpToDate,
            Self::NotRegistered,
            Self::None,
            Self::Unreachable,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }

    /// What `served` means, and the number of the version that it is.
    pub fn of(served: &ServedTemplate, current: &CurrentTemplates) -> (Self, Option<u32>) {
        match served {
            ServedTemplate::Text(sha256) => match current.of(sha256) {
                Some(template) => (Self::UpToDate, Some(template.version)),
                None => (Self::NotRegistered, None),
            },
            ServedTemplate::TooLarge => (Self::NotRegistered, None),
            ServedTemplate::None => (Self::None, None),
            ServedTemplate::Unreachable => (Self::Unreachable, None),
        }
    }
}

/// How a service's template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateHealth {
    /// The service.
    pub service_id: ServiceId,
    /// Its name.
    pub service_name: ServiceName,
    /// What its latest answer means.
    pub state: TemplateState,
    /// The digest of what it serves, where it served a text of allowed size.
    pub served_sha256: Option<Sha256Hex>,
    /// The number of the version that it serves, where that is registered.
    pub version: Option<u32>,
    /// Since when the state is what it is.
    pub since: Timestamp,
    /// When it was last asked.
    pub checked_at: Timestamp,
    /// Since when there is an alert. It ends when the service serves what is registered, or none;
    /// not while it does not answer.
    pub alert_since: Option<Timestamp>,
}

/// A question that is one process's to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateQuestion {
    /// Whom to ask.
    pub service: Service,
    /// When the question was taken: what is answered counts if nobody has taken a later one.
    pub taken_at: Timestamp,
}

/// What there is to ask, and what is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateRound {
    /// Questions that are the caller's to ask.
    pub questions: Vec<TemplateQuestion>,
    /// Services that are no longer asked, of which there was an alert: it has ended.
    pub alerts_ended: Vec<ServiceName>,
}

/// What a recorded answer changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateChecked {
    /// How the service's template now is.
    pub health: TemplateHealth,
    /// What is registered, with this answer recorded.
    pub current: CurrentTemplates,
    /// The alert that begins or ends with this answer. Of many processes one is told so.
    pub alert: Option<AlertChange>,
}

/// The beginning or the end of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertChange {
    /// It begins.
    Began,
    /// It is over.
    Ended,
}

//! Reference data on the wire.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Private;
use crate::reference::ReferenceKind;

/// Most codes in one `POST /api/reference/lookup`, over all kinds.
pub const REFERENCE_LOOKUP_CODES_MAX: usize = 10_000;
/// Largest body of `PUT /api/reference/{kind}`, in bytes: 64 MiB.
pub const REFERENCE_IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;

macro_rules! by_kind {
    ($(#[$doc:meta])* $name:ident of $value:ty, shown as $shown:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        pub struct $name {
            /// Prisons, by identifier.
            #[cfg_attr(feature = "openapi", schema(value_type = $shown))]
            pub prisons: $value,
            /// Users' last names, by user name.
            #[cfg_attr(feature = "openapi", schema(value_type = $shown))]
            pub users: $value,
            /// Locations, by identifier in DPS.
            #[cfg_attr(feature = "openapi", schema(value_type = $shown))]
            pub locations_by_dps_id: $value,
            /// Locations, by number in NOMIS.
            #[cfg_attr(feature = "openapi", schema(value_type = $shown))]
            pub locations_by_nomis_id: $value,
        }

        impl $name {
            /// What it has of one kind.
            pub fn of(&self, kind: ReferenceKind) -> &$value {
                match kind {
                    ReferenceKind::Prisons => &self.prisons,
                    ReferenceKind::Users => &self.users,
                    ReferenceKind::LocationsByDpsId => &self.locations_by_dps_id,
                    ReferenceKind::LocationsByNomisId => &self.locations_by_nomis_id,
                }
            }

            /// What it has of one kind, to be changed.
            pub fn of_mut(&mut self, kind: ReferenceKind) -> &mut $value {
                match kind {
                    ReferenceKind::Prisons => &mut self.prisons,
                    ReferenceKind::Users => &mut self.users,
                    ReferenceKind::LocationsByDpsId => &mut self.locations_by_dps_id,
                    ReferenceKind::LocationsByNomisId => &mut self.locations_by_nomis_id,
                }
            }
        }
    };
}

by_kind! {
    /// Body of `POST /api/reference/lookup`: the codes whose names are wanted, at most 10,000 in all.
    ReferenceLookup of Vec<Private<String>>, shown as Vec<String>
}

by_kind! {
    /// Answer of `POST /api/reference/lookup`: a name a code; a code without a known name is absent.
    ReferenceNames of BTreeMap<Private<String>, Private<String>>, shown as BTreeMap<String, String>
}

/// Where names come from, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReferenceSourceView {
    /// Its name in the configuration; `import` is what somebody imported.
    pub source: String,
    /// What its names are of.
    pub kind: ReferenceKind,
    /// Whether its names are used: it is `import`, or stands in the API's configuration.
    pub in_use: bool,
    /// Whether it is asked code by code, when somebody wants to know, instead of loaded as a whole.
    pub on_demand: bool,
    /// Names that it gave.
    pub entries: u64,
    /// When it last gave names.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub refreshed_at: Option<Timestamp>,
    /// When it was last asked.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub tried_at: Option<Timestamp>,
    /// Whether it is being loaded now.
    #[serde(default)]
    pub loading: bool,
    /// What went wrong when it was last asked; what it gave before stays.
    pub error: Option<String>,
    /// When it is to be asked again; none for `import` and on demand.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub next: Option<Timestamp>,
}

/// Answer of `PUT /api/reference/{kind}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReferenceImported {
    /// What the names are of.
    pub kind: ReferenceKind,
    /// Names that are now imported.
    pub entries: u64,
}

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Names that templates show instead of codes. What is not known is `None`; the code is shown.
pub trait ReferenceData {
    /// The name of a prison, such as `MDI`.
    fn prison_name(&self, id: &str) -> Option<Cow<'_, str>>;
    /// The last name of a user of the services.
    fn user_last_name(&self, user: &str) -> Option<Cow<'_, str>>;
    /// The name of a location by its DPS identifier.
    fn location_by_dps_id(&self, id: &str) -> Option<Cow<'_, str>>;
    /// The name of a location by its NOMIS number.
    fn location_by_nomis_id(&self, id: &str) -> Option<Cow<'_, str>>;
}

/// No names at all: codes are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReferenceData;

impl ReferenceData for NoReferenceData {
    fn prison_name(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
    fn user_last_name(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
    fn location_by_dps_id(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
    fn location_by_nomis_id(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

/// Reference data that was read before: from a file for previews, or by a worker in one batch.
///
/// As JSON: `{"prisons": {"MDI": "Moorland", "*": "A prison"}, "users": {…}, "locationsByDpsId":
/// {…}, "locationsByNomisId": {…}}`; `*` answers for every code that is not listed. Every kind may
/// be absent; an unknown one is refused, and so is a code that comes twice.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReferenceNames {
    /// Names of prisons by their codes.
    #[serde(deserialize_with = "each_code_once")]
    pub prisons: HashMap<String, String>,
    /// Last names of users by their user names.
    #[serde(deserialize_with = "each_code_once")]
    pub users: HashMap<String, String>,
    /// Names of locations by their DPS identifiers.
    #[serde(deserialize_with = "each_code_once")]
    pub locations_by_dps_id: HashMap<String, String>,
    /// Names of locations by their NOMIS numbers.
    #[serde(deserialize_with = "each_code_once")]
    pub locations_by_nomis_id: HashMap<String, String>,
}

impl fmt::Debug for ReferenceNames {
    /// Last names are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferenceNames")
            .field("prisons", &self.prisons.len())
            .field("users", &self.users.len())
            .field("locations_by_dps_id", &self.locations_by_dps_id.len())
            .field("locations_by_nomis_id", &self.locations_by_nomis_id.len())
            .finish()
    }
}

impl ReferenceNames {
    /// Reads a reference file, with or without a byte order mark.
    ///
    /// # Errors
    /// If it is not JSON of the shape above; the error gives line and column.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text))
    }
}

/// Names by code. Of a code that comes twice nobody can say which name is meant.
fn each_code_once<'de, D: Deserializer<'de>>(json: D) -> Result<HashMap<String, String>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = HashMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of names by code")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut names = HashMap::new();
            while let Some((code, name)) = map.next_entry()? {
                if names.insert(code, name).is_some() {
                    return Err(A::Error::custom("this code came before"));
                }
            }
            Ok(names)
        }
    }

    json.deserialize_map(Names)
}

fn named<'n>(names: &'n HashMap<String, String>, code: &str) -> Option<Cow<'n, str>> {
    let name = names.get(code).or_else(|| names.get("*"))?;
    Some(Cow::Borrowed(name))
}

impl ReferenceData for ReferenceNames {
    fn prison_name(&self, id: &str) -> Option<Cow<'_, str>> {
        named(&self.prisons, id)
    }
    fn user_last_name(&self, user: &str) -> Option<Cow<'_, str>> {
        named(&self.users, user)
    }
    fn location_by_dps_id(&self, id: &str) -> Option<Cow<'_, str>> {
        named(&self.locations_by_dps_id, id)
    }
    fn location_by_nomis_id(&self, id: &str) -> Option<Cow<'_, str>> {
        named(&self.locations_by_nomis_id, id)
    }
}

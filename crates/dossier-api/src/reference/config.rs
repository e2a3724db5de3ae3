//! The `[reference]` table of the configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use dossier_core::reference::{ReferenceKind, ReferenceSource};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::ReferenceRules;
use super::source::{Asking, CODE, Shape, Source, pages_url};

/// Longest schedule: a year.
const HOURS_MAX: f64 = 8_766.0;
/// Largest answer that can be allowed: 256 MiB.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Largest answer of a list unless set: 32 MiB.
const LIST_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Largest answer for one code unless set: 1 MiB.
const EACH_BYTES_MAX: u64 = 1024 * 1024;

/// The `[reference]` table. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReferenceConfig {
    /// Longest time in which a look-up asks sources on demand, in seconds: 0.1 to 20. Default 5.
    pub lookup_seconds_max: f64,
    /// The sources, by name.
    pub sources: BTreeMap<String, SourceTable>,
}

impl Default for ReferenceConfig {
    fn default() -> Self {
        Self {
            lookup_seconds_max: ReferenceRules::default().lookup_max.as_secs_f64(),
            sources: BTreeMap::new(),
        }
    }
}

/// A `[reference.sources.NAME]` table. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// How it is asked, and what it answers.
    pub kind: SourceKind,
    /// Where it is: the base URL for the kinds of HMPPS, else the whole URL; for `each` with
    /// `{code}` in it.
    pub url: String,
    /// What its names are of; for `list` and `each`, the others know it themselves.
    #[serde(default, deserialize_with = "kind_by_word")]
    pub of: Option<ReferenceKind>,
    /// For `list`: where the list is in the answer, as a JSON Pointer (RFC 6901). Default: the
    /// answer is the list.
    #[serde(default)]
    pub list: Option<String>,
    /// For `list`: where the code is in an item, as a JSON Pointer.
    #[serde(default)]
    pub code: Option<String>,
    /// For `list` and `each`: where the name is in an item or the answer, as a JSON Pointer.
    #[serde(default)]
    pub name: Option<String>,
    /// Hours between two refreshes of a list; on demand, after how many hours a name is asked for
    /// anew: 0.01 to 8,766. Default 24.
    #[serde(default = "a_day")]
    pub every_hours: f64,
    /// Whether the token for services is sent along. Default: true for the kinds of HMPPS, else
    /// false.
    #[serde(default)]
    pub send_token: Option<bool>,
    /// Longest time for one answer, in seconds: 0.1 to 600. Default 30.
    #[serde(default = "half_a_minute")]
    pub seconds_max: f64,
    /// Largest answer, all pages of a list together, in bytes: 1 to 268,435,456. Default 32 MiB, on
    /// demand 1 MiB.
    #[serde(default)]
    pub bytes_max: Option<u64>,
}

fn a_day() -> f64 {
    24.0
}

fn half_a_minute() -> f64 {
    30.0
}

/// How a source is asked, and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum SourceKind {
    /// `GET {url}/prisons/names`: a list of `{prisonId, prisonName}`.
    PrisonRegister,
    /// `GET {url}/locations`: a list, or pages, of `{id, localName, pathHierarchy}`.
    Locations,
    /// `GET {url}/api/locations/nomis/{id}`, on demand: `{dpsLocationId}`, whose name counts.
    NomisLocations,
    /// `GET {url}`: a list somewhere in the answer.
    List,
    /// `GET {url}` with the code in it, on demand: a name somewhere in the answer.
    Each,
}

impl TryFrom<String> for SourceKind {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        Ok(match word.as_str() {
            "prison-register" => Self::PrisonRegister,
            "locations" => Self::Locations,
            "nomis-locations" => Self::NomisLocations,
            "list" => Self::List,
            "each" => Self::Each,
            _ => {
                return Err("must be prison-register, locations, nomis-locations, list or each");
            }
        })
    }
}

/// What names are of, by its word.
fn kind_by_word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ReferenceKind>, D::Error> {
    let word = String::deserialize(from)?;
    let words = || ReferenceKind::ALL.map(ReferenceKind::as_str).join(", ");
    ReferenceKind::parse(&word)
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("must be one of {}", words())))
}

impl ReferenceConfig {
    /// The rules that it sets.
    pub fn rules(&self) -> ReferenceRules {
        ReferenceRules {
            lookup_max: Duration::try_from_secs_f64(self.lookup_seconds_max).unwrap_or_default(),
            ..ReferenceRules::default()
        }
    }

    /// The sources, ready to be used.
    ///
    /// # Errors
    /// All that is wrong, a line each, by key.
    pub fn sources(&self) -> Result<Vec<Source>, Vec<String>> {
        let mut problems = Vec::new();
        if !(0.1..=20.0).contains(&self.lookup_seconds_max) {
            problems.push("reference.lookup_seconds_max must be between 0.1 and 20".to_owned());
        }
        let mut sources = Vec::new();
        for (name, table) in &self.sources {
            match table.source(name) {
                Ok(source) => sources.push(source),
                Err(found) => problems.extend(
                    found
                        .into_iter()
                        .map(|text| format!("reference.sources.{name}{text}")),
                ),
            }
        }
        if problems.is_empty() {
            Ok(sources)
        } else {
            Err(problems)
        }
    }
}

impl SourceTable {
    /// The problems begin with the key.
    fn source(&self, name: &str) -> Result<Source, Vec<String>> {
        let mut problems = self.limits();
        problems.extend(self.surplus());
        let name = name.parse::<ReferenceSource>();
        match &name {
            Ok(name) if !name.is_import() => {}
            Ok(_) => problems.push(": `import` is the name of what is imported".to_owned()),
            Err(error) => problems.push(format!(": {error}")),
        }
        let asking = self.asking();
        match (name, asking) {
            (Ok(name), Ok((of, asking))) if problems.is_empty() => Ok(Source {
                name,
                of,
                asking,
                every: Duration::from_secs_f64(self.every_hours * 3600.0),
                send_token: self.send_token.unwrap_or(self.is_of_hmpps()),
                answer_max: Duration::from_secs_f64(self.seconds_max),
                bytes_max: usize::try_from(self.bytes_max()).unwrap_or(usize::MAX),
            }),
            (_, asking) => {
                problems.extend(asking.err().into_iter().flatten());
                Err(problems)
            }
        }
    }

    fn bytes_max(&self) -> u64 {
        let is_list = !matches!(self.kind, SourceKind::NomisLocations | SourceKind::Each);
        self.bytes_max.unwrap_or(if is_list {
            LIST_BYTES_MAX
        } else {
            EACH_BYTES_MAX
        })
    }

    fn is_of_hmpps(&self) -> bool {
        matches!(
            self.kind,
            SourceKind::PrisonRegister | SourceKind::Locations | SourceKind::NomisLocations
        )
    }

    fn limits(&self) -> Vec<String> {
        let limits = [
            (
                (0.01..=HOURS_MAX).contains(&self.every_hours),
                ".every_hours must be between 0.01 and 8766 (a year)",
            ),
            (
                (0.1..=600.0).contains(&self.seconds_max),
                ".seconds_max must be between 0.1 and 600",
            ),
            (
                (1..=BYTES_MAX).contains(&self.bytes_max()),
                ".bytes_max must be between 1 and 268435456",
            ),
        ];
        let broken = limits.into_iter().filter(|(holds, _)| !holds);
        broken.map(|(_, text)| text.to_owned()).collect()
    }

    /// Keys that say nothing to a source of this kind.
    fn surplus(&self) -> Vec<String> {
        let (takes_list, takes_name) = match self.kind {
            SourceKind::List => (true, true),
            SourceKind::Each => (false, true),
            _ => (false, false),
        };
        let keys = [
            ("of", self.of.is_some(), takes_name),
            ("list", self.list.is_some(), takes_list),
            ("code", self.code.is_some(), takes_list),
            ("name", self.name.is_some(), takes_name),
        ];
        let surplus = keys
            .into_iter()
            .filter(|(_, given, taken)| *given && !taken);
        surplus
            .map(|(key, ..)| format!(".{key} does not belong to a source of this kind"))
            .collect()
    }

    fn asking(&self) -> Result<(ReferenceKind, Asking), Vec<String>> {
        match self.kind {
            SourceKind::PrisonRegister => {
                let shape = Shape::new("", "/prisonId", &["/prisonName"]);
                let url = pages_url(&self.url, &["prisons", "names"]).map_err(url_problem)?;
                Ok((
                    ReferenceKind::Prisons,
                    Asking::List {
                        url,
                        shape,
                        in_pages: false,
                    },
                ))
            }
            SourceKind::Locations => {
                let shape = Shape::new("", "/id", &["/localName", "/pathHierarchy"]);
                let url = pages_url(&self.url, &["locations"]).map_err(url_problem)?;
                Ok((
                    ReferenceKind::LocationsByDpsId,
                    Asking::List {
                        url,
                        shape,
                        in_pages: true,
                    },
                ))
            }
            SourceKind::NomisLocations => {
                let base = pages_url(&self.url, &["api", "locations", "nomis"]);
                let template = format!("{}/{CODE}", base.map_err(url_problem)?);
                Ok((
                    ReferenceKind::LocationsByNomisId,
                    Asking::EachByDpsId { template },
                ))
            }
            SourceKind::List => self.list(),
            SourceKind::Each => self.each(),
        }
    }

    fn list(&self) -> Result<(ReferenceKind, Asking), Vec<String>> {
        let url = source_url(&self.url);
        let list = pointer("list", Some(self.list.as_deref().unwrap_or_default()));
        let code = pointer("code", self.code.as_deref());
        let name = pointer("name", self.name.as_deref());
        match (self.of, url, list, code, name) {
            (Some(of), Ok(url), Ok(list), Ok(code), Ok(name)) => {
                let shape = Shape::new(list, code, &[name]);
                Ok((
                    of,
                    Asking::List {
                        url,
                        shape,
                        in_pages: false,
                    },
                ))
            }
            (of, url, list, code, name) => {
                let problems = [
                    missing_of(of),
                    url.err(),
                    list.err(),
                    code.err(),
                    name.err(),
                ];
                Err(problems.into_iter().flatten().collect())
            }
        }
    }

    fn each(&self) -> Result<(ReferenceKind, Asking), Vec<String>> {
        let name = pointer("name", self.name.as_deref());
        let template = super::source::checked_template(&self.url).ok_or(format!(
            ".url must be an http or https URL without user and password, with {CODE} in its path \
             or query"
        ));
        match (self.of, template, name) {
            (Some(of), Ok(template), Ok(name)) => Ok((
                of,
                Asking::Each {
                    template,
                    name: name.to_owned(),
                },
            )),
            (of, template, name) => {
                let problems = [missing_of(of), template.err(), name.err()];
                Err(problems.into_iter().flatten().collect())
            }
        }
    }
}

fn missing_of(of: Option<ReferenceKind>) -> Option<String> {
    let words = ReferenceKind::ALL.map(ReferenceKind::as_str).join(", ");
    of.is_none().then(|| format!(".of must be one of {words}"))
}

fn pointer<'a>(key: &str, pointer: Option<&'a str>) -> Result<&'a str, String> {
    let is_list = key == "list";
    pointer
        .filter(|pointer| pointer.starts_with('/') || (is_list && pointer.is_empty()))
        .ok_or(format!(".{key} must be a JSON Pointer such as /name"))
}

fn source_url(text: &str) -> Result<url::Url, String> {
    super::source::checked_url(text).ok_or_else(|| {
        ".url must be an http or https URL without user, password and fragment".to_owned()
    })
}

fn url_problem(text: String) -> Vec<String> {
    vec![text]
}

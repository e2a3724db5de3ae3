//! Where the document API is and how it is used: the `[documents.document_api]` table.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::ClientBuilder;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::InvalidSetting;
use crate::s3::is_time;

/// The `[documents.document_api]` table. Times are seconds and may have a fraction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentApiConfig {
    /// The API's base URL, `http` or `https`. Needed.
    pub url: Option<Url>,
    /// The type under which every document is stored: reports, packages and kept answers.
    pub document_type: String,
    /// What Dossier calls itself there, in the header `Service-Name`.
    pub service_name: String,
    /// A PEM file with certificates of authorities to trust, beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// Largest file that the API takes, in megabytes (1,000,000 bytes). Default 50.
    pub file_megabytes_max: u32,
    /// Longest time to connect. Default 10.
    pub connect_seconds_max: f64,
    /// Longest time from a call to the head of its answer, beside the time that the upload itself
    /// may take: a second for every 256 KiB. Default 60.
    pub answer_seconds_max: f64,
    /// Longest silence within a download. Default 30.
    pub idle_seconds_max: f64,
    /// Tries of a call that may succeed the next time, from 1. Default 4.
    pub tries_max: u32,
    /// Pause after the first try, give or take half of it; it doubles with every further one.
    /// Default 0.5.
    pub try_pause_seconds: f64,
}

impl Default for DocumentApiConfig {
    fn default() -> Self {
        Self {
            url: None,
            document_type: "SUBJECT_ACCESS_REQUEST_REPORT".to_owned(),
            service_name: "dossier".to_owned(),
            ca_file: None,
            file_megabytes_max: 50,
            connect_seconds_max: 10.0,
            answer_seconds_max: 60.0,
            idle_seconds_max: 30.0,
            tries_max: 4,
            try_pause_seconds: 0.5,
        }
    }
}

impl DocumentApiConfig {
    /// Whether every setting can be used.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        let must = |holds: bool, key: &'static str, must: &'static str| {
            if holds {
                Ok(())
            } else {
                Err(InvalidSetting { key, must })
            }
        };
        let is_base = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        must(
            self.url.as_ref().is_some_and(is_base),
            "url",
            "must be an http or https URL without user name, password and query",
        )?;
        let in_type = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        must(
            !self.document_type.is_empty() && self.document_type.chars().all(in_type),
            "document_type",
            "must be letters, digits, underscores and hyphens",
        )?;
        let in_header = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        must(
            !self.service_name.trim().is_empty() && self.service_name.bytes().all(in_header),
            "service_name",
            "must be visible characters of ASCII",
        )?;
        must(
            self.file_megabytes_max > 0,
            "file_megabytes_max",
            "must be at least 1",
        )?;
        for (key, seconds) in [
            ("connect_seconds_max", self.connect_seconds_max),
            ("answer_seconds_max", self.answer_seconds_max),
            ("idle_seconds_max", self.idle_seconds_max),
            ("try_pause_seconds", self.try_pause_seconds),
        ] {
            must(is_time(seconds), key, "must be 0.001 to 86400")?;
        }
        must(
            (1..=100).contains(&self.tries_max),
            "tries_max",
            "must be 1 to 100",
        )
    }

    /// What the HTTP client is to be like. It must trust [`ca_file`](Self::ca_file), too.
    pub fn client_settings(&self, builder: ClientBuilder) -> ClientBuilder {
        builder
            .connect_timeout(Duration::from_secs_f64(self.connect_seconds_max))
            .redirect(reqwest::redirect::Policy::none())
    }
}

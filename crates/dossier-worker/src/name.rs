//! The look-up of the data subject's name.

use std::sync::Arc;
use std::time::Duration;

use dossier_core::subject::{SubjectIdentifier, SubjectName};
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION};
use reqwest::Client;
use serde_json::Value;
use url::Url;

use crate::config::{Limits, NameLookup, NameSource};
use crate::connection::fault;
use crate::token::TokenSource;

/// Tries a look-up, within its time limit.
const TRIES_MAX: u32 = 2;
/// Pause between two tries.
const TRY_PAUSE: Duration = Duration::from_millis(300);

/// Knows where names are looked up.
pub(crate) struct Names {
    http: Client,
    tokens: Arc<TokenSource>,
    nomis: Option<NameSource>,
    ndelius: Option<NameSource>,
    time_max: Duration,
    bytes_max: u64,
}

/// Why a look-up found nothing.
enum NotFound {
    Passing(String),
    Lasting(String),
}

impl Names {
    pub fn new(
        lookup: &NameLookup,
        http: Client,
        tokens: Arc<TokenSource>,
        limits: &Limits,
    ) -> Self {
        let prison = |base: &Url| known_source(base, "api/offenders", "/firstName", "/lastName");
        let probation =
            |base: &Url| known_source(base, "probation-case", "/name/forename", "/name/surname");
        let nomis = lookup.nomis.clone();
        let ndelius = lookup.ndelius.clone();
        Self {
            http,
            tokens,
            nomis: nomis.or_else(|| lookup.prison_api_url.as_ref().map(prison)),
            ndelius: ndelius.or_else(|| lookup.probation_api_url.as_ref().map(probation)),
            time_max: limits.name_max,
            bytes_max: limits.name_bytes_max,
        }
    }

    /// The data subject's name, if it can be had in time.
    pub async fn look_up(&self, subject: &SubjectIdentifier) -> Option<SubjectName> {
        let source = match subject {
            SubjectIdentifier::Nomis(_) => self.nomis.as_ref(),
            SubjectIdentifier::Ndelius(_) => self.ndelius.as_ref(),
        }?;
        let answer = tokio::time::timeout(self.time_max, self.ask(source, subject)).await;
        match answer {
            Ok(Ok(name)) => name,
            Ok(Err(NotFound::Passing(error) | NotFound::Lasting(error))) => {
                tracing::warn!(error, "the name look-up failed");
                None
            }
            Err(_) => {
                tracing::warn!(error = "no answer in time", "the name look-up failed");
                None
            }
        }
    }

    async fn ask(
        &self,
        source: &NameSource,
        subject: &SubjectIdentifier,
    ) -> Result<Option<SubjectName>, NotFound> {
        let mut tries = 1;
        loop {
            match self.ask_once(source, subject).await {
                Err(NotFound::Passing(_)) if tries < TRIES_MAX => tries += 1,
                answer => return answer,
            }
            tokio::time::sleep(TRY_PAUSE).await;
        }
    }

    async fn ask_once(
        &self,
        source: &NameSource,
        subject: &SubjectIdentifier,
    ) -> Result<Option<SubjectName>, NotFound> {
        let passing = |error: reqwest::Error| NotFound::Passing(fault(&error));
        let lasting = |text: &str| NotFound::Lasting(text.to_owned());
        let url = source
            .url_for(subject.reveal())
            .ok_or_else(|| lasting("the URL is wrong"))?;
        let mut call = self.http.get(url).header(ACCEPT, "application/json");
        if source.send_token {
            let bearer = self.tokens.bearer().await;
            if let Some(bearer) = bearer.map_err(|error| NotFound::Passing(error.to_string()))? {
                call = call.header(AUTHORIZATION, bearer);
            }
        }
        let mut response = call.send().await.map_err(passing)?;
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ if status.is_server_error() => {
                return Err(NotFound::Passing(format!("status {}", status.as_u16())));
            }
            _ => return Err(NotFound::Lasting(format!("status {}", status.as_u16()))),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(passing)? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > self.bytes_max {
                return Err(lasting("the answer is too large"));
            }
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|_| lasting("not JSON"))?;
        Ok(source.name_in(&answer))
    }
}

impl NameSource {
    fn name_in(&self, answer: &Value) -> Option<SubjectName> {
        let part = |pointer: &Option<String>| answer.pointer(pointer.as_deref()?)?.as_str();
        SubjectName::from_parts(part(&self.forename), part(&self.surname))
    }
}

fn known_source(base: &Url, path: &str, forename: &str, surname: &str) -> NameSource {
    NameSource {
        url: format!("{}/{path}/{{id}}", base.as_str().trim_end_matches('/')),
        forename: Some(forename.to_owned()),
        surname: Some(surname.to_owned()),
        send_token: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_where_the_pointers_say() {
        let base = Url::parse("https://prison.example/base/").unwrap();
        let source = known_source(&base, "probation-case", "/name/forename", "/name/surname");
        assert_eq!(
            source.url,
            "https://prison.example/base/probation-case/{id}"
        );
        let name = |answer: &str| {
            let answer = serde_json::from_str(answer).unwrap();
            source.name_in(&answer).map(|name| name.reveal().to_owned())
        };
        let both = r#"{"name":{"forename":"Ada","surname":"Lovelace"}}"#;
        assert_eq!(name(both).as_deref(), Some("LOVELACE, Ada"));
        assert_eq!(
            name(r#"{"name":{"forename":"Ada"}}"#).as_deref(),
            Some("Ada")
        );
        for nothing in [
            "{}",
            "[]",
            "null",
            r#"{"name":"Ada"}"#,
            r#"{"name":{"surname":7}}"#,
        ] {
            assert_eq!(name(nothing), None, "{nothing}");
        }
    }
}

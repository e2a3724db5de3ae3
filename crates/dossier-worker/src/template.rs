//! A service's own template: one try to get it, and the templates of before versions were kept.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dossier_core::{ServiceName, Sha256Hex};
use dossier_template::limits::TEMPLATE_BYTES_MAX;
use dossier_template::{Finding, Severity, Template, TemplateError, check_source, template_text};
use http::HeaderValue;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING};
use reqwest::Client;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::config::Limits;
use crate::connection::fault;
use crate::fetch::{Fault, refused, send, too_slow};

/// Parsed templates that are held; more than most organisations have services.
const PARSED_MAX: usize = 256;
/// What the names of legacy templates' files may start with.
const LEGACY_PREFIX: &str = "template_";
/// How the names of legacy templates' files end.
const LEGACY_ENDINGS: [&str; 3] = ["mustache", "hbs", "handlebars"];

/// A template as a service serves it.
#[derive(Debug)]
pub(crate) struct Served {
    pub bytes: Vec<u8>,
    /// Over the bytes as received.
    pub sha256: Sha256Hex,
}

/// Asks the service once for its template; none if it has none.
pub(crate) async fn fetch(
    http: &Client,
    service: &Url,
    bearer: Option<&HeaderValue>,
    limits: &Limits,
    time_left: Duration,
) -> Result<Option<Served>, Fault> {
    let time_max = limits.answer_max.min(time_left);
    let deadline = Instant::now() + time_max;
    let mut url = service.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty()
            .extend(["subject-access-request", "template"]);
    }
    let mut call = http
        .get(url)
        .header(ACCEPT, "*/*")
        .header(ACCEPT_ENCODING, "identity");
    if let Some(bearer) = bearer {
        call = call.header(AUTHORIZATION, bearer);
    }
    let response = send(call, deadline, time_max, limits)
        .await
        .map_err(of_template)?;
    match response.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        _ => {
            return Err(of_template(refused(response.status(), response.headers())));
        }
    }
    let reading = read(response, limits.idle_max);
    let bytes = timeout_at(deadline, reading)
        .await
        .unwrap_or_else(|_| Err(too_slow("no whole answer", time_max)))
        .map_err(of_template)?;
    Ok(Some(Served {
        sha256: Sha256Hex::from_digest(&Sha256::digest(&bytes).into()),
        bytes,
    }))
}

async fn read(mut response: reqwest::Response, idle_max: Duration) -> Result<Vec<u8>, Fault> {
    let is_encoded = response
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity");
    if is_encoded {
        return Err(Fault::lasting(
            "a compressed answer, which was not asked for",
        ));
    }
    let mut bytes = Vec::new();
    loop {
        let chunk = match timeout(idle_max, response.chunk()).await {
            Ok(chunk) => {
                chunk.map_err(|error| Fault::passing(format!("it broke off: {}", fault(&error))))?
            }
            Err(_) => return Err(too_slow("it stood still", idle_max)),
        };
        let Some(chunk) = chunk else {
            return Ok(bytes);
        };
        if bytes.len() + chunk.len() > TEMPLATE_BYTES_MAX {
            return Err(Fault::lasting(format!(
                "it has more than {TEMPLATE_BYTES_MAX} bytes"
            )));
        }
        bytes.extend_from_slice(&chunk);
    }
}

fn of_template(fault: Fault) -> Fault {
    Fault {
        text: format!("its template: {}", fault.text),
        remedy: fault.remedy,
    }
}

/// The templates that were parsed, so that each is parsed once.
#[derive(Default)]
pub(crate) struct ParsedTemplates(Mutex<HashMap<Sha256Hex, Arc<Template>>>);

impl ParsedTemplates {
    /// The template of these bytes. The error gives the place, and quotes the template at most.
    pub fn parse(&self, served: &Served) -> Result<Arc<Template>, String> {
        let known = self.lock().get(&served.sha256).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let text = std::str::from_utf8(&served.bytes)
            .map_err(|_| "its template is not text in UTF-8".to_owned())?;
        let template = Template::parse(text).map_err(|error| format!("its template: {error}"))?;
        let template = Arc::new(template);
        let mut parsed = self.lock();
        if parsed.len() >= PARSED_MAX {
            parsed.clear();
        }
        parsed.insert(served.sha256.clone(), Arc::clone(&template));
        Ok(template)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Sha256Hex, Arc<Template>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the folder of legacy templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LegacyTemplatesError {
    /// The folder or a file cannot be read; look at its path and rights.
    #[error("the legacy templates' {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// The system's account of it.
        source: io::Error,
    },
    /// A file is no template; correct or remove it.
    #[error("the legacy template {}:{error}", path.display())]
    NoTemplate {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong.
        error: TemplateError,
    },
}

/// Templates of services that do not serve their own: files named after the services, such as
/// `court-case-service.mustache` or `template_court-case-service.mustache`.
#[derive(Default)]
pub(crate) struct LegacyTemplates(HashMap<ServiceName, Arc<Template>>);

impl LegacyTemplates {
    /// Reads all templates of a folder. Files that are not named like one are passed over.
    pub fn open(folder: &Path) -> Result<Self, LegacyTemplatesError> {
        let mut templates = HashMap::new();
        for (service, path) in legacy_files(folder)? {
            templates.insert(service, Arc::new(legacy_template(path)?));
        }
        Ok(Self(templates))
    }

    /// The service's template.
    pub fn of(&self, service: &ServiceName) -> Option<Arc<Template>> {
        self.0.get(service).cloned()
    }
}

/// Why no worker would start with this folder of legacy templates: of each file that cannot be used
/// the first reason, or that the folder cannot be read.
pub fn check_legacy_templates(folder: &Path) -> Vec<LegacyTemplatesError> {
    match legacy_files(folder) {
        Ok(files) => files
            .into_iter()
            .filter_map(|(_, path)| legacy_template(path).err())
            .collect(),
        Err(error) => vec![error],
    }
}

/// The files of a folder that are named like a template, in order, and the services that they are of.
fn legacy_files(folder: &Path) -> Result<Vec<(ServiceName, PathBuf)>, LegacyTemplatesError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        files.extend(legacy_service(&path).map(|service| (service, path)));
    }
    files.sort_by(|(_, one), (_, other)| one.cmp(other));
    Ok(files)
}

fn legacy_template(path: PathBuf) -> Result<Template, LegacyTemplatesError> {
    let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
    let usable = || {
        let text = template_text(&bytes)?;
        // What `template check` has for an error is one here too, such as a partial that is missing.
        let mut findings = check_source(text, None).into_iter();
        match findings.find(|finding| finding.severity() == Severity::Error) {
            Some(finding) => Err(finding),
            None => Ok(text),
        }
    };
    let parsed = match usable() {
        Ok(text) => Template::parse(text),
        Err(Finding { place, text, .. }) => Err(TemplateError {
            place,
            problem: text,
        }),
    };
    parsed.map_err(|error| LegacyTemplatesError::NoTemplate { path, error })
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> LegacyTemplatesError + use<> {
    let path = path.to_owned();
    move |source| LegacyTemplatesError::Unreadable { path, source }
}

fn legacy_service(path: &Path) -> Option<ServiceName> {
    let ending = path.extension().and_then(OsStr::to_str)?;
    if !LEGACY_ENDINGS.contains(&ending) {
        return None;
    }
    let stem = path.file_stem().and_then(OsStr::to_str)?;
    stem.strip_prefix(LEGACY_PREFIX)
        .unwrap_or(stem)
        .parse()
        .ok()
}

//! An answer for a person's data, and what it holds.

use std::path::{Path, PathBuf};

use dossier_core::subject::SubjectIdentifier;
use dossier_report::{JsonKind, ResponseSurvey, survey_response};
use dossier_worker::probe::{Credential, NoReply, Probe, Reply};
use jiff::civil::Date;

/// Whom to ask for, and from when.
#[derive(Clone)]
pub struct Ask {
    pub subject: SubjectIdentifier,
    pub date_from: Option<Date>,
    pub date_to: Date,
}

/// An answer; its body, if it has one, is in a file.
pub struct Answer {
    pub reply: Reply,
    pub file: PathBuf,
    pub held: Held,
}

/// What an answer holds.
pub enum Held {
    /// A JSON object.
    Object(ResponseSurvey),
    /// A body that is not one, or not whole: what is wrong with it.
    Broken(String),
    /// Nothing that is read: the status is another one than 200.
    NotRead,
}

impl Answer {
    /// Asks once. The body goes to a file of this name in `folder`.
    pub async fn get(
        probe: &Probe,
        ask: &Ask,
        credential: Credential,
        folder: &Path,
        name: &str,
    ) -> Result<Self, NoReply> {
        let file = folder.join(name);
        let (from, to) = (ask.date_from, ask.date_to);
        let reply = probe
            .data(&ask.subject, from, to, credential, &file)
            .await?;
        let held = match &reply.body {
            None => Held::NotRead,
            Some(Err(why)) => Held::Broken(why.clone()),
            Some(Ok(_)) => survey(&file).await,
        };
        Ok(Self { reply, file, held })
    }

    /// Whether the answer is one that the contract welcomes.
    pub fn is_welcome(&self) -> bool {
        match self.reply.status {
            200 => matches!(self.held, Held::Object(_)),
            204 | 209 => true,
            _ => false,
        }
    }

    /// What is there for a report: `content` that is neither null nor empty, or attachments.
    pub fn holds_something(&self) -> bool {
        let Held::Object(survey) = &self.held else {
            return false;
        };
        survey.attachments > 0 || (survey.content.is_some() && !survey.content_is_empty)
    }

    /// The length of the body, if it came whole.
    pub fn bytes(&self) -> Option<u64> {
        Some(self.reply.body.as_ref()?.as_ref().ok()?.bytes)
    }

    /// The answer in words, to be compared and printed.
    pub fn described(&self) -> String {
        let status = format!("status {}", self.reply.status);
        match &self.held {
            Held::NotRead => status,
            Held::Broken(why) => format!("{status}, but {why}"),
            Held::Object(survey) => format!("{status} with {}", content(survey)),
        }
    }
}

/// What `content` is, in words.
pub fn content(survey: &ResponseSurvey) -> String {
    match (survey.content, survey.content_is_empty) {
        (None | Some(JsonKind::Null), _) => "no content".to_owned(),
        (Some(kind), true) => format!("{kind} without anything in it as content"),
        (Some(kind), false) => format!("{kind} as content"),
    }
}

async fn survey(file: &Path) -> Held {
    let path = file.to_owned();
    match tokio::task::spawn_blocking(move || survey_response(&path)).await {
        Ok(Ok(survey)) => Held::Object(survey),
        Ok(Err(error)) => Held::Broken(error.to_string()),
        Err(_) => Held::Broken("it could not be looked at".to_owned()),
    }
}

//! The endpoint for the template.

use std::path::{Path, PathBuf};

use dossier_template::{Finding, template_text};
use dossier_worker::probe::{NoReply, Reply};

use super::Service;
use super::answer::Answer;
use super::case::{Case, Findings};
use super::check;
use super::engine;
use super::text::bytes;

/// Something that is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFinding {
    /// Where it showed.
    pub step: TemplateStep,
    /// The line in the template, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// What is wrong; quotes the template at most, and no data.
    pub text: String,
}

/// What is done with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateStep {
    /// It is parsed, and its helpers and partials are looked up.
    Parse,
    /// It is looked at for anything of an answer.
    Show,
    /// It is rendered.
    Render,
}

/// An answer without content, for a template that is only to be parsed.
const NO_CONTENT: &str = r#"{"content":null}"#;

/// Makes all checks of the endpoint; `answer` is what the known subject's data is.
pub async fn test(service: &Service<'_>, answer: Option<&Answer>, findings: &mut Findings) {
    let file = service.folder.path().join("template");
    let reply = match service.probe.template(&file).await {
        Ok(reply) => reply,
        Err(error) => {
            findings.add(no_answer(&check::TEMPLATE_STATUS, &error));
            return findings.skip_rest("template", "there was no answer");
        }
    };
    findings.note_reached();
    findings.add(status(reply.status));
    if reply.status != 200 {
        let why = match reply.status {
            404 => "there is none",
            _ => "there was no template in the answer",
        };
        return findings.skip_rest("template", why);
    }
    let text = match text(&reply, &file) {
        Ok(text) => text,
        Err(case) => {
            findings.add(case);
            return findings.skip_rest("template", "its text cannot be read");
        }
    };
    findings.add(Case::passed(
        &check::TEMPLATE_TEXT,
        bytes(text.len() as u64),
    ));
    findings.add(again(service, &reply).await);
    let body = answer.filter(|answer| answer.bytes().is_some());
    let body = body.map(|answer| answer.file.clone());
    look_at(service, text, body, findings).await;
}

fn no_answer(check: &check::Check, error: &NoReply) -> Case {
    let advice = "answer the template, or 404 if the service has none";
    Case::failed(check, format!("no answer: {error}"), advice)
}

fn status(status: u16) -> Case {
    let check = &check::TEMPLATE_STATUS;
    match status {
        200 => Case::passed(check, "status 200"),
        404 => Case::skipped(check, "status 404: the section is rendered generically"),
        300..400 => Case::failed(
            check,
            format!("status {status}"),
            "answer at this URL: redirects are not followed",
        ),
        _ => Case::failed(
            check,
            format!("status {status}"),
            "answer 200 with the template, or 404 if the service has none",
        ),
    }
}

fn text(reply: &Reply, file: &Path) -> Result<String, Case> {
    let advice = "send the template as text in UTF-8, as it was registered";
    let failed = |seen: &str| Case::failed(&check::TEMPLATE_TEXT, seen, advice);
    match &reply.body {
        Some(Ok(_)) => {}
        Some(Err(why)) => return Err(failed(why)),
        None => return Err(failed("there is no body")),
    }
    let read = std::fs::read(file).map_err(|_| failed("it could not be read again"))?;
    match template_text(&read) {
        Ok(text) => Ok(text.to_owned()),
        Err(Finding { place, text, .. }) => {
            Err(failed("it is not text").at(vec![at(place.line, place.column, &text)], 0))
        }
    }
}

fn at(line: u32, column: u32, text: &str) -> String {
    format!("line {line}, column {column}: {text}")
}

async fn again(service: &Service<'_>, first: &Reply) -> Case {
    let check = &check::TEMPLATE_AGAIN;
    let file = service.folder.path().join("template-again");
    let second = match service.probe.template(&file).await {
        Ok(reply) => reply,
        Err(error) => return no_answer(check, &error),
    };
    let digest = |reply: &Reply| Some(reply.body.as_ref()?.as_ref().ok()?.sha256.clone());
    if digest(first) == digest(&second) {
        return Case::passed(check, "the same bytes again");
    }
    let advice = "send the file as it is: a template whose hash is not registered is refused";
    Case::failed(check, "a second call got something else", advice)
}

/// Has the engine parse and render, on a thread where that may take its time.
async fn look_at(
    service: &Service<'_>,
    text: String,
    body: Option<PathBuf>,
    findings: &mut Findings,
) {
    let has_data = body.is_some();
    let bytes_max = service.template_answer_bytes_max;
    let is_too_large =
        |body: &PathBuf| std::fs::metadata(body).is_ok_and(|file| file.len() > bytes_max);
    let too_large = body.as_ref().is_some_and(is_too_large);
    let body = body.filter(|_| !too_large);
    let none = service.folder.path().join("no-content");
    let looked = tokio::task::spawn_blocking(move || {
        let body = match body {
            Some(body) => body,
            None => {
                std::fs::write(&none, NO_CONTENT).ok()?;
                none
            }
        };
        Some(engine::look(&text, &body))
    });
    let Ok(Some(found)) = looked.await else {
        let (seen, advice) = (
            "it could not be looked at",
            "report this to those who made this",
        );
        findings.add(Case::failed(&check::TEMPLATE_PARSES, seen, advice));
        return findings.skip_rest("template", seen);
    };
    let of = |step| {
        let found = found.iter().filter(move |finding| finding.step == step);
        let found = found.map(|found| at(found.line, found.column, &found.text));
        found.collect::<Vec<_>>()
    };
    let parsing = of(TemplateStep::Parse);
    if !parsing.is_empty() {
        let (seen, advice) = ("it cannot be used", "correct the template there");
        findings.add(Case::failed(&check::TEMPLATE_PARSES, seen, advice).at(parsing, 0));
        return findings.skip_rest("template", seen);
    }
    findings.add(Case::passed(
        &check::TEMPLATE_PARSES,
        "it parses; all helpers and partials are known",
    ));
    let showing = of(TemplateStep::Show);
    findings.add(match showing.is_empty() {
        true => Case::passed(&check::TEMPLATE_SHOWS, "it has an expression"),
        false => Case::warning(
            &check::TEMPLATE_SHOWS,
            "it is the same for every answer",
            "look at what the service answers there: it may be a page of something else",
        )
        .at(showing, 0),
    });
    let rendering = of(TemplateStep::Render);
    findings.add(match (has_data, rendering.is_empty()) {
        (true, _) if too_large => Case::warning(
            &check::TEMPLATE_RENDERS,
            format!("the answer has more than {}", bytes(bytes_max)),
            "answer less: such an answer is shown as it stands, without the template",
        ),
        (false, _) => Case::skipped(&check::TEMPLATE_RENDERS, "there is no data to render"),
        (true, true) => Case::passed(&check::TEMPLATE_RENDERS, "it renders the answer"),
        (true, false) => Case::failed(
            &check::TEMPLATE_RENDERS,
            "it cannot render the service's own answer",
            "correct the template or the answer",
        )
        .at(rendering, 0),
    });
}

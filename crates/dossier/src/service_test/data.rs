//! The endpoint for a person's data: the answer for the subject that is known.

use dossier_report::{Oddity, OddityKind, ResponseSurvey};
use dossier_worker::probe::Credential;

use super::Service;
use super::answer::{Answer, Held, content};
use super::attachments;
use super::case::{Case, Findings};
use super::check;
use super::subjects;
use super::text::{bytes, time};

/// Makes all checks of the endpoint; answers the known subject's answer if it keeps the contract.
pub async fn test(service: &Service<'_>, findings: &mut Findings) -> Option<Answer> {
    let (probe, ask, folder) = (&service.probe, &service.known, service.folder.path());
    let answer = match Answer::get(probe, ask, Credential::Token, folder, "answer").await {
        Ok(answer) => answer,
        Err(error) => {
            let advice = "start the service, and look at the URL, the network and certificates";
            let seen = format!("no answer: {error}");
            findings.add(Case::failed(&check::REACHABLE, seen, advice));
            findings.skip_rest("data", "there was no answer");
            return None;
        }
    };
    findings.note_reached();
    let seen = format!("answered after {}", time(answer.reply.first_byte));
    findings.add(Case::passed(&check::REACHABLE, seen));
    findings.add(status(service, answer.reply.status));
    findings.add(duration(service, &answer));
    if !body(&answer, findings) {
        findings.skip_rest(
            "data",
            "the answer for the known subject breaks the contract",
        );
        return None;
    }
    match &answer.held {
        Held::Object(survey) => {
            findings.add(has_content(survey));
            findings.add(repeated_names(survey));
            findings.add(inline(survey));
            attachments::test(service, &answer, survey, findings).await;
        }
        _ => {
            let why = format!("there is no body with status {}", answer.reply.status);
            skip_body(findings, &why);
        }
    }
    subjects::test(service, &answer, findings).await;
    Some(answer)
}

/// The checks of a body that are made when it is a JSON object.
const OF_THE_OBJECT: [&check::Check; 9] = [
    &check::CONTENT,
    &check::REPEATED_NAMES,
    &check::INLINE,
    &check::ATTACHMENTS,
    &check::ATTACHMENT_NAMES,
    &check::ATTACHMENT_TYPES,
    &check::ATTACHMENT_ORIGINS,
    &check::ATTACHMENT_FILES,
    &check::ATTACHMENT_BYTES,
];

fn skip_body(findings: &mut Findings, why: &str) {
    for check in OF_THE_OBJECT {
        findings.add(Case::skipped(check, why));
    }
}

fn status(service: &Service<'_>, status: u16) -> Case {
    let check = &check::STATUS;
    let seen = format!("status {status}");
    match status {
        200 => Case::passed(check, seen),
        204 => Case::passed(check, format!("{seen}: no data is held")),
        209 => Case::passed(
            check,
            format!("{seen}: this kind of identifier is not supported"),
        ),
        300..400 => Case::failed(
            check,
            seen,
            "answer at this URL: redirects are not followed, since they would take personal data \
             and the token elsewhere",
        ),
        401 | 403 if !service.has_token => Case::failed(
            check,
            seen,
            "give the service's token to this test, with --token-file or DOSSIER_SERVICE_TOKEN",
        ),
        401 | 403 => Case::failed(
            check,
            seen,
            "let the client of this token read the endpoint",
        ),
        404 => Case::failed(
            check,
            seen,
            "answer 204 for a subject without data, and look whether the endpoint is below this \
             URL; 404 fails the section",
        ),
        400..500 => Case::failed(
            check,
            seen,
            "accept prn or crn, fromDate and toDate as they are documented; a 4xx fails the section \
             at once",
        ),
        500..600 => Case::failed(
            check,
            seen,
            "look into the service's log; Dossier tries again some times and then fails the section",
        ),
        _ => Case::failed(
            check,
            seen,
            "answer 200 with data, 204 without; nothing else is known",
        ),
    }
}

fn duration(service: &Service<'_>, answer: &Answer) -> Case {
    let (first, whole) = (answer.reply.first_byte, answer.reply.whole);
    let seen = format!(
        "first byte after {}, all after {}",
        time(first),
        time(whole)
    );
    if whole <= service.slow {
        return Case::passed(&check::TIME, seen);
    }
    let advice = format!(
        "make it faster, or accept a longer time than {} with --slow",
        time(service.slow)
    );
    Case::warning(&check::TIME, seen, advice)
}

/// Whether the checks may go on: the status is welcome, and if there is a body it is an object.
fn body(answer: &Answer, findings: &mut Findings) -> bool {
    let checks = [&check::WHOLE, &check::CONTENT_TYPE, &check::JSON];
    let Some(body) = &answer.reply.body else {
        let why = format!("a body with status {} is not read", answer.reply.status);
        for check in checks {
            findings.add(Case::skipped(check, why.as_str()));
        }
        return answer.is_welcome();
    };
    findings.add(match body {
        Ok(body) => Case::passed(&check::WHOLE, bytes(body.bytes)),
        Err(why) => Case::failed(
            &check::WHOLE,
            why.as_str(),
            "send the whole body without compression and pauses; the limits are \
             worker.answer_bytes_max, worker.idle_seconds_max and worker.answer_seconds_max",
        ),
    });
    findings.add(content_type(answer.reply.content_type.as_deref()));
    findings.add(match (&answer.held, body) {
        (_, Err(_)) => Case::skipped(&check::JSON, "the body did not come whole"),
        (Held::Broken(why), _) => Case::failed(
            &check::JSON,
            why.as_str(),
            "answer a JSON object such as {\"content\": [], \"attachments\": []} in UTF-8",
        ),
        _ => Case::passed(&check::JSON, "a JSON object"),
    });
    answer.is_welcome()
}

fn content_type(declared: Option<&str>) -> Case {
    let check = &check::CONTENT_TYPE;
    let advice = "send Content-Type: application/json; Dossier reads the body as JSON in any case";
    let Some(declared) = declared else {
        return Case::warning(check, "no content type", advice);
    };
    let mut parts = declared
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    if essence != "application/json" && !essence.ends_with("+json") {
        let in_type = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte);
        let is_showable = essence.len() <= 100 && essence.bytes().all(in_type);
        let shown = if is_showable {
            &essence
        } else {
            "that is none"
        };
        return Case::warning(check, format!("a content type {shown}"), advice);
    }
    let charset = parts.find_map(|part| part.strip_prefix("charset=").map(str::to_owned));
    match charset.as_deref().map(|charset| charset.trim_matches('"')) {
        None | Some("utf-8" | "utf8") => Case::passed(check, essence),
        Some(_) => Case::warning(check, "another charset than UTF-8", advice),
    }
}

fn has_content(survey: &ResponseSurvey) -> Case {
    let check = &check::CONTENT;
    match survey.content {
        Some(_) => Case::passed(check, content(survey)),
        None if survey.has_content => Case::passed(check, "content is null: no data is held"),
        None => Case::warning(
            check,
            "the object has no member content, which means that no data is held",
            "put the data into content; without data say so with status 204 or content null",
        ),
    }
}

fn repeated_names(survey: &ResponseSurvey) -> Case {
    let check = &check::REPEATED_NAMES;
    let places = pointers(survey, |kind| kind == OddityKind::RepeatedName);
    if places.is_empty() {
        return Case::passed(check, "every name is there once");
    }
    let seen = "an object has several members of one name";
    let advice = "give each member a name of its own: readers of JSON may keep any one of them";
    Case::warning(check, seen, advice).at(places, survey.oddities_beyond)
}

fn inline(survey: &ResponseSurvey) -> Case {
    let check = &check::INLINE;
    let places = pointers(survey, |kind| kind == OddityKind::InlineNotImage);
    if !places.is_empty() {
        let seen = "an inline attachment has another contentType than image/*";
        let advice = "list what is no image in attachments instead";
        return Case::failed(check, seen, advice).at(places, survey.oddities_beyond);
    }
    match survey.inline_attachments {
        0 => Case::skipped(check, "there are none"),
        1 => Case::passed(check, "one image"),
        count => Case::passed(check, format!("{count} images")),
    }
}

/// Where something odd is.
pub fn pointers(survey: &ResponseSurvey, of: impl Fn(OddityKind) -> bool) -> Vec<String> {
    let found = survey.oddities.iter().filter(|oddity| of(oddity.kind));
    found.map(described).collect()
}

fn described(oddity: &Oddity) -> String {
    let pointer = &oddity.pointer;
    match oddity.kind {
        OddityKind::Missing => format!("{pointer}: absent"),
        OddityKind::WrongType { expected, found } => {
            format!("{pointer}: {found} instead of {expected}")
        }
        _ => pointer.clone(),
    }
}

//! The attachments that an answer lists, and the files themselves.

use std::path::Path;

use dossier_report::{
    Attachment, OddityKind, ResponseSurvey, contradicting_type, list_attachments,
};

use super::Service;
use super::answer::Answer;
use super::case::{Case, Findings};
use super::check;
use super::data::pointers;

/// Makes all checks of the attachments.
pub async fn test(
    service: &Service<'_>,
    answer: &Answer,
    survey: &ResponseSurvey,
    findings: &mut Findings,
) {
    findings.add(members(survey));
    findings.add(names(survey));
    findings.add(types(survey));
    let list = match listed(service, &answer.file).await {
        Ok(list) if !list.is_empty() => list,
        Ok(_) => return skip_files(findings, "none are listed"),
        Err(why) => {
            let advice = "correct the list: an answer with one that cannot be fetched is refused";
            findings.add(Case::skipped(
                &check::ATTACHMENT_ORIGINS,
                "the list is refused",
            ));
            findings.add(Case::failed(&check::ATTACHMENT_FILES, why, advice));
            findings.add(Case::skipped(
                &check::ATTACHMENT_BYTES,
                "the list is refused",
            ));
            return;
        }
    };
    let allowed = origins(service, &list, findings);
    files(service, &list, &allowed, findings).await;
}

fn skip_files(findings: &mut Findings, why: &str) {
    for check in [
        &check::ATTACHMENT_ORIGINS,
        &check::ATTACHMENT_FILES,
        &check::ATTACHMENT_BYTES,
    ] {
        findings.add(Case::skipped(check, why));
    }
}

/// Whether the entries have their members, each of its type.
fn members(survey: &ResponseSurvey) -> Case {
    let check = &check::ATTACHMENTS;
    let is_wrong = |kind| matches!(kind, OddityKind::WrongType { .. });
    let is_absent = |kind| kind == OddityKind::Missing;
    let places = pointers(survey, |kind| is_wrong(kind) || is_absent(kind));
    let needs_url = |place: &String| place.ends_with("/url: absent");
    if survey.oddities.iter().any(|oddity| is_wrong(oddity.kind)) || places.iter().any(needs_url) {
        let advice = "write each member as the contract says";
        let seen = "a member of an attachment is absent or of another type";
        return Case::failed(check, seen, advice).at(places, survey.oddities_beyond);
    }
    if !places.is_empty() {
        let advice = "add it: the report calls attachments by these members";
        let seen = "a member of an attachment is absent";
        return Case::warning(check, seen, advice).at(places, survey.oddities_beyond);
    }
    match survey.attachments {
        0 => Case::passed(check, "none are listed"),
        1 => Case::passed(check, "one is listed, with all members"),
        count => Case::passed(check, format!("{count} are listed, with all members")),
    }
}

fn names(survey: &ResponseSurvey) -> Case {
    let check = &check::ATTACHMENT_NAMES;
    let places = pointers(survey, |kind| kind == OddityKind::UncleanName);
    match (survey.attachments, places.is_empty()) {
        (0, _) => Case::skipped(check, "none are listed"),
        (_, true) => Case::passed(check, "the names are clean"),
        (_, false) => Case::warning(
            check,
            "a name has to be cleaned before it is shown",
            "send the name as people are to read it: no &amp;, no control characters, no \
             no-break spaces around it",
        )
        .at(places, survey.oddities_beyond),
    }
}

fn types(survey: &ResponseSurvey) -> Case {
    let check = &check::ATTACHMENT_TYPES;
    let places = pointers(survey, |kind| kind == OddityKind::NoMediaType);
    match (survey.attachments, places.is_empty()) {
        (0, _) => Case::skipped(check, "none are listed"),
        (_, true) => Case::passed(check, "the content types have the form of one"),
        (_, false) => Case::warning(
            check,
            "a contentType does not have the form of one",
            "write it as type/subtype, such as application/pdf",
        )
        .at(places, survey.oddities_beyond),
    }
}

async fn listed(service: &Service<'_>, answer: &Path) -> Result<Vec<Attachment>, String> {
    let path = answer.to_owned();
    let list = match tokio::task::spawn_blocking(move || list_attachments(&path)).await {
        Ok(Ok(list)) => list,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("the list could not be looked at".to_owned()),
    };
    let (found, max) = (list.len(), service.attachments_max);
    if found > max {
        return Err(format!("{found} are listed; at most {max} are fetched"));
    }
    Ok(list)
}

/// Which of them may be fetched.
fn origins(service: &Service<'_>, list: &[Attachment], findings: &mut Findings) -> Vec<bool> {
    let refused: Vec<Option<String>> = list
        .iter()
        .map(|attachment| service.probe.may_fetch(attachment).err())
        .collect();
    let places: Vec<String> = numbered(&refused).collect();
    findings.add(if places.is_empty() {
        let seen = "all may be fetched from where they are";
        Case::passed(&check::ATTACHMENT_ORIGINS, seen)
    } else {
        let seen = "an attachment may not be fetched from where it is";
        let advice = "serve it from the service's own origin; or allow its host: here with \
                      --allow-host HOST, for workers in worker.attachment_hosts";
        Case::failed(&check::ATTACHMENT_ORIGINS, seen, advice).at(places, 0)
    });
    refused.iter().map(Option::is_none).collect()
}

/// Fetches what may be fetched, one after the other, and looks at the first bytes.
async fn files(
    service: &Service<'_>,
    list: &[Attachment],
    allowed: &[bool],
    findings: &mut Findings,
) {
    let file = service.folder.path().join("attachment");
    let (mut missed, mut contradicted) = (Vec::new(), Vec::new());
    let mut fetched = 0;
    for (attachment, allowed) in list.iter().zip(allowed) {
        let outcome = match allowed {
            true => Some(service.probe.attachment(attachment, &file).await),
            false => None,
        };
        contradicted.push(match outcome {
            Some(Ok(())) => {
                fetched += 1;
                contradiction(&file, attachment)
            }
            _ => None,
        });
        missed.push(outcome.and_then(Result::err));
    }
    if allowed.iter().all(|allowed| !allowed) {
        let why = "none may be fetched";
        findings.add(Case::skipped(&check::ATTACHMENT_FILES, why));
        findings.add(Case::skipped(&check::ATTACHMENT_BYTES, why));
        return;
    }
    let places: Vec<String> = numbered(&missed).collect();
    findings.add(match places.is_empty() {
        true => Case::passed(&check::ATTACHMENT_FILES, format!("{fetched} fetched")),
        false => Case::failed(
            &check::ATTACHMENT_FILES,
            "an attachment cannot be had",
            "answer 200 to a GET with the listed headers, and as many bytes as announced; an \
             attachment that cannot be had fails the section",
        )
        .at(places, 0),
    });
    let places: Vec<String> = numbered(&contradicted).collect();
    findings.add(match (places.is_empty(), fetched) {
        (_, 0) => Case::skipped(&check::ATTACHMENT_BYTES, "none were fetched"),
        (true, _) => Case::passed(
            &check::ATTACHMENT_BYTES,
            "no file contradicts its contentType",
        ),
        (false, _) => Case::warning(
            &check::ATTACHMENT_BYTES,
            "a file is something else than its contentType says",
            "declare what it is, and look whether the service sends an error page as a file",
        )
        .at(places, 0),
    });
}

fn contradiction(file: &Path, attachment: &Attachment) -> Option<String> {
    match contradicting_type(file, &attachment.content_type) {
        Ok(found) => found.map(|found| format!("its first bytes say: {found}")),
        Err(_) => Some("it could not be read again".to_owned()),
    }
}

fn numbered(texts: &[Option<String>]) -> impl Iterator<Item = String> {
    let numbered = texts.iter().enumerate();
    numbered.filter_map(|(place, text)| Some(format!("/attachments/{place}: {}", text.as_ref()?)))
}

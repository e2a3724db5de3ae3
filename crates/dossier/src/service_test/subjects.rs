//! Further questions for a person's data: the same again, about others, and without a token.

use dossier_worker::probe::{Credential, NoReply};
use jiff::civil::date;

use super::Service;
use super::answer::{Answer, Ask, Held};
use super::case::{Case, Findings};
use super::check;

/// Asks all of them; `known` is the answer for the subject that is known.
pub async fn test(service: &Service<'_>, known: &Answer, findings: &mut Findings) {
    findings.add(again(service, known).await);
    findings.add(unknown(service, known).await);
    findings.add(other_identifier(service).await);
    findings.add(dates(service, known).await);
    findings.add(token(service).await);
}

async fn ask(service: &Service<'_>, ask: &Ask, credential: Credential) -> Result<Answer, NoReply> {
    let (probe, folder) = (&service.probe, service.folder.path());
    Answer::get(probe, ask, credential, folder, "further-answer").await
}

fn no_answer(check: &check::Check, error: &NoReply) -> Case {
    let advice = "look into the service's log: the first question was answered";
    Case::failed(check, format!("no answer: {error}"), advice)
}

async fn again(service: &Service<'_>, known: &Answer) -> Case {
    let check = &check::AGAIN;
    let answer = match ask(service, &service.known, Credential::Token).await {
        Ok(answer) => answer,
        Err(error) => return no_answer(check, &error),
    };
    let (first, second) = (known.described(), answer.described());
    if first == second {
        return Case::passed(check, second);
    }
    let advice = "answer a question the same way each time: a section may be asked for again";
    Case::failed(check, format!("first {first}, then {second}"), advice)
}

async fn unknown(service: &Service<'_>, known: &Answer) -> Case {
    let check = &check::UNKNOWN;
    let answer = match ask(service, &service.unknown, Credential::Token).await {
        Ok(answer) => answer,
        Err(error) => return no_answer(check, &error),
    };
    let seen = answer.described();
    match answer.reply.status {
        204 => Case::passed(check, seen),
        209 if known.reply.status == 209 => Case::passed(check, seen),
        209 => Case::warning(
            check,
            seen,
            "answer 204: 209 says that this kind of identifier is not supported",
        ),
        200 if !answer.is_welcome() => Case::failed(check, seen, "answer 204"),
        200 if answer.holds_something() => Case::failed(
            check,
            format!("{seen}, for a subject that does not exist"),
            "answer 204; if there is such a subject, name another with --unknown-prn or \
             --unknown-crn",
        ),
        200 => match &answer.held {
            Held::Object(survey) if survey.content.is_some() => Case::warning(
                check,
                seen,
                "answer 204, or content null: content that is empty is not `no data`, and the \
                 template is rendered with it",
            ),
            _ => Case::passed(check, seen),
        },
        404 => Case::failed(
            check,
            seen,
            "answer 204: 404 fails the section, so that whoever is not known to this service gets \
             no report at all",
        ),
        _ => Case::failed(check, seen, "answer 204, or 200 with content null"),
    }
}

async fn other_identifier(service: &Service<'_>) -> Case {
    let check = &check::OTHER_IDENTIFIER;
    let Some(other) = &service.other else {
        return Case::skipped(check, "only asked with both --prn and --crn");
    };
    match ask(service, other, Credential::Token).await {
        Ok(answer) if answer.is_welcome() => Case::passed(check, answer.described()),
        Ok(answer) => Case::failed(
            check,
            answer.described(),
            "answer 209 if only the other kind of identifier is supported",
        ),
        Err(error) => no_answer(check, &error),
    }
}

/// A day before anything that a service can hold.
const LONG_AGO: jiff::civil::Date = date(1900, 1, 1);

async fn dates(service: &Service<'_>, known: &Answer) -> Case {
    let check = &check::DATES;
    let range = Ask {
        date_from: Some(LONG_AGO),
        date_to: LONG_AGO,
        ..service.known.clone()
    };
    let answer = match ask(service, &range, Credential::Token).await {
        Ok(answer) => answer,
        Err(error) => return no_answer(check, &error),
    };
    let seen = format!("for {LONG_AGO} alone: {}", answer.described());
    if !answer.is_welcome() {
        let advice = "answer 204, or 200 with what there is, for any range of days";
        return Case::failed(check, seen, advice);
    }
    if answer.holds_something() && answer.bytes() == known.bytes() {
        return Case::warning(
            check,
            format!("{seen}, as long as without that range"),
            "leave out what is not of the days from fromDate to toDate",
        );
    }
    Case::passed(check, seen)
}

async fn token(service: &Service<'_>) -> Case {
    let check = &check::TOKEN;
    if !service.has_token {
        return Case::skipped(check, "no token was given");
    }
    match ask(service, &service.known, Credential::Nothing).await {
        Ok(answer) if matches!(answer.reply.status, 401 | 403) => {
            Case::passed(check, answer.described())
        }
        Ok(answer) if answer.holds_something() => Case::warning(
            check,
            "the service answers personal data to anybody",
            "ask for a token, and refuse with 401 without one",
        ),
        Ok(answer) => Case::warning(
            check,
            answer.described(),
            "refuse with 401 before anything else is looked at",
        ),
        Err(error) => no_answer(check, &error),
    }
}

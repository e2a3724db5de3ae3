//! Completing requests, any number in one statement.

use std::collections::HashMap;

use dossier_core::FinishedDocument;
use dossier_core::lease::LeaseRefusal;
use dossier_core::request::RequestStatus;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::failure::{breaks_a_rule, store_error};
use super::renewals::refusal;
use super::rows::{DOCUMENTS, optional};
use super::session::{In, Session};
use super::sql::this_moment;
use super::{Failed, PostgresStore, StoreError};
use crate::completion::{Completion, are_same, rounds};
use crate::rows::{Columns, documents_by_request};
use crate::section_values::size;

/// The request's row becomes Completed and its documents are added in one statement: all or
/// nothing. Rows are locked in the order of their identifiers, so that two who complete the same
/// requests never wait in a circle; what they hold is judged by what they are once they are locked.
const COMPLETE: &str = concat!(
    "WITH asked AS MATERIALIZED (\
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], \
                              $6::bigint[]) WITH ORDINALITY \
         AS asked (id, token, document_id, document_bytes, document_sha256, pages, place)), \
     locked AS MATERIALIZED (\
         SELECT id, status, lease_token, lease_expires_at, completed_by, document_id, \
                document_bytes, document_sha256 \
         FROM requests WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE), \
     judged AS MATERIALIZED (\
         SELECT asked.*, locked.status, \
                coalesce(locked.status = 'Pending' AND locked.lease_token = asked.token \
                         AND locked.lease_expires_at > ",
    this_moment!(),
    ", false) AS held, \
                coalesce(locked.completed_by = asked.token \
                         AND locked.document_id = asked.document_id \
                         AND locked.document_bytes = asked.document_bytes \
                         AND locked.document_sha256 = asked.document_sha256, false) AS repeated \
         FROM asked LEFT JOIN locked ON locked.id = asked.id), \
     completed AS (\
         UPDATE requests SET status = 'Completed', completed_by = judged.token, finished_at = ",
    this_moment!(),
    ", document_id = judged.document_id, document_bytes = judged.document_bytes, \
             document_sha256 = judged.document_sha256, pages = judged.pages, \
             error_detail = NULL, lease_token = NULL, lease_expires_at = NULL, leased_by = NULL \
         FROM judged WHERE requests.id = judged.id AND judged.held \
         AND NOT EXISTS (SELECT 1 FROM sections WHERE sections.request_id = judged.id \
                         AND sections.status <> 'COMPLETE' OFFSET 0) \
         RETURNING requests.id), \
     others AS (\
         INSERT INTO documents \
             (request_id, kind, volume, document_id, document_bytes, document_sha256, pages) \
         SELECT other.* FROM unnest($7::uuid[], $8::text[], $9::bigint[], $10::uuid[], \
                                    $11::bigint[], $12::text[], $13::bigint[]) \
         AS other (request_id, kind, volume, document_id, document_bytes, document_sha256, pages) \
         JOIN completed ON completed.id = other.request_id) \
     SELECT judged.status, judged.held, judged.repeated, completed.id IS NOT NULL AS completed \
     FROM judged LEFT JOIN completed ON completed.id = judged.id ORDER BY judged.place"
);

/// What became of a completion.
enum Verdict {
    Completed,
    /// The same token completed it with this report before; it remains to be seen whether with the
    /// same other documents.
    Repeated,
    Refused(LeaseRefusal),
}

impl PostgresStore {
    pub(super) async fn finish_all(
        &self,
        completions: &[Completion],
    ) -> Result<Vec<Result<(), StoreError>>, Failed> {
        let mut outcomes: Vec<Option<Result<(), StoreError>>> = Vec::new();
        outcomes.resize_with(completions.len(), || None);
        for round in rounds(completions.iter().map(|one| one.id)) {
            let asked: Vec<&Completion> = round.iter().map(|place| &completions[*place]).collect();
            for (place, outcome) in round.iter().zip(self.finish_round(&asked).await?) {
                outcomes[*place] = Some(outcome);
            }
        }
        let all: Option<Vec<_>> = outcomes.into_iter().collect();
        Ok(all.ok_or(StoreError::Corrupt("completion"))?)
    }

    /// Completes requests of which no two are the same. What the database's rules refuse, such as a
    /// document that another request has, spoils the whole statement: then each goes alone.
    async fn finish_round(
        &self,
        asked: &[&Completion],
    ) -> Result<Vec<Result<(), StoreError>>, Failed> {
        match finish_at_once(self.statements().await?, asked).await {
            Ok(rows) => self.outcomes(asked, &rows).await,
            Err(error) if breaks_a_rule(&error) => {
                let mut outcomes = Vec::with_capacity(asked.len());
                for one in asked {
                    outcomes.push(self.finish_alone(one).await?);
                }
                Ok(outcomes)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn finish_alone(&self, asked: &Completion) -> Result<Result<(), StoreError>, Failed> {
        match finish_at_once(self.statements().await?, &[asked]).await {
            Ok(rows) => {
                let outcome = self.outcomes(&[asked], &rows).await?.pop();
                Ok(outcome.ok_or(StoreError::Corrupt("completion"))?)
            }
            Err(error) if breaks_a_rule(&error) => Ok(Err(store_error(error))),
            Err(error) => Err(error.into()),
        }
    }

    async fn outcomes(
        &self,
        asked: &[&Completion],
        rows: &[PgRow],
    ) -> Result<Vec<Result<(), StoreError>>, Failed> {
        let verdicts: Vec<Verdict> = rows.iter().map(verdict).collect::<Result<_, _>>()?;
        let repeated = asked.iter().zip(&verdicts);
        let repeated = repeated.filter(|(_, verdict)| matches!(verdict, Verdict::Repeated));
        let ids: Vec<Uuid> = repeated.map(|(one, _)| one.id.as_uuid()).collect();
        let mut known = match &ids[..] {
            [] => HashMap::new(),
            _ => self.documents_of(ids).await?,
        };
        let outcomes = asked.iter().zip(verdicts).map(|(one, verdict)| {
            let refusal = match verdict {
                Verdict::Completed => return Ok(()),
                Verdict::Repeated => {
                    let others = known.remove(&one.id.as_uuid()).unwrap_or_default();
                    if are_same(&one.others, others) {
                        return Ok(());
                    }
                    LeaseRefusal::Finished
                }
                Verdict::Refused(refusal) => refusal,
            };
            Err(refusal.into())
        });
        Ok(outcomes.collect())
    }

    /// What completed requests have besides their reports' first volumes.
    async fn documents_of(
        &self,
        ids: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Vec<FinishedDocument>>, Failed> {
        let mut session = self.statements().await?;
        let rows = sqlx::query(DOCUMENTS).bind(ids).all(&mut session).await?;
        session.commit().await?;
        Ok(documents_by_request(&rows)?)
    }
}

async fn finish_at_once(
    mut session: Session,
    asked: &[&Completion],
) -> Result<Vec<PgRow>, sqlx::Error> {
    fn of<T>(asked: &[&Completion], value: impl Fn(&Completion) -> T) -> Vec<T> {
        asked.iter().map(|completion| value(completion)).collect()
    }
    let others: Vec<(Uuid, &FinishedDocument)> = asked
        .iter()
        .flat_map(|completion| {
            let id = completion.id.as_uuid();
            completion.others.iter().map(move |other| (id, other))
        })
        .collect();
    fn each<T>(
        others: &[(Uuid, &FinishedDocument)],
        value: impl Fn(&FinishedDocument) -> T,
    ) -> Vec<T> {
        others.iter().map(|(_, other)| value(other)).collect()
    }
    let rows = sqlx::query(COMPLETE)
        .bind(of(asked, |one| one.id.as_uuid()))
        .bind(of(asked, |one| one.token.as_uuid()))
        .bind(of(asked, |one| one.document.id.as_uuid()))
        .bind(of(asked, |one| size(one.document.bytes)))
        .bind(of(asked, |one| one.document.sha256.as_str().to_owned()))
        .bind(of(asked, |one| i64::from(one.pages)))
        .bind(others.iter().map(|(id, _)| *id).collect::<Vec<Uuid>>())
        .bind(each(&others, |other| other.kind.as_str()))
        .bind(each(&others, |other| i64::from(other.volume)))
        .bind(each(&others, |other| other.kept.id.as_uuid()))
        .bind(each(&others, |other| size(other.kept.bytes)))
        .bind(each(&others, |other| other.kept.sha256.as_str().to_owned()))
        .bind(each(&others, |other| other.pages.map(i64::from)))
        .all(&mut session)
        .await?;
    session.commit().await?;
    Ok(rows)
}

fn verdict(row: &PgRow) -> Result<Verdict, StoreError> {
    if row.flag("completed")? {
        return Ok(Verdict::Completed);
    }
    if row.flag("repeated")? {
        return Ok(Verdict::Repeated);
    }
    if row.flag("held")? {
        return Ok(Verdict::Refused(LeaseRefusal::Uncollected));
    }
    let status = optional(row, "status", RequestStatus::parse)?;
    Ok(Verdict::Refused(refusal(status)))
}

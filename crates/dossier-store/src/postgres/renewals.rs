//! Renewing leases, any number in one statement.

use dossier_core::lease::{LeaseRefusal, LeaseRules};
use dossier_core::request::RequestStatus;
use dossier_core::{LeaseToken, RequestId};
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::rows::{optional, optional_time};
use super::session::In;
use super::sql::{millis, this_moment};
use super::{Failed, PostgresStore, StoreError};
use crate::completion::rounds;

impl PostgresStore {
    pub(super) async fn renew_leases(
        &self,
        leases: &[(RequestId, LeaseToken)],
        rules: &LeaseRules,
    ) -> Result<Vec<Result<Timestamp, LeaseRefusal>>, Failed> {
        let mut outcomes: Vec<Option<Result<Timestamp, LeaseRefusal>>> = vec![None; leases.len()];
        for round in rounds(leases.iter().map(|(id, _)| *id)) {
            let asked: Vec<_> = round.iter().map(|place| leases[*place]).collect();
            for (place, outcome) in round.iter().zip(self.renew_at_once(&asked, rules).await?) {
                outcomes[*place] = Some(outcome);
            }
        }
        let all: Option<Vec<_>> = outcomes.into_iter().collect();
        Ok(all.ok_or(StoreError::Corrupt("renewal"))?)
    }

    /// Renews leases of which no two are of one request: a row that was changed already could not be
    /// locked again.
    async fn renew_at_once(
        &self,
        leases: &[(RequestId, LeaseToken)],
        rules: &LeaseRules,
    ) -> Result<Vec<Result<Timestamp, LeaseRefusal>>, Failed> {
        // Rows are locked in the order of their identifiers, so that two who renew the same leases
        // never wait in a circle; what they hold is judged by what they are once they are locked.
        const RENEW: &str = concat!(
            "WITH asked AS MATERIALIZED (\
                 SELECT * FROM unnest($1::uuid[], $2::uuid[]) \
                 WITH ORDINALITY AS asked (id, token, place)), \
             locked AS MATERIALIZED (\
                 SELECT asked.place, requests.id, requests.status, \
                        requests.status = 'Pending' AND requests.lease_token = asked.token \
                        AND requests.lease_expires_at > ",
            this_moment!(),
            " AS held \
                 FROM asked JOIN requests ON requests.id = asked.id \
                 ORDER BY requests.id FOR NO KEY UPDATE OF requests), \
             renewed AS (\
                 UPDATE requests SET lease_expires_at = ",
            this_moment!(),
            " + $3 FROM locked WHERE requests.id = locked.id AND locked.held \
                 RETURNING requests.id, requests.lease_expires_at) \
             SELECT locked.status, \
                    CASE WHEN locked.held THEN renewed.lease_expires_at END AS lease_expires_at \
             FROM asked LEFT JOIN locked ON locked.place = asked.place \
             LEFT JOIN renewed ON renewed.id = locked.id ORDER BY asked.place"
        );
        let (ids, tokens): (Vec<Uuid>, Vec<Uuid>) = leases
            .iter()
            .map(|(id, token)| (id.as_uuid(), token.as_uuid()))
            .unzip();
        let mut session = self.statements().await?;
        let rows = sqlx::query(RENEW)
            .bind(ids)
            .bind(tokens)
            .bind(millis(rules.lock_period))
            .all(&mut session)
            .await?;
        session.commit().await?;
        Ok(rows.iter().map(outcome).collect::<Result<_, _>>()?)
    }
}

fn outcome(row: &PgRow) -> Result<Result<Timestamp, LeaseRefusal>, StoreError> {
    if let Some(until) = optional_time(row, "lease_expires_at")? {
        return Ok(Ok(until));
    }
    let status = optional(row, "status", RequestStatus::parse)?;
    Ok(Err(refusal(status)))
}

/// Why somebody who does not hold the current lease of a request of this status is refused.
pub(super) fn refusal(status: Option<RequestStatus>) -> LeaseRefusal {
    match status {
        None => LeaseRefusal::Unknown,
        Some(RequestStatus::Pending) => LeaseRefusal::Lost,
        Some(RequestStatus::Completed | RequestStatus::Errored) => LeaseRefusal::Finished,
    }
}

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
use crate::completion::LEASES_AT_ONCE_MAX;

impl PostgresStore {
    pub(super) async fn renew_leases(
        &self,
        leases: &[(RequestId, LeaseToken)],
        rules: &LeaseRules,
    ) -> Result<Vec<Result<Timestamp, LeaseRefusal>>, Failed> {
        let mut outcomes = Vec::with_capacity(leases.len());
        for leases in leases.chunks(LEASES_AT_ONCE_MAX) {
            outcomes.extend(self.renew_at_once(leases, rules).await?);
        }
        Ok(outcomes)
    }

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
                 SELECT id, status, lease_token, lease_expires_at FROM requests \
                 WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE), \
             renewed AS (\
                 UPDATE requests SET lease_expires_at = ",
            this_moment!(),
            " + $3 FROM locked JOIN asked ON asked.id = locked.id \
                 WHERE requests.id = locked.id AND locked.lease_token = asked.token \
                 AND locked.status = 'Pending' AND locked.lease_expires_at > ",
            this_moment!(),
            " RETURNING requests.id, requests.lease_token, requests.lease_expires_at) \
             SELECT locked.status, renewed.lease_expires_at FROM asked \
             LEFT JOIN locked ON locked.id = asked.id \
             LEFT JOIN renewed ON renewed.id = asked.id AND renewed.lease_token = asked.token \
             ORDER BY asked.place"
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

//! Whether services serve the templates that are registered.
//!
//! Many processes may look: which one asks a service next, and which one raises or ends an alert, is
//! decided by one statement each.

use std::time::Duration;

use dossier_core::Sha256Hex;
use dossier_core::template_health::{
    AlertChange, ServedTemplate, TemplateChecked, TemplateHealth, TemplateQuestion, TemplateRound,
    TemplateState,
};
use sqlx::postgres::PgRow;

use super::rows::{
    self, optional, optional_small, optional_time, parsed, service_columns, time, uuid, word,
};
use super::session::{In, Session};
use super::sql::{millis, now};
use super::templates::{current_templates, publish_served};
use super::{Failed, PostgresStore, StoreError};

/// Whether a service is asked for its template.
macro_rules! watched {
    () => {
        "(services.enabled AND services.template_migrated)"
    };
}

impl PostgresStore {
    pub(super) async fn take_questions(&self, every: Duration) -> Result<TemplateRound, Failed> {
        const FORGET: &str = concat!(
            "DELETE FROM template_health WHERE service_id IN (SELECT id FROM services WHERE NOT ",
            watched!(),
            ") RETURNING service_id, alert_since"
        );
        const TAKE: &str = concat!(
            "INSERT INTO template_health (service_id, taken_at) SELECT services.id, ",
            now!(),
            " FROM services WHERE ",
            watched!(),
            " AND NOT EXISTS (SELECT 1 FROM template_health \
             WHERE template_health.service_id = services.id AND taken_at > ",
            now!(),
            " - $1) ON CONFLICT (service_id) DO UPDATE SET taken_at = excluded.taken_at \
             WHERE template_health.taken_at <= excluded.taken_at - $1 \
             RETURNING service_id, taken_at"
        );
        let mut tx = self.write().await?;
        let mut round = TemplateRound::default();
        for row in &sqlx::query(FORGET).all(&mut tx).await? {
            if optional_time(row, "alert_since")?.is_some() {
                let service = known(&mut tx, row).await?;
                round.alerts_ended.push(service.details.name);
            }
        }
        let taken = sqlx::query(TAKE).bind(millis(every)).all(&mut tx).await?;
        for row in &taken {
            round.questions.push(TemplateQuestion {
                service: known(&mut tx, row).await?,
                taken_at: time(row, "taken_at")?,
            });
        }
        tx.commit().await?;
        Ok(round)
    }

    pub(super) async fn record_answer(
        &self,
        question: &TemplateQuestion,
        served: &ServedTemplate,
        alert_after: Duration,
    ) -> Result<Option<TemplateChecked>, Failed> {
        const RECORD: &str = concat!(
            "UPDATE template_health SET state = $3, served_sha256 = $4, version = $5, checked_at = ",
            now!(),
            ", since = CASE WHEN state IS NOT DISTINCT FROM $3 THEN since ELSE ",
            now!(),
            " END, unregistered_since = CASE $3 \
                 WHEN 'NOT_REGISTERED' THEN coalesce(unregistered_since, ",
            now!(),
            ") WHEN 'UNREACHABLE' THEN unregistered_since END, \
             alert_since = CASE WHEN $3 IN ('NOT_REGISTERED', 'UNREACHABLE') THEN alert_since END \
             WHERE service_id = $1 AND taken_at = $2"
        );
        let service = question.service.id;
        let mut tx = self.write().await?;
        let alerted = is_alerted(&mut tx, question).await?;
        let sha256 = match served {
            ServedTemplate::Text(sha256) => Some(sha256),
            ServedTemplate::TooLarge | ServedTemplate::None | ServedTemplate::Unreachable => None,
        };
        // Undone below if the question is no longer the caller's.
        if let Some(sha256) = sha256 {
            publish_served(&mut tx, service, sha256).await?;
        }
        let current = current_templates(&mut tx, service).await?;
        let (state, version) = TemplateState::of(served, &current);
        let recorded = sqlx::query(RECORD)
            .bind(service.as_uuid())
            .bind(question.taken_at.as_millisecond())
            .bind(state.as_str())
            .bind(sha256.map(Sha256Hex::as_str))
            .bind(version.map(i64::from))
            .run(&mut tx)
            .await?;
        if recorded.rows_affected() == 0 {
            return Ok(None);
        }
        let began = begin_alert(&mut tx, question, alert_after).await?;
        let health = health_of(&mut tx, question).await?;
        let alert = match (began, alerted && health.alert_since.is_none()) {
            (true, _) => Some(AlertChange::Began),
            (false, true) => Some(AlertChange::Ended),
            (false, false) => None,
        };
        tx.commit().await?;
        Ok(Some(TemplateChecked {
            health,
            current,
            alert,
        }))
    }

    pub(super) async fn healths(&self) -> Result<Vec<TemplateHealth>, Failed> {
        const ALL: &str = concat!(
            "SELECT template_health.*, services.name AS service_name FROM template_health \
             JOIN services ON services.id = template_health.service_id \
             WHERE state IS NOT NULL AND ",
            watched!(),
            " ORDER BY services.name"
        );
        let mut tx = self.read().await?;
        let found = sqlx::query(ALL).all(&mut tx).await?;
        Ok(found.iter().map(health).collect::<Result<_, _>>()?)
    }
}

/// Whether there was an alert before the answer. The row is held: nobody changes it meanwhile.
async fn is_alerted(session: &mut Session, question: &TemplateQuestion) -> Result<bool, Failed> {
    const ALERTED: &str =
        "SELECT alert_since FROM template_health WHERE service_id = $1 FOR UPDATE";
    let found = sqlx::query(ALERTED)
        .bind(question.service.id.as_uuid())
        .optional(session)
        .await?;
    let since = found.map(|row| optional_time(&row, "alert_since"));
    Ok(since.transpose()?.flatten().is_some())
}

/// Raises an alert if it is time and there is none; answers whether it did.
async fn begin_alert(
    session: &mut Session,
    question: &TemplateQuestion,
    after: Duration,
) -> Result<bool, Failed> {
    const BEGIN: &str = concat!(
        "UPDATE template_health SET alert_since = ",
        now!(),
        " WHERE service_id = $1 AND alert_since IS NULL AND state = 'NOT_REGISTERED' \
         AND unregistered_since <= ",
        now!(),
        " - $2"
    );
    let began = sqlx::query(BEGIN)
        .bind(question.service.id.as_uuid())
        .bind(millis(after))
        .run(session)
        .await?;
    Ok(began.rows_affected() > 0)
}

async fn health_of(
    session: &mut Session,
    question: &TemplateQuestion,
) -> Result<TemplateHealth, Failed> {
    const ONE: &str = "SELECT template_health.*, services.name AS service_name \
         FROM template_health JOIN services ON services.id = template_health.service_id \
         WHERE service_id = $1";
    let row = sqlx::query(ONE)
        .bind(question.service.id.as_uuid())
        .one(session)
        .await?;
    Ok(health(&row)?)
}

/// The service that a row belongs to.
async fn known(
    session: &mut Session,
    row: &PgRow,
) -> Result<dossier_core::service::Service, Failed> {
    const SERVICE: &str = concat!(
        "SELECT ",
        service_columns!(),
        " FROM services WHERE id = $1"
    );
    let row = sqlx::query(SERVICE)
        .bind(uuid(row, "service_id")?)
        .one(session)
        .await?;
    Ok(rows::service(&row)?)
}

fn health(row: &PgRow) -> Result<TemplateHealth, StoreError> {
    Ok(TemplateHealth {
        service_id: uuid(row, "service_id")?.into(),
        service_name: word(row, "service_name", parsed)?,
        state: word(row, "state", TemplateState::parse)?,
        served_sha256: optional(row, "served_sha256", parsed)?,
        version: optional_small(row, "version")?,
        since: time(row, "since")?,
        checked_at: time(row, "checked_at")?,
        alert_since: optional_time(row, "alert_since")?,
    })
}

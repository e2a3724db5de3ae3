//! The catalogue of services.

use dossier_core::ServiceId;
use dossier_core::service::{Service, ServiceDetails};

use super::rows::{self, service_columns};
use super::session::{In, Session};
use super::sql::{now, storable, waits};
use super::work::MANY;
use super::{Failed, PostgresStore, StoreError};

impl PostgresStore {
    pub(super) async fn catalogue(&self) -> Result<Vec<Service>, Failed> {
        const ALL: &str = concat!(
            "SELECT ",
            service_columns!(),
            " FROM services ORDER BY name"
        );
        let mut tx = self.read().await?;
        let found = sqlx::query(ALL).all(&mut tx).await?;
        Ok(found.iter().map(rows::service).collect::<Result<_, _>>()?)
    }

    pub(super) async fn add(&self, details: ServiceDetails) -> Result<Service, Failed> {
        const ADD: &str = "INSERT INTO services \
             (id, name, label, url, enabled, template_migrated, category, rank) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let id = ServiceId::generate();
        self.write_details(ADD, id, &details).await
    }

    pub(super) async fn update(
        &self,
        id: ServiceId,
        details: ServiceDetails,
    ) -> Result<Service, Failed> {
        const UPDATE: &str = "UPDATE services SET name = $2, label = $3, url = $4, enabled = $5, \
             template_migrated = $6, category = $7, rank = $8 WHERE id = $1";
        self.write_details(UPDATE, id, &details).await
    }

    async fn write_details(
        &self,
        statement: &'static str,
        id: ServiceId,
        details: &ServiceDetails,
    ) -> Result<Service, Failed> {
        let mut tx = self.write().await?;
        let written = sqlx::query(statement)
            .bind(id.as_uuid())
            .bind(details.name.as_str())
            .bind(storable(&details.label))
            .bind(details.url.as_str())
            .bind(details.enabled)
            .bind(details.template_migrated)
            .bind(details.category.as_str())
            .bind(details.rank.map(i64::from))
            .run(&mut tx)
            .await;
        if let Err(error) = written {
            return Err(match error.as_database_error() {
                Some(refusal) if refusal.is_unique_violation() => {
                    StoreError::DuplicateService(details.name.clone()).into()
                }
                _ => error.into(),
            });
        }
        let service = find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(service)
    }

    pub(super) async fn suspend(&self, id: ServiceId) -> Result<Service, Failed> {
        const SUSPEND: &str = concat!(
            "UPDATE services SET suspended_at = coalesce(suspended_at, ",
            now!(),
            ") WHERE id = $1"
        );
        const SECTIONS: &str = "UPDATE sections SET status = 'SUSPENDED' FROM requests \
             WHERE sections.service_id = $1 AND sections.status IN ('PENDING', 'ERRORED') \
             AND sections.status <> 'COMPLETE' \
             AND requests.id = sections.request_id AND requests.status = 'Pending'";
        let mut tx = self.write().await?;
        for statement in [SUSPEND, LOCK_REQUESTS, SECTIONS] {
            execute(&mut tx, statement, id).await?;
        }
        let service = find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(service)
    }

    pub(super) async fn resume(&self, id: ServiceId) -> Result<Service, Failed> {
        const RESUME: &str = "UPDATE services SET suspended_at = NULL WHERE id = $1";
        // Before the sections follow: afterwards nobody would know who only waited.
        const REQUESTS: &str = concat!(
            "UPDATE requests SET clock_started_at = ",
            now!(),
            ", due_at = ",
            now!(),
            " WHERE status = 'Pending' AND id IN (SELECT request_id FROM sections \
             WHERE service_id = $1 AND status = 'SUSPENDED' AND status <> 'COMPLETE') AND ",
            waits!()
        );
        const SECTIONS: &str = "UPDATE sections SET status = 'PENDING' FROM requests \
             WHERE sections.service_id = $1 AND sections.status = 'SUSPENDED' \
             AND sections.status <> 'COMPLETE' \
             AND requests.id = sections.request_id AND requests.status = 'Pending'";
        let mut tx = self.write().await?;
        for statement in [RESUME, LOCK_REQUESTS, REQUESTS, SECTIONS] {
            execute(&mut tx, statement, id).await?;
        }
        let service = find(&mut tx, id).await?;
        self.announce(&mut tx, MANY).await?;
        tx.commit().await?;
        self.work.came_for_many();
        Ok(service)
    }
}

/// Holds the requests that wait for an answer of the service, in one order, so that neither
/// claims nor another suspension get in between.
const LOCK_REQUESTS: &str = "SELECT 1 FROM requests WHERE status = 'Pending' AND id IN \
     (SELECT request_id FROM sections WHERE service_id = $1 AND status <> 'COMPLETE') \
     ORDER BY id FOR NO KEY UPDATE";

async fn execute(
    session: &mut Session,
    statement: &'static str,
    id: ServiceId,
) -> Result<(), Failed> {
    sqlx::query(statement)
        .bind(id.as_uuid())
        .run(session)
        .await?;
    Ok(())
}

async fn find(session: &mut Session, id: ServiceId) -> Result<Service, Failed> {
    const ONE: &str = concat!(
        "SELECT ",
        service_columns!(),
        " FROM services WHERE id = $1"
    );
    let row = sqlx::query(ONE)
        .bind(id.as_uuid())
        .optional(session)
        .await?;
    Ok(rows::service(&row.ok_or(StoreError::NotFound)?)?)
}

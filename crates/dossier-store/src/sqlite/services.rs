//! The catalogue of services.

use dossier_core::ServiceId;
use dossier_core::service::{Service, ServiceDetails};
use sqlx::SqliteConnection;

use super::rows::{self, service_columns};
use super::sql::{blob, now, waits};
use super::{SqliteStore, StoreError};

impl SqliteStore {
    pub(super) async fn catalogue(&self) -> Result<Vec<Service>, StoreError> {
        const ALL: &str = concat!(
            "SELECT ",
            service_columns!(),
            " FROM services ORDER BY name"
        );
        let mut connection = self.readers.acquire().await?;
        let found = sqlx::query(ALL).fetch_all(&mut *connection).await?;
        found.iter().map(rows::service).collect()
    }

    pub(super) async fn add(&self, details: ServiceDetails) -> Result<Service, StoreError> {
        const ADD: &str = "INSERT INTO services \
             (id, name, label, url, enabled, template_migrated, category, rank) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let id = ServiceId::generate();
        self.write_details(ADD, id, &details).await
    }

    pub(super) async fn update(
        &self,
        id: ServiceId,
        details: ServiceDetails,
    ) -> Result<Service, StoreError> {
        const UPDATE: &str = "UPDATE services SET name = ?2, label = ?3, url = ?4, enabled = ?5, \
             template_migrated = ?6, category = ?7, rank = ?8 WHERE id = ?1";
        self.write_details(UPDATE, id, &details).await
    }

    async fn write_details(
        &self,
        statement: &'static str,
        id: ServiceId,
        details: &ServiceDetails,
    ) -> Result<Service, StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(statement)
            .bind(blob(id.as_uuid()))
            .bind(details.name.as_str())
            .bind(&details.label)
            .bind(details.url.as_str())
            .bind(details.enabled)
            .bind(details.template_migrated)
            .bind(details.category.as_str())
            .bind(details.rank.map(i64::from))
            .execute(&mut *tx)
            .await
            .map_err(|error| match error.as_database_error() {
                Some(refusal) if refusal.is_unique_violation() => {
                    StoreError::DuplicateService(details.name.clone())
                }
                _ => error.into(),
            })?;
        let service = find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(service)
    }

    pub(super) async fn suspend(&self, id: ServiceId) -> Result<Service, StoreError> {
        const SUSPEND: &str = concat!(
            "UPDATE services SET suspended_at = coalesce(suspended_at, ",
            now!(),
            ") WHERE id = ?1"
        );
        const SECTIONS: &str = "UPDATE sections SET status = 'SUSPENDED' \
             WHERE service_id = ?1 AND status IN ('PENDING', 'ERRORED') AND status <> 'COMPLETE' \
             AND (SELECT status FROM requests WHERE requests.id = sections.request_id) = 'Pending'";
        let mut tx = self.write().await?;
        for statement in [SUSPEND, SECTIONS] {
            execute(&mut tx, statement, id).await?;
        }
        let service = find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(service)
    }

    pub(super) async fn resume(&self, id: ServiceId) -> Result<Service, StoreError> {
        const RESUME: &str = "UPDATE services SET suspended_at = NULL WHERE id = ?1";
        // Before the sections follow: afterwards nobody would know who only waited.
        const REQUESTS: &str = concat!(
            "UPDATE requests SET clock_started_at = ",
            now!(),
            ", due_at = ",
            now!(),
            " WHERE status = 'Pending' AND id IN (SELECT request_id FROM sections \
             WHERE service_id = ?1 AND status = 'SUSPENDED' AND status <> 'COMPLETE') AND ",
            waits!()
        );
        const SECTIONS: &str = "UPDATE sections SET status = 'PENDING' \
             WHERE service_id = ?1 AND status = 'SUSPENDED' AND status <> 'COMPLETE' \
             AND (SELECT status FROM requests WHERE requests.id = sections.request_id) = 'Pending'";
        let mut tx = self.write().await?;
        for statement in [RESUME, REQUESTS, SECTIONS] {
            execute(&mut tx, statement, id).await?;
        }
        let service = find(&mut tx, id).await?;
        tx.commit().await?;
        self.work.came_for_many();
        Ok(service)
    }
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
    id: ServiceId,
) -> Result<(), StoreError> {
    sqlx::query(statement)
        .bind(blob(id.as_uuid()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn find(connection: &mut SqliteConnection, id: ServiceId) -> Result<Service, StoreError> {
    const ONE: &str = concat!(
        "SELECT ",
        service_columns!(),
        " FROM services WHERE id = ?1"
    );
    let row = sqlx::query(ONE)
        .bind(blob(id.as_uuid()))
        .fetch_optional(connection)
        .await?;
    rows::service(&row.ok_or(StoreError::NotFound)?)
}

//! JSON Schemas of what services answer: at most one a service.

use dossier_core::ServiceId;
use dossier_core::schema::StoredSchema;
use sqlx::Row;

use super::rows::{parsed, word};
use super::session::In;
use super::{Failed, PostgresStore, StoreError};

impl PostgresStore {
    pub(super) async fn write_schema(
        &self,
        service: ServiceId,
        schema: &StoredSchema,
    ) -> Result<(), Failed> {
        const PUT: &str = "INSERT INTO schemas (service_id, sha256, content) \
             SELECT id, $2, $3 FROM services WHERE id = $1 \
             ON CONFLICT (service_id) DO UPDATE \
             SET sha256 = excluded.sha256, content = excluded.content";
        let mut tx = self.write().await?;
        let written = sqlx::query(PUT)
            .bind(service.as_uuid())
            .bind(schema.sha256.as_str())
            .bind(&schema.content)
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        found(written.rows_affected())
    }

    pub(super) async fn find_schema(&self, service: ServiceId) -> Result<StoredSchema, Failed> {
        const FIND: &str = "SELECT sha256, content FROM schemas WHERE service_id = $1";
        let mut tx = self.read().await?;
        let row = sqlx::query(FIND)
            .bind(service.as_uuid())
            .optional(&mut tx)
            .await?;
        let row = row.ok_or(StoreError::NotFound)?;
        Ok(StoredSchema {
            sha256: word(&row, "sha256", parsed)?,
            content: row.try_get("content")?,
        })
    }

    pub(super) async fn delete_schema(&self, service: ServiceId) -> Result<(), Failed> {
        const DELETE: &str = "DELETE FROM schemas WHERE service_id = $1";
        let mut tx = self.write().await?;
        let deleted = sqlx::query(DELETE)
            .bind(service.as_uuid())
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        found(deleted.rows_affected())
    }
}

fn found(rows: u64) -> Result<(), Failed> {
    match rows {
        0 => Err(StoreError::NotFound.into()),
        _ => Ok(()),
    }
}

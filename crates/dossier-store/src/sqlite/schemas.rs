//! JSON Schemas of what services answer: at most one a service.

use dossier_core::ServiceId;
use dossier_core::schema::StoredSchema;

use super::rows::{get, parsed, word};
use super::sql::blob;
use super::{SqliteStore, StoreError};

impl SqliteStore {
    pub(super) async fn write_schema(
        &self,
        service: ServiceId,
        schema: &StoredSchema,
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO schemas (service_id, sha256, content) \
             SELECT id, ?2, ?3 FROM services WHERE id = ?1 \
             ON CONFLICT (service_id) DO UPDATE \
             SET sha256 = excluded.sha256, content = excluded.content";
        let mut tx = self.write().await?;
        let written = sqlx::query(PUT)
            .bind(blob(service.as_uuid()))
            .bind(schema.sha256.as_str())
            .bind(&schema.content)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        found(written.rows_affected())
    }

    pub(super) async fn find_schema(&self, service: ServiceId) -> Result<StoredSchema, StoreError> {
        const FIND: &str = "SELECT sha256, content FROM schemas WHERE service_id = ?1";
        let mut connection = self.readers.acquire().await?;
        let row = sqlx::query(FIND)
            .bind(blob(service.as_uuid()))
            .fetch_optional(&mut *connection)
            .await?;
        let row = row.ok_or(StoreError::NotFound)?;
        Ok(StoredSchema {
            sha256: word(&row, "sha256", parsed)?,
            content: get(&row, "content")?,
        })
    }

    pub(super) async fn delete_schema(&self, service: ServiceId) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query("DELETE FROM schemas WHERE service_id = ?1")
            .bind(blob(service.as_uuid()))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        found(deleted.rows_affected())
    }
}

fn found(rows: u64) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

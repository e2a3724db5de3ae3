//! Registered versions of services' templates.
//!
//! A service's pending version has a number above all published ones, so that what a service may
//! serve is what has the highest published number or a higher one.

use dossier_core::lease::LeaseRefusal;
use dossier_core::template::{CurrentTemplates, RegisteredTemplate, Registration, TemplateStatus};
use dossier_core::{LeaseToken, RequestId, ServiceId, ServiceName, Sha256Hex, TemplateId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::leases::{current, why_refused};
use super::rows::{count, get, optional_time, parsed, time, uuid, word};
use super::sql::{blob, now};
use super::{SqliteStore, StoreError};

/// The columns of a version without its content, whose length is known without reading it.
macro_rules! version_columns {
    () => {
        "id, service_id, version, status, sha256, length(content) AS bytes, created_at, published_at"
    };
}

/// Publishes pending versions for which the rest of the statement holds.
macro_rules! publish_pending {
    () => {
        concat!(
            "UPDATE template_versions SET status = 'PUBLISHED', published_at = ",
            now!(),
            " WHERE status = 'PENDING' AND "
        )
    };
}

/// Whether `?1` and `?2` are a request and the token of its current lease, and it has a section of
/// the service named `?3`, whose template the row is of.
macro_rules! held_by {
    () => {
        concat!(
            "service_id = (SELECT id FROM services WHERE name = ?3) \
             AND EXISTS (SELECT 1 FROM requests JOIN sections ON sections.request_id = requests.id \
             WHERE sections.service_id = template_versions.service_id AND ",
            current!(),
            ")"
        )
    };
}

impl SqliteStore {
    pub(super) async fn register(
        &self,
        service: ServiceId,
        sha256: &Sha256Hex,
        content: &[u8],
    ) -> Result<Registration, StoreError> {
        const REPLACED: &str =
            "DELETE FROM template_versions WHERE service_id = ?1 AND status = 'PENDING'";
        const REGISTER: &str = concat!(
            "INSERT INTO template_versions \
             (id, service_id, version, status, sha256, created_at, content) \
             SELECT ?2, ?1, coalesce(max(version), 0) + 1, 'PENDING', ?3, ",
            now!(),
            ", ?4 FROM template_versions WHERE service_id = ?1 RETURNING ",
            version_columns!()
        );
        let mut tx = self.write().await?;
        known_service(&mut tx, service).await?;
        if let Some(template) = current_templates(&mut tx, service).await?.of(sha256) {
            return Ok(Registration {
                template: template.clone(),
                repeated: true,
            });
        }
        sqlx::query(REPLACED)
            .bind(blob(service.as_uuid()))
            .execute(&mut *tx)
            .await?;
        let row = sqlx::query(REGISTER)
            .bind(blob(service.as_uuid()))
            .bind(blob(TemplateId::generate().as_uuid()))
            .bind(sha256.as_str())
            .bind(content)
            .fetch_one(&mut *tx)
            .await?;
        let template = registered(&row)?;
        tx.commit().await?;
        Ok(Registration {
            template,
            repeated: false,
        })
    }

    pub(super) async fn history(
        &self,
        service: ServiceId,
    ) -> Result<Vec<RegisteredTemplate>, StoreError> {
        const HISTORY: &str = concat!(
            "SELECT ",
            version_columns!(),
            " FROM template_versions WHERE service_id = ?1 ORDER BY version DESC"
        );
        let mut tx = self.read().await?;
        known_service(&mut tx, service).await?;
        let found = sqlx::query(HISTORY)
            .bind(blob(service.as_uuid()))
            .fetch_all(&mut *tx)
            .await?;
        found.iter().map(registered).collect()
    }

    pub(super) async fn content(
        &self,
        service: ServiceId,
        version: u32,
    ) -> Result<(RegisteredTemplate, Vec<u8>), StoreError> {
        const CONTENT: &str = concat!(
            "SELECT content, ",
            version_columns!(),
            " FROM template_versions WHERE service_id = ?1 AND version = ?2"
        );
        let mut connection = self.readers.acquire().await?;
        let found = sqlx::query(CONTENT)
            .bind(blob(service.as_uuid()))
            .bind(i64::from(version))
            .fetch_optional(&mut *connection)
            .await?;
        let row = found.ok_or(StoreError::NotFound)?;
        Ok((registered(&row)?, get(&row, "content")?))
    }

    pub(super) async fn resolve(
        &self,
        id: RequestId,
        token: LeaseToken,
        service: &ServiceName,
        sha256: &Sha256Hex,
    ) -> Result<RegisteredTemplate, StoreError> {
        const PUBLISH: &str = concat!(
            publish_pending!(),
            "sha256 = ?4 AND ",
            held_by!(),
            " RETURNING ",
            version_columns!()
        );
        const PUBLISHED: &str = concat!(
            "SELECT ",
            version_columns!(),
            " FROM template_versions WHERE sha256 = ?4 AND version = \
             (SELECT max(version) FROM template_versions AS published \
             WHERE published.service_id = template_versions.service_id \
             AND published.status = 'PUBLISHED') AND ",
            held_by!()
        );
        let mut tx = self.write().await?;
        // What is pending is never the same as what was published last: one of the two at most is
        // found.
        for statement in [PUBLISHED, PUBLISH] {
            let found = sqlx::query(statement)
                .bind(blob(id.as_uuid()))
                .bind(blob(token.as_uuid()))
                .bind(service.as_str())
                .bind(sha256.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(row) = found {
                let template = registered(&row)?;
                tx.commit().await?;
                return Ok(template);
            }
        }
        Err(why_unresolved(&mut tx, id, token, service, sha256).await?)
    }
}

/// Why a template was not resolved: because of the lease, else because of its digest.
async fn why_unresolved(
    connection: &mut SqliteConnection,
    id: RequestId,
    token: LeaseToken,
    service: &ServiceName,
    sha256: &Sha256Hex,
) -> Result<StoreError, StoreError> {
    const SECTION: &str = concat!(
        "SELECT (SELECT sections.service_id FROM sections \
         JOIN services ON services.id = sections.service_id \
         WHERE sections.request_id = ?1 AND services.name = ?3) AS service_id \
         FROM requests WHERE ",
        current!()
    );
    let held = sqlx::query(SECTION)
        .bind(blob(id.as_uuid()))
        .bind(blob(token.as_uuid()))
        .bind(service.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = held else {
        return Ok(why_refused(connection, id).await?.into());
    };
    let section: Option<&[u8]> = get(&row, "service_id")?;
    if section.is_none() {
        return Ok(LeaseRefusal::UnknownSection.into());
    }
    let service = uuid(&row, "service_id")?.into();
    let current = current_templates(connection, service).await?;
    Ok(StoreError::UnregisteredTemplate(Box::new(
        current.refuse(sha256.clone()),
    )))
}

async fn known_service(
    connection: &mut SqliteConnection,
    service: ServiceId,
) -> Result<(), StoreError> {
    let found = sqlx::query("SELECT 1 FROM services WHERE id = ?1")
        .bind(blob(service.as_uuid()))
        .fetch_optional(connection)
        .await?;
    found.map(drop).ok_or(StoreError::NotFound)
}

/// Publishes a service's pending version if it has this digest.
pub(super) async fn publish_served(
    connection: &mut SqliteConnection,
    service: ServiceId,
    sha256: &Sha256Hex,
) -> Result<(), StoreError> {
    const PUBLISH: &str = concat!(publish_pending!(), "service_id = ?1 AND sha256 = ?2");
    sqlx::query(PUBLISH)
        .bind(blob(service.as_uuid()))
        .bind(sha256.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// The versions that a service may serve.
pub(super) async fn current_templates(
    connection: &mut SqliteConnection,
    service: ServiceId,
) -> Result<CurrentTemplates, StoreError> {
    const CURRENT: &str = concat!(
        "SELECT ",
        version_columns!(),
        " FROM template_versions WHERE service_id = ?1 AND version >= \
         coalesce((SELECT max(version) FROM template_versions \
         WHERE service_id = ?1 AND status = 'PUBLISHED'), 1)"
    );
    let found = sqlx::query(CURRENT)
        .bind(blob(service.as_uuid()))
        .fetch_all(connection)
        .await?;
    let mut current = CurrentTemplates::default();
    for row in &found {
        let template = registered(row)?;
        match template.status {
            TemplateStatus::Published => current.published = Some(template),
            TemplateStatus::Pending => current.pending = Some(template),
        }
    }
    Ok(current)
}

fn registered(row: &SqliteRow) -> Result<RegisteredTemplate, StoreError> {
    Ok(RegisteredTemplate {
        id: uuid(row, "id")?.into(),
        service_id: uuid(row, "service_id")?.into(),
        version: get(row, "version")?,
        status: word(row, "status", TemplateStatus::parse)?,
        sha256: word(row, "sha256", parsed)?,
        bytes: count(row, "bytes")?,
        created_at: time(row, "created_at")?,
        published_at: optional_time(row, "published_at")?,
    })
}

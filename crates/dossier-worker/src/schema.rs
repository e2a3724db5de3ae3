//! Services' JSON Schemas, each fetched once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dossier_core::schema::ContentSchema;
use dossier_core::{ServiceId, Sha256Hex};
use sha2::{Digest, Sha256};

use crate::api::ApiClient;

/// Schemas that are held; one may take some megabytes.
const HELD_MAX: usize = 64;

/// The schemas that were fetched, by their digests.
#[derive(Default)]
pub(crate) struct FetchedSchemas(Mutex<HashMap<Sha256Hex, ContentSchema>>);

impl FetchedSchemas {
    /// The schema of a service that had this digest when its request was claimed; if it has another
    /// one by now, that one. The error says why there is none.
    pub async fn of(
        &self,
        api: &ApiClient,
        service: ServiceId,
        sha256: &str,
    ) -> Result<ContentSchema, String> {
        let claimed: Option<Sha256Hex> = sha256.parse().ok();
        let known = claimed.and_then(|sha256| self.lock().get(&sha256).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let bytes = api.schema(service).await.map_err(|e| e.to_string())?;
        let schema = ContentSchema::parse(&bytes).map_err(|e| e.to_string())?;
        let sha256 = Sha256Hex::from_digest(&Sha256::digest(&bytes).into());
        let mut held = self.lock();
        if held.len() >= HELD_MAX {
            held.clear();
        }
        held.insert(sha256, schema.clone());
        Ok(schema)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Sha256Hex, ContentSchema>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

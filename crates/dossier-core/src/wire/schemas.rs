//! JSON Schemas of what services answer.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A service's JSON Schema, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SchemaView {
    /// Its service.
    pub service_id: Uuid,
    /// The SHA-256 of its bytes as they were received, as 64 hexadecimal digits.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

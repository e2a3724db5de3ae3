//! JSON Schemas of what services answer.

use bytes::Bytes;
use dossier_core::ServiceId;
use dossier_core::wire::SchemaView;
use http::Method;
use http::header::CONTENT_TYPE;

use super::{ANSWER_MAX, ApiClient, ApiError, once, read, repeat};

impl ApiClient {
    /// Gives a service a JSON Schema, in place of the one that it may have.
    pub async fn set_schema(
        &self,
        service: ServiceId,
        schema: Bytes,
    ) -> Result<SchemaView, ApiError> {
        let call = self
            .call(Method::PUT, &schema_path(&service.to_string()))
            .header(CONTENT_TYPE, "application/schema+json")
            .body(schema);
        read(repeat(call).await?)
    }

    /// The bytes of a service's JSON Schema, as they were set.
    pub async fn schema(&self, service: ServiceId) -> Result<Bytes, ApiError> {
        repeat(self.call(Method::GET, &schema_path(&service.to_string()))).await
    }

    /// Removes a service's JSON Schema.
    pub async fn remove_schema(&self, service: ServiceId) -> Result<(), ApiError> {
        let call = self.call(Method::DELETE, &schema_path(&service.to_string()));
        once(call, ANSWER_MAX).await.map(drop)
    }
}

fn schema_path(service: &str) -> [&str; 4] {
    ["api", "services", service, "schema"]
}

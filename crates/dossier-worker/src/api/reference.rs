//! Reference data: the names behind codes.

use std::time::Duration;

use bytes::Bytes;
use dossier_core::reference::{ReferenceKind, ReferenceSource};
use dossier_core::wire::{ReferenceImported, ReferenceLookup, ReferenceNames, ReferenceSourceView};
use http::Method;
use http::header::CONTENT_TYPE;

use super::{ANSWER_MAX, ApiClient, ApiError, once, read, repeat};

/// Longest time for a file to be sent and imported.
const IMPORT_MAX: Duration = Duration::from_secs(600);

/// The form of a file of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceFormat {
    /// An object of names by code, or a list of `{code, name}`.
    Json,
    /// Columns `code` and `name` under a header row.
    Csv,
}

impl ApiClient {
    /// All sources of names.
    pub async fn reference_sources(&self) -> Result<Vec<ReferenceSourceView>, ApiError> {
        read(repeat(self.call(Method::GET, &["api", "reference"])).await?)
    }

    /// Replaces the imported names of a kind.
    pub async fn import_reference(
        &self,
        kind: ReferenceKind,
        format: ReferenceFormat,
        file: Bytes,
    ) -> Result<ReferenceImported, ApiError> {
        let media_type = match format {
            ReferenceFormat::Json => "application/json",
            ReferenceFormat::Csv => "text/csv",
        };
        let call = self
            .call(Method::PUT, &["api", "reference", kind.as_str()])
            .header(CONTENT_TYPE, media_type)
            .body(file);
        read(once(call, IMPORT_MAX).await?)
    }

    /// Removes the names of a kind that a source gave, or that were imported.
    pub async fn remove_reference(
        &self,
        kind: ReferenceKind,
        source: &ReferenceSource,
    ) -> Result<(), ApiError> {
        let call = self
            .call(Method::DELETE, &["api", "reference", kind.as_str()])
            .query(&[("source", source.as_str())]);
        once(call, ANSWER_MAX).await.map(drop)
    }

    /// Makes a source due now.
    pub async fn refresh_reference(&self, source: &ReferenceSource) -> Result<(), ApiError> {
        let path = ["api", "reference", source.as_str(), "refresh"];
        once(self.call(Method::POST, &path), ANSWER_MAX)
            .await
            .map(drop)
    }

    /// The names of codes, as far as they are known; at most
    /// [`dossier_core::wire::REFERENCE_LOOKUP_CODES_MAX`] codes.
    pub async fn look_up_reference(
        &self,
        wanted: &ReferenceLookup,
    ) -> Result<ReferenceNames, ApiError> {
        let call = self
            .call(Method::POST, &["api", "reference", "lookup"])
            .json(wanted);
        read(repeat(call).await?)
    }
}

//! The configured document storage.

use std::path::Path;
use std::sync::Arc;

use dossier_documents::{
    Bearer, DocumentApiStore, DocumentError, DocumentStore, FolderStore, S3Store,
};
use dossier_worker::{ClientError, UpstreamTokens};
use futures::FutureExt;
use reqwest::{Client, ClientBuilder};

use crate::config::{Config, DocumentsKind};

/// Why the storage cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached or used.
    #[error(transparent)]
    Store(#[from] DocumentError),
    /// The client for it, or for its tokens, cannot be built.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Opens the storage, and tries it out.
///
/// # Errors
/// [`OpenError`] says why it cannot be used.
pub async fn open(config: &Config) -> Result<Arc<dyn DocumentStore>, OpenError> {
    let documents = &config.documents;
    match documents.kind {
        DocumentsKind::Folder => {
            let store = FolderStore::open(config.documents_folder()).await?;
            Ok(Arc::new(store))
        }
        DocumentsKind::S3 => {
            let s3 = &documents.s3;
            let http = client(|builder| s3.client_settings(builder), s3.ca_file.as_deref())?;
            Ok(Arc::new(S3Store::open(s3, http).await?))
        }
        DocumentsKind::DocumentApi => {
            let api = &documents.document_api;
            let http = client(
                |builder| api.client_settings(builder),
                api.ca_file.as_deref(),
            )?;
            let tokens = UpstreamTokens::new(&config.worker)?;
            let store = DocumentApiStore::new(api, http, Some(bearer(tokens)))?;
            store.ping().await?;
            Ok(Arc::new(store))
        }
    }
}

/// Where documents are, in words: the folder, the bucket, or the API's address.
pub fn place(config: &Config) -> String {
    let documents = &config.documents;
    match documents.kind {
        DocumentsKind::Folder => config.documents_folder().display().to_string(),
        DocumentsKind::S3 => format!("s3://{}/{}", documents.s3.bucket, documents.s3.prefix),
        DocumentsKind::DocumentApi => match &documents.document_api.url {
            Some(url) => url.to_string(),
            None => "documents.document_api.url".to_owned(),
        },
    }
}

fn client(
    settings: impl Fn(ClientBuilder) -> ClientBuilder,
    ca_file: Option<&Path>,
) -> Result<Client, ClientError> {
    dossier_worker::http_client(settings, ca_file)
}

/// The token for services is the one for the document API, too.
fn bearer(tokens: UpstreamTokens) -> Bearer {
    let tokens = Arc::new(tokens);
    Arc::new(move |refused| {
        let tokens = Arc::clone(&tokens);
        async move {
            let bearer = tokens.bearer(refused.as_ref()).await;
            bearer.map_err(|error| error.to_string())
        }
        .boxed()
    })
}

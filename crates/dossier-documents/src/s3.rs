//! Documents as objects in a bucket of Amazon S3, or of a server that speaks its protocol.
//!
//! A document is one object, `<prefix>/<identifier>`, whose metadata tell its SHA-256 and which put
//! made it. Every upload is conditional: it succeeds only if there is no object of that key, so that
//! a late worker replaces nothing. Files of more than 8 MiB go up in parts, which become an object
//! all at once or not at all. What a server received it confirms with its own SHA-256 of each
//! piece; from one that does not, the document is read back.

mod config;
mod upload;
mod wire;

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use dossier_core::{DocumentId, KeptDocument, Sha256Hex};
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3;
use object_store::client::HttpError;
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions,
};
use tokio::sync::{Mutex, Semaphore};
use uuid::Uuid;

pub(crate) use self::config::is_time;
pub use self::config::{Encryption, S3Config};
use self::upload::{UploadFault, upload};
use self::wire::Wire;
use crate::checked::checked;
use crate::content::Content;
use crate::fault::{connection_fault, unavailable, unreadable};
use crate::store::{ByteRange, DocumentError, DocumentRead, DocumentStore};

/// The metadata that hold a document's SHA-256, and the mark of the put that made it.
const SHA256: &str = "sha256";
const PUT: &str = "put";
/// Uploads at the same time; each holds up to 8 MiB in memory.
const UPLOADS_AT_ONCE: usize = 4;
/// How long a bucket that was found usable counts as such.
const PING_HOLDS: Duration = Duration::from_secs(5);

/// A bucket of documents.
pub struct S3Store {
    bucket: AmazonS3,
    wire: Wire,
    prefix: String,
    encryption: Encryption,
    uploads: Semaphore,
    usable_since: Mutex<Option<Instant>>,
}

impl S3Store {
    /// Opens the bucket, and tries out whether objects can be made, read and deleted in it, and
    /// whether it refuses to replace one and encrypts as it is told to. The client is to be made
    /// with [`S3Config::client_settings`].
    ///
    /// # Errors
    /// [`DocumentError::Unavailable`] if the bucket cannot be reached or used so.
    pub async fn open(config: &S3Config, client: reqwest::Client) -> Result<Self, DocumentError> {
        let doing = "opening the bucket";
        config
            .check()
            .map_err(|error| unavailable(doing, error.to_string()))?;
        let wire = Wire::new(client);
        let bucket = config
            .builder()
            .await?
            .with_http_connector(wire.clone())
            .build()
            .map_err(|error| unavailable(doing, fault(&error)))?;
        let store = Self {
            bucket,
            wire,
            prefix: config.prefix.clone(),
            encryption: config.encryption,
            uploads: Semaphore::new(UPLOADS_AT_ONCE),
            usable_since: Mutex::new(None),
        };
        store.try_out().await?;
        Ok(store)
    }

    fn key(&self, name: impl std::fmt::Display) -> Key {
        Key::from(format!("{}/{name}", self.prefix))
    }

    async fn try_out(&self) -> Result<(), DocumentError> {
        let doing = "trying the bucket out";
        let failed = |error| unavailable(doing, fault(&error));
        let probe = self.key(format_args!("probe-{}", Uuid::new_v4()));
        let create = || PutOptions::from(PutMode::Create);
        let put = self.bucket.put_opts(&probe, "probe".into(), create());
        put.await
            .map_err(|error| unavailable(doing, self.encryption.named_in(fault(&error))))?;
        let again = self.bucket.put_opts(&probe, "other".into(), create()).await;
        let read = self.bucket.get_opts(&probe, GetOptions::default()).await;
        self.bucket.delete(&probe).await.map_err(failed)?;
        read.map_err(failed)?;
        if !self.wire.confirms_encryption() {
            let said = "the server did not say that it encrypts what it is given";
            return Err(unavailable(doing, self.encryption.named_in(said.into())));
        }
        match again {
            Err(error) if is_taken(&error) => Ok(()),
            Err(error) => Err(failed(error)),
            Ok(_) => Err(unavailable(
                doing,
                "the server replaced an object although it was told not to (If-None-Match): a late \
                 worker could replace documents, so it cannot be used",
            )),
        }
    }

    async fn head(&self, key: &Key) -> object_store::Result<GetResult> {
        let options = GetOptions::default().with_head(true);
        self.bucket.get_opts(key, options).await
    }

    /// Looks at what is stored after an upload that went well; it must be what was sent.
    async fn verify(&self, content: &Content, mark: &str) -> Result<(), DocumentError> {
        let doing = "verifying a stored document";
        let expected = &content.document;
        let key = self.key(expected.id);
        let found = self.head(&key).await;
        let found = found.map_err(|error| unavailable(doing, fault(&error)))?;
        if metadata(&found.attributes, PUT) != Some(mark) {
            return Err(DocumentError::AlreadyExists(expected.id));
        }
        let is_whole = document(expected.id, &found).as_ref() == Some(expected)
            && (self.wire.confirms_digests() || self.reads_back(expected).await?);
        if is_whole {
            return Ok(());
        }
        // It is this put's own, and nobody knows of it yet.
        if let Err(error) = self.bucket.delete(&key).await {
            let error = fault(&error);
            tracing::warn!(error, "a document that changed on its way stays behind");
        }
        Err(unavailable(doing, "it changed on its way"))
    }

    async fn reads_back(&self, expected: &KeptDocument) -> Result<bool, DocumentError> {
        let read = self.read(expected.id, None).await?;
        let mut body = read.body;
        loop {
            match body.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(false),
                Err(source) => {
                    return Err(DocumentError::Unavailable {
                        doing: "verifying a stored document",
                        source,
                    });
                }
            }
        }
    }

    /// Whether the object was made by this put: an earlier try of its may have got through although
    /// its answer was lost.
    async fn is_ours(&self, id: DocumentId, mark: &str) -> Result<bool, DocumentError> {
        match self.head(&self.key(id)).await {
            Ok(found) => Ok(metadata(&found.attributes, PUT) == Some(mark)),
            Err(error) => Err(unavailable("storing a document", fault(&error))),
        }
    }

    async fn find(&self, id: DocumentId) -> Result<KeptDocument, DocumentError> {
        match self.head(&self.key(id)).await {
            Ok(found) => document(id, &found).ok_or(DocumentError::Damaged(id)),
            Err(object_store::Error::NotFound { .. }) => Err(DocumentError::NotFound(id)),
            Err(error) => Err(unavailable("looking a document up", fault(&error))),
        }
    }
}

#[async_trait]
impl DocumentStore for S3Store {
    async fn put(&self, id: DocumentId, file: &Path) -> Result<KeptDocument, DocumentError> {
        let content = Content::measure(id, file).await.map_err(unreadable)?;
        // Never closed; if it were, an upload more would do no harm.
        let _place = self.uploads.acquire().await;
        let mark = Uuid::new_v4().to_string();
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, content.kind.media_type().to_owned()),
            (
                Attribute::Metadata(SHA256.into()),
                content.document.sha256.to_string(),
            ),
            (Attribute::Metadata(PUT.into()), mark.clone()),
        ]);
        match upload(&self.bucket, &self.key(id), &content, attributes).await {
            Ok(()) => {}
            Err(UploadFault::File(error)) => return Err(unreadable(error)),
            Err(UploadFault::Store(error)) if is_taken(&error) => {
                if !self.is_ours(id, &mark).await? {
                    return Err(DocumentError::AlreadyExists(id));
                }
            }
            Err(UploadFault::Store(error)) => {
                return Err(unavailable("storing a document", fault(&error)));
            }
        }
        self.verify(&content, &mark).await?;
        Ok(content.document)
    }

    async fn stat(&self, id: DocumentId) -> Result<KeptDocument, DocumentError> {
        self.find(id).await
    }

    async fn read(
        &self,
        id: DocumentId,
        range: Option<ByteRange>,
    ) -> Result<DocumentRead, DocumentError> {
        let document = self.find(id).await?;
        let (start, length) = ByteRange::part_of(range, document.bytes)?;
        let is_whole = length == document.bytes;
        let body = if length == 0 {
            futures::stream::empty().boxed()
        } else {
            let part = (!is_whole).then(|| GetRange::Bounded(start..start + length));
            let options = GetOptions::default().with_range(part);
            match self.bucket.get_opts(&self.key(id), options).await {
                Ok(found) => found.into_stream().map_err(io::Error::other).boxed(),
                Err(object_store::Error::NotFound { .. }) => {
                    return Err(DocumentError::NotFound(id));
                }
                Err(error) => return Err(unavailable("opening a document", fault(&error))),
            }
        };
        let expected = is_whole.then(|| document.sha256.clone());
        let body = body.map_err(|error: io::Error| io::Error::other(connection_fault(&error)));
        Ok(DocumentRead {
            document,
            start,
            length,
            body: checked(body, length, expected),
        })
    }

    /// A delete says the same whether there was an object or not, so it is looked for first.
    async fn delete(&self, id: DocumentId) -> Result<bool, DocumentError> {
        let doing = "deleting a document";
        let key = self.key(id);
        match self.head(&key).await {
            Ok(_) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(unavailable(doing, fault(&error))),
        }
        match self.bucket.delete(&key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(true),
            Err(error) => Err(unavailable(doing, fault(&error))),
        }
    }

    /// Writes and reads a small object, `<prefix>/probe`; asked again soon, it says the same.
    async fn ping(&self) -> Result<(), DocumentError> {
        let mut usable_since = self.usable_since.lock().await;
        if usable_since.is_some_and(|since| since.elapsed() < PING_HOLDS) {
            return Ok(());
        }
        *usable_since = None;
        let failed = |error| unavailable("writing to the bucket", fault(&error));
        let probe = self.key("probe");
        let options = PutOptions::from(PutMode::Overwrite);
        self.bucket
            .put_opts(&probe, "probe".into(), options)
            .await
            .map_err(failed)?;
        self.head(&probe).await.map_err(failed)?;
        *usable_since = Some(Instant::now());
        Ok(())
    }
}

/// What an object's metadata say of a document; none if they do not.
fn document(id: DocumentId, found: &GetResult) -> Option<KeptDocument> {
    let sha256: Sha256Hex = metadata(&found.attributes, SHA256)?.parse().ok()?;
    Some(KeptDocument {
        id,
        bytes: found.meta.size,
        sha256,
    })
}

fn metadata<'a>(attributes: &'a Attributes, name: &'static str) -> Option<&'a str> {
    let value = attributes.get(&Attribute::Metadata(name.into()))?;
    Some(value.as_ref())
}

/// Whether the server refused because there is such an object, or one is being made.
fn is_taken(error: &object_store::Error) -> bool {
    matches!(
        error,
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }
    )
}

/// What went wrong, in words: a server's status and error code, or the fault of the connection. The
/// client's own account would name the URL and show the answer's body.
fn fault(error: &object_store::Error) -> String {
    let mut root: &(dyn Error + 'static) = error;
    while let Some(source) = root.source() {
        if root.is::<HttpError>() {
            return connection_fault(root);
        }
        root = source;
    }
    let text = root.to_string();
    match text.strip_prefix("Server returned ") {
        Some(answer) => {
            let status = answer.split(": ").nth(1);
            let status = status.filter(|status| status.len() < 50 && !status.contains('<'));
            let words = [status, between(answer, "<Code>", "</Code>")];
            let words: Vec<_> = words.into_iter().flatten().collect();
            format!("the server answered {}", words.join(" "))
        }
        // What the client says of an answer that no S3 server gives.
        None if text.ends_with(" Header missing from response") => {
            "its answer is not an S3 server's: is `endpoint` one, and `path_style` as it wants it?"
                .to_owned()
        }
        None => connection_fault(root),
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

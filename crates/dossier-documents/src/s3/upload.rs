//! A file on its way into the bucket: at once, or in parts.

use std::io;

use bytes::{Bytes, BytesMut};
use dossier_core::Sha256Hex;
use object_store::path::Path;
use object_store::{
    Attributes, MultipartUpload, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, Take};

use crate::content::Content;

/// Files up to this size are put at once, larger ones in parts of it: what an upload takes in memory.
pub(super) const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Most parts of one object (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const PARTS_MAX: u64 = 10_000;

/// Why a file is not in the bucket.
pub(super) enum UploadFault {
    /// The file could not be read, or is not what it was.
    File(io::Error),
    /// The server's word, or its silence.
    Store(object_store::Error),
}

impl From<io::Error> for UploadFault {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<object_store::Error> for UploadFault {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

/// Makes the object, if there is none of that key.
pub(super) async fn upload(
    bucket: &dyn ObjectStore,
    key: &Path,
    content: &Content,
    attributes: Attributes,
) -> Result<(), UploadFault> {
    let bytes = content.document.bytes;
    let mut parts = Parts {
        file: File::open(&content.path).await?.take(bytes),
        digest: Sha256::new(),
    };
    if bytes <= PART_BYTES {
        let whole = parts.next(bytes).await?;
        parts.must_be(&content.document.sha256)?;
        let options = PutOptions {
            mode: PutMode::Create,
            attributes,
            ..PutOptions::default()
        };
        bucket.put_opts(key, whole.into(), options).await?;
        return Ok(());
    }
    let options = PutMultipartOptions {
        attributes,
        ..PutMultipartOptions::default()
    };
    let mut upload = bucket.put_multipart_opts(key, options).await?;
    let sent = send(&mut *upload, parts, content).await;
    if sent.is_err()
        && let Err(error) = upload.abort().await
    {
        let error = super::fault(&error);
        tracing::warn!(error, "parts of a broken upload stay behind in the bucket");
    }
    sent
}

async fn send(
    upload: &mut dyn MultipartUpload,
    mut parts: Parts,
    content: &Content,
) -> Result<(), UploadFault> {
    let mut left = content.document.bytes;
    let part_bytes = part_bytes(left);
    while left > 0 {
        let part = parts.next(part_bytes.min(left)).await?;
        left -= part.len() as u64;
        upload.put_part(PutPayload::from(part)).await?;
    }
    parts.must_be(&content.document.sha256)?;
    upload.complete().await?;
    Ok(())
}

/// The size of the parts of a file of `bytes`.
fn part_bytes(bytes: u64) -> u64 {
    PART_BYTES.max(bytes.div_ceil(PARTS_MAX))
}

struct Parts {
    file: Take<File>,
    digest: Sha256,
}

impl Parts {
    /// The file's next so many bytes.
    async fn next(&mut self, bytes: u64) -> io::Result<Bytes> {
        let size = usize::try_from(bytes).map_err(io::Error::other)?;
        let mut part = BytesMut::with_capacity(size);
        while part.len() < size {
            let mut rest = (&mut self.file).take((size - part.len()) as u64);
            if rest.read_buf(&mut part).await? == 0 {
                return Err(changed());
            }
        }
        self.digest.update(&part);
        Ok(part.freeze())
    }

    fn must_be(&mut self, expected: &Sha256Hex) -> io::Result<()> {
        let digest = std::mem::take(&mut self.digest).finalize();
        if Sha256Hex::from_digest(&digest.into()) == *expected {
            Ok(())
        } else {
            Err(changed())
        }
    }
}

fn changed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the file was changed while it was being stored",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_has_more_parts_than_the_server_takes() {
        for bytes in [1, PART_BYTES + 1, 80 << 30, 5 << 40] {
            let parts = bytes.div_ceil(part_bytes(bytes));
            assert!(parts <= PARTS_MAX, "{bytes} bytes in {parts} parts");
        }
    }
}

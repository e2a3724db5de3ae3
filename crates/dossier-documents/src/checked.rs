//! A document's bytes on their way out, looked at as they pass.

use std::io;

use bytes::Bytes;
use dossier_core::Sha256Hex;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};

/// The bytes of `body`, which must be `length` long. With a digest, an error takes the place of the
/// last piece if the bytes are not those that were stored, so that nobody takes a damaged document
/// for whole.
pub(crate) fn checked(
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    length: u64,
    expected: Option<Sha256Hex>,
) -> BoxStream<'static, io::Result<Bytes>> {
    let passing = Passing {
        body: body.boxed(),
        left: length,
        digest: Sha256::new(),
        expected,
    };
    stream::try_unfold(passing, |mut passing| async move {
        let piece = passing.next().await?;
        Ok(piece.map(|piece| (piece, passing)))
    })
    .boxed()
}

struct Passing {
    body: BoxStream<'static, io::Result<Bytes>>,
    left: u64,
    digest: Sha256,
    expected: Option<Sha256Hex>,
}

impl Passing {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(piece) = self.body.next().await.transpose()? else {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the document is cut off",
            ));
        };
        self.left = self
            .left
            .checked_sub(piece.len() as u64)
            .ok_or_else(damaged)?;
        if let Some(expected) = &self.expected {
            self.digest.update(&piece);
            let finished = self.left == 0;
            if finished
                && Sha256Hex::from_digest(&self.digest.clone().finalize().into()) != *expected
            {
                return Err(damaged());
            }
        }
        Ok(Some(piece))
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the document is damaged")
}

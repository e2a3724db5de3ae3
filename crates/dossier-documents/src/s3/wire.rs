//! The connection to the bucket, and the things that the client above it does not do itself.
//!
//! It makes the end of an upload in parts as conditional as a single put is (`If-None-Match: *`,
//! which S3 takes for both), and notices whether the server confirms the digests of what it receives
//! and the encryption that it is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::header::IF_NONE_MATCH;
use http::{HeaderName, HeaderValue, Method, Uri};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};

const SHA256_CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-sha256");
const ENCRYPTION: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");

/// A connection whose TLS, proxies and time limits are the given client's.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    client: reqwest::Client,
    confirms_digests: Arc<AtomicBool>,
    confirms_encryption: Arc<AtomicBool>,
}

impl Wire {
    pub fn new(client: reqwest::Client) -> Self {
        Self {
            client,
            confirms_digests: Arc::new(AtomicBool::new(true)),
            confirms_encryption: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Whether the server has so far answered every upload with the digest that it computed. If it
    /// did not, somebody else has to look at what it stored.
    pub fn confirms_digests(&self) -> bool {
        self.confirms_digests.load(Ordering::Relaxed)
    }

    /// Whether the server has so far answered every single put that asks for encryption with the
    /// kind of encryption that it was asked for. If it did not, it may store what is put in clear.
    pub fn confirms_encryption(&self) -> bool {
        self.confirms_encryption.load(Ordering::Relaxed)
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if ends_upload(request.method(), request.uri()) {
            // S3 does not want this header to be signed.
            let headers = request.headers_mut();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let is_put = *request.method() == Method::PUT;
        let digest = request.headers().get(SHA256_CHECKSUM).cloned();
        let encryption = request.headers().get(ENCRYPTION).cloned();
        let response = HttpService::call(&self.client, request).await?;
        let lacks = |name: HeaderName, sent: Option<HeaderValue>| {
            response.status().is_success()
                && sent.is_some_and(|sent| response.headers().get(name) != Some(&sent))
        };
        if lacks(SHA256_CHECKSUM, digest) {
            self.confirms_digests.store(false, Ordering::Relaxed);
        }
        if is_put && lacks(ENCRYPTION, encryption) {
            self.confirms_encryption.store(false, Ordering::Relaxed);
        }
        Ok(response)
    }
}

/// Whether a request is `CompleteMultipartUpload` of the S3 API.
fn ends_upload(method: &Method, uri: &Uri) -> bool {
    let mut parameters = uri.query().unwrap_or_default().split('&');
    *method == Method::POST && parameters.any(|parameter| parameter.starts_with("uploadId="))
}

//! The connection to the bucket, and the two things that the client above it does not do itself.
//!
//! It makes the end of an upload in parts as conditional as a single put is (`If-None-Match: *`,
//! which S3 takes for both), and notices whether the server confirms the digests of what it receives.

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

/// A connection whose TLS, proxies and time limits are the given client's.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    client: reqwest::Client,
    confirms: Arc<AtomicBool>,
}

impl Wire {
    pub fn new(client: reqwest::Client) -> Self {
        Self {
            client,
            confirms: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Whether the server has so far answered every upload with the digest that it computed. If it
    /// did not, somebody else has to look at what it stored.
    pub fn confirms_digests(&self) -> bool {
        self.confirms.load(Ordering::Relaxed)
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
        let sent = request.headers().get(SHA256_CHECKSUM).cloned();
        let response = HttpService::call(&self.client, request).await?;
        if let Some(sent) = sent
            && response.status().is_success()
            && response.headers().get(SHA256_CHECKSUM) != Some(&sent)
        {
            self.confirms.store(false, Ordering::Relaxed);
        }
        Ok(response)
    }
}

/// Whether a request is `CompleteMultipartUpload` of the S3 API.
fn ends_upload(method: &Method, uri: &Uri) -> bool {
    let mut parameters = uri.query().unwrap_or_default().split('&');
    *method == Method::POST && parameters.any(|parameter| parameter.starts_with("uploadId="))
}

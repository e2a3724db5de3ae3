//! One call of the document API: its token, its time limit, and what can come of it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use reqwest::{RequestBuilder, Response};

use crate::fault::connection_fault;

/// Gives the `Authorization` header, if there is to be one; is told which one was refused, if one
/// was, and then gives another or none. The error says why there is none, without any secret.
pub type Bearer = Arc<
    dyn Fn(Option<HeaderValue>) -> BoxFuture<'static, Result<Option<HeaderValue>, String>>
        + Send
        + Sync,
>;

/// Bytes of an upload for each second that is allowed for it.
const UPLOAD_BYTES_A_SECOND: u64 = 256 * 1024;

/// Why there is no answer to work with.
#[derive(Debug)]
pub(super) enum CallFault {
    /// The API's answer was not a success.
    Status(StatusCode),
    /// There was no answer, or no token to ask with.
    Nothing(String),
    /// The file that is to be sent cannot be read.
    File(std::io::Error),
}

impl CallFault {
    /// Whether the same call may succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    )
            }
            Self::Nothing(_) => true,
            Self::File(_) => false,
        }
    }

    /// What went wrong, in words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Status(status) => format!("the document API answered {status}"),
            Self::Nothing(why) => format!("the document API: {why}"),
            Self::File(error) => error.to_string(),
        }
    }
}

/// How calls are made.
pub(super) struct Caller {
    pub bearer: Option<Bearer>,
    pub service_name: HeaderValue,
    pub answer_max: Duration,
}

impl Caller {
    /// Makes a call, and makes it again with another token if the first is refused. `request` makes
    /// it; `bytes` is how much it sends.
    pub async fn call<F>(
        &self,
        bytes: u64,
        request: impl Fn() -> F + Send + Sync,
    ) -> Result<Response, CallFault>
    where
        F: Future<Output = std::io::Result<RequestBuilder>> + Send,
    {
        let bearer = self.token(None).await?;
        let first = self.send(bytes, request().await, bearer.clone()).await?;
        if let (StatusCode::UNAUTHORIZED, Some(refused)) = (first.status(), bearer)
            && let Some(other) = self.token(Some(refused)).await?
        {
            let second = self.send(bytes, request().await, Some(other)).await?;
            return success(second);
        }
        success(first)
    }

    async fn token(&self, refused: Option<HeaderValue>) -> Result<Option<HeaderValue>, CallFault> {
        match &self.bearer {
            Some(bearer) => bearer(refused).await.map_err(CallFault::Nothing),
            None => Ok(None),
        }
    }

    async fn send(
        &self,
        bytes: u64,
        request: std::io::Result<RequestBuilder>,
        bearer: Option<HeaderValue>,
    ) -> Result<Response, CallFault> {
        let mut request = request
            .map_err(CallFault::File)?
            .header("Service-Name", &self.service_name);
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        let uploading = Duration::from_secs(bytes / UPLOAD_BYTES_A_SECOND);
        match tokio::time::timeout(self.answer_max + uploading, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(CallFault::Nothing(connection_fault(&error))),
            Err(_) => Err(CallFault::Nothing("timed out".to_owned())),
        }
    }
}

fn success(response: Response) -> Result<Response, CallFault> {
    let status = response.status();
    if status.is_success() {
        Ok(response)
    } else {
        Err(CallFault::Status(status))
    }
}

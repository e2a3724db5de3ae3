//! Having the request completed, exactly once.
//!
//! A call whose answer is lost may have taken effect. It is asked again until the answer is definite:
//! the same call by the same token succeeds again, and a lost lease of a pending request proves that
//! it was not completed with this report. That the request is finished proves it only to the first
//! call: after one whose outcome is unknown, the end may be this attempt's own. Without proof nothing
//! is deleted; if the request was not completed, housekeeping finds the report by the lease's token.

use std::time::Duration;

use dossier_core::wire::CompleteRequest;
use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::{Attempt, Ending};
use crate::retry::Backoff;

/// Pauses before the API is asked again.
const ASK_AGAIN: Backoff = Backoff {
    first: Duration::from_millis(100),
    most: Duration::from_secs(5),
};

impl Attempt {
    pub(super) async fn complete(&self, complete: &CompleteRequest) -> Ending {
        let asking = self.ask_to_complete(complete);
        let ending = self
            .stop
            .run_until_cancelled(asking)
            .await
            .unwrap_or(Ending::Undecided);
        if matches!(ending, Ending::Completed) {
            self.made_documents().clear();
            let (pages, bytes) = (complete.pages, complete.document.bytes);
            let others = complete.others.len();
            tracing::info!(pages, bytes, others, "completed the request");
        }
        ending
    }

    /// Asks for as long as the lease holds by the worker's clock. A refused renewal does not end it:
    /// the lease of a completed request cannot be renewed either.
    async fn ask_to_complete(&self, complete: &CompleteRequest) -> Ending {
        let gives_up_at = Instant::now() + self.workshop.limits.complete_max;
        let mut failures = 0;
        loop {
            let error = match self.workshop.api.complete(self.id, complete).await {
                Ok(()) => return Ending::Completed,
                Err(error) => error,
            };
            match error.status() {
                _ if error.is_lease_lost() => return Ending::Lost,
                _ if error.is_request_finished() && failures == 0 => return Ending::Lost,
                Some(StatusCode::CONFLICT) => return Ending::Undecided,
                Some(status) if status.is_client_error() && !error.is_passing() => {
                    // An earlier call may have taken effect.
                    return match failures {
                        0 => Ending::Failed(format!("the report was refused: {error}")),
                        _ => Ending::Undecided,
                    };
                }
                _ => {}
            }
            failures += 1;
            tracing::warn!(%error, failures, "it is not known whether the request is complete; asking again");
            let pause = ASK_AGAIN.half_jitter(failures);
            if Instant::now() + pause >= self.lease.ends_at().min(gives_up_at) {
                return Ending::Undecided;
            }
            sleep(pause).await;
        }
    }
}

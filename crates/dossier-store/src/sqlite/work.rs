//! Waiting for something to do.

use std::time::Duration;

use sqlx::Row;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::sql::now;
use super::{SqliteStore, StoreError};

/// How often to look for what other processes wrote.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Wakes those of this process who wait for work: one waiter a request, so that a thousand idle
/// workers do not all run for one. Work that comes while nobody waits wakes the next who does.
#[derive(Debug, Default)]
pub(super) struct Work {
    came: Notify,
}

impl Work {
    /// One request may be claimable.
    pub(super) fn came(&self) {
        self.came.notify_one();
    }

    /// Many requests may be claimable.
    pub(super) fn came_for_many(&self) {
        self.came.notify_waiters();
        self.came.notify_one();
    }
}

impl SqliteStore {
    pub(super) async fn wait(&self, at_most: Duration) {
        let longest = at_most.min(LOOK_EVERY);
        // Every end means the same to the caller: look again.
        let _ = timeout(longest, async {
            let until_next = self.until_next_due().await.ok().flatten();
            let _ = timeout(until_next.unwrap_or(longest), self.work.came.notified()).await;
        })
        .await;
    }

    /// How long until a lease expires or a request is due. What is due already does not count: the
    /// caller has just looked, and it may be in nobody's power to claim it.
    async fn until_next_due(&self) -> Result<Option<Duration>, StoreError> {
        const NEXT: &str = concat!(
            "SELECT min(max(due_at, coalesce(lease_expires_at, 0))) - ",
            now!(),
            " FROM requests INDEXED BY requests_to_do WHERE status = 'Pending' \
             AND max(due_at, coalesce(lease_expires_at, 0)) > ",
            now!()
        );
        let mut connection = self.readers.acquire().await?;
        let row = sqlx::query(NEXT).fetch_one(&mut *connection).await?;
        let millis: Option<i64> = row.try_get(0)?;
        Ok(millis.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0))))
    }
}

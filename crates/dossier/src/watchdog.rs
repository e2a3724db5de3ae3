//! systemd's watchdog: a service that is not heard of in time is ended and started again
//! (`sd_watchdog_enabled(3)`).

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dossier_worker::{Liveness, NotLive, Worker};
use sd_notify::NotifyState;
use tokio_util::task::AbortOnDropHandle;

/// Signs of life within the time that the watchdog waits for one.
const SIGNS: u32 = 3;

/// A watchdog that is told of this process, if the environment asks for that.
pub(crate) struct Watchdog {
    worker: Arc<OnceLock<Arc<Liveness>>>,
    _feeding: Option<AbortOnDropHandle<()>>,
}

impl Watchdog {
    /// Gives signs of life from now on: to start may take long, where the database is migrated or
    /// the document storage keeps it waiting.
    pub fn feed() -> Self {
        let worker = Arc::new(OnceLock::<Arc<Liveness>>::new());
        let followed = Arc::clone(&worker);
        let is_live = move || followed.get().map_or(Ok(()), |worker| worker.check());
        let every = sd_notify::watchdog_enabled().map(|wait| wait / SIGNS);
        let feeding = every.filter(|every| !every.is_zero()).map(|every| {
            let signs = give_signs(every, is_live, || {
                sd_notify::notify(&[NotifyState::Watchdog])
            });
            AbortOnDropHandle::new(tokio::spawn(signs))
        });
        Self {
            worker,
            _feeding: feeding,
        }
    }

    /// Gives signs of life only while this worker is live.
    pub fn follow(&self, worker: &Worker) {
        // Nobody follows two.
        let _ = self.worker.set(worker.liveness());
    }
}

async fn give_signs(
    every: Duration,
    is_live: impl Fn() -> Result<(), NotLive>,
    sign: impl Fn() -> io::Result<()> + Copy + Send + 'static,
) {
    let (mut was_live, mut was_heard) = (true, true);
    loop {
        let live = is_live();
        if live.is_ok() {
            // Whoever is told may keep it waiting.
            let told = tokio::task::spawn_blocking(sign).await;
            let told = told.unwrap_or_else(|error| Err(error.into()));
            if let (true, Err(error)) = (was_heard, &told) {
                tracing::error!(%error, "the watchdog's socket cannot be used");
            }
            was_heard = told.is_ok();
        }
        if let (true, Err(reason)) = (was_live, &live) {
            tracing::error!(%reason, "the process is not live: the watchdog gets no more signs");
        }
        was_live = live.is_ok();
        tokio::time::sleep(every).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_process_that_is_not_live_gives_no_sign() {
        static SIGNS_GIVEN: AtomicU32 = AtomicU32::new(0);
        let sign = || {
            SIGNS_GIVEN.fetch_add(1, Ordering::Relaxed);
            Err(io::ErrorKind::NotConnected.into())
        };
        for (live, is_heard) in [(Ok(()), true), (Err(NotLive::Ended), false)] {
            let signs = give_signs(Duration::from_millis(10), move || live, sign);
            let _ = tokio::time::timeout(Duration::from_millis(200), signs).await;
            assert_eq!(SIGNS_GIVEN.swap(0, Ordering::Relaxed) > 1, is_heard);
        }
    }
}

//! Whether a worker's poll loop goes on.
//!
//! The loop says, before each thing that it waits for, by when it will be heard of again. Whether
//! what it waited for went well is of no account: a loop that asks an API in vain goes on. One whose
//! word has passed for longer than a margin, or that has ended although nobody told it to, does not,
//! and the process is to be started again.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How often a wait without an end of its own gives a sign of life.
const SIGN: Duration = Duration::from_secs(1);

/// What is known of the poll loop.
#[derive(Debug)]
pub struct Liveness {
    margin: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It is to be heard of again by then.
    Due(Instant),
    /// It was told to stop.
    Stopping,
    /// It ended by itself.
    Ended,
}

/// Why a worker is not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLive {
    /// The loop is late.
    #[error("the poll loop is {} seconds late", .0.as_secs())]
    Late(Duration),
    /// The loop ended, although nobody told it to.
    #[error("the poll loop has ended")]
    Ended,
}

impl Liveness {
    /// A worker that is about to start. `margin` is how late its loop may be.
    pub(crate) fn new(margin: Duration) -> Self {
        Self {
            margin,
            state: Mutex::new(State::Due(Instant::now())),
        }
    }

    /// Whether the loop goes on.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self) -> Result<(), NotLive> {
        self.check_at(Instant::now())
    }

    fn check_at(&self, now: Instant) -> Result<(), NotLive> {
        match *self.state() {
            State::Due(due) => match now.saturating_duration_since(due) {
                late if late > self.margin => Err(NotLive::Late(late)),
                _ => Ok(()),
            },
            State::Stopping => Ok(()),
            State::Ended => Err(NotLive::Ended),
        }
    }

    /// Says that the loop will be heard of within this time.
    pub(crate) fn heard_again_within(&self, time: Duration) {
        *self.state() = State::Due(Instant::now() + time);
    }

    /// Waits for something that may take any time, with signs of life.
    pub(crate) async fn while_waiting<T>(&self, awaited: impl Future<Output = T>) -> T {
        let mut awaited = std::pin::pin!(awaited);
        loop {
            self.heard_again_within(SIGN);
            if let Ok(come) = timeout_at(Instant::now() + SIGN, &mut awaited).await {
                return come;
            }
        }
    }

    /// Watches the loop from here until what is answered is dropped: unless it is told before that
    /// the worker stops, the loop has then ended by itself, by a panic perhaps.
    pub(crate) fn watch(&self) -> Watched<'_> {
        self.heard_again_within(Duration::ZERO);
        Watched(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A loop that runs.
pub(crate) struct Watched<'a>(&'a Liveness);

impl Watched<'_> {
    /// The loop ends because the worker was told to stop.
    pub fn stops(&self) {
        *self.0.state() = State::Stopping;
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if matches!(*state, State::Due(_)) {
            *state = State::Ended;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Duration = Duration::from_secs(60);

    #[test]
    fn a_loop_is_late_when_margin_and_announced_time_have_passed() {
        let liveness = Liveness::new(MARGIN);
        liveness.heard_again_within(Duration::from_secs(30));
        let now = Instant::now();
        assert_eq!(liveness.check_at(now + Duration::from_secs(89)), Ok(()));
        let much_later = now + Duration::from_secs(100);
        let late = liveness.check_at(much_later).unwrap_err();
        assert_eq!(late.to_string(), "the poll loop is 70 seconds late");
        liveness.heard_again_within(Duration::from_secs(60));
        assert_eq!(
            liveness.check_at(much_later),
            Ok(()),
            "it goes on after all"
        );
    }

    #[tokio::test]
    async fn a_wait_of_any_length_is_no_delay() {
        let liveness = Liveness::new(Duration::from_millis(500));
        let look = async {
            tokio::time::sleep(SIGN * 3).await;
            liveness.check()
        };
        let looked = liveness.while_waiting(look).await;
        assert_eq!(looked, Ok(()));
    }

    #[test]
    fn a_loop_that_ends_is_dead_unless_it_was_told_to() {
        let liveness = Liveness::new(MARGIN);
        let told = liveness.watch();
        told.stops();
        drop(told);
        assert_eq!(liveness.check_at(Instant::now() + MARGIN * 2), Ok(()));
        drop(liveness.watch());
        assert_eq!(liveness.check(), Err(NotLive::Ended));
    }

    #[tokio::test]
    async fn a_loop_that_panics_is_dead() {
        let liveness = std::sync::Arc::new(Liveness::new(MARGIN));
        let watched = std::sync::Arc::clone(&liveness);
        let task = tokio::spawn(async move {
            let _watched = watched.watch();
            panic!("as in a test");
        });
        assert!(task.await.is_err());
        assert_eq!(liveness.check(), Err(NotLive::Ended));
    }
}

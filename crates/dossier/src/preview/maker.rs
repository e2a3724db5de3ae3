//! Making previews, each on a thread of its own, as files change.
//!
//! A preview whose files change while it is made is given up. Where the work cannot be stopped it
//! goes on to its end beside the next one, and nobody looks at what it made; further ones wait then,
//! so that two are made at a time at most.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;

use dossier_template::Severity;
use jiff::Timestamp;
use tokio::sync::watch;

use super::changes::{Changes, LOOK_EVERY};
use super::{Preview, Problem, Shown};

/// Previews that are made at a time: the one that is wanted, and one that was given up.
const MADE_AT_ONCE_MAX: usize = 2;

/// Whether what is being made is still wanted.
#[derive(Clone, Debug, Default)]
pub struct GivenUp(Arc<AtomicBool>);

impl GivenUp {
    /// Whether it is not.
    pub fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A writer into `to` that fails when what is written is not wanted any more.
    pub fn guard<'w>(&'w self, to: &'w mut dyn Write) -> impl Write + 'w {
        Guarded { given_up: self, to }
    }
}

struct Guarded<'w> {
    given_up: &'w GivenUp,
    to: &'w mut dyn Write,
}

impl Write for Guarded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.given_up.is_so() {
            return Err(io::Error::other("it is not wanted any more"));
        }
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Makes a preview, and another after every change, as long as somebody listens.
pub(super) fn keep_making<M>(mut changes: Changes, make: M, show: &watch::Sender<Shown>)
where
    M: Fn(&GivenUp) -> Preview + Send + Sync + 'static,
{
    let make = Arc::new(make);
    let mut running: Vec<JoinHandle<()>> = Vec::new();
    while !show.is_closed() {
        show.send_modify(|shown| shown.making_since = Some(Timestamp::now()));
        while running.len() >= MADE_AT_ONCE_MAX {
            std::thread::sleep(LOOK_EVERY);
            running.retain(|thread| !thread.is_finished());
            if show.is_closed() {
                return;
            }
        }
        // Noted before the files are read, so that no change between is missed.
        changes.note();
        let given_up = GivenUp::default();
        let (thread, made) = begin(&make, given_up.clone());
        running.push(thread);
        match wait(&made, &changes, show) {
            Some(preview) => {
                show.send_modify(|shown| shown.take(preview));
                while !show.is_closed() && !changes.there_are() {
                    std::thread::sleep(LOOK_EVERY);
                }
            }
            None => given_up.0.store(true, Ordering::Relaxed),
        }
        running.retain(|thread| !thread.is_finished());
    }
}

fn begin<M>(make: &Arc<M>, given_up: GivenUp) -> (JoinHandle<()>, Receiver<Preview>)
where
    M: Fn(&GivenUp) -> Preview + Send + Sync + 'static,
{
    let make = Arc::clone(make);
    let (done, made) = channel();
    let thread = std::thread::spawn(move || {
        // Whoever gave it up does not listen.
        let _ = done.send(make(&given_up));
    });
    (thread, made)
}

/// Waits for a preview; none if the files change before, or nobody listens any more.
fn wait(
    made: &Receiver<Preview>,
    changes: &Changes,
    show: &watch::Sender<Shown>,
) -> Option<Preview> {
    loop {
        match made.recv_timeout(LOOK_EVERY) {
            Ok(preview) => return Some(preview),
            Err(RecvTimeoutError::Timeout) if show.is_closed() || changes.there_are() => {
                return None;
            }
            Err(RecvTimeoutError::Timeout) => {}
            // It panicked.
            Err(RecvTimeoutError::Disconnected) => return Some(could_not_be_made()),
        }
    }
}

fn could_not_be_made() -> Preview {
    Preview {
        problems: vec![Problem {
            severity: Severity::Error,
            line: None,
            column: None,
            text: "the section could not be made".to_owned(),
        }],
        ..Preview::default()
    }
}

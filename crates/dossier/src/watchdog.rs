//! systemd's watchdog: a service that is not heard of in time is ended and started again.
//!
//! The protocol is that of `sd_notify(3)` and `sd_watchdog_enabled(3)`: a datagram `WATCHDOG=1` to the
//! socket `NOTIFY_SOCKET`, more often than every `WATCHDOG_USEC` microseconds, from `WATCHDOG_PID`.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dossier_worker::{Liveness, NotLive, Worker};
use tokio_util::task::AbortOnDropHandle;

const ALIVE: &[u8] = b"WATCHDOG=1";
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
        let socket = watchdog(|name| std::env::var_os(name));
        let feeding = socket.and_then(|(socket, every)| match connect(&socket) {
            Ok(socket) => Some(tokio::spawn(give_signs(socket, every, is_live))),
            Err(error) => {
                tracing::error!(%error, "the watchdog's socket cannot be used");
                None
            }
        });
        Self {
            worker,
            _feeding: feeding.map(AbortOnDropHandle::new),
        }
    }

    /// Gives signs of life only while this worker is live.
    pub fn follow(&self, worker: &Worker) {
        // Nobody follows two.
        let _ = self.worker.set(worker.liveness());
    }
}

/// The socket's name and how often it is to be told, if there is a watchdog for this process.
fn watchdog(variable: impl Fn(&str) -> Option<OsString>) -> Option<(OsString, Duration)> {
    let number = |name: &str| -> Option<u64> { variable(name)?.to_str()?.parse().ok() };
    let socket = variable("NOTIFY_SOCKET")?;
    let wait = Duration::from_micros(number("WATCHDOG_USEC")?);
    let is_ours = match variable("WATCHDOG_PID") {
        Some(_) => number("WATCHDOG_PID") == Some(std::process::id().into()),
        None => true,
    };
    let every = wait / SIGNS;
    (is_ours && !every.is_zero()).then_some((socket, every))
}

fn connect(name: &OsString) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // Whoever does not take a sign at once gets the next one.
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address(name)?)?;
    Ok(socket)
}

/// A path or, with an `@` in front, a name that is in no folder.
fn address(name: &OsString) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(name.as_os_str()).strip_prefix(b"@")
    {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(name)
}

async fn give_signs(
    socket: UnixDatagram,
    every: Duration,
    is_live: impl Fn() -> Result<(), NotLive>,
) {
    let mut was_live = true;
    loop {
        let live = is_live();
        if live.is_ok() {
            let _ = socket.send(ALIVE);
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
    use super::*;

    fn environment<const N: usize>(
        variables: [(&'static str, String); N],
    ) -> impl Fn(&str) -> Option<OsString> {
        move |name| {
            let variable = variables.iter().find(|(own, _)| *own == name);
            variable.map(|(_, value)| value.into())
        }
    }

    #[test]
    fn there_is_a_watchdog_only_if_one_waits_for_this_process() {
        let socket = || ("NOTIFY_SOCKET", "/run/notify".to_owned());
        let wait = || ("WATCHDOG_USEC", "30000000".to_owned());
        let pid = |pid: u32| ("WATCHDOG_PID", pid.to_string());
        let own = std::process::id();
        let every_ten_seconds = Some(("/run/notify".into(), Duration::from_secs(10)));
        assert_eq!(watchdog(environment([socket(), wait()])), every_ten_seconds);
        let named = environment([socket(), wait(), pid(own)]);
        assert_eq!(watchdog(named), every_ten_seconds);
        let of_another = environment([socket(), wait(), pid(own + 1)]);
        assert_eq!(watchdog(of_another), None);
        assert_eq!(watchdog(environment([socket()])), None);
        assert_eq!(watchdog(environment([wait()])), None);
        let odd = ("WATCHDOG_USEC", "soon".to_owned());
        assert_eq!(watchdog(environment([socket(), odd])), None);
    }

    #[tokio::test]
    async fn a_process_that_is_not_live_gives_no_sign() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let heard = || {
            let mut datagram = [0; 64];
            let mut signs = 0;
            while let Ok(bytes) = manager.recv(&mut datagram) {
                assert_eq!(&datagram[..bytes], ALIVE);
                signs += 1;
            }
            signs
        };
        for (live, is_heard) in [(Ok(()), true), (Err(NotLive::Ended), false)] {
            let socket = connect(&path.clone().into_os_string()).unwrap();
            let signs = give_signs(socket, Duration::from_millis(10), move || live);
            let _ = tokio::time::timeout(Duration::from_millis(200), signs).await;
            assert_eq!(heard() > 1, is_heard);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_may_be_in_no_folder() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("dossier-watchdog-{}", std::process::id());
        let own = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&own).unwrap();
        let socket = connect(&format!("@{name}").into()).unwrap();
        socket.send(ALIVE).unwrap();
        let mut datagram = [0; 64];
        let bytes = manager.recv(&mut datagram).unwrap();
        assert_eq!(&datagram[..bytes], ALIVE);
    }
}

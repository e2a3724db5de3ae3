//! Keeping what a panic says out of the log.

/// Replaces the process's panic hook by one that logs only where the panic was: its message may
/// hold data. For a program to call once, at its start.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("", 0), |l| (l.file(), l.line()));
        tracing::error!(
            file,
            line,
            "a panic; its message is hidden, as it may hold data"
        );
    }));
}

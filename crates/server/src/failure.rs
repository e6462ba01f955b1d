//! How the process ends when it must not go on.

use std::panic;

/// Threads whose panics end a request, not the process; see [`crate::serve`].
pub(crate) const REQUEST_THREADS: &str = "http";

/// Ends the process at once. Nothing is flushed: what was acknowledged is on disk, and what memory
/// holds may be wrong.
pub(crate) fn fatal(reason: &str) -> ! {
    tracing::error!(reason, "the node cannot go on");
    eprintln!("squorum: fatal: {reason}");
    std::process::abort()
}

/// Makes a panic anywhere but in a request's handling end the process: a state machine or a log
/// that panicked half-way must not serve on.
pub(crate) fn abort_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        report(info);
        let thread = std::thread::current();
        if !thread
            .name()
            .is_some_and(|name| name.starts_with(REQUEST_THREADS))
        {
            std::process::abort();
        }
    }));
}

//! The loop of the writer thread. Time matters here alone: it decides when the marker is due.

use std::thread;
use std::time::{Duration, Instant};

use crate::shared::Shared;
use crate::stepper::{self, Stepper};

/// Poisons the log if the writer thread ends by a panic, so that nobody waits for ever.
struct Guard<'a>(&'a Shared);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            stepper::fail(self.0, "the writer panicked", Vec::new());
        }
    }
}

/// The writer thread: a batch whenever something waits, a marker when it is due.
pub(crate) fn run(shared: &Shared, mut stepper: Stepper) {
    let _guard = Guard(shared);
    let interval = Duration::from_millis(shared.options.marker_interval_ms);
    let mut marker_due: Option<Instant> = None;
    loop {
        {
            let mut state = shared.state.lock();
            if state.failure.is_some() {
                return;
            }
            if state.queue.is_empty() {
                if state.is_closing {
                    break;
                }
                match marker_due {
                    Some(due) => {
                        shared.work.wait_until(&mut state, due);
                    }
                    None => shared.work.wait(&mut state),
                }
            }
        }
        stepper.step();
        if marker_due.is_some_and(|due| due <= Instant::now()) {
            stepper.sync_marker();
            marker_due = None;
        }
        if marker_due.is_none() && stepper.marker_is_behind() {
            marker_due = Some(Instant::now() + interval);
        }
    }
    stepper.sync_marker();
}

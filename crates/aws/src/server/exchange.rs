//! What the two ends of a connection tell each other: the service, which knows requests and answers,
//! and the [stream](super::guarded_stream::GuardedStream), which knows bytes and time. hyper stands between them and
//! hides each from the other.
//!
//! The service says in which phase the connection is, and the stream derives from it how long it may
//! wait for the client. The service hands over each delivery together with the answer that carries
//! it, and the stream confirms it once the kernel has taken the whole answer.
//!
//! Invariants:
//!
//! 1. A delivery is confirmed only after hyper has flushed, which it does with an empty buffer alone,
//!    and after the kernel took at least as many bytes as the answer has since it was handed over.
//! 2. A delivery that is not confirmed is dropped with the connection, and so undone.
//! 3. No destructor and no confirmation runs under the lock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use squorum_types::service::Delivery;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Options;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of its head.
    Head,
    /// Its body.
    Body,
    /// The service.
    Handling,
    /// The kernel to take the answer.
    Answering,
}

/// An answer on its way out.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) delivery: Option<Delivery>,
    /// The answer's share of the memory for answers.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
pub(super) struct Exchange {
    state: Mutex<State>,
    idle_timeout: Duration,
    head_timeout: Duration,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Until when the client must have sent what the phase waits for.
    deadline: Option<Instant>,
    /// Bytes of this connection that the kernel took.
    written_bytes: u64,
    outgoing: Vec<(Outgoing, u64)>,
}

impl Exchange {
    pub(super) fn new(options: &Options) -> Exchange {
        let state = State {
            phase: Phase::Idle,
            deadline: Some(Instant::now() + options.idle_timeout),
            written_bytes: 0,
            outgoing: Vec::new(),
        };
        Exchange {
            state: Mutex::new(state),
            idle_timeout: options.idle_timeout,
            head_timeout: options.head_timeout,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete whatever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The service's side.

    pub(super) fn wait_for_body(&self, at_most: Duration) {
        let mut state = self.state();
        state.phase = Phase::Body;
        state.deadline = Some(Instant::now() + at_most);
    }

    pub(super) fn handle(&self) {
        let mut state = self.state();
        state.phase = Phase::Handling;
        state.deadline = None;
    }

    pub(super) fn answer(&self) {
        let mut state = self.state();
        state.phase = Phase::Answering;
        state.deadline = None;
    }

    /// An answer's body of `bytes` has just gone into hyper's buffer.
    pub(super) fn hand_over(&self, outgoing: Outgoing, bytes: u64) {
        let mut state = self.state();
        let written_bytes_min = state.written_bytes + bytes;
        state.outgoing.push((outgoing, written_bytes_min));
    }

    // The stream's side.

    pub(super) fn phase_and_deadline(&self) -> (Phase, Option<Instant>) {
        let state = self.state();
        (state.phase, state.deadline)
    }

    pub(super) fn received(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.phase = Phase::Head;
            state.deadline = Some(Instant::now() + self.head_timeout);
        }
    }

    pub(super) fn wrote(&self, bytes: usize) {
        self.state().written_bytes += bytes as u64;
    }

    /// hyper has nothing more to write. Gives the deadline of a silence that begins now.
    pub(super) fn flushed(&self) -> Option<Instant> {
        let mut state = self.state();
        let mut silent_until = None;
        if state.phase == Phase::Answering {
            silent_until = Some(Instant::now() + self.idle_timeout);
            state.phase = Phase::Idle;
            state.deadline = silent_until;
        }
        let written_bytes = state.written_bytes;
        let arrived = |(_, written_bytes_min): &mut (_, u64)| *written_bytes_min <= written_bytes;
        let arrived: Vec<_> = state.outgoing.extract_if(.., arrived).collect();
        drop(state);
        for (outgoing, _) in arrived {
            if let Some(delivery) = outgoing.delivery {
                delivery.confirm();
            }
            drop(outgoing.permit);
        }
        silent_until
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn delivery() -> (Outgoing, Arc<AtomicBool>) {
        let undone = Arc::new(AtomicBool::new(false));
        let flag = undone.clone();
        let undo = Box::new(move || flag.store(true, Ordering::SeqCst));
        let outgoing = Outgoing {
            delivery: Some(Delivery::new(Vec::new(), undo)),
            permit: None,
        };
        (outgoing, undone)
    }

    #[tokio::test]
    async fn confirms_when_flushed_and_wholly_written() {
        let exchange = Exchange::new(&Options::default());
        exchange.wrote(1000);
        let (first, first_undone) = delivery();
        exchange.hand_over(first, 100);
        exchange.wrote(99);
        exchange.flushed();
        assert_eq!(exchange.state().outgoing.len(), 1, "a byte is missing");
        exchange.wrote(1);
        assert_eq!(exchange.state().outgoing.len(), 1, "not flushed");
        exchange.flushed();
        assert_eq!(exchange.state().outgoing.len(), 0);
        assert!(!first_undone.load(Ordering::SeqCst));
        let (second, second_undone) = delivery();
        exchange.hand_over(second, 100);
        exchange.wrote(99);
        drop(exchange);
        assert!(second_undone.load(Ordering::SeqCst));
    }
}

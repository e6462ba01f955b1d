//! What happened, as one number: two runs of a seed that differ in anything observable have another.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_store::chain_digest;

/// Chains every event into one hash. Clones are the same trace.
#[derive(Clone, Default)]
pub struct Trace {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    hash: u64,
    events: u64,
    is_printed: bool,
}

impl Trace {
    pub fn new(is_printed: bool) -> Trace {
        let trace = Trace::default();
        trace.state.lock().is_printed = is_printed;
        trace
    }

    /// An event at a moment of the simulation.
    pub fn event(&self, at_ms: u64, text: fmt::Arguments<'_>) {
        let text = format!("{at_ms:>7} {text}");
        let mut state = self.state.lock();
        state.events += 1;
        state.hash = text.as_bytes().chunks(8).fold(state.hash, |hash, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            chain_digest(hash, u64::from_le_bytes(word))
        });
        if state.is_printed {
            println!("{text}");
        }
    }

    /// Chains a number that says much, such as a replica's digest, without printing it.
    pub fn absorb(&self, number: u64) {
        let mut state = self.state.lock();
        state.hash = chain_digest(state.hash, number);
    }

    pub fn hash(&self) -> u64 {
        self.state.lock().hash
    }

    pub fn events(&self) -> u64 {
        self.state.lock().events
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        write!(f, "Trace({:016x}, {} events)", state.hash, state.events)
    }
}

/// Records an event in a [`Trace`].
macro_rules! event {
    ($trace:expr, $at_ms:expr, $($text:tt)*) => {
        $trace.event($at_ms, format_args!($($text)*))
    };
}
pub(crate) use event;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_time_and_text_count() {
        let hash = |events: &[(u64, &str)]| {
            let trace = Trace::default();
            for (at_ms, text) in events {
                event!(trace, *at_ms, "{text}");
            }
            trace.hash()
        };
        let base = hash(&[(1, "a"), (2, "b")]);
        assert_eq!(base, hash(&[(1, "a"), (2, "b")]));
        assert_ne!(base, hash(&[(2, "b"), (1, "a")]));
        assert_ne!(base, hash(&[(1, "a"), (3, "b")]));
        assert_ne!(base, hash(&[(1, "a")]));
    }
}

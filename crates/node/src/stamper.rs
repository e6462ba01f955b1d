//! The time that entries carry.

use std::sync::Arc;

use parking_lot::Mutex;
use squorum_types::{Clock, Timestamp};

/// Milliseconds of drift that one second corrects.
const SLEW_MS_PER_SECOND: u64 = 100;

/// Makes stamps that follow the monotonic clock and slew towards the wall clock, so that a step of
/// the wall clock neither ends every visibility timeout at once nor stops time.
#[derive(Clone)]
pub(crate) struct Stamper {
    clock: Arc<dyn Clock>,
    // Held for a few instructions, never across an await.
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy)]
struct State {
    stamp_ms: u64,
    monotonic_ms: u64,
    /// Of the elapsed time, what has not been enough for a millisecond of slew.
    slew_rest: u64,
}

impl Stamper {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Stamper {
        let (stamp_ms, monotonic_ms) = (clock.now().0, clock.monotonic_ms());
        let state = State {
            stamp_ms,
            monotonic_ms,
            slew_rest: 0,
        };
        Stamper {
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The time now. Never goes back.
    pub(crate) fn now(&self) -> Timestamp {
        let (wall_ms, monotonic_ms) = (self.clock.now().0, self.clock.monotonic_ms());
        let mut state = self.state.lock();
        *state = state.advanced(wall_ms, monotonic_ms);
        Timestamp(state.stamp_ms)
    }
}

impl State {
    fn advanced(self, wall_ms: u64, monotonic_ms: u64) -> State {
        let elapsed_ms = monotonic_ms.saturating_sub(self.monotonic_ms);
        let followed_ms = self.stamp_ms + elapsed_ms;
        let slew = self.slew_rest + elapsed_ms * SLEW_MS_PER_SECOND;
        let slew_ms = slew / 1000;
        let stamp_ms = if wall_ms > followed_ms {
            wall_ms.min(followed_ms + slew_ms)
        } else {
            wall_ms.max(followed_ms - slew_ms.min(elapsed_ms))
        };
        let monotonic_ms = monotonic_ms.max(self.monotonic_ms);
        State {
            stamp_ms,
            monotonic_ms,
            slew_rest: slew % 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: State = State {
        stamp_ms: 1_000_000,
        monotonic_ms: 0,
        slew_rest: 0,
    };

    #[test]
    fn follows_a_good_clock() {
        let mut state = START;
        for step in 1..=1000 {
            state = state.advanced(1_000_000 + step * 7, step * 7);
        }
        assert_eq!(state.stamp_ms, 1_007_000);
    }

    #[test]
    fn a_wall_clock_that_jumps_is_followed_slowly() {
        for hour_ms in [3_600_000_i64, -3_600_000] {
            let mut state = START;
            let mut last_ms = state.stamp_ms;
            for second in 1..=10 {
                let wall_ms = 1_000_000_i64 + hour_ms + second * 1000;
                state = state.advanced(wall_ms.unsigned_abs(), second as u64 * 1000);
                let step_ms = state.stamp_ms - last_ms;
                assert!((900..=1100).contains(&step_ms), "{step_ms}");
                last_ms = state.stamp_ms;
            }
        }
    }
}

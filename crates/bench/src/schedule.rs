use std::time::{Duration, Instant};

/// When calls are due at a fixed rate: the n-th at `start + n / rate`, however late the ones before
/// were, so that a server that stalls is charged for every call that it kept waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: Instant,
    calls_per_second: f64,
}

impl Schedule {
    pub(crate) fn new(start: Instant, calls_per_second: f64) -> Schedule {
        Schedule {
            start,
            calls_per_second,
        }
    }

    pub(crate) fn due_at(&self, call: u64) -> Instant {
        self.start + Duration::from_secs_f64(call as f64 / self.calls_per_second)
    }

    /// How many calls are due, given that so many were before.
    pub(crate) fn due_by(&self, now: Instant, before: u64) -> u64 {
        let passed = now.saturating_duration_since(self.start).as_secs_f64();
        let mut due = before.max((passed * self.calls_per_second) as u64);
        // Rounding: the definition is that of `due_at`.
        while self.due_at(due) <= now {
            due += 1;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_due_at_the_rate_whatever_happened_before() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let schedule = Schedule::new(start, 100.0);
        assert_eq!(schedule.due_by(at(0), 0), 1);
        assert_eq!(schedule.due_by(at(9), 1), 1);
        // A stall of a second: all of its calls are due, each at its own time.
        assert_eq!(schedule.due_by(at(1_005), 1), 101);
        assert_eq!(
            (schedule.due_at(1), schedule.due_at(100)),
            (at(10), at(1_000))
        );
    }

    #[test]
    fn a_rate_does_not_drift() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 3_000.0);
        let mut due = 0;
        for ms in 0..=100_000 {
            due = schedule.due_by(start + Duration::from_millis(ms), due);
        }
        assert_eq!(due, 300_001);
    }
}

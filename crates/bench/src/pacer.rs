use std::cell::Cell;
use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::set_current_timer_slack;
use tokio::sync::Semaphore;

use crate::schedule::Schedule;

/// How long the thread outlives its pacer at most.
const NAP_MAX: Duration = Duration::from_millis(50);

/// Hands out the calls of a fixed rate when they are due.
///
/// The runtime's timers round up to the next millisecond, which would be most of a fast server's
/// latency. A thread of its own, told to wake without slack, is exact to some ten microseconds.
#[derive(Debug)]
pub(crate) struct Pacer {
    schedule: Schedule,
    taken: Cell<u64>,
    /// One permit for each call that is due and was not taken.
    due: Arc<Semaphore>,
}

impl Pacer {
    pub(crate) fn start(calls_per_second: f64) -> io::Result<Pacer> {
        let schedule = Schedule::new(Instant::now(), calls_per_second);
        let due = Arc::new(Semaphore::new(0));
        thread::Builder::new().name("pacer".to_owned()).spawn({
            let due = due.clone();
            move || release(schedule, &due)
        })?;
        Ok(Pacer {
            schedule,
            taken: Cell::new(0),
            due,
        })
    }

    /// When the next call was due, once it is; `None` when the run sends no more.
    pub(crate) async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        let call = self.taken.replace(self.taken.get() + 1);
        Some(self.schedule.due_at(call))
    }

    pub(crate) fn close(&self) {
        self.due.close();
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.close();
    }
}

fn release(schedule: Schedule, due: &Semaphore) {
    // Without it a call is 50 µs later; nothing to report.
    _ = set_current_timer_slack(NonZeroU64::new(1));
    let mut released = 0;
    while !due.is_closed() {
        let now_due = schedule.due_by(Instant::now(), released);
        // What nobody took stays due. The bound is that of the semaphore, and hours away.
        let room = Semaphore::MAX_PERMITS.saturating_sub(due.available_permits());
        let calls = usize::try_from(now_due - released)
            .unwrap_or(room)
            .min(room);
        due.add_permits(calls);
        released += calls as u64;
        let wait = schedule
            .due_at(released)
            .saturating_duration_since(Instant::now());
        thread::sleep(wait.min(NAP_MAX));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn calls_come_when_due_and_end_when_closed() {
        let pacer = Pacer::start(1_000.0).unwrap();
        let first = pacer.next().await.unwrap();
        let mut last = first;
        for _ in 0..50 {
            last = pacer.next().await.unwrap();
            assert!(Instant::now() >= last, "not before it is due");
        }
        assert_eq!(last - first, Duration::from_millis(50));
        // Nobody takes calls for a while: they are kept, with their own times.
        tokio::time::sleep(Duration::from_millis(30)).await;
        let overdue = pacer.next().await.unwrap();
        assert_eq!(overdue - last, Duration::from_millis(1));
        pacer.close();
        assert!(pacer.next().await.is_none());
    }
}

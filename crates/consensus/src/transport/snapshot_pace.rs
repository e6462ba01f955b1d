//! How fast a node sends snapshots.
//!
//! A peer that was away needs a snapshot of every group, and the node that sends them needs its cores,
//! its disk and its network for clients: so they go one after the other, and no faster than allowed.
//! What the peer does with one, writing, sorting and ingesting it, keeps the same pace.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub(super) struct SnapshotPace {
    turns: Arc<Semaphore>,
    bytes_per_second: u64,
    /// When what was let through so far is paid for.
    free_at: Mutex<Option<Instant>>,
}

/// The right to send one snapshot, until it is dropped.
pub(super) type Turn = OwnedSemaphorePermit;

impl SnapshotPace {
    pub(super) fn new(bytes_per_second: u64) -> SnapshotPace {
        SnapshotPace {
            turns: Arc::new(Semaphore::new(1)),
            bytes_per_second: bytes_per_second.max(1),
            free_at: Mutex::new(None),
        }
    }

    /// The right to send a snapshot, if nobody has it.
    pub(super) fn try_turn(&self) -> Option<Turn> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }

    /// Waits until no other snapshot is being sent.
    pub(super) async fn turn(&self) -> Turn {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        turn.expect("the semaphore is never closed")
    }

    /// Waits until so many bytes more may go.
    pub(super) async fn pass(&self, bytes: u64) {
        let at = {
            let (now, mut free_at) = (Instant::now(), self.free_at.lock());
            let at = free_at.map_or(now, |free_at| free_at.max(now));
            let costs = bytes.saturating_mul(1_000_000) / self.bytes_per_second;
            *free_at = Some(at + Duration::from_micros(costs));
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time() {
        let (pace, began) = (SnapshotPace::new(1000), Instant::now());
        for _ in 0..5 {
            pace.pass(500).await;
        }
        // The fifth began when the four before it were paid for.
        assert_eq!(began.elapsed(), Duration::from_secs(2));
        // Time that nobody used is not saved up.
        tokio::time::advance(Duration::from_secs(60)).await;
        let began = Instant::now();
        for _ in 0..3 {
            pace.pass(500).await;
        }
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn snapshots_take_turns() {
        let pace = SnapshotPace::new(1000);
        let turn = pace.try_turn().expect("nobody sends");
        assert!(pace.try_turn().is_none());
        let mut second = std::pin::pin!(pace.turn());
        assert!(futures::poll!(&mut second).is_pending());
        drop(turn);
        assert!(futures::poll!(second).is_ready());
    }
}

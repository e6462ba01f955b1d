//! Lets time pass where no operation does: proposes ticks for partitions that have something due,
//! and while there is something to sweep.

use std::time::Duration;

use squorum_consensus::Group;
use squorum_proto::queue::Tick;
use squorum_proto::queue::command::Operation;
use tokio::sync::watch;

use super::board::Board;
use super::session::SessionHandle;
use super::state::Outcomes;
use crate::shutdown::stopped;
use crate::stamper::Stamper;

/// Partitions of one tick, at most.
const PARTITIONS_MAX: usize = 256;
/// The longest sleep: the wall clock may have moved.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// Between two ticks that only sweep, so that sweeping takes a small part of the shard's time.
const SWEEP_PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct Ticker {
    pub(crate) group: Group<Outcomes>,
    pub(crate) board: Board,
    pub(crate) session: SessionHandle,
    pub(crate) stamper: Stamper,
}

impl Ticker {
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = self.tick() => {}
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    /// One tick, when it is time.
    async fn tick(&self) {
        let mut leadership = self.group.watch_leadership();
        if leadership
            .wait_for(|leadership| leadership.ready_to_serve)
            .await
            .is_err()
        {
            // The group has ended; the node is about to.
            return std::future::pending().await;
        }
        let now = self.stamper.now();
        let (due, next) = self.board.due(now, PARTITIONS_MAX);
        let sweep = self.board.has_background_work();
        if due.is_empty() && !sweep {
            let sleep = next.map_or(SLEEP_MAX, |next| Duration::from_millis(next.ms_since(now)));
            tokio::select! {
                () = tokio::time::sleep(sleep.min(SLEEP_MAX)) => {}
                () = self.board.due_changed() => {}
            }
            return;
        }
        if due.is_empty() {
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
        let partitions = due.into_iter().map(Into::into).collect();
        let tick = Operation::Tick(Tick { partitions });
        if let Err(error) = self.session.propose(tick, None).await {
            tracing::debug!(group = %self.group.id(), %error, "tick failed");
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
    }
}

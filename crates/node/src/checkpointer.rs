//! Flushes the state now and then, so that the log can be purged.
//!
//! The order is what makes it safe: first every group's position is marked, then the store is
//! flushed, then the groups report their marks as their snapshots and purge up to them. A crash
//! between any two steps leaves a log that reaches further back than needed.
//!
//! Each group keeps its share of the log for followers that are a little behind. A segment of the log
//! goes when no group needs it, so those that write little must not keep theirs for ever: what lies
//! before a checkpoint goes once all groups together have written what is kept of the whole log.

use std::sync::Arc;
use std::time::Duration;

use squorum_consensus::{ApplyOn, CheckpointError, CheckpointMark, Group};
use squorum_log::Log;
use squorum_store::{Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::CheckpointOptions;
use crate::meta::MetaHandle;
use crate::observe::Figures;
use crate::past_checkpoints::PastCheckpoints;
use crate::shard::ShardHandle;
use crate::shutdown::stopped;

const POLL_INTERVAL: Duration = Duration::from_millis(250);

pub(crate) struct Checkpointer<S> {
    pub(crate) options: CheckpointOptions,
    pub(crate) apply_on: ApplyOn,
    pub(crate) store: S,
    pub(crate) log: Log,
    pub(crate) meta: MetaHandle<S>,
    pub(crate) shards: Vec<ShardHandle>,
    pub(crate) figures: Arc<Figures>,
}

impl<S: Store> Checkpointer<S> {
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let mut last = Instant::now();
        // The log of before the start counts, so that a crash loop does not grow it.
        let mut written_at_last = 0;
        let mut past = PastCheckpoints::new(self.options.log_bytes_kept);
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = stopped(&mut shutdown) => return,
            }
            let health = self.log.health();
            let grown = health.written_bytes - written_at_last;
            let old = grown > 0 && last.elapsed() >= self.options.interval;
            if grown < self.options.log_bytes && !old {
                continue;
            }
            written_at_last = health.written_bytes;
            last = Instant::now();
            match self.checkpoint(&mut past, health.written_bytes).await {
                Ok(()) => {
                    let took = last.elapsed();
                    self.figures.checkpoints.record(took);
                    let took_ms = took.as_millis() as u64;
                    tracing::debug!(took_ms, log_bytes = grown, "checkpoint is done");
                }
                // The groups and the log report it themselves, and the process ends.
                Err(error) => tracing::error!(%error, "checkpoint failed"),
            }
        }
    }

    /// `written_bytes` is what was written to the log before.
    async fn checkpoint(
        &self,
        past: &mut PastCheckpoints,
        written_bytes: u64,
    ) -> Result<(), CheckpointFailure> {
        let meta_mark = self.meta.group.begin_checkpoint();
        let marks: Vec<_> = self
            .shards
            .iter()
            .map(|s| s.group.begin_checkpoint())
            .collect();
        let store = self.store.clone();
        self.apply_on.run(move || store.flush()).await?;
        let indexes = std::iter::once(&meta_mark).chain(&marks);
        let indexes = indexes.map(CheckpointMark::index).collect();
        let mut given_up = past.note(written_bytes, indexes).into_iter().flatten();
        let mut given_up = || given_up.next().flatten();
        finish(&self.meta.group, meta_mark.giving_up(given_up())).await?;
        for (shard, mark) in self.shards.iter().zip(marks) {
            finish(&shard.group, mark.giving_up(given_up())).await?;
        }
        Ok(())
    }
}

async fn finish<O: Send + 'static>(
    group: &Group<O>,
    mark: CheckpointMark,
) -> Result<(), CheckpointFailure> {
    Ok(group.finish_checkpoint(mark).await?)
}

#[derive(Debug, thiserror::Error)]
enum CheckpointFailure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Group(#[from] CheckpointError),
}

//! Brings what waits in the outboxes of the shards that this node leads to the shards it is for.
//!
//! Everything here may be repeated or lost: the target takes each number once and keeps its answer
//! until the source has acted on it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{
    AcceptTransfers, Drop as DropQueue, Refusal, Transferred, TruncateOutbox,
};
use squorum_queue::{read_outbox, read_outbox_targets};
use squorum_store::Store;
use squorum_types::service::ServiceError;
use squorum_types::{QueueId, ShardId};
use tokio::sync::watch;

use crate::error::{failed_read, unavailable};
use crate::meta::MetaHandle;
use crate::shard::{Answer, ShardHandle};
use crate::shutdown::stopped;

/// Of one round and target shard, at most; a single larger message goes alone.
const TRANSFERS_MAX: usize = 256;
const BYTES_MAX: usize = 256 * 1024;
/// After a round that failed.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// One shard's pump.
pub(crate) struct Pump<S> {
    pub(crate) shard: ShardId,
    pub(crate) store: S,
    pub(crate) shards: Arc<[ShardHandle]>,
    pub(crate) meta: MetaHandle<S>,
}

impl<S: Store> Pump<S> {
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        tokio::select! {
            () = self.work() => {}
            () = stopped(&mut shutdown) => {}
        }
    }

    /// Keeps a transfer to every shard that something waits for under way, so that one without a
    /// leader keeps nothing from the others.
    async fn work(&self) {
        let Ok(own) = self.handle(self.shard) else {
            return;
        };
        let mut waiting = own.transfers.clone();
        let mut leadership = own.group.watch_leadership();
        let mut busy = BTreeSet::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            let leads = leadership.borrow_and_update().ready_to_serve;
            if *waiting.borrow_and_update() > 0 && leads {
                for target in self.targets() {
                    if busy.insert(target) {
                        under_way.push(self.transfer_or_pause(target));
                    }
                }
            }
            let ended = tokio::select! {
                Some(target) = under_way.next() => {
                    busy.remove(&target);
                    false
                }
                changed = waiting.changed() => changed.is_err(),
                changed = leadership.changed() => changed.is_err(),
            };
            if ended {
                // The group has ended; the node is about to.
                return;
            }
        }
    }

    fn targets(&self) -> BTreeSet<ShardId> {
        read_outbox_targets(&self.store, self.shard).unwrap_or_else(|error| {
            tracing::warn!(shard = self.shard.0, %error, "the outbox cannot be read");
            BTreeSet::new()
        })
    }

    /// One transfer; a pause after it if it failed.
    async fn transfer_or_pause(&self, target: ShardId) -> ShardId {
        if let Err(error) = self.transfer(target).await {
            let (source, target) = (self.shard.0, target.0);
            tracing::debug!(source, target, %error, "transfers are tried again");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        target
    }

    async fn transfer(&self, target: ShardId) -> Result<(), ServiceError> {
        let transfers = read_outbox(&self.store, self.shard, target, TRANSFERS_MAX, BYTES_MAX);
        let transfers = transfers.map_err(failed_read)?;
        let Some(first) = transfers.first().map(|transfer| transfer.number) else {
            return Ok(());
        };
        let queues: BTreeSet<QueueId> = transfers
            .iter()
            .filter_map(|transfer| transfer.target.as_ref())
            .map(|partition| QueueId(partition.queue))
            .collect();
        let accept = AcceptTransfers {
            source_shard: self.shard.0.into(),
            // What is below was truncated, so it was acted on.
            settled_below: first,
            transfers,
        };
        let transferred = match self.accept(target, accept.clone()).await? {
            Some(transferred) => transferred,
            None => {
                for queue in queues {
                    self.make_known(target, queue).await?;
                }
                let again = self.accept(target, accept).await?;
                again.ok_or(unavailable("queue is not known to the shard yet"))?
            }
        };
        let truncate = TruncateOutbox {
            target_shard: target.0.into(),
            below: transferred.below,
            gone: transferred.gone,
        };
        let truncate = Operation::TruncateOutbox(truncate);
        match self.propose(self.shard, truncate).await? {
            Kind::Done(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// `None` if the target does not know one of the queues.
    async fn accept(
        &self,
        target: ShardId,
        accept: AcceptTransfers,
    ) -> Result<Option<Transferred>, ServiceError> {
        match self
            .propose(target, Operation::AcceptTransfers(accept))
            .await?
        {
            Kind::Transferred(transferred) => Ok(Some(transferred)),
            Kind::Refused(refused) if refused.refusal() == Refusal::VersionUnknown => Ok(None),
            other => Err(unexpected(&other)),
        }
    }

    /// Tells a shard of a queue, or that it is gone for ever.
    async fn make_known(&self, shard: ShardId, queue: QueueId) -> Result<(), ServiceError> {
        let mut info = self.meta.live_queue(queue)?;
        if info.is_none() {
            // This replica may be behind.
            self.meta.confirm().await?;
            info = self.meta.live_queue(queue)?;
        }
        let operation = match info {
            Some(info) => self.meta.configure(&info)?,
            None => Operation::Drop(DropQueue { queue: queue.0 }),
        };
        self.propose(shard, operation).await?;
        Ok(())
    }

    async fn propose(&self, shard: ShardId, operation: Operation) -> Result<Kind, ServiceError> {
        let session = &self.handle(shard)?.session;
        match session.propose(operation, None).await? {
            Answer::Applied { outcome, .. } => {
                outcome.kind.ok_or(unavailable("outcome of no kind"))
            }
            Answer::NothingThere { .. } => Err(unavailable("shard did not look into the log")),
        }
    }

    fn handle(&self, shard: ShardId) -> Result<&ShardHandle, ServiceError> {
        let handle = self.shards.get(usize::from(shard.0));
        handle.ok_or(unavailable("shard is not known"))
    }
}

fn unexpected(kind: &Kind) -> ServiceError {
    match kind {
        Kind::Refused(refused) if refused.refusal() == Refusal::WindowFull => {
            ServiceError::Throttled
        }
        other => ServiceError::Internal {
            reason: format!("shard answered {other:?}"),
        },
    }
}

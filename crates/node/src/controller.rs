//! Drives what meta has decided to its end at the shards: settings, purges, drops.
//!
//! A work item is meta's state. Whoever asked for it waits while it is driven; should that end
//! half-way, the controller finds the item and goes on. Everything proposed here may be repeated.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use squorum_meta::command::WorkDone;
use squorum_meta::{Command, WorkItem, WorkKind};
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{Drop as DropQueue, Purge, Refusal};
use squorum_store::Store;
use squorum_types::service::ServiceError;
use squorum_types::{QueueId, ShardId};
use tokio::sync::watch;

use crate::error::unavailable;
use crate::meta::MetaHandle;
use crate::shard::{Answer, ShardHandle};
use crate::shutdown::stopped;

/// Items of one round, at most.
const ITEMS_MAX: usize = 256;
/// An item that its caller drives is left alone for so long.
const ROUND_PAUSE: Duration = Duration::from_secs(1);
/// Without news.
const ROUND_INTERVAL: Duration = Duration::from_secs(10);

/// Items that are being driven.
type Driven = Arc<Mutex<BTreeSet<(QueueId, WorkKind)>>>;

/// An item that is being driven, until this is dropped: a caller that goes ends it half-way.
struct Driving {
    driven: Driven,
    item: (QueueId, WorkKind),
}

impl Driving {
    fn begin(driven: &Driven, item: (QueueId, WorkKind)) -> Driving {
        driven.lock().insert(item);
        Driving {
            driven: Arc::clone(driven),
            item,
        }
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.driven.lock().remove(&self.item);
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Controller<S> {
    meta: MetaHandle<S>,
    shards: Arc<[ShardHandle]>,
    driven: Driven,
}

impl<S: Store> Controller<S> {
    pub(crate) fn new(meta: MetaHandle<S>, shards: Arc<[ShardHandle]>) -> Controller<S> {
        Controller {
            meta,
            shards,
            driven: Arc::default(),
        }
    }

    /// Finishes what is left over, from before the start or from callers that have gone.
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = self.round() => {}
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    async fn round(&self) {
        let mut leadership = self.meta.group.watch_leadership();
        if leadership
            .wait_for(|leadership| leadership.ready_to_serve)
            .await
            .is_err()
        {
            return std::future::pending().await;
        }
        let more = match self.meta.work(None, ITEMS_MAX) {
            Ok(items) => self.finish(items).await,
            Err(error) => {
                tracing::warn!(%error, "work cannot be read");
                false
            }
        };
        if !more {
            let _ = tokio::time::timeout(ROUND_INTERVAL, self.meta.new_work()).await;
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    }

    /// True if there is more to do at once: there were as many items as fit into a round, and all are
    /// done.
    async fn finish(&self, items: Vec<WorkItem>) -> bool {
        let mut more = items.len() == ITEMS_MAX;
        for item in items {
            if self.driven.lock().contains(&(item.queue, item.kind)) {
                more = false;
            } else if let Err(error) = self.drive(item.queue, item.kind).await {
                tracing::warn!(%error, queue = %item.queue, "work is not done yet");
                more = false;
            }
        }
        more
    }

    /// Brings one kind of work on a queue to its end.
    pub(crate) async fn drive(&self, queue: QueueId, kind: WorkKind) -> Result<(), ServiceError> {
        let _driving = Driving::begin(&self.driven, (queue, kind));
        self.drive_items(queue, kind).await
    }

    async fn drive_items(&self, queue: QueueId, kind: WorkKind) -> Result<(), ServiceError> {
        while let Some(item) = self.meta.work_of(queue, kind)? {
            for shard in &item.pending_shards {
                self.tell(&item, *shard).await?;
            }
            let done = WorkDone {
                queue,
                kind,
                number: item.number,
                shards: None,
            };
            self.meta.propose(&Command::WorkDone(done)).await?;
        }
        Ok(())
    }

    async fn tell(&self, item: &WorkItem, shard: ShardId) -> Result<(), ServiceError> {
        let handle = self.shards.get(usize::from(shard.0));
        let handle = handle.ok_or(unavailable("shard is not known"))?;
        let operation = match item.kind {
            WorkKind::Configure => {
                // Gone meanwhile: the drop covers it.
                let Some(info) = self.meta.queue(item.queue)? else {
                    return Ok(());
                };
                self.meta.configure(&info)?
            }
            WorkKind::Purge => Operation::Purge(Purge {
                queue: item.queue.0,
                purge_id: item.number,
            }),
            WorkKind::Drop => Operation::Drop(DropQueue {
                queue: item.queue.0,
            }),
        };
        let Answer::Applied { outcome, .. } = handle.session.propose(operation, None).await? else {
            return Err(unavailable("shard did not look into the log"));
        };
        match outcome.kind {
            Some(Kind::Done(_)) => Ok(()),
            Some(Kind::Refused(refused)) if refused.refusal() == Refusal::QueueDropped => Ok(()),
            Some(Kind::Refused(refused)) if refused.refusal() == Refusal::WindowFull => {
                Err(ServiceError::Throttled)
            }
            other => Err(ServiceError::Internal {
                reason: format!("shard answered {other:?}"),
            }),
        }
    }
}

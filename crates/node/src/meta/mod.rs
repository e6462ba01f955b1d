//! The control group on this node.

mod directory;
mod state;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use squorum_consensus::{FatalHook, Group, NoPeers, ProposeError};
use squorum_meta::{Cluster, Command, Outcome, QueueKey, WorkItem, WorkKind, read};
use squorum_proto::meta::Entry;
use squorum_store::Store;
use squorum_types::service::{ListQueues, QueueInfo, QueueList, ServiceError};
use squorum_types::{AccountId, GroupId, QueueId, Region};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::directory::Directory;
use self::state::{MetaState, Outcomes};
use crate::error::{NodeError, failed_read, unavailable};
use crate::shard::{GroupParts, HOLD};
use crate::stamper::Stamper;

/// Between two tries when there is no event to wait for.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Meta's handle. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MetaHandle<S> {
    pub(crate) group: Group<Outcomes>,
    store: S,
    directory: Directory,
    stamper: Stamper,
    new_work: Arc<Notify>,
}

impl<S: Store> MetaHandle<S> {
    pub(crate) async fn start(parts: &GroupParts<S>) -> Result<MetaHandle<S>, NodeError> {
        let directory = Directory::default();
        let new_work = Arc::new(Notify::new());
        let state = MetaState::open(&parts.store, directory.clone(), Arc::clone(&new_work))?;
        let options = parts.options(GroupId::META);
        let (log, store) = (Arc::clone(&parts.log), parts.store.clone());
        let on_fatal: FatalHook = parts.on_fatal.clone();
        let transport = Arc::new(NoPeers);
        let group = Group::start(options, log, store, state, transport, on_fatal).await?;
        let store = parts.store.clone();
        let stamper = parts.stamper.clone();
        Ok(MetaHandle {
            group,
            store,
            directory,
            stamper,
            new_work,
        })
    }

    /// Proposes a command, again and again until the hold time is over. Commands are made so that
    /// a repetition has the first one's outcome.
    pub(crate) async fn propose(&self, command: &Command) -> Result<Outcome, ServiceError> {
        let deadline = Instant::now() + HOLD;
        loop {
            let error = match self.propose_once(command).await {
                Ok(outcome) => return Ok(outcome),
                Err(ProposeError::Stopped) => return Err(unavailable("node is stopping")),
                Err(error) => error,
            };
            if Instant::now() >= deadline {
                tracing::warn!(%error, "proposal to meta is given up");
                return Err(unavailable("no leader could be reached"));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
            let mut leadership = self.group.watch_leadership();
            let ready = leadership.wait_for(|leadership| leadership.ready_to_serve);
            // Either way it is proposed again: the answer tells.
            let _ = tokio::time::timeout_at(deadline, ready).await;
        }
    }

    async fn propose_once(&self, command: &Command) -> Result<Outcome, ProposeError> {
        let entry = Entry {
            now_ms: self.stamper.now().0,
            // Meta's clock serves only the minute for which names and purges are blocked. A leader
            // may always set it: the stamper itself never jumps.
            first_stamp: true,
            commands: vec![command.into()],
        };
        let entry = Bytes::from(entry.encode_to_vec());
        let mut outcomes = self.group.propose(entry).await?;
        assert!(outcomes.len() == 1, "one command has one outcome");
        Ok(outcomes.remove(0))
    }

    /// The queue that a name leads to. A negative answer is confirmed with a quorum.
    pub(crate) async fn find(&self, key: &QueueKey) -> Result<Arc<QueueInfo>, ServiceError> {
        if let Some(info) = self.find_locally(key)? {
            return Ok(info);
        }
        self.confirm().await?;
        self.find_locally(key)?
            .ok_or(ServiceError::QueueDoesNotExist)
    }

    fn find_locally(&self, key: &QueueKey) -> Result<Option<Arc<QueueInfo>>, ServiceError> {
        let missing = match self.directory.get(key) {
            Ok(info) => return Ok(Some(info)),
            Err(missing) => missing,
        };
        let found = read::find_queue(&self.store, &key.account, &key.region, &key.name);
        let found = found.map_err(failed_read)?;
        let info = found.map(|record| Arc::new(record.info));
        if let Some(info) = &info {
            self.directory.insert(key.clone(), info, missing);
        }
        Ok(info)
    }

    /// Waits until this replica has everything that was acknowledged before the call.
    pub(crate) async fn confirm(&self) -> Result<(), ServiceError> {
        let deadline = Instant::now() + HOLD;
        while let Err(error) = self.group.confirm_leadership(deadline).await {
            if Instant::now() >= deadline {
                tracing::warn!(%error, "no quorum confirms that a queue does not exist");
                return Err(unavailable("no leader could be reached"));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        Ok(())
    }

    pub(crate) fn list(
        &self,
        account: &AccountId,
        region: &Region,
        request: &ListQueues,
    ) -> Result<QueueList, ServiceError> {
        let ListQueues {
            prefix,
            after,
            count_max,
        } = request;
        let after = after.as_ref();
        read::list_queues(&self.store, account, region, prefix, after, *count_max)
            .map_err(failed_read)
    }

    pub(crate) fn cluster(&self) -> Result<Option<Cluster>, NodeError> {
        Ok(read::cluster(&self.store)?)
    }

    pub(crate) fn work_of(
        &self,
        queue: QueueId,
        kind: WorkKind,
    ) -> Result<Option<WorkItem>, ServiceError> {
        read::work_of(&self.store, queue, kind).map_err(failed_read)
    }

    pub(crate) fn work(
        &self,
        after: Option<(QueueId, WorkKind)>,
        count_max: usize,
    ) -> Result<Vec<WorkItem>, ServiceError> {
        read::work(&self.store, after, count_max).map_err(failed_read)
    }

    pub(crate) fn queue(&self, queue: QueueId) -> Result<Option<Arc<QueueInfo>>, ServiceError> {
        let record = read::queue(&self.store, queue).map_err(failed_read)?;
        Ok(record.map(|record| Arc::new(record.info)))
    }

    /// Returns when there may be new work for the controller.
    pub(crate) async fn new_work(&self) {
        self.new_work.notified().await;
    }
}

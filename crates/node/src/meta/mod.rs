//! The control group on this node.

mod directory;
mod recent;
mod state;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use squorum_consensus::{Group, ReadError};
use squorum_meta::{
    CALL_MEMORY_MS, Cluster, Command, Outcome, QueueKey, RequestId, WorkItem, WorkKind, read,
};
use squorum_proto::meta::Entry;
use squorum_proto::queue::command::Operation;
use squorum_store::Store;
use squorum_types::service::{ListQueues, MoveTask, Page, QueueInfo, QueueList, ServiceError};
use squorum_types::{AccountId, Entropy, GroupId, NodeId, QueueId, QueueTags, Region};
use tokio::time::Instant;

use self::directory::Directory;
use self::recent::RecentOutcomes;
use self::state::{AppliedCommand, MetaState, News};
use crate::cluster::ClusterView;
use crate::error::{NodeError, failed_read, unavailable};
use crate::gateway::LeaderClient;
use crate::routing;
use crate::shard::batch::SubmitError;
use crate::shard::{GroupParts, HOLD, submit_error};
use crate::stamper::Stamper;

/// Between two tries when there is no event to wait for.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

// The last repetition of a call comes while meta still knows the first.
const _: () = assert!(2 * HOLD.as_millis() <= CALL_MEMORY_MS as u128);

/// Meta's handle. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MetaHandle<S> {
    pub(crate) group: Group<AppliedCommand>,
    store: S,
    directory: Directory,
    recent: RecentOutcomes,
    stamper: Stamper,
    entropy: Arc<dyn Entropy>,
    news: News,
    leaders: LeaderClient,
    view: ClusterView,
}

impl<S: Store> MetaHandle<S> {
    pub(crate) async fn start(parts: &GroupParts<S>) -> Result<MetaHandle<S>, NodeError> {
        let directory = Directory::default();
        let (news, recent) = (News::default(), RecentOutcomes::default());
        let state = MetaState::open(
            &parts.store,
            directory.clone(),
            news.clone(),
            recent.clone(),
            parts.roster.clone(),
        )?;
        let group = parts.start_group(GroupId::META, state).await?;
        Ok(MetaHandle {
            group,
            store: parts.store.clone(),
            directory,
            recent,
            stamper: parts.stamper.clone(),
            entropy: Arc::clone(&parts.entropy),
            news,
            leaders: parts.leaders.clone(),
            view: parts.view.clone(),
        })
    }

    /// Proposes a command to whoever leads, again and again until the hold time is over. Every
    /// proposal bears the id of this call, by which meta knows a repetition: it has the first one's
    /// outcome. When it returns, this node's replica has applied it.
    pub(crate) async fn propose(&self, command: &Command) -> Result<Outcome, ServiceError> {
        let deadline = Instant::now() + HOLD;
        let mut call = [0; 16];
        self.entropy.fill(&mut call);
        let command = command.of_call(RequestId(call));
        self.until(deadline, || self.propose_once(&command, deadline))
            .await
    }

    async fn propose_once(
        &self,
        command: &squorum_proto::meta::Command,
        deadline: Instant,
    ) -> Result<Outcome, SubmitError> {
        let leader = self.leader(deadline).await?;
        if leader == self.group.node() {
            return Ok(self.propose_here(command.clone()).await?.outcome);
        }
        let encoded = Bytes::from(command.encode_to_vec());
        let index = self.leaders.propose_meta(leader, encoded, deadline).await?;
        self.applied(index, deadline).await?;
        // Gone only if a snapshot brought it, or much else came after it.
        self.recent.get(index).ok_or(SubmitError::OutcomeUnknown)
    }

    /// Proposes a command if this node leads.
    pub(crate) async fn propose_here(
        &self,
        command: squorum_proto::meta::Command,
    ) -> Result<AppliedCommand, SubmitError> {
        let entry = Entry {
            now_ms: self.stamper.now().0,
            // Meta's clock serves only the minute for which names and purges are blocked. A leader
            // may always set it: the stamper itself never jumps.
            first_stamp: true,
            commands: vec![command],
        };
        let entry = Bytes::from(entry.encode_to_vec());
        let applied = self.group.propose(entry).await;
        applied.map_err(|error| submit_error(&error))
    }

    /// The node that leads. Waits for one if there is none.
    async fn leader(&self, deadline: Instant) -> Result<NodeId, SubmitError> {
        let mut watch = self.group.watch_leadership();
        let found = watch.wait_for(|leadership| leadership.leader.is_some());
        let leadership = tokio::select! {
            found = tokio::time::timeout_at(deadline, found) => match found {
                Ok(Ok(leadership)) => *leadership,
                Ok(Err(_)) => return Err(SubmitError::Stopped),
                Err(_) => return Err(SubmitError::NotLeader { leader: None }),
            },
            () = self.view.cut_off() => return Err(SubmitError::NotLeader { leader: None }),
        };
        leadership
            .leader
            .ok_or(SubmitError::NotLeader { leader: None })
    }

    /// Waits until this replica has applied the log up to `index`.
    async fn applied(&self, index: u64, deadline: Instant) -> Result<(), SubmitError> {
        loop {
            let changed = self.recent.changed();
            if self.group.applied_index() >= Some(index) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(SubmitError::OutcomeUnknown);
            }
            // Entries of the group's own, and snapshots, are not announced.
            let _ = tokio::time::timeout(RETRY_PAUSE, changed).await;
        }
    }

    /// Tries until something comes of it or the deadline is over.
    async fn until<T, F>(
        &self,
        deadline: Instant,
        attempt: impl Fn() -> F,
    ) -> Result<T, ServiceError>
    where
        F: Future<Output = Result<T, SubmitError>>,
    {
        loop {
            let result = tokio::select! {
                result = attempt() => result,
                () = self.view.cut_off() => Err(SubmitError::OutcomeUnknown),
            };
            let error = match result {
                Ok(value) => return Ok(value),
                Err(SubmitError::Stopped) => return Err(unavailable("node is stopping")),
                Err(error) => error,
            };
            if self.view.is_cut_off() {
                return Err(unavailable("this node reaches no majority of the cluster"));
            }
            if Instant::now() >= deadline {
                tracing::warn!(%error, "no leader of meta answers");
                return Err(unavailable("no leader could be reached"));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
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
        self.until(deadline, || self.confirm_once(deadline)).await
    }

    async fn confirm_once(&self, deadline: Instant) -> Result<(), SubmitError> {
        let leader = self.leader(deadline).await?;
        if leader == self.group.node() {
            let confirmed = self.confirm_here(deadline).await;
            return confirmed
                .map(|_| ())
                .map_err(|leader| SubmitError::NotLeader { leader });
        }
        let index = self.leaders.confirm_meta(leader, deadline).await?;
        self.applied(index, deadline).await
    }

    /// Confirms with a quorum that this node leads; answers up to where it has applied the log.
    /// `Err` names the leader instead, if it is known.
    pub(crate) async fn confirm_here(&self, deadline: Instant) -> Result<u64, Option<NodeId>> {
        self.group
            .confirm_leadership(deadline)
            .await
            .map_err(|error| match error {
                ReadError::NotLeader { leader } => leader,
                ReadError::NoQuorum | ReadError::Stopped => None,
            })
    }

    pub(crate) fn list(
        &self,
        account: &AccountId,
        region: &Region,
        request: &ListQueues,
    ) -> Result<QueueList, ServiceError> {
        let ListQueues { prefix, page } = request;
        let after = page.after.as_ref();
        read::list_queues(&self.store, account, region, prefix, after, page.count_max)
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

    /// A queue that is not deleted, as this replica has it.
    pub(crate) fn live_queue(
        &self,
        queue: QueueId,
    ) -> Result<Option<Arc<QueueInfo>>, ServiceError> {
        let record = read::queue(&self.store, queue).map_err(failed_read)?;
        let record = record.filter(|record| !record.dropping);
        Ok(record.map(|record| Arc::new(record.info)))
    }

    /// The tags of a queue that is not deleted, as this replica has them.
    pub(crate) fn tags(&self, queue: QueueId) -> Result<Option<QueueTags>, ServiceError> {
        read::tags(&self.store, queue).map_err(failed_read)
    }

    /// Tells a shard of a queue's current settings.
    pub(crate) fn configure(&self, queue: &QueueInfo) -> Result<Operation, ServiceError> {
        let policy = queue.attributes.redrive_policy.as_ref();
        let target = match policy.map(|policy| QueueKey::from(&policy.target)) {
            Some(key) => self.find_locally(&key)?,
            None => None,
        };
        let cluster = read::cluster(&self.store).map_err(failed_read)?;
        let cluster = cluster.ok_or(unavailable("cluster is not founded"))?;
        let target = target.as_deref();
        Ok(routing::configure(queue, target, cluster.shard_count))
    }

    /// Queues whose dead letters go to this one.
    pub(crate) fn list_dead_letter_sources(
        &self,
        target: &QueueKey,
        page: &Page,
    ) -> Result<QueueList, ServiceError> {
        let Page { after, count_max } = page;
        read::list_dead_letter_sources(&self.store, target, after.as_ref(), *count_max)
            .map_err(failed_read)
    }

    /// Returns when there may be new work for the controller.
    pub(crate) async fn new_work(&self) {
        self.news.work.notified().await;
    }

    /// Returns when there may be something new for the mover.
    pub(crate) async fn moves_changed(&self) {
        self.news.moves.notified().await;
    }

    /// Queues with a task that moves their messages.
    pub(crate) fn active_moves(&self, count_max: usize) -> Result<Vec<QueueId>, ServiceError> {
        read::active_moves(&self.store, count_max).map_err(failed_read)
    }

    /// The last tasks of a queue, the newest first.
    pub(crate) fn move_tasks(&self, queue: QueueId) -> Result<Vec<MoveTask>, ServiceError> {
        read::move_tasks(&self.store, queue).map_err(failed_read)
    }
}

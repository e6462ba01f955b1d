//! The naive reference: every queue that ever was in one list, walked from end to end.

use std::collections::{BTreeMap, BTreeSet};

use squorum_meta::command::{
    CreateQueue, CreateQueueOutcome, DeleteQueueOutcome, Found, FoundOutcome, PurgeOutcome,
    RaiseFeatureLevelOutcome, SetAttributesOutcome, WorkDone, WorkDoneOutcome,
};
use squorum_meta::{
    ClusterId, ClusterSettings, Command, FeatureLevel, Outcome, QueueKey, QueueRecord, Refusal,
    RequestId, WorkKind,
};
use squorum_types::service::QueueInfo;
use squorum_types::{
    AttributeChanges, DeduplicationScope, PartitionId, QueueAttributes, QueueId, ShardId, Timestamp,
};

/// What the outside can see of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Done,
    Refused(Refusal),
    Founded(ClusterId, u16, ClusterSettings, FeatureLevel),
    OtherCluster(ClusterId),
    Raised(FeatureLevel),
    NotRaised(FeatureLevel),
    Created(SeenQueue),
    Exists(SeenQueue),
    NameExists(&'static str),
    DeletedRecently,
    Set(SeenQueue),
    Dropping(SeenQueue),
    Dropped,
    NoSuchQueue,
    Purging(u64),
    PurgeInProgress,
    WorkEnded,
    WorkPending(Vec<ShardId>),
    WorkStale,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenQueue {
    pub(crate) info: QueueInfo,
    pub(crate) dropping: bool,
    pub(crate) purge_id: u64,
}

impl From<&QueueRecord> for SeenQueue {
    fn from(record: &QueueRecord) -> Self {
        SeenQueue {
            info: record.info.clone(),
            dropping: record.dropping,
            purge_id: record.purge_id,
        }
    }
}

impl From<&Outcome> for Seen {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done => Seen::Done,
            Outcome::Refused(refusal) => Seen::Refused(*refusal),
            Outcome::Found(FoundOutcome::Founded(cluster)) => Seen::Founded(
                cluster.id,
                cluster.shard_count,
                cluster.settings,
                cluster.feature_level,
            ),
            Outcome::Found(FoundOutcome::OtherCluster(id)) => Seen::OtherCluster(*id),
            Outcome::RaiseFeatureLevel(raise) => match raise {
                RaiseFeatureLevelOutcome::Raised(level) => Seen::Raised(*level),
                RaiseFeatureLevelOutcome::Unchanged(level) => Seen::NotRaised(*level),
            },
            Outcome::CreateQueue(create) => match create {
                CreateQueueOutcome::Created(record) => Seen::Created(record.as_ref().into()),
                CreateQueueOutcome::Exists(record) => Seen::Exists(record.as_ref().into()),
                CreateQueueOutcome::NameExists { attribute } => Seen::NameExists(attribute),
                CreateQueueOutcome::DeletedRecently => Seen::DeletedRecently,
            },
            Outcome::SetAttributes(set) => match set {
                SetAttributesOutcome::Set(record) => Seen::Set(record.as_ref().into()),
                SetAttributesOutcome::NoSuchQueue => Seen::NoSuchQueue,
            },
            Outcome::DeleteQueue(delete) => match delete {
                DeleteQueueOutcome::Dropping(record) => Seen::Dropping(record.as_ref().into()),
                DeleteQueueOutcome::Dropped => Seen::Dropped,
                DeleteQueueOutcome::NoSuchQueue => Seen::NoSuchQueue,
            },
            Outcome::Purge(purge) => match purge {
                PurgeOutcome::Purging { purge_id } => Seen::Purging(*purge_id),
                PurgeOutcome::InProgress => Seen::PurgeInProgress,
                PurgeOutcome::NoSuchQueue => Seen::NoSuchQueue,
            },
            Outcome::WorkDone(done) => match done {
                WorkDoneOutcome::Ended => Seen::WorkEnded,
                WorkDoneOutcome::Pending(shards) => Seen::WorkPending(shards.clone()),
                WorkDoneOutcome::Stale => Seen::WorkStale,
            },
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ModelQueue {
    pub(crate) key: QueueKey,
    pub(crate) seen: SeenQueue,
    created_by: RequestId,
    set_by: Option<RequestId>,
    purged: Option<(RequestId, u64)>,
    pub(crate) deleted_at: Option<u64>,
    pub(crate) dropped: bool,
    pub(crate) work: BTreeMap<WorkKind, (u64, BTreeSet<ShardId>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct ModelCluster {
    id: ClusterId,
    shard_count: u16,
    settings: ClusterSettings,
    level: FeatureLevel,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) clock: u64,
    pub(crate) cluster: Option<ModelCluster>,
    /// The queue with id `n` stands at `n - 1`.
    pub(crate) queues: Vec<ModelQueue>,
    /// Positions in `queues`, in the order of deletion.
    deletions: Vec<usize>,
    pub(crate) ended: Vec<(QueueId, WorkKind, u64)>,
    pub(crate) new_work: bool,
}

impl Model {
    pub(crate) fn begin_entry(&mut self, now_ms: u64, first_stamp: bool) {
        let limit = if first_stamp || self.clock == 0 {
            u64::MAX
        } else {
            self.clock + 60_000
        };
        if now_ms > self.clock {
            self.clock = now_ms.min(limit);
        }
        self.ended.clear();
        self.new_work = false;
    }

    pub(crate) fn apply(&mut self, command: &Command) -> Seen {
        match command {
            Command::Tick => return Seen::Done,
            Command::Found(found) => return self.found(found),
            _ if self.cluster.is_none() => return Seen::Refused(Refusal::NotFounded),
            _ => {}
        }
        let cluster = self.cluster.as_mut().unwrap();
        match command {
            Command::Tick | Command::Found(_) => unreachable!(),
            Command::RaiseFeatureLevel(level) => {
                let before = cluster.level;
                cluster.level.level = before.level.max(level.level);
                cluster.level.minimum = before.minimum.max(level.minimum);
                if cluster.level == before {
                    Seen::NotRaised(before)
                } else {
                    Seen::Raised(cluster.level)
                }
            }
            Command::ChangeClusterSettings(settings) => {
                cluster.settings = *settings;
                Seen::Done
            }
            Command::CreateQueue(create) => self.create(create),
            Command::SetAttributes(set) => self.set(set.queue, &set.changes, set.request_id),
            Command::DeleteQueue(delete) => self.delete(delete.queue),
            Command::Purge(purge) => self.purge(purge.queue, purge.request_id),
            Command::WorkDone(done) => self.work_done(done),
        }
    }

    fn found(&mut self, found: &Found) -> Seen {
        let cluster = self.cluster.get_or_insert(ModelCluster {
            id: found.cluster_id,
            shard_count: found.shard_count,
            settings: found.settings,
            level: found.feature_level,
        });
        if cluster.id == found.cluster_id {
            Seen::Founded(
                cluster.id,
                cluster.shard_count,
                cluster.settings,
                cluster.level,
            )
        } else {
            Seen::OtherCluster(cluster.id)
        }
    }

    pub(crate) fn live(&self, key: &QueueKey) -> Option<&ModelQueue> {
        let mut found = self
            .queues
            .iter()
            .filter(|queue| queue.key == *key && queue.deleted_at.is_none());
        let queue = found.next();
        assert!(found.next().is_none());
        queue
    }

    fn create(&mut self, create: &CreateQueue) -> Seen {
        let fifo = create.key.name.is_fifo();
        if let Some(attribute) = fifo_only(&create.given).filter(|_| !fifo) {
            return Seen::Refused(Refusal::FifoOnly { attribute });
        }
        if let Some(queue) = self.live(&create.key) {
            if queue.created_by == create.request_id {
                return Seen::Created(queue.seen.clone());
            }
            return match difference(&create.given, &queue.seen.info.attributes) {
                Some(attribute) => Seen::NameExists(attribute),
                None => Seen::Exists(queue.seen.clone()),
            };
        }
        let mut deletions = self.deletions.iter().rev().map(|&at| &self.queues[at]);
        if let Some(queue) = deletions.find(|queue| queue.key == create.key)
            && self.clock - queue.deleted_at.unwrap() < 60_000
        {
            if queue.created_by == create.request_id {
                // As it was when it was deleted.
                return Seen::Created(queue.seen.clone());
            }
            let settings = self.cluster.as_ref().unwrap().settings;
            if !settings.deleted_names_free_at_once {
                return Seen::DeletedRecently;
            }
        }
        self.insert(create)
    }

    fn insert(&mut self, create: &CreateQueue) -> Seen {
        let by_group = create.attributes.fifo.as_ref().is_some_and(|fifo| {
            matches!(fifo.deduplication_scope, DeduplicationScope::MessageGroup)
        });
        let seen = SeenQueue {
            info: QueueInfo {
                id: QueueId(self.queues.len() as u64 + 1),
                account: create.key.account.clone(),
                region: create.key.region.clone(),
                name: create.key.name.clone(),
                version: 1,
                attributes: create.attributes.clone(),
                deduplicates_by_group: by_group,
                partition_count: create.partition_count,
                created_at: Timestamp(self.clock),
                modified_at: Timestamp(self.clock),
            },
            dropping: false,
            purge_id: 0,
        };
        self.queues.push(ModelQueue {
            key: create.key.clone(),
            seen: seen.clone(),
            created_by: create.request_id,
            set_by: None,
            purged: None,
            deleted_at: None,
            dropped: false,
            work: BTreeMap::new(),
        });
        self.add_work(seen.info.id, WorkKind::Configure, 1);
        Seen::Created(seen)
    }

    fn add_work(&mut self, id: QueueId, kind: WorkKind, number: u64) {
        let shard_count = self.cluster.as_ref().unwrap().shard_count;
        let queue = &mut self.queues[id.0 as usize - 1];
        let partitions = 0..queue.seen.info.partition_count;
        let shards = partitions.map(|index| PartitionId { queue: id, index }.shard(shard_count));
        queue.work.insert(kind, (number, shards.collect()));
        self.new_work = true;
    }

    /// A queue that was not deleted.
    fn get(&mut self, id: QueueId) -> Option<&mut ModelQueue> {
        let position = usize::try_from(id.0).ok()?.checked_sub(1)?;
        let queue = self.queues.get_mut(position)?;
        queue.deleted_at.is_none().then_some(queue)
    }

    fn set(&mut self, id: QueueId, changes: &AttributeChanges, request: RequestId) -> Seen {
        let clock = self.clock;
        let Some(queue) = self.get(id) else {
            return Seen::NoSuchQueue;
        };
        if let Some(attribute) = fifo_only(changes).filter(|_| !queue.key.name.is_fifo()) {
            return Seen::Refused(Refusal::FifoOnly { attribute });
        }
        if queue.set_by == Some(request) {
            return Seen::Set(queue.seen.clone());
        }
        queue.set_by = Some(request);
        changes.apply_to(&mut queue.seen.info.attributes);
        queue.seen.info.version += 1;
        queue.seen.info.modified_at = Timestamp(clock);
        let seen = queue.seen.clone();
        self.add_work(id, WorkKind::Configure, seen.info.version);
        Seen::Set(seen)
    }

    fn delete(&mut self, id: QueueId) -> Seen {
        let clock = self.clock;
        let Some(queue) = self.get(id) else {
            return match self.queues.get((id.0 as usize).wrapping_sub(1)) {
                Some(queue) if queue.dropped => Seen::Dropped,
                Some(queue) => Seen::Dropping(queue.seen.clone()),
                None => Seen::NoSuchQueue,
            };
        };
        queue.deleted_at = Some(clock);
        queue.seen.dropping = true;
        let seen = queue.seen.clone();
        let work = std::mem::take(&mut queue.work);
        let ended = work
            .into_iter()
            .map(|(kind, (number, _))| (id, kind, number));
        self.ended.extend(ended);
        self.deletions.push(id.0 as usize - 1);
        self.add_work(id, WorkKind::Drop, 0);
        Seen::Dropping(seen)
    }

    fn purge(&mut self, id: QueueId, request: RequestId) -> Seen {
        let clock = self.clock;
        let Some(queue) = self.get(id) else {
            return Seen::NoSuchQueue;
        };
        match queue.purged {
            Some((last, _)) if last == request => return Seen::Purging(queue.seen.purge_id),
            Some((_, at)) if clock < at + 60_000 => return Seen::PurgeInProgress,
            _ => {}
        }
        queue.purged = Some((request, clock));
        queue.seen.purge_id += 1;
        let purge_id = queue.seen.purge_id;
        self.add_work(id, WorkKind::Purge, purge_id);
        Seen::Purging(purge_id)
    }

    fn work_done(&mut self, done: &WorkDone) -> Seen {
        let Some(queue) = self.queues.get_mut((done.queue.0 as usize).wrapping_sub(1)) else {
            return Seen::WorkStale;
        };
        match queue.work.get_mut(&done.kind) {
            Some((number, pending)) if *number == done.number => {
                match &done.shards {
                    Some(shards) => pending.retain(|shard| !shards.contains(shard)),
                    None => pending.clear(),
                }
                if !pending.is_empty() {
                    return Seen::WorkPending(pending.iter().copied().collect());
                }
            }
            _ => return Seen::WorkStale,
        }
        queue.work.remove(&done.kind);
        queue.dropped |= done.kind == WorkKind::Drop;
        self.ended.push((done.queue, done.kind, done.number));
        Seen::WorkEnded
    }
}

fn fifo_only(changes: &AttributeChanges) -> Option<&'static str> {
    if changes.content_based_deduplication.is_some() {
        Some("ContentBasedDeduplication")
    } else if changes.deduplication_scope.is_some() {
        Some("DeduplicationScope")
    } else if changes.fifo_throughput_limit.is_some() {
        Some("FifoThroughputLimit")
    } else {
        None
    }
}

/// Compares texts, one attribute after the other.
fn difference(given: &AttributeChanges, current: &QueueAttributes) -> Option<&'static str> {
    fn text<T: std::fmt::Debug>(value: Option<T>) -> Option<String> {
        value.map(|value| format!("{value:?}"))
    }
    let fifo = current.fifo.clone();
    let table: [(&str, Option<String>, Option<String>); 12] = [
        (
            "DelaySeconds",
            text(given.delay_seconds),
            text(Some(current.delay_seconds)),
        ),
        (
            "MaximumMessageSize",
            text(given.maximum_message_bytes),
            text(Some(current.maximum_message_bytes)),
        ),
        (
            "MessageRetentionPeriod",
            text(given.message_retention_seconds),
            text(Some(current.message_retention_seconds)),
        ),
        (
            "Policy",
            text(given.policy.clone()),
            text(Some(current.policy.clone())),
        ),
        (
            "ReceiveMessageWaitTimeSeconds",
            text(given.receive_message_wait_time_seconds),
            text(Some(current.receive_message_wait_time_seconds)),
        ),
        (
            "VisibilityTimeout",
            text(given.visibility_timeout_seconds),
            text(Some(current.visibility_timeout_seconds)),
        ),
        (
            "KmsMasterKeyId",
            text(given.kms_master_key_id.clone()),
            text(Some(current.kms_master_key_id.clone())),
        ),
        (
            "KmsDataKeyReusePeriodSeconds",
            text(given.kms_data_key_reuse_period_seconds),
            text(Some(current.kms_data_key_reuse_period_seconds)),
        ),
        (
            "SqsManagedSseEnabled",
            text(given.sqs_managed_sse_enabled),
            text(Some(current.sqs_managed_sse_enabled)),
        ),
        (
            "ContentBasedDeduplication",
            text(given.content_based_deduplication),
            text(fifo.as_ref().map(|fifo| fifo.content_based_deduplication)),
        ),
        (
            "DeduplicationScope",
            text(given.deduplication_scope),
            text(fifo.as_ref().map(|fifo| fifo.deduplication_scope)),
        ),
        (
            "FifoThroughputLimit",
            text(given.fifo_throughput_limit),
            text(fifo.as_ref().map(|fifo| fifo.fifo_throughput_limit)),
        ),
    ];
    table
        .iter()
        .find(|(_, given, current)| given.is_some() && given != current)
        .map(|(name, ..)| *name)
}

//! The naive reference: every queue that ever was in one list, walked from end to end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::members::ModelMembers;
use crate::policies;
use squorum_meta::command::{
    AddPermission, AdmitRefusal, CancelMove, CancelMoveOutcome, CreateQueue, CreateQueueOutcome,
    DeleteQueueOutcome, Found, FoundOutcome, PermissionOutcome, Purge, PurgeOutcome,
    RaiseFeatureLevelOutcome, RemovePermission, RemoveRefusal, ReportMove, SetAttributes,
    SetAttributesOutcome, StartMove, StartMoveOutcome, TagsOutcome, WorkDone, WorkDoneOutcome,
};
use squorum_meta::{
    ClusterId, ClusterSettings, Command, FeatureLevel, Outcome, QueueKey, QueueRecord, Refusal,
    RequestId, WorkKind,
};
use squorum_types::service::{MoveStatus, MoveTask, QueueInfo};
use squorum_types::{
    AttributeChanges, AttributeConflict, DeduplicationScope, PartitionId, PermissionRefusal,
    QueueAttributes, QueueId, QueueTags, RedriveAllowPolicy, RedrivePermission, RedrivePolicy,
    RedriveRefusal, ShardId, Timestamp,
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
    TagsDiffer,
    Conflict(AttributeConflict),
    RedriveRefused(RedriveRefusal),
    DeletedRecently,
    Set,
    Dropping,
    Dropped,
    NoSuchQueue,
    Purging(u64),
    PurgeInProgress,
    WorkEnded,
    WorkPending(Vec<ShardId>),
    WorkStale,
    MoveStarted(MoveTask),
    MoveRunning,
    NotADeadLetterQueue,
    NoSuchDestination,
    MoveCancelling(MoveTask),
    MoveNotRunning,
    NoSuchTask,
    Admitted,
    NotAdmitted(AdmitRefusal),
    Removing,
    NotRemoved(RemoveRefusal),
    PermissionChanged,
    PermissionRefused(PermissionRefusal),
    Tagged,
    TooManyTags,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenQueue {
    pub(crate) info: QueueInfo,
    pub(crate) dropping: bool,
    pub(crate) purge_id: u64,
}

impl From<&QueueRecord> for SeenQueue {
    fn from(record: &QueueRecord) -> Self {
        let mut info = record.info.clone();
        // What a policy says; its text is a test of its own.
        info.attributes = policies::normalized(info.attributes);
        SeenQueue {
            info,
            dropping: record.dropping,
            purge_id: record.purge_id,
        }
    }
}

impl Seen {
    fn is_effect(&self) -> bool {
        matches!(
            self,
            Seen::Done
                | Seen::Raised(_)
                | Seen::Created(_)
                | Seen::Set
                | Seen::Dropping
                | Seen::Purging(_)
                | Seen::MoveStarted(_)
                | Seen::MoveCancelling(_)
                | Seen::Admitted
                | Seen::Removing
                | Seen::PermissionChanged
                | Seen::Tagged
        )
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
                CreateQueueOutcome::TagsDiffer => Seen::TagsDiffer,
                CreateQueueOutcome::RedriveRefused(refusal) => Seen::RedriveRefused(*refusal),
                CreateQueueOutcome::DeletedRecently => Seen::DeletedRecently,
            },
            Outcome::SetAttributes(set) => match set {
                SetAttributesOutcome::Set => Seen::Set,
                SetAttributesOutcome::Conflict(conflict) => Seen::Conflict(*conflict),
                SetAttributesOutcome::RedriveRefused(refusal) => Seen::RedriveRefused(*refusal),
                SetAttributesOutcome::NoSuchQueue => Seen::NoSuchQueue,
            },
            Outcome::DeleteQueue(delete) => match delete {
                DeleteQueueOutcome::Dropping => Seen::Dropping,
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
            Outcome::StartMove(start) => match start {
                StartMoveOutcome::Started(task) => Seen::MoveStarted((**task).clone()),
                StartMoveOutcome::AlreadyRunning => Seen::MoveRunning,
                StartMoveOutcome::NotADeadLetterQueue => Seen::NotADeadLetterQueue,
                StartMoveOutcome::NoSuchDestination => Seen::NoSuchDestination,
                StartMoveOutcome::NoSuchQueue => Seen::NoSuchQueue,
            },
            Outcome::CancelMove(cancel) => match cancel {
                CancelMoveOutcome::Cancelling(task) => Seen::MoveCancelling((**task).clone()),
                CancelMoveOutcome::NotRunning => Seen::MoveNotRunning,
                CancelMoveOutcome::NoSuchTask => Seen::NoSuchTask,
            },
            Outcome::AdmitNode(Ok(())) => Seen::Admitted,
            Outcome::AdmitNode(Err(refusal)) => Seen::NotAdmitted(*refusal),
            Outcome::RemoveNode(Ok(())) => Seen::Removing,
            Outcome::RemoveNode(Err(refusal)) => Seen::NotRemoved(*refusal),
            Outcome::Permission(permission) => match permission {
                PermissionOutcome::Changed => Seen::PermissionChanged,
                PermissionOutcome::Refused(refusal) => Seen::PermissionRefused(*refusal),
                PermissionOutcome::NoSuchQueue => Seen::NoSuchQueue,
            },
            Outcome::Tags(tags) => match tags {
                TagsOutcome::Changed => Seen::Tagged,
                TagsOutcome::TooMany => Seen::TooManyTags,
                TagsOutcome::NoSuchQueue => Seen::NoSuchQueue,
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
    /// The newest first; all that there ever were.
    pub(crate) tasks: Vec<MoveTask>,
    pub(crate) tags: QueueTags,
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
    pub(crate) members: ModelMembers,
    pub(crate) ended: Vec<(QueueId, WorkKind, u64)>,
    pub(crate) new_work: bool,
    calls: VecDeque<ModelCall>,
}

/// A call that is remembered.
#[derive(Clone, Debug)]
struct ModelCall {
    id: RequestId,
    at: u64,
    seen: Seen,
}

impl Model {
    /// Applies a command of a call, whether it is its first or not.
    pub(crate) fn apply_call(&mut self, command: &Command, id: RequestId) -> Seen {
        if matches!(command, Command::Tick | Command::Found(_)) || self.cluster.is_none() {
            return self.apply(command);
        }
        if let Some(known) = self.calls.iter().find(|known| known.id == id) {
            return match (&known.seen, command) {
                (Seen::Created(made), Command::CreateQueue(create)) => {
                    let queue = &self.queues[made.info.id.0 as usize - 1];
                    Seen::Created(match queue.dropped {
                        true => new_queue(create, made.info.id, known.at),
                        false => queue.seen.clone(),
                    })
                }
                (seen, _) => seen.clone(),
            };
        }
        let seen = self.apply(command);
        if seen.is_effect() {
            let at = self.clock;
            let seen = seen.clone();
            self.calls.push_back(ModelCall { id, at, seen });
        }
        seen
    }

    pub(crate) fn end_entry(&mut self) {
        for _ in 0..64 {
            let oldest = self.calls.front();
            if oldest.is_some_and(|call| self.clock >= call.at + 60_000) {
                self.calls.pop_front();
            }
        }
    }

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
            Command::SetAttributes(set) => self.set(set),
            Command::DeleteQueue(delete) => self.delete(delete.queue),
            Command::Purge(purge) => self.purge(purge),
            Command::WorkDone(done) => self.work_done(done),
            Command::StartMove(start) => self.start_move(start),
            Command::CancelMove(cancel) => self.cancel_move(cancel),
            Command::ReportMove(report) => self.report_move(report),
            Command::AdmitNode(admit) => self.members.admit(admit),
            Command::RemoveNode(node) => self.members.remove(*node),
            Command::AdvanceMember(advance) => self.members.advance(advance.node, advance.from),
            Command::AddPermission(add) => self.add_permission(add),
            Command::RemovePermission(remove) => self.remove_permission(remove),
            Command::TagQueue(tag) => self.change_tags(tag.queue, |tags| {
                tags.extend(tag.tags.clone());
            }),
            Command::UntagQueue(untag) => self.change_tags(untag.queue, |tags| {
                tags.retain(|key, _| !untag.keys.contains(key));
            }),
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
            if self.members.is_empty() {
                self.members = ModelMembers::founders(&found.members);
            }
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
                None if create
                    .tags
                    .iter()
                    .any(|tag| !queue.tags.iter().any(|it| it == tag)) =>
                {
                    Seen::TagsDiffer
                }
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
            if !settings.deleted_names_free_at_once && !create.allows_recent_deletion {
                return Seen::DeletedRecently;
            }
        }
        if let Some(refusal) = self.redrive_refusal(&create.key, &create.attributes) {
            return Seen::RedriveRefused(refusal);
        }
        let seen = self.insert(create);
        for source in self.dead_letter_sources(&create.key) {
            let info = &mut self.queues[source.0 as usize - 1].seen.info;
            info.version += 1;
            let version = info.version;
            self.add_work(source, WorkKind::Configure, version);
        }
        seen
    }

    /// Live queues that name this one, in the order of their names.
    pub(crate) fn dead_letter_sources(&self, target: &QueueKey) -> Vec<QueueId> {
        let sources = self.queues.iter().filter(|queue| {
            let policy = queue.seen.info.attributes.redrive_policy.as_ref();
            let aim = policy.map(|policy| QueueKey::from(&policy.target));
            queue.deleted_at.is_none() && aim.as_ref() == Some(target)
        });
        let mut sources: Vec<_> = sources
            .map(|queue| (queue.key.name.clone(), queue.seen.info.id))
            .collect();
        sources.sort();
        sources.into_iter().map(|(_, id)| id).collect()
    }

    fn redrive_refusal(
        &self,
        key: &QueueKey,
        attributes: &QueueAttributes,
    ) -> Option<RedriveRefusal> {
        let target = QueueKey::from(&attributes.redrive_policy.as_ref()?.target);
        if target.region != key.region {
            return Some(RedriveRefusal::OtherRegion);
        } else if target.account != key.account {
            return Some(RedriveRefusal::OtherAccount);
        }
        let Some(target) = self.live(&target) else {
            return Some(RedriveRefusal::TargetMissing);
        };
        if target.key.name.is_fifo() != key.name.is_fifo() {
            return Some(RedriveRefusal::OtherKind);
        }
        let allow = target.seen.info.attributes.redrive_allow_policy.as_ref()?;
        let denied = match &allow.permission {
            RedrivePermission::AllowAll => false,
            RedrivePermission::DenyAll => true,
            RedrivePermission::ByQueue(arns) => !arns.iter().any(|arn| QueueKey::from(arn) == *key),
        };
        denied.then_some(RedriveRefusal::NotAllowed)
    }

    fn insert(&mut self, create: &CreateQueue) -> Seen {
        let id = QueueId(self.queues.len() as u64 + 1);
        let seen = new_queue(create, id, self.clock);
        self.queues.push(ModelQueue {
            key: create.key.clone(),
            seen: seen.clone(),
            created_by: create.request_id,
            set_by: None,
            purged: None,
            deleted_at: None,
            dropped: false,
            work: BTreeMap::new(),
            tasks: Vec::new(),
            tags: create.tags.clone(),
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

    fn set(&mut self, set: &SetAttributes) -> Seen {
        let (id, request) = (set.queue, set.request_id);
        let mut changes = set.changes.clone();
        if let Some(Some(policy)) = &mut changes.policy {
            *policy = policies::normal(policy);
        }
        let changes = &changes;
        let refusal = self.get(id).map(|queue| {
            let mut attributes = queue.seen.info.attributes.clone();
            changes.apply_to(&mut attributes);
            (queue.key.clone(), attributes)
        });
        let refusal = refusal.and_then(|(key, after)| self.redrive_refusal(&key, &after));
        let Some(queue) = self.get(id) else {
            return Seen::NoSuchQueue;
        };
        if let Some(attribute) = fifo_only(changes).filter(|_| !queue.key.name.is_fifo()) {
            return Seen::Refused(Refusal::FifoOnly { attribute });
        }
        if queue.set_by == Some(request) {
            return Seen::Set;
        }
        if set.refuses_conflicts
            && let Some(conflict) = conflict(changes, &queue.seen.info.attributes)
        {
            return Seen::Conflict(conflict);
        }
        if let Some(refusal) = refusal
            && matches!(changes.redrive_policy, Some(Some(_)))
        {
            return Seen::RedriveRefused(refusal);
        }
        changes.apply_to(&mut queue.seen.info.attributes);
        self.set_by(id, request);
        Seen::Set
    }

    /// Notes that a call has changed the queue's attributes.
    fn set_by(&mut self, id: QueueId, request: RequestId) {
        let clock = self.clock;
        let queue = self.get(id).unwrap();
        queue.set_by = Some(request);
        queue.seen.info.version += 1;
        queue.seen.info.modified_at = Timestamp(clock);
        let version = queue.seen.info.version;
        self.add_work(id, WorkKind::Configure, version);
    }

    fn add_permission(&mut self, add: &AddPermission) -> Seen {
        self.change_policy(add.queue, add.request_id, |policy, arn| {
            policies::add(policy, arn, &add.permission).map(Some)
        })
    }

    fn remove_permission(&mut self, remove: &RemovePermission) -> Seen {
        self.change_policy(remove.queue, remove.request_id, |policy, _| {
            policies::remove(policy, &remove.label)
        })
    }

    fn change_policy(
        &mut self,
        id: QueueId,
        request: RequestId,
        change: impl Fn(Option<&str>, String) -> Result<Option<String>, PermissionRefusal>,
    ) -> Seen {
        let Some(queue) = self.get(id) else {
            return Seen::NoSuchQueue;
        };
        if queue.set_by == Some(request) {
            return Seen::PermissionChanged;
        }
        let info = &mut queue.seen.info;
        match change(info.attributes.policy.as_deref(), info.arn().to_string()) {
            Ok(policy) => info.attributes.policy = policy,
            Err(refusal) => return Seen::PermissionRefused(refusal),
        }
        self.set_by(id, request);
        Seen::PermissionChanged
    }

    fn change_tags(&mut self, id: QueueId, change: impl Fn(&mut QueueTags)) -> Seen {
        let Some(queue) = self.get(id) else {
            return Seen::NoSuchQueue;
        };
        let mut tags = queue.tags.clone();
        change(&mut tags);
        if tags.len() > 50 {
            return Seen::TooManyTags;
        }
        queue.tags = tags;
        Seen::Tagged
    }

    fn delete(&mut self, id: QueueId) -> Seen {
        let clock = self.clock;
        let Some(queue) = self.get(id) else {
            return match self.queues.get((id.0 as usize).wrapping_sub(1)) {
                Some(queue) if queue.dropped => Seen::Dropped,
                Some(_) => Seen::Dropping,
                None => Seen::NoSuchQueue,
            };
        };
        queue.deleted_at = Some(clock);
        queue.seen.dropping = true;
        let work = std::mem::take(&mut queue.work);
        let ended = work
            .into_iter()
            .map(|(kind, (number, _))| (id, kind, number));
        self.ended.extend(ended);
        self.deletions.push(id.0 as usize - 1);
        self.add_work(id, WorkKind::Drop, 0);
        Seen::Dropping
    }

    fn purge(&mut self, purge: &Purge) -> Seen {
        let (id, request, clock) = (purge.queue, purge.request_id, self.clock);
        let Some(queue) = self.get(id) else {
            return Seen::NoSuchQueue;
        };
        match queue.purged {
            Some((last, _)) if last == request => return Seen::Purging(queue.seen.purge_id),
            Some((_, at)) if clock < at + 60_000 && !purge.allows_recent_purge => {
                return Seen::PurgeInProgress;
            }
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

impl Model {
    fn start_move(&mut self, start: &StartMove) -> Seen {
        let clock = self.clock;
        let Some(queue) = self.get(start.queue) else {
            return Seen::NoSuchQueue;
        };
        let (key, tasks) = (queue.key.clone(), queue.tasks.clone());
        let known = tasks.iter().take(10);
        if let Some(task) = known.clone().find(|task| task.id == start.request_id.0) {
            return Seen::MoveStarted(task.clone());
        }
        if self.dead_letter_sources(&key).is_empty() {
            return Seen::NotADeadLetterQueue;
        }
        if let Some(destination) = &start.destination {
            let target = self.live(&QueueKey::from(destination));
            if target.is_none_or(|target| target.key.name.is_fifo() != key.name.is_fifo()) {
                return Seen::NoSuchDestination;
            }
        }
        if known.into_iter().any(|task| task.status.is_active()) {
            return Seen::MoveRunning;
        }
        let task = MoveTask {
            id: start.request_id.0,
            number: tasks.len() as u64 + 1,
            destination: start.destination.clone(),
            messages_per_second_max: start.messages_per_second_max,
            status: MoveStatus::Running,
            to_move: start.to_move,
            moved: 0,
            started_at: Timestamp(clock),
        };
        self.get(start.queue).unwrap().tasks.insert(0, task.clone());
        Seen::MoveStarted(task)
    }

    fn task(
        &mut self,
        queue: QueueId,
        wanted: impl Fn(&MoveTask) -> bool,
    ) -> Option<&mut MoveTask> {
        let mut tasks = self.get(queue)?.tasks.iter_mut().take(10);
        tasks.find(|task| wanted(task))
    }

    fn cancel_move(&mut self, cancel: &CancelMove) -> Seen {
        let Some(task) = self.task(cancel.queue, |task| task.id == cancel.task_id) else {
            return Seen::NoSuchTask;
        };
        if !task.status.is_active() {
            return Seen::MoveNotRunning;
        }
        task.status = MoveStatus::Cancelling;
        Seen::MoveCancelling(task.clone())
    }

    fn report_move(&mut self, report: &ReportMove) -> Seen {
        if let Some(task) = self.task(report.queue, |task| task.number == report.number)
            && task.status.is_active()
        {
            task.moved = task.moved.max(report.moved);
            task.status = report.end.unwrap_or(task.status);
        }
        Seen::Done
    }
}

fn new_queue(create: &CreateQueue, id: QueueId, clock: u64) -> SeenQueue {
    let by_group =
        create.attributes.fifo.as_ref().is_some_and(|fifo| {
            matches!(fifo.deduplication_scope, DeduplicationScope::MessageGroup)
        });
    SeenQueue {
        info: QueueInfo {
            id,
            account: create.key.account.clone(),
            region: create.key.region.clone(),
            name: create.key.name.clone(),
            version: 1,
            attributes: policies::normalized(create.attributes.clone()),
            deduplicates_by_group: by_group,
            partition_count: create.partition_count,
            created_at: Timestamp(clock),
            modified_at: Timestamp(clock),
        },
        dropping: false,
        purge_id: 0,
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

fn conflict(changes: &AttributeChanges, current: &QueueAttributes) -> Option<AttributeConflict> {
    let mut after = current.clone();
    changes.apply_to(&mut after);
    if after.kms_master_key_id.is_some() && changes.sqs_managed_sse_enabled == Some(true) {
        return Some(AttributeConflict::TwoEncryptions);
    }
    let wrong =
        format!("{:?}", after.fifo?).ends_with("Queue, fifo_throughput_limit: PerMessageGroupId }");
    wrong.then_some(AttributeConflict::ThroughputLimitWithoutScope)
}

/// Compares texts, one attribute after the other.
fn difference(given: &AttributeChanges, current: &QueueAttributes) -> Option<&'static str> {
    fn text<T: std::fmt::Debug>(value: Option<T>) -> Option<String> {
        value.map(|value| format!("{value:?}"))
    }
    let fifo = current.fifo.clone();
    let table: [(&str, Option<String>, Option<String>); 14] = [
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
            // This is compared to the letter, but the reference has no letters.
            text(
                given
                    .policy
                    .clone()
                    .map(|text| text.map(|it| policies::normal(&it))),
            ),
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
            "RedrivePolicy",
            text(given.redrive_policy.as_ref().map(redrive_of)),
            text(Some(redrive_of(&current.redrive_policy))),
        ),
        (
            "RedriveAllowPolicy",
            text(given.redrive_allow_policy.as_ref().map(allowed_by)),
            text(Some(allowed_by(&current.redrive_allow_policy))),
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

fn redrive_of(policy: &Option<RedrivePolicy>) -> String {
    let policy = policy.as_ref();
    policy.map_or(String::new(), |it| {
        format!("{} {}", it.target, it.receives_max)
    })
}

fn allowed_by(policy: &Option<RedriveAllowPolicy>) -> RedrivePermission {
    let policy = policy.clone();
    policy.map_or(RedrivePermission::AllowAll, |it| it.permission)
}

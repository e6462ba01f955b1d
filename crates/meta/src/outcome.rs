use squorum_types::QueueId;

use crate::command::{
    AdmitRefusal, CancelMoveOutcome, CreateQueueOutcome, DeleteQueueOutcome, FoundOutcome,
    PermissionOutcome, PurgeOutcome, RaiseFeatureLevelOutcome, RemoveRefusal, SetAttributesOutcome,
    StartMoveOutcome, TagsOutcome, WorkDoneOutcome,
};
use crate::{QueueKey, WorkKind};

/// What an entry came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Of each command, in order.
    pub outcomes: Vec<Outcome>,
    /// Queues that were created, changed or deleted: caches read them again.
    pub changed_queues: Vec<QueueChange>,
    /// There is something new for the controller to do.
    pub new_work: bool,
    /// There is something new for the mover to do.
    pub moves_changed: bool,
    /// Members came, went or changed their state.
    pub members_changed: bool,
    /// Work that no shard waits for any more. Ends every wait for this queue and kind up to this
    /// number.
    pub ended_work: Vec<(QueueId, WorkKind, u64)>,
    /// The cluster was founded, or its settings or feature level changed.
    pub cluster_changed: bool,
    /// More remains to be swept than one entry may: a tick goes on with it.
    pub background_work: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueChange {
    pub id: QueueId,
    pub key: QueueKey,
}

/// What a command came to, the same on every replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Ticks, changes of settings, reports of the mover and of who looks after members.
    Done,
    Refused(Refusal),
    Found(FoundOutcome),
    RaiseFeatureLevel(RaiseFeatureLevelOutcome),
    CreateQueue(CreateQueueOutcome),
    SetAttributes(SetAttributesOutcome),
    DeleteQueue(DeleteQueueOutcome),
    Purge(PurgeOutcome),
    WorkDone(WorkDoneOutcome),
    StartMove(StartMoveOutcome),
    CancelMove(CancelMoveOutcome),
    AdmitNode(Result<(), AdmitRefusal>),
    RemoveNode(Result<(), RemoveRefusal>),
    Permission(PermissionOutcome),
    Tags(TagsOutcome),
}

/// Why a command had no effect through the fault of whoever proposed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("cluster is not founded")]
    NotFounded,
    #[error("command is malformed: {0}")]
    Malformed(&'static str),
    #[error("{attribute} applies to FIFO queues only")]
    FifoOnly { attribute: &'static str },
}

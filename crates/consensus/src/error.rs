use std::fmt;
use std::sync::Arc;

use squorum_store::StoreError;
use squorum_types::{GroupId, NodeId};
use thiserror::Error;

use crate::codec::CodecError;

/// Why a group could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StartError {
    #[error("invalid group options: {0}")]
    Options(String),

    #[error(transparent)]
    Store(#[from] StoreError),

    #[error(transparent)]
    Codec(#[from] CodecError),

    /// The state has entries that the log does not have and no snapshot explains: this node's log
    /// has lost what it had promised to keep.
    #[error("the state of group {} stands at {state}, its log ends at {log}", group.0)]
    StateBeyondLog {
        group: GroupId,
        state: String,
        log: String,
    },

    #[error("cannot start the apply thread: {0}")]
    Thread(String),

    /// Log or state contradict themselves or each other.
    #[error("group {} cannot start: {reason}", group.0)]
    Raft { group: GroupId, reason: String },
}

/// Why a group could not be founded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InitializeError {
    /// It was founded before. Nothing was changed.
    #[error("the group was founded before")]
    AlreadyInitialized,

    #[error("node {} is not among the members", .0.0)]
    NotAMember(NodeId),

    #[error("the group has stopped")]
    Stopped,
}

/// What became of a proposal. [`OutcomeUnknown`](Self::OutcomeUnknown) alone may have been applied,
/// or still be: a retry needs the same session and number. After any other the entry is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProposeError {
    /// Another node leads. Without a hint nobody leads for now, this node does not know who, or
    /// its lease has not been confirmed yet: wait for a change of
    /// [`leadership`](crate::Group::leadership), do not loop.
    #[error("this node does not lead the group")]
    NotLeader { leader: Option<NodeId> },

    #[error("the outcome of the proposal is unknown: {reason}")]
    OutcomeUnknown { reason: UnknownReason },

    /// More proposals are outstanding than the group allows.
    #[error("too many proposals are outstanding")]
    Overloaded,

    #[error("an entry of {bytes} bytes exceeds the limit of {limit_bytes} bytes")]
    TooLarge { bytes: usize, limit_bytes: usize },

    #[error("the group has stopped")]
    Stopped,
}

/// Why nobody can say whether a proposal was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnknownReason {
    /// This node took over another leader's log. The entry may yet be committed from there.
    #[error("the entry was replaced in this node's log")]
    Discarded,
    #[error("a higher term began before the entry was applied")]
    HigherTerm,
    #[error("the group stopped before the entry was applied")]
    Stopped,
    #[error("the group answered something else than an outcome")]
    NoOutcome,
}

/// Why leadership could not be confirmed. Reading again is always safe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    #[error("this node does not lead the group")]
    NotLeader { leader: Option<NodeId> },

    #[error("no quorum confirmed the leadership in time")]
    NoQuorum,

    #[error("the group has stopped")]
    Stopped,
}

/// Why another member did not take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TransferError {
    #[error("this node does not lead the group")]
    NotLeader { leader: Option<NodeId> },

    #[error("node {} is no voter of the group", .0.0)]
    NotAVoter(NodeId),

    /// Nothing was changed: the successor would have kept the group waiting.
    #[error("node {} is silent or too far behind", .0.0)]
    NotCaughtUp(NodeId),

    #[error("another hand-over is under way")]
    UnderWay,

    /// The hand-over began, but somebody else was elected.
    #[error("node {} leads instead", .0.0)]
    Elsewhere(NodeId),

    /// The hand-over began. The group elects a leader when it can.
    #[error("nobody took over in time")]
    TimedOut,

    #[error("the group has stopped")]
    Stopped,
}

/// Why who takes part in a group was not changed, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MembershipError {
    #[error("this node does not lead the group")]
    NotLeader { leader: Option<NodeId> },

    /// Another change is under way, for example.
    #[error("{reason}")]
    Refused { reason: String },

    /// It may be done later, or half.
    #[error("the change was not committed in time")]
    TimedOut,

    #[error("the group has stopped")]
    Stopped,
}

/// Why a checkpoint was not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CheckpointError {
    #[error("the group has stopped")]
    Stopped,
}

/// Log or state of a group failed, or its code panicked. Nothing is acknowledged by the group any
/// more; the process must end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("group {} failed: {reason}", group.0)]
pub struct FatalError {
    pub group: GroupId,
    pub reason: String,
}

/// Told once of a group's [`FatalError`], from any thread.
#[derive(Clone)]
pub struct FatalHook(Arc<dyn Fn(FatalError) + Send + Sync>);

impl FatalHook {
    pub fn new(hook: impl Fn(FatalError) + Send + Sync + 'static) -> FatalHook {
        FatalHook(Arc::new(hook))
    }

    pub(crate) fn report(&self, error: FatalError) {
        (self.0)(error);
    }
}

impl fmt::Debug for FatalHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FatalHook")
    }
}

//! What goes from a gateway to a shard's leader, and what comes back.

use bytes::Bytes;
use squorum_proto::queue::Outcome;
use squorum_queue::StoredMessage;
use squorum_types::{NodeId, PartitionId};
use thiserror::Error;

use super::numbers::Acknowledgement;

/// Commands of one gateway's session. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) session: u64,
    pub(crate) acknowledgement: Acknowledgement,
    /// Encoded `squorum.queue.Command`s, as they go into the entry.
    pub(crate) commands: Vec<Bytes>,
    /// Receives among the commands, in the order of their positions, that the leader shall propose
    /// only if there is something for them.
    pub(crate) fresh_receives: Vec<FreshReceive>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FreshReceive {
    pub(crate) position: usize,
    pub(crate) partition: PartitionId,
}

/// What became of one command.
#[derive(Debug)]
pub(crate) enum Submitted {
    Applied {
        outcome: Outcome,
        messages: Vec<StoredMessage>,
    },
    /// A receive that was applied, whose messages did not fit into the answer. Asked again under its
    /// number, it brings them.
    LeftOut,
    /// A fresh receive that was not proposed.
    NothingThere {
        /// Whoever has applied the shard's log so far sees why.
        log_index: u64,
    },
}

impl Submitted {
    pub(crate) fn is_applied(&self) -> bool {
        matches!(self, Submitted::Applied { .. } | Submitted::LeftOut)
    }
}

/// In the order of the batch's commands.
pub(crate) type SubmittedBatch = Result<Vec<Submitted>, SubmitError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum SubmitError {
    /// Nothing was proposed.
    #[error("the node does not lead the shard")]
    NotLeader { leader: Option<NodeId> },
    /// The commands may have been applied, or may yet be.
    #[error("the outcome is unknown")]
    OutcomeUnknown,
    /// Nothing was proposed, nor will it be by this node.
    #[error("the group has stopped")]
    Stopped,
}

//! One operation on its way through the session.

use parking_lot::Mutex;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::{Outcome, Release};
use squorum_queue::StoredMessage;
use squorum_types::PartitionId;
use squorum_types::service::ServiceError;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::numbers::{Numbers, OpenNumber};

/// An operation and who waits for its outcome.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) reply: oneshot::Sender<Reply>,
    /// Its share of what may be on the way; kept as long as the request, even if nobody waits.
    pub(crate) admission: Option<Admission>,
    /// A receive that the leader shall propose only if this partition has something for it.
    pub(crate) fresh: Option<PartitionId>,
}

/// Held by all parts of one call.
pub(crate) type Admission = Arc<OwnedSemaphorePermit>;

pub(crate) type Reply = Result<Answer, ServiceError>;

/// An outcome with what belongs to it.
#[derive(Debug)]
pub(crate) enum Answer {
    Applied {
        outcome: Outcome,
        messages: Vec<StoredMessage>,
        /// Gives messages back when dropped; only of a receive.
        receive: Option<OpenReceive>,
    },
    /// Of a fresh receive: there was nothing, as whoever has applied the shard's log so far sees.
    NothingThere { log_index: u64 },
}

/// A receive whose messages have not reached their client yet. Dropped without
/// [`confirm`](Self::confirm), it undoes the receive.
#[derive(Debug)]
pub(crate) struct OpenReceive {
    pub(crate) number: Option<OpenNumber>,
    /// Not bounded, because a destructor cannot wait; there are no more releases on their way than
    /// receives that were admitted.
    pub(crate) releases: mpsc::UnboundedSender<PendingRelease>,
}

/// A release on its way; keeps the receive's number open until it is done.
#[derive(Debug)]
pub(crate) struct PendingRelease {
    pub(crate) number: OpenNumber,
}

impl OpenReceive {
    /// The client has the messages.
    pub(crate) fn confirm(mut self) {
        self.number = None;
    }
}

impl Drop for OpenReceive {
    fn drop(&mut self) {
        if let Some(number) = self.number.take() {
            // Fails only when the node ends: then the visibility timeout runs.
            let _ = self.releases.send(PendingRelease { number });
        }
    }
}

impl PendingRelease {
    pub(crate) fn operation(&self) -> Operation {
        Operation::Release(Release {
            receive_number: self.number.number,
        })
    }

    /// Whether the receive belongs to this session.
    pub(crate) fn is_of(&self, numbers: &Arc<Mutex<Numbers>>) -> bool {
        Arc::ptr_eq(&self.number.numbers, numbers)
    }
}

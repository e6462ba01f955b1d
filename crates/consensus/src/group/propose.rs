use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{Either, select};
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::ClientWriteError;
use openraft::raft::ClientWriteResult;
use squorum_types::NodeId;
use tokio::sync::{oneshot, watch};

use super::{Group, Leadership};
use crate::entry_buffer::EntryBuffer;
use crate::error::{ProposeError, UnknownReason};
use crate::raft_types::{ProposalResponder, TypeConfig};

type Answer = oneshot::Receiver<ClientWriteResult<TypeConfig>>;

impl<O: Send + 'static> Group<O> {
    /// Proposes an entry. It is handed to the group at once, before the returned future is polled:
    /// entries of one caller stand in the log in the order of its calls. Dropping the future does
    /// not take the proposal back.
    ///
    /// The future ends when this node has applied the entry, or cannot know what becomes of it.
    pub fn propose<E: Into<EntryBuffer>>(
        &self,
        entry: E,
    ) -> impl Future<Output = Result<O, ProposeError>> + Send + use<O, E> {
        // Read before the proposal: only terms above it end the wait.
        let leadership = self.inner.leadership.clone();
        let term = leadership.borrow().term;
        let answer = self.enqueue(entry.into());
        async move { outcome(answer?, leadership, term).await }
    }

    fn enqueue(&self, entry: EntryBuffer) -> Result<Answer, ProposeError> {
        let (bytes, limit_bytes) = (entry.len(), self.inner.entry_bytes_max);
        if bytes > limit_bytes {
            return Err(ProposeError::TooLarge { bytes, limit_bytes });
        }
        let permit = Arc::clone(&self.inner.proposals)
            .try_acquire_owned()
            .map_err(|_| ProposeError::Overloaded)?;
        let (sender, answer) = oneshot::channel();
        let responder = ProposalResponder { sender, _permit: permit };
        let write = self.inner.raft.client_write_ff(entry.into_command(), Some(responder));
        // The core's channel has twice the room that all permits need, so this does not wait; the
        // task's budget must not make it.
        match tokio::task::unconstrained(write).now_or_never() {
            Some(Ok(())) => Ok(answer),
            Some(Err(_)) => Err(ProposeError::Stopped),
            None if self.inner.metrics.borrow_watched().running_state.is_err() => {
                Err(ProposeError::Stopped)
            }
            None => Err(ProposeError::Overloaded),
        }
    }
}

/// Waits for the answer, but not beyond the term: a leader that was deposed may hold the entry
/// without ever hearing what became of it.
async fn outcome<O: 'static>(
    answer: Answer,
    mut leadership: watch::Receiver<Leadership>,
    term: u64,
) -> Result<O, ProposeError> {
    let unknown = |reason| ProposeError::OutcomeUnknown { reason };
    let deposed = std::pin::pin!(leadership.wait_for(|leadership| leadership.term > term));
    let (answer, deposed) = match select(answer, deposed).await {
        Either::Left((answer, _)) => (Some(answer), None),
        Either::Right((deposed, answer)) => (answer.now_or_never(), Some(deposed.is_ok())),
    };
    match (answer, deposed) {
        (Some(Ok(Ok(response))), _) => {
            response.data.take().ok_or(unknown(UnknownReason::NoOutcome))
        }
        (Some(Ok(Err(error))), _) => Err(from_write_error(error)),
        (None, Some(true)) => Err(unknown(UnknownReason::HigherTerm)),
        // The core dropped the proposal, or is gone.
        (Some(Err(_)), _) | (None, _) => Err(unknown(UnknownReason::Stopped)),
    }
}

/// Only what openraft refused before it appended the entry is `NotLeader`.
fn from_write_error(error: ClientWriteError<TypeConfig>) -> ProposeError {
    match error {
        ClientWriteError::ForwardToLeader(forward) => {
            ProposeError::NotLeader { leader: forward.leader_id.map(NodeId) }
        }
        ClientWriteError::LogEntryDiscarded(_) => {
            ProposeError::OutcomeUnknown { reason: UnknownReason::Discarded }
        }
        // Answers to requests that are not made here. Their outcome is therefore not known.
        ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_) => {
            ProposeError::OutcomeUnknown { reason: UnknownReason::NoOutcome }
        }
    }
}

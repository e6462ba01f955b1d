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
        let responder = ProposalResponder { sender, permit };
        let write = self
            .inner
            .raft
            .client_write_ff(entry.into_command(), Some(responder));
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
        (Some(Ok(Ok(response))), _) => response
            .data
            .take()
            .ok_or(unknown(UnknownReason::NoOutcome)),
        (Some(Ok(Err(error))), _) => Err(from_write_error(error)),
        (None, Some(true)) => Err(unknown(UnknownReason::HigherTerm)),
        // The core dropped the proposal, or is gone.
        (Some(Err(_)), _) | (None, _) => Err(unknown(UnknownReason::Stopped)),
    }
}

/// Only what openraft refused before it appended the entry is `NotLeader`.
fn from_write_error(error: ClientWriteError<TypeConfig>) -> ProposeError {
    match error {
        ClientWriteError::ForwardToLeader(forward) => ProposeError::NotLeader {
            leader: forward.leader_id.map(NodeId),
        },
        ClientWriteError::LogEntryDiscarded(_) => ProposeError::OutcomeUnknown {
            reason: UnknownReason::Discarded,
        },
        // Answers to requests that are not made here. Their outcome is therefore not known.
        ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_) => {
            ProposeError::OutcomeUnknown {
                reason: UnknownReason::NoOutcome,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use openraft::errors::{ForwardReason, ForwardToLeader};
    use openraft::raft::ClientWriteResponse;

    use super::*;
    use crate::raft_types::{Reply, log_id};

    fn forward(leader_id: Option<u64>, reason: ForwardReason) -> ForwardToLeader<TypeConfig> {
        ForwardToLeader {
            leader_id,
            leader_node: None,
            reason,
        }
    }

    fn unknown<O>(reason: UnknownReason) -> Result<O, ProposeError> {
        Err(ProposeError::OutcomeUnknown { reason })
    }

    #[test]
    fn only_what_was_never_appended_may_go_to_another_leader() {
        let not_leader = |leader| ProposeError::NotLeader { leader };
        let refused = |forward| from_write_error(ClientWriteError::ForwardToLeader(forward));
        let refusal = refused(forward(Some(5), ForwardReason::NotLeader));
        assert_eq!(refusal, not_leader(Some(NodeId(5))));
        let refusal = refused(forward(None, ForwardReason::LeaseExpired));
        assert_eq!(refusal, not_leader(None));
        // It carries the same hint, and means something else.
        let discarded = forward(Some(5), ForwardReason::NotLeader);
        let error = from_write_error(ClientWriteError::LogEntryDiscarded(discarded));
        assert_eq!(Err(error), unknown::<()>(UnknownReason::Discarded));
    }

    #[tokio::test]
    async fn a_higher_term_ends_the_wait() {
        let (watch, leadership) = watch::channel(Leadership {
            term: 3,
            ..Leadership::default()
        });
        let (sender, answer) = oneshot::channel();
        let mut wait = std::pin::pin!(outcome::<()>(answer, leadership.clone(), 3));
        assert_eq!(wait.as_mut().now_or_never(), None);
        watch.send_modify(|leadership| leadership.leader = None);
        assert_eq!(wait.as_mut().now_or_never(), None);
        watch.send_modify(|leadership| leadership.term = 4);
        assert_eq!(
            wait.now_or_never(),
            Some(unknown(UnknownReason::HigherTerm))
        );

        // An answer that is there already counts.
        let (answered, answer) = oneshot::channel();
        let response = ClientWriteResponse {
            log_id: log_id(3, 1),
            data: Reply::of(7_u32),
            membership: None,
        };
        assert!(answered.send(Ok(response)).is_ok());
        assert_eq!(outcome(answer, leadership.clone(), 3).await, Ok(7_u32));

        // The group ends: first its answers, then its leadership.
        let (dropped, answer) = oneshot::channel();
        drop((dropped, watch));
        assert_eq!(
            outcome::<()>(answer, leadership.clone(), 9).await,
            unknown(UnknownReason::Stopped)
        );
        let never = oneshot::channel();
        assert_eq!(
            outcome::<()>(never.1, leadership, 9).await,
            unknown(UnknownReason::Stopped)
        );
        drop((sender, never.0));
    }
}

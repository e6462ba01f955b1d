use std::time::Duration;

use openraft::errors::{LinearizableReadError, RaftError};
use openraft::{LinearizerOption, ReadPolicy};
use squorum_types::NodeId;
use tokio::time::Instant;

use super::Group;
use crate::error::ReadError;

impl<O: Send + 'static> Group<O> {
    /// Confirms with a quorum that this node leads now, and waits until its state has everything
    /// that was committed before the call (read index). Answers the index that the state has
    /// reached at least.
    pub async fn confirm_leadership(&self, deadline: Instant) -> Result<u64, ReadError> {
        let confirm = async {
            let wait = deadline
                .saturating_duration_since(Instant::now())
                .max(MIN_WAIT);
            let option = LinearizerOption::from(ReadPolicy::ReadIndex).with_wait_timeout(wait);
            let read = self
                .inner
                .raft
                .ensure_linearizable(option)
                .await
                .map_err(from_read_error)?;
            Ok(read.index())
        };
        tokio::time::timeout_at(deadline, confirm)
            .await
            .unwrap_or(Err(ReadError::NoQuorum))
    }
}

/// openraft takes a wait of zero for "use the lease".
const MIN_WAIT: Duration = Duration::from_millis(1);

fn from_read_error(
    error: RaftError<
        crate::raft_types::TypeConfig,
        LinearizableReadError<crate::raft_types::TypeConfig>,
    >,
) -> ReadError {
    match error {
        RaftError::APIError(LinearizableReadError::ForwardToLeader(forward)) => {
            ReadError::NotLeader {
                leader: forward.leader_id.map(NodeId),
            }
        }
        RaftError::APIError(LinearizableReadError::QuorumNotEnough(_)) => ReadError::NoQuorum,
        RaftError::Fatal(_) => ReadError::Stopped,
    }
}

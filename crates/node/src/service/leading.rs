//! Answers about a partition from the state of whoever leads its shard, without proposing anything but
//! the passing of time.

use std::time::Duration;

use squorum_proto::queue::Tick;
use squorum_proto::queue::command::Operation;
use squorum_store::Store;
use squorum_types::service::ServiceError;
use squorum_types::{NodeId, PartitionId};
use tokio::time::Instant;

use crate::error::unavailable;
use crate::node::Inner;
use crate::shard::ShardHandle;
use crate::shard::batch::SubmitError;

/// Between two tries to find a partition's leader.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

impl<S: Store> Inner<S> {
    /// Asks this node, if it leads the partition's shard, or the node that does, until one has answered
    /// or the deadline is over.
    pub(super) async fn ask_leader<T, Here, There>(
        &self,
        partition: PartitionId,
        deadline: Instant,
        here: impl Fn() -> Here,
        there: impl Fn(NodeId) -> There,
    ) -> Result<T, ServiceError>
    where
        Here: Future<Output = Result<T, Option<NodeId>>>,
        There: Future<Output = Result<T, SubmitError>>,
    {
        let shard = self.shard_of(partition)?;
        loop {
            let leader = match here().await {
                Ok(answer) => return Ok(answer),
                Err(leader) => leader,
            };
            if let Some(leader) = leader.filter(|leader| *leader != shard.group.node()) {
                let answer = tokio::select! {
                    answer = there(leader) => answer,
                    () = self.view.cut_off() => Err(SubmitError::OutcomeUnknown),
                };
                if let Ok(answer) = answer {
                    return Ok(answer);
                }
            }
            if self.view.is_cut_off() || Instant::now() >= deadline {
                return Err(unavailable("no leader has answered"));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Lets what is due in a partition happen, if this node leads its shard. `Err` names the leader
    /// instead, if another node is known to lead.
    pub(super) async fn let_due_happen(
        &self,
        shard: &ShardHandle,
        partition: PartitionId,
    ) -> Result<(), Option<NodeId>> {
        leads(shard)?;
        let due = shard.board.status(partition).next_due;
        if due.is_some_and(|due| due <= self.stamper.now()) {
            let tick = Tick {
                partitions: vec![partition.into()],
            };
            let ticked = shard.session.propose(Operation::Tick(tick), None).await;
            ticked.map_err(|_| None)?;
            leads(shard)?;
        }
        Ok(())
    }
}

/// Whether this node may answer from its own state.
pub(super) fn leads(shard: &ShardHandle) -> Result<(), Option<NodeId>> {
    if shard.group.can_serve_locally() {
        Ok(())
    } else {
        Err(shard.group.leadership().leader)
    }
}

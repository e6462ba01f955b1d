//! A poll's wait for something to receive.

use squorum_store::Store;
use squorum_types::PartitionId;
use squorum_types::measure::Entered;
use squorum_types::service::ServiceError;
use tokio::sync::mpsc;

use crate::node::Inner;
use crate::shard::board::{Board, Claim};

/// A poll that is parked at the boards of its partitions.
pub(super) struct Waiting<'a> {
    claims: mpsc::Receiver<Claim>,
    parked: Vec<(&'a Board, PartitionId)>,
    _counted: Entered<'a>,
}

impl<'a> Waiting<'a> {
    pub(super) fn new<S: Store>(
        node: &'a Inner<S>,
        partitions: &[PartitionId],
    ) -> Result<Waiting<'a>, ServiceError> {
        let (waiter, claims) = mpsc::channel(1);
        let mut parked = Vec::with_capacity(partitions.len());
        for partition in partitions {
            parked.push((&node.shard_of(*partition)?.board, *partition));
        }
        for (board, partition) in &parked {
            board.wait(*partition, waiter.clone());
        }
        Ok(Waiting {
            claims,
            parked,
            _counted: node.figures.polls_waiting.enter(),
        })
    }

    pub(super) async fn claim(&mut self) -> Option<Claim> {
        self.claims.recv().await
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.claims.close();
        // A claim that came too late passes the wake-up on.
        while let Ok(claim) = self.claims.try_recv() {
            drop(claim);
        }
        for (board, partition) in &self.parked {
            board.forget_waiters(*partition);
        }
    }
}

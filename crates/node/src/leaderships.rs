//! What this node leads, as the balancer needs it.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use squorum_consensus::{Group, TransferError};
use squorum_meta::plan::Transfer;
use tokio::sync::watch;

use crate::cluster::{Leaderships, LedGroup};
use crate::shard::ShardHandle;

/// `M`: what meta's group answers to a proposer.
pub(crate) struct NodeLeaderships<M> {
    pub(crate) meta: Group<M>,
    pub(crate) shards: Arc<[ShardHandle]>,
    /// The node is about to end, and gives everything away by itself.
    pub(crate) draining: watch::Receiver<bool>,
}

impl<M: Send + 'static> Leaderships for NodeLeaderships<M> {
    fn led(&self) -> Vec<LedGroup> {
        if *self.draining.borrow() {
            return Vec::new();
        }
        let shards = self.shards.iter().filter_map(|shard| led(&shard.group));
        led(&self.meta).into_iter().chain(shards).collect()
    }

    fn transfer(&self, transfer: Transfer) -> BoxFuture<'_, Result<(), TransferError>> {
        let Transfer { group, to } = transfer;
        match group.shard() {
            None => self.meta.transfer_leadership(to).boxed(),
            Some(shard) => match self.shards.get(usize::from(shard.0)) {
                Some(shard) => shard.group.transfer_leadership(to).boxed(),
                None => std::future::ready(Err(TransferError::NotLeader { leader: None })).boxed(),
            },
        }
    }
}

fn led<O: Send + 'static>(group: &Group<O>) -> Option<LedGroup> {
    if !group.can_serve_locally() {
        return None;
    }
    let others = group.replication().into_iter();
    let others = others.filter(|replica| replica.node != group.node());
    let matched = others.filter_map(|replica| Some((replica.node, replica.matched_index?)));
    Some(LedGroup {
        group: group.id(),
        last_log_index: group.last_log_index().unwrap_or(0),
        matched_indexes: matched.collect(),
    })
}

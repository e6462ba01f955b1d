use std::time::Duration;

use squorum_types::NodeId;
use tokio::time::Instant;

use super::Gossip;
use crate::cluster::founding::introduction_of;

const INTERVAL: Duration = Duration::from_secs(1);

/// Looks for a member that does not answer where it was, at one seed after the other.
#[derive(Debug, Default)]
pub(super) struct Search {
    last: Option<Instant>,
    turn: usize,
}

impl Search {
    pub(super) async fn step(&mut self, gossip: &Gossip, node: NodeId) {
        let seeds = gossip.seeds.addresses();
        let too_early = self.last.is_some_and(|last| last.elapsed() < INTERVAL);
        if too_early || seeds.is_empty() {
            return;
        }
        self.last = Some(Instant::now());
        self.turn = (self.turn + 1) % seeds.len();
        let seed = &seeds[self.turn];
        let former = gossip.peers.address(node);
        if former.as_ref() == Some(seed) {
            return;
        }
        // Whoever does not answer is not there: the gossip has said so already.
        let Ok(found) = introduction_of(&gossip.peers, seed).await else {
            return;
        };
        let cluster = found.record.map(|record| record.cluster_id);
        if found.node == node && cluster == Some(gossip.cluster) {
            let address = found.address.unwrap_or_else(|| seed.clone());
            tracing::info!(%node, former, address, "member has moved");
            gossip.peers.set_address(node, address);
        }
    }
}

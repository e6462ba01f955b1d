use std::sync::Arc;

use squorum_store::Store;
use tokio::sync::watch;

use super::Starting;
use crate::cluster::{ClusterRecord, ClusterView, Founding, Gossip, RosterKeeper, RosterSender};
use crate::error::NodeError;

/// The cluster that a node is in, as far as it knows.
pub(super) struct Joined {
    pub(super) record: ClusterRecord,
    pub(super) view: ClusterView,
    pub(super) roster: RosterSender,
}

impl<S: Store> Starting<S> {
    /// Comes to the cluster, for as long as it takes, and keeps up with its members from then on.
    pub(super) async fn join(
        &mut self,
        progress: watch::Sender<Option<String>>,
    ) -> Result<Joined, NodeError> {
        let founding = Founding {
            peers: self.peers.clone(),
            store: self.store.clone(),
            entropy: Arc::clone(&self.entropy),
            introducer: self.introducer.clone(),
            progress,
        };
        let record = founding.run().await?;
        let view = ClusterView::new(self.options.node, &record.roster());
        let roster = RosterSender::new(record.roster());
        let keeper = RosterKeeper {
            roster: roster.watch(),
            peers: self.peers.clone(),
            view: view.clone(),
            introducer: self.introducer.clone(),
            store: self.store.clone(),
            apply_on: self.options.apply_on,
        };
        keeper.enter(&record.roster());
        self.tasks.spawn(keeper.run(self.shutdown.clone()));
        let gossip = Gossip {
            cluster: record.cluster_id,
            peers: self.peers.clone(),
            view: view.clone(),
            reporter: self.reporter.clone(),
            seeds: self.seeds.clone(),
        };
        self.tasks.spawn(gossip.run(self.shutdown.clone()));
        Ok(Joined {
            record,
            view,
            roster,
        })
    }
}

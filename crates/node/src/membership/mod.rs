//! Brings every group to the members that the roster names, and members from one state to the next.
//!
//! ```text
//!  roster (meta) ──► groups: each leader changes its own group, one change at a time
//!                       │ memberships, by gossip
//!                       ▼
//!                    steps: meta's leader says that a member has arrived, or is gone
//! ```
//!
//! What is to be done is decided by pure functions of [`plan`](squorum_meta::plan); here is who asks
//! them, and when. Everything may be repeated.

mod administration;
mod groups;
mod steps;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use squorum_store::Store;
use squorum_types::NodeId;
use tokio::sync::watch;

pub use self::administration::AdministrationError;
use crate::cluster::{ClusterView, Introducer, Reporter, RosterWatch};
use crate::meta::MetaHandle;
use crate::shard::ShardHandle;
use crate::shutdown::stopped;

const INTERVAL: Duration = Duration::from_millis(250);

pub(crate) struct Membership<S> {
    pub(crate) meta: MetaHandle<S>,
    pub(crate) shards: Arc<[ShardHandle]>,
    pub(crate) roster: RosterWatch,
    pub(crate) view: ClusterView,
    pub(crate) introducer: Introducer,
    pub(crate) reporter: Reporter,
}

impl<S: Store> Membership<S> {
    /// Runs until `shutdown`. A change that is under way may then be half done; the next leader
    /// finishes it.
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let mut roster = self.roster.clone();
        loop {
            tokio::select! {
                _ = join(self.change_groups(), self.take_steps()) => {}
                () = stopped(&mut shutdown) => return,
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = roster.changed() => {}
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    async fn change_groups(&self) {
        let (roster, ready) = (self.roster.get(), self.ready());
        let shards = self.shards.iter();
        let shards = shards.map(|shard| groups::change(&shard.group, &roster, &ready));
        join(
            groups::change(&self.meta.group, &roster, &ready),
            join_all(shards),
        )
        .await;
    }

    /// Nodes that are alive, and would know after a crash what they have promised.
    fn ready(&self) -> BTreeSet<NodeId> {
        let own = self.introducer.has_started().then_some(self.view.node());
        let members = self.roster.get();
        let members = members.members.iter().map(|member| member.node);
        let others = members.filter(|node| {
            let report = self.view.report(*node);
            self.view.is_alive(*node) && report.is_some_and(|report| report.has_started)
        });
        others.chain(own).collect()
    }
}

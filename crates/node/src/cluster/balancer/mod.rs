//! Brings leaderships back to the nodes that should have them, after restarts and elections.
//!
//! Each node gives away what it leads itself: nobody tells it to, so two never move one group.
//! [`plan`] says what goes where; here is when, one transfer after the other.

mod steadiness;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use squorum_consensus::TransferError;
use squorum_meta::plan::{self, Transfer};
use squorum_types::{GroupId, NodeId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::steadiness::Steadiness;
use super::{ClusterView, RosterWatch};
use crate::shutdown::stopped;

const INTERVAL: Duration = Duration::from_millis(500);
/// For a group that could not be transferred.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The groups of this node, as the balancer needs them.
pub(crate) trait Leaderships: Send + Sync + 'static {
    /// The groups that this node leads and serves, in the order of their ids; none if it is not to
    /// give any away now.
    fn led(&self) -> Vec<LedGroup>;

    /// Returns when `to` leads, or it is known that it will not yet.
    fn transfer(&self, transfer: Transfer) -> BoxFuture<'_, Result<(), TransferError>>;
}

/// A group that this node leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedGroup {
    pub(crate) group: GroupId,
    pub(crate) last_log_index: u64,
    /// Index of the last entry that each other member surely has.
    pub(crate) matched_indexes: BTreeMap<NodeId, u64>,
}

pub(crate) struct Balancer<L> {
    pub(crate) roster: RosterWatch,
    pub(crate) view: ClusterView,
    pub(crate) leaderships: L,
}

impl<L: Leaderships> Balancer<L> {
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        tokio::select! {
            () = self.balance() => {}
            // A transfer that is under way goes on.
            () = stopped(&mut shutdown) => {}
        }
    }

    async fn balance(&self) {
        let mut steadiness = Steadiness::default();
        let mut paused: BTreeMap<GroupId, Instant> = BTreeMap::new();
        loop {
            sleep(INTERVAL).await;
            let now = Instant::now();
            paused.retain(|_, until| *until > now);
            let led = self.leaderships.led();
            steadiness.observe(&led, &self.view, now);
            let led: Vec<_> = led
                .iter()
                .filter(|led| !paused.contains_key(&led.group))
                .map(|led| plan::LedGroup {
                    group: led.group,
                    steady_ms: steadiness.steady_ms(led.group, now),
                })
                .collect();
            let members = plan::leaders(&self.roster.get());
            let transfers = plan::leader_transfers(self.view.node(), &members, &led);
            let Some(transfer) = transfers.first() else {
                continue;
            };
            let Transfer { group, to } = *transfer;
            match self.leaderships.transfer(*transfer).await {
                Ok(()) => tracing::info!(%group, %to, "leadership went to its preferred node"),
                Err(error) => {
                    tracing::info!(%group, %to, %error, "leadership cannot go to its preferred node");
                    paused.insert(group, Instant::now() + PAUSE_AFTER_FAILURE);
                }
            }
        }
    }
}

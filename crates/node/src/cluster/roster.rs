//! The members, as this node's replica of meta has them last, for everybody here who needs them.

use std::sync::Arc;

use squorum_consensus::ApplyOn;
use squorum_meta::Roster;
use squorum_peer::Peers;
use squorum_store::Store;
use tokio::sync::watch;

use super::{ClusterView, Introducer};
use crate::shutdown::stopped;

/// Follows the roster. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RosterWatch(watch::Receiver<Arc<Roster>>);

/// Where the roster is told. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RosterSender(watch::Sender<Arc<Roster>>);

impl RosterSender {
    pub(crate) fn new(roster: Roster) -> RosterSender {
        RosterSender(watch::Sender::new(Arc::new(roster)))
    }

    pub(crate) fn watch(&self) -> RosterWatch {
        RosterWatch(self.0.subscribe())
    }

    /// An older one than is known says nothing: after a start, meta's replica may be behind what the
    /// node has noted. What it has noted lacks who was removed, so the same version may say more.
    pub(crate) fn publish(&self, roster: Roster) {
        self.0.send_if_modified(|current| {
            let is_newer = roster.version > current.version;
            let says_more = roster.version > 0 && roster.version == current.version;
            let is_news = is_newer || (says_more && roster != **current);
            if is_news {
                *current = Arc::new(roster);
            }
            is_news
        });
    }
}

impl RosterWatch {
    pub(crate) fn get(&self) -> Arc<Roster> {
        Arc::clone(&self.0.borrow())
    }

    /// Returns when there is a newer one than when it returned last.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Acts on changes: who is reached and who is refused, who counts, what the node notes.
pub(crate) struct RosterKeeper<S> {
    pub(crate) roster: RosterWatch,
    pub(crate) peers: Peers,
    pub(crate) view: ClusterView,
    pub(crate) introducer: Introducer,
    pub(crate) store: S,
    pub(crate) apply_on: ApplyOn,
}

impl<S: Store> RosterKeeper<S> {
    /// Runs until `shutdown`.
    pub(crate) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = self.roster.changed() => {}
                () = stopped(&mut shutdown) => return,
            }
            let roster = self.roster.get();
            self.enter(&roster);
            self.note(&roster).await;
        }
    }

    /// Members are reached at once, former ones are refused.
    pub(crate) fn enter(&self, roster: &Roster) {
        for node in &roster.removed {
            self.peers.expel(*node);
        }
        let own = self.peers.node();
        for member in roster.members.iter().filter(|member| member.node != own) {
            // A member that has moved says so itself, and may have done so already.
            if self.peers.address(member.node).is_none() {
                self.peers.set_address(member.node, member.address.clone());
            }
        }
        self.view.set_roster(roster);
    }

    async fn note(&self, roster: &Roster) {
        let (introducer, store) = (self.introducer.clone(), self.store.clone());
        let roster = roster.clone();
        let noted = move || introducer.amend(&store, |record| record.with_roster(&roster));
        let written = self.apply_on.run(noted);
        if let Err(error) = written.await {
            // The store's failures end the node by themselves.
            tracing::warn!(%error, "the members cannot be noted");
        }
    }
}

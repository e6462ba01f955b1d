//! Members ask each other all the time how they are.
//!
//! Each peer has a loop of its own, all in one task: one that does not answer delays no other.
//! Loops begin and end as members come and go.

mod search;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use squorum_meta::ClusterId;
use squorum_peer::{CallError, Lane, MESSAGE_BYTES_MAX, Peers, call};
use squorum_proto::cluster as proto;
use squorum_proto::cluster::members_client::MembersClient;
use squorum_proto::cluster::members_server::MembersServer;
use squorum_types::{NodeId, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::search::Search;
use self::service::Answering;
use super::Seeds;
use super::report::{NodeReport, Reporter};
use super::view::{ClockOffset, ClusterView};
use crate::shutdown::stopped;

const INTERVAL: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_millis(500);

/// Asks the other members how they are, and tells the [`ClusterView`].
#[derive(Clone)]
pub(crate) struct Gossip {
    pub(crate) cluster: ClusterId,
    pub(crate) peers: Peers,
    pub(crate) view: ClusterView,
    pub(crate) reporter: Reporter,
    /// Where members that moved are looked for.
    pub(crate) seeds: Seeds,
}

impl Gossip {
    /// Answers the other members; also before this node has come to its cluster.
    pub(crate) fn service(
        peers: Peers,
        reporter: Reporter,
    ) -> MembersServer<impl proto::members_server::Members> {
        let answering = Answering { peers, reporter };
        MembersServer::new(answering).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Runs until `shutdown`.
    pub(crate) async fn run(self, mut shutdown: watch::Receiver<bool>) {
        tokio::select! {
            () = self.ask_all() => {}
            () = self.publish_silence() => {}
            () = stopped(&mut shutdown) => {}
        }
    }

    async fn ask_all(&self) {
        let mut others = self.view.watch_others();
        let mut asked = BTreeSet::new();
        let mut loops = FuturesUnordered::new();
        loop {
            let members = others.borrow_and_update().clone();
            for node in members.difference(&asked) {
                loops.push(self.ask_while_member(*node));
            }
            asked.extend(members);
            tokio::select! {
                Some(node) = loops.next() => {
                    asked.remove(&node);
                }
                changed = others.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Ends, with the node's id, when it is a member no more.
    async fn ask_while_member(&self, node: NodeId) -> NodeId {
        let mut others = self.view.watch_others();
        tokio::select! {
            () = self.ask_repeatedly(node) => {}
            // The view lives as long as this node.
            _ = others.wait_for(|others| !others.contains(&node)) => {}
        }
        node
    }

    /// Silence makes no event by itself.
    async fn publish_silence(&self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.view.publish_alive();
        }
    }

    async fn ask_repeatedly(&self, node: NodeId) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut search = Search::default();
        let mut was_alive = true;
        loop {
            ticks.tick().await;
            let result = self.ask(node).await;
            let is_alive = self.view.is_alive(node);
            match &result {
                Ok(()) if !was_alive => tracing::info!(%node, "member is heard again"),
                Err(error) if was_alive && !is_alive => {
                    tracing::warn!(%node, %error, "member is not heard any more");
                }
                _ => {}
            }
            if let Err(GossipError::Call(error)) = &result
                && error.is_expelled()
            {
                self.view.set_expelled();
            }
            was_alive = is_alive;
            if result.is_err() && !is_alive {
                search.step(self, node).await;
            }
        }
    }

    async fn ask(&self, node: NodeId) -> Result<(), GossipError> {
        let connection = self.peers.connection(node, Lane::Request)?;
        let mut client =
            MembersClient::new(connection.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let report = self.reporter.report();
        let (sent_at, asked_at) = (Instant::now(), report.wall_clock);
        let request = proto::GossipRequest {
            report: Some(report.into()),
        };
        let response = call(&connection, TIMEOUT, client.gossip(request)).await?;
        let report = response.report.map(NodeReport::from);
        let report = report.filter(|report| report.node == node);
        let report = report.ok_or(GossipError::Malformed)?;
        let offset = clock_offset(asked_at, sent_at.elapsed(), report.wall_clock);
        self.view.heard(node, sent_at, report, offset);
        Ok(())
    }
}

/// Why a member did not say how it is.
#[derive(Debug, thiserror::Error)]
enum GossipError {
    #[error(transparent)]
    Peer(#[from] squorum_peer::PeerError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it answers what no node of this version would")]
    Malformed,
}

/// The peer read its clock at some moment of the round trip; the middle is the best guess.
fn clock_offset(asked_at: Timestamp, round_trip: Duration, peers: Timestamp) -> ClockOffset {
    let half_ms = round_trip.as_millis() as u64 / 2;
    let own_ms = asked_at.0.saturating_add(half_ms);
    ClockOffset {
        offset_ms: (i128::from(peers.0) - i128::from(own_ms))
            .clamp(i64::MIN.into(), i64::MAX.into()) as i64,
        uncertainty_ms: half_ms + 1,
    }
}

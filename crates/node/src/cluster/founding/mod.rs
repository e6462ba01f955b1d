//! How a node comes to its cluster: see [`decide`] for the rules, here is what moves.

mod decide;
mod disagreement;
mod introduction;
mod service;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use squorum_meta::ClusterId;
use squorum_peer::{CallError, MESSAGE_BYTES_MAX, Peers, call};
use squorum_proto::cluster::founding_client::FoundingClient;
use squorum_proto::cluster::{ApplyRequest, IntroduceRequest};
use squorum_store::Store;
use squorum_types::Entropy;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use self::decide::{Answer, Decision, decide, places};
pub(crate) use self::introduction::Introduction;
pub(crate) use self::service::Introducer;
use super::error::FoundingError;
use super::{ClusterRecord, Stage};

const ROUND_INTERVAL: Duration = Duration::from_millis(250);
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// Brings this node to its cluster. The [`Introducer`]'s service must be served meanwhile, and for
/// as long as the node runs: other members may not have heard yet.
pub(crate) struct Founding<S> {
    pub(crate) peers: Peers,
    pub(crate) store: S,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) introducer: Introducer,
    /// What the node waits for, in words; `None` once it is in its cluster.
    pub(crate) progress: watch::Sender<Option<String>>,
}

impl<S: Store> Founding<S> {
    /// Returns when the cluster is founded, for as long as that takes, and tells [`Peers`] of the
    /// cluster. Dropping it half-way is as good as a crash: nothing is lost.
    ///
    /// Writes the record on the worker that it runs on: that blocks for a flush or two, once in a
    /// node's life, while nothing else runs.
    pub(crate) async fn run(self) -> Result<ClusterRecord, FoundingError> {
        let mut rounds = interval(ROUND_INTERVAL);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let own = self.introducer.introduction();
            let founded = |record: &ClusterRecord| record.stage >= Stage::Founded;
            let answers = if own.record.as_ref().is_some_and(founded) {
                Vec::new()
            } else {
                rounds.tick().await;
                join_all(places(&own).into_iter().map(|address| self.ask(address))).await
            };
            match decide(&own, &answers, self.mint())? {
                Decision::Done(record) => {
                    self.enter(&record);
                    return Ok(record);
                }
                Decision::Write(record) => {
                    let cluster = record.cluster_id;
                    tracing::info!(%cluster, stage = ?record.stage, "record of the cluster is written");
                    self.introducer.record(&self.store, record)?;
                }
                Decision::Wait(reason) => self.tell(Some(reason)),
                Decision::Apply { addresses, reason } => {
                    self.tell(Some(reason));
                    join_all(addresses.iter().map(|address| self.apply(address, &own))).await;
                }
            }
        }
    }

    fn enter(&self, record: &ClusterRecord) {
        self.peers.set_cluster(record.cluster_id.0);
        self.tell(None);
    }

    /// Says once what the node waits for.
    fn tell(&self, reason: Option<String>) {
        self.progress.send_if_modified(|current| {
            if *current == reason {
                return false;
            }
            if let Some(reason) = &reason {
                tracing::info!("not in a cluster yet: {reason}");
            }
            *current = reason;
            true
        });
    }

    /// Whoever does not answer hears it in the next round.
    async fn apply(&self, address: &str, own: &Introduction) {
        let connection = self.peers.connection_to(address);
        let mut client = FoundingClient::new(connection.clone());
        let request = ApplyRequest {
            introduction: Some(own.into()),
        };
        if let Err(error) = call(&connection, ASK_TIMEOUT, client.apply(request)).await {
            tracing::debug!(address, %error, "a member was not asked to take this node in");
        }
    }

    fn mint(&self) -> ClusterId {
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        ClusterId(id)
    }

    async fn ask(&self, address: String) -> Answer {
        let introduction = introduction_of(&self.peers, &address).await;
        let introduction = introduction.map_err(|error| error.to_string());
        Answer {
            address,
            introduction,
        }
    }
}

/// Asks whoever is at an address who it is.
pub(crate) async fn introduction_of(
    peers: &Peers,
    address: &str,
) -> Result<Introduction, AskError> {
    let connection = peers.connection_to(address);
    let mut client =
        FoundingClient::new(connection.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let response = call(
        &connection,
        ASK_TIMEOUT,
        client.introduce(IntroduceRequest {}),
    )
    .await?;
    let introduction = response.introduction.ok_or(AskError::Malformed)?;
    Introduction::try_from(introduction).map_err(|_| AskError::Malformed)
}

/// Why nobody introduced itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it answers what no node of this version would")]
    Malformed,
}

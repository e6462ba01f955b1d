//! Heartbeats of all groups of a node, gathered per peer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openraft::errors::{RPCError, Unreachable};
use openraft::raft::StreamAppendResult;
use parking_lot::Mutex;
use squorum_peer::{Connection, Lane};
use squorum_proto::raft as wire;
use squorum_types::NodeId;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Streaming;

use super::client::{raft_client, rpc_error};
use super::{RaftTransport, messages};
use crate::raft_types::TypeConfig;

/// How long a heartbeat waits for those of other groups. Small against the interval at which
/// heartbeats are sent, and to be counted in every lease.
const WINDOW: Duration = Duration::from_millis(3);

type Answer = Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>;

/// What waits to be sent, per peer. A group has one heartbeat under way at a time, so the number of
/// groups bounds it.
#[derive(Default)]
pub(super) struct Heartbeats {
    waiting: Mutex<BTreeMap<NodeId, Batch>>,
}

#[derive(Default)]
struct Batch {
    heartbeats: Vec<wire::Heartbeat>,
    answers: Vec<oneshot::Sender<Answer>>,
    timeout: Duration,
}

/// Sends a heartbeat within the next [`WINDOW`], together with all others to the same peer.
pub(super) async fn send(
    transport: Arc<RaftTransport>,
    peer: NodeId,
    heartbeat: wire::Heartbeat,
    timeout: Duration,
) -> Answer {
    let (sender, answer) = oneshot::channel();
    let is_first = {
        let mut waiting = transport.heartbeats.waiting.lock();
        let batch = waiting.entry(peer).or_default();
        batch.heartbeats.push(heartbeat);
        batch.answers.push(sender);
        batch.timeout = batch.timeout.max(timeout);
        batch.answers.len() == 1
    };
    if is_first {
        tokio::spawn(async move {
            tokio::time::sleep(WINDOW).await;
            let batch = transport.heartbeats.waiting.lock().remove(&peer);
            if let Some(batch) = batch {
                batch.send(&transport, peer).await;
            }
        });
    }
    answer.await.unwrap_or_else(|_| Err(unanswered()))
}

fn unanswered() -> RPCError<TypeConfig> {
    Unreachable::from_string("the heartbeat was not answered").into()
}

impl Batch {
    async fn send(self, transport: &RaftTransport, peer: NodeId) {
        let Batch {
            heartbeats,
            answers,
            timeout,
        } = self;
        let mut answers: Vec<_> = answers.into_iter().map(Some).collect();
        let sent_at = Instant::now();
        let deadline = sent_at + timeout;
        let sent = async {
            let connection = transport.connection(peer, Lane::Control)?;
            begin(&connection, heartbeats, timeout).await
        };
        match sent.await {
            Ok(responses) => {
                transport.registry.contacts.arrived(peer, sent_at);
                let results = forward(responses, &mut answers);
                // The connection is well, or there would be no responses. Who has no answer in time
                // waits for its own group alone.
                let _ = tokio::time::timeout_at(deadline, results).await;
            }
            Err(error) => {
                for answer in answers.into_iter().flatten() {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

async fn begin(
    connection: &Connection,
    heartbeats: Vec<wire::Heartbeat>,
    timeout: Duration,
) -> Result<Streaming<wire::HeartbeatResponse>, RPCError<TypeConfig>> {
    let mut client = raft_client(connection);
    let request = wire::HeartbeatRequest { heartbeats };
    squorum_peer::call(connection, timeout, client.heartbeat(request))
        .await
        .map_err(|error| rpc_error(&error))
}

/// Tells the results to who waits for them, until the peer has said all.
async fn forward(
    mut responses: Streaming<wire::HeartbeatResponse>,
    answers: &mut [Option<oneshot::Sender<Answer>>],
) {
    while let Ok(Some(response)) = responses.message().await {
        for result in response.results {
            let position = usize::try_from(result.position).unwrap_or(usize::MAX);
            if let Some(answer) = answers.get_mut(position).and_then(Option::take) {
                let result = messages::to_append_result(result.result);
                let _ = answer.send(result.map_err(|_| unanswered()));
            }
        }
    }
}

//! Asks leaders on other nodes.

use std::time::Duration;

use bytes::Bytes;
use squorum_peer::{CallError, Connection, Lane, MESSAGE_BYTES_MAX, Peers, call};
use squorum_proto::gateway::gateway_client::GatewayClient;
use squorum_proto::gateway::{
    ConfirmMetaRequest, CountRequest, Counts, ProposeMetaRequest, SubmitResponse,
    confirm_meta_response, count_response, propose_meta_response,
};
use squorum_types::{NodeId, PartitionId, ShardId};
use tokio::time::Instant;

use super::convert::{answers, not_leader, submit_request};
use crate::shard::batch::{Batch, SubmitError, SubmittedBatch};

/// The least that a call is given.
const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct LeaderClient {
    peers: Peers,
}

impl LeaderClient {
    pub(crate) fn new(peers: Peers) -> LeaderClient {
        LeaderClient { peers }
    }

    pub(crate) async fn submit(
        &self,
        leader: NodeId,
        shard: ShardId,
        batch: &Batch,
        deadline: Instant,
    ) -> SubmittedBatch {
        let (connection, mut client) = self.client(leader)?;
        let rpc = client.submit(submit_request(shard, batch));
        let SubmitResponse { result } = call(&connection, timeout(deadline), rpc)
            .await
            .map_err(|error| submit_error(leader, &error))?;
        answers(result, batch.commands.len())
    }

    pub(crate) async fn count(
        &self,
        leader: NodeId,
        partition: PartitionId,
        deadline: Instant,
    ) -> Result<Counts, SubmitError> {
        let (connection, mut client) = self.client(leader)?;
        let rpc = client.count(CountRequest {
            partition: Some(partition.into()),
        });
        let response = call(&connection, timeout(deadline), rpc)
            .await
            .map_err(|error| submit_error(leader, &error))?;
        match response.result {
            Some(count_response::Result::Counts(counts)) => Ok(counts),
            Some(count_response::Result::NotLeader(hint)) => Err(not_leader(&hint)),
            None => Err(SubmitError::OutcomeUnknown),
        }
    }

    /// The index of the entry that holds the command.
    pub(crate) async fn propose_meta(
        &self,
        leader: NodeId,
        command: Bytes,
        deadline: Instant,
    ) -> Result<u64, SubmitError> {
        let (connection, mut client) = self.client(leader)?;
        let rpc = client.propose_meta(ProposeMetaRequest { command });
        let response = call(&connection, timeout(deadline), rpc)
            .await
            .map_err(|error| submit_error(leader, &error))?;
        match response.result {
            Some(propose_meta_response::Result::LogIndex(index)) => Ok(index),
            Some(propose_meta_response::Result::NotLeader(hint)) => Err(not_leader(&hint)),
            Some(propose_meta_response::Result::OutcomeUnknown(_)) | None => {
                Err(SubmitError::OutcomeUnknown)
            }
        }
    }

    /// The index up to which the control group's log must be applied to have everything that was
    /// acknowledged before the call.
    pub(crate) async fn confirm_meta(
        &self,
        leader: NodeId,
        deadline: Instant,
    ) -> Result<u64, SubmitError> {
        let (connection, mut client) = self.client(leader)?;
        let rpc = client.confirm_meta(ConfirmMetaRequest {});
        let response = call(&connection, timeout(deadline), rpc)
            .await
            .map_err(|error| submit_error(leader, &error))?;
        match response.result {
            Some(confirm_meta_response::Result::LogIndex(index)) => Ok(index),
            Some(confirm_meta_response::Result::NotLeader(hint)) => Err(not_leader(&hint)),
            None => Err(SubmitError::OutcomeUnknown),
        }
    }

    fn client(
        &self,
        leader: NodeId,
    ) -> Result<(Connection, GatewayClient<Connection>), SubmitError> {
        let connection = self.peers.connection(leader, Lane::Request);
        // Nobody knows its address yet: gossip brings it.
        let connection = connection.map_err(|_| SubmitError::NotLeader { leader: None })?;
        let client = GatewayClient::new(connection.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Ok((connection, client))
    }
}

fn timeout(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .max(TIMEOUT_MIN)
}

fn submit_error(leader: NodeId, error: &CallError) -> SubmitError {
    tracing::debug!(%leader, %error, "leader did not answer");
    if error.may_have_been_processed() {
        SubmitError::OutcomeUnknown
    } else {
        SubmitError::NotLeader { leader: None }
    }
}

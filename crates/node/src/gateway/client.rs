//! Asks leaders on other nodes.

use std::time::Duration;

use bytes::Bytes;
use squorum_peer::{CallError, Connection, Lane, MESSAGE_BYTES_MAX, Peers, call};
use squorum_proto::gateway::gateway_client::GatewayClient;
use squorum_proto::gateway::{
    ConfirmMetaRequest, CountRequest, Counts, PeekRequest, ProposeMetaRequest,
    confirm_meta_response, count_response, peek_response, propose_meta_response,
};
use squorum_queue::{ANSWER_BYTES, Peeked};
use squorum_types::limits::{self, RECEIVE_MESSAGES};
use squorum_types::{NodeId, PartitionId, ShardId};
use tokio::time::Instant;
use tonic::{Response, Status};

use super::convert::{answers, not_leader, submit_request};
use super::peek::{self, PeekQuestion};
use crate::shard::batch::{Batch, SubmitError, SubmittedBatch};

type Client = GatewayClient<Connection>;

/// The bodies of a batch's answer, those of the receive that goes beyond the bound among them, fit into
/// one message, with room for the outcomes.
const _: () = {
    let receive_bytes = *RECEIVE_MESSAGES.end() as usize * limits::MESSAGE_BYTES_MAX;
    assert!(ANSWER_BYTES + receive_bytes + (1 << 20) <= MESSAGE_BYTES_MAX);
};

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
        let request = submit_request(shard, batch);
        let rpc = |mut client: Client| async move { client.submit(request).await };
        let response = self.ask(leader, deadline, rpc).await?;
        answers(response.result, batch.commands.len())
    }

    pub(crate) async fn count(
        &self,
        leader: NodeId,
        partition: PartitionId,
        deadline: Instant,
    ) -> Result<Counts, SubmitError> {
        let request = CountRequest {
            partition: Some(partition.into()),
        };
        let rpc = |mut client: Client| async move { client.count(request).await };
        match self.ask(leader, deadline, rpc).await?.result {
            Some(count_response::Result::Counts(counts)) => Ok(counts),
            Some(count_response::Result::NotLeader(hint)) => Err(not_leader(&hint)),
            None => Err(SubmitError::OutcomeUnknown),
        }
    }

    pub(crate) async fn peek(
        &self,
        leader: NodeId,
        question: PeekQuestion,
        deadline: Instant,
    ) -> Result<Peeked, SubmitError> {
        let request = PeekRequest::from(question);
        let rpc = |mut client: Client| async move { client.peek(request).await };
        match self.ask(leader, deadline, rpc).await?.result {
            Some(peek_response::Result::Messages(answer)) => {
                peek::peeked(answer).ok_or(SubmitError::OutcomeUnknown)
            }
            Some(peek_response::Result::NotLeader(hint)) => Err(not_leader(&hint)),
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
        let request = ProposeMetaRequest { command };
        let rpc = |mut client: Client| async move { client.propose_meta(request).await };
        match self.ask(leader, deadline, rpc).await?.result {
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
        let request = ConfirmMetaRequest {};
        let rpc = |mut client: Client| async move { client.confirm_meta(request).await };
        match self.ask(leader, deadline, rpc).await?.result {
            Some(confirm_meta_response::Result::LogIndex(index)) => Ok(index),
            Some(confirm_meta_response::Result::NotLeader(hint)) => Err(not_leader(&hint)),
            None => Err(SubmitError::OutcomeUnknown),
        }
    }

    /// Runs an RPC of the leader's service, and says of a failure whether it may have been heard.
    async fn ask<T, F>(
        &self,
        leader: NodeId,
        deadline: Instant,
        rpc: impl FnOnce(Client) -> F,
    ) -> Result<T, SubmitError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let connection = self.peers.connection(leader, Lane::Request);
        // Nobody knows its address yet: gossip brings it.
        let connection = connection.map_err(|_| SubmitError::NotLeader { leader: None })?;
        let client = GatewayClient::new(connection.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        call(&connection, timeout(deadline), rpc(client))
            .await
            .map_err(|error| submit_error(leader, &error))
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

//! Answers other nodes' gateways.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use squorum_proto::gateway::gateway_server::Gateway;
use squorum_proto::gateway::{
    ConfirmMetaRequest, ConfirmMetaResponse, CountRequest, CountResponse, PeekRequest,
    PeekResponse, ProposeMetaRequest, ProposeMetaResponse, SubmitRequest, SubmitResponse,
    confirm_meta_response, count_response, peek_response, propose_meta_response,
};
use squorum_proto::{gateway as proto, meta};
use squorum_store::Store;
use squorum_types::PartitionId;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::convert::{self, not_leader_message};
use super::peek;
use crate::node::Inner;
use crate::service::NO_ROOM;
use crate::shard::batch::SubmitError;
use crate::started::Started;

/// For what the caller gives no time of its own.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The service of the peers' port; see `gateway.proto`.
pub(crate) struct GatewayServer<S> {
    pub(crate) started: Started<S>,
}

impl<S: Store> GatewayServer<S> {
    fn node(&self) -> Result<Arc<Inner<S>>, Status> {
        let node = self.started.get();
        node.ok_or_else(|| Status::unavailable("the node has not started yet"))
    }
}

#[tonic::async_trait]
impl<S: Store> Gateway for GatewayServer<S> {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let (shard, batch) = convert::batch(request.into_inner()).map_err(malformed)?;
        let node = self.node()?;
        let shard = node.shards.get(usize::from(shard.0));
        let shard = shard.ok_or(malformed("shard"))?;
        let leadership = shard.group.leadership();
        let answers = if leadership.leader == Some(shard.group.node()) {
            shard.proposer.submit(batch).await
        } else {
            let leader = leadership.leader;
            Err(SubmitError::NotLeader { leader })
        };
        Ok(Response::new(convert::submit_response(answers)))
    }

    async fn count(
        &self,
        request: Request<CountRequest>,
    ) -> Result<Response<CountResponse>, Status> {
        let partition = request
            .into_inner()
            .partition
            .ok_or(malformed("partition"))?;
        let partition = PartitionId::try_from(&partition).map_err(|_| malformed("partition"))?;
        let result = match self.node()?.count_here(partition).await {
            Ok(counts) => count_response::Result::Counts(counts),
            Err(leader) => count_response::Result::NotLeader(not_leader_message(leader)),
        };
        Ok(Response::new(CountResponse {
            result: Some(result),
        }))
    }

    async fn peek(&self, request: Request<PeekRequest>) -> Result<Response<PeekResponse>, Status> {
        let question = peek::question(&request.into_inner()).map_err(malformed)?;
        let deadline = Instant::now() + TIMEOUT;
        let result = match self.node()?.peek_here(question, deadline).await {
            Ok(Some(peeked)) => peek_response::Result::Messages(peek::answer(peeked)),
            Ok(None) => return Err(Status::resource_exhausted(NO_ROOM)),
            Err(leader) => peek_response::Result::NotLeader(not_leader_message(leader)),
        };
        Ok(Response::new(PeekResponse {
            result: Some(result),
        }))
    }

    async fn propose_meta(
        &self,
        request: Request<ProposeMetaRequest>,
    ) -> Result<Response<ProposeMetaResponse>, Status> {
        let command = meta::Command::decode(request.into_inner().command);
        let command = command.map_err(|_| malformed("command"))?;
        let result = match self.node()?.meta.propose_here(command).await {
            Ok(applied) => propose_meta_response::Result::LogIndex(applied.index),
            Err(SubmitError::OutcomeUnknown) => {
                propose_meta_response::Result::OutcomeUnknown(proto::OutcomeUnknown {})
            }
            Err(SubmitError::NotLeader { leader }) => {
                propose_meta_response::Result::NotLeader(not_leader_message(leader))
            }
            Err(SubmitError::Stopped) => {
                propose_meta_response::Result::NotLeader(not_leader_message(None))
            }
        };
        Ok(Response::new(ProposeMetaResponse {
            result: Some(result),
        }))
    }

    async fn confirm_meta(
        &self,
        _request: Request<ConfirmMetaRequest>,
    ) -> Result<Response<ConfirmMetaResponse>, Status> {
        let deadline = Instant::now() + TIMEOUT;
        let result = match self.node()?.meta.confirm_here(deadline).await {
            Ok(index) => confirm_meta_response::Result::LogIndex(index),
            Err(leader) => confirm_meta_response::Result::NotLeader(not_leader_message(leader)),
        };
        Ok(Response::new(ConfirmMetaResponse {
            result: Some(result),
        }))
    }
}

fn malformed(what: &'static str) -> Status {
    Status::invalid_argument(format!("malformed {what}"))
}

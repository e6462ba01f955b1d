use squorum_peer::{Peers, caller};
use squorum_proto::cluster as proto;
use squorum_proto::cluster::members_server::Members;
use squorum_types::NodeId;
use tonic::{Request, Response, Status};

use crate::cluster::report::Reporter;

/// Says how this node is, and learns where the caller wants to be reached.
pub(super) struct Answering {
    pub(super) peers: Peers,
    pub(super) reporter: Reporter,
}

#[tonic::async_trait]
impl Members for Answering {
    async fn gossip(
        &self,
        request: Request<proto::GossipRequest>,
    ) -> Result<Response<proto::GossipResponse>, Status> {
        let caller = caller(&request);
        let report = request.into_inner().report;
        let report = report.filter(|report| caller == Some(NodeId(report.node)));
        let report =
            report.ok_or_else(|| Status::invalid_argument("report is not the caller's"))?;
        self.learn_address(NodeId(report.node), report.address);
        let report = Some(self.reporter.report().into());
        Ok(Response::new(proto::GossipResponse { report }))
    }
}

impl Answering {
    /// Only a member's: the address book has no others.
    fn learn_address(&self, node: NodeId, address: String) {
        let Some(former) = self.peers.address(node) else {
            return;
        };
        if address.is_empty() || address == former {
            return;
        }
        tracing::info!(%node, former, address, "member has moved");
        self.peers.set_address(node, address);
    }
}

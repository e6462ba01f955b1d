use squorum_proto::MalformedError;
use squorum_proto::cluster as proto;
use squorum_types::NodeId;

use crate::cluster::{ClusterRecord, Seeds};

/// What a node says of itself to whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Introduction {
    pub(crate) node: NodeId,
    /// Where the node wants to be reached, if that is not wherever it was found.
    pub(crate) address: Option<String>,
    pub(crate) seeds: Seeds,
    /// Of a cluster that this node would found.
    pub(crate) shard_count: u16,
    pub(crate) feature_level: u32,
    /// `None`: the node is empty. What is here is on disk.
    pub(crate) record: Option<ClusterRecord>,
    /// The member that the node was before it lost what it had promised to keep.
    pub(crate) replaces: Option<NodeId>,
}

impl From<&Introduction> for proto::Introduction {
    fn from(introduction: &Introduction) -> Self {
        proto::Introduction {
            node: introduction.node.0,
            address: introduction.address.clone().unwrap_or_default(),
            seeds: introduction.seeds.addresses().to_vec(),
            shard_count: introduction.shard_count.into(),
            feature_level: introduction.feature_level,
            record: introduction.record.as_ref().map(Into::into),
            replaces: introduction.replaces.map(|node| node.0),
        }
    }
}

impl TryFrom<proto::Introduction> for Introduction {
    type Error = MalformedError;

    fn try_from(introduction: proto::Introduction) -> Result<Self, MalformedError> {
        let shard_count = u16::try_from(introduction.shard_count);
        let record = introduction.record.map(ClusterRecord::try_from);
        Ok(Introduction {
            node: NodeId(introduction.node),
            address: Some(introduction.address).filter(|address| !address.is_empty()),
            seeds: Seeds::new(introduction.seeds),
            shard_count: shard_count.map_err(|_| MalformedError("shard count"))?,
            feature_level: introduction.feature_level,
            record: record.transpose()?,
            replaces: introduction.replaces.map(NodeId),
        })
    }
}

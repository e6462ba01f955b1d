use std::fmt;

use bytes::Bytes;
use squorum_proto::{MalformedError, meta as proto};
use squorum_types::{NodeId, ReceiptHandleKey, Timestamp};

use crate::FeatureLevel;

/// Random, minted by the founding node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub [u8; 16]);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What holds for the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub id: ClusterId,
    /// At least 1; fixed when the cluster is founded.
    pub shard_count: u16,
    pub receipt_handle_key: ReceiptHandleKey,
    pub founding_node: NodeId,
    pub founded_at: Timestamp,
    pub settings: ClusterSettings,
    pub feature_level: FeatureLevel,
}

/// What an operator may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Lets a deleted queue's name be used again at once. Off by default: AWS blocks it for 60 s.
    pub deleted_names_free_at_once: bool,
}

impl From<ClusterSettings> for proto::ClusterSettings {
    fn from(settings: ClusterSettings) -> Self {
        proto::ClusterSettings {
            deleted_names_free_at_once: settings.deleted_names_free_at_once,
        }
    }
}

impl From<proto::ClusterSettings> for ClusterSettings {
    fn from(settings: proto::ClusterSettings) -> Self {
        ClusterSettings {
            deleted_names_free_at_once: settings.deleted_names_free_at_once,
        }
    }
}

impl From<&Cluster> for proto::ClusterRow {
    fn from(cluster: &Cluster) -> Self {
        proto::ClusterRow {
            cluster_id: Bytes::copy_from_slice(&cluster.id.0),
            shard_count: cluster.shard_count.into(),
            receipt_handle_key: Bytes::copy_from_slice(&cluster.receipt_handle_key.0),
            founding_node_id: cluster.founding_node.0,
            founded_at_ms: cluster.founded_at.0,
            settings: Some(cluster.settings.into()),
            feature_level: Some(cluster.feature_level.into()),
        }
    }
}

impl TryFrom<proto::ClusterRow> for Cluster {
    type Error = MalformedError;

    fn try_from(row: proto::ClusterRow) -> Result<Self, MalformedError> {
        Ok(Cluster {
            id: decode_cluster_id(&row.cluster_id)?,
            shard_count: decode_shard_count(row.shard_count)?,
            receipt_handle_key: decode_receipt_handle_key(&row.receipt_handle_key)?,
            founding_node: NodeId(row.founding_node_id),
            founded_at: Timestamp(row.founded_at_ms),
            settings: row.settings.unwrap_or_default().into(),
            feature_level: decode_feature_level(row.feature_level)?,
        })
    }
}

pub(crate) fn decode_cluster_id(bytes: &Bytes) -> Result<ClusterId, MalformedError> {
    let id = bytes.as_ref().try_into();
    id.map(ClusterId).map_err(|_| MalformedError("cluster id"))
}

pub(crate) fn decode_shard_count(count: u32) -> Result<u16, MalformedError> {
    match u16::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(MalformedError("shard count")),
    }
}

pub(crate) fn decode_receipt_handle_key(bytes: &Bytes) -> Result<ReceiptHandleKey, MalformedError> {
    let key = bytes.as_ref().try_into();
    key.map(ReceiptHandleKey)
        .map_err(|_| MalformedError("receipt handle key"))
}

pub(crate) fn decode_feature_level(
    level: Option<proto::FeatureLevel>,
) -> Result<FeatureLevel, MalformedError> {
    level
        .and_then(FeatureLevel::decode)
        .ok_or(MalformedError("feature level"))
}

use bytes::Bytes;
use squorum_proto::{MalformedError, meta as proto};
use squorum_store::View;
use squorum_types::{NodeId, ReceiptHandleKey};

use crate::context::Context;
use crate::{
    Cluster, ClusterId, ClusterSettings, FEATURE_LEVEL, FeatureLevel, Member, MetaError, Roster,
    cluster, keys, rows,
};

/// Founds the cluster, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub cluster_id: ClusterId,
    /// At least 1.
    pub shard_count: u16,
    pub receipt_handle_key: ReceiptHandleKey,
    /// The founding node.
    pub node: NodeId,
    pub settings: ClusterSettings,
    pub feature_level: FeatureLevel,
    /// The founding nodes, in the order of their ids.
    pub members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundOutcome {
    /// By this command, or before under the same id and then with the values of that time.
    Founded(Box<Cluster>),
    /// Nothing happened: there is a cluster already.
    OtherCluster(ClusterId),
}

impl From<&Found> for proto::Found {
    fn from(found: &Found) -> Self {
        proto::Found {
            cluster_id: Bytes::copy_from_slice(&found.cluster_id.0),
            shard_count: found.shard_count.into(),
            receipt_handle_key: Bytes::copy_from_slice(&found.receipt_handle_key.0),
            node_id: found.node.0,
            settings: Some(found.settings.into()),
            feature_level: Some(found.feature_level.into()),
            members: found.members.iter().map(Into::into).collect(),
        }
    }
}

impl Found {
    pub(super) fn decode(found: &proto::Found) -> Result<Found, MalformedError> {
        let members = found.members.iter().map(Member::try_from);
        Ok(Found {
            cluster_id: cluster::decode_cluster_id(&found.cluster_id)?,
            shard_count: cluster::decode_shard_count(found.shard_count)?,
            receipt_handle_key: cluster::decode_receipt_handle_key(&found.receipt_handle_key)?,
            node: NodeId(found.node_id),
            settings: found.settings.unwrap_or_default().into(),
            feature_level: cluster::decode_feature_level(found.feature_level)?,
            members: members.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn apply<V: View>(
        self,
        context: &mut Context<'_, V>,
    ) -> Result<FoundOutcome, MetaError> {
        if let Some(cluster) = &context.cluster {
            if cluster.id != self.cluster_id {
                return Ok(FoundOutcome::OtherCluster(cluster.id));
            }
            let founded = FoundOutcome::Founded(Box::new(cluster.clone()));
            // Clusters were founded before members were kept.
            if context.roster()?.members.is_empty() {
                put_founders(context, self.members);
            }
            return Ok(founded);
        }
        self.feature_level.check(FEATURE_LEVEL)?;
        let cluster = Cluster {
            id: self.cluster_id,
            shard_count: self.shard_count,
            receipt_handle_key: self.receipt_handle_key,
            founding_node: self.node,
            founded_at: context.state.clock,
            settings: self.settings,
            feature_level: self.feature_level,
        };
        put_cluster(context, cluster.clone());
        put_founders(context, self.members);
        Ok(FoundOutcome::Founded(Box::new(cluster)))
    }
}

fn put_founders<V: View>(context: &mut Context<'_, V>, members: Vec<Member>) {
    if !members.is_empty() {
        context.put_roster(Roster {
            members,
            ..Roster::default()
        });
    }
}

pub(super) fn put_cluster<V: View>(context: &mut Context<'_, V>, cluster: Cluster) {
    let row = proto::ClusterRow::from(&cluster);
    rows::put(&mut context.txn, keys::cluster(), &row);
    context.cluster = Some(cluster);
    context.applied.cluster_changed = true;
}

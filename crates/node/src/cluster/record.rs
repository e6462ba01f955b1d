//! What a node keeps of its cluster: a row of its own in the state store.
//!
//! 1. The row lies under `u32::MAX`, which no group has, so no snapshot carries or replaces it.
//! 2. It is written and flushed before anybody is told of it: the store has no log of its own.
//! 3. A record never becomes that of another cluster, and its stage never goes back.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use squorum_meta::{ClusterId, Member, Roster};
use squorum_proto::MalformedError;
use squorum_proto::cluster as proto;
use squorum_store::{Store, StoreError, View, WriteBatch};
use squorum_types::NodeId;

const FORMAT: u8 = 1;
const OWN_ROWS: u32 = u32::MAX;
const RECORD: u8 = 1;

/// How far the founding of the cluster has come, as far as this node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Some member may not have the record yet, so no member runs a group.
    Founding,
    /// Every member has had the record.
    Founded,
    /// The log of this node knows every group.
    Started,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterRecord {
    pub(crate) cluster_id: ClusterId,
    /// The last ones that this node knew of, in the order of their ids.
    pub(crate) members: Vec<Member>,
    /// Of the roster that the members are from; 0: they are the founders.
    pub(crate) roster_version: u64,
    pub(crate) shard_count: u16,
    /// The member that minted the id.
    pub(crate) founder: NodeId,
    pub(crate) stage: Stage,
}

impl ClusterRecord {
    pub(crate) fn member(&self, node: NodeId) -> Option<&Member> {
        self.members.iter().find(|member| member.node == node)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.members.iter().map(|member| member.node)
    }

    pub(crate) fn roster(&self) -> Roster {
        Roster {
            version: self.roster_version,
            members: self.members.clone(),
            removed: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn with_roster(&self, roster: &Roster) -> ClusterRecord {
        ClusterRecord {
            members: roster.members.clone(),
            roster_version: roster.version,
            ..self.clone()
        }
    }

    #[must_use]
    pub(crate) fn at(&self, stage: Stage) -> ClusterRecord {
        let record = self.clone();
        ClusterRecord { stage, ..record }
    }
}

/// `None` if the node has never been in a cluster.
pub(crate) fn read_record<V: View>(store: &V) -> Result<Option<ClusterRecord>, StoreError> {
    let corrupt = |reason: &dyn std::fmt::Display| {
        StoreError::Corruption(format!("the node's record of its cluster: {reason}"))
    };
    let Some(value) = store.get(&key())? else {
        return Ok(None);
    };
    match value.first() {
        Some(&FORMAT) => {}
        Some(format) => return Err(corrupt(&format!("format {format} is not known"))),
        None => return Err(corrupt(&"it is empty")),
    }
    let record = proto::ClusterRecord::decode(value.slice(1..)).map_err(|error| corrupt(&error))?;
    let record = ClusterRecord::try_from(record).map_err(|error| corrupt(&error))?;
    Ok(Some(record))
}

/// Durable when this returns. Blocks for as long as a flush takes.
pub(crate) fn write_record<S: Store>(store: &S, record: &ClusterRecord) -> Result<(), StoreError> {
    let record = proto::ClusterRecord::from(record);
    let mut value = BytesMut::with_capacity(1 + record.encoded_len());
    value.put_u8(FORMAT);
    value.put_slice(&record.encode_to_vec());
    let mut batch = WriteBatch::new();
    batch.put(key(), value.freeze());
    store.commit(batch)?;
    store.flush()
}

fn key() -> Bytes {
    let mut key = BytesMut::with_capacity(5);
    key.put_u32(OWN_ROWS);
    key.put_u8(RECORD);
    key.freeze()
}

impl From<&ClusterRecord> for proto::ClusterRecord {
    fn from(record: &ClusterRecord) -> Self {
        let stage = match record.stage {
            Stage::Founding => proto::FoundingStage::Founding,
            Stage::Founded => proto::FoundingStage::Founded,
            Stage::Started => proto::FoundingStage::Started,
        };
        proto::ClusterRecord {
            cluster_id: Bytes::copy_from_slice(&record.cluster_id.0),
            members: record.members.iter().map(Into::into).collect(),
            shard_count: record.shard_count.into(),
            founder: record.founder.0,
            stage: stage.into(),
            roster_version: record.roster_version,
        }
    }
}

impl TryFrom<proto::ClusterRecord> for ClusterRecord {
    type Error = MalformedError;

    fn try_from(record: proto::ClusterRecord) -> Result<Self, MalformedError> {
        let stage = match record.stage() {
            proto::FoundingStage::Founding => Stage::Founding,
            proto::FoundingStage::Founded => Stage::Founded,
            proto::FoundingStage::Started => Stage::Started,
            proto::FoundingStage::Unspecified => return Err(MalformedError("founding stage")),
        };
        let id = record.cluster_id.as_ref().try_into();
        let shard_count = u16::try_from(record.shard_count).ok();
        let members = record.members.iter().map(Member::try_from);
        let members: Vec<_> = members.collect::<Result<_, _>>()?;
        if members.is_empty() || !members.is_sorted_by(|a, b| a.node < b.node) {
            return Err(MalformedError("members"));
        }
        Ok(ClusterRecord {
            cluster_id: id
                .map(ClusterId)
                .map_err(|_| MalformedError("cluster id"))?,
            members,
            shard_count: shard_count
                .filter(|count| *count > 0)
                .ok_or(MalformedError("shard count"))?,
            founder: NodeId(record.founder),
            stage,
            roster_version: record.roster_version,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use squorum_store::memory::MemoryStore;

    use super::*;

    fn record() -> ClusterRecord {
        let member = |node, address: &str| Member::active(NodeId(node), address.to_owned());
        ClusterRecord {
            cluster_id: ClusterId([7; 16]),
            members: vec![member(1, "a:9326"), member(2, "b:9326")],
            shard_count: 8,
            founder: NodeId(1),
            stage: Stage::Founding,
            roster_version: 0,
        }
    }

    #[test]
    fn a_record_survives_a_crash_once_it_is_written() {
        let store = MemoryStore::new();
        assert_eq!(read_record(&store).unwrap(), None);
        write_record(&store, &record()).unwrap();
        let store = store.crash(1);
        assert_eq!(read_record(&store).unwrap(), Some(record()));
    }

    /// The persisted format: a change here needs another format number.
    #[test]
    fn golden() {
        let store = MemoryStore::new();
        write_record(&store, &record()).unwrap();
        let value = store.get(&[0xff, 0xff, 0xff, 0xff, 1]).unwrap().unwrap();
        let mut expected = vec![1, 0x0a, 16];
        expected.extend([7; 16]);
        for (node, letter) in [(1, b'a'), (2, b'b')] {
            expected.extend([0x12, 10, 0x08, node, 0x12, 6, letter]);
            expected.extend(b":9326");
        }
        expected.extend([0x18, 8, 0x20, 1, 0x28, 1]);
        assert_eq!(value, expected);
    }

    #[test]
    fn what_is_not_a_record_is_corruption() {
        for value in [&b""[..], &[2], &[1, 0xff], &[1]] {
            let store = MemoryStore::new();
            let mut batch = WriteBatch::new();
            batch.put(key(), Bytes::copy_from_slice(value));
            store.commit(batch).unwrap();
            let error = read_record(&store).unwrap_err();
            assert!(matches!(error, StoreError::Corruption(_)), "{error}");
        }
    }
}

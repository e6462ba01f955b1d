//! Whether a node remembers what it promised: record, log and state must belong together.

use squorum_meta::{Member, read};
use squorum_store::Store;
use squorum_types::{GroupId, NodeId, ShardId};

use super::error::FoundingError;
use super::{ClusterRecord, Stage, read_record, write_record};

/// The record of the node's cluster, if it is in one, as far as the log bears it out.
/// `known_groups`: what the log knows.
///
/// Nodes were alone before there was a record: such a one is given its record here.
pub(crate) fn remembered_record<S: Store>(
    store: &S,
    node: NodeId,
    known_groups: &[GroupId],
) -> Result<Option<ClusterRecord>, FoundingError> {
    let record = match read_record(store)? {
        Some(record) => Some(record),
        None => record_of_lone_node(store, node)?,
    };
    check(record.as_ref(), node, known_groups)?;
    Ok(record)
}

fn record_of_lone_node<S: Store>(
    store: &S,
    node: NodeId,
) -> Result<Option<ClusterRecord>, FoundingError> {
    let Some(cluster) = read::cluster(store)? else {
        return Ok(None);
    };
    if cluster.founding_node != node {
        let cluster = cluster.id;
        return Err(FoundingError::OtherNode { cluster, node });
    }
    let record = ClusterRecord {
        cluster_id: cluster.id,
        members: vec![Member::active(node, String::new())],
        roster_version: 0,
        shard_count: cluster.shard_count,
        founder: node,
        stage: Stage::Started,
    };
    write_record(store, &record)?;
    Ok(Some(record))
}

fn check(
    record: Option<&ClusterRecord>,
    node: NodeId,
    known_groups: &[GroupId],
) -> Result<(), FoundingError> {
    let Some(record) = record else {
        return match known_groups.first() {
            Some(group) => Err(FoundingError::RecordLost { group: *group }),
            None => Ok(()),
        };
    };
    let cluster = record.cluster_id;
    if record.member(node).is_none() {
        return Err(FoundingError::OtherNode { cluster, node });
    }
    if record.stage < Stage::Started {
        return Ok(());
    }
    let lost = record.groups().find(|group| !known_groups.contains(group));
    match lost {
        Some(group) => Err(FoundingError::LogLost { cluster, group }),
        None => Ok(()),
    }
}

impl ClusterRecord {
    /// All groups of the cluster, meta first.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupId> + use<> {
        let shards = (0..self.shard_count).map(|shard| GroupId::of_shard(ShardId(shard)));
        std::iter::once(GroupId::META).chain(shards)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use squorum_meta::ClusterId;
    use squorum_store::memory::MemoryStore;

    use super::*;

    const GROUPS: [GroupId; 3] = [GroupId(0), GroupId(1), GroupId(2)];

    fn store_with(stage: Stage) -> MemoryStore {
        let member = |node| Member::active(NodeId(node), format!("{node}:9326"));
        let record = ClusterRecord {
            cluster_id: ClusterId([1; 16]),
            members: vec![member(1), member(2)],
            shard_count: 2,
            founder: NodeId(2),
            stage,
            roster_version: 0,
        };
        let store = MemoryStore::new();
        write_record(&store, &record).unwrap();
        store
    }

    #[test]
    fn record_and_log_must_belong_together() {
        let remembered = |store: &MemoryStore, groups: &[GroupId]| {
            remembered_record(store, NodeId(1), groups).map(|record| record.is_some())
        };
        assert_eq!(remembered(&MemoryStore::new(), &[]), Ok(false));
        assert_eq!(
            remembered(&MemoryStore::new(), &GROUPS[1..]),
            Err(FoundingError::RecordLost { group: GroupId(1) })
        );
        let started = store_with(Stage::Started);
        assert_eq!(remembered(&started, &GROUPS), Ok(true));
        for (groups, lost) in [(&GROUPS[..0], 0), (&GROUPS[..2], 2)] {
            let error = FoundingError::LogLost {
                cluster: ClusterId([1; 16]),
                group: GroupId(lost),
            };
            assert_eq!(remembered(&started, groups), Err(error));
        }
        // It died before its groups were initialised, or half-way through.
        for stage in [Stage::Founding, Stage::Founded] {
            assert_eq!(remembered(&store_with(stage), &[]), Ok(true));
            assert_eq!(remembered(&store_with(stage), &GROUPS[..1]), Ok(true));
        }
    }

    #[test]
    fn a_record_of_another_node_is_refused() {
        let error = FoundingError::OtherNode {
            cluster: ClusterId([1; 16]),
            node: NodeId(3),
        };
        let result = remembered_record(&store_with(Stage::Started), NodeId(3), &GROUPS);
        assert_eq!(result, Err(error));
    }
}

use std::collections::BTreeMap;

use squorum_types::NodeId;

use super::decide::Answer;
use super::introduction::Introduction;

/// Why the seeds, all of which have answered, cannot become one cluster.
pub(super) fn disagreement(own: &Introduction, answers: &[Answer]) -> Option<String> {
    let mut nodes: BTreeMap<NodeId, &str> = BTreeMap::new();
    for answer in answers {
        let Ok(seed) = &answer.introduction else {
            continue;
        };
        let address = &answer.address;
        if let Some(first) = nodes.insert(seed.node, address) {
            return Some(format!(
                "seeds {first} and {address} lead to the same node, {}",
                seed.node
            ));
        }
        if seed.seeds != own.seeds {
            return Some(format!(
                "seed {address} has the seeds {}, this node has {}",
                seed.seeds, own.seeds
            ));
        }
        if seed.shard_count != own.shard_count {
            return Some(format!(
                "seed {address} would make {} shards, this node {}",
                seed.shard_count, own.shard_count
            ));
        }
        if seed.feature_level != own.feature_level {
            return Some(format!(
                "seed {address} has feature level {}, this node {}: all must run the same version \
                 to found a cluster",
                seed.feature_level, own.feature_level
            ));
        }
    }
    if !answers.is_empty() && !nodes.contains_key(&own.node) {
        return Some(format!(
            "none of the seeds {} leads to this node: one of them must",
            own.seeds
        ));
    }
    None
}

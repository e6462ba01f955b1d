#![allow(clippy::unwrap_used)]

mod directed;
mod model;
mod over_network;

use squorum_types::NodeId;

use super::Introduction;
use crate::cluster::Seeds;

const ADDRESSES: [&str; 5] = ["a:9326", "b:9326", "c:9326", "d:9326", "e:9326"];

fn empty(node: u64, seed_count: usize) -> Introduction {
    Introduction {
        node: NodeId(node),
        address: None,
        seeds: Seeds::new(&ADDRESSES[..seed_count]),
        shard_count: 8,
        feature_level: 1,
        record: None,
        replaces: None,
    }
}

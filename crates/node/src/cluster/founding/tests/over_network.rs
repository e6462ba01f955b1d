//! Founding as it runs, over connections in memory.

use std::sync::Arc;
use std::time::Duration;

use squorum_meta::ClusterId;
use squorum_peer::{Peers, Services};
use squorum_store::memory::MemoryStore;
use squorum_types::NodeId;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::{Founding, Introducer, Introduction};
use super::{ADDRESSES, empty};
use crate::cluster::testing::{Network, Served, TestEntropy};
use crate::cluster::{ClusterRecord, FoundingError, read_record};

struct Node {
    store: MemoryStore,
    peers: Peers,
    progress: watch::Receiver<Option<String>>,
    founding: JoinHandle<Result<ClusterRecord, FoundingError>>,
    /// Dropped, the process ends.
    _served: Served,
}

/// Starts a process on what the store has.
fn start(network: &Network, position: usize, node: u64, store: MemoryStore) -> Node {
    let introducer = Introducer::new(Introduction {
        record: read_record(&store).unwrap(),
        ..empty(node, 3)
    });
    let peers = network.peers(NodeId(node));
    let services = Services::new().for_anyone(introducer.service());
    let served = network.serve(&peers, ADDRESSES[position], services);
    let (progress, watching) = watch::channel(None);
    let founding = Founding {
        peers: peers.clone(),
        store: store.clone(),
        entropy: Arc::new(TestEntropy(node as u8)),
        introducer,
        progress,
    };
    Node {
        store,
        peers,
        progress: watching,
        founding: tokio::spawn(founding.run()),
        _served: served,
    }
}

impl Node {
    fn crash(self, seed: u64) -> MemoryStore {
        self.founding.abort();
        self.store.crash(seed)
    }

    async fn founded(&mut self) -> ClusterRecord {
        (&mut self.founding).await.unwrap().unwrap()
    }

    async fn waits_for(&mut self, text: &str) {
        let waits = |progress: &Option<String>| progress.as_ref().is_some_and(|p| p.contains(text));
        self.progress.wait_for(waits).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn three_nodes_found_one_cluster_though_one_is_minutes_late() {
    let network = Network::default();
    let mut first = start(&network, 0, 7, MemoryStore::new());
    first.waits_for("waiting for seed b:9326: ").await;
    let mut second = start(&network, 1, 5, MemoryStore::new());
    second.waits_for("waiting for seed c:9326: ").await;
    tokio::time::sleep(Duration::from_secs(180)).await;
    assert_eq!(first.peers.cluster(), None);
    let third = start(&network, 2, 6, MemoryStore::new());

    let mut nodes = [first, second, third];
    for node in &mut nodes {
        let record = node.founded().await;
        assert_eq!(record.cluster_id, ClusterId([5; 16]));
        assert_eq!(read_record(&node.store).unwrap(), Some(record));
        assert_eq!(node.peers.cluster(), Some([5; 16]));
        assert_eq!(*node.progress.borrow(), None);
    }
}

/// The founder writes its record and dies before, or after, anybody has seen it.
#[tokio::test(start_paused = true)]
async fn a_founder_that_dies_half_way_goes_on() {
    for seed in 0..20 {
        let network = Network::default();
        let founder = start(&network, 0, 1, MemoryStore::new());
        let second = start(&network, 1, 2, MemoryStore::new());
        let third = start(&network, 2, 3, MemoryStore::new());
        while read_record(&founder.store).unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(10 + seed)).await;
        }
        let store = founder.crash(seed);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let founder = start(&network, 0, 1, store);
        let mut nodes = [founder, second, third];
        for node in &mut nodes {
            let record = node.founded().await;
            assert_eq!(record.cluster_id, ClusterId([1; 16]));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wiped_node_waits_to_be_taken_in_and_a_hollow_one_is_refused() {
    let network = Network::default();
    let mut nodes = [1, 2, 3].map(|node| {
        let position = node as usize - 1;
        start(&network, position, node, MemoryStore::new())
    });
    for node in &mut nodes {
        node.founded().await;
    }
    let [wiped, _second, _third] = nodes;
    wiped.crash(0);
    let hollow = start(&network, 0, 1, MemoryStore::new());
    let error = hollow.founding.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("empty the data directory"));
    let mut wiped = start(&network, 0, 4, MemoryStore::new());
    wiped.waits_for("squorum node add 0000000000000004").await;
    for (store, peers) in [(&hollow.store, &hollow.peers), (&wiped.store, &wiped.peers)] {
        assert_eq!(read_record(store).unwrap(), None);
        assert_eq!(peers.cluster(), None);
    }
}

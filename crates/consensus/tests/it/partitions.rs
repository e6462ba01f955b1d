//! Links that are cut: nothing acknowledged is lost, and no two members serve at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use squorum_consensus::testing::Outcome;
use squorum_consensus::{Group, ProposeError};
use squorum_store::{Cursor, View};
use tokio::task::JoinSet;

use crate::cluster::{Cluster, IDS, LeaseWatch};
use crate::harness::{GROUP, Node, PATIENCE, entry, until};

/// Callers at every member, who propose for as long as the test lasts.
pub(crate) struct Load {
    callers: JoinSet<Vec<(u64, u64)>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
}

impl Load {
    pub(crate) fn start(cluster: &Cluster, entry_bytes: usize) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut callers = JoinSet::new();
        for id in cluster.running() {
            for caller in 0..4 {
                let first = (id * 10 + caller) << 32;
                let group = cluster.group(id).clone();
                let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
                callers.spawn(call(group, first, entry_bytes, stop, acknowledged));
            }
        }
        Load {
            callers,
            stop,
            acknowledged,
        }
    }

    /// Waits for further acknowledgements.
    pub(crate) async fn progress(&self) {
        let before = self.acknowledged.load(Ordering::Relaxed);
        let acknowledged = || self.acknowledged.load(Ordering::Relaxed);
        until("acknowledgements", || acknowledged() > before + 20).await;
    }

    /// What was acknowledged: index and number of each entry.
    pub(crate) async fn end(self) -> Vec<(u64, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        self.callers
            .join_all()
            .await
            .into_iter()
            .flatten()
            .collect()
    }
}

async fn call(
    group: Group<Outcome>,
    first: u64,
    entry_bytes: usize,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
) -> Vec<(u64, u64)> {
    let mut outcomes = Vec::new();
    for number in first.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut body = number.to_le_bytes().to_vec();
        body.resize(entry_bytes.max(8), 1);
        match group.propose(Bytes::from(body)).await {
            Ok(outcome) => {
                acknowledged.fetch_add(1, Ordering::Relaxed);
                outcomes.push((outcome.index, number));
            }
            Err(ProposeError::NotLeader { .. } | ProposeError::OutcomeUnknown { .. }) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(ProposeError::Stopped) => break,
            Err(error) => panic!("{error}"),
        }
    }
    outcomes
}

/// Checks that a member has every acknowledged entry at the index that was answered.
pub(crate) fn assert_kept(node: &Node, acknowledged: &[(u64, u64)]) {
    let range = squorum_consensus::group_key_range(GROUP);
    let view = node.store.clone();
    let mut cursor = view.scan(&range.start..&range.end).unwrap();
    let mut rows = BTreeSet::new();
    while let Some((key, value)) = cursor.next().unwrap() {
        if key.len() == 13 && key[4] == 2 && value.len() >= 8 {
            let index = u64::from_be_bytes(key[5..].try_into().unwrap());
            rows.insert((index, u64::from_le_bytes(value[..8].try_into().unwrap())));
        }
    }
    for acknowledged in acknowledged {
        assert!(rows.contains(acknowledged), "{acknowledged:?} is lost");
    }
}

async fn finish(cluster: Cluster, leases: LeaseWatch, load: Load) {
    let acknowledged = load.end().await;
    cluster.converge().await;
    leases.end().await;
    for member in cluster.members.values() {
        assert_kept(&member.node, &acknowledged);
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_isolated_leader_stops_serving_before_another_begins() {
    let cluster = Cluster::new().await;
    let leases = LeaseWatch::start(&cluster);
    let load = Load::start(&cluster, 100);
    for _ in 0..3 {
        load.progress().await;
        let old = cluster.leader().await;
        cluster.links.isolate(old, IDS);
        let cut = Instant::now();
        let lost = cluster.group(old).propose(entry(1));
        let new = cluster.leader_but(Some(old)).await;
        println!("{new} leads {:?} after {old} was isolated", cut.elapsed());
        assert!(!cluster.group(old).can_serve_locally());
        load.progress().await;
        cluster.links.heal();
        // Its entry is in no quorum's log: it may have been replaced, or may never have been one.
        let lost = tokio::time::timeout(PATIENCE, lost).await.unwrap();
        assert!(lost.is_err(), "{lost:?}");
        cluster.catch_up().await;
    }
    finish(cluster, leases, load).await;
}

/// A leader that can send but not hear must not block elections; one that can hear but not send
/// is replaced; and afterwards all is as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_way_cuts_of_the_leader() {
    let cluster = Cluster::new().await;
    let leases = LeaseWatch::start(&cluster);
    let load = Load::start(&cluster, 100);
    for hears in [false, true] {
        load.progress().await;
        let old = cluster.leader().await;
        for other in IDS.into_iter().filter(|id| *id != old) {
            let (from, to) = if hears { (old, other) } else { (other, old) };
            cluster.links.cut(from, to);
        }
        let cut = Instant::now();
        let new = cluster.leader_but(Some(old)).await;
        println!(
            "{new} leads {:?} after {old}'s cut, hears: {hears}",
            cut.elapsed()
        );
        load.progress().await;
        cluster.links.heal();
        cluster.catch_up().await;
    }
    finish(cluster, leases, load).await;
}

/// A follower that is cut off, in whatever way, deposes nobody when it comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_of_a_follower_do_not_cost_the_leader_its_place() {
    let cluster = Cluster::new().await;
    let leases = LeaseWatch::start(&cluster);
    let load = Load::start(&cluster, 100);
    let leader = cluster.leader().await;
    let follower = IDS.into_iter().find(|id| *id != leader).unwrap();
    for way in 0..3 {
        for other in IDS.into_iter().filter(|id| *id != follower) {
            if way != 0 {
                cluster.links.cut(follower, other);
            }
            if way != 1 {
                cluster.links.cut(other, follower);
            }
        }
        load.progress().await;
        // Long enough for elections, if it could win or disturb one.
        tokio::time::sleep(Duration::from_millis(600)).await;
        let reached = cluster.group(follower).leadership().term;
        let current = cluster.group(cluster.leader().await).leadership().term;
        assert!(reached <= current, "it campaigned, in term {reached}");
        cluster.links.heal();
        load.progress().await;
        cluster.catch_up().await;
    }
    finish(cluster, leases, load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_link_keeps_the_order() {
    let cluster = Cluster::new().await;
    let leases = LeaseWatch::start(&cluster);
    for (from, to) in [(1, 2), (2, 3), (3, 1)] {
        cluster
            .links
            .set(from, to, |link| link.delay = Duration::from_millis(7));
    }
    let load = Load::start(&cluster, 3_000);
    for _ in 0..5 {
        load.progress().await;
    }
    finish(cluster, leases, load).await;
}

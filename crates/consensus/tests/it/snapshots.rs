use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use squorum_consensus::GroupOptions;
use squorum_peer::{Lane, call};
use squorum_proto::raft as wire;
use squorum_proto::raft::install_snapshot_request::Part;
use squorum_proto::raft::raft_client::RaftClient;
use squorum_types::NodeId;

use crate::cluster::{Cluster, IDS, PATIENT_LEASE, inline, patient};
use crate::harness::{GROUP, PATIENCE, entry, until};
use crate::partitions::{Load, assert_kept};

fn follower_of(leader: u64) -> u64 {
    IDS.into_iter().find(|id| *id != leader).unwrap()
}

/// Takes a follower away, fills the log with `entries` of 10 kB and purges it everywhere.
async fn leave_behind(cluster: &mut Cluster, entries: u64) -> (u64, u64) {
    let leader = cluster.leader().await;
    let follower = follower_of(leader);
    cluster.kill(follower).await;
    for number in 0..entries {
        let mut body = entry(number).to_vec();
        body.resize(10_000, 5);
        cluster.propose(&body.into(), Some(follower)).await;
    }
    let leader = cluster.leader().await;
    let missing = cluster.members[&follower]
        .node
        .log
        .state(GROUP)
        .last
        .unwrap()
        .index
        + 1;
    for id in IDS.into_iter().filter(|id| *id != follower) {
        cluster.checkpoint(id).await;
        let node = &cluster.members[&id].node;
        until("the purge", || node.purged_index() >= Some(missing)).await;
    }
    (leader, follower)
}

async fn comes_back_by_snapshot(tweak: fn(&mut GroupOptions)) {
    let mut cluster = Cluster::with(tweak).await;
    for number in 0..20 {
        cluster.propose(&entry(number), None).await;
    }
    let (_, follower) = leave_behind(&mut cluster, 300).await;
    let load = Load::start(&cluster, 500);
    load.progress().await;
    cluster.start(follower).await;
    let snapshot = || cluster.group(follower).applied_index() >= Some(300);
    until("the snapshot", snapshot).await;
    load.progress().await;
    let acknowledged = load.end().await;
    let summary = cluster.converge().await;
    assert!(summary.0 >= 320 + acknowledged.len() as u64);
    assert_kept(&cluster.members[&follower].node, &acknowledged);
    let installed = cluster.transport(follower).snapshots();
    assert!(installed.installed >= 1);
    assert!(installed.installed_bytes > 3_000_000);

    // What was installed survives a restart.
    cluster.kill(follower).await;
    cluster.start(follower).await;
    assert_eq!(cluster.converge().await, summary);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_too_long_comes_back_by_snapshot_under_load() {
    comes_back_by_snapshot(|_| {}).await;
}

#[tokio::test]
async fn the_same_without_threads() {
    comes_back_by_snapshot(inline).await;
}

/// A follower that does not come back does not make the leader's log grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_bounded_although_a_follower_is_away() {
    let mut cluster = Cluster::with(|options| options.log_bytes_kept = 300_000).await;
    let leader = cluster.leader().await;
    cluster.kill(follower_of(leader)).await;
    for _ in 0..5 {
        for number in 0..100 {
            let mut body = entry(number).to_vec();
            body.resize(10_000, 5);
            cluster.propose(&body.into(), None).await;
        }
        cluster.checkpoint(leader).await;
        let node = &cluster.members[&leader].node;
        let last = cluster.group(leader).last_log_index().unwrap();
        until("the purge", || node.purged_index() >= Some(last - 50)).await;
        assert!(node.purged_index() <= Some(last - 29));
    }
    cluster.shutdown().await;
}

/// Or the next snapshot would follow, and so on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_after_a_snapshot_stay_until_its_follower_has_it() {
    let mut cluster = Cluster::with(|options| options.log_bytes_kept = 300_000).await;
    let (_, follower) = leave_behind(&mut cluster, 300).await;
    let leader = cluster.leader().await;
    // The snapshot has 3 MB and takes some ten seconds.
    cluster.links.set(leader, follower, |link| {
        link.delay = Duration::from_millis(50);
    });
    cluster.start(follower).await;
    let sending = || cluster.transport(leader).snapshots().sent_bytes > 0;
    until("the snapshot to begin", sending).await;
    let begun = cluster.group(leader).last_log_index();
    for number in 0..100 {
        let mut body = entry(number).to_vec();
        body.resize(10_000, 5);
        cluster.propose(&body.into(), Some(follower)).await;
    }
    cluster.checkpoint(leader).await;
    // Long enough for a purge.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(cluster.members[&leader].node.purged_index() <= begun);
    assert_eq!(cluster.transport(follower).snapshots().installed, 0);
    cluster.links.heal();
    cluster.converge().await;
    assert_eq!(cluster.transport(follower).snapshots().installed, 1);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_interrupted_is_sent_again() {
    let mut cluster = Cluster::new().await;
    let (leader, follower) = leave_behind(&mut cluster, 800).await;
    // The snapshot has 8 MB.
    cluster
        .links
        .set(leader, follower, |link| link.bytes_max = Some(4_000_000));
    cluster.start(follower).await;
    let links = std::sync::Arc::clone(&cluster.links);
    until("connections to break", || links.broken() >= 3).await;
    assert!(cluster.group(follower).applied_index() < Some(800));
    cluster.links.heal();
    until("the snapshot", || {
        cluster.group(follower).applied_index() >= Some(800)
    })
    .await;
    cluster.converge().await;
    let figures = cluster.transport(cluster.leader().await).snapshots();
    println!("{figures:?}");
    assert!(figures.failed >= 2 || cluster.leader().await != leader);
    cluster.shutdown().await;
}

async fn offer(cluster: &Cluster, to: u64, parts: Vec<Part>) -> Result<(), tonic::Status> {
    let connection = cluster
        .peers(1)
        .connection(NodeId(to), Lane::Snapshot)
        .unwrap();
    let mut client = RaftClient::new(connection.clone());
    let requests = parts
        .into_iter()
        .map(|part| wire::InstallSnapshotRequest { part: Some(part) });
    let answer = client.install_snapshot(tokio_stream::iter(requests.collect::<Vec<_>>()));
    let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap();
    answer.map(drop)
}

/// A leader far in the future, so that only the chunks can be at fault.
fn opening() -> Part {
    let vote = wire::Vote {
        term: 1_000,
        node: 1,
        committed: true,
    };
    Part::Opening(wire::SnapshotOpening {
        group: GROUP.0,
        vote: Some(vote),
    })
}

/// A chunk as the format says: checksum, version, kind, body.
fn chunk(kind: u8, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(1);
    bytes.put_u8(kind);
    bytes.put_slice(body);
    let mut whole = BytesMut::new();
    whole.put_u32_le(crc32c::crc32c(&bytes));
    whole.put_slice(&bytes);
    whole.freeze()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_is_refused_and_changes_nothing() {
    let cluster = Cluster::new().await;
    cluster.propose(&entry(1), None).await;
    let summary = cluster.converge().await;
    let header = chunk(0, &[8, GROUP.0 as u8]);
    let mut flipped = chunk(1, &[1, 0, 0, 0, 0, 0, 0, 0, 9]).to_vec();
    flipped[8] ^= 4;
    let end_without_rows = chunk(2, &[8, 7]);
    let cases = [
        vec![
            opening(),
            Part::Chunk(header.clone()),
            Part::Chunk(flipped.into()),
        ],
        vec![
            opening(),
            Part::Chunk(header.clone()),
            Part::Chunk(end_without_rows),
        ],
        vec![opening(), Part::Chunk(header.clone())],
        vec![opening(), Part::Chunk(chunk(0, &[8, 99]))],
        vec![opening(), Part::Chunk(chunk(1, &[]))],
        vec![Part::Chunk(header)],
        vec![],
    ];
    for (case, parts) in cases.into_iter().enumerate() {
        let status = offer(&cluster, 2, parts).await.unwrap_err();
        println!("case {case}: {status}");
        let is_refusal = matches!(
            status.code(),
            tonic::Code::DataLoss | tonic::Code::InvalidArgument
        );
        assert!(is_refusal, "case {case}: {status}");
    }
    assert_eq!(cluster.converge().await, summary);
    cluster.shutdown().await;
}

/// openraft forgets the leases that it promised; this node does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_restarts_does_not_vote_while_a_lease_may_hold() {
    let mut cluster = Cluster::with(patient).await;
    cluster.propose(&entry(1), None).await;
    cluster.converge().await;
    let leader = cluster.leader().await;
    let follower = follower_of(leader);
    let term = cluster.group(leader).leadership().term;
    let candidate = IDS
        .into_iter()
        .find(|id| ![leader, follower].contains(id))
        .unwrap();
    cluster.kill(follower).await;
    // The leader cannot reach it any more, so it renews nothing.
    cluster.links.cut(leader, follower);
    cluster.start(follower).await;
    let connection = cluster
        .peers(candidate)
        .connection(NodeId(follower), Lane::Control)
        .unwrap();
    let ask = async || {
        let request = wire::VoteRequest {
            group: GROUP.0,
            vote: Some(wire::Vote {
                term: term + 1,
                node: candidate,
                committed: false,
            }),
            last: Some(wire::LogId {
                term: term + 1,
                index: 1_000,
            }),
            leadership_transfer: false,
        };
        let mut client = RaftClient::new(connection.clone());
        call(&connection, PATIENCE, client.pre_vote(request)).await
    };
    let refusal = ask().await.unwrap_err().to_string();
    assert!(refusal.contains("restarted a moment ago"), "{refusal}");
    tokio::time::sleep(PATIENT_LEASE).await;
    assert!(ask().await.unwrap().granted);
    cluster.links.heal();
    cluster.converge().await;
    cluster.shutdown().await;
}

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;
use squorum_consensus::testing::Outcome;
use squorum_consensus::{
    Group, InitializeError, ProposeError, ReadError, StartError, UnknownReason,
};
use squorum_store::Store;
use squorum_types::NodeId;
use tokio::time::Instant;

use crate::harness::{
    GROUP, NODE, Node, PATIENCE, Proposed, alone, check, entry, found, propose_all, ready, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_proposal_is_applied_once_and_survives_a_crash() {
    let mut node = Node::new();
    let group = node.start().await;
    assert!(!group.is_initialized().await);
    found(&group).await;
    assert_eq!(
        group.initialize([NODE]).await,
        Err(InitializeError::AlreadyInitialized)
    );

    let mut summary = check((0, 0), &propose_all(&group, 0..2_000, 64).await);
    assert_eq!(group.applied_index(), group.synced_index());
    assert_eq!(summary, node.ledger().summary());
    group.shutdown().await;

    for seed in 0..4 {
        node = node.crash(seed);
        let started = Instant::now();
        let group = node.start().await;
        // A leader is ready only when everything acknowledged is applied again, whatever the store
        // lost.
        ready(&group).await;
        println!("ready after {:?}", started.elapsed());
        assert_eq!(summary, node.ledger().summary());
        let first = 10_000 + seed * 100;
        summary = check(summary, &propose_all(&group, first..first + 100, 8).await);
        group.shutdown().await;
    }
    assert!(node.failures.lock().is_empty());
}

#[tokio::test]
async fn calls_of_one_caller_keep_their_order() {
    let node = Node::new();
    let group = node.start().await;
    found(&group).await;
    // No future is polled before all were made, and then the last one first.
    let mut proposals: Vec<_> = (0..500)
        .map(|number| group.propose(entry(number)))
        .collect();
    proposals.reverse();
    let outcomes = join_all(proposals).await;
    let indexes: Vec<u64> = outcomes
        .into_iter()
        .rev()
        .map(|o| o.unwrap().index)
        .collect();
    assert!(indexes.is_sorted(), "{indexes:?}");
}

#[tokio::test]
async fn a_group_that_was_not_founded_says_so() {
    let node = Node::new();
    let group = node.start().await;
    let outcome = group.propose(entry(0)).await;
    assert_eq!(outcome, Err(ProposeError::NotLeader { leader: None }));
    let read = group.confirm_leadership(Instant::now() + PATIENCE).await;
    assert_eq!(read, Err(ReadError::NotLeader { leader: None }));
    assert!(!group.can_serve_locally());
    assert!(!group.leadership().ready_to_serve);
    let other = NodeId(NODE.0 + 1);
    assert_eq!(
        group.initialize([other]).await,
        Err(InitializeError::NotAMember(NODE))
    );
}

#[tokio::test]
async fn a_leader_serves_from_its_own_state() {
    let node = Node::new();
    let group = node.start().await;
    found(&group).await;
    assert!(group.can_serve_locally());
    assert_eq!(group.leadership().leader, Some(NODE));
    let outcome = group.propose(entry(1)).await.unwrap();
    let read = group
        .confirm_leadership(Instant::now() + PATIENCE)
        .await
        .unwrap();
    assert!(read >= outcome.index);
    let handle = group.clone();
    group.shutdown().await;
    until("the leadership to end", || {
        handle.leadership().leader.is_none()
    })
    .await;
    assert!(!handle.can_serve_locally());
    assert_eq!(handle.propose(entry(2)).await, Err(ProposeError::Stopped));
    assert_eq!(
        handle.confirm_leadership(Instant::now() + PATIENCE).await,
        Err(ReadError::Stopped)
    );
}

#[tokio::test]
async fn outstanding_proposals_are_bounded_and_end_with_the_group() {
    let node = Node::new();
    let mut options = node.options();
    options.proposals_max = 4;
    options.entry_bytes_max = 100;
    let (group, log) = node.start_held(options).await;
    let outcome = group.propose(Bytes::from(vec![0; 101])).await;
    assert_eq!(
        outcome,
        Err(ProposeError::TooLarge {
            bytes: 101,
            limit_bytes: 100
        })
    );

    log.hold();
    let proposals: Vec<_> = (0..4).map(|number| group.propose(entry(number))).collect();
    let refused = group.propose(entry(4)).now_or_never();
    assert_eq!(refused, Some(Err(ProposeError::Overloaded)));
    until("the append", || log.held() > 0).await;
    log.release();
    assert!(join_all(proposals).await.iter().all(Proposed::is_ok));

    // A caller that has gone does not make room: its entry is still under way.
    let applied = group.applied_index();
    log.hold();
    drop(
        (0..4)
            .map(|number| group.propose(entry(number)))
            .collect::<Vec<_>>(),
    );
    let refused = group.propose(entry(4)).now_or_never();
    assert_eq!(refused, Some(Err(ProposeError::Overloaded)));
    log.release();
    until("the entries", || {
        group.applied_index() >= applied.map(|index| index + 4)
    })
    .await;

    log.hold();
    let lost = group.propose(entry(5));
    until("the append", || log.held() > 0).await;
    group.shutdown().await;
    let reason = UnknownReason::Stopped;
    assert_eq!(lost.await, Err(ProposeError::OutcomeUnknown { reason }));
    assert!(node.failures.lock().is_empty());
}

#[tokio::test]
async fn a_state_that_the_log_does_not_explain_is_refused() {
    let node = Node::new();
    let group = node.start().await;
    found(&group).await;
    group.propose(entry(0)).await.unwrap();
    group.shutdown().await;
    let empty = Node::new();
    let forgetful = Node {
        store: node.store.clone(),
        ..empty
    };
    let log = Arc::new(forgetful.log.clone());
    let error = forgetful
        .try_start(forgetful.options(), log)
        .await
        .unwrap_err();
    assert!(
        matches!(error, StartError::StateBeyondLog { group: GROUP, .. }),
        "{error}"
    );
}

/// Starts the group with a ledger of which one can see what it was told.
async fn start_told(node: &Node) -> (Group<Outcome>, Arc<AtomicU64>) {
    let ledger = node.ledger();
    let told = ledger.told();
    let (log, store) = (Arc::new(node.log.clone()), node.store.clone());
    let (transport, on_fatal) = (alone(NODE), node.on_fatal());
    let start = Group::start(node.options(), log, store, ledger, transport, on_fatal);
    (start.await.unwrap(), told)
}

#[tokio::test]
async fn effects_are_published_before_a_proposer_hears() {
    let node = Node::new();
    let (group, told) = start_told(&node).await;
    found(&group).await;
    for number in 0..50 {
        let outcome = group.propose(entry(number)).await.unwrap();
        assert!(told.load(Ordering::Acquire) >= outcome.index);
        assert_eq!(node.ledger().summary(), (outcome.entries, outcome.digest));
    }
}

/// What was applied before the start is an effect too: nobody else would ever publish it.
#[tokio::test]
async fn rows_that_a_group_starts_with_are_published() {
    let node = Node::new();
    let group = node.start().await;
    found(&group).await;
    let outcome = group.propose(entry(0)).await.unwrap();
    group.shutdown().await;
    node.store.flush().unwrap();
    let (group, told) = start_told(&node).await;
    assert!(told.load(Ordering::Acquire) >= outcome.index);
    group.shutdown().await;
}

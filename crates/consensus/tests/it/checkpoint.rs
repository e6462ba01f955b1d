use squorum_store::Store;

use crate::harness::{Node, check, checkpoint, found, propose_all, ready, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_purges_exactly_what_was_applied_before_its_flush() {
    let node = Node::new();
    let group = node.start().await;
    found(&group).await;
    let mut summary = check((0, 0), &propose_all(&group, 0..300, 16).await);

    let mark = group.begin_checkpoint();
    assert_eq!(mark.index(), group.applied_index());
    // These are flushed too, but the mark does not know.
    summary = check(summary, &propose_all(&group, 300..400, 16).await);
    node.store.flush().unwrap();
    let index = mark.index();
    assert_eq!(node.purged_index(), None);
    group.finish_checkpoint(mark.clone()).await.unwrap();
    until("the purge", || node.purged_index() == index).await;
    // Once more changes nothing, and an older mark takes nothing back.
    group.finish_checkpoint(mark).await.unwrap();

    checkpoint(&node, &group).await;
    let applied = group.applied_index();
    until("the purge", || node.purged_index() == applied).await;
    summary = check(summary, &propose_all(&group, 400..450, 16).await);
    assert_eq!(node.purged_index(), applied);
    group.shutdown().await;

    let node = node.crash(7);
    let group = node.start().await;
    ready(&group).await;
    assert_eq!(node.ledger().summary(), summary);
    // What an opened store holds is on disk: a mark that covers it needs no other flush.
    checkpoint(&node, &group).await;
    check(summary, &propose_all(&group, 450..500, 16).await);
    group.shutdown().await;
    assert!(node.failures.lock().is_empty());
}

#[tokio::test]
async fn kept_bytes_stay_behind_a_checkpoint() {
    let node = Node::new();
    let mut options = node.options();
    options.log_bytes_kept = 200_000;
    let log = std::sync::Arc::new(node.log.clone());
    let group = node.try_start(options, log).await.unwrap();
    found(&group).await;
    let body = bytes::Bytes::from(vec![7; 10_000]);
    for _ in 0..100 {
        group.propose(body.clone()).await.unwrap();
    }
    checkpoint(&node, &group).await;
    until("the purge", || node.purged_index().is_some()).await;
    let kept = |node: &Node| group.last_log_index().unwrap() - node.purged_index().unwrap();
    assert!((20..=30).contains(&kept(&node)), "{} kept", kept(&node));
    // Nothing more becomes free: the same entries are wanted.
    checkpoint(&node, &group).await;
    assert!((20..=30).contains(&kept(&node)), "{} kept", kept(&node));
    group.shutdown().await;

    // After a restart nobody knows how long the old entries are: they stay until enough came.
    let node = node.crash(1);
    let mut options = node.options();
    options.log_bytes_kept = 200_000;
    let log = std::sync::Arc::new(node.log.clone());
    let group = node.try_start(options, log).await.unwrap();
    ready(&group).await;
    let purged = node.purged_index();
    group.propose(body.clone()).await.unwrap();
    checkpoint(&node, &group).await;
    assert_eq!(node.purged_index(), purged);
    for _ in 0..100 {
        group.propose(body.clone()).await.unwrap();
    }
    checkpoint(&node, &group).await;
    until("the purge", || node.purged_index() > purged).await;
}

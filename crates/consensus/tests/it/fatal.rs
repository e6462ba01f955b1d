use std::sync::Arc;

use bytes::Bytes;
use squorum_consensus::{FatalError, Group, ProposeError, ReplicatedState, UnknownReason};
use squorum_log::LogError;
use squorum_store::memory::{Fault, MemoryStore, Operation};
use squorum_store::{Overlay, StoreError};

use crate::harness::{
    GROUP, NODE, Node, PATIENCE, Proposed, alone, entry, found, propose_all, until,
};

/// After a failure: told once, nothing acknowledged, nothing accepted.
async fn assert_failed<O: Send + std::fmt::Debug + 'static>(node: &Node, group: &Group<O>) {
    until("the failure", || !node.failures.lock().is_empty()).await;
    assert!(!group.can_serve_locally());
    let outcome = group.propose(entry(1)).await;
    assert!(
        matches!(
            outcome,
            Err(ProposeError::Stopped | ProposeError::OutcomeUnknown { .. })
        ),
        "{outcome:?}"
    );
    group.clone().shutdown().await;
    let failures = node.failures.lock();
    assert!(
        matches!(failures.as_slice(), [FatalError { group: GROUP, .. }]),
        "{failures:?}"
    );
}

#[tokio::test]
async fn a_failed_commit_ends_the_group() {
    let node = Node::new();
    let group = node.start().await;
    found(&group).await;
    propose_all(&group, 0..10, 2).await;
    let applied = group.applied_index();
    node.store.inject(Fault {
        operation: Operation::Commit,
        after: 0,
        takes_effect: false,
    });
    let reason = UnknownReason::Stopped;
    assert_eq!(
        group.propose(entry(0)).await,
        Err(ProposeError::OutcomeUnknown { reason })
    );
    assert_failed(&node, &group).await;
    assert_eq!(group.applied_index(), applied);
}

#[tokio::test]
async fn a_failed_sync_ends_the_group() {
    let node = Node::new();
    let (group, log) = node.start_held(node.options()).await;
    log.hold();
    let proposals: Vec<_> = (0..3).map(|number| group.propose(entry(number))).collect();
    until("the append", || log.held() > 0).await;
    log.fail(&LogError::Poisoned {
        reason: "broken".into(),
    });
    let outcomes: Vec<Proposed> = futures::future::join_all(proposals).await;
    let reason = UnknownReason::Stopped;
    assert!(
        outcomes
            .iter()
            .all(|o| *o == Err(ProposeError::OutcomeUnknown { reason }))
    );
    assert_failed(&node, &group).await;
}

#[tokio::test]
async fn a_forgotten_sync_ends_the_group() {
    let node = Node::new();
    let (group, log) = node.start_held(node.options()).await;
    log.hold();
    let lost = group.propose(entry(0));
    until("the append", || log.held() > 0).await;
    log.forget();
    let reason = UnknownReason::Stopped;
    let lost = tokio::time::timeout(PATIENCE, lost).await.unwrap();
    assert_eq!(lost, Err(ProposeError::OutcomeUnknown { reason }));
    assert_failed(&node, &group).await;
}

/// A state whose invariant breaks.
struct Broken;

impl ReplicatedState<MemoryStore> for Broken {
    type Outcome = ();

    fn apply(
        &mut self,
        _index: u64,
        _entry: &Bytes,
        _owed: bool,
        _txn: &mut Overlay<'_, MemoryStore>,
    ) -> Result<(), StoreError> {
        panic!("an invariant is broken (this is the test's own panic)");
    }

    fn committed(&mut self, _index: u64) {}

    fn reload(&mut self, _store: &MemoryStore) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_in_apply_ends_the_group() {
    let node = Node::new();
    let (log, store) = (Arc::new(node.log.clone()), node.store.clone());
    let group: Group<()> = Group::start(
        node.options(),
        log,
        store,
        Broken,
        alone(NODE),
        node.on_fatal(),
    )
    .await
    .unwrap();
    group.initialize([NODE]).await.unwrap();
    until("the leader", || group.leadership().ready_to_serve).await;
    let reason = UnknownReason::Stopped;
    assert_eq!(
        group.propose(entry(0)).await,
        Err(ProposeError::OutcomeUnknown { reason })
    );
    assert_failed(&node, &group).await;
}

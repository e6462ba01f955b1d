#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use openraft::EntryPayload;
use openraft::storage::{IOFlushed, RaftLogStorage, RaftSnapshotBuilder, RaftStateMachine};
use squorum_log::LogError;
use squorum_store::Store;
use squorum_store::memory::MemoryStore;
use squorum_types::{GroupId, NodeId};
use tempfile::TempDir;

use super::StoredState;
use crate::entry_buffer::EntryBuffer;
use crate::group::Parts;
use crate::options::GroupOptions;
use crate::raft_types::{Membership, RaftEntry, log_id};
use crate::testing::{HeldLog, Ledger, small_log};

struct Adapters {
    _directory: TempDir,
    log: Arc<HeldLog>,
    store: MemoryStore,
    parts: Parts,
}

fn adapters() -> Adapters {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(HeldLog::new(small_log(directory.path().join("log"))));
    let options = GroupOptions::new(GroupId(1), NodeId(1), directory.path().join("scratch"));
    let store = MemoryStore::new();
    let ledger = Ledger::open(&store, options.group).unwrap();
    let stored = StoredState::read(&store, options.group).unwrap();
    let entries = Arc::new(Arc::clone(&log));
    let parts = Parts::new(&options, entries, store.clone(), ledger, stored).unwrap();
    Adapters {
        _directory: directory,
        log,
        store,
        parts,
    }
}

fn entry(index: u64) -> RaftEntry {
    let body = bytes::Bytes::copy_from_slice(&index.to_le_bytes());
    let command = EntryBuffer::from(body).into_command();
    RaftEntry {
        log_id: log_id(1, index),
        payload: EntryPayload::Normal(command),
    }
}

impl Adapters {
    async fn append(&mut self, indexes: std::ops::Range<u64>) {
        let entries = indexes.map(entry).collect::<Vec<_>>();
        self.parts
            .storage
            .append(entries, IOFlushed::noop())
            .await
            .unwrap();
    }

    async fn apply(&mut self, index: u64) -> std::io::Result<()> {
        let committed = futures::stream::iter([Ok((entry(index), None))]);
        self.parts.machine.apply(committed).await
    }

    fn applied(&self) -> Option<u64> {
        self.parts.machine.publication.index()
    }
}

#[tokio::test]
async fn apply_waits_for_this_nodes_own_sync() {
    let mut node = adapters();
    node.log.hold();
    node.append(0..2).await;
    let applying = tokio::time::timeout(Duration::from_millis(50), node.apply(0)).await;
    assert!(applying.is_err(), "applied what is not synced");
    assert_eq!(node.applied(), None);
    while node.log.held() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    node.log.release();
    node.apply(0).await.unwrap();
    assert_eq!(node.applied(), Some(0));
}

#[tokio::test]
async fn nothing_is_applied_after_a_failed_sync() {
    let mut node = adapters();
    node.log.hold();
    node.append(0..1).await;
    while node.log.held() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    node.log.fail(&LogError::Closed);
    node.append(1..2).await;
    assert!(node.apply(1).await.is_err());
    assert_eq!(node.applied(), None);
}

/// The mark is taken before the flush: what is applied in between is not in the snapshot's
/// metadata, although it may be in its rows.
#[tokio::test]
async fn snapshot_metadata_never_exceeds_what_was_flushed() {
    let mut node = adapters();
    node.append(0..3).await;
    node.apply(0).await.unwrap();
    let mut builder = node.parts.machine.get_snapshot_builder().await;
    node.apply(1).await.unwrap();
    let snapshot = builder.build_snapshot().await.unwrap();
    assert_eq!(snapshot.meta.last_log_id, Some(log_id(1, 0)));
    assert_eq!(snapshot.snapshot.meta().last_log_id, Some(log_id(1, 1)));
    // That far and no further: the entry after it is not on disk for all that is known.
    node.parts.storage.purge(log_id(1, 0)).await.unwrap();
    let purge = std::panic::AssertUnwindSafe(node.parts.storage.purge(log_id(1, 1)));
    assert!(purge.catch_unwind().await.is_err());
}

#[tokio::test]
async fn an_installed_snapshot_replaces_everything_and_explains_itself() {
    let mut leader = adapters();
    leader.append(0..9).await;
    let membership = Membership::new_with_defaults(vec![[1, 2].into()], []);
    let first = RaftEntry {
        log_id: log_id(1, 0),
        payload: EntryPayload::Membership(membership),
    };
    leader
        .parts
        .machine
        .apply(futures::stream::iter([Ok((first, None))]))
        .await
        .unwrap();
    for index in 1..9 {
        leader.apply(index).await.unwrap();
    }
    let mut builder = leader.parts.machine.get_snapshot_builder().await;
    let snapshot = builder.build_snapshot().await.unwrap();

    let mut follower = adapters();
    follower.append(0..2).await;
    follower.apply(1).await.unwrap();
    let mut wrong = snapshot.meta.clone();
    wrong.last_log_id = Some(log_id(1, 7));
    let data = leader
        .parts
        .machine
        .get_current_snapshot()
        .await
        .unwrap()
        .unwrap()
        .snapshot;
    assert!(
        follower
            .parts
            .machine
            .install_snapshot(&wrong, data)
            .await
            .is_err()
    );

    let machine = &mut follower.parts.machine;
    machine
        .install_snapshot(&snapshot.meta, snapshot.snapshot)
        .await
        .unwrap();
    assert_eq!(
        machine.applied_state().await.unwrap(),
        leader.parts.machine.applied_state().await.unwrap()
    );
    let summary = |node: &Adapters| Ledger::open(&node.store, GroupId(1)).unwrap().summary();
    assert_eq!(summary(&follower), summary(&leader));
    // On disk at once, with the row that explains a state beyond the log.
    let stored = StoredState::read(&follower.store.crash(0), GroupId(1)).unwrap();
    assert_eq!(stored.applied, stored.installed);
    assert_eq!(stored.applied.log_id, Some(log_id(1, 8)));
    assert_eq!(
        StoredState::read(&leader.store, GroupId(1))
            .unwrap()
            .installed
            .log_id,
        None
    );
    leader.store.flush().unwrap();
}

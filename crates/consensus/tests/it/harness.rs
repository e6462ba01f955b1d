use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use squorum_consensus::testing::{HeldLog, Ledger, Outcome, small_log};
use squorum_consensus::{
    ApplyOn, EntryLog, FatalError, FatalHook, Group, GroupOptions, ProposeError, RaftTransport,
    StartError,
};
use squorum_log::Log;
use squorum_peer::{Peers, TcpDialer};
use squorum_store::Store;
use squorum_store::memory::MemoryStore;
use squorum_types::{GroupId, NodeId};
use tempfile::TempDir;

pub(crate) const GROUP: GroupId = GroupId(3);
pub(crate) const NODE: NodeId = NodeId(42);

/// Far beyond what anything here takes; only a test that fails waits for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A node's disk and memory: what survives its groups.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) directory: TempDir,
    pub(crate) log: Log,
    pub(crate) store: MemoryStore,
    pub(crate) failures: Arc<Mutex<Vec<FatalError>>>,
    pub(crate) apply_on: ApplyOn,
}

impl Node {
    pub(crate) fn new() -> Node {
        Node::with_id(NODE)
    }

    pub(crate) fn with_id(id: NodeId) -> Node {
        let directory = tempfile::tempdir().unwrap();
        let log = small_log(directory.path().join("log"));
        let failures = Arc::default();
        Node {
            id,
            directory,
            log,
            store: MemoryStore::new(),
            failures,
            apply_on: ApplyOn::OwnThread,
        }
    }

    /// What a new process finds after this one was killed: the log, and of the store what was
    /// flushed and some of the rest.
    pub(crate) fn crash(self, seed: u64) -> Node {
        let store = self.store.crash(seed);
        self.log.close().unwrap();
        let log = small_log(self.directory.path().join("log"));
        Node {
            id: self.id,
            directory: self.directory,
            log,
            store,
            failures: Arc::default(),
            apply_on: self.apply_on,
        }
    }

    pub(crate) fn options(&self) -> GroupOptions {
        let scratch = self.directory.path().join("scratch");
        GroupOptions {
            apply_on: self.apply_on,
            ..GroupOptions::new(GROUP, self.id, scratch)
        }
    }

    pub(crate) fn on_fatal(&self) -> FatalHook {
        let failures = Arc::clone(&self.failures);
        FatalHook::new(move |error| failures.lock().push(error))
    }

    pub(crate) async fn start(&self) -> Group<Outcome> {
        self.try_start(self.options(), Arc::new(self.log.clone()))
            .await
            .unwrap()
    }

    pub(crate) async fn try_start(
        &self,
        options: GroupOptions,
        log: Arc<dyn EntryLog>,
    ) -> Result<Group<Outcome>, StartError> {
        self.start_over(options, log, alone(self.id)).await
    }

    pub(crate) async fn start_over(
        &self,
        options: GroupOptions,
        log: Arc<dyn EntryLog>,
        transport: Arc<RaftTransport>,
    ) -> Result<Group<Outcome>, StartError> {
        let ledger = Ledger::open(&self.store, GROUP).unwrap();
        let store = self.store.clone();
        Group::start(options, log, store, ledger, transport, self.on_fatal()).await
    }

    /// A founded group over a log whose appends a test can hold.
    pub(crate) async fn start_held(&self, options: GroupOptions) -> (Group<Outcome>, Arc<HeldLog>) {
        let held = Arc::new(HeldLog::new(self.log.clone()));
        let group = self
            .try_start(options, Arc::new(Arc::clone(&held)))
            .await
            .unwrap();
        found(&group).await;
        (group, held)
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::open(&self.store, GROUP).unwrap()
    }

    pub(crate) fn purged_index(&self) -> Option<u64> {
        self.log.state(GROUP).purged.map(|purged| purged.index)
    }
}

/// The transport of a node that has no peers.
pub(crate) fn alone(id: NodeId) -> Arc<RaftTransport> {
    RaftTransport::new(Peers::new(id, 1, Arc::new(TcpDialer)), 64 << 20)
}

/// Flushes and hands over a checkpoint, as the node's checkpointer does.
pub(crate) async fn checkpoint(node: &Node, group: &Group<Outcome>) {
    let mark = group.begin_checkpoint();
    node.store.flush().unwrap();
    group.finish_checkpoint(mark).await.unwrap();
}

pub(crate) async fn found(group: &Group<Outcome>) {
    group.initialize([NODE]).await.unwrap();
    ready(group).await;
}

pub(crate) async fn ready(group: &Group<Outcome>) {
    let mut leadership = group.watch_leadership();
    let ready = leadership.wait_for(|leadership| leadership.ready_to_serve);
    tokio::time::timeout(PATIENCE, ready)
        .await
        .unwrap()
        .unwrap();
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("waited for {what}"));
}

pub(crate) fn entry(number: u64) -> Bytes {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(8 + (number % 97) as usize, number as u8);
    body.into()
}

/// Proposes entries `numbers` from many callers; answers each with its outcome.
pub(crate) async fn propose_all(
    group: &Group<Outcome>,
    numbers: std::ops::Range<u64>,
    callers: u64,
) -> Vec<(Outcome, Bytes)> {
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let group = group.clone();
        let numbers = numbers
            .clone()
            .skip(caller as usize)
            .step_by(callers as usize);
        tasks.spawn(async move {
            let mut outcomes = Vec::new();
            for number in numbers {
                let outcome = group.propose(entry(number)).await.unwrap();
                outcomes.push((outcome, entry(number)));
            }
            outcomes
        });
    }
    let mut outcomes: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    outcomes.sort_by_key(|(outcome, _)| outcome.index);
    outcomes
}

/// Checks that the outcomes are those of a ledger that got exactly these entries, in the order of
/// their indexes, after what gave `before`. Answers the summary after them.
pub(crate) fn check(before: (u64, u64), outcomes: &[(Outcome, Bytes)]) -> (u64, u64) {
    outcomes
        .iter()
        .fold(before, |(entries, digest), (outcome, entry)| {
            let digest = Ledger::chain(digest, entry);
            assert_eq!((outcome.entries, outcome.digest), (entries + 1, digest));
            (entries + 1, digest)
        })
}

pub(crate) type Proposed = Result<Outcome, ProposeError>;

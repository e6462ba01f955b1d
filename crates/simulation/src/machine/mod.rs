//! A simulated machine: what survives the process on it.
//!
//! Invariants:
//! 1. What a process wrote and synced is there for the next one. Of the rest, a killed process
//!    leaves all of its log's bytes and any prefix of its state's batches; a power cut takes any of
//!    the log's unsynced sectors as well.
//! 2. A disk that is lost takes all of it along, the id of the node too: the next process is another node.
//! 3. The handles of a process that has ended fail from then on, whoever still holds them.

mod log_writer;
mod power_cut;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_log::sim::SimDisk;
use squorum_log::{Log, OpenError, Options, Stepper};
use squorum_store::Random;
use squorum_store::memory::MemoryStore;
use squorum_types::NodeId;

pub use self::log_writer::write_log;
pub use self::power_cut::Moment;
use crate::oracle::{Rule, Violation};
use crate::seams::{SimClock, SimEntropy};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The page cache survives it.
    Kill,
    /// Only what was synced survives.
    PowerCut,
}

/// Bytes of a segment of the simulated log: small, so that runs rotate and recycle segments.
const SEGMENT_BYTES: u64 = 256 << 10;

/// A machine. Clones are the same machine.
#[derive(Clone)]
pub struct Machine {
    pub name: &'static str,
    number: usize,
    pub clock: SimClock,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    random: Random,
    node: NodeId,
    /// The node that was here before its disk was lost.
    replaces: Option<NodeId>,
    disk: SimDisk,
    store: MemoryStore,
    /// The power goes when a fault strikes the store.
    is_store_doomed: bool,
    /// Failures that a process told of before it ended.
    failures: Vec<Violation>,
}

/// What a process on a machine has from its start to its end.
pub struct Process {
    pub log: Log,
    pub stepper: Stepper,
    pub store: MemoryStore,
    pub entropy: Arc<SimEntropy>,
    pub random: Random,
}

impl Machine {
    /// The machine at place `number` of its world. The seed decides its node's id, too.
    pub fn new(name: &'static str, number: usize, seed: u64) -> Machine {
        let mut random = Random::new(seed);
        let node = NodeId(random.next_u64());
        let inner = Inner {
            disk: SimDisk::new(random.next_u64()),
            store: MemoryStore::new(),
            is_store_doomed: false,
            failures: Vec::new(),
            node,
            replaces: None,
            random,
        };
        Machine {
            name,
            number,
            clock: SimClock::default(),
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Its place in the world.
    pub fn number(&self) -> usize {
        self.number
    }

    /// What a node mints into its data directory once.
    pub fn node_id(&self) -> NodeId {
        self.inner.lock().node
    }

    pub fn replaces(&self) -> Option<NodeId> {
        self.inner.lock().replaces
    }

    /// The process has ended, and nothing of what was on disk is left.
    pub fn lose_disk(&self) {
        let mut inner = self.inner.lock();
        let seed = inner.random.next_u64();
        inner.disk = SimDisk::new(seed);
        inner.store = MemoryStore::new();
        inner.replaces = Some(inner.node);
        let node = NodeId(inner.random.next_u64());
        inner.node = node;
    }

    /// Starts a process on what the one before left.
    pub fn boot(&self) -> Result<Process, OpenError> {
        let mut inner = self.inner.lock();
        let seed = inner.random.next_u64();
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            spare_segments: 1,
            ..Options::default()
        };
        let (log, stepper) = Log::open_stepped(inner.disk.boot(), "/log", options)?;
        Ok(Process {
            log,
            stepper,
            store: inner.store.clone(),
            entropy: Arc::new(SimEntropy::new(seed)),
            random: Random::new(inner.random.next_u64()),
        })
    }

    /// Ends the process: its handles fail, and what it had not made durable is lost.
    pub fn end(&self, death: Death) {
        let mut inner = self.inner.lock();
        match death {
            Death::Kill => inner.disk.kill(),
            Death::PowerCut => inner.disk.power_cut(),
        }
        let seed = inner.random.next_u64();
        inner.store = inner.store.crash(seed);
        inner.is_store_doomed = false;
    }

    /// The state of the process that runs, or that the next one will find.
    pub fn store(&self) -> MemoryStore {
        self.inner.lock().store.clone()
    }

    /// Where a process may put files under construction; nobody does in a simulation.
    pub fn scratch(&self) -> PathBuf {
        PathBuf::from("/scratch")
    }

    /// The process here cannot go on, for this reason.
    pub fn fail(&self, reason: String) {
        self.report(Rule::Process, "failed", &reason);
    }

    /// The process here cannot even start.
    pub fn fail_to_start(&self, reason: String) {
        self.report(Rule::Start, "cannot start", &reason);
    }

    fn report(&self, rule: Rule, what: &str, reason: &str) {
        let violation = Violation::new(rule, format!("{} {what}: {reason}", self.name));
        self.inner.lock().failures.push(violation);
    }

    /// What processes failed of since the last call.
    pub fn take_failures(&self) -> Vec<Violation> {
        std::mem::take(&mut self.inner.lock().failures)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({})", self.name)
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use squorum_log::{Entry, LogId};
    use squorum_store::{Store, View, WriteBatch};
    use squorum_types::GroupId;

    use super::*;

    const GROUP: GroupId = GroupId(1);

    fn append(process: &Process, index: u64) {
        let entry = Entry {
            id: LogId { term: 1, index },
            payload: vec![7; 64].into(),
        };
        process
            .log
            .append(GROUP, vec![entry], Box::new(|_| ()))
            .unwrap();
    }

    fn last_index(log: &Log) -> Option<u64> {
        log.state(GROUP).last.map(|last| last.index)
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced_and_ends_the_process() {
        let machine = Machine::new("node", 0, 1);
        let mut process = machine.boot().unwrap();
        append(&process, 1);
        assert!(process.stepper.step());
        append(&process, 2);
        machine.end(Death::PowerCut);
        process.stepper.step();
        assert!(process.log.health().failure.is_some());
        let next = machine.boot().unwrap();
        assert_eq!(last_index(&next.log), Some(1));
    }

    #[test]
    fn a_killed_process_leaves_its_flushed_state_alone_for_sure() {
        let machine = Machine::new("node", 0, 1);
        let process = machine.boot().unwrap();
        let mut batch = WriteBatch::default();
        batch.put(b"key".as_slice(), b"value".as_slice());
        process.store.commit(batch).unwrap();
        process.store.flush().unwrap();
        machine.end(Death::Kill);
        assert!(process.store.get(b"key").is_err());
        let next = machine.boot().unwrap();
        assert_eq!(
            next.store.get(b"key").unwrap().unwrap(),
            b"value".as_slice()
        );
    }
}

//! What consensus alone can do on this machine: groups of one voter over one real log, a state that
//! only counts, the in-memory store.
//!
//! `cargo run --release -p squorum-consensus --features testing --example throughput -- \
//!     [groups] [callers] [entry bytes] [seconds] [log directory]`
//!
//! A caller proposes, waits for the outcome, and proposes again. CPU is the whole process's,
//! callers included.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes};
use squorum_consensus::{EntryBuffer, FatalHook, Group, GroupOptions, NoPeers, ReplicatedState};
use squorum_log::{Log, Options, RealFileSystem};
use squorum_store::memory::MemoryStore;
use squorum_store::{Overlay, Store, StoreError};
use squorum_types::{GroupId, NodeId};
use tokio::task::JoinSet;

struct Counter(u64);

impl<S: Store> ReplicatedState<S> for Counter {
    type Outcome = u64;

    fn apply(
        &mut self,
        _index: u64,
        _entry: &Bytes,
        _owed: bool,
        _txn: &mut Overlay<'_, S>,
    ) -> Result<u64, StoreError> {
        self.0 += 1;
        Ok(self.0)
    }

    fn committed(&mut self, _index: u64) {}

    fn reload(&mut self, _store: &S) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Load {
    groups: u32,
    callers: u64,
    entry_bytes: usize,
    duration: Duration,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| {
        arguments
            .next()
            .map_or(default, |text| text.parse().unwrap())
    };
    let load = Load {
        groups: number(1) as u32,
        callers: number(64),
        entry_bytes: number(1024) as usize,
        duration: Duration::from_secs(number(10)),
    };
    let temporary = tempfile::tempdir().unwrap();
    let directory = arguments
        .next()
        .map_or(temporary.path().join("log"), PathBuf::from);
    let log = Log::open(Arc::new(RealFileSystem), directory, Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(&load, log));
}

async fn run(load: &Load, log: Log) {
    let store = MemoryStore::new();
    let mut groups = Vec::new();
    for id in 1..=load.groups {
        let options = GroupOptions::new(GroupId(id), NodeId(1), PathBuf::from("/nonexistent"));
        let on_fatal = FatalHook::new(|error| panic!("{error}"));
        let (log, state) = (Arc::new(log.clone()), Counter(0));
        let group: Group<u64> = Group::start(
            options,
            log,
            store.clone(),
            state,
            Arc::new(NoPeers),
            on_fatal,
        )
        .await
        .unwrap();
        group.initialize([NodeId(1)]).await.unwrap();
        group
            .watch_leadership()
            .wait_for(|leadership| leadership.ready_to_serve)
            .await
            .unwrap();
        groups.push(group);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (cpu, started) = (cpu_seconds(), Instant::now());
    let mut callers = JoinSet::new();
    for caller in 0..load.callers {
        let group = groups[(caller % u64::from(load.groups)) as usize].clone();
        callers.spawn(call(group, load.entry_bytes, Arc::clone(&stop)));
    }
    // The log has to be purged as by a checkpointer, or it grows for ever.
    while started.elapsed() < load.duration {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let marks: Vec<_> = groups.iter().map(Group::begin_checkpoint).collect();
        store.flush().unwrap();
        for (group, mark) in groups.iter().zip(marks) {
            group.finish_checkpoint(mark).await.unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut latencies: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    latencies.sort_unstable();
    let entries = latencies.len() as f64;
    let at = |quantile: f64| latencies[(entries * quantile) as usize].as_secs_f64() * 1e3;
    println!(
        "{} groups, {} callers, {} bytes: {:.0} entries/s, {:.1} us CPU per entry, \
         p50 {:.2} p99 {:.2} p99.9 {:.2} ms, {:.2} cores",
        load.groups,
        load.callers,
        load.entry_bytes,
        entries / seconds,
        cpu / entries * 1e6,
        at(0.5),
        at(0.99),
        at(0.999),
        cpu / seconds,
    );
    for group in groups {
        group.shutdown().await;
    }
}

async fn call(group: Group<u64>, entry_bytes: usize, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut entry = EntryBuffer::with_capacity(entry_bytes);
        entry.put_bytes(7, entry_bytes);
        let started = Instant::now();
        group.propose(entry).await.unwrap();
        latencies.push(started.elapsed());
    }
    latencies
}

/// User and system time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The second field, the program's name, may contain spaces.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

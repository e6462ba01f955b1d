//! What consensus alone can do on this machine: groups over real logs, a state that only counts, the
//! in-memory store. With `--nodes 3` the groups have three members in this process, which reach each
//! other over loopback.
//!
//! `cargo run --release -p squorum-consensus --features testing --example throughput -- \
//!     [--nodes N] [groups] [callers] [entry bytes] [seconds] [log directory]`
//!
//! A caller proposes, waits for the outcome, and proposes again. CPU is the whole process's,
//! callers included.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes};
use squorum_consensus::{
    EntryBuffer, FatalHook, Group, GroupOptions, RaftTransport, ReplicatedState,
};
use squorum_log::{Log, Options, RealFileSystem};
use squorum_peer::{Peers, Services, TcpDialer, accept, serve};
use squorum_store::memory::MemoryStore;
use squorum_store::{Overlay, Store, StoreError};
use squorum_types::{GroupId, NodeId};
use tokio::net::TcpListener;
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
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut nodes = 1;
    if arguments.first().is_some_and(|first| first == "--nodes") {
        nodes = arguments[1].parse().unwrap();
        arguments.drain(..2);
    }
    let mut arguments = arguments.into_iter();
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(&load, nodes, directory));
}

/// A node: its store, and its members of all groups.
struct Node {
    store: MemoryStore,
    groups: Vec<Group<u64>>,
}

async fn start(load: &Load, nodes: u64, directory: &std::path::Path) -> Vec<Node> {
    let mut listeners = Vec::new();
    for _ in 0..nodes {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let addresses: Vec<_> = listeners.iter().map(|l| l.local_addr().unwrap()).collect();
    let mut all = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let peers = Peers::new(NodeId(id), 1, Arc::new(TcpDialer));
        peers.set_cluster([1; 16]);
        for (other, address) in (1..).zip(&addresses) {
            peers.set_address(NodeId(other), address.to_string());
        }
        let transport = RaftTransport::new(peers.clone(), 64 << 20);
        let services = Services::new().for_members(transport.service());
        tokio::spawn(serve(
            peers,
            accept(listener),
            services,
            std::future::pending(),
        ));
        let directory = directory.join(id.to_string());
        let log = Log::open(Arc::new(RealFileSystem), directory, Options::default()).unwrap();
        let store = MemoryStore::new();
        let mut groups = Vec::new();
        for group in 1..=load.groups {
            let scratch = PathBuf::from("/nonexistent");
            let mut options = GroupOptions::new(GroupId(group), NodeId(id), scratch);
            options.log_bytes_kept = 64 << 20;
            let on_fatal = FatalHook::new(|error| panic!("{error}"));
            let (log, store) = (Arc::new(log.clone()), store.clone());
            let transport = Arc::clone(&transport);
            let group = Group::start(options, log, store, Counter(0), transport, on_fatal);
            groups.push(group.await.unwrap());
        }
        all.push(Node { store, groups });
    }
    all
}

/// Founds a group and answers its leader's handle.
async fn found(members: Vec<Group<u64>>) -> Group<u64> {
    let ids: Vec<_> = members.iter().map(Group::node).collect();
    members[0].initialize(ids).await.unwrap();
    loop {
        if let Some(leader) = members.iter().find(|m| m.leadership().ready_to_serve) {
            return leader.clone();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn run(load: &Load, nodes: u64, directory: PathBuf) {
    let nodes = start(load, nodes, &directory).await;
    let mut groups = Vec::new();
    for position in 0..load.groups as usize {
        let members = nodes.iter().map(|node| node.groups[position].clone());
        groups.push(found(members.collect()).await);
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
        for node in &nodes {
            let marks: Vec<_> = node.groups.iter().map(Group::begin_checkpoint).collect();
            node.store.flush().unwrap();
            for (group, mark) in node.groups.iter().zip(marks) {
                group.finish_checkpoint(mark).await.unwrap();
            }
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
    for group in nodes.into_iter().flat_map(|node| node.groups) {
        group.shutdown().await;
    }
}

async fn call(group: Group<u64>, entry_bytes: usize, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut entry = EntryBuffer::with_capacity(entry_bytes);
        entry.put_bytes(7, entry_bytes);
        let started = Instant::now();
        // A machine with more load than it can carry elects: then the group's callers have nothing
        // to count for the rest of the run.
        if group.propose(entry).await.is_err() {
            break;
        }
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

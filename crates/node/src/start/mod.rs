//! How a node starts: it comes to its cluster, starts its groups, and serves other nodes meanwhile.

mod cluster;
mod groups;
mod keepers;
mod services;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use squorum_consensus::{FatalHook, RaftTransport};
use squorum_log::Log;
use squorum_meta::Cluster;
use squorum_peer::Peers;
use squorum_store::Store;
use squorum_types::{Clock, Entropy};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::cluster::Joined;
use self::groups::{Groups, found_meta, is_founder, note_started, start_groups};
use self::keepers::Keepers;
use crate::cluster::{Introducer, Reporter, Seeds};
use crate::error::NodeError;
use crate::gateway::LeaderClient;
use crate::node::{Inner, Node, NodeParts};
use crate::options::NodeOptions;
use crate::shard::GroupParts;
use crate::shutdown::stopped;
use crate::stamper::Stamper;
use crate::started::Started;

/// Looks at messages at once. Each may read some MiB from the disk, and they are not urgent.
const PEEKS_MAX: usize = 2;

impl<S: Store> Node<S> {
    /// Starts a node in the current tokio runtime. A node that was in no cluster waits, for as long
    /// as it takes, until it has founded one together with its seeds; `progress` says in words what
    /// it waits for, and nothing once it is in its cluster. Dropping the future half-way is as good
    /// as a crash.
    pub async fn start(
        options: NodeOptions,
        parts: NodeParts<S>,
        progress: watch::Sender<Option<String>>,
    ) -> Result<Node<S>, NodeError> {
        let mut starting = Starting::serve(options, parts)?;
        let joined = starting.join(progress).await?;
        let parts = starting.group_parts(&joined);
        let groups = starting.start_groups(&parts, &joined).await?;
        let roster = joined.roster.watch();
        let cluster = tokio::select! {
            biased;
            cluster = found_meta(&groups.meta, &joined.record, &roster, &*starting.entropy) => cluster?,
            () = joined.view.expelled() => return Err(NodeError::Expelled),
        };
        Ok(starting.finish(joined, parts, groups, cluster))
    }
}

/// A node that answers others and is not whole yet.
struct Starting<S> {
    options: NodeOptions,
    store: S,
    log: Log,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    on_fatal: Arc<dyn Fn(String) + Send + Sync>,
    seeds: Seeds,
    introducer: Introducer,
    reporter: Reporter,
    peers: Peers,
    transport: Arc<RaftTransport>,
    started: Started<S>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    shutdown: watch::Receiver<bool>,
}

impl<S: Store> Starting<S> {
    fn group_parts(&self, joined: &Joined) -> GroupParts<S> {
        let options = &self.options;
        let on_fatal = Arc::clone(&self.on_fatal);
        GroupParts {
            node: options.node,
            store: self.store.clone(),
            log: Arc::new(self.log.clone()),
            scratch: options.scratch.clone(),
            timings: options.timings,
            apply_on: options.apply_on,
            log_bytes_kept: options.checkpoint.log_bytes_kept_by_group(&joined.record),
            stamper: Stamper::new(Arc::clone(&self.clock)),
            entropy: Arc::clone(&self.entropy),
            on_fatal: FatalHook::new(move |error| on_fatal(error.to_string())),
            transport: Arc::clone(&self.transport),
            leaders: LeaderClient::new(self.peers.clone()),
            view: joined.view.clone(),
            roster: joined.roster.clone(),
            figures: Arc::default(),
        }
    }

    async fn start_groups(
        &mut self,
        parts: &GroupParts<S>,
        joined: &Joined,
    ) -> Result<Groups<S>, NodeError> {
        let (record, tasks) = (&joined.record, &mut self.tasks);
        let groups = start_groups(parts, &self.options, record, &self.shutdown, tasks).await?;
        let (log, introducer) = (self.log.clone(), self.introducer.clone());
        let noted = note_started(log, introducer, self.store.clone());
        if is_founder(record, parts.node) {
            noted.await;
        } else {
            tasks.spawn(until_stopped(noted, self.shutdown.clone()));
        }
        Ok(groups)
    }

    /// The whole node, with what looks after its groups.
    fn finish(
        mut self,
        joined: Joined,
        parts: GroupParts<S>,
        groups: Groups<S>,
        cluster: Cluster,
    ) -> Node<S> {
        let keepers = Keepers {
            parts: &parts,
            log: &self.log,
            groups: &groups,
            introducer: &self.introducer,
            reporter: &self.reporter,
            on_fatal: self.on_fatal,
        };
        let options = self.options;
        let (controller, draining) = keepers.spawn(
            options.checkpoint,
            &joined.record,
            &self.shutdown,
            &mut self.tasks,
        );
        let inner = Arc::new(Inner {
            cluster,
            record: joined.record,
            roster: joined.roster.watch(),
            introducer: self.introducer,
            peers: self.peers,
            view: parts.view,
            reporter: self.reporter,
            meta: groups.meta,
            shards: groups.shards,
            leaders: parts.leaders,
            transport: parts.transport,
            controller,
            stamper: parts.stamper,
            entropy: self.entropy,
            log: self.log,
            store: parts.store,
            figures: parts.figures,
            send_room: Arc::new(Semaphore::new(options.send_bytes_max / 1024)),
            receive_room: Arc::new(Semaphore::new(options.receives_max)),
            in_flight_max: options.limits.in_flight_max,
            immediate_recreate_and_purge: options.immediate_recreate_and_purge,
            peek_room: Semaphore::new(PEEKS_MAX),
            turn: AtomicU64::new(0),
            draining,
            stop: self.stop,
            tasks: tokio::sync::Mutex::new(self.tasks),
        });
        self.started.set(&inner);
        Node { inner }
    }
}

async fn until_stopped(work: impl Future<Output = ()>, mut shutdown: watch::Receiver<bool>) {
    tokio::select! {
        () = work => {}
        () = stopped(&mut shutdown) => {}
    }
}

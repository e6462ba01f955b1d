//! How a node starts: it comes to its cluster, starts its groups, and serves other nodes meanwhile.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use squorum_consensus::{FatalHook, Group, InitializeError, RaftTransport};
use squorum_log::Log;
use squorum_meta::command::{Found, FoundOutcome};
use squorum_meta::{Cluster, ClusterSettings, Command, FEATURE_LEVEL, FeatureLevel, Outcome};
use squorum_peer::{MESSAGE_BYTES_MAX, Peers, Services};
use squorum_proto::gateway::gateway_server::GatewayServer as GatewayService;
use squorum_store::Store;
use squorum_types::{Entropy, ReceiptHandleKey, ShardId};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::checkpointer::Checkpointer;
use crate::cluster::{
    Balancer, ClusterRecord, ClusterView, Founding, Gossip, Introducer, Introduction, Reporter,
    Seeds, Stage, remembered_record,
};
use crate::controller::Controller;
use crate::error::NodeError;
use crate::gateway::{GatewayServer, LeaderClient};
use crate::leaderships::NodeLeaderships;
use crate::meta::MetaHandle;
use crate::mover::Mover;
use crate::node::{Inner, Node, NodeParts};
use crate::options::{CheckpointOptions, NodeOptions};
use crate::pump::Pump;
use crate::shard::{GroupParts, ShardHandle};
use crate::shutdown::stopped;
use crate::stamper::Stamper;
use crate::started::{Reports, Started};
use crate::watchdog::Watchdog;

/// Between two tries to found what a quorum has to agree to.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// For the log to sync what groups write when they are founded.
const SYNCED_TIMEOUT: Duration = Duration::from_secs(10);
const SYNCED_PAUSE: Duration = Duration::from_millis(1);

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
        let node = options.node;
        let record = remembered_record(&parts.store, node, &parts.log.groups())?;
        let seeds = Seeds::new(&options.seeds);
        let address = Some(options.advertise.clone()).filter(|_| !options.seeds.is_empty());
        let introducer = Introducer::new(Introduction {
            node,
            address: address.clone(),
            seeds: seeds.clone(),
            shard_count: options.shard_count,
            feature_level: FEATURE_LEVEL,
            record,
        });

        let (stop, shutdown) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let peers = Peers::new(node, FEATURE_LEVEL, Arc::clone(&parts.dialer));
        let transport = RaftTransport::new(peers.clone(), options.snapshot_bytes_per_second);
        let started = Started::default();
        let reporter = Reporter {
            node,
            address,
            clock: Arc::clone(&parts.clock),
            source: Arc::new(Reports {
                started: started.clone(),
                disk: Arc::clone(&parts.disk),
            }),
        };
        let services = Services::new()
            .for_anyone(introducer.service())
            .for_members(transport.service())
            .for_members(Gossip::service(peers.clone(), reporter.clone()))
            .for_members(gateway_service(started.clone()));
        let ended = {
            let mut shutdown = shutdown.clone();
            async move { stopped(&mut shutdown).await }
        };
        tasks.spawn(squorum_peer::serve(
            peers.clone(),
            parts.incoming,
            services,
            ended,
        ));

        let founding = Founding {
            peers: peers.clone(),
            store: parts.store.clone(),
            entropy: Arc::clone(&parts.entropy),
            introducer: introducer.clone(),
            progress,
        };
        let record = founding.run().await?;
        let view = ClusterView::new(node, record.nodes());
        let gossip = Gossip {
            cluster: record.cluster_id,
            peers: peers.clone(),
            view: view.clone(),
            reporter: reporter.clone(),
            seeds,
        };
        tasks.spawn(gossip.run(shutdown.clone()));

        let on_fatal = Arc::clone(&parts.on_fatal);
        let group_parts = GroupParts {
            node,
            store: parts.store,
            log: Arc::new(parts.log.clone()),
            scratch: options.scratch.clone(),
            timings: options.timings,
            apply_on: options.apply_on,
            log_bytes_kept: options.checkpoint.log_bytes_kept,
            stamper: Stamper::new(parts.clock),
            entropy: Arc::clone(&parts.entropy),
            on_fatal: FatalHook::new(move |error| on_fatal(error.to_string())),
            transport,
            leaders: LeaderClient::new(peers.clone()),
            view,
            figures: Arc::default(),
        };
        let (meta, shards) =
            start_groups(&group_parts, &options, &record, &shutdown, &mut tasks).await?;
        // What the groups have written has to be on disk before the record says so.
        if record.stage < Stage::Started && is_synced(&parts.log).await {
            introducer.record(&group_parts.store, record.at(Stage::Started))?;
        }
        let groups = Groups { meta, shards };
        let cluster = found_meta(&groups.meta, &record, &*parts.entropy).await?;
        let keepers = Keepers {
            parts: &group_parts,
            log: &parts.log,
            groups: &groups,
            on_fatal: parts.on_fatal,
        };
        let (controller, draining) =
            keepers.spawn(options.checkpoint, &record, &shutdown, &mut tasks);
        let inner = Arc::new(Inner {
            cluster,
            node_count: u16::try_from(record.members.len()).unwrap_or(u16::MAX),
            record,
            peers,
            view: group_parts.view,
            reporter,
            meta: groups.meta,
            shards: groups.shards,
            leaders: group_parts.leaders,
            transport: group_parts.transport,
            controller,
            stamper: group_parts.stamper,
            entropy: parts.entropy,
            log: parts.log,
            figures: group_parts.figures,
            send_room: Arc::new(Semaphore::new(options.send_bytes_max / 1024)),
            receive_room: Arc::new(Semaphore::new(options.receives_max)),
            turn: AtomicU64::new(0),
            draining,
            stop,
            tasks: tokio::sync::Mutex::new(tasks),
        });
        started.set(&inner);
        Ok(Node { inner })
    }
}

struct Groups<S> {
    meta: MetaHandle<S>,
    shards: Arc<[ShardHandle]>,
}

/// What looks after the groups once they run.
struct Keepers<'a, S> {
    parts: &'a GroupParts<S>,
    log: &'a Log,
    groups: &'a Groups<S>,
    on_fatal: Arc<dyn Fn(String) + Send + Sync>,
}

impl<S: Store> Keepers<'_, S> {
    /// Answers the controller, and what tells all that the node is about to end.
    fn spawn(
        self,
        checkpoint: CheckpointOptions,
        record: &ClusterRecord,
        shutdown: &watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) -> (Controller<S>, watch::Sender<bool>) {
        let (meta, shards) = (&self.groups.meta, &self.groups.shards);
        let draining = watch::Sender::new(false);
        let balancer = Balancer {
            members: record.nodes().collect(),
            view: self.parts.view.clone(),
            leaderships: NodeLeaderships {
                meta: meta.group.clone(),
                shards: Arc::clone(shards),
                draining: draining.subscribe(),
            },
        };
        tasks.spawn(balancer.run(shutdown.clone()));
        let controller = Controller::new(meta.clone(), Arc::clone(shards));
        tasks.spawn(controller.clone().run(shutdown.clone()));
        let mover = Mover::new(meta.clone(), Arc::clone(shards));
        tasks.spawn(mover.run(shutdown.clone()));
        for shard in (0..record.shard_count).map(ShardId) {
            let pump = Pump {
                shard,
                store: self.parts.store.clone(),
                shards: Arc::clone(shards),
                meta: meta.clone(),
            };
            tasks.spawn(pump.run(shutdown.clone()));
        }
        let checkpointer = Checkpointer {
            options: checkpoint,
            apply_on: self.parts.apply_on,
            store: self.parts.store.clone(),
            log: self.log.clone(),
            meta: meta.clone(),
            shards: shards.to_vec(),
            figures: Arc::clone(&self.parts.figures),
        };
        tasks.spawn(checkpointer.run(shutdown.clone()));
        let watchdog = Watchdog {
            log: self.log.clone(),
            meta: meta.clone(),
            shards: Arc::clone(shards),
            view: self.parts.view.clone(),
            on_fatal: self.on_fatal,
        };
        tasks.spawn(watchdog.run(shutdown.clone()));
        (controller, draining)
    }
}

/// Starts meta and the shards, and founds those that are new. Every member founds each group with
/// the same members, so it does not matter who comes first.
async fn start_groups<S: Store>(
    parts: &GroupParts<S>,
    options: &NodeOptions,
    record: &ClusterRecord,
    shutdown: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) -> Result<(MetaHandle<S>, Arc<[ShardHandle]>), NodeError> {
    let meta = MetaHandle::start(parts).await?;
    found_group(&meta.group, record).await?;
    let mut shards = Vec::new();
    for id in (0..record.shard_count).map(ShardId) {
        let limits = options.limits.clone();
        let shard = ShardHandle::start(parts, id, limits, shutdown, tasks).await?;
        found_group(&shard.group, record).await?;
        shards.push(shard);
    }
    Ok((meta, shards.into()))
}

/// Waits until everything that was appended before the call is synced. False if that takes too long:
/// the log may have failed.
async fn is_synced(log: &Log) -> bool {
    let deadline = Instant::now() + SYNCED_TIMEOUT;
    let flushes = log.health().flushes;
    while Instant::now() < deadline {
        let health = log.health();
        let is_idle = health.queued_bytes == 0 && health.sync_in_progress.is_none();
        // The sync that was under way, and the one after it, which took all that waited.
        if is_idle || health.flushes >= flushes + 2 {
            return true;
        }
        tokio::time::sleep(SYNCED_PAUSE).await;
    }
    false
}

async fn found_group<O: Send + 'static>(
    group: &Group<O>,
    record: &ClusterRecord,
) -> Result<(), NodeError> {
    if group.is_initialized().await {
        return Ok(());
    }
    match group.initialize(record.nodes()).await {
        // A leader was faster.
        Ok(()) | Err(InitializeError::AlreadyInitialized) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The cluster as meta knows it. Every member proposes to found it; the first proposal does.
async fn found_meta<S: Store>(
    meta: &MetaHandle<S>,
    record: &ClusterRecord,
    entropy: &dyn Entropy,
) -> Result<Cluster, NodeError> {
    let mut key = [0; 32];
    entropy.fill(&mut key);
    let found = Command::Found(Found {
        cluster_id: record.cluster_id,
        shard_count: record.shard_count,
        receipt_handle_key: ReceiptHandleKey(key),
        node: record.founder,
        settings: ClusterSettings::default(),
        feature_level: FeatureLevel::CURRENT,
    });
    loop {
        if let Some(cluster) = meta.cluster()? {
            return Ok(cluster);
        }
        match meta.propose(&found).await {
            Ok(Outcome::Found(FoundOutcome::Founded(_))) => {}
            Ok(other) => {
                return Err(NodeError::MetaNotFounded {
                    reason: format!("{other:?}"),
                });
            }
            Err(error) => {
                tracing::debug!(%error, "meta is not founded yet");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

fn gateway_service<S: Store>(started: Started<S>) -> GatewayService<GatewayServer<S>> {
    GatewayService::new(GatewayServer { started })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

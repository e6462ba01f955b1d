//! How a node starts: it comes to its cluster, starts its groups, and serves other nodes meanwhile.

mod groups;
mod keepers;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use squorum_consensus::{FatalHook, RaftTransport};
use squorum_meta::FEATURE_LEVEL;
use squorum_peer::{MESSAGE_BYTES_MAX, Peers, Services};
use squorum_proto::gateway::gateway_server::GatewayServer as GatewayService;
use squorum_store::Store;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::groups::{found_meta, is_founder, note_started, start_groups};
use self::keepers::Keepers;
use crate::cluster::{
    ClusterView, Founding, Gossip, Introducer, Introduction, Reporter, RosterKeeper, RosterSender,
    Seeds, remembered_record,
};
use crate::error::NodeError;
use crate::gateway::{GatewayServer, LeaderClient};
use crate::node::{Inner, Node, NodeParts};
use crate::options::NodeOptions;
use crate::shard::GroupParts;
use crate::shutdown::stopped;
use crate::stamper::Stamper;
use crate::started::{Reports, Started};

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
            replaces: options.replaces,
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
                introducer: introducer.clone(),
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
        let view = ClusterView::new(node, &record.roster());
        let roster = RosterSender::new(record.roster());
        let keeper = RosterKeeper {
            roster: roster.watch(),
            peers: peers.clone(),
            view: view.clone(),
            introducer: introducer.clone(),
            store: parts.store.clone(),
            apply_on: options.apply_on,
        };
        keeper.enter(&record.roster());
        tasks.spawn(keeper.run(shutdown.clone()));
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
            log_bytes_kept: options.checkpoint.log_bytes_kept_by_group(&record),
            stamper: Stamper::new(parts.clock),
            entropy: Arc::clone(&parts.entropy),
            on_fatal: FatalHook::new(move |error| on_fatal(error.to_string())),
            transport,
            leaders: LeaderClient::new(peers.clone()),
            view,
            roster,
            figures: Arc::default(),
        };
        let groups = start_groups(&group_parts, &options, &record, &shutdown, &mut tasks).await?;
        let noted = note_started(
            parts.log.clone(),
            introducer.clone(),
            group_parts.store.clone(),
        );
        if is_founder(&record, node) {
            noted.await;
        } else {
            tasks.spawn(until_stopped(noted, shutdown.clone()));
        }
        let roster = group_parts.roster.watch();
        let cluster = tokio::select! {
            biased;
            cluster = found_meta(&groups.meta, &record, &roster, &*parts.entropy) => cluster?,
            () = group_parts.view.expelled() => return Err(NodeError::Expelled),
        };
        let keepers = Keepers {
            parts: &group_parts,
            log: &parts.log,
            groups: &groups,
            introducer: &introducer,
            reporter: &reporter,
            on_fatal: parts.on_fatal,
        };
        let (controller, draining) =
            keepers.spawn(options.checkpoint, &record, &shutdown, &mut tasks);
        let inner = Arc::new(Inner {
            cluster,
            record,
            roster,
            introducer,
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
            store: group_parts.store,
            figures: group_parts.figures,
            send_room: Arc::new(Semaphore::new(options.send_bytes_max / 1024)),
            receive_room: Arc::new(Semaphore::new(options.receives_max)),
            in_flight_max: options.limits.in_flight_max,
            immediate_recreate_and_purge: options.immediate_recreate_and_purge,
            peek_room: Semaphore::new(PEEKS_MAX),
            turn: AtomicU64::new(0),
            draining,
            stop,
            tasks: tokio::sync::Mutex::new(tasks),
        });
        started.set(&inner);
        Ok(Node { inner })
    }
}

async fn until_stopped(work: impl Future<Output = ()>, mut shutdown: watch::Receiver<bool>) {
    tokio::select! {
        () = work => {}
        () = stopped(&mut shutdown) => {}
    }
}

fn gateway_service<S: Store>(started: Started<S>) -> GatewayService<GatewayServer<S>> {
    GatewayService::new(GatewayServer { started })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

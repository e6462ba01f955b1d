//! What a node answers others from the first moment on.

use std::sync::Arc;

use squorum_consensus::RaftTransport;
use squorum_meta::FEATURE_LEVEL;
use squorum_peer::{MESSAGE_BYTES_MAX, Peers, Services};
use squorum_proto::gateway::gateway_server::GatewayServer as GatewayService;
use squorum_store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Starting;
use crate::cluster::{Gossip, Introducer, Introduction, Reporter, Seeds, remembered_record};
use crate::error::NodeError;
use crate::gateway::GatewayServer;
use crate::node::NodeParts;
use crate::options::NodeOptions;
use crate::shutdown::stopped;
use crate::started::{Reports, Started};

impl<S: Store> Starting<S> {
    /// Begins to answer other nodes.
    pub(super) fn serve(
        options: NodeOptions,
        parts: NodeParts<S>,
    ) -> Result<Starting<S>, NodeError> {
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
        let peers = Peers::new(node, FEATURE_LEVEL, parts.dialer);
        let transport = RaftTransport::new(peers.clone(), options.snapshot_bytes_per_second);
        let started = Started::default();
        let reporter = Reporter {
            node,
            address,
            clock: Arc::clone(&parts.clock),
            source: Arc::new(Reports {
                started: started.clone(),
                disk: parts.disk,
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
        let served = squorum_peer::serve(peers.clone(), parts.incoming, services, ended);
        tasks.spawn(served);
        Ok(Starting {
            options,
            store: parts.store,
            log: parts.log,
            clock: parts.clock,
            entropy: parts.entropy,
            on_fatal: parts.on_fatal,
            seeds,
            introducer,
            reporter,
            peers,
            transport,
            started,
            tasks,
            stop,
            shutdown,
        })
    }
}

fn gateway_service<S: Store>(started: Started<S>) -> GatewayService<GatewayServer<S>> {
    GatewayService::new(GatewayServer { started })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

//! A node: its groups, what runs beside them, and how it starts and ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures::future::try_join_all;
use squorum_consensus::{EntryLog, FatalHook, Group};
use squorum_log::Log;
use squorum_meta::command::{Found, FoundOutcome};
use squorum_meta::{Cluster, ClusterId, ClusterSettings, Command, FeatureLevel, Outcome};
use squorum_store::Store;
use squorum_types::{Clock, Entropy, NodeId, ReceiptHandleKey, ShardId};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::checkpointer::Checkpointer;
use crate::controller::Controller;
use crate::error::NodeError;
use crate::meta::MetaHandle;
use crate::shard::{GroupParts, ShardHandle};
use crate::shutdown::stopped;
use crate::stamper::Stamper;
use crate::{Health, NodeOptions};

/// How long a group of this node may take until it serves.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// A sync that takes longer makes the node not ready ...
const SYNC_SLOW: Duration = Duration::from_secs(1);
/// ... and one that takes longer than this ends it.
const SYNC_HUNG: Duration = Duration::from_secs(30);
const WATCHDOG_INTERVAL: Duration = Duration::from_millis(250);

/// What a node is made of: its seams to the world.
pub struct NodeParts<S> {
    pub store: S,
    pub log: Log,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Told of what no node can go on after; it should end the process.
    pub on_fatal: Arc<dyn Fn(String) + Send + Sync>,
}

/// A running node. Cheap to clone; serves as a gateway through
/// [`QueueService`](squorum_types::service::QueueService).
pub struct Node<S> {
    pub(crate) inner: Arc<Inner<S>>,
}

pub(crate) struct Inner<S> {
    pub(crate) cluster: Cluster,
    pub(crate) meta: MetaHandle<S>,
    pub(crate) shards: Arc<[ShardHandle]>,
    pub(crate) controller: Controller<S>,
    pub(crate) stamper: Stamper,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) log: Log,
    /// KiB of messages that may be on their way.
    pub(crate) send_room: Arc<Semaphore>,
    pub(crate) receive_room: Arc<Semaphore>,
    /// Goes round partitions.
    pub(crate) turn: AtomicU64,
    stop: watch::Sender<bool>,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

impl<S: Store> Node<S> {
    /// Starts a node in the current tokio runtime: founds a cluster of one if store and log are
    /// empty. Returns when every group serves.
    pub async fn start(options: NodeOptions, parts: NodeParts<S>) -> Result<Node<S>, NodeError> {
        let (stop, shutdown) = watch::channel(false);
        let on_fatal = Arc::clone(&parts.on_fatal);
        let group_parts = GroupParts {
            node: options.node,
            store: parts.store.clone(),
            log: Arc::new(parts.log.clone()) as Arc<dyn EntryLog>,
            scratch: options.scratch.clone(),
            stamper: Stamper::new(parts.clock),
            entropy: Arc::clone(&parts.entropy),
            on_fatal: FatalHook::new(move |error| on_fatal(error.to_string())),
        };
        let mut tasks = JoinSet::new();
        let meta = MetaHandle::start(&group_parts).await?;
        found_group(&meta.group, options.node).await?;
        let cluster = match meta.cluster()? {
            Some(cluster) => cluster,
            None => {
                ready(&meta.group).await?;
                found_cluster(&meta, &options, &*parts.entropy).await?
            }
        };
        let shards = (0..cluster.shard_count).map(ShardId);
        let mut handles = Vec::new();
        for id in shards {
            let limits = options.limits.clone();
            let shard = ShardHandle::start(&group_parts, id, limits, &shutdown, &mut tasks).await?;
            found_group(&shard.group, options.node).await?;
            handles.push(shard);
        }
        ready(&meta.group).await?;
        try_join_all(handles.iter().map(|shard| ready(&shard.group))).await?;
        let shards: Arc<[ShardHandle]> = handles.into();

        let controller = Controller::new(meta.clone(), Arc::clone(&shards));
        tasks.spawn(controller.clone().run(shutdown.clone()));
        let checkpointer = Checkpointer {
            options: options.checkpoint,
            store: parts.store,
            log: parts.log.clone(),
            meta: meta.clone(),
            shards: shards.to_vec(),
        };
        tasks.spawn(checkpointer.run(shutdown.clone()));
        tasks.spawn(watch_syncs(parts.log.clone(), parts.on_fatal, shutdown));
        let inner = Inner {
            cluster,
            meta,
            shards,
            controller,
            stamper: group_parts.stamper,
            entropy: parts.entropy,
            log: parts.log,
            send_room: Arc::new(Semaphore::new(options.send_bytes_max / 1024)),
            receive_room: Arc::new(Semaphore::new(options.receives_max)),
            turn: AtomicU64::new(0),
            stop,
            tasks: tokio::sync::Mutex::new(tasks),
        };
        Ok(Node {
            inner: Arc::new(inner),
        })
    }

    /// Whether the node can serve reads and writes now.
    pub fn health(&self) -> Health {
        let inner = &self.inner;
        let not_ready = |reason: String| Health {
            ready: false,
            reason: Some(reason),
        };
        let log = inner.log.health();
        if let Some(error) = log.failure {
            return not_ready(error.to_string());
        }
        if log.sync_in_progress.is_some_and(|time| time > SYNC_SLOW) {
            return not_ready("the disk does not answer".to_owned());
        }
        if !inner.meta.group.can_serve_locally() {
            return not_ready("meta has no leader here".to_owned());
        }
        let behind = inner
            .shards
            .iter()
            .find(|shard| !shard.group.can_serve_locally());
        match behind {
            Some(shard) => not_ready(format!("{} has no leader here", shard.group.id())),
            None => Health {
                ready: true,
                reason: None,
            },
        }
    }

    /// Ends everything that runs, in order. Nothing acknowledged is lost, whether or not this is
    /// called.
    pub async fn shutdown(&self) {
        // Fails only without receivers, when nothing runs any more.
        let _ = self.inner.stop.send(true);
        let mut tasks = self.inner.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
        for shard in self.inner.shards.iter() {
            shard.group.clone().shutdown().await;
        }
        self.inner.meta.group.clone().shutdown().await;
    }
}

impl<S> fmt::Debug for NodeParts<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeParts").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Node<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("cluster", &self.inner.cluster.id)
            .finish_non_exhaustive()
    }
}

impl<S> Clone for Node<S> {
    fn clone(&self) -> Self {
        Node {
            inner: Arc::clone(&self.inner),
        }
    }
}

/// Founds a group of this node alone, unless it was founded before.
async fn found_group<O: Send + 'static>(group: &Group<O>, node: NodeId) -> Result<(), NodeError> {
    if !group.is_initialized().await {
        group.initialize([node]).await?;
    }
    Ok(())
}

async fn ready<O: Send + 'static>(group: &Group<O>) -> Result<(), NodeError> {
    let mut leadership = group.watch_leadership();
    let ready = leadership.wait_for(|leadership| leadership.ready_to_serve);
    match tokio::time::timeout(READY_TIMEOUT, ready).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(NodeError::NotReady {
            group: group.id().to_string(),
            seconds: READY_TIMEOUT.as_secs(),
        }),
    }
}

async fn found_cluster<S: Store>(
    meta: &MetaHandle<S>,
    options: &NodeOptions,
    entropy: &dyn Entropy,
) -> Result<Cluster, NodeError> {
    let (mut cluster_id, mut key) = ([0; 16], [0; 32]);
    entropy.fill(&mut cluster_id);
    entropy.fill(&mut key);
    let found = Command::Found(Found {
        cluster_id: ClusterId(cluster_id),
        shard_count: options.shard_count,
        receipt_handle_key: ReceiptHandleKey(key),
        node: options.node,
        settings: ClusterSettings::default(),
        feature_level: FeatureLevel::CURRENT,
    });
    let failed = |reason: String| NodeError::Founding { reason };
    match meta
        .propose(&found)
        .await
        .map_err(|error| failed(error.to_string()))?
    {
        Outcome::Found(FoundOutcome::Founded(cluster)) => Ok(*cluster),
        other => Err(failed(format!("meta answered {other:?}"))),
    }
}

/// Ends the process when a sync hangs for too long: the disk is gone, and others can take over.
async fn watch_syncs(
    log: Log,
    on_fatal: Arc<dyn Fn(String) + Send + Sync>,
    mut shutdown: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(WATCHDOG_INTERVAL) => {}
            () = stopped(&mut shutdown) => return,
        }
        if log
            .health()
            .sync_in_progress
            .is_some_and(|time| time > SYNC_HUNG)
        {
            on_fatal(format!(
                "a sync of the log has taken more than {} s",
                SYNC_HUNG.as_secs()
            ));
            return;
        }
    }
}

//! `squorum serve`: starts a node and its front end, and ends them on a signal.
//!
//! Two runtimes, so that requests cannot keep Raft from its heartbeats: `raft` runs the groups and
//! what drives them, `http` the sockets.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use futures::{StreamExt, stream};
use squorum_aws::Server;
use squorum_log::{Log, OpenError, RealFileSystem};
use squorum_node::{CheckpointOptions, FileSystemDisk, Node, NodeOptions, NodeParts};
use squorum_peer::TcpDialer;
use squorum_store_rocksdb::RocksStore;
use squorum_types::{Entropy, NodeId};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::admin::{self, AdminState, Running};
use crate::clock::SystemClock;
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::ending::{hand_over, stopped, take_leave, watch_signals};
use crate::entropy::SystemEntropy;
use crate::failure::{self, REQUEST_THREADS, fatal};

/// openraft warns of every heartbeat that does not arrive; the gossip says once that a member is not
/// heard.
const LOG_DEFAULT: &str = "info,openraft=error,openraft::core::heartbeat=off";

pub(crate) fn run(configuration: Configuration) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("SQUORUM_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(LOG_DEFAULT));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    failure::abort_on_panic();
    let raft = runtime("raft")?;
    let http = runtime(REQUEST_THREADS)?;
    let result = http.block_on(serve(&configuration, &raft));
    http.shutdown_background();
    raft.shutdown_background();
    result
}

/// Each runtime has half of the cores: two threads for every core would only wake each other.
fn runtime(name: &'static str) -> anyhow::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = Builder::new_multi_thread()
        .worker_threads(cores.div_ceil(2))
        .thread_name(name)
        .enable_all()
        .build();
    runtime.with_context(|| format!("cannot start the {name} runtime"))
}

async fn serve(configuration: &Configuration, raft: &Runtime) -> anyhow::Result<()> {
    let stop = watch_signals()?;
    let (announce, announced) = watch::channel(None);
    let (progress, progressed) = watch::channel(Some("opening the data directory".to_owned()));
    // Health is served first: a start that takes long is live, and not ready.
    let admin = admin::bind(configuration.admin_listen).await?;
    let admin_address = admin.local_addr()?;
    let (ended, end) = watch::channel(false);
    let state = AdminState {
        running: announced,
        progress: progressed,
    };
    let admin = tokio::spawn(admin::run(admin, state, end));

    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let directory = DataDirectory::open(&configuration.data_dir)?;
    let opened = {
        let (configuration, entropy) = (configuration.clone(), Arc::clone(&entropy));
        raft.spawn_blocking(move || open(&configuration, entropy))
            .await??
    };
    let (log, store) = (opened.log.clone(), opened.store.clone());
    let mut start = raft.spawn(start(configuration.clone(), opened, progress));
    let node = tokio::select! {
        node = &mut start => node??,
        () = stopped(stop.clone()) => {
            start.abort();
            tracing::info!("stopped before the node was in a cluster");
            return Ok(());
        }
    };

    let server_options = squorum_aws::Options {
        public_url: configuration.public_url.clone(),
        ..squorum_aws::Options::default()
    };
    let service = Arc::new(node.clone());
    let server = Server::bind(configuration.listen, server_options, service, entropy).await?;
    let address = server.handle().local_address();
    let data_directory = directory.path().to_owned();
    if let Some(lost) = directory.replaced()? {
        raft.spawn(forget_replaced(node.clone(), lost, directory));
    }
    announce.send_replace(Some(Running {
        node: node.clone(),
        server: server.handle(),
    }));
    greet(address, admin_address, &data_directory);

    let (handed_over, expulsion) = hand_over(node.clone(), stop, raft);
    server.run(handed_over).await;
    raft.spawn(async move { node.shutdown().await }).await?;
    ended.send_replace(true);
    admin.await?;
    // The last handles of log and store write what is left, which blocks.
    announce.send_replace(None);
    raft.spawn_blocking(move || drop((log, store))).await?;
    take_leave(expulsion.await.ok().flatten(), &data_directory)
}

fn greet(address: SocketAddr, admin_address: SocketAddr, data_directory: &Path) {
    println!("Squorum serves SQS on http://{address}, health on http://{admin_address}");
    println!("Data directory: {}", data_directory.display());
    println!(
        "export AWS_ENDPOINT_URL=http://localhost:{}",
        address.port()
    );
}

/// Once the node has taken the place of the one that it was, the cluster has no use for what it had before.
async fn forget_replaced(node: Node<RocksStore>, lost: NodeId, directory: DataDirectory) {
    node.replaced(lost).await;
    match directory.forget_replaced() {
        Ok(()) => tracing::info!("this node is a member again; what was put away is removed"),
        Err(error) => tracing::warn!(%error, "what was put away cannot be removed"),
    }
}

/// What the node keeps on disk, and who it is.
struct Opened {
    store: RocksStore,
    log: Log,
    scratch: PathBuf,
    node: NodeId,
    /// Who the node was before it lost what it had promised to keep.
    replaces: Option<NodeId>,
    entropy: Arc<dyn Entropy>,
}

/// Starts the node in the runtime that this runs in.
async fn start(
    configuration: Configuration,
    opened: Opened,
    progress: watch::Sender<Option<String>>,
) -> anyhow::Result<Node<RocksStore>> {
    let incoming = if configuration.seeds.is_empty() {
        stream::pending().boxed()
    } else {
        let address = configuration.cluster_listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot listen on {address} (cluster)"))?;
        squorum_peer::accept(listener).boxed()
    };
    let defaults = NodeOptions::new(opened.node, opened.scratch);
    let checkpoint = CheckpointOptions {
        log_bytes: configuration.checkpoint_bytes,
        log_bytes_kept: configuration.log_retention_bytes,
        ..defaults.checkpoint
    };
    let options = NodeOptions {
        seeds: configuration.seeds,
        advertise: configuration.advertise,
        replaces: opened.replaces,
        shard_count: configuration.shards,
        checkpoint,
        snapshot_bytes_per_second: configuration.snapshot_bytes_per_second,
        immediate_recreate_and_purge: configuration.immediate_recreate_and_purge,
        ..defaults
    };
    let parts = NodeParts {
        store: opened.store,
        log: opened.log,
        clock: Arc::new(SystemClock::new()),
        entropy: opened.entropy,
        dialer: Arc::new(TcpDialer),
        incoming,
        disk: Arc::new(FileSystemDisk {
            path: configuration.data_dir,
        }),
        on_fatal: Arc::new(|reason| fatal(&reason)),
    };
    Ok(Node::start(options, parts, progress).await?)
}

/// Opens what the node keeps on disk. The log comes first, because its lock is the directory's.
fn open(configuration: &Configuration, entropy: Arc<dyn Entropy>) -> anyhow::Result<Opened> {
    let directory = DataDirectory::open(&configuration.data_dir)?;
    let replaces = directory.replaced()?;
    let log_options = squorum_log::Options {
        tail_bytes: configuration.log_tail_bytes,
        accept_loss: configuration.accept_loss,
        on_fatal: Some(Arc::new(|error| fatal(&error.to_string()))),
        ..squorum_log::Options::default()
    };
    let open_log = || {
        Log::open(
            Arc::new(RealFileSystem),
            directory.log(),
            log_options.clone(),
        )
    };
    let (log, replaces) = match (open_log(), directory.known_node_id()?) {
        (Ok(log), _) => (log, replaces),
        (Err(error), Some(node)) if may_start_anew(configuration, &error) => {
            tracing::error!(
                %error, %node,
                "the log has lost what this node had promised to keep: its data is put away under \
                 `lost`, and it asks the other members to take it in under a new id"
            );
            directory.set_aside(node)?;
            (open_log()?, Some(node))
        }
        (Err(error), _) => {
            let place = directory.path().display();
            return Err(error).with_context(|| format!("cannot open the log of {place}"));
        }
    };
    let scratch = directory.clean_scratch()?;
    let store_options = squorum_store_rocksdb::Options {
        memtable_bytes: configuration.memtable_bytes,
        block_cache_bytes: configuration.block_cache_bytes,
        ..squorum_store_rocksdb::Options::default()
    };
    let store = RocksStore::open(&directory.state(), &store_options)
        .context("cannot open the state store")?;
    Ok(Opened {
        store,
        log,
        scratch,
        node: directory.node_id(&*entropy)?,
        replaces,
        entropy,
    })
}

/// Others have what this node has lost, so it may come back without it.
fn may_start_anew(configuration: &Configuration, error: &OpenError) -> bool {
    error.is_amnesia() && !configuration.seeds.is_empty()
}

//! A cluster under test, and what a client does with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;
use squorum_consensus::testing::small_log;
use squorum_node::{FileSystemDisk, Node, NodeOptions, NodeParts};
use squorum_peer::{TcpDialer, accept};
use squorum_queue::Limits;
use squorum_store::memory::MemoryStore;
use squorum_types::service::{
    CreateQueue, MessageError, QueueInfo, QueueService, ReceiveRequest, ReceivedMessage, SendEntry,
    SentMessage, ServiceError,
};
use squorum_types::{
    AccountId, AttributeChanges, Caller, Clock, Entropy, NodeId, QueueAttributes, QueueName,
    QueueTags, Region, Timestamp,
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::sync::watch;

pub(crate) const NODES: usize = 3;
/// Far beyond what anything here takes; only a test that fails waits for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A node's disk, memory and place; what survives its runtime.
struct Machine {
    id: NodeId,
    directory: TempDir,
    store: MemoryStore,
    address: SocketAddr,
    /// Bound to the address and never listening: nobody else is given its port, also while the
    /// node is down, and the node may listen on it.
    _reserved: TcpSocket,
    seeds: Vec<String>,
    replaces: Option<NodeId>,
    starting: Option<Starting>,
    running: Option<(Runtime, Node<MemoryStore>)>,
}

impl Machine {
    fn new(id: NodeId) -> Machine {
        let reserved = TcpSocket::new_v4().unwrap();
        reserved.set_reuseaddr(true).unwrap();
        reserved.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Machine {
            id,
            directory: tempfile::tempdir().unwrap(),
            store: MemoryStore::new(),
            address: reserved.local_addr().unwrap(),
            _reserved: reserved,
            seeds: Vec::new(),
            replaces: None,
            starting: None,
            running: None,
        }
    }
}

pub(crate) struct Cluster {
    machines: Vec<Machine>,
    next_id: u64,
    failures: Arc<Mutex<Vec<String>>>,
    passed_ms: Arc<AtomicU64>,
    limits: Limits,
}

/// The system's, and whatever time the test lets pass at once.
struct TestClock {
    started: Instant,
    passed_ms: Arc<AtomicU64>,
}

impl TestClock {
    fn passed_ms(&self) -> u64 {
        self.passed_ms.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(since_epoch.as_millis() as u64 + self.passed_ms())
    }

    fn monotonic_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64 + self.passed_ms()
    }
}

struct Random;

impl Entropy for Random {
    fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), bytes);
    }
}

impl Cluster {
    /// Three nodes that have founded a cluster.
    pub(crate) fn start() -> Cluster {
        Cluster::start_with(Limits::default())
    }

    pub(crate) fn start_with(limits: Limits) -> Cluster {
        let mut cluster = Cluster::new(limits);
        cluster.restart_all();
        cluster.wait_ready();
        cluster
    }

    /// Starts all nodes, of which none runs.
    pub(crate) fn restart_all(&mut self) {
        let starts: Vec<_> = (0..NODES).map(|index| self.begin(index)).collect();
        for (index, start) in starts.into_iter().enumerate() {
            self.machines[index].running = Some(start.finish());
        }
    }

    fn new(limits: Limits) -> Cluster {
        let machines = (0..NODES).map(|index| Machine::new(NodeId(index as u64 + 1)));
        let mut machines: Vec<_> = machines.collect();
        let seeds: Vec<_> = machines.iter().map(|m| m.address.to_string()).collect();
        for machine in &mut machines {
            machine.seeds.clone_from(&seeds);
        }
        Cluster {
            machines,
            next_id: NODES as u64,
            failures: Arc::default(),
            passed_ms: Arc::default(),
            limits,
        }
    }

    fn begin(&self, index: usize) -> Starting {
        let machine = &self.machines[index];
        let mut options = NodeOptions::new(machine.id, machine.directory.path().join("scratch"));
        options.seeds.clone_from(&machine.seeds);
        options.replaces = machine.replaces;
        options.advertise = machine.address.to_string();
        options.shard_count = 4;
        options.limits = self.limits.clone();
        let log = small_log(machine.directory.path().join("log"));
        let (store, address) = (machine.store.clone(), machine.address);
        let path = machine.directory.path().to_owned();
        let failures = Arc::clone(&self.failures);
        let clock = self.clock();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let node = runtime.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            let parts = NodeParts {
                store,
                log,
                clock: Arc::new(clock),
                entropy: Arc::new(Random),
                dialer: Arc::new(TcpDialer),
                incoming: accept(listener).boxed(),
                disk: Arc::new(FileSystemDisk { path }),
                on_fatal: Arc::new(move |reason| failures.lock().push(reason)),
            };
            let progress = watch::Sender::new(None);
            Node::start(options, parts, progress).await.unwrap()
        });
        Starting { runtime, node }
    }

    /// A node whose disk is empty comes to a place, where another was before or none: it waits to be
    /// taken in. Returns its id.
    pub(crate) fn begin_empty(&mut self, index: usize, replaces: Option<NodeId>) -> NodeId {
        if index == self.machines.len() {
            let mut machine = Machine::new(NodeId(0));
            machine.seeds.clone_from(&self.machines[0].seeds);
            self.machines.push(machine);
        }
        self.next_id += 1;
        let machine = &mut self.machines[index];
        assert!(machine.running.is_none());
        machine.id = NodeId(self.next_id);
        machine.directory = tempfile::tempdir().unwrap();
        machine.store = MemoryStore::new();
        machine.replaces = replaces;
        self.machines[index].starting = Some(self.begin(index));
        self.machines[index].id
    }

    /// Waits until a node that has begun is in its cluster.
    pub(crate) fn finish(&mut self, index: usize) {
        let starting = self.machines[index].starting.take().unwrap();
        self.machines[index].running = Some(starting.finish());
    }

    pub(crate) fn id(&self, index: usize) -> NodeId {
        self.machines[index].id
    }

    pub(crate) fn node(&self, index: usize) -> Node<MemoryStore> {
        let running = self.machines[index].running.as_ref();
        running.expect("a node that runs").1.clone()
    }

    /// Ends a node in the midst of what it does. What its store had not flushed is lost.
    pub(crate) fn kill(&mut self, index: usize) {
        let (runtime, node) = self.machines[index].running.take().unwrap();
        // Its groups end with their runtime; nothing is finished or flushed.
        runtime.shutdown_timeout(PATIENCE);
        drop(node);
        let machine = &mut self.machines[index];
        machine.store = machine.store.clone().crash(index as u64);
    }

    pub(crate) fn restart(&mut self, index: usize) {
        let running = self.begin(index).finish();
        self.machines[index].running = Some(running);
    }

    pub(crate) fn wait_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        for machine in &self.machines {
            let Some((_, node)) = &machine.running else {
                continue;
            };
            while !node.health().ready {
                assert!(Instant::now() < deadline, "not ready: {:?}", node.health());
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn clock(&self) -> TestClock {
        TestClock {
            started: Instant::now(),
            passed_ms: Arc::clone(&self.passed_ms),
        }
    }

    /// The time on all machines.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Lets time pass on all machines, in which nothing happened.
    pub(crate) fn let_pass(&self, silence: Duration) {
        let silence_ms = silence.as_millis() as u64;
        self.passed_ms.fetch_add(silence_ms, Ordering::SeqCst);
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures.lock().clone()
    }
}

struct Starting {
    runtime: Runtime,
    node: tokio::task::JoinHandle<Node<MemoryStore>>,
}

impl Starting {
    fn finish(self) -> (Runtime, Node<MemoryStore>) {
        let patience = async { tokio::time::timeout(PATIENCE, self.node).await };
        let node = self.runtime.block_on(patience).unwrap().unwrap();
        (self.runtime, node)
    }
}

/// A client of one node.
#[derive(Clone)]
pub(crate) struct Client(pub(crate) Node<MemoryStore>);

pub(crate) fn caller() -> Caller {
    Caller {
        account: AccountId::default(),
        region: Region::default(),
        principal: "anonymous".to_owned(),
        source_address: Ipv4Addr::LOCALHOST.into(),
        request_id: "test".to_owned(),
    }
}

impl Client {
    pub(crate) async fn create(&self, name: &str) -> Arc<QueueInfo> {
        self.create_with(name, AttributeChanges::default()).await
    }

    pub(crate) async fn create_with(&self, name: &str, given: AttributeChanges) -> Arc<QueueInfo> {
        let name = QueueName::parse(name).unwrap();
        let mut attributes = if name.is_fifo() {
            QueueAttributes::fifo()
        } else {
            QueueAttributes::standard()
        };
        given.apply_to(&mut attributes);
        let request = CreateQueue {
            name,
            attributes,
            given,
            tags: QueueTags::new(),
        };
        self.0.create_queue(&caller(), request).await.unwrap()
    }

    pub(crate) async fn find(&self, name: &str) -> Result<Arc<QueueInfo>, ServiceError> {
        let name = QueueName::parse(name).unwrap();
        self.0
            .find_queue(&caller(), &AccountId::default(), &name)
            .await
    }

    pub(crate) async fn send(
        &self,
        queue: &Arc<QueueInfo>,
        group: &str,
        body: &str,
    ) -> Result<(), ServiceError> {
        let sent = self.send_all(queue, vec![entry(group, body)]).await?;
        for sent in sent {
            sent.unwrap();
        }
        Ok(())
    }

    pub(crate) async fn send_all(
        &self,
        queue: &Arc<QueueInfo>,
        entries: Vec<SendEntry>,
    ) -> Result<Vec<Result<SentMessage, MessageError>>, ServiceError> {
        self.0.send(&caller(), queue, entries).await
    }

    pub(crate) async fn receive(
        &self,
        queue: &Arc<QueueInfo>,
        wait_time_seconds: u32,
        attempt_id: &str,
    ) -> Result<Vec<ReceivedMessage>, ServiceError> {
        let request = ReceiveRequest {
            messages_max: 10,
            visibility_timeout_seconds: None,
            wait_time_seconds: Some(wait_time_seconds),
            attempt_id: attempt_id.to_owned(),
        };
        let mut delivery = self.0.receive(&caller(), queue, request).await?;
        let messages = std::mem::take(&mut delivery.messages);
        delivery.confirm();
        Ok(messages)
    }

    pub(crate) async fn delete(
        &self,
        queue: &Arc<QueueInfo>,
        messages: &[ReceivedMessage],
    ) -> Result<(), ServiceError> {
        let handles = messages.iter().map(|m| m.receipt_handle.clone()).collect();
        let deleted = self.0.delete(&caller(), queue, handles).await?;
        for deleted in deleted {
            deleted.unwrap();
        }
        Ok(())
    }

    /// Receives once and deletes what came.
    pub(crate) async fn take(&self, queue: &Arc<QueueInfo>) -> Vec<String> {
        let messages = self.receive(queue, 1, "").await.unwrap();
        if !messages.is_empty() {
            self.delete(queue, &messages).await.unwrap();
        }
        let bodies = messages.iter().map(|message| message.body.to_vec());
        bodies
            .map(|body| String::from_utf8(body).unwrap())
            .collect()
    }

    /// Takes messages until `count` have come.
    pub(crate) async fn drain(&self, queue: &Arc<QueueInfo>, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        let drain = async {
            while bodies.len() < count {
                bodies.extend(self.take(queue).await);
            }
        };
        let drained = tokio::time::timeout(PATIENCE, drain).await;
        drained.unwrap_or_else(|_| panic!("messages are missing: {} of {count}", bodies.len()));
        bodies
    }
}

/// A message whose body is its deduplication id where it has a group.
pub(crate) fn entry(group: &str, body: &str) -> SendEntry {
    SendEntry {
        body: Bytes::copy_from_slice(body.as_bytes()),
        body_md5: [0; 16],
        attributes: Bytes::new(),
        size_bytes: body.len(),
        delay_seconds: None,
        deliver_at: None,
        group_id: group.to_owned(),
        deduplication_id: if group.is_empty() { "" } else { body }.to_owned(),
        deduplicates_by_content: false,
        trace_header: String::new(),
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // Longer than what waits within it, which knows better what is missing.
    runtime.block_on(async { tokio::time::timeout(2 * PATIENCE, future).await.unwrap() })
}

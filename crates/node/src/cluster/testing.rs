//! A network in memory, for tests of what nodes say to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, stream};
use parking_lot::Mutex;
use squorum_meta::{Member, Roster};
use squorum_peer::{BoxedIo, Dialer, Peers, Services, serve};
use squorum_types::{Clock, Entropy, NodeId, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const BUFFER_BYTES: usize = 1 << 16;
const BACKLOG: usize = 64;

/// All of them active.
pub(super) fn roster_of(nodes: impl IntoIterator<Item = u64>) -> Roster {
    let members = nodes.into_iter();
    let members = members.map(|node| Member::active(NodeId(node), format!("node{node}:9326")));
    Roster {
        version: 1,
        members: members.collect(),
        removed: Vec::new(),
    }
}

#[derive(Clone, Default)]
pub(super) struct Network {
    listeners: Arc<Mutex<BTreeMap<String, mpsc::Sender<BoxedIo>>>>,
    /// Who is cut off from all others.
    isolated: Arc<Mutex<BTreeSet<NodeId>>>,
}

/// Its end is the end of the node's process, as far as others can see.
pub(super) struct Served {
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Network {
    pub(super) fn peers(&self, node: NodeId) -> Peers {
        let dialer = NodeDialer {
            network: self.clone(),
            node,
        };
        Peers::new(node, 1, Arc::new(dialer))
    }

    pub(super) fn serve(&self, peers: &Peers, address: &str, services: Services) -> Served {
        let (sender, mut receiver) = mpsc::channel(BACKLOG);
        self.listeners.lock().insert(address.to_owned(), sender);
        let incoming =
            stream::poll_fn(move |context| receiver.poll_recv(context).map(|io| io.map(Ok)));
        let task = tokio::spawn(serve(
            peers.clone(),
            incoming,
            services,
            std::future::pending(),
        ));
        Served { task }
    }

    /// Refuses the node's new connections, until it is not isolated any more.
    pub(super) fn isolate(&self, node: NodeId, isolated: bool) {
        let mut nodes = self.isolated.lock();
        if isolated {
            nodes.insert(node);
        } else {
            nodes.remove(&node);
        }
    }
}

struct NodeDialer {
    network: Network,
    node: NodeId,
}

impl Dialer for NodeDialer {
    fn dial(&self, address: &str) -> BoxFuture<'static, io::Result<BoxedIo>> {
        let listener = self.network.listeners.lock().get(address).cloned();
        let isolated = self.network.isolated.lock().contains(&self.node);
        async move {
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            let listener = listener.filter(|_| !isolated).ok_or_else(refused)?;
            let (near, far) = tokio::io::duplex(BUFFER_BYTES);
            let far: BoxedIo = Box::new(far);
            listener.send(far).await.map_err(|_| refused())?;
            Ok(Box::new(near) as BoxedIo)
        }
        .boxed()
    }
}

/// A clock that is ahead of tokio's by a fixed time.
pub(super) struct TestClock {
    pub(super) began: tokio::time::Instant,
    pub(super) ahead_ms: u64,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_000_000 + self.ahead_ms + self.monotonic_ms())
    }

    fn monotonic_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}

pub(super) struct TestEntropy(pub(super) u8);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

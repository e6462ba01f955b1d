use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_types::NodeId;
use tokio::runtime::Handle;

use crate::connection::Connection;
use crate::dialer::Dialer;
use crate::error::PeerError;
use crate::greeting::{Greeting, PROTOCOL_VERSION};
use crate::link::Link;

/// What a call is for. Each lane to a peer is a connection of its own, so that none waits for
/// another's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Heartbeats and votes: small, and late ones cost elections.
    Control,
    Append,
    Snapshot,
    /// What gateways ask of leaders.
    Request,
}

const LANES: [Lane; 4] = [Lane::Control, Lane::Append, Lane::Snapshot, Lane::Request];

/// Who this node is, and where the others are. A cheap handle.
#[derive(Clone)]
pub struct Peers {
    inner: Arc<Inner>,
}

struct Inner {
    identity: Arc<Identity>,
    dialer: Arc<dyn Dialer>,
    runtime: Handle,
    book: Mutex<BTreeMap<NodeId, Peer>>,
}

struct Peer {
    address: String,
    /// One per lane, in the order of [`LANES`].
    links: [Arc<Link>; LANES.len()],
}

/// What this node says of itself.
pub(crate) struct Identity {
    pub(crate) node: NodeId,
    feature_level: u32,
    cluster: Mutex<Option<[u8; 16]>>,
    /// Former members.
    expelled: Mutex<BTreeSet<NodeId>>,
}

impl Identity {
    pub(crate) fn cluster(&self) -> Option<[u8; 16]> {
        *self.cluster.lock()
    }

    pub(crate) fn has_expelled(&self, node: NodeId) -> bool {
        self.expelled.lock().contains(&node)
    }

    pub(crate) fn greeting(&self, target: Option<NodeId>) -> Greeting {
        Greeting {
            protocol_version: PROTOCOL_VERSION,
            feature_level: self.feature_level,
            caller: self.node,
            target,
            cluster: self.cluster(),
        }
    }
}

impl Peers {
    /// Must be called within the runtime that shall carry the connections. `feature_level`: the
    /// highest that this program has.
    pub fn new(node: NodeId, feature_level: u32, dialer: Arc<dyn Dialer>) -> Peers {
        let identity = Identity {
            node,
            feature_level,
            cluster: Mutex::new(None),
            expelled: Mutex::default(),
        };
        Peers {
            inner: Arc::new(Inner {
                identity: Arc::new(identity),
                dialer,
                runtime: Handle::current(),
                book: Mutex::new(BTreeMap::new()),
            }),
        }
    }

    pub fn node(&self) -> NodeId {
        self.inner.identity.node
    }

    /// This node is in that cluster. Before, it serves and reaches only what needs no cluster.
    pub fn set_cluster(&self, cluster: [u8; 16]) {
        *self.inner.identity.cluster.lock() = Some(cluster);
    }

    pub fn cluster(&self) -> Option<[u8; 16]> {
        self.inner.identity.cluster()
    }

    /// `node` is reached at `address`, a `host:port`. An unchanged address keeps connections.
    pub fn set_address(&self, node: NodeId, address: String) {
        let mut book = self.inner.book.lock();
        let peer = book.entry(node).or_insert_with(|| Peer {
            address: address.clone(),
            links: LANES.map(|lane| Arc::new(self.link(&address, lane))),
        });
        for link in &peer.links {
            link.set_address(&address);
        }
        peer.address = address;
    }

    /// A former member: it is not reached any more, and is told so when it calls.
    pub fn expel(&self, node: NodeId) {
        self.inner.identity.expelled.lock().insert(node);
        self.inner.book.lock().remove(&node);
    }

    pub fn address(&self, node: NodeId) -> Option<String> {
        let book = self.inner.book.lock();
        book.get(&node).map(|peer| peer.address.clone())
    }

    /// A lane to a node whose address is known. It follows changes of the address.
    pub fn connection(&self, node: NodeId, lane: Lane) -> Result<Connection, PeerError> {
        let book = self.inner.book.lock();
        let peer = book.get(&node).ok_or(PeerError::UnknownNode(node))?;
        let link = Arc::clone(&peer.links[lane as usize]);
        let identity = Arc::clone(&self.inner.identity);
        Ok(Connection::new(link, identity, Some(node)))
    }

    /// A new connection to an address, whoever is there: seeds, before the cluster is founded.
    /// Reaches only services for anyone.
    pub fn connection_to(&self, address: &str) -> Connection {
        let identity = Arc::clone(&self.inner.identity);
        Connection::new(Arc::new(self.link(address, Lane::Control)), identity, None)
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    pub(crate) fn identity(&self) -> &Arc<Identity> {
        &self.inner.identity
    }

    fn link(&self, address: &str, lane: Lane) -> Link {
        let dialer = Arc::clone(&self.inner.dialer);
        Link::new(address.to_owned(), lane, dialer, self.inner.runtime.clone())
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers")
            .field("node", &self.node())
            .finish_non_exhaustive()
    }
}

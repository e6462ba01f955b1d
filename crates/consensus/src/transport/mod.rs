//! Raft between nodes: what openraft sends goes over `squorum-peer`, what peers send comes to the
//! groups that run here.
//!
//! ```text
//!  group's core ──► Network ──► PeerClient ─┬─ heartbeats ──► Heartbeats: one message per peer
//!                                           ├─ entries ─────► AppendStream: pipelined, in order
//!                                           ├─ votes, hand-over
//!                                           └─ snapshot ────► chunks, on a connection of its own
//!
//!  peers ──► RaftService ──► Registry ──► group's core
//! ```
//!
//! What it keeps:
//!
//! 1. openraft is told "unreachable", which makes it back off, only of what surely did not arrive or
//!    was refused; all else is a network error, which it repeats.
//! 2. Nothing waits without a bound: every RPC has a deadline of its own, and a stream has to make
//!    progress. openraft's limits are for single messages and must not end a stream.
//! 3. A group that does not run here is unavailable. It neither grants nor refuses a vote.
//! 4. A node that has just restarted does not vote before every lease that it may have granted has
//!    ended ([`Registry`]): openraft forgets them.
//! 5. Entries are read for a peer only while its answers are awaited, so that a stream that has
//!    failed reads nothing that was purged since.

mod append;
mod client;
mod commit_hold;
mod contacts;
mod heartbeat;
mod inbound_append;
mod inbound_snapshot;
mod messages;
mod pulse;
mod registry;
mod service;
mod snapshot;
mod snapshot_figures;
mod snapshot_pace;

use std::fmt;
use std::sync::Arc;

use squorum_peer::{MESSAGE_BYTES_MAX, Peers};
use squorum_proto::raft::raft_server::RaftServer;

pub(crate) use self::client::Network;
use self::heartbeat::Heartbeats;
pub(crate) use self::registry::{Registration, Registry, RunningGroup};
pub use self::service::RaftService;
pub use self::snapshot_figures::SnapshotCounts;
use self::snapshot_pace::SnapshotPace;

/// Carries the messages of all groups of a node. One per node.
pub struct RaftTransport {
    peers: Peers,
    registry: Arc<Registry>,
    heartbeats: Heartbeats,
    snapshot_pace: SnapshotPace,
}

impl RaftTransport {
    /// Snapshots of all groups together go to peers at `snapshot_bytes_per_second` at most.
    pub fn new(peers: Peers, snapshot_bytes_per_second: u64) -> Arc<RaftTransport> {
        Arc::new(RaftTransport {
            peers,
            registry: Arc::default(),
            heartbeats: Heartbeats::default(),
            snapshot_pace: SnapshotPace::new(snapshot_bytes_per_second),
        })
    }

    /// What peers call, for [`Services::for_members`](squorum_peer::Services::for_members).
    pub fn service(&self) -> RaftServer<RaftService> {
        RaftServer::new(RaftService::new(Arc::clone(&self.registry)))
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Snapshots that were sent and installed so far.
    pub fn snapshots(&self) -> SnapshotCounts {
        self.registry.snapshots.read()
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

impl fmt::Debug for RaftTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RaftTransport")
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}

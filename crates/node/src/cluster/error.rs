use squorum_meta::ClusterId;
use squorum_store::StoreError;
use squorum_types::{GroupId, NodeId};
use thiserror::Error;

/// Why a node does not take part in a cluster. Each says what an operator can do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FoundingError {
    #[error(transparent)]
    Store(#[from] StoreError),

    /// The node's id was kept, all else is gone.
    #[error(
        "seed {address} knows this node ({node}) as a member of cluster {cluster}, but its data \
         directory holds nothing of it: what this member promised to keep is lost, and to serve \
         under its old identity could lose acknowledged messages; empty the data directory, start \
         it again and run `squorum node replace {node}` at another member (they serve without it \
         meanwhile)"
    )]
    MemoryLost {
        address: String,
        cluster: ClusterId,
        node: NodeId,
    },

    #[error(
        "this node is a member of cluster {own}, but {address} belongs to cluster {other}: correct \
         the seeds, or the data directory that this node was started with"
    )]
    OtherCluster {
        own: ClusterId,
        address: String,
        other: ClusterId,
    },

    /// The record says that the groups had started.
    #[error(
        "this node is a member of cluster {cluster}, but its log does not know {group}: the log is \
         lost or is not this node's, and to vote without it could lose acknowledged messages; \
         restore the whole data directory, or empty it, start this node again and run `squorum node \
         replace` with its id at another member (they serve without it meanwhile)"
    )]
    LogLost { cluster: ClusterId, group: GroupId },

    #[error(
        "the log knows {group}, but the state store has no record of a cluster: the state is lost \
         or is not this node's; restore the whole data directory"
    )]
    RecordLost { group: GroupId },

    #[error(
        "the data directory belongs to another member of cluster {cluster}: its `node-id` says \
         {node}, which its state does not know; restore the whole data directory"
    )]
    OtherNode { cluster: ClusterId, node: NodeId },
}

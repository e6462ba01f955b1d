//! A group as the rest of the node sees it.

mod checkpoint;
mod handover;
mod leadership;
mod membership;
mod observe;
mod propose;
mod read;
mod start;

#[cfg(feature = "testing")]
pub(crate) use self::start::Parts;

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use openraft::errors::{InitializeError as RaftInitializeError, RaftError};
use openraft::type_config::alias::WatchReceiverOf;
use openraft::{Raft, RaftMetrics};
use parking_lot::Mutex;
use squorum_types::{GroupId, NodeId};
use tokio::sync::{Semaphore, oneshot, watch};

pub use self::checkpoint::CheckpointMark;
use self::handover::Handover;
pub use self::leadership::Leadership;
pub use self::observe::ReplicaProgress;
use crate::entry_log::{EntryLog, LogView};
use crate::error::InitializeError;
use crate::raft_types::TypeConfig;
use crate::state_machine::{Applied, Publication, StateMachine};

/// A Raft group on this node. A cheap handle; `O` is what an entry's proposer is answered.
///
/// The group runs until [`shutdown`](Self::shutdown), whether or not there are handles.
pub struct Group<O> {
    inner: Arc<Inner>,
    outcome: PhantomData<fn() -> O>,
}

struct Inner {
    group: GroupId,
    node: NodeId,
    raft: Raft<TypeConfig, StateMachine>,
    metrics: WatchReceiverOf<TypeConfig, RaftMetrics<TypeConfig>>,
    leadership: watch::Receiver<Leadership>,
    handover: Handover,
    publication: Arc<Publication>,
    entries: Arc<dyn EntryLog>,
    log: Arc<LogView>,
    /// A checkpoint on its way to openraft.
    flushed: Arc<Mutex<Option<Applied>>>,
    proposals: Arc<Semaphore>,
    entry_bytes_max: usize,
    log_bytes_kept: u64,
    lease: std::time::Duration,
    /// Told when the apply thread has ended.
    applier_ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
}

impl<O: Send + 'static> Group<O> {
    pub fn id(&self) -> GroupId {
        self.inner.group
    }

    pub fn node(&self) -> NodeId {
        self.inner.node
    }

    /// True once the group was founded, here or at another member.
    pub async fn is_initialized(&self) -> bool {
        self.inner.raft.is_initialized().await.unwrap_or(false)
    }

    /// Founds the group with these voters. Once in a group's life; every member may do it, with the
    /// same voters.
    pub async fn initialize(
        &self,
        members: impl IntoIterator<Item = NodeId>,
    ) -> Result<(), InitializeError> {
        let members: BTreeSet<u64> = members.into_iter().map(|node| node.0).collect();
        self.inner
            .raft
            .initialize(members)
            .await
            .map_err(|error| match error {
                RaftError::APIError(RaftInitializeError::NotAllowed(_)) => {
                    InitializeError::AlreadyInitialized
                }
                RaftError::APIError(RaftInitializeError::NotInMembers(_)) => {
                    InitializeError::NotAMember(self.inner.node)
                }
                RaftError::Fatal(_) => InitializeError::Stopped,
            })
    }

    /// Index of the last entry whose writes are in the store, visible to readers.
    pub fn applied_index(&self) -> Option<u64> {
        self.inner.publication.index()
    }

    /// Index of the last entry that this node has synced.
    pub fn synced_index(&self) -> Option<u64> {
        self.inner.entries.state(self.inner.group).synced_index
    }

    /// Ends the group on this node: returns when its apply thread has ended and it writes nothing
    /// any more. Outstanding proposals end as
    /// [`OutcomeUnknown`](crate::ProposeError::OutcomeUnknown).
    pub async fn shutdown(self) {
        if let Err(error) = self.inner.raft.shutdown().await {
            tracing::error!(group = self.inner.group.0, %error, "the group's core did not end well");
        }
        if let Some(ended) = self.inner.applier_ended.lock().await.take() {
            // Told by value or by drop: the thread has ended either way.
            let _ = ended.await;
        }
    }
}

impl<O> Clone for Group<O> {
    fn clone(&self) -> Self {
        Group {
            inner: Arc::clone(&self.inner),
            outcome: PhantomData,
        }
    }
}

impl<O> fmt::Debug for Group<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("group", &self.inner.group.0)
            .finish_non_exhaustive()
    }
}

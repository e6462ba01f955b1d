//! What other nodes may ask of this one before it has come so far.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use squorum_consensus::Group;
use squorum_store::Store;

use crate::cluster::{Disk, DiskSpace, GroupReport, Introducer, ReportSource};
use crate::digests::Digests;
use crate::node::Inner;

/// The node, once it has started, for as long as it runs. Cheap to clone.
pub(crate) struct Started<S> {
    node: Arc<OnceLock<Weak<Inner<S>>>>,
}

impl<S> Started<S> {
    /// Once.
    pub(crate) fn set(&self, node: &Arc<Inner<S>>) {
        let is_first = self.node.set(Arc::downgrade(node)).is_ok();
        assert!(is_first, "a node starts once");
    }

    pub(crate) fn get(&self) -> Option<Arc<Inner<S>>> {
        self.node.get()?.upgrade()
    }
}

/// What this node tells the others of itself.
pub(crate) struct Reports<S> {
    pub(crate) started: Started<S>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) introducer: Introducer,
}

impl<S: Store> ReportSource for Reports<S> {
    fn groups(&self) -> Vec<GroupReport> {
        let Some(node) = self.started.get() else {
            return Vec::new();
        };
        let meta = report(&node.meta.group, None);
        let shards = node.shards.iter();
        let shards = shards.map(|shard| report(&shard.group, Some(&shard.digests)));
        std::iter::once(meta).chain(shards).collect()
    }

    fn disk(&self) -> Option<DiskSpace> {
        self.disk.space()
    }

    fn has_started(&self) -> bool {
        self.introducer.has_started()
    }
}

fn report<O: Send + 'static>(group: &Group<O>, digests: Option<&Digests>) -> GroupReport {
    let leadership = group.leadership();
    GroupReport {
        group: group.id(),
        leader: leadership.leader,
        term: leadership.term,
        applied_index: group.applied_index().unwrap_or(0),
        last_log_index: group.last_log_index().unwrap_or(0),
        latest_digest: digests.and_then(Digests::latest),
        fixed_digests: digests.map(Digests::fixed).unwrap_or_default(),
        membership: group.applied_membership(),
    }
}

impl<S> Clone for Started<S> {
    fn clone(&self) -> Self {
        Started {
            node: Arc::clone(&self.node),
        }
    }
}

impl<S> Default for Started<S> {
    fn default() -> Self {
        Started {
            node: Arc::default(),
        }
    }
}

impl<S> fmt::Debug for Started<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started")
            .field("has_started", &self.node.get().is_some())
            .finish_non_exhaustive()
    }
}

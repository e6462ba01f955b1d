//! Queues by name, as this node's replica of meta has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use squorum_meta::QueueKey;
use squorum_types::service::QueueInfo;

/// Queues in memory, at most.
const CACHED_MAX: usize = 16 * 1024;

/// A cache in front of the replica's rows. What meta changes is forgotten before the change is
/// acknowledged, so it is never behind the replica. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    // Held for a lookup or an insertion.
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    queues: BTreeMap<QueueKey, Arc<QueueInfo>>,
    /// Rises with everything that is forgotten.
    changes: u64,
}

/// What a lookup that was not in the cache has to show when it brings its result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missing {
    changes: u64,
}

impl Directory {
    pub(crate) fn get(&self, key: &QueueKey) -> Result<Arc<QueueInfo>, Missing> {
        let inner = self.inner.lock();
        inner.queues.get(key).cloned().ok_or(Missing {
            changes: inner.changes,
        })
    }

    /// Keeps what was read after `missing`, unless something was forgotten since: it may be old.
    pub(crate) fn insert(&self, key: QueueKey, info: &Arc<QueueInfo>, missing: Missing) {
        let mut inner = self.inner.lock();
        if inner.changes != missing.changes {
            return;
        }
        if inner.queues.len() >= CACHED_MAX {
            inner.queues.clear();
        }
        inner.queues.insert(key, Arc::clone(info));
    }

    pub(crate) fn forget(&self, key: &QueueKey) {
        let mut inner = self.inner.lock();
        inner.changes += 1;
        inner.queues.remove(key);
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.changes += 1;
        inner.queues.clear();
    }
}

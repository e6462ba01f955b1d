//! Digests of a shard's state, for comparison between replicas.
//!
//! Replicas that applied the same entries have the same digest. Those at fixed indexes can be compared
//! while entries go on.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::cluster::DigestAt;

/// Digests are kept of every index that is a multiple of this.
const INTERVAL: u64 = 1024;
const KEPT_MAX: usize = 16;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digests {
    // Held for a few instructions.
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    latest: Option<DigestAt>,
    fixed: VecDeque<DigestAt>,
}

impl Digests {
    /// Of every entry, in order, before it can be seen by readers.
    pub(crate) fn applied(&self, at: DigestAt) {
        if at.index.is_multiple_of(INTERVAL) {
            let mut inner = self.inner.lock();
            if inner.fixed.len() == KEPT_MAX {
                inner.fixed.pop_front();
            }
            inner.fixed.push_back(at);
        }
    }

    /// Of the last entry that readers can see.
    pub(crate) fn committed(&self, at: DigestAt) {
        self.inner.lock().latest = Some(at);
    }

    pub(crate) fn latest(&self) -> Option<DigestAt> {
        self.inner.lock().latest
    }

    /// At the latest fixed indexes, in order.
    pub(crate) fn fixed(&self) -> Vec<DigestAt> {
        self.inner.lock().fixed.iter().copied().collect()
    }
}

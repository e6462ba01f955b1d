use parking_lot::Mutex;
use tokio::sync::watch;

use super::Applied;
use crate::raft_types::term_index;

/// What the apply thread tells everybody else: how far the rows in the store have come.
#[derive(Debug)]
pub(crate) struct Publication {
    applied: Mutex<Applied>,
    /// Term of the last applied entry. A leader whose own term this is has applied everything that
    /// was committed before it.
    term: watch::Sender<u64>,
}

impl Publication {
    pub(crate) fn new(applied: Applied) -> Publication {
        let term = watch::Sender::new(term_of(&applied));
        Publication {
            applied: Mutex::new(applied),
            term,
        }
    }

    pub(crate) fn applied(&self) -> Applied {
        self.applied.lock().clone()
    }

    pub(crate) fn index(&self) -> Option<u64> {
        self.applied.lock().log_id.map(|id| id.index())
    }

    pub(crate) fn term(&self) -> u64 {
        *self.term.borrow()
    }

    pub(crate) fn subscribe_term(&self) -> watch::Receiver<u64> {
        self.term.subscribe()
    }

    /// The store holds this, visible to readers.
    pub(crate) fn publish(&self, applied: Applied) {
        let term = term_of(&applied);
        *self.applied.lock() = applied;
        self.term
            .send_if_modified(|current| std::mem::replace(current, term) != term);
    }
}

fn term_of(applied: &Applied) -> u64 {
    applied.log_id.as_ref().map_or(0, |id| term_index(id).0)
}

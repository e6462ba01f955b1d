use std::io;
use std::sync::Arc;

use openraft::storage::IOFlushed;
use squorum_log::LogError;

use super::SyncProgress;
use crate::raft_types::TypeConfig;

/// An append on its way to the disk. Tells both who wait for it, `apply` and openraft, exactly
/// once: a log that forgets a completion counts as failed, else openraft would wait for ever.
pub(crate) struct Flush {
    pub(crate) number: u64,
    pub(crate) progress: Arc<SyncProgress>,
    pub(crate) callback: Option<IOFlushed<TypeConfig>>,
}

impl Flush {
    pub(crate) fn complete(mut self, result: Result<(), LogError>) {
        self.report(result);
    }

    fn report(&mut self, result: Result<(), LogError>) {
        if let Some(callback) = self.callback.take() {
            self.progress.complete(self.number, &result);
            callback.io_completed(result.map_err(io::Error::other));
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.report(Err(LogError::Closed));
    }
}

//! Tests as functions, for the crates that have another kind of store: openraft's storage suite
//! over this crate's adapters, and a state to replicate.

mod held_log;
mod ledger;
mod position;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use squorum_log::{Log, OpenError, Options, RealFileSystem};
use squorum_store::Store;
use squorum_types::{GroupId, NodeId};
use tempfile::TempDir;

pub use self::held_log::HeldLog;
pub use self::ledger::{Ledger, Outcome};
pub use self::position::Position;
use crate::entry_log::LogStorage;
use crate::group::Parts;
use crate::options::GroupOptions;
use crate::raft_types::{TypeConfig, log_id};
use crate::state_machine::{StateMachine, StoredState};

/// Runs openraft's storage suite over stores from `make_store`, each of them new and empty, and a
/// real log in a temporary directory. Panics where openraft's tests do; what they return as an
/// error is answered as text.
pub async fn storage_suite<S, F>(make_store: F) -> Result<(), String>
where
    S: Store,
    F: Fn() -> S + Send + Sync + 'static,
{
    Suite::test_all(Builder(make_store))
        .await
        .map_err(|error| error.to_string())
}

/// A log with small segments, as many tests open one. The writer of a log that has just been dropped
/// may still hold the directory: it is waited for.
pub fn small_log(directory: impl Into<PathBuf>) -> Log {
    let directory = directory.into();
    let options = Options {
        segment_bytes: 1 << 20,
        spare_segments: 1,
        ..Options::default()
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match Log::open(Arc::new(RealFileSystem), &directory, options.clone()) {
            Err(OpenError::Locked) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            opened => return opened.expect("a directory that can be used"),
        }
    }
}

struct Builder<F>(F);

impl<S: Store, F: Fn() -> S + Send + Sync + 'static>
    StoreBuilder<TypeConfig, LogStorage, StateMachine, TempDir> for Builder<F>
{
    async fn build(&self) -> Result<(TempDir, LogStorage, StateMachine), StorageError<TypeConfig>> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = small_log(directory.path().join("log"));
        let scratch = directory.path().join("scratch");
        let options = GroupOptions::new(GroupId(1), NodeId(0), scratch);
        let store = (self.0)();
        let stored = StoredState::read(&store, options.group).expect("an empty store");
        let ledger = Ledger::open(&store, options.group).expect("an empty store");
        let parts = Parts::new(&options, Arc::new(log), store, ledger, stored).expect("a thread");
        // The suite purges what was never applied.
        parts.machine.log.set_durable(log_id(u64::MAX, u64::MAX));
        Ok((directory, parts.storage, parts.machine))
    }
}

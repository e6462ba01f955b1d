use openraft::storage::ApplyResponder;
use squorum_store::StoreError;
use tokio::sync::oneshot;

use crate::raft_types::{RaftEntry, TypeConfig};
use crate::snapshot::{SnapshotData, SnapshotError};

/// A committed entry and who waits for its outcome.
pub(crate) type Committed = (RaftEntry, Option<ApplyResponder<TypeConfig>>);

/// What the apply thread is asked to do, one after the other.
pub(crate) enum Job {
    Apply {
        batch: Vec<Committed>,
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    Install {
        snapshot: SnapshotData,
        done: oneshot::Sender<Result<(), SnapshotError>>,
    },
}

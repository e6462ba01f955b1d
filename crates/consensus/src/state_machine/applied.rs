use squorum_store::{StoreError, View};
use squorum_types::GroupId;

use super::keys::{applied_key, installed_key};
use crate::codec::{self, CodecError};
use crate::raft_types::{LogId, SnapshotMeta, StoredMembership};

/// How far a group's rows have come. Written in the same batch as the rows, so the two never
/// disagree, whatever a crash leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) log_id: Option<LogId>,
    pub(crate) membership: StoredMembership,
}

impl Applied {
    pub(crate) fn snapshot_meta(&self) -> SnapshotMeta {
        SnapshotMeta {
            last_log_id: self.log_id,
            last_membership: self.membership.clone(),
        }
    }
}

/// What the store holds of a group besides the replicated state's rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoredState {
    pub(crate) applied: Applied,
    /// Where the rows stood when they came from a snapshot, if they ever did. Explains a state
    /// beyond the end of the log, as long as nothing was applied since.
    pub(crate) installed: Applied,
}

impl StoredState {
    pub(crate) fn read<V: View>(view: &V, group: GroupId) -> Result<StoredState, StoreError> {
        let read = |key: &[u8]| -> Result<Applied, StoreError> {
            let Some(row) = view.get(key)? else {
                return Ok(Applied::default());
            };
            codec::decode_applied(&row).map_err(corrupt)
        };
        Ok(StoredState {
            applied: read(&applied_key(group))?,
            installed: read(&installed_key(group))?,
        })
    }
}

fn corrupt(error: CodecError) -> StoreError {
    StoreError::Corruption(error.to_string())
}

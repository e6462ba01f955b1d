use squorum_store::{StoreError, View};
use squorum_types::GroupId;

use crate::raft_types::term_index;
use crate::state_machine::{Applied, StoredState};

/// How far a group's rows have come, as they say themselves: for whoever looks at a store from
/// outside. Each is the term and index of an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    pub applied: Option<(u64, u64)>,
    /// Where the rows stood when they last came from a snapshot.
    pub installed: Option<(u64, u64)>,
}

impl Position {
    pub fn read<V: View>(view: &V, group: GroupId) -> Result<Position, StoreError> {
        let stored = StoredState::read(view, group)?;
        Ok(Position {
            applied: entry(&stored.applied),
            installed: entry(&stored.installed),
        })
    }
}

fn entry(applied: &Applied) -> Option<(u64, u64)> {
    applied.log_id.as_ref().map(term_index)
}

use std::collections::BTreeSet;

use crate::NodeId;

/// Who takes part in a Raft group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMembership {
    /// While a change is half done, those of before and after.
    pub voters: BTreeSet<NodeId>,
    /// They are sent the log and have no vote.
    pub learners: BTreeSet<NodeId>,
    /// A change is half done.
    pub is_joint: bool,
}

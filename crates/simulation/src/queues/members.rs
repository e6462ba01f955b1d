//! Who is a member of the cluster, as the machines' disks have it.

use std::collections::BTreeSet;

use squorum_meta::{MemberState, read};

use crate::machine::Machine;

/// Whether the nodes on all machines, and no others, are active members: each has everything then.
pub(super) fn are_whole(machines: &[Machine]) -> bool {
    let rosters = machines
        .iter()
        .filter_map(|machine| read::roster(&machine.store()).ok());
    let Some(roster) = rosters.max_by_key(|roster| roster.version) else {
        return false;
    };
    let nodes: BTreeSet<_> = machines.iter().map(Machine::node_id).collect();
    let is_active = |state| state == MemberState::Active;
    roster.members.iter().all(|member| is_active(member.state)) && roster.active_set() == nodes
}

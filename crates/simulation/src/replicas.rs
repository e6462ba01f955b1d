//! Looks at the replicas of groups from outside: at the same position they must have the same rows.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use squorum_consensus::testing::Position;
use squorum_consensus::{FIRST_STATE_BYTE, group_key_range};
use squorum_store::{StoreError, View, digest_range};
use squorum_types::GroupId;

use crate::Trace;
use crate::machine::Machine;
use crate::oracle::{Rule, Violation};

const LOOK_INTERVAL_MS: u64 = 500;

/// Sees all replicas of a run, twice a second.
pub(crate) struct Replicas {
    groups: Vec<GroupId>,
    /// Of each machine and group, where the rows came from a snapshot last.
    installed: BTreeMap<(usize, GroupId), (u64, u64)>,
    snapshots: u64,
    /// In which entries of the group were applied.
    terms: BTreeSet<(GroupId, u64)>,
}

/// One group on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Replica {
    /// How far the rows have come, as `squorum-consensus` writes it: equal bytes, equal position.
    applied: Bytes,
    position: Position,
    digest: u64,
}

impl Replicas {
    pub(crate) fn new(groups: impl IntoIterator<Item = GroupId>) -> Replicas {
        Replicas {
            groups: groups.into_iter().collect(),
            installed: BTreeMap::new(),
            snapshots: 0,
            terms: BTreeSet::new(),
        }
    }

    /// Whether all replicas stand at the same position now. Between two looks it says no.
    ///
    /// # Errors
    ///
    /// Replicas at one position with different rows.
    pub(crate) fn are_level(
        &mut self,
        machines: &[Machine],
        now_ms: u64,
    ) -> Result<bool, Violation> {
        if !now_ms.is_multiple_of(LOOK_INTERVAL_MS) {
            return Ok(false);
        }
        let mut is_level = true;
        for group in self.groups.clone() {
            let mut replicas = Vec::new();
            for machine in machines {
                let replica = read(machine, group)
                    .map_err(|error| Violation::new(Rule::Replicas, error.to_string()))?;
                self.note(machine.number(), group, replica.position);
                replicas.push(replica);
            }
            for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                let (a, b) = (&replicas[one], &replicas[other]);
                is_level &= a.applied == b.applied;
                if a.applied == b.applied && a.digest != b.digest {
                    let text = format!(
                        "at {now_ms} ms {group} differs between {} ({:016x}) and {} ({:016x})",
                        machines[one].name, a.digest, machines[other].name, b.digest
                    );
                    return Err(Violation::new(Rule::Replicas, text));
                }
            }
        }
        Ok(is_level)
    }

    fn note(&mut self, machine: usize, group: GroupId, position: Position) {
        if let Some((term, _)) = position.applied {
            self.terms.insert((group, term));
        }
        if let Some(installed) = position.installed
            && self.installed.insert((machine, group), installed) < Some(installed)
        {
            self.snapshots += 1;
        }
    }

    /// Chains what all replicas hold at the end.
    pub(crate) fn absorb_into(&self, trace: &Trace, machines: &[Machine]) {
        for machine in machines {
            for group in &self.groups {
                if let Ok(replica) = read(machine, *group) {
                    trace.absorb(replica.digest);
                }
            }
        }
    }

    /// What happened, as far as two looks a second show it.
    pub(crate) fn facts(&self) -> [(&'static str, u64); 2] {
        let changes = self.terms.len().saturating_sub(self.groups.len());
        [
            ("snapshots installed", self.snapshots),
            ("leader changes", changes as u64),
        ]
    }
}

fn read(machine: &Machine, group: GroupId) -> Result<Replica, StoreError> {
    let store = machine.store();
    let range = group_key_range(group);
    let first_state_key = [&range.start[..], &[FIRST_STATE_BYTE]].concat();
    let applied_key = [&range.start[..], &[0, 1]].concat();
    Ok(Replica {
        applied: store.get(&applied_key)?.unwrap_or_default(),
        position: Position::read(&store, group)?,
        digest: digest_range(&store, &first_state_key[..]..&range.end[..])?,
    })
}

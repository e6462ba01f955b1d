//! Compares the replicas of groups: at the same position they must have the same rows.

use bytes::Bytes;
use squorum_consensus::{FIRST_STATE_BYTE, group_key_range};
use squorum_store::{StoreError, View, digest_range};
use squorum_types::GroupId;

use crate::machine::Machine;
use crate::oracle::Violation;

/// One group on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    /// How far the rows have come, as `squorum-consensus` writes it: equal bytes, equal position.
    position: Bytes,
    digest: u64,
}

impl Replica {
    pub(crate) fn read(machine: &Machine, group: GroupId) -> Result<Replica, StoreError> {
        let store = machine.store();
        let range = group_key_range(group);
        let first_state_key = [&range.start[..], &[FIRST_STATE_BYTE]].concat();
        let position_key = [&range.start[..], &[0, 1]].concat();
        Ok(Replica {
            position: store.get(&position_key)?.unwrap_or_default(),
            digest: digest_range(&store, &first_state_key[..]..&range.end[..])?,
        })
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }
}

/// Whether all replicas of the groups stand at the same position, and what differs between those
/// that do.
pub(crate) fn compare(
    machines: &[Machine],
    groups: impl IntoIterator<Item = GroupId>,
) -> Result<(bool, Vec<Violation>), StoreError> {
    let (mut is_level, mut violations) = (true, Vec::new());
    for group in groups {
        let replicas = machines
            .iter()
            .map(|machine| Replica::read(machine, group))
            .collect::<Result<Vec<_>, _>>()?;
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let (a, b) = (&replicas[one], &replicas[other]);
            if a.position != b.position {
                is_level = false;
            } else if a.digest != b.digest {
                violations.push(Violation {
                    rule: "replicas",
                    text: format!(
                        "{group} differs between {} ({:016x}) and {} ({:016x})",
                        machines[one].name, a.digest, machines[other].name, b.digest
                    ),
                });
            }
        }
    }
    Ok((is_level, violations))
}

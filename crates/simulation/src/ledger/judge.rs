//! What a ledger promises.

use std::collections::BTreeMap;

use bytes::Bytes;
use squorum_consensus::group_key_range;
use squorum_store::{Cursor, View};

use super::{GROUPS, Ledgers, Proposed, Refusal, entry};
use crate::machine::Machine;
use crate::oracle::{Rule, Violation};

/// Checks what clients saw against each other, and against what the machines have at the end, when
/// all are at the same position.
pub(super) fn judge(ledgers: &Ledgers, machines: &[Machine]) -> Vec<Violation> {
    let mut violations = stale_reads(ledgers);
    for machine in machines {
        for group in 0..GROUPS.len() {
            match rows(machine, group) {
                Ok(rows) => violations.extend(against(ledgers, group, &rows, machine.name)),
                Err(error) => violations.push(Violation {
                    rule: Rule::Replicas,
                    text: error,
                }),
            }
        }
    }
    violations.truncate(20);
    violations
}

/// A read that began after an entry was acknowledged has that entry.
fn stale_reads(ledgers: &Ledgers) -> Vec<Violation> {
    let stale = ledgers.reads.iter().filter_map(|read| {
        let missed = ledgers.proposals.iter().find(|proposed| {
            proposed.group == read.group
                && proposed.ended_ms < read.began_ms
                && proposed
                    .result
                    .is_ok_and(|outcome| outcome.index > read.index)
        })?;
        Some(Violation {
            rule: if read.is_local {
                Rule::StaleLocalRead
            } else {
                Rule::StaleQuorumRead
            },
            text: format!(
                "group {} was said to be at {} at {} ms, {:?} was acknowledged at {} ms",
                read.group, read.index, read.ended_ms, missed.result, missed.ended_ms
            ),
        })
    });
    stale.collect()
}

/// The entries that a machine has, by index.
fn rows(machine: &Machine, group: usize) -> Result<BTreeMap<u64, Bytes>, String> {
    let range = group_key_range(GROUPS[group]);
    // Table 1 of a ledger: see `squorum_consensus::testing::Ledger`.
    let start = [&range.start[..], &[squorum_consensus::FIRST_STATE_BYTE + 1]].concat();
    let store = machine.store();
    let mut rows = BTreeMap::new();
    let mut cursor = store
        .scan(&start[..]..&range.end[..])
        .map_err(|error| error.to_string())?;
    while let Some((key, value)) = cursor.next().map_err(|error| error.to_string())? {
        let index = key
            .last_chunk()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes));
        rows.insert(index, Bytes::copy_from_slice(value));
    }
    Ok(rows)
}

fn against(
    ledgers: &Ledgers,
    group: usize,
    rows: &BTreeMap<u64, Bytes>,
    machine: &str,
) -> Vec<Violation> {
    let mut counts: BTreeMap<&Bytes, u64> = BTreeMap::new();
    for row in rows.values() {
        *counts.entry(row).or_default() += 1;
    }
    let of_group = ledgers.proposals.iter().filter(|p| p.group == group);
    let wrong = of_group.filter_map(|proposed: &Proposed| {
        let body = entry(proposed.number);
        let count = counts.get(&body).copied().unwrap_or(0);
        let (rule, what) = match proposed.result {
            Ok(outcome) if rows.get(&outcome.index) != Some(&body) => (Rule::Lost, "is not there"),
            Ok(_) if count != 1 => (Rule::Duplicated, "is there more than once"),
            Err(Refusal::Nowhere) if count > 0 => (Rule::Invented, "was refused and is there"),
            Err(Refusal::Unknown) if count > 1 => (Rule::Duplicated, "is there more than once"),
            _ => return None,
        };
        Some(Violation {
            rule,
            text: format!(
                "{machine}, group {group}: entry {} ({} to {} ms, {:?}) {what}",
                proposed.number, proposed.began_ms, proposed.ended_ms, proposed.result
            ),
        })
    });
    wrong.collect()
}

//! Random operations that a Raft group could submit.

use bytes::Bytes;

use super::model::{Act, Model};
use crate::sim::Random;
use crate::{Entry, GroupId, LogId};

const GROUPS: u64 = 5;

/// The acts of one operation: several only for an append.
pub(super) fn operation(random: &mut Random, now: &Model, payload_max: u64) -> Vec<Act> {
    let group = GroupId(random.below(GROUPS) as u32);
    match random.below(100) {
        0..60 => append(random, now, group, payload_max),
        60..70 => {
            let length = 1 + random.below(crate::Options::VOTE_BYTES_MAX as u64);
            vec![Act::Vote(group, bytes(random, length))]
        }
        70..77 => committed(now, group),
        77..84 => truncate(random, now, group),
        _ => purge(random, now, group),
    }
}

fn bytes(random: &mut Random, length: u64) -> Bytes {
    let mut stream = Random::new(random.next_u64());
    let mut bytes = Vec::with_capacity(length as usize + 8);
    while bytes.len() < length as usize {
        bytes.extend(stream.next_u64().to_le_bytes());
    }
    bytes.truncate(length as usize);
    Bytes::from(bytes)
}

fn append(random: &mut Random, now: &Model, group: GroupId, payload_max: u64) -> Vec<Act> {
    let known = now.get(group);
    let last = known.last();
    let first = last.map_or_else(|| random.below(3), |last| last.index + 1);
    let mut term = last.map_or(1, |last| last.term);
    let mut acts = Vec::new();
    for index in first..first + 1 + random.below(4) {
        term += u64::from(random.percent(5));
        let length = match random.below(20) {
            0 => 0,
            1 => random.below(payload_max + 1),
            2..6 => random.below(3_000),
            _ => random.below(400),
        };
        let payload = bytes(random, length.min(payload_max));
        acts.push(Act::Append(
            group,
            Entry {
                id: LogId { term, index },
                payload,
            },
        ));
    }
    acts
}

fn committed(now: &Model, group: GroupId) -> Vec<Act> {
    now.get(group)
        .last()
        .map(|last| Act::Committed(group, last))
        .into_iter()
        .collect()
}

fn truncate(random: &mut Random, now: &Model, group: GroupId) -> Vec<Act> {
    let known = now.get(group);
    let ids: Vec<LogId> = known.entries.values().map(|entry| entry.id).collect();
    let kept = match ids.len() as u64 {
        0 => known.purged,
        _ if random.percent(10) => None,
        count => Some(ids[(count - 1 - random.below(count.min(6))) as usize]),
    };
    vec![Act::TruncateAfter(group, kept)]
}

fn purge(random: &mut Random, now: &Model, group: GroupId) -> Vec<Act> {
    let known = now.get(group);
    let Some(last) = known.last() else {
        return Vec::new();
    };
    if random.percent(5) {
        let index = last.index + random.below(4);
        return vec![Act::Purge(
            group,
            LogId {
                term: last.term,
                index,
            },
        )];
    }
    let ids: Vec<LogId> = known.entries.values().map(|entry| entry.id).collect();
    match ids.len() as u64 {
        0 => Vec::new(),
        count => vec![Act::Purge(group, ids[random.below(count) as usize])],
    }
}

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_proto::queue::{Command, Delete, Entry, OpenSession, Refusal, SessionBatch};
use squorum_queue::{CommandOutcome, Limits, Shard};
use squorum_store::memory::MemoryStore;
use squorum_store::{Overlay, Store};
use squorum_types::{PartitionId, QueueId, ShardId};

use super::*;

#[test]
fn acknowledges_exactly_what_is_not_open() {
    let mut numbers = Numbers::new(7);
    let nothing = |below| Acknowledgement {
        below,
        ranges: Vec::new(),
    };
    assert_eq!(numbers.acknowledgement(), nothing(1));
    for expected in 1..=9 {
        assert_eq!(numbers.open(), expected);
    }
    for number in [1, 2, 4, 5, 7] {
        numbers.close(number);
    }
    let ranges = vec![
        NumberRange { first: 4, last: 5 },
        NumberRange { first: 7, last: 7 },
    ];
    let both = Acknowledgement { below: 3, ranges };
    assert_eq!(numbers.acknowledgement(), both);
    for number in [3, 6, 8, 9] {
        numbers.close(number);
    }
    assert_eq!(numbers.acknowledgement(), nothing(10));
}

#[test]
fn what_was_heard_is_not_sent_again_and_what_was_lost_is() {
    let mut numbers = Numbers::new(7);
    (0..9).for_each(|_| _ = numbers.open());
    numbers.close(3);
    numbers.close(5);
    let first = numbers.acknowledgement();
    assert_eq!(first.ranges.len(), 2);
    // It is lost, or under way still.
    assert_eq!(numbers.acknowledgement(), first);
    // Meanwhile a range has grown: that it was heard as it was says little.
    numbers.close(6);
    numbers.acknowledged(&first);
    let second = numbers.acknowledgement();
    assert_eq!(second.ranges, [NumberRange { first: 5, last: 6 }]);
    numbers.acknowledged(&second);
    assert_eq!(numbers.acknowledgement().ranges, []);
    // Two ranges become one.
    numbers.close(4);
    let third = numbers.acknowledgement();
    assert_eq!(third.ranges, [NumberRange { first: 3, last: 6 }]);
    numbers.acknowledged(&third);
    // The last one ends where the next number begins.
    numbers.close(9);
    let fourth = numbers.acknowledgement();
    assert_eq!(fourth.ranges, [NumberRange { first: 9, last: 9 }]);
    assert_eq!(numbers.open(), 10);
    numbers.acknowledged(&fourth);
    assert_eq!(numbers.acknowledgement().ranges, []);
    assert_eq!(numbers.acknowledgement().below, 1);
}

#[test]
fn every_range_has_its_turn() {
    let mut numbers = Numbers::new(7);
    let count = 3 * RANGES_MAX as u64 + 10;
    for number in 1..=2 * count {
        assert_eq!(numbers.open(), number);
    }
    for number in 1..=count {
        numbers.close(2 * number);
    }
    // None is heard of, and each comes again and again all the same.
    for _ in 0..3 {
        let mut sent = BTreeSet::new();
        for _ in 0..4 {
            let acknowledgement = numbers.acknowledgement();
            assert_eq!(acknowledgement.ranges.len(), RANGES_MAX);
            assert!(acknowledgement.ranges.is_sorted_by_key(|range| range.first));
            sent.extend(acknowledgement.ranges.iter().map(|range| range.first));
        }
        assert_eq!(sent, (1..=count).map(|number| 2 * number).collect());
    }
}

/// A shard, and a gateway's session with it.
struct World {
    store: MemoryStore,
    shard: Shard,
    numbers: Numbers,
}

impl World {
    fn new() -> World {
        let store = MemoryStore::new();
        let shard = Shard::open(&store, ShardId(1), Limits::default()).unwrap();
        let mut world = World {
            store,
            shard,
            numbers: Numbers::new(7),
        };
        let opens = world.numbers.open();
        world.submit(vec![(opens, Operation::OpenSession(OpenSession {}))], false);
        world.numbers.close(opens);
        world
    }

    /// Applies a batch of deletes, and hears of it unless its answer is lost.
    fn delete(&mut self, numbers: &[u64], lost: bool) -> Vec<CommandOutcome> {
        let partition = PartitionId {
            queue: QueueId(1),
            index: 0,
        };
        let delete = Delete {
            partition: Some(partition.into()),
            version: 1,
            deliveries: Vec::new(),
        };
        let deletes = numbers.iter();
        let deletes = deletes.map(|number| (*number, Operation::Delete(delete.clone())));
        self.submit(deletes.collect(), lost)
    }

    fn submit(&mut self, commands: Vec<(u64, Operation)>, lost: bool) -> Vec<CommandOutcome> {
        let acknowledgement = self.numbers.acknowledgement();
        let commands = commands.into_iter().map(|(number, operation)| Command {
            number,
            operation: Some(operation),
        });
        let batch = SessionBatch {
            session: self.numbers.session,
            acknowledged_below: acknowledgement.below,
            acknowledged: acknowledgement.ranges.clone(),
            commands: commands.collect(),
        };
        let entry = Entry {
            now_ms: 1_700_000_000_000,
            first_stamp: true,
            batches: vec![batch],
        };
        if lost {
            return Vec::new();
        }
        let mut overlay = Overlay::new(&self.store);
        let applied = self.shard.apply(&mut overlay, &entry, true).unwrap();
        let batch = overlay.into_batch();
        self.store.commit(batch).unwrap();
        self.numbers.acknowledged(&acknowledgement);
        applied.outcomes
    }
}

fn is_refused_as(outcome: &CommandOutcome, refusal: Refusal) -> bool {
    matches!(&outcome.outcome.kind, Some(Kind::Refused(refused)) if refused.refusal() == refusal)
}

/// Numbers that stay open, as those of answers that slow clients still read, each beside others that
/// do not: as many ranges as there can be. Some batches are given up, their acknowledgements with
/// them.
#[test]
fn open_numbers_do_not_fill_the_window_of_a_shard() {
    for stay_open in [1_000, 4_000] {
        let mut world = World::new();
        let mut open = BTreeSet::new();
        let mut passed = 0;
        for round in 0.. {
            let batch: Vec<u64> = (0..100).map(|_| world.numbers.open()).collect();
            let outcomes = world.delete(&batch, round % 7 == 3);
            for outcome in &outcomes {
                let full = is_refused_as(outcome, Refusal::WindowFull);
                assert!(!full, "after {passed} with {} open", open.len());
            }
            for number in batch {
                if open.len() < stay_open && number % 2 == 0 {
                    open.insert(number);
                } else {
                    world.numbers.close(number);
                    passed += 1;
                }
            }
            if passed >= 100_000 {
                break;
            }
        }
        // The shard has let go of nothing that is open.
        let first = *open.first().unwrap();
        let again = world.delete(&[first], false);
        assert!(is_refused_as(&again[0], Refusal::VersionUnknown));
        // And what is closed does not come back.
        let closed = world.delete(&[first + 1], false);
        assert!(is_refused_as(&closed[0], Refusal::Session));
    }
}

//! A gateway that has very many answers under way acknowledges in pieces, from anywhere.

use squorum_proto::queue as proto;
use squorum_proto::queue::command::Operation;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::Limits;

use crate::replica::Replica;

const OPEN: u64 = 4_000;

/// Applies a batch, and answers which refusal its last command got.
fn apply(
    replica: &mut Replica,
    numbers: impl IntoIterator<Item = u64>,
    acknowledged: &[u64],
) -> Option<proto::Refusal> {
    let commands = numbers.into_iter().map(|number| proto::Command {
        number,
        operation: Some(match number {
            1 => Operation::OpenSession(proto::OpenSession {}),
            _ => Operation::Purge(proto::Purge::default()),
        }),
    });
    let ranges = acknowledged.iter().map(|&number| proto::NumberRange {
        first: number,
        last: number,
    });
    let entry = proto::Entry {
        now_ms: 1_700_000_000_000,
        first_stamp: true,
        batches: vec![proto::SessionBatch {
            session: 5,
            acknowledged_below: 1,
            acknowledged: ranges.collect(),
            commands: commands.collect(),
        }],
    };
    let mut applied = replica.apply([(&entry, false)]);
    let outcome = applied.pop()?.0.outcomes.pop()?;
    match outcome.outcome.kind {
        Some(Kind::Refused(refused)) => Some(refused.refusal()),
        _ => None,
    }
}

#[test]
fn no_acknowledgement_is_passed_over() {
    let mut replica = Replica::new(Limits::default());
    apply(&mut replica, 1..=2 * OPEN, &[]);
    // Every second one, the highest first.
    let closed: Vec<u64> = (1..=OPEN).rev().map(|number| 2 * number).collect();
    for piece in closed.chunks(300) {
        apply(&mut replica, [], piece);
    }
    replica.restart();
    for number in &closed {
        let refused = apply(&mut replica, [*number], &[]);
        assert_eq!(refused, Some(proto::Refusal::Session), "{number}");
    }
    // There is room for as many outcomes as were acknowledged.
    let room = 8_192 - OPEN;
    let next = 2 * OPEN + 1;
    let last = apply(&mut replica, next..next + room, &[]);
    assert_ne!(last, Some(proto::Refusal::WindowFull));
    let beyond = apply(&mut replica, [next + room], &[]);
    assert_eq!(beyond, Some(proto::Refusal::WindowFull));
}

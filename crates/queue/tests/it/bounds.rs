//! What one entry may cost, whatever the size of bodies and the length of gaps.

use squorum_proto::queue as proto;
use squorum_proto::queue::outcome::Kind;
use squorum_queue::CommandOutcome;

use crate::story::{RETENTION_MS, Story, receive};

const NOBODY: u32 = 0;
const BODY_BYTES: usize = 1_000;

fn body() -> bytes::Bytes {
    vec![7; BODY_BYTES].into()
}

fn given(outcome: &CommandOutcome) -> usize {
    match &outcome.outcome.kind {
        Some(Kind::Received(received)) => received.messages.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn receives_beyond_the_bound_of_an_answer_bring_their_bodies_when_asked_again() {
    let bytes = |limits: &mut squorum_queue::Limits| limits.answer_bytes = 15 * BODY_BYTES;
    let mut story = Story::with(bytes, proto::QueueSettings::default());
    story.send_of(NOBODY, body(), 25);
    let outcomes = story.run_together(vec![receive(10, 30_000); 4]);
    let told = |outcomes: &[CommandOutcome]| -> Vec<_> {
        let told = outcomes.iter();
        told.map(|one| (given(one), one.messages.len(), one.left_out))
            .collect()
    };
    // The second one is the last with bodies; the fourth found nothing, so nothing is left out.
    let expected = [
        (10, 10, false),
        (10, 10, false),
        (5, 0, true),
        (0, 0, false),
    ];
    assert_eq!(told(&outcomes), expected);

    let third = proto::Command {
        number: outcomes[2].number,
        operation: Some(receive(10, 30_000)),
    };
    let again = story.run_all(vec![third]);
    assert_eq!(told(&again), [(5, 5, false)]);
    assert_eq!(again[0].outcome, outcomes[2].outcome, "it ran once");
}

fn dead_letters() -> proto::QueueSettings {
    let target = proto::TransferTarget {
        queue: 9,
        partition_count: 1,
        shard_count: 1,
    };
    proto::QueueSettings {
        dead_letters: Some(proto::DeadLetters {
            target: Some(target),
            receives_max: 1,
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Messages that were received too often, with bodies whose sum no entry may carry.
#[test]
fn few_bodies_leave_in_one_entry() {
    for tenant in [NOBODY, 5] {
        let bytes = |limits: &mut squorum_queue::Limits| limits.moved_bytes_max = 20 * BODY_BYTES;
        let mut story = Story::with(bytes, dead_letters());
        story.send_of(tenant, body(), 60);
        for _ in 0..6 {
            assert_eq!(story.receive(10, 1_000).0.len(), 10);
        }
        story.now_ms += 1_000;
        story.send_of(tenant, body(), 5);
        for left in [20, 40, 60] {
            // None is handed out a second time, and what is fresh waits for its turn.
            let outcomes = story.run_together(vec![receive(10, 1_000); 3]);
            let fresh = outcomes.iter().map(given).sum::<usize>();
            assert_eq!(story.replica.shard.transfers_waiting(), left);
            assert_eq!(fresh, if left == 60 { 5 } else { 0 }, "tenant {tenant}");
        }
    }
}

/// A message that nobody deletes expires; behind it lie more positions deleted long ago than one entry
/// passes. What was sent since is handed out all the same.
#[test]
fn a_long_gap_behind_an_expired_head_holds_nothing_up() {
    for (fifo, tenant) in [(true, NOBODY), (false, NOBODY), (false, 5)] {
        let step = |limits: &mut squorum_queue::Limits| limits.step_budget = 8;
        let settings = proto::QueueSettings {
            fifo,
            ..Default::default()
        };
        let mut story = Story::with(step, settings);
        story.send_in(tenant, "stuck", 1);
        assert_eq!(story.receive(1, 3_600_000 * 12).0.len(), 1);
        for _ in 0..30 {
            story.send_in(tenant, "flows", 10);
            let (_, deliveries) = story.receive(10, 30_000);
            assert_eq!(deliveries.len(), 10);
            story.delete(deliveries);
        }
        story.send_in(tenant, "late", 5);
        story.now_ms += RETENTION_MS - 1_000;
        story.send_in(tenant, "flows", 3);
        story.now_ms += 1_000;
        let (_, deliveries) = story.receive(10, 30_000);
        assert_eq!(
            deliveries.len(),
            3,
            "those that are not expired, fifo {fifo}"
        );
        for _ in 0..60 {
            assert_eq!(
                story.receive(10, 30_000).0.len(),
                0,
                "each once, none expired"
            );
        }
    }
}

/// The story's own session is the first; there is room for two, and ten minutes make a third.
#[test]
fn in_a_full_house_the_session_that_was_silent_for_longest_makes_room() {
    let mut story = Story::begin();
    story.now_ms += 1;
    assert!(story.opens(2));
    assert!(!story.opens(3));
    story.now_ms += 599_998;
    assert!(!story.opens(3), "a millisecond early");
    story.now_ms += 1;
    assert!(story.opens(3), "in the place of the first");
    assert!(story.opens(2), "still there");
    assert!(!story.opens(1));
}

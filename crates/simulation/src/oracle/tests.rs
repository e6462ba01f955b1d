//! Each rule: a history that breaks it, and the same with the doubt that excuses it.

use squorum_types::MessageId;

use super::*;
use crate::history::{
    CallNumber, Changed, Counted, During, FoundNothing, ReceiveUnknown, SendOutcome, Sent, Tag,
};

const RULES: Rules = Rules {
    clock_skew_ms: 20,
    find_ms: 500,
    visibility_timeout_ms_max: 2_000,
    is_drained: true,
};

fn during(began_ms: u64) -> During {
    let ended_ms = began_ms + 10;
    During { began_ms, ended_ms }
}

fn id(number: u64) -> MessageId {
    MessageId(u128::from(number).to_be_bytes())
}

fn sent(tag: u64, at_ms: u64, group: Option<&str>) -> Sent {
    let sequence = group.map(|_| u128::from(tag));
    Sent {
        queue: 0,
        tag: Tag(tag),
        group: group.map(str::to_owned),
        during: during(at_ms),
        outcome: SendOutcome::Acknowledged {
            id: id(tag),
            sequence,
        },
    }
}

/// Call `call` gives message `tag` alone.
fn received(tag: u64, call: u64, at_ms: u64, group: Option<&str>) -> Received {
    Received {
        queue: 0,
        origin: 0,
        tag: Tag(tag),
        id: id(tag),
        handle: format!("{tag}-{call}"),
        group: group.map(str::to_owned),
        sequence: group.map(|_| u128::from(tag)),
        call: CallNumber(call),
        place: 0,
        during: during(at_ms),
        visibility_timeout_ms: 2_000,
    }
}

fn changed(of: &Received, at_ms: u64, change: Change, outcome: ChangeOutcome) -> Changed {
    Changed {
        handle: of.handle.clone(),
        change,
        during: during(at_ms),
        outcome,
    }
}

fn deleted(of: &Received, at_ms: u64) -> Changed {
    changed(of, at_ms, Change::Delete, ChangeOutcome::Done)
}

fn history(sends: Vec<Sent>, receives: Vec<Received>, changes: Vec<Changed>) -> History {
    History {
        sends,
        receives,
        changes,
        ..History::default()
    }
}

/// The rules that the history breaks.
fn broken(history: &History) -> Vec<Rule> {
    let mut rules: Vec<_> = judge(history, &RULES).iter().map(|v| v.rule).collect();
    rules.dedup();
    rules
}

const NONE: [Rule; 0] = [];

#[test]
fn a_message_that_is_sent_received_and_deleted_is_right() {
    for group in [None, Some("a")] {
        let first = received(1, 1, 100, group);
        let delete = deleted(&first, 200);
        assert_eq!(
            broken(&history(vec![sent(1, 0, group)], vec![first], vec![delete])),
            NONE
        );
    }
}

#[test]
fn what_was_acknowledged_or_seen_is_not_lost() {
    let mut history = history(vec![sent(1, 0, None)], vec![], vec![]);
    assert_eq!(broken(&history), [Rule::Lost]);
    history.sends[0].outcome = SendOutcome::Unknown;
    assert_eq!(broken(&history), NONE);
    let first = received(1, 1, 100, None);
    history.receives.push(first.clone());
    assert_eq!(broken(&history), [Rule::Lost]);
    let unknown = changed(&first, 200, Change::Delete, ChangeOutcome::Unknown);
    history.changes.push(unknown);
    assert_eq!(broken(&history), NONE);
    history.changes[0].outcome = ChangeOutcome::Refused;
    assert_eq!(broken(&history), [Rule::Lost]);
}

#[test]
fn nothing_comes_that_was_not_sent() {
    let first = received(1, 1, 100, None);
    let delete = deleted(&first, 200);
    let mut history = history(vec![], vec![first], vec![delete]);
    assert_eq!(broken(&history), [Rule::Invented]);
    history.sends.push(Sent {
        outcome: SendOutcome::Refused,
        ..sent(1, 0, None)
    });
    assert_eq!(broken(&history), [Rule::Invented]);
    history.sends[0].outcome = SendOutcome::Unknown;
    assert_eq!(broken(&history), NONE);
}

#[test]
fn sends_of_one_deduplication_id_are_one_message() {
    let first = received(1, 1, 100, Some("a"));
    let delete = deleted(&first, 200);
    let again = sent(1, 300, Some("a"));
    let sends = vec![sent(1, 0, Some("a")), again];
    let mut history = history(sends, vec![first], vec![delete]);
    assert_eq!(broken(&history), NONE);
    history.sends[1].outcome = SendOutcome::Acknowledged {
        id: id(9),
        sequence: Some(9),
    };
    assert_eq!(broken(&history), [Rule::Duplicated]);
}

#[test]
fn deleted_messages_stay_away() {
    let (first, second) = (received(1, 1, 100, None), received(1, 2, 3_000, None));
    let delete = deleted(&first, 200);
    let mut history = history(
        vec![sent(1, 0, None)],
        vec![first.clone(), second],
        vec![delete],
    );
    assert_eq!(broken(&history), [Rule::Returned]);
    history.changes[0] = changed(&first, 200, Change::Delete, ChangeOutcome::Unknown);
    assert_eq!(broken(&history), NONE);
    history.changes[0] = deleted(&first, 3_005);
    assert_eq!(broken(&history), NONE);
}

#[test]
fn a_message_is_with_one_consumer_at_a_time() {
    let (first, second) = (received(1, 1, 100, None), received(1, 2, 2_050, None));
    let delete = deleted(&second, 2_200);
    let mut history = history(
        vec![sent(1, 0, None)],
        vec![first.clone(), second],
        vec![delete],
    );
    assert_eq!(broken(&history), [Rule::Early]);
    history.receives[1].during = during(2_070);
    assert_eq!(broken(&history), NONE);

    // A change of the timeout that was made counts in full, one that may have been made excuses.
    let longer = Change::VisibilityTimeout { ms: 5_000 };
    let change = changed(&first, 500, longer, ChangeOutcome::Done);
    history.changes.push(change);
    assert_eq!(broken(&history), [Rule::Early]);
    history.changes[1].outcome = ChangeOutcome::Unknown;
    assert_eq!(broken(&history), NONE);
    history.receives[1].during = during(600);
    assert_eq!(broken(&history), [Rule::Early]);
    history.changes[1].change = Change::VisibilityTimeout { ms: 0 };
    assert_eq!(broken(&history), NONE);
}

#[test]
fn calls_that_overlap_may_be_answered_in_either_order() {
    // The first call waits until the delivery to the second one is over.
    let (mut first, second) = (received(1, 1, 100, None), received(1, 2, 500, None));
    first.during.ended_ms = 2_600;
    let delete = deleted(&first, 2_700);
    let history = history(vec![sent(1, 0, None)], vec![first, second], vec![delete]);
    assert_eq!(broken(&history), NONE);
}

#[test]
fn two_calls_do_not_share_a_delivery() {
    let first = received(1, 1, 100, None);
    let mut second = received(1, 2, 2_500, None);
    second.handle.clone_from(&first.handle);
    let delete = deleted(&first, 2_600);
    let mut history = history(vec![sent(1, 0, None)], vec![first, second], vec![delete]);
    assert_eq!(broken(&history), [Rule::Early]);
    // The same call, made again.
    history.receives[1].call = CallNumber(1);
    assert_eq!(broken(&history), NONE);
}

#[test]
fn a_group_is_numbered_in_the_order_of_its_sends() {
    let (first, second) = (
        received(2, 1, 400, Some("a")),
        received(1, 2, 300, Some("a")),
    );
    let deletes = vec![deleted(&first, 500), deleted(&second, 350)];
    let sends = vec![sent(2, 0, Some("a")), sent(1, 100, Some("a"))];
    let mut history = history(sends, vec![first, second], deletes);
    assert_eq!(broken(&history), [Rule::Order]);
    history.sends[1].during.began_ms = 5;
    assert_eq!(broken(&history), NONE);
}

#[test]
fn a_group_comes_in_order() {
    let group = Some("a");
    let (first, second) = (received(1, 1, 400, group), received(2, 2, 300, group));
    let deletes = vec![deleted(&first, 500), deleted(&second, 350)];
    let sends = vec![sent(1, 0, group), sent(2, 100, group)];
    let mut history = history(sends, vec![first, second], deletes);
    assert_eq!(broken(&history), [Rule::Order]);
    // In one answer, the first one first.
    history.receives[0].call = CallNumber(2);
    history.receives[0].during = during(300);
    history.receives[1].place = 1;
    assert_eq!(broken(&history), NONE);
    history.receives[0].place = 2;
    assert_eq!(broken(&history), [Rule::Order]);
    // Nobody knows whether the first one existed.
    history.receives.remove(0);
    history.sends[0].outcome = SendOutcome::Unknown;
    assert_eq!(broken(&history), NONE);
}

#[test]
fn nothing_is_said_only_where_nothing_is() {
    let first = received(1, 1, 1_000, None);
    let delete = deleted(&first, 1_100);
    let mut history = history(vec![sent(1, 0, None)], vec![first], vec![delete]);
    let nothing = FoundNothing {
        queue: 0,
        during: during(100),
    };
    history.found_nothing.push(nothing);
    assert_eq!(broken(&history), [Rule::Hidden]);
    history.found_nothing[0].during = during(5);
    assert_eq!(broken(&history), NONE);
    // A call that waited has to find what came while it did.
    history.found_nothing[0].during.ended_ms = 800;
    assert_eq!(broken(&history), [Rule::Hidden]);
    let unknown = ReceiveUnknown {
        queue: 0,
        during: during(50),
    };
    history.unknown_receives.push(unknown);
    assert_eq!(broken(&history), NONE);
}

#[test]
fn counters_count() {
    let first = received(1, 1, 1_000, None);
    let delete = deleted(&first, 1_100);
    let mut history = history(vec![sent(1, 100, None)], vec![first], vec![delete]);
    let allowed = |history: &mut History, at_ms| {
        let allows = |messages| {
            let during = during(at_ms);
            history.counts = vec![Counted {
                queue: 0,
                messages,
                during,
            }];
            broken(history) == NONE
        };
        [0, 1, 2].map(allows)
    };
    assert_eq!(allowed(&mut history, 50), [true, false, false]);
    assert_eq!(allowed(&mut history, 105), [true, true, false]);
    assert_eq!(allowed(&mut history, 200), [false, true, false]);
    assert_eq!(allowed(&mut history, 1_095), [true, true, false]);
    assert_eq!(allowed(&mut history, 1_200), [true, false, false]);
}

#[test]
fn a_dead_letter_is_its_message_still() {
    let group = Some("a");
    let (first, mut dead) = (received(1, 1, 100, group), received(1, 2, 2_500, group));
    (dead.queue, dead.sequence) = (7, Some(99));
    let next = received(2, 3, 2_200, group);
    let deletes = vec![deleted(&dead, 2_600), deleted(&next, 2_300)];
    let sends = vec![sent(1, 0, group), sent(2, 50, group)];
    let mut history = history(sends, vec![first, next, dead], deletes);
    history.mortal = [0].into();
    assert_eq!(broken(&history), NONE);
    // Moved while somebody had it.
    history.receives[2].during = during(1_000);
    assert_eq!(broken(&history), [Rule::Early]);
    // In both queues.
    history.receives[2].during = during(2_500);
    history.receives.push(received(1, 4, 5_000, group));
    assert_eq!(broken(&history), [Rule::Returned]);
    // A delete that came too late for the first handle ended nothing.
    history.receives.pop();
    let late = deleted(&history.receives[0], 2_450);
    history.changes.push(late);
    assert_eq!(broken(&history), NONE);
    history.mortal.clear();
    assert_eq!(broken(&history), [Rule::Returned]);
}

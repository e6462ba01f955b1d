#![allow(clippy::unwrap_used)]

use super::*;

const SIZE: usize = 64;
const VISIBILITY: Duration = Duration::from_secs(30);

fn ledger(is_fifo: bool) -> Ledger {
    Ledger::new(LedgerOptions {
        own_run: Some(1),
        sends_only: false,
        is_fifo,
        size: SIZE,
        visibility_timeout: VISIBILITY,
    })
}

fn tag(run: u32, number: u64) -> Tag {
    Tag {
        run,
        group: number % 2,
        number,
        due_us: 0,
    }
}

fn body(tag: Tag) -> Vec<u8> {
    let mut body = vec![FILLER; SIZE];
    tag.write(&mut body);
    body
}

/// Receives and deletes at once.
fn consume(ledger: &mut Ledger, number: u64) {
    let now = Instant::now();
    let tag = ledger.receive(&body(tag(1, number)), now, now);
    assert!(tag.is_some());
    ledger.delete(tag);
}

fn sent(is_fifo: bool, messages: u64) -> Ledger {
    let mut ledger = ledger(is_fifo);
    (0..messages).for_each(|number| ledger.acknowledge(&tag(1, number)));
    ledger
}

#[test]
fn a_clean_run_has_nothing_to_report() {
    let mut ledger = sent(true, 1_000);
    (0..1_000).for_each(|number| consume(&mut ledger, number));
    let wrong = (
        ledger.duplicates,
        ledger.disordered,
        ledger.damaged,
        ledger.foreign,
    );
    assert_eq!((ledger.lost(None), wrong), (0, (0, 0, 0, 0)));
    assert_eq!((ledger.outstanding_count, ledger.in_flight.len()), (0, 0));
}

#[test]
fn lost_messages_are_counted_and_stay_outstanding() {
    let mut ledger = sent(false, 200);
    (0..200)
        .filter(|number| ![0, 70].contains(number))
        .for_each(|number| consume(&mut ledger, number));
    assert_eq!((ledger.lost(None), ledger.outstanding_count), (2, 2));
    assert_eq!(ledger.lost(Some(300)), 102);
}

#[test]
fn a_message_that_comes_after_its_delete_is_a_duplicate() {
    let mut ledger = sent(true, 200);
    (0..200).for_each(|number| consume(&mut ledger, number));
    consume(&mut ledger, 0);
    consume(&mut ledger, 199);
    assert_eq!((ledger.duplicates, ledger.disordered), (2, 0));
}

#[test]
fn a_message_in_flight_may_come_again_after_its_visibility_timeout_only() {
    let mut ledger = sent(false, 2);
    let start = Instant::now();
    let later = |seconds| start + Duration::from_secs(seconds);
    for number in [0, 1] {
        ledger.receive(&body(tag(1, number)), start, start);
    }
    ledger.receive(&body(tag(1, 0)), later(29), later(29));
    assert_eq!((ledger.duplicates, ledger.redelivered), (1, 0));
    ledger.receive(&body(tag(1, 1)), later(30), later(30));
    assert_eq!((ledger.duplicates, ledger.redelivered), (1, 1));
}

#[test]
fn a_send_of_unknown_outcome_excuses_its_double_in_a_standard_queue() {
    for (is_fifo, expected) in [(false, (0, 1)), (true, (1, 0))] {
        let mut ledger = ledger(is_fifo);
        ledger.resend(&tag(1, 0));
        ledger.acknowledge(&tag(1, 0));
        consume(&mut ledger, 0);
        consume(&mut ledger, 0);
        assert_eq!((ledger.duplicates, ledger.resent_duplicates), expected);
    }
}

#[test]
fn order_is_that_within_a_group() {
    let mut ledger = sent(true, 6);
    [1, 0, 4, 2, 3, 5]
        .into_iter()
        .for_each(|number| consume(&mut ledger, number));
    assert_eq!(ledger.disordered, 1, "2 came after 4");
    let mut ledger = sent(false, 6);
    [4, 2]
        .into_iter()
        .for_each(|number| consume(&mut ledger, number));
    assert_eq!(ledger.disordered, 0, "a standard queue has no order");
}

#[test]
fn damage_and_strangers_are_told_apart() {
    let mut ledger = sent(false, 2);
    let now = Instant::now();
    let mut broken = body(tag(1, 0));
    broken[SIZE - 1] = b'y';
    assert!(ledger.receive(&broken, now, now).is_some());
    assert!(
        ledger
            .receive(&body(tag(1, 1))[..SIZE - 1], now, now)
            .is_some()
    );
    assert!(ledger.receive(&body(tag(2, 0)), now, now).is_none());
    assert!(ledger.receive(b"hello", now, now).is_none());
    assert_eq!((ledger.damaged, ledger.foreign), (2, 2));
}

#[test]
fn a_message_may_arrive_before_its_send_is_answered() {
    let mut ledger = ledger(true);
    consume(&mut ledger, 0);
    ledger.acknowledge(&tag(1, 0));
    assert_eq!((ledger.outstanding_count, ledger.lost(None)), (0, 0));
}

#[test]
fn a_drain_accounts_for_several_runs_but_not_for_any_number() {
    let mut ledger = ledger(true);
    ledger.options.own_run = None;
    let now = Instant::now();
    for run in 0..20 {
        for number in [0, 2, 4, 0] {
            ledger.receive(&body(tag(run, number)), now, now);
        }
    }
    assert_eq!((ledger.received_count, ledger.duplicates), (48, 16));
    assert_eq!((ledger.foreign, ledger.disordered), (16, 0));
}

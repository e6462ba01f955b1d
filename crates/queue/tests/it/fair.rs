//! Fair queues as AWS describes them, told in order: a tenant floods a standard queue, and what the
//! others send meanwhile goes first. The campaigns hold every rule against the reference.

mod dwell;

use crate::story::Story;

const FLOOD: u32 = 1;
const QUIET: u32 = 2;
const OTHER: u32 = 3;
const NOBODY: u32 = 0;

#[test]
fn nobody_is_noisy_before_consumers_have_worked() {
    let mut story = Story::begin();
    for tenant in [FLOOD, FLOOD, QUIET, NOBODY, FLOOD, OTHER] {
        story.send(tenant, 1);
    }
    let (tenants, _) = story.receive(10, 30_000);
    assert_eq!(tenants, [FLOOD, FLOOD, QUIET, NOBODY, FLOOD, OTHER]);
}

#[test]
fn thirty_in_flight_and_a_tenth_of_all_make_a_tenant_noisy() {
    let mut story = Story::begin();
    story.send(FLOOD, 100);
    story.send(QUIET, 3);
    // No time passes, so only numbers count: the flood's first 30 are in flight, then the quiet one's
    // turn has come.
    for _ in 0..3 {
        assert_eq!(story.receive(10, 30_000).0, [FLOOD; 10]);
    }
    let (tenants, _) = story.receive(5, 30_000);
    assert_eq!(tenants, [QUIET, QUIET, QUIET, FLOOD, FLOOD]);
    // What has no tenant is never held back.
    story.send(NOBODY, 1);
    assert_eq!(story.receive(1, 30_000).0, [NOBODY]);
}

#[test]
fn few_messages_that_take_long_make_a_tenant_noisy() {
    let mut story = Story::begin();
    story.send(FLOOD, 10);
    assert_eq!(story.receive(2, 600_000).0, [FLOOD, FLOOD]);
    story.send(QUIET, 2);
    story.now_ms += 29_999;
    assert_eq!(story.receive(1, 600_000).0, [FLOOD]);
    story.now_ms += 1;
    assert_eq!(story.receive(3, 600_000).0, [QUIET, QUIET, FLOOD]);
}

#[test]
fn the_first_ten_messages_of_a_backlog_tell_nothing() {
    let mut story = Story::begin();
    story.send(FLOOD, 20);
    assert_eq!(story.receive(10, 600_000).0, [FLOOD; 10]);
    story.send(QUIET, 1);
    story.now_ms += 1_000;
    // All that was in flight was the flood's, but it was only ten.
    assert_eq!(story.receive(1, 600_000).0, [FLOOD]);
    // One of eleven tells: less than a tenth of the time. Two of twelve: more.
    assert_eq!(story.receive(1, 600_000).0, [FLOOD]);
    assert_eq!(story.receive(2, 600_000).0, [QUIET, FLOOD]);
}

#[test]
fn a_noisy_tenant_gets_what_quiet_ones_leave_and_is_quiet_without_a_backlog() {
    let mut story = Story::begin();
    story.send(FLOOD, 17);
    let (_, mut held) = story.receive(10, 600_000);
    held.extend(story.receive(5, 600_000).1);
    story.send(QUIET, 1);
    story.now_ms += 50;
    // All capacity is the flood's while there is nobody else.
    let (tenants, more) = story.receive(10, 600_000);
    assert_eq!(tenants, [QUIET, FLOOD, FLOOD]);
    story.delete([held, more].concat());
    // Its backlog is gone: it begins anew.
    story.send(FLOOD, 1);
    story.send(QUIET, 1);
    assert_eq!(story.receive(2, 600_000).0, [FLOOD, QUIET]);
}

#[test]
fn what_comes_back_does_not_go_before_quiet_tenants() {
    let mut story = Story::begin();
    story.send(FLOOD, 16);
    assert_eq!(story.receive(10, 1_000).0, [FLOOD; 10]);
    assert_eq!(story.receive(5, 1_000).0, [FLOOD; 5]);
    story.now_ms += 500;
    story.send(QUIET, 1);
    story.now_ms += 500;
    // All are visible again, before the quiet one in order; but the flood had all of the time.
    assert_eq!(story.receive(3, 1_000).0, [QUIET, FLOOD, FLOOD]);
}

#[test]
fn of_noisy_tenants_the_one_with_fewest_in_flight_goes_first() {
    let mut story = Story::begin();
    story.send(FLOOD, 20);
    story.send(OTHER, 30);
    for _ in 0..2 {
        assert_eq!(story.receive(10, 600_000).0, [FLOOD; 10]);
    }
    story.send(FLOOD, 10);
    story.now_ms += 50;
    // Quiet, as far as its first ten messages tell.
    for _ in 0..2 {
        assert_eq!(story.receive(7, 600_000).0, [OTHER; 7]);
    }
    story.now_ms += 300;
    // Both are noisy now: the other one's turn, until it has more in flight.
    assert_eq!(
        story.receive(8, 600_000).0,
        [OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, FLOOD]
    );
}

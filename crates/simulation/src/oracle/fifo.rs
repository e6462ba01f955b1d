//! Order within FIFO message groups.

use std::collections::BTreeMap;

use super::{Rule, Violation};
use crate::history::{Message, QueueNumber, Received, Tag};

type Messages<'a> = BTreeMap<(QueueNumber, Tag), Message<'a>>;

/// A message whose sequence number is known.
struct Member<'m, 'a> {
    tag: u64,
    sequence: u128,
    message: &'m Message<'a>,
}

pub(super) fn check(messages: &Messages<'_>) -> Vec<Violation> {
    let mut groups: BTreeMap<(QueueNumber, &str), Vec<Member<'_, '_>>> = BTreeMap::new();
    for ((queue, tag), message) in messages {
        let sent = message.sends.iter().find_map(|sent| sent.group.as_deref());
        if let (Some(group), Some(sequence)) = (sent, message.sequence()) {
            groups.entry((*queue, group)).or_default().push(Member {
                tag: tag.0,
                sequence,
                message,
            });
        }
    }
    let mut violations = Vec::new();
    for ((queue, group), mut members) in groups {
        members.sort_by_key(|member| member.sequence);
        let found = sends_out_of_order(&members).chain(gave_out_of_order(&members));
        violations.extend(found.map(|(rule, text)| Violation {
            rule,
            text: format!("queue {queue}, group {group}: {text}"),
        }));
    }
    violations
}

/// A send that began after another was acknowledged has the higher number.
fn sends_out_of_order(members: &[Member<'_, '_>]) -> impl Iterator<Item = (Rule, String)> {
    let mut latest_begin: Option<(u64, u64)> = None;
    let mut found = Vec::new();
    for member in members {
        // Members come by sequence number: none may have been acknowledged before an earlier one
        // was first sent.
        if let (Some((tag, began_ms)), Some(acknowledged_ms)) =
            (latest_begin, member.message.acknowledged_ms())
            && acknowledged_ms < began_ms
        {
            let text = format!(
                "message {} was acknowledged at {acknowledged_ms} ms, message {tag} sent only at \
                 {began_ms} ms has a lower number",
                member.tag
            );
            found.push((Rule::Order, text));
        }
        let began_ms = member.message.first_attempt_ms().unwrap_or(0);
        if latest_begin.is_none_or(|(_, latest_ms)| latest_ms < began_ms) {
            latest_begin = Some((member.tag, began_ms));
        }
    }
    found.into_iter()
}

/// When a message is given, all before it have been deleted, or come before it in the same answer.
fn gave_out_of_order<'m>(
    members: &'m [Member<'_, '_>],
) -> impl Iterator<Item = (Rule, String)> + 'm {
    members.iter().enumerate().flat_map(|(position, member)| {
        let earlier = &members[..position];
        let receives = member.message.receives.iter();
        let receives = receives.filter(|received| !received.is_dead_letter());
        receives.filter_map(move |received| {
            let skipped = earlier.iter().find(|before| is_skipped(before, received))?;
            let text = format!(
                "message {} came at {} ms, message {} before it was not deleted",
                member.tag, received.during.ended_ms, skipped.tag
            );
            Some((Rule::Order, text))
        })
    })
}

fn is_skipped(before: &Member<'_, '_>, received: &Received) -> bool {
    let existed = before
        .message
        .existed_ms()
        .is_some_and(|at_ms| at_ms < received.during.began_ms);
    let may_be_deleted = before
        .message
        .may_be_deleted_ms()
        .is_some_and(|at_ms| at_ms <= received.during.ended_ms);
    let precedes = before
        .message
        .receives
        .iter()
        .any(|other| other.call == received.call && other.place < received.place);
    // A dead letter keeps nothing of its group from coming.
    existed && !may_be_deleted && !precedes && !before.message.has_died()
}

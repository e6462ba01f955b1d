//! Messages that are lost, invented or doubled.

use squorum_types::MessageId;

use super::{Rule, Rules, Violation};
use crate::history::{Message, QueueNumber, SendOutcome, Tag};

pub(super) fn check(
    (queue, Tag(tag)): (QueueNumber, Tag),
    message: &Message<'_>,
    rules: &Rules,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut violation = |rule, text: String| {
        let text = format!("message {tag} of queue {queue} {text}");
        violations.push(Violation { rule, text });
    };
    if let Some(received) = message.receives.first() {
        if message.sends.is_empty() {
            violation(Rule::Invented, "was never sent".to_owned());
        } else if message
            .sends
            .iter()
            .all(|sent| sent.outcome == SendOutcome::Refused)
        {
            let at_ms = received.during.ended_ms;
            violation(
                Rule::Invented,
                format!("came at {at_ms} ms, its send was refused"),
            );
        }
    }
    let mut ids = identities(message);
    ids.sort();
    ids.dedup();
    if ids.len() > 1 {
        violation(Rule::Duplicated, format!("has the identities {ids:?}"));
    }
    if rules.is_drained
        && let Some(at_ms) = message.existed_ms()
        && message.may_be_deleted_ms().is_none()
    {
        let received = message.receives.len();
        violation(
            Rule::Lost,
            format!("existed at {at_ms} ms, was received {received} times and never deleted"),
        );
    }
    violations
}

/// Id and sequence number, as each answer had them.
fn identities(message: &Message<'_>) -> Vec<(MessageId, Option<u128>)> {
    let sent = message.sends.iter().filter_map(|sent| match sent.outcome {
        SendOutcome::Acknowledged { id, sequence } => Some((id, sequence)),
        _ => None,
    });
    // A dead letter has another number in its queue.
    let received = message.receives.iter().map(|r| match r.is_dead_letter() {
        true => (r.id, message.sequence()),
        false => (r.id, r.sequence),
    });
    sent.chain(received).collect()
}
